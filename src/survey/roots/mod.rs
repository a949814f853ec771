//! Own stacks → the parts of a goroutine's life that can be roots.

pub mod classify;
pub mod connections;
pub mod served;
pub mod servers;
pub mod stretches;
pub mod tracker;
