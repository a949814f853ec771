//! Step 1: into how many parts each generation is split, and at which times.

use crate::trace::time::Time;
use crate::trace::v2::batch::{BatchKind, BatchRef, GenerationIndex};
use crate::trace::v2::clock::Clock;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Least bytes of a part: less is not worth a checkpoint.
const MIN_PART: u64 = 1 << 19;
/// Where the number of threads does not matter: least bytes of a part, and from how many generations on none is split.
const PART: u64 = 4 << 20;
const FEW_GENERATIONS: usize = 4;
/// Most parts of a generation. Each checkpoint takes memory for the generation's goroutines.
const MAX_PARTS: usize = 8;
/// Most threads planned for.
const MAX_THREADS: usize = 256;
/// Predicting a checkpoint costs this fraction (one twelfth) of ordering and measuring the events before it.
const PREDICTION_SHARE: u64 = 12;
/// Later bytes hold a twelfth fewer events, since ids grow: of `n` equal parts, each next one costs `1 / (12 n)` less.
/// Comparing the state with a checkpoint counts in, too.
const FEWER_EVENTS: f64 = 12.0;

/// Most batches that are told apart to find where a generation is split: each is looked at a few hundred times.
const MAX_SPANS: usize = 1 << 12;

/// Into how many parts each generation of a trace is split.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    n_parts: Vec<usize>,
}

impl Plan {
    /// Splits generations of these sizes, in bytes, so that threads finish soonest.
    pub(crate) fn new(sizes: &[u64], threads: usize) -> Self {
        let threads = threads.clamp(1, MAX_THREADS);
        // Threads idle only at the end: splitting more generations than there are threads gains nothing.
        let (first, last) = sizes.split_at(sizes.len().saturating_sub(threads));
        let mut busy = BusyThreads(vec![Reverse(0); threads].into());
        for &size in first {
            busy.add(size);
        }
        let most = |size: u64| threads.min(MAX_PARTS).min((size / MIN_PART) as usize).max(1);
        let split_from = |n: usize| last.iter().enumerate().map(move |(i, &size)| if i < n { 1 } else { most(size) });
        let candidates = (0..=last.len()).rev().map(|n| split_from(n).collect::<Vec<_>>());
        let best = candidates.min_by_key(|n_parts| busy.clone().finish(last, n_parts));
        Self { n_parts: first.iter().map(|_| 1).chain(best.unwrap_or_default()).collect() }
    }

    /// Splits generations of these sizes, in bytes, where they are few, for whatever number of threads: each part of a
    /// generation costs time and memory of its own.
    pub(crate) fn for_any_threads(sizes: &[u64]) -> Self {
        let wanted = if sizes.len() < FEW_GENERATIONS { MAX_PARTS / sizes.len().max(1) } else { 1 };
        Self { n_parts: sizes.iter().map(|size| ((size / PART) as usize).clamp(1, wanted)).collect() }
    }

    /// Splits each generation into this many parts.
    #[cfg(test)]
    pub(crate) fn equal(n_generations: usize, n_parts: usize) -> Self {
        Self { n_parts: vec![n_parts; n_generations] }
    }

    /// The times at which to split a generation of this position, index and clock: ascending, at most one less than
    /// parts, and fewer if the generation has few batches. None for a generation that stays whole.
    pub(crate) fn split_times(&self, generation: usize, index: &GenerationIndex, clock: Clock) -> Vec<Time> {
        match self.n_parts[generation] {
            ..=1 => Vec::new(),
            n => split_times(index, clock, n),
        }
    }
}

/// When each thread is done, in bytes, if each piece of work goes to the thread that is free first.
#[derive(Clone)]
struct BusyThreads(BinaryHeap<Reverse<u64>>);

impl BusyThreads {
    fn add(&mut self, size: u64) {
        if let Some(mut first) = self.0.peek_mut() {
            first.0 += size;
        }
    }

    /// When the last thread is done, if these generations follow in this many parts each.
    fn finish(mut self, sizes: &[u64], n_parts: &[usize]) -> u64 {
        let mut predicting = 0;
        for (size, &n) in sizes.iter().zip(n_parts) {
            let part = size / n as u64;
            predicting += part * (n as u64 - 1) / PREDICTION_SHARE;
            (0..n).for_each(|_| self.add(part));
        }
        let Self(busy) = self;
        predicting / busy.len() as u64 + busy.into_iter().map(|Reverse(done)| done).max().unwrap_or_default()
    }
}

/// Times that split a generation into `n` parts of about the same cost.
fn split_times(index: &GenerationIndex, clock: Clock, n: usize) -> Vec<Time> {
    let spans = BatchSpan::all(index);
    let before = |ticks: u64| spans.iter().map(|span| span.bytes_before(ticks)).sum::<f64>();
    let (first, last, all) = (index.min_time, index.max_time, before(u64::MAX));
    let parts = n as f64;
    // A bit less than an equal share.
    let share = |part: f64| part / parts * (1.0 - (parts - part) / (2.0 * FEWER_EVENTS * parts));
    let at = |part: usize| {
        let wanted = all * share(part as f64);
        let (mut from, mut until) = (first, last);
        while from < until {
            let middle = from + (until - from) / 2;
            if before(middle) < wanted {
                from = middle + 1;
            } else {
                until = middle;
            }
        }
        from
    };
    let mut split_times: Vec<Time> = (1..n).map(at).filter(|at| *at > first).map(|at| clock.time(at)).collect();
    split_times.dedup();
    // Damaged times are capped at `Time::MAX`, which is no time that can be before an event.
    split_times.retain(|time| *time < Time::MAX);
    split_times
}

/// When the events of a batch were, in ticks: from its own time to that of the thread's next batch. Where a generation has
/// hundreds of threads, each has few batches, and most bytes of those that begin before a time are after it.
struct BatchSpan {
    from: u64,
    until: u64,
    size: f64,
}

impl BatchSpan {
    /// Of all batches with events.
    fn all(index: &GenerationIndex) -> Vec<Self> {
        let mut next = vec![index.max_time; index.threads.len()];
        let events = index.batches.iter().rev().filter(|batch| batch.kind == BatchKind::Events);
        let span = |batch: &BatchRef| {
            let until =
                next.get_mut(batch.thread as usize).map_or(index.max_time, |next| std::mem::replace(next, batch.time));
            Self { from: batch.time, until: until.max(batch.time), size: f64::from(batch.size) }
        };
        let spans: Vec<Self> = events.map(span).collect();
        spans.chunks(spans.len().div_ceil(MAX_SPANS).max(1)).map(Self::joined).collect()
    }

    /// Batches that follow each other as one.
    fn joined(batches: &[Self]) -> Self {
        Self {
            from: batches.iter().map(|batch| batch.from).min().unwrap_or_default(),
            until: batches.iter().map(|batch| batch.until).max().unwrap_or_default(),
            size: batches.iter().map(|batch| batch.size).sum(),
        }
    }

    /// How many of its bytes are before a time, if they are spread evenly.
    fn bytes_before(&self, ticks: u64) -> f64 {
        match ticks {
            _ if ticks <= self.from => 0.0,
            _ if ticks >= self.until => self.size,
            _ => self.size * ((ticks - self.from) as f64 / (self.until - self.from) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::v2::batch::ThreadId;

    #[test]
    fn generations_are_split_where_threads_would_idle() {
        let mb = |sizes: &[u64]| sizes.iter().map(|size| size << 20).collect::<Vec<_>>();
        let plan = |sizes: &[u64], threads| Plan::new(sizes, threads).n_parts;
        assert_eq!(plan(&mb(&[20]), 1), [1]);
        assert_eq!(plan(&mb(&[20]), 2), [2]);
        assert_eq!(plan(&mb(&[20]), 4), [4]);
        assert_eq!(plan(&mb(&[20]), 64), [MAX_PARTS]);
        assert_eq!(plan(&mb(&[50, 50]), 2), [1, 1]);
        assert_eq!(plan(&mb(&[52, 53, 54, 53, 8]), 2), [1, 1, 1, 1, 2]);
        assert_eq!(plan(&mb(&[50, 50, 50]), 2), [1, 1, 2]);
        // A small generation stays whole.
        assert_eq!(plan(&[MIN_PART], 8), [1]);
        assert_eq!(plan(&[], 2), [0; 0]);
        let plan = |sizes: &[u64]| Plan::for_any_threads(&mb(sizes)).n_parts;
        assert_eq!([plan(&[3]), plan(&[8]), plan(&[20]), plan(&[500])], [[1], [2], [5], [8]]);
        assert_eq!((plan(&[]), plan(&[7, 8]), plan(&[50, 50, 50])), (vec![], vec![1, 2], vec![2, 2, 2]));
        assert_eq!(plan(&[50; 4]), [1; 4]);
    }

    /// The split times of a generation of threads whose batches, in the order of the file, have these times; it ends at
    /// `end`.
    fn split(threads: &[&[u64]], end: u64, n: usize) -> Vec<i64> {
        let batch = |thread: usize, time: u64, kind| {
            let size = if kind == BatchKind::Events { 100 } else { 10_000 };
            BatchRef { offset: 0, time, size, thread: thread as u32, kind }
        };
        let events = threads.iter().enumerate();
        let events = events.flat_map(|(thread, times)| times.iter().map(move |&time| (thread, time)));
        let mut batches: Vec<BatchRef> = events.map(|(thread, time)| batch(thread, time, BatchKind::Events)).collect();
        batches.push(batch(0, 15, BatchKind::Stacks));
        let mut index = GenerationIndex::of_one_thread(batches, 10);
        index.max_time = end;
        index.threads = (0..threads.len() as u64).map(ThreadId).collect();
        split_times(&index, Clock::new(1_000_000_000), n).iter().map(|time| time.0).collect()
    }

    #[test]
    fn split_times_leave_equal_shares() {
        let thread: Vec<u64> = (10..110).step_by(10).collect();
        assert_eq!(split(&[&thread], 110, 1), [0; 0]);
        // Nearly half of the bytes, as later ones hold fewer events.
        assert_eq!(split(&[&thread], 110, 2), [59]);
        assert_eq!(split(&[&thread], 110, 4), [35, 59, 85]);
        // What is at one time is in one part.
        assert_eq!(split(&[&[10], &[10], &[10]], 10, 4), [0; 0]);
    }

    #[test]
    fn very_many_batches_are_split_at_equal_shares_too() {
        let batch = |i: u64| BatchRef { offset: 0, time: 10 * i, size: 10, thread: 0, kind: BatchKind::Events };
        let mut index = GenerationIndex::of_one_thread((0..100_000).map(batch).collect(), 0);
        index.max_time = 1_000_000;
        let times = Plan::equal(1, 2).split_times(0, &index, Clock::new(1_000_000_000));
        assert!(matches!(times[..], [Time(460_000..500_000)]), "{times:?}");
    }

    #[test]
    fn split_times_are_where_events_are_and_not_where_batches_begin() {
        assert_eq!(split(&[&[10_u64][..]; 100], 1010, 4), [253, 500, 753]);
        // Half of the bytes in the last fifth.
        assert_eq!(split(&[&[10_u64, 810][..]; 100], 1010, 4), [398, 794, 907]);
    }
}
