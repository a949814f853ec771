//! Batch headers at any offset of the source.

use crate::trace::error::Result;
use crate::trace::source::{Source, read_full};
use crate::trace::v2::batch::{BatchKind, ThreadId};
use crate::trace::version::{HEADER_SIZE, Header, V2, read_header};
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::event_spec::code;
use crate::trace::wire::limits::MAX_BATCH_SIZE;

/// A batch header.
pub(super) struct BatchHeader {
    /// Offset of the header itself.
    pub(super) start: u64,
    pub(super) generation: u64,
    pub(super) thread: ThreadId,
    /// Base time in ticks.
    pub(super) time: u64,
    /// Offset of the data.
    pub(super) data: u64,
    /// Size of the data as the header says.
    pub(super) size: u64,
    /// What it holds; `None` for an experimental batch.
    pub(super) kind: Option<BatchKind>,
}

/// What is at an offset where a batch can start.
pub(super) enum Framed {
    Batch(BatchHeader),
    /// The mark that ends a generation.
    EndOfGeneration,
    /// Bytes that cannot be there in a sound trace.
    Foreign,
    /// A header that the end of the source interrupts.
    Truncated,
}

/// Reads batch headers and trace headers of a source.
pub(super) struct HeaderReader<'a> {
    pub(super) window: SourceWindow<'a>,
    pub(super) version: V2,
}

impl HeaderReader<'_> {
    /// What is at an offset.
    pub(super) fn framed_at(&mut self, at: u64) -> Result<Framed> {
        let bytes = self.window.at(at)?;
        let mut cursor = Cursor::new(bytes, at);
        let mut read = || {
            let experimental = match cursor.byte()? {
                code::EVENT_BATCH => false,
                code::EXPERIMENTAL_BATCH if self.version.last_event >= code::EXPERIMENTAL_BATCH => {
                    cursor.byte()?;
                    true
                }
                code::END_OF_GENERATION if self.version.explicit_end => return Ok(Framed::EndOfGeneration),
                _ => return Ok(Framed::Foreign),
            };
            let generation = cursor.uvarint()?;
            let thread = ThreadId(cursor.uvarint()?);
            let time = cursor.uvarint()?;
            let size = cursor.uvarint()?;
            if generation == 0 || size > MAX_BATCH_SIZE {
                return Ok(Framed::Foreign);
            }
            let kind = (!experimental).then(|| batch_kind(self.version, cursor.peek().filter(|_| size > 0)));
            let data = cursor.offset();
            Ok(Framed::Batch(BatchHeader { start: at, generation, thread, time, data, size, kind }))
        };
        Ok(read().unwrap_or_else(|malformed| match malformed {
            Malformed::Ends => Framed::Truncated,
            Malformed::Varint => Framed::Foreign,
        }))
    }

    /// Whether another trace's header is at an offset.
    pub(super) fn is_trace_header(&mut self, at: u64) -> Result<bool> {
        let bytes = self.window.at(at)?;
        Ok(bytes.len() >= HEADER_SIZE && matches!(read_header(bytes), Header::Known(_)))
    }
}

/// What a batch holds, by the first byte of its data (`internal/trace/batch.go`, Go 1.27).
fn batch_kind(version: V2, first: Option<u8>) -> BatchKind {
    match first {
        Some(code::STRINGS) => BatchKind::Strings,
        Some(code::STACKS) => BatchKind::Stacks,
        Some(code::CPU_SAMPLES) => BatchKind::Samples,
        Some(code::FREQUENCY) if !version.sync_batch => BatchKind::Sync,
        Some(code::SYNC) if version.sync_batch => BatchKind::Sync,
        _ => BatchKind::Events,
    }
}

/// A piece of the source in memory, so that headers near each other cost one read.
pub(super) struct SourceWindow<'a> {
    pub(super) source: &'a dyn Source,
    bytes: Vec<u8>,
    /// Offset of `bytes` in the source.
    start: u64,
}

impl<'a> SourceWindow<'a> {
    /// Bytes to read where headers are near each other.
    const SIZE: usize = 16 << 10;
    /// Bytes to read where headers are far apart: enough for one.
    const ONE: usize = 512;
    /// More than any header needs.
    const MIN: usize = 64;

    pub(super) fn new(source: &'a dyn Source) -> Self {
        Self { source, bytes: Vec::new(), start: 0 }
    }

    /// The bytes from `offset` on: at least [`MIN`](Self::MIN) unless the source ends.
    pub(super) fn at(&mut self, offset: u64) -> Result<&[u8]> {
        let inside = offset >= self.start && offset + Self::MIN as u64 <= self.start + self.bytes.len() as u64;
        if !inside {
            let far = offset < self.start || offset - self.start > (self.bytes.len() + Self::SIZE) as u64;
            self.bytes.resize(if far { Self::ONE } else { Self::SIZE }, 0);
            let read = read_full(self.source, &mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.start = offset;
        }
        Ok(&self.bytes[(offset - self.start) as usize..])
    }
}
