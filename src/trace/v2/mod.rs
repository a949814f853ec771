//! Go 1.22 and later: a trace is a row of generations, each a bag of batches, most of them one thread's events.
//!
//! `index` finds the batches and survives damage between them; `generation` hands one generation's bytes out;
//! `tables` reads its strings, stacks, samples and clock. Events stay bytes until a [`event::BatchReader`]
//! pulls them.

pub mod generation;
pub mod index;
pub mod order;
pub mod reader;
pub mod reader_fast;
pub mod split;
pub mod tables;
