//! The bytes of one generation, one batch at a time.

use super::batch::{BatchKind, BatchRef, GenerationIndex};
use crate::trace::buckets::Buckets;
use crate::trace::error::Result;
use crate::trace::source::{Source, read_full};

/// A generation: where its batches are, and the source to read them from.
#[derive(Clone, Copy)]
pub struct Generation<'a> {
    /// Where its batches are.
    pub index: &'a GenerationIndex,
    source: &'a dyn Source,
}

impl<'a> Generation<'a> {
    /// A generation of a source.
    pub fn new(source: &'a dyn Source, index: &'a GenerationIndex) -> Self {
        Self { index, source }
    }

    /// Replaces the contents of `buffer` by a batch's data. That is shorter than [`BatchRef::size`] if the source was
    /// truncated after its batches were found.
    pub fn read(&self, batch: &BatchRef, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(batch.size as usize, 0);
        let read = read_full(self.source, buffer, batch.offset)?;
        buffer.truncate(read);
        Ok(())
    }

    /// A time, in ticks, that no event of a batch is later than: that of the thread's next batch. The last events of all
    /// threads are older than the latest batch, as tables are written after them (`traceAdvance`, `runtime/trace.go`, Go
    /// 1.27).
    pub(crate) fn bound(&self, next_batch: Option<u32>) -> u64 {
        let next = next_batch.and_then(|next| self.index.batches.get(next as usize));
        next.map_or(self.index.max_time, |next| next.time)
    }
}

/// The event batches of one generation by thread, those of a thread in the file's order: that is the order in which
/// the thread wrote them, whatever their times say.
pub struct ThreadBatches(Buckets<u32>);

impl ThreadBatches {
    /// Groups a generation's event batches by thread.
    pub fn new(generation: &Generation<'_>) -> Self {
        let GenerationIndex { batches, threads, .. } = generation.index;
        let events = || (0..).zip(batches).filter(|(_, b)| b.kind == BatchKind::Events);
        Self(Buckets::new(threads.len(), || events().map(|(i, b)| (b.thread, i))))
    }

    /// The batches of a thread (a position in [`GenerationIndex::threads`]), as positions in
    /// [`GenerationIndex::batches`].
    pub fn of(&self, thread: usize) -> &[u32] {
        self.0.of(thread)
    }
}
