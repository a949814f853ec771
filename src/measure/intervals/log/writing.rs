//! Writes a log, takes other logs over, and drops what no request needs any more.

use super::chunk::{CHUNK, Chunk, ChunkLink, IntervalEnd, IntervalLogMemory, SumMap};
use super::known_goroutines::KnownGoroutines;
use super::link::Link;
use crate::measure::intervals::aggregate::SumIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The interval ends that are kept.
#[derive(Default, Debug)]
pub(crate) struct IntervalLog {
    /// Written here; in order of time.
    pub(super) written: Vec<Chunk>,
    /// Taken over from other logs; in order of time too.
    pub(super) absorbed: Vec<Chunk>,
    /// Goroutines that are older than the generation which first names them, and when that began; in order of time too.
    pub(super) older: Vec<Chunk>,
    /// The sums of intervals whose time CPU samples split; each list once.
    pub(crate) splits: Vec<Arc<[SumIdx]>>,
    split_of: FxHashMap<Arc<[SumIdx]>, SumIdx>,
    pub(super) n_ends: usize,
    pub(super) memory: IntervalLogMemory,
    /// What condensing needs; kept, as the memory is large.
    pub(super) known: KnownGoroutines,
}

/// Appends an interval end to chunks whose sums are those of the writer.
// Inlined: once for every interval, and the call cost as much.
#[inline(always)]
pub(super) fn push(chunks: &mut Vec<Chunk>, memory: &IntervalLogMemory, time: Time, g: GIdx, sum: SumIdx) {
    if let Some(chunk) = chunks.last_mut() {
        let after = time.0.wrapping_sub(chunk.base.0) as u64;
        let room = chunk.ends.capacity().min(CHUNK);
        if after < u64::from(IntervalEnd::HAS_LINK) && chunk.ends.len() < room && chunk.sum_map.is_none() {
            chunk.ends.push(IntervalEnd { ns_and_link: after as u32, g, sum });
            return;
        }
    }
    push_chunk(chunks, memory, time, IntervalEnd { ns_and_link: 0, g, sum });
}

#[cold]
fn push_chunk(chunks: &mut Vec<Chunk>, memory: &IntervalLogMemory, base: Time, first: IntervalEnd) {
    // Where the last chunk got few interval ends in its 2 s, the next one will not get many either.
    let likely = chunks.last().map_or(CHUNK, |chunk| 4 * chunk.ends.len());
    let mut chunk = if likely < CHUNK { Chunk::small(base, likely) } else { memory.take(base) };
    chunk.ends.push(first);
    chunks.push(chunk);
}

impl IntervalLog {
    /// An empty log.
    pub(crate) fn new(memory: IntervalLogMemory) -> Self {
        Self { memory, ..Self::default() }
    }

    /// The memory for further chunks.
    pub(crate) fn memory(&self) -> IntervalLogMemory {
        self.memory.clone()
    }

    /// Number of interval ends that are kept.
    pub(crate) fn len(&self) -> usize {
        self.n_ends
    }

    /// The interval of `g` that is counted in `sum` ends at `time`.
    // Inlined: once for every interval, and the call cost as much.
    #[inline(always)]
    pub(crate) fn push(&mut self, time: Time, g: GIdx, sum: SumIdx) {
        self.n_ends += 1;
        push(&mut self.written, &self.memory, time, g, sum);
    }

    /// Says who started the interval of `g` that begins at `time`; must follow the [`IntervalLog::push`] of that moment.
    /// Where no interval ended there, as the one before took no time, the link is dropped.
    // Inlined: once for every wait, and the call cost as much.
    #[inline(always)]
    pub(crate) fn link(&mut self, time: Time, g: GIdx, link: Link) {
        if let Some(chunk) = self.written.last_mut() {
            chunk.link_last(link, |end, whose| whose == g && end == time);
        }
    }

    /// Goroutine `g` is older than the generation that first names it, which begins at `since`.
    pub(crate) fn push_older(&mut self, since: Time, g: GIdx) {
        self.n_ends += 1;
        push(&mut self.older, &self.memory, since, g, SumIdx::NOT_CREATED);
    }

    /// What stands for an interval whose time is split equally over several sums.
    pub(crate) fn add_split(&mut self, sums: Vec<SumIdx>) -> SumIdx {
        let sums: Arc<[SumIdx]> = sums.into();
        let next = SumIdx::of_split(self.splits.len());
        let split = *self.split_of.entry(Arc::clone(&sums)).or_insert(next);
        if split == next {
            self.splits.push(sums);
        }
        split
    }

    /// Forgets all, to be used again.
    pub(crate) fn clear(&mut self) {
        for chunks in [&mut self.written, &mut self.absorbed, &mut self.older] {
            self.memory.give_back(chunks.drain(..));
        }
        self.clear_splits();
        self.n_ends = 0;
    }

    fn clear_splits(&mut self) {
        self.splits.clear();
        self.split_of.clear();
    }

    /// Takes over what `other` wrote, all of it later than what was taken over before; `sums` are its sums as ours.
    /// `other` is empty then. Gives how to read its sums.
    pub(crate) fn absorb(&mut self, other: &mut Self, sums: Vec<SumIdx>) -> Arc<SumMap> {
        let ours = |sum: SumIdx| sums.get(sum.at()).copied().unwrap_or(sum);
        let splits = other.splits.iter().map(|list| self.add_split(list.iter().copied().map(ours).collect())).collect();
        other.clear_splits();
        let map = Arc::new(SumMap { sums, splits });
        for chunk in other.written.drain(..) {
            if chunk.ends.len() >= CHUNK / 4 {
                self.absorbed.push(Chunk { sum_map: Some(Arc::clone(&map)), ..chunk });
            } else {
                self.copy(&chunk, &map);
                other.memory.give_back(std::iter::once(chunk));
            }
        }
        self.n_ends += std::mem::take(&mut other.n_ends);
        map
    }

    /// Copies a chunk's interval ends one by one: short generations must not keep a large chunk each.
    fn copy(&mut self, chunk: &Chunk, map: &SumMap) {
        let mut links = chunk.links.iter().peekable();
        for (i, end) in chunk.ends.iter().enumerate() {
            let time = chunk.base + i64::from(end.ns_after_base());
            push(&mut self.absorbed, &self.memory, time, end.g, map.map(end.sum));
            while let Some(&ChunkLink { kind, by, stack, .. }) = links.next_if(|link| usize::from(link.position) == i) {
                if let Some(to) = self.absorbed.last_mut() {
                    to.link_last(Link { by, stack, kind }, |_, _| true);
                }
            }
        }
    }

    /// Drops chunks that end before `cutoff`: no path needs them that starts at `cutoff` or later.
    pub(crate) fn drop_before(&mut self, cutoff: Time) {
        for chunks in [&mut self.written, &mut self.absorbed, &mut self.older] {
            let dropped = chunks.partition_point(|chunk| chunk.latest() < cutoff);
            self.n_ends -= chunks[..dropped].iter().map(|chunk| chunk.ends.len()).sum::<usize>();
            self.memory.give_back(chunks.drain(..dropped));
        }
    }
}
