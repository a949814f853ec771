//! The states of one generation's goroutines, by the goroutines' indexes in the whole trace. On the hot path.
//!
//! A trace can have millions of goroutines, and a generation names few of them: those that it creates, whose indexes
//! are next to each other, and older ones.

use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::paged_table::PagedTable;

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

impl Default for GoroutineEntry {
    fn default() -> Self {
        BLANK
    }
}

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

/// The states of goroutines. Reused from one generation to the next.
#[derive(Clone, Default)]
pub(crate) struct GoroutineTable(PagedTable<GoroutineEntry, 64>);

impl GoroutineTable {
    /// Forgets all goroutines. Their indexes will be below `n`.
    pub(crate) fn clear(&mut self, n: usize) {
        self.0.reset(n);
    }

    /// What is known of a goroutine; `None` if no event has named it or a neighbour.
    #[inline]
    pub(crate) fn get(&self, g: GIdx) -> Option<&GoroutineEntry> {
        self.0.get(g.at())
    }

    /// As [`get`](Self::get), to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, g: GIdx) -> Option<&mut GoroutineEntry> {
        self.0.get_mut(g.at())
    }

    /// A goroutine, added if it is new; `None` for [`GIdx::NONE`] and other indexes that are too high.
    #[inline]
    pub(crate) fn get_or_add(&mut self, g: GIdx) -> Option<&mut GoroutineEntry> {
        self.0.get_or_add(g.at())
    }

    /// All goroutines that are known, and neighbours that no event has named.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (GIdx, &GoroutineEntry)> {
        self.0.iter().map(|(index, goroutine)| (GIdx(index as u32), goroutine))
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
}
