//! Go 1.22 and later: a trace is a row of generations, each a bag of batches, most of them one thread's events.
//!
//! `index` finds the batches and survives damage between them; `generation` hands one generation's bytes out;
//! `tables` reads its strings, stacks, samples and clock. Events stay bytes until a [`event::BatchReader`]
//! pulls them.

pub mod decode;
pub mod event;
pub mod generation;
pub mod index;
pub mod tables;
pub mod watch;
