//! What the size of a table justifies: a hostile one can name very much in few bytes.

use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};

/// Rows that any file may have, and how many more for each of its bytes. Ours take ten bytes a row.
const ROWS: (u64, u64) = (1 << 14, 2);
/// Bytes of a file that a request needs at least, beyond the first ones. Ours take fifty.
const OF_REQUEST: u64 = 8;
/// Bytes of texts and stacks that any file may have in memory, and how many more for each of its bytes.
const TEXT: (u64, u64) = (16 << 20, 48);
/// What a frame of a stack takes beside its text, and a sample beside its frames.
const FRAME: u64 = 64;

/// What a file may still have.
#[derive(Debug, Default)]
pub(super) struct Limits {
    requests: u64,
    text: u64,
}

impl Limits {
    /// Those of a file of `size` bytes.
    pub(super) fn of_file(size: u64) -> Self {
        Self { requests: ROWS.0 + size / OF_REQUEST, text: TEXT.0.saturating_add(size.saturating_mul(TEXT.1)) }
    }

    /// Whether a file of `size` bytes can have so many rows.
    pub(super) fn has_room(size: u64, rows: u64) -> bool {
        rows <= ROWS.0.saturating_add(size.saturating_mul(ROWS.1))
    }

    /// Counts a request.
    pub(super) fn request(&mut self) -> Result<()> {
        self.requests = self.requests.checked_sub(1).ok_or_else(|| too_much("requests"))?;
        Ok(())
    }

    /// Counts a text that was not known before, in bytes.
    pub(super) fn text(&mut self, bytes: usize) -> Result<()> {
        self.text = self.text.checked_sub(bytes as u64 + FRAME).ok_or_else(|| too_much("texts"))?;
        Ok(())
    }

    /// Counts a trace: the bytes of its own texts, and how many labels it has.
    pub(super) fn trace(&mut self, bytes: usize, labels: usize) -> Result<()> {
        let bytes = (bytes as u64).saturating_add((labels as u64).saturating_mul(FRAME));
        self.text = self.text.checked_sub(bytes).ok_or_else(|| too_much("labels"))?;
        Ok(())
    }

    /// Counts a stack with another state or other lines than all before: its frames are kept.
    pub(super) fn stack(&mut self, stack: Option<&ByteArray>) -> Result<()> {
        let text = stack.map_or(&[][..], ByteArray::data);
        let frames = 1 + text.split(|byte| *byte == b';').count() as u64;
        self.text = self.text.checked_sub(text.len() as u64 + frames * FRAME).ok_or_else(|| too_much("stacks"))?;
        Ok(())
    }
}

fn too_much(what: &str) -> ParquetError {
    ParquetError::General(format!("it has more {what} than the size of the file justifies"))
}
