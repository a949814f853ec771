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
//!
//! Public is what a user of the library meets: what goes in, what comes out, and errors. `testing` names what our own
//! integration tests and benchmarks use besides.

pub mod binary;
pub(crate) mod buckets;
pub mod error;
pub mod event;
pub(crate) mod gos_own;
pub(crate) mod id_table;
pub(crate) mod id_window;
pub mod ids;
pub(crate) mod paged_table;
pub(crate) mod sample_stacks;
pub(crate) mod sink;
pub mod source;
pub mod symbols;
mod table_faults;
#[doc(hidden)]
pub mod testing;
pub(crate) mod text;
pub mod time;
pub(crate) mod v1;
pub(crate) mod v2;
pub mod version;
pub(crate) mod warning_list;
pub(crate) mod wire;
