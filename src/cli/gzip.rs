//! gzip data of any number of members, and the zeros behind it that block devices and tapes pad files with.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Decompresses as it is read. Zeros behind a member are stepped over, as `gzip` does; anything else that is no member is
/// an error.
pub(super) struct GzipReader<R> {
    /// The member that is being read; `None` at the end of the data, and after an error.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipReader<R> {
    pub(super) fn new(source: R) -> Self {
        Self { member: Some(GzDecoder::new(source)) }
    }

    /// Goes to the member after this one, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else { return Ok(()) };
        let mut source = member.into_inner();
        skip_zeros(&mut source)?;
        self.member = (!source.fill_buf()?.is_empty()).then(|| GzDecoder::new(source));
        Ok(())
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}

fn skip_zeros(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffered = source.fill_buf()?;
        let zeros = buffered.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(());
        }
        source.consume(zeros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{BufReader, Write as _};

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes out, and whether an error ended it; read through a buffer that is smaller than the padding.
    fn read(packed: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let failed = GzipReader::new(BufReader::with_capacity(7, packed)).read_to_end(&mut out).is_err();
        (out, failed)
    }

    #[test]
    fn zeros_behind_a_member_are_padding_and_nothing_else_is() {
        let (one, zeros) = (gzip(b"one"), vec![0; 100]);
        assert_eq!(read(&one), (b"one".to_vec(), false));
        assert_eq!(read(&[&one[..], &zeros].concat()), (b"one".to_vec(), false));
        assert_eq!(read(&[&one[..], &zeros, &one].concat()), (b"oneone".to_vec(), false));
        assert_eq!(read(&[&one[..], &one].concat()), (b"oneone".to_vec(), false));
        for behind in [&b"garbage behind it"[..], b"\0\0garbage", b"\x1f"] {
            assert_eq!(read(&[&one, behind].concat()), (b"one".to_vec(), true), "{behind:?}");
        }
    }
}
