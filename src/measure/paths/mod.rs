//! Critical paths of requests.

pub(crate) mod critical_path;
pub(crate) mod interval_log;
pub(crate) mod parallel;
pub(crate) mod requests;
pub(crate) mod runtime_ranges;
pub(crate) mod slowest;
pub(crate) mod wait_for;
pub(crate) mod wakers;
pub(crate) mod wakeups;
pub(crate) mod walk_results;
