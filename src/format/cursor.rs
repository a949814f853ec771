//! A position-tracking reader over bytes in memory. HOT: one-byte varints inline, longer ones out of line.

/// Why a value could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// The bytes end in the middle of a value.
    Ends,
    /// A varint of more than 64 bits.
    Varint,
}

/// A slice, a position in it, and where the slice stands in the file.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes`, the first of which stands at `base` in the file.
    pub fn new(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, at: 0, base }
    }

    /// Where the next byte stands in the file.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Whether everything was read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Number of bytes not read yet.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next byte, not consumed.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed::Ends)?;
        self.at += 1;
        Ok(byte)
    }

    /// The next unsigned LEB128 varint (Go's `encoding/binary.Uvarint`).
    #[inline]
    pub fn uvarint(&mut self) -> Result<u64, Malformed> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_uvarint(),
        }
    }

    fn long_uvarint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (i, &byte) in self.bytes[self.at..].iter().take(10).enumerate() {
            // The tenth byte has room for one bit.
            if i == 9 && byte > 1 {
                return Err(Malformed::Varint);
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.at += i + 1;
                return Ok(value);
            }
        }
        Err(if self.remaining() >= 10 { Malformed::Varint } else { Malformed::Ends })
    }

    /// Steps over a varint of at most 64 bits without computing it.
    #[inline]
    pub fn skip_uvarint(&mut self) -> Result<(), Malformed> {
        self.uvarint().map(|_| ())
    }

    /// The next `n` bytes.
    #[inline]
    pub fn take(&mut self, n: u64) -> Result<&'a [u8], Malformed> {
        let n = usize::try_from(n).ok().filter(|&n| n <= self.remaining()).ok_or(Malformed::Ends)?;
        let taken = &self.bytes[self.at..self.at + n];
        self.at += n;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<u64, Malformed> {
        Cursor::new(bytes, 0).uvarint()
    }

    #[test]
    fn varints_of_every_length() {
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[0x7f]), Ok(127));
        assert_eq!(read(&[0x80, 1]), Ok(128));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), Ok(u64::MAX));
    }

    #[test]
    fn varints_that_are_none() {
        assert_eq!(read(&[]), Err(Malformed::Ends));
        assert_eq!(read(&[0x80]), Err(Malformed::Ends));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), Err(Malformed::Varint));
        assert_eq!(read(&[0xff; 12]), Err(Malformed::Varint));
    }

    #[test]
    fn offsets_are_the_files() {
        let mut cursor = Cursor::new(&[1, 0x80, 1, 9, 9], 100);
        cursor.byte().unwrap();
        cursor.uvarint().unwrap();
        assert_eq!(cursor.offset(), 103);
        assert_eq!(cursor.take(2), Ok(&[9u8, 9][..]));
        assert!(cursor.is_empty());
        assert_eq!(cursor.take(1), Err(Malformed::Ends));
    }
}
