//! Decodes short events in few instructions. On the hot path.
//!
//! An event is short if all its varints end within the eight bytes after its code. These are loaded into one register:
//!
//! ```text
//!  code │ ticks │ goroutine id │ seq │ …       GoStart: two arguments
//!   1   │   1   │    2 or 3    │  1  │         bytes, nearly always
//!       └──── one u64, little-endian ────┘
//! ```
//! Equal to the general rule in `reader.rs` for every short event (tests here and there). Of other events these
//! functions return `None`, and the caller follows the general rule, which also finds what is wrong. The bench `decode`
//! in `benches/pipeline.rs` measures the gain.

use crate::trace::wire::cursor::WordUvarints;

/// Bytes that must be left in the batch: a code and the word after it. The event itself may be shorter.
pub(crate) const WORD_EVENT_BYTES: usize = 9;

/// A short event with `N` arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WordEvent<const N: usize> {
    /// Ticks since the event before it.
    pub ticks: u64,
    /// Its arguments.
    pub args: [u64; N],
    /// Its length in bytes, code included.
    pub len: usize,
}

/// Decodes an event with `N` arguments; `None` if it is not short.
#[inline(always)]
pub(crate) fn decode_word_fast<const N: usize>(bytes: &[u8; WORD_EVENT_BYTES]) -> Option<WordEvent<N>> {
    let mut varints = WordUvarints::new(word(bytes));
    let ticks = varints.take()?;
    let mut args = [0; N];
    for arg in &mut args {
        *arg = varints.take()?;
    }
    Some(WordEvent { ticks, args, len: 1 + varints.bytes()? })
}

/// Equal to [`decode_word_fast`]. Faster if the first argument is a goroutine id of two or three bytes, and the other
/// varints have one byte each.
#[inline(always)]
pub(crate) fn decode_goroutine_fast<const N: usize>(bytes: &[u8; WORD_EVENT_BYTES]) -> Option<WordEvent<N>> {
    const { assert!(N > 0, "the first argument is the id") };
    let word = word(bytes);
    // Three first: in a trace with many goroutines nearly all ids have as many bytes as the highest one.
    if has_id_of::<N, 3>(word) {
        return Some(with_id_of::<N, 3>(word));
    }
    if has_id_of::<N, 2>(word) {
        return Some(with_id_of::<N, 2>(word));
    }
    decode_word_fast(bytes)
}

/// Equal to [`decode_word_fast`]. Faster if all varints have one byte each.
#[inline(always)]
pub(crate) fn decode_one_byte_fast<const N: usize>(bytes: &[u8; WORD_EVENT_BYTES]) -> Option<WordEvent<N>> {
    let word = word(bytes);
    if word & continues(1 + N) == 0 {
        return Some(WordEvent {
            ticks: word & 0x7f,
            args: std::array::from_fn(|i| one_byte_at(word, 1 + i)),
            len: 2 + N,
        });
    }
    decode_word_fast(bytes)
}

/// The value of the varint that is this one byte of a word.
#[inline(always)]
fn one_byte_at(word: u64, byte: usize) -> u64 {
    word >> (8 * byte) & 0x7f
}

/// The bit that is set in each byte of a varint but its last.
const CONTINUES: u64 = 0x80;

/// That bit in each of the first `n` bytes of a word.
const fn continues(n: usize) -> u64 {
    if n == 0 { 0 } else { 0x8080_8080_8080_8080 >> (8 * (8 - n)) }
}

/// Whether the first argument has `ID` bytes, and all other varints of the event one.
#[inline(always)]
fn has_id_of<const N: usize, const ID: usize>(word: u64) -> bool {
    word & continues(ID + N) == continues(ID) ^ CONTINUES
}

/// Decodes an event for which [`has_id_of`] holds.
#[inline(always)]
fn with_id_of<const N: usize, const ID: usize>(word: u64) -> WordEvent<N> {
    let id = (0..ID).map(|i| word >> (8 + i) & 0x7f << (7 * i)).fold(0, |id, group| id | group);
    let args = std::array::from_fn(|i| if i == 0 { id } else { one_byte_at(word, ID + i) });
    WordEvent { ticks: word & 0x7f, args, len: 1 + ID + N }
}

/// The word after the code.
#[inline]
fn word([_, word @ ..]: &[u8; WORD_EVENT_BYTES]) -> u64 {
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
    fn varints_of_up_to_eight_bytes_are_decoded() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift, 0x0102_0304_0506_0708 >> shift] {
                for after in [0, 0xff] {
                    let mut bytes = vec![1];
                    bytes.extend(encoded(value));
                    let len = bytes.len();
                    bytes.resize(WORD_EVENT_BYTES.max(len), after);
                    let expected = (len <= WORD_EVENT_BYTES).then_some(WordEvent { ticks: value, args: [], len });
                    assert_eq!(decode_word_fast(bytes.first_chunk().unwrap()), expected, "{value:x}");
                }
            }
        }
    }

    /// Decodes an event with `N` arguments in two ways; both must give it if it is short. Returns whether it is.
    fn check<const N: usize>(values: &[u64]) -> bool {
        let mut bytes = vec![1];
        bytes.extend(values.iter().flat_map(|v| encoded(*v)));
        let len = bytes.len();
        bytes.resize(WORD_EVENT_BYTES.max(len), 0xff);
        let bytes = bytes.first_chunk().unwrap();
        let event = || WordEvent { ticks: values[0], args: std::array::from_fn(|i| values[i + 1]), len };
        let expected = (len <= WORD_EVENT_BYTES).then(event);
        assert_eq!([decode_word_fast::<N>(bytes), decode_one_byte_fast::<N>(bytes)], [expected; 2], "{values:x?}");
        expected.is_some()
    }

    /// The same, and as an event whose first argument is a goroutine id.
    fn check_goroutine<const N: usize>(values: &[u64]) -> bool {
        let bytes = values.iter().flat_map(|v| encoded(*v)).chain([0xff; WORD_EVENT_BYTES]);
        let bytes: Vec<u8> = std::iter::once(1).chain(bytes).take(WORD_EVENT_BYTES).collect();
        let bytes = bytes.first_chunk().unwrap();
        assert_eq!(decode_goroutine_fast::<N>(bytes), decode_word_fast::<N>(bytes), "{values:x?}");
        check::<N>(values)
    }

    #[test]
    fn all_ways_to_decode_a_short_event_agree() {
        let ends = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0xfff_ffff, 0x1000_0000, 1 << 35, 1 << 55];
        let mut short = 0;
        for a in ends {
            short += u32::from(check::<0>(&[a]));
            for (b, c) in ends.iter().flat_map(|b| ends.map(|c| (*b, c))) {
                short += u32::from(check_goroutine::<2>(&[a, b, c]));
                for d in ends {
                    short += u32::from(check_goroutine::<3>(&[a, b, c, d]));
                }
            }
        }
        assert!(short > 1000, "{short}");
    }
}
