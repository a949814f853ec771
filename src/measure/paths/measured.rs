//! What was measured along critical paths.

use super::slowest::SlowestMeasured;
use super::wakeups::{WaitKey, WaitSum};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::states::StateKey;
use crate::profile::Overlap;
use crate::slice::WindowIdx;
use crate::trace::ids::StringIdx;
use crate::trace::time::Window;

/// A request that is over.
#[derive(Clone, Debug)]
pub struct RequestMeasured {
    /// Its window.
    pub window: WindowIdx,
    /// From when to when, as far as that is inside the part looked at.
    pub span: Window,
    /// Nanoseconds along its path by position in [`PathsMeasured::states`]; positions ascend, and zeros are left out.
    pub states: Box<[(u16, u64)]>,
    /// Whether an edge of the trace, or of the part looked at, cuts it.
    pub partial: bool,
}

/// A goroutine on a request's path that is not the request's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OtherGoroutine {
    /// Another one of the same request.
    SameRequest,
    /// One that is not the request's.
    Foreign,
}

/// What time on paths is added up by that requests spent in other goroutines than their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ElsewhereKey {
    /// What the time is counted in.
    pub sum: SumIdx,
    /// In which kind of goroutine.
    pub goroutine: OtherGoroutine,
    /// The name of the requests; empty where they have too many names.
    pub label: StringIdx,
}

/// What was measured along paths.
#[derive(Debug)]
pub struct PathsMeasured {
    /// Whole requests, and with `include_partial` the others, in order of their start.
    pub requests: Vec<RequestMeasured>,
    /// Number of requests that an edge cuts.
    pub partial: u64,
    /// Time of all goroutines of the requests that count, in ns.
    pub goroutine_ns: u64,
    /// The states that requests tell apart.
    pub states: Vec<StateKey>,
    /// Nanoseconds in goroutines other than the request's own; in no order.
    pub elsewhere: Vec<(ElsewhereKey, u64)>,
    /// Who ended waits.
    pub wakeups: Vec<(WaitKey, WaitSum)>,
    /// The slowest request; none without requests.
    pub slowest: Option<SlowestMeasured>,
    /// Number of requests whose path was cut to bound memory.
    pub capped: u64,
    /// What the program did while requests ran.
    pub overlap: Overlap,
}
