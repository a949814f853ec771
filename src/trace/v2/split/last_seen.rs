//! The last known state of each goroutine, by its id: goroutines are not known yet during a scan. On the hot path.
//!
//! Ids of one generation follow each other, but for a few of older goroutines. So most are found in a table of pages
//! for a range of ids, the others in a map. The range moves once, to where the ids turn out to be.

use crate::trace::event::GoState;
use crate::trace::id_window::IdWindow;
use crate::trace::ids::GoId;
use rustc_hash::FxHashMap;

/// A goroutine's sequence number, with its state then in the lowest bits. Numbers compare as the whole value does,
/// apart from these bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SeqAndState(u64);

impl SeqAndState {
    const STATE_BITS: u32 = 3;
    const STATE_MASK: u64 = (1 << Self::STATE_BITS) - 1;
    /// Nothing known.
    const BLANK: Self = Self(GoState::Undetermined as u64);

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
const PAGE: u64 = 64;
/// The start of an unused page: after all entries, so that nothing is found there.
const ABSENT: u32 = u32::MAX - PAGE as u32;

/// The last known state of each goroutine by its id.
///
/// ```text
/// ids        window.first                             its end
///              │ page 0 │ page 1 │ page 2 │ …           │      other ids
///              ▼        ▼        ▼                             ▼
/// pages      [ 64       ABSENT   0       ]  (up to the    others: map
///              │                 │           last used)
/// entries    [ ids of page 2 … | ids of page 0 … ]
/// ```
#[derive(Default)]
pub(super) struct LastSeenById {
    /// The range of ids, as long as some pages.
    window: IdWindow,
    /// Where each page of the range, up to the last used one, starts in `entries`.
    pages: Vec<u32>,
    entries: Vec<SeqAndState>,
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
        let n_pages = bytes / Self::BYTES_PER_ID / PAGE + 1;
        Self { window: IdWindow::new(n_pages * PAGE), ..Self::default() }
    }

    /// Sets a goroutine's state as of sequence number `seq`, unless its state as of a higher number is known.
    #[inline]
    pub(super) fn set_if_later(&mut self, id: GoId, seq: u64, state: GoState) {
        let at = self.window.offset(id);
        let page = usize::try_from(at / PAGE).ok().and_then(|page| self.pages.get(page));
        let entry = page.and_then(|&start| self.entries.get_mut(start as usize + (at % PAGE) as usize));
        match entry {
            Some(entry) => entry.set_if_later(SeqAndState::new(seq, state)),
            None => self.set_slow(id, SeqAndState::new(seq, state)),
        }
    }

    /// The same for an id that has no page yet, or is outside the range.
    #[cold]
    fn set_slow(&mut self, id: GoId, new: SeqAndState) {
        let mut window = self.window;
        let few = || self.entries.len() <= Self::MAX_MOVED_PAGES * PAGE as usize;
        if !window.has(id) && window.move_once(id, few) {
            self.others = self.all().map(|(id, seq, state)| (id, SeqAndState::new(seq, state))).collect();
            self.pages.clear();
            self.entries.clear();
        }
        self.window = window;
        let at = window.offset(id);
        if !window.has(id) {
            self.others.entry(id).or_insert(SeqAndState::BLANK).set_if_later(new);
            return;
        }
        let (page, start) = ((at / PAGE) as usize, self.entries.len());
        self.pages.resize(self.pages.len().max(page + 1), ABSENT);
        self.pages[page] = start as u32;
        self.entries.resize(start + PAGE as usize, SeqAndState::BLANK);
        self.entries[start + (at % PAGE) as usize].set_if_later(new);
    }

    /// All goroutines. One that was set before and after the range moved comes twice, the later entry second.
    pub(super) fn all(&self) -> impl Iterator<Item = LastSeen> {
        let used = (0..).zip(&self.pages).filter(|(_, start)| **start != ABSENT);
        let in_range = used.flat_map(move |(page, &start)| {
            let ids = (0..PAGE).map(move |i| GoId(self.window.first().wrapping_add(page * PAGE + i)));
            ids.zip(self.entries[start as usize..].iter().copied())
        });
        let others = self.others.iter().map(|(&id, &entry)| (id, entry));
        let known = others.chain(in_range).filter(|(_, entry)| *entry != SeqAndState::BLANK);
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
            assert_eq!((seen.window.first(), seen.pages.len()), (999_936, 2));
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
