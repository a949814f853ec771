//! What requests spent in other goroutines than their own, of all traces: told by as many waits as there is room for in all of
//! them together.
//!
//! Each trace tells its chains of waits by as many as there is room for ([`wait_chains`](crate::measure::paths::wait_chains)).
//! Of ten thousand traces of one program each has others, and a sample for each would be a gigabyte. So the same limit holds
//! for all traces together, whenever one is added: they come in the order of the inputs, so that threads do not matter.
//!
//! Chains and times are kept by number here, and get nodes in the profile's tree only when all traces are there:
//!
//! ```text
//! trace 1   chain [a, b] of its sums ──┐
//! trace 2   chain [c, d] of its sums ──┴─► chain of SharedSums ──► too many: fewer waits ──► finish: stacks, samples
//! ```

use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::wait_chains::{WaitChainIdx, WaitChains, most_pairs};
use crate::profile::{NodeIdx, Precision, StackTree};
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;

/// What waits, and what was done at their end, are counted in, as all traces have it. Its [`SumIdx`] is its position among
/// those of all traces. What does not matter is left at its default: so those are one that make one sample.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct SharedSum {
    /// The goroutine's own stack, in [`ElsewhereOfAll::stacks`].
    pub(super) stack: NodeIdx,
    /// Of a request's own wait, its stack in the profile's tree.
    pub(super) own: NodeIdx,
    /// Of a request's own wait, and of what was done: numbers of names.
    pub(super) state: u32,
    /// Of a request's own wait: the number of the request's name.
    pub(super) root: u32,
    /// Of what was done.
    pub(super) detail: &'static str,
    pub(super) precision: Precision,
}

/// What time is added up by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SharedKey {
    pub(super) chain: WaitChainIdx,
    pub(super) sum: SumIdx,
    /// Number of the requests' name.
    pub(super) root: u32,
}

/// Time in other goroutines, of all traces so far.
#[derive(Default)]
pub(super) struct ElsewhereOfAll {
    pub(super) sums: IndexSet<SharedSum, FxBuildHasher>,
    /// Stacks of sums; their frames are those of the profile's tree.
    pub(super) stacks: StackTree,
    pub(super) chains: WaitChains,
    /// In the order in which they came.
    pub(super) times: IndexMap<SharedKey, u64, FxBuildHasher>,
    /// What times of single requests are under, as it was when they were added.
    pub(super) of_requests: IndexSet<SharedKey, FxBuildHasher>,
}

/// Stands for the time in other goroutines at a position, among positions of samples.
pub(super) const OF_ELSEWHERE: u32 = 1 << 31;

impl ElsewhereOfAll {
    /// Adds time.
    pub(super) fn add(&mut self, key: SharedKey, ns: u64) {
        let of_key = self.times.entry(key).or_default();
        *of_key = of_key.saturating_add(ns);
    }

    /// Tells chains by as many waits as they may be by now, and by fewer as long as there are too many.
    pub(super) fn tell_fewer_waits(&mut self, before: u8) {
        if self.chains.most_hops() < before {
            self.shorten();
        }
        while self.times.len() > most_pairs(self.chains.most_hops()) {
            self.chains.tell_fewer();
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        for (key, ns) in std::mem::take(&mut self.times) {
            let chain = self.chains.shortened(key.chain);
            self.add(SharedKey { chain, ..key }, ns);
        }
    }
}
