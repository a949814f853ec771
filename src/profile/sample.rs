//! Time on one stack in one state, and the measures of it.

use super::{Metric, NodeIdx, SharedText};
use std::ops::AddAssign;

/// Additive measures of a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Weight {
    /// Number of intervals, each counted once.
    pub events: u64,
    /// Sum over all goroutines of the slice, in ns.
    pub goroutine_ns: u64,
    /// Sum along the critical paths of requests, in ns; 0 where these were not computed.
    pub latency_ns: u64,
}

impl Weight {
    /// The measure that a metric is about.
    pub fn of(&self, metric: Metric) -> u64 {
        match metric {
            Metric::Latency => self.latency_ns,
            Metric::Goroutine => self.goroutine_ns,
            Metric::Events => self.events,
        }
    }

    /// All measures, the metric's first: the order of rows.
    pub(super) fn rank(&self, metric: Metric) -> [u64; 4] {
        [self.of(metric), self.goroutine_ns, self.latency_ns, self.events]
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.goroutine_ns = self.goroutine_ns.saturating_add(other.goroutine_ns);
        self.latency_ns = self.latency_ns.saturating_add(other.latency_ns);
    }
}

/// How sure the stack of a sample is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Precision {
    /// The runtime recorded this stack for this interval.
    #[default]
    Exact,
    /// The frames that were on the stack all along: what the stacks before and after share.
    Bracketed,
    /// CPU samples inside the interval say so.
    Sampled,
}

impl Precision {
    /// Its name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Bracketed => "bracketed",
            Self::Sampled => "sampled",
        }
    }
}

/// Time spent in one state on one stack.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sample {
    /// Leaf of the stack in [`Profile::tree`](super::Profile::tree); the root node when the stack is unknown.
    pub stack: NodeIdx,
    /// `running`, `runnable`, `syscall`, `unknown` or Go's own reason for waiting.
    pub state: SharedText,
    /// Something finer than the state: `cgo`; empty when there is nothing to add.
    pub detail: &'static str,
    /// How sure the stack is.
    pub precision: Precision,
    /// Entry function of the root's goroutine, or the root function that matched.
    pub root: SharedText,
    /// Of latency in another goroutine than the request's own: the state of the request's own wait, which ended there.
    /// Empty for all other samples.
    pub waited_in: SharedText,
    /// How much.
    pub weight: Weight,
}

/// The total of one state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateTotal {
    /// The state's name.
    pub state: String,
    /// How much.
    pub weight: Weight,
}
