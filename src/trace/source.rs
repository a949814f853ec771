//! Where trace bytes come from: anything that can be read at any position.

use super::error::{Error, Result};
use std::io;

/// Trace bytes, readable at any position and by several threads at the same time.
///
/// A source may turn out shorter than [`size`](Source::size), for example a file that is truncated while it is read.
/// A read of 0 bytes is the end.
pub trait Source: Sync {
    /// Size in bytes as far as it is known now.
    fn size(&self) -> u64;

    /// Reads up to `buf.len()` bytes from `offset` on. Returns the number of bytes read, 0 only at the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fills `buf` from `offset` on. Returns the number of bytes read, fewer than `buf.len()` only at the end.
    fn read_full_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        fill(self, buf, offset).map_err(|(error, _)| error)
    }
}

/// As [`Source::read_full_at`], with an error that tells the first byte that was not read.
pub(crate) fn read_full(source: &dyn Source, buf: &mut [u8], offset: u64) -> Result<usize> {
    fill(source, buf, offset).map_err(|(error, offset)| Error::from(error).with_offset(offset))
}

/// Fills `buf` from `offset` on. An error comes with the offset of the first byte that was not read.
fn fill<S: Source + ?Sized>(source: &S, buf: &mut [u8], offset: u64) -> std::result::Result<usize, (io::Error, u64)> {
    let mut filled = 0;
    while filled < buf.len() {
        let at = offset + filled as u64;
        match source.read_at(&mut buf[filled..], at) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err((e, at)),
        }
    }
    Ok(filled)
}

impl Source for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let n = buf.len().min(self.len() - from);
        buf[..n].copy_from_slice(&self[from..from + n]);
        Ok(n)
    }
}

impl Source for Vec<u8> {
    fn size(&self) -> u64 {
        self.as_slice().size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight zeros, two at a time, and then nothing but errors.
    struct Failing;

    impl Source for Failing {
        fn size(&self) -> u64 {
            100
        }

        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            if offset < 8 { Ok(buf.len().min(2)) } else { Err(io::Error::other("the disk is broken")) }
        }
    }

    #[test]
    fn an_error_tells_the_first_byte_that_was_not_read() {
        assert_eq!(read_full(&Failing, &mut [0; 6], 2).unwrap(), 6);
        let error = read_full(&Failing, &mut [0; 7], 2).unwrap_err();
        assert_eq!(
            (error.offset(), error.to_string().as_str()),
            (Some(8), "cannot read the trace: the disk is broken")
        );
    }
}
