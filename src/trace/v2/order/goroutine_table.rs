//! The states of one generation's goroutines, by the goroutines' indexes in the whole trace. On the hot path.
//!
//! A trace can have millions of goroutines, and a generation names few of them: those that it creates, whose indexes
//! are next to each other, and older ones. So the table has pages, and only pages that are used take memory.
//!
//! ```text
//! goroutine index   0 … 63   64 … 127   128 … 191   192 … 255
//! pages           [   64       unused      unused        0     ]     where each page starts among the entries
//! entries         [ 192 … 255, 0 … 63 ]
//! ```

use crate::trace::event::GoState;
use crate::trace::ids::GIdx;

/// What is known of a goroutine from the generation's events so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GoroutineEntry {
    /// Its last sequence number.
    pub(crate) seq: u64,
    /// Its state in the lowest byte, above it the number of threads that wait for the goroutine. Together, so that one
    /// comparison tests that it is in a state and no thread waits.
    state_and_waiters: u64,
}

/// A goroutine that no event has named.
const BLANK: GoroutineEntry = GoroutineEntry { seq: 0, state_and_waiters: GoState::Undetermined as u64 };
/// One thread that waits.
const WAITER: u64 = 1 << 8;

impl GoroutineEntry {
    /// Whether it is in a state and no thread waits for it.
    #[inline]
    pub(crate) fn is_unawaited(&self, state: GoState) -> bool {
        self.state_and_waiters == state as u64
    }

    /// Sets its state. No thread waits for it.
    #[inline]
    pub(crate) fn set_unawaited(&mut self, state: GoState) {
        self.state_and_waiters = state as u64;
    }

    /// Its state.
    pub(crate) fn state(&self) -> GoState {
        GoState::ALL[(self.state_and_waiters % WAITER) as usize]
    }

    /// Sets its state. Returns whether a thread waits for it.
    pub(crate) fn set_state(&mut self, state: GoState) -> bool {
        let waiters = self.state_and_waiters / WAITER;
        self.state_and_waiters = waiters * WAITER + state as u64;
        waiters > 0
    }

    /// Whether a thread waits for it.
    pub(crate) fn has_waiters(&self) -> bool {
        self.state_and_waiters >= WAITER
    }

    /// One more thread waits for it.
    pub(crate) fn add_waiter(&mut self) {
        self.state_and_waiters += WAITER;
    }

    /// One thread fewer waits for it.
    pub(crate) fn remove_waiter(&mut self) {
        self.state_and_waiters -= WAITER;
    }
}

/// Number of goroutines in a page.
const PAGE: usize = 64;
/// The start of a page that is not used: after all entries.
const UNUSED_PAGE: u32 = u32::MAX - PAGE as u32;

/// The states of goroutines. Reused from one generation to the next.
#[derive(Clone, Default)]
pub(crate) struct GoroutineTable {
    /// For each page, the position of its first entry; [`UNUSED_PAGE`] for none.
    pages: Vec<u32>,
    entries: Vec<GoroutineEntry>,
}

impl GoroutineTable {
    /// Forgets all goroutines. Their indexes will be below `n`.
    pub(crate) fn clear(&mut self, n: usize) {
        self.pages.clear();
        self.pages.resize(n.div_ceil(PAGE), UNUSED_PAGE);
        self.entries.clear();
    }

    /// The position of a goroutine's entry; after all entries if its page is not used, `None` for an index that is too
    /// high.
    #[inline]
    fn entry_index(&self, g: GIdx) -> Option<usize> {
        let page = *self.pages.get(g.at() / PAGE)?;
        Some(page as usize + g.at() % PAGE)
    }

    /// What is known of a goroutine; `None` if its page is not used.
    #[inline]
    pub(crate) fn get(&self, g: GIdx) -> Option<&GoroutineEntry> {
        self.entries.get(self.entry_index(g)?)
    }

    /// As [`get`](Self::get), to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, g: GIdx) -> Option<&mut GoroutineEntry> {
        let i = self.entry_index(g)?;
        self.entries.get_mut(i)
    }

    /// A goroutine, added if its page is not used yet; `None` for [`GIdx::NONE`] and other indexes that are too high.
    #[inline]
    pub(crate) fn get_or_add(&mut self, g: GIdx) -> Option<&mut GoroutineEntry> {
        if self.entry_index(g)? >= self.entries.len() {
            self.add_page(g);
        }
        self.get_mut(g)
    }

    /// All goroutines of pages that are used, also those that no event has named.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (GIdx, &GoroutineEntry)> {
        let used = (0..).zip(&self.pages).filter(|(_, start)| **start != UNUSED_PAGE);
        used.flat_map(|(page, &start)| {
            let entries = &self.entries[start as usize..start as usize + PAGE];
            (page * PAGE as u32..).map(GIdx).zip(entries)
        })
    }

    /// Sets a goroutine's state as of sequence number `seq`, unless its state as of a higher number is known.
    pub(crate) fn set_if_later(&mut self, g: GIdx, seq: u64, state: GoState) {
        if let Some(goroutine) = self.get_or_add(g)
            && (goroutine.state() == GoState::Undetermined || goroutine.seq <= seq)
        {
            goroutine.seq = seq;
            goroutine.set_unawaited(state);
        }
    }

    /// Whether the same is known of each goroutine as in another table.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let has = |this: &Self, (g, goroutine): (_, &_)| this.get(g).unwrap_or(&BLANK) == goroutine;
        self.iter().all(|all| has(other, all)) && other.iter().all(|all| has(self, all))
    }

    #[cold]
    fn add_page(&mut self, g: GIdx) {
        self.pages[g.at() / PAGE] = self.entries.len() as u32;
        self.entries.resize(self.entries.len() + PAGE, BLANK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_waiters_do_not_disturb_each_other() {
        use GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};
        let mut goroutine = BLANK;
        for state in [Undetermined, NotExist, Runnable, Running, Syscall, Waiting] {
            assert!(!goroutine.set_state(state));
            assert!(goroutine.is_unawaited(state) && goroutine.state() == state);
            goroutine.add_waiter();
            goroutine.add_waiter();
            assert!(goroutine.set_state(Runnable) && goroutine.set_state(state));
            assert!(!goroutine.is_unawaited(state) && goroutine.state() == state);
            goroutine.remove_waiter();
            assert!(!goroutine.is_unawaited(state));
            goroutine.remove_waiter();
            assert!(goroutine.is_unawaited(state));
            goroutine.set_unawaited(Waiting);
            assert_eq!(goroutine.state(), Waiting);
        }
    }

    #[test]
    fn only_used_pages_take_memory_and_are_forgotten() {
        let mut table = GoroutineTable::default();
        for _ in 0..2 {
            table.clear(2_000_001);
            for g in [7, 2_000_000] {
                assert!(table.get(GIdx(g)).is_none());
                table.get_or_add(GIdx(g)).unwrap().seq = u64::from(g);
            }
            assert_eq!(table.get(GIdx(7)).map(|g| g.seq), Some(7));
            assert_eq!(table.get(GIdx(2_000_000)).map(|g| g.seq), Some(2_000_000));
            assert_eq!(table.get(GIdx(8)).map(|g| g.seq), Some(0));
            assert!(table.get_or_add(GIdx::NONE).is_none());
            assert_eq!(table.entries.len(), 2 * PAGE);
        }
    }
}
