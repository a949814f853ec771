//! zstd data of any number of frames, skippable ones included.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, Read};

/// The last block of a frame, empty, and room for a checksum: closes a frame whose end is missing.
const CLOSING_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Decompresses as it is read. After damage it gives everything that came before, then the error.
pub(crate) struct ZstdReader<R: Read> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
    failed: Option<io::Error>,
}

impl<R: Read> ZstdReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), in_frame: false, failed: None }
    }

    /// Goes to the next frame; false at the end of the data.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            let mut first = [0];
            if self.source.read(&mut first)? == 0 {
                return Ok(false);
            }
            match self.decoder.init(first.chain(&mut self.source)) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                }
                Err(e) => return Err(io::Error::other(e)),
            }
        }
    }

    /// Decodes until there is something to give; false at the end of the data.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            if self.decoder.can_collect() > 0 {
                return Ok(true);
            }
            if !self.in_frame || self.decoder.is_finished() {
                self.in_frame = self.next_frame()?;
                if !self.in_frame {
                    return Ok(false);
                }
            }
            self.decoder
                .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(io::Error::other)?;
        }
    }

    /// The decoder keeps back what later blocks may repeat; without its end a frame never gives it.
    fn close_frame(&mut self) {
        if self.in_frame && !self.decoder.is_finished() {
            let _ = self.decoder.decode_blocks(&CLOSING_BLOCK[..], BlockDecodingStrategy::All);
        }
        self.in_frame = false;
    }
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_none()
            && let Err(error) = self.advance()
        {
            self.close_frame();
            self.failed = Some(error);
        }
        if self.decoder.can_collect() > 0 {
            return self.decoder.read(buf);
        }
        match self.failed.take() {
            Some(error) => {
                self.failed = Some(io::Error::new(error.kind(), error.to_string()));
                Err(error)
            }
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn data() -> Vec<u8> {
        (0..400_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 20).to_le_bytes()).collect()
    }

    #[test]
    fn several_frames_are_one_stream() {
        let frame = compress_to_vec(data().as_slice(), CompressionLevel::Fastest);
        let skippable = [&0x184D_2A50_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
        let all = [&frame[..], &skippable, &frame].concat();
        let mut out = Vec::new();
        ZstdReader::new(all.as_slice()).read_to_end(&mut out).unwrap();
        assert!(out == [data(), data()].concat());
    }

    #[test]
    fn what_is_before_a_cut_is_not_lost() {
        let frame = compress_to_vec(data().as_slice(), CompressionLevel::Fastest);
        let mut out = Vec::new();
        let cut = &frame[..frame.len() / 2];
        assert!(ZstdReader::new(cut).read_to_end(&mut out).is_err());
        assert!(data().starts_with(&out));
        assert!(out.len() > data().len() / 4, "{} of {}", out.len(), data().len());
    }
}
