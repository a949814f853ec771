//! How the time of one request divides over states. There can be millions of requests, and most have two or three states: theirs
//! need no memory of their own.
//!
//! ```text
//!   state 2: 704 ns   state 5: 1 000 000 ns
//!   02 c0 05          05 c0 84 3d              varints, as in a trace
//! ```

use crate::trace::wire::cursor::Cursor;
use crate::trace::wire::encode::uvarint_bytes;
use smallvec::SmallVec;
use std::fmt;

/// Nanoseconds by position of a state, each position at most once.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct StateTimes(Bytes);

/// So many bytes stand in the list of requests itself: as many as there is room for beside a slice's box. Of the 3,202 requests
/// of `main` in the recordings of Go 1.23, 1.25 and 1.26 in testdata, 27 have more; a quarter have more than 14.
const FEW: usize = 22;

#[derive(Clone, PartialEq, Eq)]
enum Bytes {
    /// The first ones of these; the others are 0.
    Few(u8, [u8; FEW]),
    Many(Box<[u8]>),
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Few(0, [0; FEW])
    }
}

impl Bytes {
    fn new(bytes: &[u8]) -> Self {
        let mut few = [0; FEW];
        match few.get_mut(..bytes.len()) {
            Some(first) => {
                first.copy_from_slice(bytes);
                Self::Few(bytes.len() as u8, few)
            }
            None => Self::Many(bytes.into()),
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Few(n, bytes) => &bytes[..usize::from(*n)],
            Self::Many(bytes) => bytes,
        }
    }
}

impl StateTimes {
    /// Each position with its nanoseconds, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let mut bytes = Cursor::new(self.0.as_slice(), 0);
        std::iter::from_fn(move || Some((bytes.uvarint().ok()? as u16, bytes.uvarint().ok()?)))
    }
}

impl FromIterator<(u16, u64)> for StateTimes {
    fn from_iter<I: IntoIterator<Item = (u16, u64)>>(times: I) -> Self {
        let mut bytes: SmallVec<[u8; 64]> = SmallVec::new();
        for (state, ns) in times {
            uvarint_bytes(u64::from(state), 1, |byte| bytes.push(byte));
            uvarint_bytes(ns, 1, |byte| bytes.push(byte));
        }
        Self(Bytes::new(&bytes))
    }
}

impl fmt::Debug for StateTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_were_given() {
        let few = [(2, 704), (5, 1_000_000)];
        // 22 bytes, and 23.
        let full = [(1, 1 << 41), (2, 1 << 41), (3, 1 << 42)];
        let too_many = [(1, 1 << 42), (2, 1 << 41), (3, 1 << 42)];
        let many: Vec<(u16, u64)> = (0..40).map(|i| (i * 1638, u64::MAX >> i)).collect();
        for times in [&[][..], &few, &full, &too_many, &many, &[(u16::MAX, u64::MAX), (0, 0)]] {
            let packed: StateTimes = times.iter().copied().collect();
            assert_eq!(packed.iter().collect::<Vec<_>>(), times);
            assert_eq!(matches!(packed.0, Bytes::Few(..)), times != too_many && times != many, "{times:?}");
            assert_eq!(packed == few.into_iter().collect(), times == few);
        }
        assert_eq!(size_of::<StateTimes>(), 24);
    }
}
