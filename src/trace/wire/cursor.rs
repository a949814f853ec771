//! Reads varints from bytes in memory and keeps the position in the file. Most varints have one byte, so that case is
//! inlined; `benches/varints.rs` measures the readers.

/// Why a value could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// The bytes end in the middle of a value.
    Ends,
    /// A varint of more than 64 bits.
    Varint,
}

/// The highest bit of each of eight bytes: set in all bytes of a varint but the last.
const CONTINUATIONS: u64 = 0x8080_8080_8080_8080;

/// A slice of a file, and a position in it.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    /// Offset of the slice in the file.
    base: u64,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes`, which begin at the offset `base` of the file.
    pub fn new(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, at: 0, base }
    }

    /// The offset of the next byte in the file.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Whether all bytes were read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The number of bytes that are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next byte, which is not consumed; none at the end.
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
            _ => self.word_uvarint(),
        }
    }

    /// A varint of 2 to 8 bytes, read as one word. Longer ones, and those near the end of the bytes, are read byte by byte.
    #[inline]
    fn word_uvarint(&mut self) -> Result<u64, Malformed> {
        let Some(word) = self.word() else { return self.long_uvarint() };
        let stops = !word & CONTINUATIONS;
        if stops == 0 {
            return self.long_uvarint();
        }
        self.at += (stops.trailing_zeros() as usize + 1) / 8;
        // The bytes up to the first without a continuation bit, their 7-bit groups moved together.
        Ok(join_groups(word & (stops ^ (stops - 1)) & !CONTINUATIONS))
    }

    /// The next `N` varints, if together they take eight bytes at most; else none, and nothing is consumed.
    #[inline]
    pub fn short_uvarints<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut word = WordUvarints::new(self.word()?);
        let mut values = [0; N];
        for value in &mut values {
            *value = word.take()?;
        }
        self.at += word.bytes()?;
        Some(values)
    }

    /// The next eight bytes, which are not consumed; none if there are fewer.
    #[inline]
    fn word(&self) -> Option<u64> {
        let bytes = self.bytes.get(self.at..self.at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The next `N` bytes, which are not consumed; none if there are fewer.
    #[inline]
    pub fn ahead<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.get(self.at..)?.first_chunk()
    }

    /// Steps over `n` bytes, no more than are left.
    #[inline]
    pub fn step(&mut self, n: usize) {
        self.at += n;
        debug_assert!(self.at <= self.bytes.len(), "more bytes than there are");
    }

    #[cold]
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

    /// Goes to an offset in the file; to the end of the slice for one that is not in it.
    #[cold]
    pub fn seek(&mut self, offset: u64) {
        let at = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.at = at.min(self.bytes.len());
    }

    /// Steps over `n` varints without decoding them.
    #[inline]
    pub fn skip_uvarints(&mut self, n: u32) -> Result<(), Malformed> {
        let mut left = n;
        if n > 0
            && let Some(word) = self.word()
        {
            let mut stops = !word & CONTINUATIONS;
            while left > 1 && stops != 0 {
                stops &= stops - 1;
                left -= 1;
            }
            if stops != 0 {
                self.at += (stops.trailing_zeros() as usize + 1) / 8;
                return Ok(());
            }
            left = n;
        }
        for _ in 0..left {
            self.uvarint()?;
        }
        Ok(())
    }

    /// The next `n` bytes; an error if there are fewer.
    #[inline]
    pub fn take(&mut self, n: u64) -> Result<&'a [u8], Malformed> {
        let n = usize::try_from(n).ok().filter(|&n| n <= self.remaining()).ok_or(Malformed::Ends)?;
        let taken = &self.bytes[self.at..self.at + n];
        self.at += n;
        Ok(taken)
    }
}

/// Decodes varints from one word, which stays in a register.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordUvarints {
    /// The bytes that are left, then zeros.
    rest: u64,
    /// Number of bits taken; more than 64 if a varint does not end inside the word.
    bits: u32,
}

impl WordUvarints {
    /// Begins with the low byte of the word.
    #[inline]
    pub(crate) fn new(word: u64) -> Self {
        Self { rest: word, bits: 0 }
    }

    /// The next varint; none if it has more than eight bytes. It is valid only if [`bytes`](Self::bytes) is not none
    /// afterwards.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<u64> {
        if self.rest & 0x80 == 0 {
            let value = self.rest & 0x7f;
            self.rest >>= 8;
            self.bits += 8;
            return Some(value);
        }
        let word = self.rest as u32;
        let stops = !word & CONTINUATIONS as u32;
        if stops == 0 {
            // By value: a word with an address would not stay in a register.
            let (value, taken) = long_uvarint_of(self.rest)?;
            self.rest = if taken < u64::BITS { self.rest >> taken } else { 0 };
            self.bits += taken;
            return Some(value);
        }
        let taken = stops.trailing_zeros() + 1;
        self.rest >>= taken;
        self.bits += taken;
        // The bits below the end's, the 7-bit groups moved together.
        let x = word & (stops - 1);
        let x = (x & 0x007f_007f) | ((x & 0x7f00_7f00) >> 1);
        Some(u64::from((x & 0x3fff) | ((x & 0x3fff_0000) >> 2)))
    }

    /// Number of bytes taken; none if they are more than the word has.
    #[inline]
    pub(crate) fn bytes(&self) -> Option<usize> {
        (self.bits <= u64::BITS).then_some(self.bits as usize / 8)
    }
}

/// The varint at the low end of a word, and its number of bits; none if it has more than eight bytes.
#[cold]
fn long_uvarint_of(word: u64) -> Option<(u64, u32)> {
    let stops = !word & CONTINUATIONS;
    Some((join_groups(word & stops.checked_sub(1)? & !CONTINUATIONS), stops.trailing_zeros() + 1))
}

/// Joins the low seven bits of eight bytes to one number.
#[inline]
fn join_groups(x: u64) -> u64 {
    let x = (x & 0x007f_007f_007f_007f) | ((x & 0x7f00_7f00_7f00_7f00) >> 1);
    let x = (x & 0x0000_3fff_0000_3fff) | ((x & 0x3fff_0000_3fff_0000) >> 2);
    (x & 0x0000_0000_0fff_ffff) | ((x & 0x0fff_ffff_0000_0000) >> 4)
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
    fn malformed_varints() {
        assert_eq!(read(&[]), Err(Malformed::Ends));
        assert_eq!(read(&[0x80]), Err(Malformed::Ends));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), Err(Malformed::Varint));
        assert_eq!(read(&[0xff; 12]), Err(Malformed::Varint));
    }

    #[test]
    fn reading_by_words_is_reading_by_bytes() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift, 0x0102_0304_0506_0708 >> shift] {
                let mut bytes = Vec::new();
                let mut rest = value;
                while rest >= 0x80 {
                    bytes.push(rest as u8 | 0x80);
                    rest >>= 7;
                }
                bytes.push(rest as u8);
                let len = bytes.len();
                assert_eq!(Cursor::new(&bytes, 0).long_uvarint(), Ok(value));
                bytes.extend([0xff; 8]);
                let mut cursor = Cursor::new(&bytes, 0);
                assert_eq!((cursor.uvarint(), cursor.at), (Ok(value), len));
                let mut cursor = Cursor::new(&bytes, 0);
                assert_eq!((cursor.skip_uvarints(1), cursor.at), (Ok(()), len));
                let mut cursor = Cursor::new(&bytes, 0);
                let short = if len <= 8 { (Some([value]), len) } else { (None, 0) };
                assert_eq!((cursor.short_uvarints::<1>(), cursor.at), short);
            }
        }
    }

    #[test]
    fn stepping_over_varints_is_reading_them() {
        let bytes: Vec<u8> = (0..200u32).flat_map(|i| [(i * 37 % 256) as u8 | 0x80, i as u8 & 0x7f, 5]).collect();
        for n in 0..6 {
            let (mut read, mut skipped) = (Cursor::new(&bytes, 0), Cursor::new(&bytes, 0));
            while read.remaining() > 30 {
                for _ in 0..n {
                    read.uvarint().unwrap();
                }
                skipped.skip_uvarints(n).unwrap();
                read.byte().unwrap();
                skipped.byte().unwrap();
                assert_eq!(read.at, skipped.at);
            }
        }
    }

    #[test]
    fn several_varints_at_once_are_one_after_the_other() {
        let bytes: Vec<u8> = (0..200u32).flat_map(|i| [(i * 37 % 256) as u8, (i * 91 % 256) as u8, 5]).collect();
        for start in 0..400 {
            let (mut one, mut many) = (Cursor::new(&bytes[start..], 0), Cursor::new(&bytes[start..], 0));
            if let Some(values) = many.short_uvarints::<3>() {
                assert_eq!(values.map(Ok), [0; 3].map(|_| one.uvarint()));
                assert_eq!(one.at, many.at);
            }
        }
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
