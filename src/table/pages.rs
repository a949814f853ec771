//! The pages of a column, unpacked as far as the size of the file justifies.
//!
//! What a page says of itself is no reason to take memory: packed data can stand for a thousand times its size, and a value for
//! all before it. All columns of a row group share what the file may take.
//!
//! ```text
//!   raw pages ── codec, budget ──> pages ── column reader (values)
//! ```

use super::chunks::Chunks;
use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of pages that any file may have in memory at once.
const BASE: u64 = 16 << 20;
/// How many more for each of its bytes.
const OF_BYTE: u64 = 16;
/// What a value of a dictionary takes beside its bytes.
const VALUE: u64 = 40;

/// How many bytes of pages may still be in memory.
#[derive(Clone)]
pub(super) struct Budget(Arc<AtomicU64>);

impl Budget {
    /// That of a file of `size` bytes.
    pub(super) fn of_file(size: u64) -> Self {
        Self(Arc::new(AtomicU64::new(BASE.saturating_add(size.saturating_mul(OF_BYTE)))))
    }

    fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> Result<()> {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map(drop).map_err(|_| too_large())
    }

    fn give_back(&self, bytes: u64) {
        let _ = self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// How many values pages may still have.
#[derive(Clone)]
pub(super) struct Values(Arc<AtomicU64>);

impl Values {
    pub(super) fn new(n: u64) -> Self {
        Self(Arc::new(AtomicU64::new(n)))
    }

    fn take(&self, n: u64) -> Result<()> {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n));
        taken.map(drop).map_err(|_| too_large())
    }
}

fn too_large() -> ParquetError {
    ParquetError::General("its pages hold more than the size of the file justifies".to_owned())
}

/// What a column is compressed with, where that is not read.
pub(super) fn unreadable(column: &ColumnChunkMetaData) -> Option<String> {
    match column.compression() {
        Compression::UNCOMPRESSED | Compression::GZIP(_) | Compression::SNAPPY => None,
        other => Some(other.to_string().split('(').next().unwrap_or_default().to_owned()),
    }
}

/// The pages of a column of a row group.
pub(super) struct Pages {
    raw: SerializedPageReader<Chunks>,
    codec: Compression,
    budget: Budget,
    /// What the dictionary and the last page took.
    held: [u64; 2],
    /// How many more values its pages may have.
    values_left: Values,
}

impl Pages {
    /// Opens them. `max_values` is how many values they may have.
    pub(super) fn new(
        chunks: &Arc<Chunks>,
        column: &ColumnChunkMetaData,
        (n_rows, max_values): (usize, Values),
        budget: Budget,
    ) -> Result<Self> {
        let codec = column.compression();
        let as_they_are = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let raw = SerializedPageReader::new(Arc::clone(chunks), &as_they_are, n_rows, None)?;
        Ok(Self { raw, codec, budget, held: [0; 2], values_left: max_values })
    }

    /// The page unpacked, and what it takes.
    fn unpacked(&mut self, mut page: Page) -> Result<Page> {
        let at = usize::from(!matches!(page, Page::DictionaryPage { .. }));
        self.budget.give_back(std::mem::take(&mut self.held[at]));
        match &mut page {
            Page::DictionaryPage { buf, num_values, .. } => {
                *buf = self.unpack(buf, 0)?.into();
                // A text has four bytes of length, a number more.
                if u64::from(*num_values) * 4 > buf.len() as u64 {
                    return Err(ParquetError::EOF("a dictionary ends before its last value".to_owned()));
                }
                self.held[at] = buf.len() as u64 + u64::from(*num_values) * VALUE;
            }
            Page::DataPage { buf, encoding, num_values, .. } => {
                self.check(*encoding, *num_values)?;
                *buf = self.unpack(buf, 0)?.into();
                self.held[at] = buf.len() as u64;
            }
            Page::DataPageV2 {
                buf,
                encoding,
                num_values,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                ..
            } => {
                self.check(*encoding, *num_values)?;
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                if *is_compressed {
                    *buf = self.unpack(buf, levels)?.into();
                }
                self.held[at] = buf.len() as u64;
            }
        }
        let held = self.held[at];
        self.held[at] = 0;
        self.budget.take(held)?;
        self.held[at] = held;
        Ok(page)
    }

    fn check(&self, encoding: Encoding, values: u32) -> Result<()> {
        if encoding == Encoding::DELTA_BYTE_ARRAY {
            // A value can be as long as all before it.
            return Err(ParquetError::General("it has the encoding DELTA_BYTE_ARRAY, which is not read".to_owned()));
        }
        self.values_left.take(u64::from(values))
    }

    /// Bytes of a page, of which the first `plain` are not packed.
    fn unpack(&self, packed: &[u8], plain: usize) -> Result<Vec<u8>> {
        let (plain, packed) = packed.split_at_checked(plain).ok_or_else(|| ParquetError::EOF("a page".to_owned()))?;
        let mut bytes = plain.to_vec();
        match self.codec {
            Compression::UNCOMPRESSED => bytes.extend_from_slice(packed),
            // A page without values may have no data at all.
            _ if packed.is_empty() => {}
            Compression::GZIP(_) => {
                let left = self.budget.left();
                let read = MultiGzDecoder::new(packed).take(left.saturating_add(1)).read_to_end(&mut bytes);
                if read.map_err(|e| ParquetError::External(Box::new(e)))? as u64 > left {
                    return Err(too_large());
                }
            }
            Compression::SNAPPY => {
                let error = |e: snap::Error| ParquetError::External(Box::new(e));
                if snap::raw::decompress_len(packed).map_err(error)? as u64 > self.budget.left() {
                    return Err(too_large());
                }
                bytes.extend(snap::raw::Decoder::new().decompress_vec(packed).map_err(error)?);
            }
            other => return Err(ParquetError::General(format!("it is compressed with {other}, which is not read"))),
        }
        Ok(bytes)
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        match self.raw.get_next_page()? {
            Some(page) => self.unpacked(page).map(Some),
            None => Ok(None),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.raw.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.raw.skip_next_page()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.budget.give_back(self.held.iter().sum());
    }
}
