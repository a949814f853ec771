//! Go 1.22 and later: one generation's threads → events in causal order.

pub mod frontier;
pub mod scheduler;
pub mod translate;
pub mod waiting;
