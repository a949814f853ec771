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
pub struct StateTimes(SmallVec<[u8; 16]>);

impl StateTimes {
    /// Each position with its nanoseconds, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let mut bytes = Cursor::new(&self.0, 0);
        std::iter::from_fn(move || Some((bytes.uvarint().ok()? as u16, bytes.uvarint().ok()?)))
    }
}

impl FromIterator<(u16, u64)> for StateTimes {
    fn from_iter<I: IntoIterator<Item = (u16, u64)>>(times: I) -> Self {
        let mut bytes = SmallVec::new();
        for (state, ns) in times {
            uvarint_bytes(u64::from(state), 1, |byte| bytes.push(byte));
            uvarint_bytes(ns, 1, |byte| bytes.push(byte));
        }
        bytes.shrink_to_fit();
        Self(bytes)
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
        let many: Vec<(u16, u64)> = (0..40).map(|i| (i * 1638, u64::MAX >> i)).collect();
        for times in [&[][..], &few, &many, &[(u16::MAX, u64::MAX), (0, 0)]] {
            let packed: StateTimes = times.iter().copied().collect();
            assert_eq!(packed.iter().collect::<Vec<_>>(), times);
            assert_eq!(packed.0.spilled(), times.len() > 2);
            assert_eq!(packed == few.into_iter().collect(), times == few);
        }
        assert_eq!(size_of::<StateTimes>(), 24);
    }
}
