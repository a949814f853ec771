//! What walks along critical paths find.

use super::request_stacks::RequestStackTimes;
use super::wait_chains::TimeElsewhere;
use super::wakeups::Wakeups;
use crate::measure::intervals::aggregate::{Aggregate, SumIdx};
use crate::measure::intervals::states::StateKey;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};

/// Most states that requests tell apart. Go has about twenty-five.
pub(crate) const MAX_STATES: usize = 32;

/// Most steps that are kept of one request's path.
pub(crate) const MAX_STEPS: usize = 10_000;

/// The states that requests tell apart.
#[derive(Default, Debug)]
pub(crate) struct States {
    /// In the order in which they came; all from position [`MAX_STATES`] - 1 on share that position.
    pub(crate) list: Vec<StateKey>,
}

impl States {
    /// A state, which is added if it is new.
    pub(super) fn of(&mut self, state: StateKey) -> SumState {
        let known = self.list.iter().position(|s| *s == state);
        let position = known.unwrap_or_else(|| {
            self.list.push(state);
            self.list.len() - 1
        });
        SumState::new(position, state)
    }
}

/// The state of a sum, packed: its position in [`States`], and what a walk needs to know of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SumState(u8);

impl SumState {
    const WAIT: u8 = 1 << 6;
    const RUNNABLE: u8 = 1 << 7;

    fn new(position: usize, state: StateKey) -> Self {
        let wait = if state.is_wait() { Self::WAIT } else { 0 };
        let runnable = if state == StateKey::RUNNABLE { Self::RUNNABLE } else { 0 };
        Self(position.min(MAX_STATES - 1) as u8 | wait | runnable)
    }

    /// Its position in [`States`], below [`MAX_STATES`].
    #[inline]
    pub(crate) fn position(self) -> usize {
        usize::from(self.0) % MAX_STATES
    }

    /// Whether it is one of the waits.
    #[inline]
    pub(crate) fn is_wait(self) -> bool {
        self.0 & Self::WAIT != 0
    }

    /// Whether the goroutine is ready, without a proc.
    #[inline]
    pub(crate) fn is_runnable(self) -> bool {
        self.0 & Self::RUNNABLE != 0
    }
}

/// What the walks found of one sum of the aggregate: the part of it that is on critical paths, in the request's own
/// goroutine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SumOnPaths {
    pub(crate) state: SumState,
    /// Nanoseconds of all requests.
    pub(crate) own_ns: u64,
}

/// A step of one request's path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WalkStep {
    /// From when to when.
    pub(crate) span: Window,
    /// In which goroutine.
    pub(crate) g: GIdx,
    /// What it is counted in.
    pub(crate) sum: SumIdx,
}

/// Where one request's path goes on with another goroutine: who ended a wait, and who waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WalkHandOver {
    /// When the wait ended.
    pub(crate) time: Time,
    /// Who ended it.
    pub(crate) from: GIdx,
    /// Who waited.
    pub(crate) to: GIdx,
    /// What the wait is counted in; [`SumIdx::NONE`] where the goroutine did not exist yet, and the other one created it.
    pub(crate) wait: SumIdx,
}

/// What the walks of one thread found.
#[derive(Default, Debug)]
pub(crate) struct WalkResults {
    /// By [`SumIdx`].
    pub(crate) sums: Vec<SumOnPaths>,
    /// What is on critical paths in other goroutines than the request's own.
    pub(crate) elsewhere: TimeElsewhere,
    pub(crate) wakeups: Wakeups,
    pub(crate) states: States,
    /// Time on critical paths that was runnable while the world was stopped, in ns.
    pub(crate) stw_runnable_ns: u64,
    /// Each request's time by stack; none where that is not asked for.
    pub(crate) stacks: Option<Box<RequestStackTimes>>,
}

impl WalkResults {
    /// Makes room for all sums that there are by now.
    pub(crate) fn add_sums_of(&mut self, aggregate: &Aggregate) {
        for sum in self.sums.len()..aggregate.len() {
            let state = self.states.of(aggregate.key(SumIdx(sum as u32)).state);
            self.sums.push(SumOnPaths { state, own_ns: 0 });
        }
    }

    /// The state of a sum; none for a list of sums, and for no interval.
    #[inline]
    pub(crate) fn state(&self, sum: SumIdx) -> Option<SumState> {
        self.sums.get(sum.at()).map(|of_sum| of_sum.state)
    }
}
