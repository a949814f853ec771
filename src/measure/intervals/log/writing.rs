//! Writes a log, takes other logs over, and drops what no request needs any more.

use super::chunk::{CHUNK, Chunk, ChunkLink, FIRST_CHUNK, IntervalEnd, IntervalLogMemory, SumMap};
use super::link::Link;
use crate::measure::intervals::aggregate::SumIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use fixedbitset::FixedBitSet;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The interval ends that are kept.
#[derive(Default, Debug)]
pub(crate) struct IntervalLog {
    /// The chunk that is being written, later than all of `written`; empty where there is none.
    // It stands here, and not last in `written`, as it is looked for once for every interval.
    pub(super) open: Chunk,
    /// Written here before; in order of time.
    pub(super) written: Vec<Chunk>,
    /// Taken over from other logs; in order of time too.
    pub(super) absorbed: Vec<Chunk>,
    /// Goroutines that are older than the generation which first names them, and when that began; in order of time too.
    pub(super) older: Vec<Chunk>,
    /// The sums of intervals whose time CPU samples split; each list once.
    pub(crate) splits: Vec<Arc<[SumIdx]>>,
    split_of: FxHashMap<Arc<[SumIdx]>, SumIdx>,
    /// How many there are outside of `open`.
    pub(super) n_closed: usize,
    pub(super) memory: IntervalLogMemory,
    /// While it is condensed, the goroutines that have an interval end in what is kept; empty else. Kept, as the memory is
    /// large.
    pub(super) condensed: FixedBitSet,
}

/// Appends an interval end to chunks, unless the last one has another log's sums or no room: then to a new one.
pub(super) fn push(chunks: &mut Vec<Chunk>, memory: &IntervalLogMemory, time: Time, g: GIdx, sum: SumIdx) {
    let last = chunks.last_mut().filter(|chunk| chunk.sum_map.is_none());
    if !last.is_some_and(|chunk| chunk.push(time, g, sum)) {
        let new = following(chunks.last(), memory, time, g, sum);
        chunks.push(new);
    }
}

/// Whether a chunk is taken over from another log as it is: it has enough interval ends, for all chunks and for its own memory.
fn is_worth_keeping(chunk: &Chunk, is_of_small: bool) -> bool {
    let n = chunk.ends.len();
    n >= CHUNK / 4 || is_of_small && n >= FIRST_CHUNK && n >= chunk.ends.capacity() / 2
}

/// A chunk after another one, with its first interval end.
#[cold]
fn following(last: Option<&Chunk>, memory: &IntervalLogMemory, base: Time, g: GIdx, sum: SumIdx) -> Chunk {
    // Where the last chunk got few interval ends in its 2 s, the next one will not get many either.
    let (first, times) = if memory.is_of_small { (FIRST_CHUNK, 2) } else { (CHUNK, 4) };
    let likely = last.map_or(first, |chunk| times * chunk.ends.len());
    let mut chunk = if likely < CHUNK { Chunk::small(base, likely) } else { memory.take(base) };
    chunk.ends.push(IntervalEnd { ns_and_link: 0, g, sum });
    chunk
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

    /// How many of them are from `since` on, or in one chunk with such ones.
    pub(crate) fn len_since(&self, since: Time) -> usize {
        let of_all = [&self.written, &self.absorbed, &self.older].into_iter();
        let late = of_all.flat_map(|chunks| &chunks[chunks.partition_point(|chunk| chunk.latest() < since)..]);
        late.map(|chunk| chunk.ends.len()).sum::<usize>() + self.open.ends.len()
    }

    /// Number of interval ends that are kept.
    pub(crate) fn len(&self) -> usize {
        self.n_closed + self.open.ends.len()
    }

    /// The interval of `g` that is counted in `sum` ends at `time`.
    // Inlined: once for every interval, and the call cost as much.
    #[inline(always)]
    pub(crate) fn push(&mut self, time: Time, g: GIdx, sum: SumIdx) {
        if !self.open.push(time, g, sum) {
            self.push_to_next(time, g, sum);
        }
    }

    /// The open chunk has no room.
    #[cold]
    fn push_to_next(&mut self, time: Time, g: GIdx, sum: SumIdx) {
        let last = Some(&self.open).filter(|open| !open.ends.is_empty());
        let next = following(last, &self.memory, time, g, sum);
        self.close_chunk();
        self.open = next;
    }

    /// What was written so far is in closed chunks then.
    fn close_chunk(&mut self) {
        let closed = std::mem::take(&mut self.open);
        self.n_closed += closed.ends.len();
        self.written.extend(Some(closed).filter(|chunk| !chunk.ends.is_empty()));
    }

    /// Says who started the interval of `g` that begins at `time`; must follow the [`IntervalLog::push`] of that moment.
    /// Where no interval ended there, as the one before took no time, the link is dropped.
    // Inlined: once for every wait, and the call cost as much.
    #[inline(always)]
    pub(crate) fn link(&mut self, time: Time, g: GIdx, link: Link) {
        self.open.link_last(link, |end, whose| whose == g && end == time);
    }

    /// Goroutine `g` is older than the generation that first names it, which begins at `since`.
    pub(crate) fn push_older(&mut self, since: Time, g: GIdx) {
        self.n_closed += 1;
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
        self.close_chunk();
        for chunks in [&mut self.written, &mut self.absorbed, &mut self.older] {
            self.memory.give_back(chunks.drain(..));
        }
        self.clear_splits();
        self.n_closed = 0;
    }

    /// Gives its memory back, and that for further chunks of all logs of the trace: nothing is written any more.
    pub(crate) fn give_up(self) {
        let memory = self.memory();
        drop(self);
        memory.give_up();
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
        other.close_chunk();
        for chunk in other.written.drain(..) {
            if is_worth_keeping(&chunk, self.memory.is_of_small) {
                self.absorbed.push(Chunk { sum_map: Some(Arc::clone(&map)), ..chunk });
            } else {
                self.copy(&chunk, &map);
                other.memory.give_back(std::iter::once(chunk));
            }
        }
        self.n_closed += std::mem::take(&mut other.n_closed);
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
        if self.open.latest() < cutoff {
            self.close_chunk();
        }
        for chunks in [&mut self.written, &mut self.absorbed, &mut self.older] {
            let dropped = chunks.partition_point(|chunk| chunk.latest() < cutoff);
            self.n_closed -= chunks[..dropped].iter().map(|chunk| chunk.ends.len()).sum::<usize>();
            self.memory.give_back(chunks.drain(..dropped));
        }
    }
}
