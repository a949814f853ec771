//! The last known state of each goroutine, by its id: goroutines are not known yet during a scan. On the hot path.
//!
//! Ids of one generation follow each other, but for a few of older goroutines. So most are found in a table of pages
//! for a range of ids, the others in a map. The range moves once, to where the ids turn out to be.

use crate::trace::event::GoState;
use crate::trace::id_window::IdWindow;
use crate::trace::ids::GoId;
use crate::trace::paged_table::PagedTable;
use rustc_hash::FxHashMap;

/// A goroutine's sequence number, with its state then in the lowest bits. Numbers compare as the whole value does,
/// apart from these bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SeqAndState(u64);

/// Nothing known.
impl Default for SeqAndState {
    fn default() -> Self {
        Self(GoState::Undetermined as u64)
    }
}

impl SeqAndState {
    const STATE_BITS: u32 = 3;
    const STATE_MASK: u64 = (1 << Self::STATE_BITS) - 1;

    /// Oversized numbers are truncated; the checkpoint then fails to verify.
    #[inline]
    fn new(seq: u64, state: GoState) -> Self {
        Self(seq << Self::STATE_BITS | state as u64)
    }

    /// Takes over another one, unless its number is lower.
    #[inline]
    fn set_if_later(&mut self, other: Self) {
        if self.0 <= other.0 | Self::STATE_MASK {
            *self = other;
        }
    }

    fn seq(self) -> u64 {
        self.0 >> Self::STATE_BITS
    }

    fn state(self) -> GoState {
        GoState::ALL[(self.0 & Self::STATE_MASK) as usize]
    }
}

/// Ids in one page.
const PAGE: usize = 64;

/// The last known state of each goroutine by its id.
#[derive(Default)]
pub(super) struct LastSeenById {
    /// The range of ids, as long as some pages.
    window: IdWindow,
    /// Ids of the range, by their position in it, up to the last page that is used.
    in_range: PagedTable<SeqAndState, PAGE>,
    /// Ids outside the range.
    others: FxHashMap<GoId, SeqAndState>,
}

/// A goroutine's id, its last sequence number, and its state then.
pub(super) type LastSeen = (GoId, u64, GoState);

impl LastSeenById {
    /// Bytes of the file for each id of the range, so that memory stays in proportion to the file.
    const BYTES_PER_ID: u64 = 32;
    /// The range moves only while at most this many pages are used: they move to the map.
    const MAX_MOVED_PAGES: usize = 16;

    /// Empty, for a generation of this many bytes.
    pub(super) fn for_bytes(bytes: u64) -> Self {
        let n_pages = bytes / Self::BYTES_PER_ID / PAGE as u64 + 1;
        Self { window: IdWindow::new(n_pages * PAGE as u64), ..Self::default() }
    }

    /// Sets a goroutine's state as of sequence number `seq`, unless its state as of a higher number is known.
    #[inline]
    pub(super) fn set_if_later(&mut self, id: GoId, seq: u64, state: GoState) {
        let at = usize::try_from(self.window.offset(id)).ok();
        match at.and_then(|at| self.in_range.get_mut(at)) {
            Some(entry) => entry.set_if_later(SeqAndState::new(seq, state)),
            None => self.set_slow(id, SeqAndState::new(seq, state)),
        }
    }

    /// The same for an id that has no page yet, or is outside the range.
    #[cold]
    fn set_slow(&mut self, id: GoId, new: SeqAndState) {
        let mut window = self.window;
        let few = || self.in_range.n_entries() <= Self::MAX_MOVED_PAGES * PAGE;
        if !window.has(id) && window.move_once(id, few) {
            self.others = self.all().map(|(id, seq, state)| (id, SeqAndState::new(seq, state))).collect();
            self.in_range.reset(0);
        }
        self.window = window;
        let at = usize::try_from(window.offset(id)).ok().filter(|_| window.has(id));
        match at.and_then(|at| self.in_range.get_or_grow(at)) {
            Some(entry) => entry.set_if_later(new),
            None => self.others.entry(id).or_default().set_if_later(new),
        }
    }

    /// All goroutines. One that was set before and after the range moved comes twice, the later entry second.
    pub(super) fn all(&self) -> impl Iterator<Item = LastSeen> {
        let id = |at| GoId(self.window.first().wrapping_add(at as u64));
        let in_range = self.in_range.iter().map(move |(at, entry)| (id(at), *entry));
        let others = self.others.iter().map(|(&id, &entry)| (id, entry));
        let known = others.chain(in_range).filter(|(_, entry)| *entry != SeqAndState::default());
        known.map(|(id, entry)| (id, entry.seq(), entry.state()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};

    fn all(seen: &LastSeenById) -> Vec<LastSeen> {
        let mut all: Vec<LastSeen> = seen.all().collect();
        all.sort_by_key(|(id, ..)| *id);
        all
    }

    #[test]
    fn the_highest_number_is_the_latest() {
        for state in [Undetermined, NotExist, Runnable, Running, Syscall, Waiting] {
            let mut seen = LastSeenById::for_bytes(1000);
            assert_eq!(all(&seen), []);
            seen.set_if_later(GoId(3), 7, state);
            seen.set_if_later(GoId(3), 6, Running);
            // Of equal numbers, the one that is set last counts.
            seen.set_if_later(GoId(4), 0, Runnable);
            seen.set_if_later(GoId(4), 0, Waiting);
            assert_eq!(all(&seen), [(GoId(3), 7, state), (GoId(4), 0, Waiting)]);
        }
    }

    #[test]
    fn ids_may_be_anywhere() {
        // A range of 128 ids, which moves once: its middle is the first id outside.
        let mut seen = LastSeenById::for_bytes(64 * 32);
        let ids = [1, 100, 1_000_000, 1_000_063, 999_936, 999_935, 1_000_064, 5, 1 << 40, u64::MAX].map(GoId);
        for round in 0..3 {
            for (i, &id) in (0..).zip(&ids) {
                seen.set_if_later(id, i + round, Runnable);
                seen.set_if_later(id, i, Running);
            }
            let last = if round == 0 { Running } else { Runnable };
            let mut expected: Vec<LastSeen> = (0..).zip(&ids).map(|(i, &id)| (id, i + round, last)).collect();
            expected.sort_unstable_by_key(|(id, ..)| *id);
            assert_eq!(all(&seen), expected);
            assert_eq!((seen.window.first(), seen.in_range.n_entries()), (999_936, 2 * PAGE));
        }
        // An id that is in the range before and after the move.
        let mut moved = LastSeenById::for_bytes(64 * 32);
        moved.set_if_later(GoId(100), 7, Running);
        moved.set_if_later(GoId(128), 1, Running);
        moved.set_if_later(GoId(100), 7, Waiting);
        let expected = [(GoId(100), 7, Running), (GoId(100), 7, Waiting), (GoId(128), 1, Running)];
        assert_eq!(all(&moved), expected);
        // The highest ids.
        let mut last = LastSeenById::for_bytes(64 * 32);
        last.set_if_later(GoId(u64::MAX), 1, Waiting);
        last.set_if_later(GoId(u64::MAX - 1), 1, Syscall);
        last.set_if_later(GoId(0), 1, Runnable);
        let expected = [(GoId(0), 1, Runnable), (GoId(u64::MAX - 1), 1, Syscall), (GoId(u64::MAX), 1, Waiting)];
        assert_eq!(all(&last), expected);
    }
}
