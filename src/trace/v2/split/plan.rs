//! Generations in parts, so that threads can share one.

use super::checkpoint::Checkpoint;
use crate::trace::v2::order::frontier::Ordered;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A part of a generation.
#[derive(Clone, Copy)]
pub(crate) struct GenerationPart<'c> {
    /// Position of the generation.
    pub(crate) generation: usize,
    /// Where it begins; at the generation's start for none.
    pub(crate) from: Option<&'c Checkpoint>,
    /// Where it ends; at the generation's end for none.
    pub(crate) until: Option<&'c Checkpoint>,
}

impl GenerationPart<'_> {
    /// A generation as a whole.
    pub(crate) fn whole(generation: usize) -> Self {
        Self { generation, from: None, until: None }
    }
}

/// All parts in their order, by the cuts of each generation.
pub(crate) fn parts(cuts: &[Vec<Checkpoint>]) -> Vec<GenerationPart<'_>> {
    let mut parts = Vec::new();
    for (generation, cuts) in cuts.iter().enumerate() {
        let mut from = None;
        for until in cuts.iter().map(Some).chain([None]) {
            parts.push(GenerationPart { generation, from, until });
            from = until;
        }
    }
    parts
}

/// How many of a generation's parts count, each of which was ordered up to its cut or, where the generation was not as
/// the cut tells, to the generation's end.
pub(crate) fn used<'o>(mut parts: impl ExactSizeIterator<Item = &'o Ordered>) -> usize {
    let n = parts.len();
    parts.position(|ordered| !ordered.was_cut).map_or(n, |last| last + 1)
}

/// Least bytes that are worth a part of their own.
const MIN_PART: u64 = 1 << 19;
/// Most parts of a generation. Each cut takes memory for the generation's goroutines.
const MAX_PARTS: usize = 8;
/// Threads planned for.
const MAX_THREADS: usize = 256;
/// Looking ahead to a cut costs one of so many parts of ordering and measuring.
const LOOKAHEAD_SHARE: u64 = 12;

/// Into how many parts to cut generations of these sizes, so that threads finish soonest.
pub(crate) fn plan(sizes: &[u64], threads: usize) -> Vec<usize> {
    let threads = threads.clamp(1, MAX_THREADS);
    // Threads that wait do so at the end: no more generations than threads are worth a cut.
    let (first, last) = sizes.split_at(sizes.len().saturating_sub(threads));
    let mut busy = Busy(vec![Reverse(0); threads].into());
    for &size in first {
        busy.take(size);
    }
    let most = |size: u64| threads.min(MAX_PARTS).min((size / MIN_PART) as usize).max(1);
    let cut_from = |n: usize| last.iter().enumerate().map(move |(i, &size)| if i < n { 1 } else { most(size) });
    let plans = (0..=last.len()).rev().map(|n| cut_from(n).collect::<Vec<_>>());
    let best = plans.min_by_key(|parts| busy.clone().finish(last, parts));
    first.iter().map(|_| 1).chain(best.unwrap_or_default()).collect()
}

/// Until when each thread is busy, where each piece goes to whoever is free first.
#[derive(Clone)]
struct Busy(BinaryHeap<Reverse<u64>>);

impl Busy {
    fn take(&mut self, size: u64) {
        if let Some(mut first) = self.0.peek_mut() {
            first.0 += size;
        }
    }

    /// When all threads are done that take these generations in parts, too.
    fn finish(mut self, sizes: &[u64], parts: &[usize]) -> u64 {
        let mut ahead = 0;
        for (size, &n) in sizes.iter().zip(parts) {
            let part = size / n as u64;
            ahead += part * (n as u64 - 1) / LOOKAHEAD_SHARE;
            (0..n).for_each(|_| self.take(part));
        }
        let Self(busy) = self;
        ahead / busy.len() as u64 + busy.into_iter().map(|Reverse(until)| until).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_cut_where_threads_would_wait() {
        let mb = |sizes: &[u64]| sizes.iter().map(|size| size << 20).collect::<Vec<_>>();
        assert_eq!(plan(&mb(&[20]), 1), [1]);
        assert_eq!(plan(&mb(&[20]), 2), [2]);
        assert_eq!(plan(&mb(&[20]), 4), [4]);
        assert_eq!(plan(&mb(&[20]), 64), [MAX_PARTS]);
        assert_eq!(plan(&mb(&[50, 50]), 2), [1, 1]);
        assert_eq!(plan(&mb(&[52, 53, 54, 53, 8]), 2), [1, 1, 1, 1, 2]);
        assert_eq!(plan(&mb(&[50, 50, 50]), 2), [1, 1, 2]);
        // What is small takes no time worth a cut.
        assert_eq!(plan(&[MIN_PART], 8), [1]);
        assert_eq!(plan(&[], 2), [0; 0]);
    }
}
