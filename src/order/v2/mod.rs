//! Go 1.22 and later: one generation's threads → events in causal order.

pub mod frontier;
mod goroutines;
mod procs;
pub mod scheduler;
pub mod steps;
pub mod translate;
pub mod waiting;
