//! One generation's bytes, a batch at a time.

use super::index::{BatchRef, GenerationIndex};
use crate::trace::error::Result;
use crate::trace::source::{Source, read_full};

/// A generation: its index, and where its bytes come from.
#[derive(Clone, Copy)]
pub struct Generation<'a> {
    /// Where its batches stand.
    pub index: &'a GenerationIndex,
    source: &'a dyn Source,
}

impl<'a> Generation<'a> {
    /// A generation of a source.
    pub fn new(source: &'a dyn Source, index: &'a GenerationIndex) -> Self {
        Self { index, source }
    }

    /// Reads a batch's data into `buffer`, which is reused from one to the next. A source that became shorter gives
    /// shorter batches.
    pub fn read(&self, batch: &BatchRef, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(batch.size as usize, 0);
        let read = read_full(self.source, buffer, batch.offset)?;
        buffer.truncate(read);
        Ok(())
    }
}
