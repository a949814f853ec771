//! Go 1.22 and later: one generation's threads → events in causal order.

pub mod errors;
pub mod frontier;
pub(crate) mod goroutines;
pub(crate) mod goroutines_fast;
pub(crate) mod out;
pub(crate) mod procs;
pub mod scheduler;
pub mod state;
pub mod steps;
pub(crate) mod table;
pub(crate) mod threads;
pub mod translate;
pub mod waiting;
