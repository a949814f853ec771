//! One generation's bytes in memory.

use super::index::{BatchRef, GenerationIndex};
use crate::error::Result;
use crate::format::cursor::Cursor;
use crate::source::Source;

/// A generation: its index and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Generation<'a> {
    /// Where its batches stand.
    pub index: &'a GenerationIndex,
    bytes: &'a [u8],
}

impl<'a> Generation<'a> {
    /// Reads a generation into `buffer`, which is reused from one to the next. A source that became shorter
    /// gives shorter batches.
    pub fn read(source: &dyn Source, index: &'a GenerationIndex, buffer: &'a mut Vec<u8>) -> Result<Self> {
        let size = (index.end - index.start) as usize;
        // What was there is of no use: growing would copy it.
        if buffer.capacity() < size {
            *buffer = Vec::with_capacity(size);
        }
        buffer.resize(size, 0);
        let read = source.read_full_at(buffer, index.start)?;
        Ok(Self { index, bytes: &buffer[..read] })
    }

    /// A batch's data.
    pub fn data(&self, batch: &BatchRef) -> &'a [u8] {
        let start = ((batch.offset - self.index.start) as usize).min(self.bytes.len());
        let end = (start + batch.size as usize).min(self.bytes.len());
        &self.bytes[start..end]
    }

    /// A reader of a batch's data.
    pub fn cursor(&self, batch: &BatchRef) -> Cursor<'a> {
        Cursor::new(self.data(batch), batch.offset)
    }
}
