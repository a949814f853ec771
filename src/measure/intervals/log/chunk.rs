//! The memory of a log: chunks of interval ends and links, and the store of chunks to be used again.

use super::link::{Link, LinkKind};
use crate::measure::intervals::aggregate::SumIdx;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::Time;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A moment at which a goroutine's interval ends and the next one starts. 12 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct IntervalEnd {
    /// Nanoseconds after the chunk's base, below 2^31; and [`IntervalEnd::HAS_LINK`].
    pub(super) ns_and_link: u32,
    /// Whose interval.
    pub(super) g: GIdx,
    /// What the interval that ends is counted in; [`SumIdx::NOT_CREATED`] or [`SumIdx::ENDED`] where there is none.
    pub(super) sum: SumIdx,
}

impl IntervalEnd {
    /// The chunk has a link for the interval that starts here.
    pub(super) const HAS_LINK: u32 = 1 << 31;

    /// Nanoseconds after the chunk's base.
    #[inline]
    pub(super) fn ns_after_base(self) -> u32 {
        self.ns_and_link & !Self::HAS_LINK
    }
}

/// The link of one interval end of a chunk. 12 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkLink {
    /// Position of the interval end in its chunk.
    pub(super) position: u16,
    pub(super) kind: LinkKind,
    pub(super) by: GIdx,
    pub(super) stack: StackIdx,
}

/// Interval ends of a chunk: as many as stay in a core's own cache; in tests so few that short traces have many chunks.
pub(super) const CHUNK: usize = if cfg!(test) { 1 << 6 } else { 1 << 15 };
/// Interval ends of the first chunk of a small trace's log. The next ones have twice as many, up to a chunk.
pub(super) const FIRST_CHUNK: usize = CHUNK / 16;

/// Interval ends that follow each other, of at most 2 s (2^31 ns), and as many as it has room for.
#[derive(Default, Debug)]
pub(super) struct Chunk {
    pub(super) base: Time,
    pub(super) ends: Vec<IntervalEnd>,
    /// In the order of `ends`.
    pub(super) links: Vec<ChunkLink>,
    /// How to read the sums, where another log wrote the chunk; none where they are the reader's own.
    pub(super) sum_map: Option<Arc<SumMap>>,
    /// Whether it has the first interval end of each goroutine alone: see `condensing`.
    pub(super) is_condensed: bool,
}

impl Chunk {
    /// A chunk with room for few interval ends.
    pub(super) fn small(base: Time, n_ends: usize) -> Self {
        Self { base, ends: Vec::with_capacity(n_ends), links: Vec::new(), sum_map: None, is_condensed: false }
    }

    fn cleared(mut self) -> Self {
        self.ends.clear();
        self.links.clear();
        (self.sum_map, self.is_condensed) = (None, false);
        self
    }

    /// The time of the last interval end; the base where there is none.
    pub(super) fn latest(&self) -> Time {
        self.ends.last().map_or(self.base, |end| self.base + i64::from(end.ns_after_base()))
    }

    /// Adds an interval end, whose sum is one of the log that writes. Gives false, with nothing changed, if it is too late, or
    /// there is no room.
    // Inlined: once for every interval, and the call cost as much.
    #[inline(always)]
    pub(super) fn push(&mut self, time: Time, g: GIdx, sum: SumIdx) -> bool {
        let after = time.0.wrapping_sub(self.base.0) as u64;
        let has_room = after < u64::from(IntervalEnd::HAS_LINK) && self.ends.len() < self.ends.capacity();
        if has_room {
            self.ends.push(IntervalEnd { ns_and_link: after as u32, g, sum });
        }
        has_room
    }

    /// Adds the link of the last interval end, if `is_meant` says so of its time and goroutine.
    // Inlined: once for every wait, and the call cost as much.
    #[inline(always)]
    pub(super) fn link_last(&mut self, Link { by, stack, kind }: Link, is_meant: impl FnOnce(Time, GIdx) -> bool) {
        let position = self.ends.len().wrapping_sub(1);
        if let Some(last) = self.ends.get_mut(position)
            && is_meant(self.base + i64::from(last.ns_after_base()), last.g)
        {
            last.ns_and_link |= IntervalEnd::HAS_LINK;
            self.links.push(ChunkLink { position: position as u16, kind, by, stack });
        }
    }
}

/// The sums of one log as those of another.
#[derive(Debug)]
pub(crate) struct SumMap {
    pub(crate) sums: Vec<SumIdx>,
    /// By position of the list of sums, see [`SumIdx::split`].
    pub(crate) splits: Vec<SumIdx>,
}

impl SumMap {
    #[inline]
    pub(super) fn map(&self, sum: SumIdx) -> SumIdx {
        // Indexes that stand for lists, or for no interval, are beyond all positions.
        match self.sums.get(sum.at()) {
            Some(&mapped) => mapped,
            None => sum.split().map_or(sum, |position| self.splits[position]),
        }
    }
}

/// Chunks that were used and are empty again, shared by all logs of a trace: memory that was touched before costs less
/// than new memory.
#[derive(Clone, Default, Debug)]
pub(crate) struct IntervalLogMemory {
    chunks: Arc<Mutex<Vec<Chunk>>>,
    /// Whether logs are likely short.
    pub(super) is_of_small: bool,
}

/// A trace of at most so many goroutines is small.
const FEW_GOROUTINES: usize = 1 << 12;

impl IntervalLogMemory {
    /// For a trace of so many goroutines. Of very many small traces each thread would touch all of a few large chunks, sooner or
    /// later; in a large one, small chunks leave gaps.
    pub(crate) fn of_trace(n_goroutines: usize) -> Self {
        Self { chunks: Arc::default(), is_of_small: n_goroutines <= FEW_GOROUTINES }
    }

    fn chunks(&self) -> MutexGuard<'_, Vec<Chunk>> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty chunk of full size.
    pub(super) fn take(&self, base: Time) -> Chunk {
        // What is not used of it is never touched; growing would copy.
        let new = || {
            let (ends, links) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
            Chunk { base, ends, links, sum_map: None, is_condensed: false }
        };
        let chunk = self.chunks().pop();
        chunk.map_or_else(new, |chunk| Chunk { base, ..chunk })
    }

    /// Gives all of it back.
    pub(super) fn give_up(&self) {
        *self.chunks() = Vec::new();
    }

    /// Keeps chunks of full size for [`IntervalLogMemory::take`].
    pub(super) fn give_back(&self, chunks: impl Iterator<Item = Chunk>) {
        self.chunks().extend(chunks.filter(|chunk| chunk.ends.capacity() >= CHUNK).map(Chunk::cleared));
    }
}
