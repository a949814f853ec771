//! What was measured along critical paths.

use super::exemplar::ExemplarMeasured;
use super::packed_times::PackedTimes;
use super::request_waits::RequestWait;
use super::stack_time::ElsewhereKey;
use super::wait_chains::WaitChains;
use super::wakeups::{WaitKey, WaitSum};
use crate::measure::intervals::states::StateKey;
use crate::profile::{Overlap, RequestTotals, StateTimes};
use crate::slice::WindowIdx;
use crate::trace::time::{Time, Window};

/// A request that is over.
#[derive(Clone, Debug)]
pub(crate) struct RequestMeasured {
    /// Its window.
    pub(crate) window: WindowIdx,
    /// From when to when, as far as that is inside the part looked at.
    pub(crate) span: Window,
    /// Nanoseconds along its path by position in [`PathsMeasured::states`]; positions ascend, and zeros are left out.
    pub(crate) states: StateTimes,
    /// Whether an edge of the trace, or of the part looked at, cuts it.
    pub(crate) partial: bool,
    /// How long it certainly took, in ns, where its borders are inferred; else none.
    pub(crate) at_least_ns: Option<u64>,
}

/// A request that an edge of the trace, or of the part looked at, cuts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CutMeasured {
    /// Its window.
    pub(crate) window: WindowIdx,
    /// When it was first seen, inside the part looked at.
    pub(crate) start: Time,
    /// How long it was seen, in ns: it took at least as long.
    pub(crate) at_least_ns: u64,
    /// How long it likely took at least, in ns, where that is longer and something tells.
    pub(crate) likely_at_least_ns: Option<u64>,
    /// Whether it began before.
    pub(crate) cut_start: bool,
    /// Whether it is not over at the end.
    pub(crate) cut_end: bool,
}

/// What is known of each request where its stacks are asked for.
#[derive(Debug)]
pub(crate) struct RequestStacksMeasured {
    /// In the order of windows.
    pub(crate) times: PackedTimes,
    /// By position of the request in [`PathsMeasured::requests`].
    pub(crate) totals: Vec<RequestTotals>,
    /// Who ended waits, in the order of windows; none where that is not asked for, or is too much.
    pub(crate) waits: Option<Vec<RequestWait>>,
}

/// What was measured along paths.
#[derive(Debug)]
pub(crate) struct PathsMeasured {
    /// Whole requests, and with `include_partial` the others, in order of their start.
    pub(crate) requests: Vec<RequestMeasured>,
    /// The requests that an edge cuts, in order of their start.
    pub(crate) cut: Vec<CutMeasured>,
    /// Time of all goroutines of the requests that count, in ns.
    pub(crate) goroutine_ns: u64,
    /// The states that requests tell apart.
    pub(crate) states: Vec<StateKey>,
    /// Nanoseconds in goroutines other than the request's own; in no order.
    pub(crate) elsewhere: Vec<(ElsewhereKey, u64)>,
    /// The chains of waits in `elsewhere`.
    pub(crate) chains: WaitChains,
    /// Who ended waits.
    pub(crate) wakeups: Vec<(WaitKey, WaitSum)>,
    /// The slowest request; none without requests.
    pub(crate) slowest: Option<ExemplarMeasured>,
    /// Requests with their goroutines, where more than the slowest is asked for; in the order of windows.
    pub(crate) exemplars: Vec<ExemplarMeasured>,
    /// When the collector marked, and when the world was stopped, where that is asked for.
    pub(crate) runtime_spans: [Vec<Window>; 2],
    /// Number of requests whose path was cut to bound memory.
    pub(crate) capped: u64,
    /// What the program did while requests ran.
    pub(crate) overlap: Overlap,
    /// Each request's time by stack; none where that is not asked for.
    pub(crate) stacks: Option<RequestStacksMeasured>,
}
