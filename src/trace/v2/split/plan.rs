//! Step 1: into how many parts each generation is split, and at which times.

use crate::trace::time::Time;
use crate::trace::v2::batch::{BatchKind, GenerationIndex};
use crate::trace::v2::clock::Clock;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Least bytes of a part: less is not worth a checkpoint.
const MIN_PART: u64 = 1 << 19;
/// Bytes of a part where the number of threads does not matter.
const PART: u64 = 8 << 20;
/// Most parts of a generation. Each checkpoint takes memory for the generation's goroutines.
const MAX_PARTS: usize = 8;
/// Most threads planned for.
const MAX_THREADS: usize = 256;
/// Predicting a checkpoint costs this fraction (one twelfth) of ordering and measuring the events before it.
const PREDICTION_SHARE: u64 = 12;
/// Later bytes hold a twelfth fewer events, since ids grow: of `n` equal parts, each next one costs `1 / (12 n)` less.
/// Comparing the state with a checkpoint counts in, too.
const FEWER_EVENTS: u128 = 12;

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

    /// Splits generations of these sizes, in bytes, into parts of about [`PART`] bytes, for whatever number of threads.
    pub(crate) fn by_size(sizes: &[u64]) -> Self {
        Self { n_parts: sizes.iter().map(|size| ((size / PART) as usize).clamp(1, MAX_PARTS)).collect() }
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

/// Times of batches that split a generation into `n` parts of about the same cost.
fn split_times(index: &GenerationIndex, clock: Clock, n: usize) -> Vec<Time> {
    let events = index.batches.iter().filter(|batch| batch.kind == BatchKind::Events);
    let mut batches: Vec<(u64, u64)> = events.map(|batch| (batch.time, u64::from(batch.size))).collect();
    batches.sort_unstable();
    let all: u64 = batches.iter().map(|(_, size)| size).sum();
    // Bytes before a part, in units of all bytes / (2 * FEWER_EVENTS * n * n): a bit less than an equal share.
    let n = n as u128;
    let share = |part: u128| part * (2 * FEWER_EVENTS * n - (n - part));
    let (mut split_times, mut before) = (Vec::new(), 0);
    for (ticks, size) in batches {
        let part = split_times.len() as u128 + 1;
        if part < n && u128::from(before) * (2 * FEWER_EVENTS * n * n) >= u128::from(all) * share(part) {
            split_times.push(clock.time(ticks));
        }
        before += size;
    }
    split_times.dedup();
    // Damaged times are capped at `Time::MAX`, which is no time that can be before an event.
    split_times.retain(|time| *time < Time::MAX);
    split_times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::v2::batch::BatchRef;

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
        assert_eq!(Plan::by_size(&mb(&[1, 8, 15, 16, 40, 500])).n_parts, [1, 1, 1, 2, 5, MAX_PARTS]);
    }

    #[test]
    fn split_times_are_those_of_batches_at_equal_shares() {
        let batch = |time, size, kind| BatchRef { offset: 0, time, size, thread: 0, kind };
        let batches = vec![
            batch(40, 100, BatchKind::Events),
            batch(10, 100, BatchKind::Events),
            batch(15, 10_000, BatchKind::Stacks),
            batch(20, 100, BatchKind::Events),
            batch(30, 100, BatchKind::Events),
        ];
        let index = GenerationIndex::of_one_thread(batches, 10);
        let clock = Clock::new(1_000_000_000);
        let at = |n| Plan::equal(1, n).split_times(0, &index, clock).iter().map(|time| time.0).collect::<Vec<_>>();
        assert_eq!(at(1), [0; 0]);
        assert_eq!(at(2), [30]);
        assert_eq!(at(4), [20, 30, 40]);
        // At most one for each batch.
        assert_eq!(at(9), [20, 30, 40]);
    }
}
