//! Copies input that can only be read once, front to back, to where it can be read at positions.

use super::display_path;
use super::failure::reason;
use super::file_source::FileSource;
use super::gzip::GzipReader;
use super::sniff;
use super::zstd::ZstdReader;
use gotrace_slice::render::units;
use gotrace_slice::trace::source::Source;
use gotrace_slice::trace::version::{Header, read_header};
use std::cell::Cell;
use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;
use tempfile::{SpooledData, SpooledTempFile};

/// Bytes kept in memory; more go to an unlinked temporary file, if there can be one.
const MEMORY_BYTES: u64 = 8 << 20;
/// Bytes kept in memory where there cannot.
const MOST_MEMORY_BYTES: usize = 64 << 20;
/// No trace compresses that well: beyond this, the file was made to fill the disk.
const MAX_RATIO: u64 = 1000;
/// Below this, the ratio does not matter.
const RATIO_FREE_BYTES: u64 = 64 << 20;
/// Small, so that the bytes read ahead hardly change the ratio.
const READ_AHEAD: usize = 16 << 10;
const COPY_BYTES: usize = 64 << 10;

/// How a stream is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compression {
    Plain,
    Gzip,
    Zstd,
}

impl Compression {
    /// Judged by magic bytes, never by a file's name.
    pub(crate) fn of(head: &[u8]) -> Self {
        if head.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) {
            Self::Zstd
        } else {
            Self::Plain
        }
    }

    /// Its name in messages; none when nothing is compressed.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// Copied input.
pub(crate) struct Spooled {
    pub(crate) source: Arc<dyn Source + Send + Sync>,
    /// Where and why the compressed data ended early.
    pub(crate) damage: Option<CompressionDamage>,
}

/// Compressed data that ended early: everything before its end was used.
#[derive(Debug)]
pub(crate) struct CompressionDamage {
    /// Byte of the compressed data.
    pub(crate) offset: u64,
    /// What the decoder said.
    pub(crate) reason: String,
}

/// Counts what is read, and remembers whether reading failed: a decoder hides that among its own errors. Reads again where
/// a signal interrupted: a decoder takes that for damage, in the middle of a header.
struct Meter<'a, R> {
    inner: R,
    read: &'a Cell<u64>,
    failed: &'a Cell<bool>,
}

impl<R: Read> Read for Meter<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buf) {
                Ok(n) => {
                    self.read.set(self.read.get() + n as u64);
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.failed.set(true);
                    return Err(e);
                }
            }
        }
    }
}

/// How input is copied.
#[derive(Clone, Copy)]
pub(crate) struct Copying<'a> {
    /// Called with the bytes read so far.
    pub(crate) progress: &'a dyn Fn(u64),
    /// Most bytes to copy, decompressed (`--max-input`): a stream without an end would fill the disk.
    pub(crate) max_bytes: u64,
}

/// Reads `input` to its end, decompressed.
pub(crate) fn spool(input: impl Read, compression: Compression, copying: Copying<'_>) -> io::Result<Spooled> {
    let (read, failed) = (Cell::new(0), Cell::new(false));
    let meter = BufReader::with_capacity(READ_AHEAD, Meter { inner: input, read: &read, failed: &failed });
    let mut unpacked: Box<dyn Read + '_> = match compression {
        Compression::Plain => Box::new(meter),
        Compression::Gzip => Box::new(GzipReader::new(meter)),
        Compression::Zstd => Box::new(ZstdReader::new(meter)),
    };
    let mut file = SpooledTempFile::new(MOST_MEMORY_BYTES);
    let mut moves = true;
    let mut size = 0_u64;
    let mut chunk = vec![0; COPY_BYTES];
    let mut head: Vec<u8> = Vec::new();
    let damage = loop {
        match unpacked.read(&mut chunk) {
            Ok(0) => break None,
            Ok(n) => {
                size += n as u64;
                if size > copying.max_bytes {
                    return Err(too_large(copying.max_bytes));
                }
                file.write_all(&chunk[..n]).map_err(|e| no_copy(&e))?;
                if moves && size > MEMORY_BYTES {
                    // If this fails, memory takes more for a while; a later failure is reported.
                    let _ = file.roll();
                    moves = false;
                }
                if head.len() < sniff::HEAD_LEN {
                    head.extend(chunk[..n].iter().take(sniff::HEAD_LEN - head.len()));
                    // The input may be endless; what is there is enough to say what it is.
                    let is_known = matches!(read_header(&head), Header::Known(_)) || sniff::is_table(&head);
                    if head.len() == sniff::HEAD_LEN && !is_known {
                        break None;
                    }
                }
                (copying.progress)(read.get());
                if compression != Compression::Plain && size > RATIO_FREE_BYTES && size / MAX_RATIO > read.get() {
                    return Err(io::Error::other(format!("unpacks to more than {MAX_RATIO} times its size")));
                }
            }
            Err(e) if compression == Compression::Plain || failed.get() || size == 0 => return Err(e),
            Err(e) => break Some(CompressionDamage { offset: read.get(), reason: e.to_string() }),
        }
    };
    drop(unpacked);
    Ok(Spooled { source: positioned(file, size), damage })
}

fn too_large(max_bytes: u64) -> io::Error {
    let limit = units::bytes(max_bytes);
    io::Error::other(format!("it is larger than {limit}, the most that is copied (--max-input SIZE changes that)"))
}

/// The input can be read, and its copy cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("no copy of it can be made in the folder for temporary files, {folder}: {reason}")]
pub(crate) struct NoCopy {
    folder: String,
    reason: String,
}

fn no_copy(error: &io::Error) -> io::Error {
    io::Error::other(NoCopy { folder: display_path(&std::env::temp_dir()), reason: reason(error) })
}

fn positioned(file: SpooledTempFile, size: u64) -> Arc<dyn Source + Send + Sync> {
    match file.into_inner() {
        SpooledData::InMemory(cursor) => Arc::new(cursor.into_inner()),
        SpooledData::OnDisk(file) => Arc::new(FileSource::new(file, size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression as Level;
    use flate2::write::GzEncoder;

    const HEADER: &[u8] = b"go 1.26 trace\0\0\0";
    const UNLIMITED: Copying<'_> = Copying { progress: &|_| (), max_bytes: u64::MAX };

    #[test]
    fn what_is_no_trace_is_not_copied() {
        let spooled = spool(io::repeat(0), Compression::Plain, UNLIMITED).unwrap();
        assert!(spooled.source.size() < 1 << 20);
    }

    /// What a table has is told at its end.
    #[test]
    fn a_table_is_copied_whole() {
        let table = [gotrace_slice::table::MAGIC, &vec![7; 200_000]].concat();
        for packed in [table.clone(), gzip(&table)] {
            let spooled = spool(packed.as_slice(), Compression::of(&packed), UNLIMITED).unwrap();
            assert!(all(&spooled) == table);
        }
        let endless = gotrace_slice::table::MAGIC.chain(io::repeat(0));
        let copying = Copying { max_bytes: 1 << 20, ..UNLIMITED };
        assert!(spool(endless, Compression::Plain, copying).is_err());
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn all(spooled: &Spooled) -> Vec<u8> {
        let mut data = vec![0; spooled.source.size() as usize];
        assert_eq!(spooled.source.read_full_at(&mut data, 0).unwrap(), data.len());
        data
    }

    #[test]
    fn gzip_members_are_one_stream() {
        let packed = [gzip(b"go 1.26 "), gzip(b"trace")].concat();
        let spooled = spool(packed.as_slice(), Compression::of(&packed), UNLIMITED).unwrap();
        assert_eq!(all(&spooled), b"go 1.26 trace");
        assert!(spooled.damage.is_none());
    }

    #[test]
    fn a_cut_keeps_what_was_before() {
        let noise = (0..500_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        let data: Vec<u8> = HEADER.iter().copied().chain(noise).collect();
        let packed = gzip(&data);
        let spooled = spool(&packed[..packed.len() / 2], Compression::Gzip, UNLIMITED).unwrap();
        let damage = spooled.damage.as_ref().unwrap();
        assert_eq!(damage.offset, packed.len() as u64 / 2);
        assert!(data.starts_with(&all(&spooled)) && spooled.source.size() > 100_000);
    }

    #[test]
    fn a_failing_source_is_no_damage() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("disk on fire"))
            }
        }
        let packed = gzip(&[HEADER, &vec![7; 100_000]].concat());
        let input = packed[..packed.len() / 2].chain(Broken);
        assert_eq!(spool(input, Compression::Gzip, UNLIMITED).err().unwrap().to_string(), "disk on fire");
    }

    /// Every read is interrupted once before it gives a byte.
    struct Interrupted<'a>(&'a [u8], bool);

    impl Read for Interrupted<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(&mut buf[..1]) }
        }
    }

    #[test]
    fn interrupted_reads_are_repeated() {
        use ruzstd::encoding::{CompressionLevel, compress_to_vec};
        let data = [HEADER, &[7; 1000]].concat();
        for packed in [data.clone(), gzip(&data), compress_to_vec(data.as_slice(), CompressionLevel::Fastest)] {
            let spooled = spool(Interrupted(&packed, false), Compression::of(&packed), UNLIMITED).unwrap();
            assert!(spooled.damage.is_none() && all(&spooled) == data);
        }
    }

    #[test]
    fn a_stream_without_end_is_refused() {
        let copying = Copying { max_bytes: 1 << 20, ..UNLIMITED };
        let error = spool(HEADER.chain(io::repeat(0)), Compression::Plain, copying).err().unwrap();
        assert!(error.to_string().contains("--max-input"), "{error}");
        assert!(spool(HEADER.chain(io::repeat(0).take(1 << 19)), Compression::Plain, copying).is_ok());
        // The limit is for the decompressed bytes.
        let packed = gzip(&[HEADER, &vec![0; 2 << 20]].concat());
        assert!(spool(packed.as_slice(), Compression::Gzip, copying).is_err());
    }

    #[test]
    fn a_bomb_is_refused_early() {
        let bomb = gzip(&[HEADER, &vec![0; 200 << 20]].concat());
        let error = spool(bomb.as_slice(), Compression::Gzip, UNLIMITED).err();
        // Fast compression stays below the ratio; the best does not.
        if let Some(error) = error {
            assert!(error.to_string().contains("1000 times"), "{error}");
        }
    }
}
