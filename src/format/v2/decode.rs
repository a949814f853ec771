//! One usual event in few instructions. HOT.
//!
//! Usual is: enough bytes behind it that no read can leave them, a code that the version has, and no varint of more
//! than eight bytes. All else is left to the reader that goes byte by byte and says what is wrong.

use crate::format::event_spec::{EVENTS, MAX_ARGS};

/// Bytes that must be there: the longest usual event ends before byte 64, and a word is read at each varint.
pub const AHEAD: usize = 64 + 8;

/// Number of arguments by code; `UNKNOWN` for those that the version does not have.
pub struct Shapes([u8; 256]);

const UNKNOWN: u8 = u8::MAX;

impl Shapes {
    /// The shapes of a version that has these codes.
    pub fn new(known: &[bool; 256]) -> Self {
        Self(std::array::from_fn(|i| if known[i] { EVENTS[i].n_args } else { UNKNOWN }))
    }
}

/// An event's code, its time difference in ticks, and its length in bytes.
pub(super) struct Usual {
    pub(super) code: u8,
    pub(super) ticks: u64,
    pub(super) len: usize,
}

/// An event of `N` arguments whose varints have four bytes at most, and eight together.
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
    let mut rest = word(bytes)?;
    let mut bits = 0;
    let ticks = short_varint(&mut rest, &mut bits)?;
    let mut args = [0; N];
    for arg in &mut args {
        *arg = short_varint(&mut rest, &mut bits)?;
    }
    (bits <= u64::BITS).then_some(Short { ticks, args, len: 1 + bits as usize / 8 })
}

/// The same, where varints have mostly one byte each.
#[inline(always)]
#[allow(clippy::inline_always, reason = "part of the inner loops")]
pub fn tiny_event<const N: usize>(bytes: &[u8; AHEAD]) -> Option<Short<N>> {
    let word = word(bytes)?;
    if word & CONTINUATIONS >> (8 * (7 - N)) != 0 {
        return short_event(bytes);
    }
    Some(Short { ticks: word & 0x7f, args: std::array::from_fn(|i| word >> (8 * (i + 1)) & 0x7f), len: 2 + N })
}

/// The eight bytes behind the code.
#[inline(always)]
fn word(bytes: &[u8; AHEAD]) -> Option<u64> {
    Some(u64::from_le_bytes(*from(bytes, 1).first_chunk()?))
}

/// Takes a varint of at most four bytes from the low end of a word. Behind the word's bytes it reads zeros, and `bits`
/// says how much it took.
#[inline(always)]
fn short_varint(rest: &mut u64, bits: &mut u32) -> Option<u64> {
    if *rest & 0x80 == 0 {
        let value = *rest & 0x7f;
        *rest >>= 8;
        *bits += 8;
        return Some(value);
    }
    let word = *rest as u32;
    let stops = !word & 0x8080_8080;
    if stops == 0 {
        return None;
    }
    let taken = stops.trailing_zeros() + 1;
    *rest >>= taken;
    *bits += taken;
    Some(u64::from(joined(word & (stops - 1))))
}

/// Reads the event at the start of `bytes`, if it is a usual one.
pub(super) fn usual_event(bytes: &[u8; AHEAD], shapes: &Shapes, args: &mut [u64; MAX_ARGS]) -> Option<Usual> {
    let code = bytes[0];
    let n_args = shapes.0[code as usize];
    if n_args > MAX_ARGS as u8 {
        return None;
    }
    let (ticks, mut len) = varint(bytes, 1)?;
    len += 1;
    for arg in args.iter_mut().take(n_args as usize) {
        let (value, bytes) = varint(bytes, len)?;
        *arg = value;
        len += bytes;
    }
    Some(Usual { code, ticks, len })
}

/// The bytes from a place on. The mask changes nothing, as five varints of eight bytes end before byte 64; it tells the
/// compiler so.
#[inline]
fn from(bytes: &[u8; AHEAD], at: usize) -> &[u8] {
    &bytes[at & (AHEAD - 9)..]
}

/// The varint at a place, and its length. One byte is most frequent; for two to four there is no branch, as their
/// number is hard to predict.
#[inline(always)]
fn varint(bytes: &[u8; AHEAD], at: usize) -> Option<(u64, usize)> {
    let word = u32::from_le_bytes(*from(bytes, at).first_chunk()?);
    if word & 0x80 == 0 {
        return Some((u64::from(word & 0x7f), 1));
    }
    let stops = !word & 0x8080_8080;
    if stops == 0 {
        return long_varint(u64::from_le_bytes(*from(bytes, at).first_chunk()?));
    }
    Some((u64::from(joined(word & (stops - 1))), (stops.trailing_zeros() as usize + 1) / 8))
}

/// The bits of four bytes without those that say that a varint goes on.
#[inline(always)]
fn joined(x: u32) -> u32 {
    let x = (x & 0x007f_007f) | ((x & 0x7f00_7f00) >> 1);
    (x & 0x3fff) | ((x & 0x3fff_0000) >> 2)
}

/// The bits that say that a varint goes on.
const CONTINUATIONS: u64 = 0x8080_8080_8080_8080;

#[cold]
fn long_varint(word: u64) -> Option<(u64, usize)> {
    let stops = !word & CONTINUATIONS;
    let x = word & stops.checked_sub(1)?;
    let x = (x & 0x007f_007f_007f_007f) | ((x & 0x7f00_7f00_7f00_7f00) >> 1);
    let x = (x & 0x0000_3fff_0000_3fff) | ((x & 0x3fff_0000_3fff_0000) >> 2);
    let x = (x & 0x0000_0000_0fff_ffff) | ((x & 0x0fff_ffff_0000_0000) >> 4);
    Some((x, (stops.trailing_zeros() as usize + 1) / 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::event_spec::code;

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
                    let mut bytes = encoded(value);
                    let len = bytes.len();
                    bytes.resize(AHEAD, behind);
                    let expected = (len <= 8).then_some((value, len));
                    assert_eq!(varint(bytes.as_slice().try_into().unwrap(), 0), expected, "{value:x}");
                }
            }
        }
    }

    #[test]
    fn the_longest_usual_event_is_read_to_its_end() {
        let shapes = Shapes::new(&std::array::from_fn(|i| EVENTS[i].timed));
        let mut bytes = vec![code::USER_TASK_BEGIN];
        let values: Vec<u64> = (0..5).map(|i| (1 << 55) + i).collect();
        bytes.extend(values.iter().flat_map(|v| encoded(*v)));
        let len = bytes.len();
        bytes.resize(AHEAD, 0xff);
        let bytes: &[u8; AHEAD] = bytes.as_slice().try_into().unwrap();
        let mut args = [0; MAX_ARGS];
        let usual = usual_event(bytes, &shapes, &mut args).unwrap();
        assert_eq!((usual.code, usual.ticks, usual.len), (code::USER_TASK_BEGIN, values[0], len));
        assert_eq!(args[..], values[1..]);
    }

    /// Reads an event of `N` arguments in all ways.
    fn ways<const N: usize>(code: u8, values: &[u64]) -> [Option<(u64, Vec<u64>, usize)>; 3] {
        let mut bytes = vec![code];
        bytes.extend(values.iter().flat_map(|v| encoded(*v)));
        bytes.resize(AHEAD, 0xff);
        let bytes: &[u8; AHEAD] = bytes.as_slice().try_into().unwrap();
        let shapes = Shapes::new(&std::array::from_fn(|i| EVENTS[i].timed));
        let mut args = [0; MAX_ARGS];
        let usual = usual_event(bytes, &shapes, &mut args).map(|e| (e.ticks, args[..N].to_vec(), e.len));
        let short = |event: Short<N>| (event.ticks, event.args.to_vec(), event.len);
        [usual, short_event::<N>(bytes).map(short), tiny_event::<N>(bytes).map(short)]
    }

    #[test]
    fn short_events_are_read_in_every_way_alike() {
        let ends = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0xfff_ffff, 0x1000_0000, 1 << 35];
        let len = |value: u64| encoded(value).len();
        let mut read = 0;
        for a in ends {
            let [usual, short, tiny] = ways::<0>(code::GO_SYSCALL_END, &[a]);
            assert!(usual.is_some() && tiny == short && (short.is_none() || short == usual), "{a:x}");
            assert_eq!(short.is_some(), len(a) <= 4);
            for (b, c) in ends.iter().flat_map(|b| ends.map(|c| (*b, c))) {
                let [usual, short, tiny] = ways::<2>(code::GO_START, &[a, b, c]);
                let sum = len(a) + len(b) + len(c);
                let is_short = [a, b, c].iter().all(|v| len(*v) <= 4) && sum <= 8;
                assert_eq!(short.is_some(), is_short, "{a:x} {b:x} {c:x}");
                assert!(usual.is_some() && tiny == short && (short.is_none() || short == usual), "{a:x} {b:x} {c:x}");
                for d in ends {
                    let [usual, short, tiny] = ways::<3>(code::GO_UNBLOCK, &[a, b, c, d]);
                    assert_eq!(short.is_some(), is_short && len(d) <= 4 && sum + len(d) <= 8);
                    assert!(tiny == short && (short.is_none() || short == usual), "{a:x} {b:x} {c:x} {d:x}");
                    read += u32::from(short.is_some());
                }
            }
        }
        assert!(read > 1000, "{read}");
    }
}
