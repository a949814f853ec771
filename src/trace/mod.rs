//! The reader of traces: bytes in, events in causal order out. It knows Go's formats and scheduler, and nothing of slices,
//! profiles or reports.
//!
//! ```text
//! source ──> version ──┬──> v2: batches ──> generations ──> threads merged ──┬──> event, with symbols
//!                      └──> v1: records ──> lanes of procs ──> merged ───────┘
//! ```
//!
//! Reading order: what goes in (`source`, `version`, `error`), what comes out (`event`, `ids`, `symbols`, `time`), the
//! pieces of the format (`wire/`), then `v2/` for Go 1.22 and later or `v1/` for older versions. `text/` converts traces
//! into text and back, and `binary/` names addresses by the program's file.

pub mod binary;
pub mod error;
pub mod event;
pub mod ids;
pub mod source;
pub mod symbols;
pub mod text;
pub mod time;
pub mod version;

// Not the library's interface, and not under its promises: the benchmarks and integration tests of this repository read and
// write the format with these.
#[doc(hidden)]
pub mod id_table;
#[doc(hidden)]
pub mod v1;
#[doc(hidden)]
pub mod v2;
#[doc(hidden)]
pub mod warning_list;
#[doc(hidden)]
pub mod wire;

pub(crate) mod buckets;
pub(crate) mod id_window;
pub(crate) mod sample_stacks;
mod table_faults;
