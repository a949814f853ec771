//! Traces of Go 1.5 - 1.21: bytes in, events in causal order out.
//!
//! # The format
//!
//! One stream of records for the whole trace:
//!
//! ```text
//! header  "go 1.21 trace\0\0\0"
//! batch   [0x41] proc, ticks                 then the records of that proc, up to the next batch
//! event   [kind | n << 6] delta, arguments   n: number of arguments after the first; 3: length in bytes comes first
//! string  [37] id, length, bytes             anywhere; most of them at the end
//! footer  [2] ticks per second, then batches of stacks and their strings
//! ```
//!
//! Go 1.5 and 1.6 have a sequence number before every time (in batches too), and addresses instead of names.
//! Sources: `src/runtime/trace.go` (writer) and `src/internal/trace/parser.go` (reader) of Go 1.21.
//!
//! # From bytes to events
//!
//! There are no generations: ids and sequence numbers are those of the whole file, so the whole file is in memory.
//!
//! ```text
//! bytes ── scan ──> a lane of cells per proc ── merge ──> order of the cells ── convert ──> Event, Event, ...
//!            └────> strings, stacks, frequency ───────────────────────────────────┘
//! ```
//!
//! 1. `scan.rs` decodes each record once. An event takes 2 to 10 bytes in the file, and becomes a cell of 16 bytes
//!    (`cell.rs`). With two threads or more, the halves of the file are scanned in parallel.
//! 2. `order/` merges the lanes, once. The order is a list: which lane comes next for how many cells. What the order
//!    reveals about an event is written into its cell: the goroutine that it is about, whether a system call blocked.
//! 3. Both passes then walk through the cells in that order. Each walk makes the events anew: they are three times as
//!    large as cells. The number of a cell in the order is the [`Event::pos`](crate::trace::event::Event::pos) of its
//!    events, so that positions grow with time, as they do in a generation of newer traces.
//!
//! Pass 1 needs only the position, goroutine and stack of most events, and pass 2 no more of those outside the slice:
//! a visitor gets a [`BriefEvent`](order::BriefEvent) first, and an `Event` is made only if that is not enough.
//!
//! # Parts
//!
//! Pass 1 walks through all events, so it can save what a walk depends on at any of them: the position in each lane,
//! the state of each goroutine, the last time ([`WalkStart`](order::WalkStart)). It does so at the borders of a few
//! *parts*, which threads measure in parallel in pass 2. The time at which a part begins is known, so no event of it has
//! to wait for the part before. Measuring a part assumes that a goroutine that has an event with its own
//! stack is running. Where pass 1 sees otherwise, because of damage or clocks that contradict each other
//! ([`WalkSummary::stack_while_stopped`](order::WalkSummary::stack_while_stopped)), all is measured in order by one
//! thread, and so are selections by task.
//!
//! # Reading order of the files
//!
//! `kind.rs`, `record.rs` (single records), `cell.rs`, `file_scan.rs`, `scan.rs`, `resync.rs` (after damage), `tables.rs` (strings and
//! stacks), then `order/`.

mod broken_rules;
mod cell;
mod file_scan;
mod kind;
pub(crate) mod order;
mod record;
mod resync;
mod scan;
mod tables;

pub(crate) use broken_rules::BrokenRules;
pub(crate) use cell::{CellPosition, EventCell, EventCells};
pub(crate) use file_scan::{FileScan, Gap, GapCause, ProcBatch, SampleRecord};
pub(crate) use kind::{Kind, table_by_code};
pub(crate) use record::{EventRecord, Record, RecordFormat};
pub(crate) use scan::{middle, scan, scan_from, text_length};
pub(crate) use tables::{TableSource, Tables, read_tables};
