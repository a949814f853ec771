//! Go 1.22 and later: one generation's threads → events in causal order.

pub mod complaints;
pub mod cut;
pub mod frontier;
mod goroutines;
pub mod lookahead;
mod out;
mod procs;
pub mod scheduler;
mod sighted;
pub mod steps;
mod table;
mod threads;
pub mod translate;
mod usual;
pub mod waiting;
