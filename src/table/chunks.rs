//! A source of bytes as the Parquet reader wants it.

use crate::trace::source::Source;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, BufReader, Read};
use std::sync::Arc;

/// The bytes of a table.
#[derive(Clone)]
pub(super) struct Chunks(pub(super) Arc<dyn Source + Send + Sync>);

/// Reads on from a position.
pub(super) struct From {
    source: Arc<dyn Source + Send + Sync>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.size()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(From { source: Arc::clone(&self.0), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // What a damaged file says is no reason to take memory.
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF(format!("{length} bytes at byte {start} are beyond the end")));
        }
        let mut bytes = vec![0; length];
        let n = self.0.read_full_at(&mut bytes, start).map_err(|e| ParquetError::External(Box::new(e)))?;
        if n < length {
            return Err(ParquetError::EOF(format!("the file ends at byte {}", start + n as u64)));
        }
        Ok(bytes.into())
    }
}
