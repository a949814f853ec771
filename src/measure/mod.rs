//! Pass 2: events in causal order → the time of the slice's goroutines, by state and stack, and the critical paths of
//! its requests.
//!
//! ```text
//!  Event ──> core ──> an interval of one goroutine's timeline ends
//!                       │ clip: the part of it inside its window
//!                       ▼
//!                     attribution: which stack it belongs to ──> Aggregate: its sum by chain, stack and state
//!                       │ with critical paths                         │
//!                       ▼                                             ▼
//!                     IntervalLog ──> paths: walked back ──> fold ──> samples and requests of the profile
//! ```
//!
//! 1. [`MeasureSpec`] says what to measure: a slice, and during which part of the trace.
//! 2. A [`PartMeasurer`] takes the events of one generation, or of a part of one, by itself; several do so side by side.
//! 3. The [`WholeMeasurer`] absorbs the parts in their order (`parts`). It can also take events itself.
//! 4. Both change a `MeasureCore` (`core`): one timeline for each goroutine (`intervals`), and the windows of roots
//!    (`windows`).
//! 5. The critical paths of requests that are over are walked back (`paths`): by the part that they are in, or else by the whole.
//! 6. [`Folder`] gives sums and paths the names of a profile (`fold`).
//!
//! Each folder imports only from those before it: `spec`, `windows`, `intervals`, `paths`, `core`, `parts`, `fold`.
//!
//! Memory: a timeline of 64 bytes for each goroutine of the slice that is alive, and the sums. With critical paths, also
//! the intervals of all goroutines since the start of the oldest request that is still open, 12 bytes each; of each part that is
//! being measured those of the requests that it leaves to the whole; and twice as many, till they are walked.

mod core;
mod fold;
mod intervals;
mod parts;
mod paths;
mod spec;
mod windows;

pub(crate) use fold::requests::MeasuredTrace;
pub(crate) use fold::samples::Folder;
#[cfg(test)]
pub(crate) use intervals::aggregate::SumIdx;
pub(crate) use parts::part::{MeasuredPart, PartMeasurer};
pub(crate) use parts::part_fast::WithoutPaths;
pub(crate) use parts::whole::{Measured, WholeMeasurer};
#[cfg(test)]
pub(crate) use paths::exemplar::LaneMeasured;
pub(crate) use paths::requests::{MAX_PIECES, MIN_GROWTH};
pub(crate) use spec::MeasureSpec;
pub(crate) use windows::part_start::{BeforePart, PartStart};
