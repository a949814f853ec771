//! What the integration tests and benchmarks of this package use of the inside of the reader. Nobody else should: it
//! changes without notice.

pub use super::sink::Sink;
pub use super::text::{from_text, to_text};
pub use super::v1::order::{OldTrace, read as read_old_trace};
pub use super::v2::batch::BatchKind;
pub use super::v2::clock::{Clock, TickTable, read_sync};
pub use super::v2::codes::known_codes;
pub use super::v2::generation::{Generation, ThreadBatches};
pub use super::v2::index::{Index, read_index};
pub use super::v2::order::frontier::{GenerationInput, Workspace, order};
pub use super::v2::order::scheduler::Instances;
pub use super::v2::order::translate::GenerationNames;
pub use super::v2::reader::{BatchReader, WireEvent};
pub use super::wire::cursor::Cursor;
pub use super::wire::encode::{CpuSample, NO_THREAD, NameTable, TimedEvent, TraceWriter, put_uvarint};
pub use super::wire::event_spec::code;
