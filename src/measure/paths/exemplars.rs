//! Which requests are kept with their goroutines, where more than the slowest is asked for: the slowest ones, and some of
//! all, so that every band of the distribution has its own.
//!
//! Requests come in batches, and which are the slowest of all is known at the end. Both rules are chosen so that what is
//! kept of a batch and what was kept before give the same as all requests together, in whatever batches they come.

use super::critical_path::WalkInput;
use super::exemplar::{ExemplarMeasured, exemplar_of};
use super::parallel::Walks;
use super::segment::PathSegment;
use crate::profile::{EXEMPLARS_OF_ALL, SLOWEST_EXEMPLARS, exemplar_rank};
use crate::slice::WindowIdx;
use rustc_hash::FxHashSet;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Most steps of the path, and most intervals of a goroutine, of each request.
const MAX_STEPS: usize = 1_000;

/// A request by itself: how long it took, in ns, and its window.
pub(super) type Candidate = (u64, WindowIdx);

/// Requests with their goroutines, as far as is measured.
pub(super) struct Exemplars {
    kept: BTreeMap<WindowIdx, (u64, ExemplarMeasured)>,
    /// Walks of single requests. What they find is in the walks of all, too: only the noted steps are taken.
    walks: Walks,
}

impl Exemplars {
    /// None yet, in a trace with so many goroutines.
    pub(super) fn new(n_goroutines: usize) -> Self {
        Self { kept: BTreeMap::new(), walks: Walks::new(n_goroutines, None) }
    }

    /// Those of a batch that have to be measured. What is not kept any longer because of them is dropped.
    pub(super) fn choose(&mut self, batch: &[Candidate]) -> FxHashSet<WindowIdx> {
        let before = self.kept.iter().map(|(window, (ns, _))| (*ns, *window));
        let chosen = chosen(before.chain(batch.iter().copied()).collect());
        self.kept.retain(|window, _| chosen.contains(window));
        batch.iter().map(|(_, window)| *window).filter(|window| chosen.contains(window)).collect()
    }

    /// Walks one by itself, and keeps it.
    pub(super) fn walk(&mut self, segment: &PathSegment, input: WalkInput<'_, '_>) {
        let input = WalkInput { logged: Some(segment.window), ..input };
        let (_, path) = self.walks.walk(segment.parts().collect(), input, false);
        self.keep(segment.ns(), exemplar_of(segment, path, input.slice, (input.log, input.aggregate), MAX_STEPS));
    }

    fn keep(&mut self, ns: u64, measured: ExemplarMeasured) {
        self.kept.insert(measured.window, (ns, measured));
    }

    /// All that are kept, in the order of windows.
    pub(super) fn finish(self) -> Vec<ExemplarMeasured> {
        self.kept.into_values().map(|(_, measured)| measured).collect()
    }
}

/// The windows of the slowest, of equal ones the first, and of those with the least rank among the others.
fn chosen(mut all: Vec<Candidate>) -> FxHashSet<WindowIdx> {
    all.sort_unstable_by_key(|&(ns, window)| (Reverse(ns), window));
    let slowest = all.iter().take(SLOWEST_EXEMPLARS).map(|(_, window)| *window);
    let mut by_rank: Vec<WindowIdx> = all.iter().map(|(_, window)| *window).collect();
    by_rank.sort_unstable_by_key(|window| exemplar_rank(window.at() as u64));
    slowest.chain(by_rank.iter().copied().take(EXEMPLARS_OF_ALL)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(window: WindowIdx) -> ExemplarMeasured {
        ExemplarMeasured {
            window,
            path: Vec::new(),
            hand_overs: Vec::new(),
            more_pieces: 0,
            lanes: Vec::new(),
            more_lanes: 0,
        }
    }

    /// What is kept of these durations when they come in batches of `size`.
    fn kept(durations: &[u64], size: usize) -> Vec<WindowIdx> {
        let all: Vec<Candidate> = (0..).map(WindowIdx).zip(durations).map(|(window, ns)| (*ns, window)).collect();
        let mut exemplars = Exemplars::new(0);
        for batch in all.chunks(size) {
            for window in exemplars.choose(batch) {
                exemplars.keep(durations[window.at()], measured(window));
            }
        }
        exemplars.finish().iter().map(|e| e.window).collect()
    }

    #[test]
    fn batches_do_not_matter() {
        let durations: Vec<u64> = (0..5_000_u64).map(|i| i.wrapping_mul(0x2545_F491_4F6C_DD1D) % 700).collect();
        let whole = kept(&durations, durations.len());
        for size in [1, 7, 300] {
            assert_eq!(kept(&durations, size), whole, "{size}");
        }
        assert!(whole.len() > SLOWEST_EXEMPLARS && whole.len() <= SLOWEST_EXEMPLARS + EXEMPLARS_OF_ALL);
    }

    #[test]
    fn the_slowest_are_kept_and_some_of_every_band() {
        let durations: Vec<u64> = (0..10_000).collect();
        let ranks: Vec<usize> = kept(&durations, 100).iter().map(|window| window.at()).collect();
        let within = |from: usize, to: usize| ranks.iter().filter(|rank| (from..to).contains(*rank)).count();
        assert_eq!(within(10_000 - SLOWEST_EXEMPLARS, 10_000), SLOWEST_EXEMPLARS);
        assert!(within(0, 5_000) >= 10 && within(5_000, 9_500) >= 8, "{ranks:?}");
        assert_eq!(kept(&[5; 3], 2).len(), 3);
        assert!(kept(&[], 1).is_empty());
    }
}
