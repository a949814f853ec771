//! Go 1.22 and later: bytes → events of single threads ([`order`] puts these in causal order).
//!
//! A trace is a sequence of generations, a generation a set of batches. A batch is at most 64 KiB that one thread wrote
//! in one piece, nearly always events of that thread; the others are pieces of the generation's tables.
//!
//! ```text
//! header │ batch batch batch … │ batch batch … │ …           trace
//!        └──── generation 1 ───┴─ generation 2 ┴─
//!          events of thread 3 │ events of thread 7 │ strings │ events of thread 3 │ stacks │ samples │ sync
//! ```
//!
//! In: a [`Source`](crate::trace::source::Source) that begins with a known header. Out: for each generation its tables,
//! its clock, and the events of each thread. Damage costs as little as possible, and becomes a warning: bytes between
//! batches are stepped over, of a damaged batch what is before the damage is used, and what is behind it if its times are
//! known well enough.
//!
//! Reading order:
//!
//! 1. [`batch`]: what a batch and a generation are; [`codes`]: the event codes of each version.
//! 2. [`index`]: finds all batches, and the next sound one after damage.
//! 3. [`generation`]: reads a batch's bytes; groups the event batches by thread.
//! 4. [`tables`], [`clock`]: strings, stacks, CPU samples, the clock.
//! 5. [`reader`]: decodes events, and finds what is wrong with them; [`reader_fast`]: the most frequent ones in few
//!    instructions; [`resume`]: where to go on behind an event that cannot be decoded.
//! 6. [`order`]: merges the threads of a generation.
//! 7. [`split`]: orders one generation in several parts side by side.

pub(crate) mod batch;
pub(crate) mod clock;
pub(crate) mod codes;
pub(crate) mod generation;
pub(crate) mod index;
pub(crate) mod order;
pub(crate) mod reader;
pub(crate) mod reader_fast;
pub(crate) mod resume;
pub(crate) mod split;
pub(crate) mod tables;
