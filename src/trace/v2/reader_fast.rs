//! Short events in few instructions. HOT.
//!
//! Short is: all varints in the eight bytes behind the code. All else is left to the reader that goes byte by byte and
//! says what is wrong.

use crate::trace::wire::cursor::WordUvarints;

/// Bytes that must be there: a code, and the word behind it.
pub const AHEAD: usize = 9;

/// A short event of `N` arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Short<const N: usize> {
    /// Its time difference in ticks.
    pub ticks: u64,
    /// Its arguments.
    pub args: [u64; N],
    /// Its length in bytes, with the code.
    pub len: usize,
}

/// Reads an event that has `N` arguments, if it is short.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of the inner loops")]
pub fn short_event<const N: usize>(bytes: &[u8; AHEAD]) -> Option<Short<N>> {
    let mut varints = WordUvarints::new(word(bytes));
    let ticks = varints.take()?;
    let mut args = [0; N];
    for arg in &mut args {
        *arg = varints.take()?;
    }
    Some(Short { ticks, args, len: 1 + varints.bytes()? })
}

/// As [`short_event`], where the first argument is a goroutine's id of mostly two or three bytes, and all else has
/// mostly one byte each.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of the inner loops")]
pub fn short_event_of<const N: usize>(bytes: &[u8; AHEAD]) -> Option<Short<N>> {
    const { assert!(N > 0, "there is an id") };
    let word = word(bytes);
    // Ids have as many bytes as that of the last goroutine, most of the time.
    if has_id::<N, 3>(word) {
        return Some(of::<N, 3>(word));
    }
    if has_id::<N, 2>(word) {
        return Some(of::<N, 2>(word));
    }
    short_event(bytes)
}

/// As [`short_event`], where varints have mostly one byte each.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of the inner loops")]
pub fn tiny_event<const N: usize>(bytes: &[u8; AHEAD]) -> Option<Short<N>> {
    let word = word(bytes);
    if word & continues(1 + N) == 0 {
        return Some(Short { ticks: word & 0x7f, args: std::array::from_fn(|i| only(word, 1 + i)), len: 2 + N });
    }
    short_event(bytes)
}

/// A varint that is one byte of a word.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of the inner loops")]
fn only(word: u64, byte: usize) -> u64 {
    word >> (8 * byte) & 0x7f
}

/// What a varint's byte has that is not its last.
const CONTINUES: u64 = 0x80;

/// The same of the first `n` bytes of a word.
const fn continues(n: usize) -> u64 {
    if n == 0 { 0 } else { 0x8080_8080_8080_8080 >> (8 * (8 - n)) }
}

/// Whether an event has a first argument of `ID` bytes, and all else of one.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of the inner loops")]
fn has_id<const N: usize, const ID: usize>(word: u64) -> bool {
    word & continues(ID + N) == continues(ID) ^ CONTINUES
}

/// That event.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of the inner loops")]
fn of<const N: usize, const ID: usize>(word: u64) -> Short<N> {
    let id = (0..ID).map(|i| word >> (8 + i) & 0x7f << (7 * i)).fold(0, |id, group| id | group);
    let args = std::array::from_fn(|i| if i == 0 { id } else { only(word, ID + i) });
    Short { ticks: word & 0x7f, args, len: 1 + ID + N }
}

#[inline]
fn word([_, word @ ..]: &[u8; AHEAD]) -> u64 {
    u64::from_le_bytes(*word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = value;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    }

    #[test]
    fn varints_of_up_to_eight_bytes_are_read() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift, 0x0102_0304_0506_0708 >> shift] {
                for behind in [0, 0xff] {
                    let mut bytes = vec![1];
                    bytes.extend(encoded(value));
                    let len = bytes.len();
                    bytes.resize(AHEAD.max(len), behind);
                    let expected = (len <= AHEAD).then_some(Short { ticks: value, args: [], len });
                    assert_eq!(short_event(bytes.first_chunk().unwrap()), expected, "{value:x}");
                }
            }
        }
    }

    /// Reads an event of `N` arguments in both ways; both must be what it is, if it is short.
    fn check<const N: usize>(values: &[u64]) -> bool {
        let mut bytes = vec![1];
        bytes.extend(values.iter().flat_map(|v| encoded(*v)));
        let len = bytes.len();
        bytes.resize(AHEAD.max(len), 0xff);
        let bytes = bytes.first_chunk().unwrap();
        let event = || Short { ticks: values[0], args: std::array::from_fn(|i| values[i + 1]), len };
        let expected = (len <= AHEAD).then(event);
        assert_eq!([short_event::<N>(bytes), tiny_event::<N>(bytes)], [expected; 2], "{values:x?}");
        expected.is_some()
    }

    /// The same, and as one of a goroutine.
    fn check_of<const N: usize>(values: &[u64]) -> bool {
        let bytes = values.iter().flat_map(|v| encoded(*v)).chain([0xff; AHEAD]);
        let bytes: Vec<u8> = std::iter::once(1).chain(bytes).take(AHEAD).collect();
        let bytes = bytes.first_chunk().unwrap();
        assert_eq!(short_event_of::<N>(bytes), short_event::<N>(bytes), "{values:x?}");
        check::<N>(values)
    }

    #[test]
    fn short_events_are_read_in_every_way_alike() {
        let ends = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0xfff_ffff, 0x1000_0000, 1 << 35, 1 << 55];
        let mut short = 0;
        for a in ends {
            short += u32::from(check::<0>(&[a]));
            for (b, c) in ends.iter().flat_map(|b| ends.map(|c| (*b, c))) {
                short += u32::from(check_of::<2>(&[a, b, c]));
                for d in ends {
                    short += u32::from(check_of::<3>(&[a, b, c, d]));
                }
            }
        }
        assert!(short > 1000, "{short}");
    }
}
