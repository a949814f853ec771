//! The intervals of all goroutines in order of time. Critical paths are walked back along this log.
//!
//! A goroutine's interval ends where its next one starts. Such a moment is an *interval end*. It is written when the
//! interval is added up, with the sum that it was added to:
//!
//! ```text
//!      t0          t1                t2          t3          end
//! g1   ├─ running ─┼─ chan receive ──┼─────── running ───────┤
//! g2   ├───────────────── running ───────────────┼─ syscall ─┤
//!
//! log: (t1, g1, running)   (t2, g1, chan receive; link: g2 ended it)   (t3, g2, running)
//! ```
//!
//! Read from the latest to the earliest, interval ends say what each goroutine did at any time: before an interval end
//! what that says, back to the goroutine's interval end before it. What goroutines do at the end of the log is not
//! written; the reader is given it.
//!
//! * Nothing that a request needs is changed, moved or merged: the log is appended to, and what is older than all open
//!   requests is dropped from its front, a chunk at a time. A part drops also what lies between those of its requests that it
//!   leaves to the whole.
//! * An interval end takes 12 bytes, and its link, if another goroutine started the next interval, 12 more.
//! * The log of a part of the trace, which was measured by itself, goes into the log of the whole as it is: chunk by
//!   chunk, each with a map from the part's sums to the whole's.
//! * The log of the whole so has chunks of three kinds: `written` by the whole's own measurer (the last of them is `open`),
//!   `absorbed` from parts, and `older`, the starts of goroutines that are older than the trace. Each kind is in order of time; the reader
//!   merges the three.
//!
//! Reading order: [`link`], [`chunk`], [`writing`], [`reading`] and [`condensing`].

mod chunk;
mod condensing;
mod link;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

pub(crate) use chunk::{IntervalLogMemory, SumMap};
pub(crate) use condensing::joined;
pub(crate) use link::{Link, LinkKind};
pub(crate) use reading::{ChunkSlice, LogReader, LoggedEnd};
pub(crate) use writing::IntervalLog;
