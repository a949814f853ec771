//! The wire of Go 1.5 – 1.21: one stream of records for the whole trace.
//!
//! ```text
//! header  "go 1.21 trace\0\0\0"
//! batch   [0x41] proc, ticks                 then the records of that proc, up to the next batch
//! event   [kind | n << 6] delta, arguments   n: arguments behind the first, 3: length in bytes comes first
//! string  [37] id, length, bytes             anywhere; most of them at the end
//! footer  [2] ticks per second, then batches of stacks and their strings
//! ```
//!
//! Go 1.5 and 1.6 put a sequence number before every time (batches too) and write addresses instead of names.
//! Sources: `src/runtime/trace.go` (writer) and `src/internal/trace/parser.go` (reader) of Go 1.21.

mod cell;
mod kind;
pub mod order;
mod record;
mod resync;
mod scan;
mod tables;

pub use cell::{Cell, Cells, Jump};
pub use kind::Kind;
pub use record::{Record, Timed, Wire};
pub use scan::{Gap, GapCause, Piece, Sample, Scan, middle, scan, scan_from, text_length};
pub use tables::{Tables, read_tables};
