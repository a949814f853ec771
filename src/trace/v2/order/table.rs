//! The goroutines of one generation by their index in the whole trace. HOT.
//!
//! A trace may have millions of goroutines, and a generation names few of them: those that it creates, which stand in
//! a row, and those that are older. So the table has pages, and only those that are used take memory.

use crate::trace::event::GoState;
use crate::trace::ids::GIdx;

/// A goroutine, as far as the generation has told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Goroutine {
    /// Its last sequence number.
    pub(crate) seq: u64,
    /// Its state, as the lowest byte; above that how many threads wait for it. One look tells both.
    state_and_waiters: u64,
}

const BLANK: Goroutine = Goroutine { seq: 0, state_and_waiters: GoState::Undetermined as u64 };
const WAITER: u64 = 1 << 8;

impl Goroutine {
    /// Whether it is in a state, and no thread waits for it.
    #[inline]
    pub(crate) fn is_undisturbed(&self, state: GoState) -> bool {
        self.state_and_waiters == state as u64
    }

    /// Goes to a state while no thread waits for it.
    #[inline]
    pub(crate) fn enter_undisturbed(&mut self, state: GoState) {
        self.state_and_waiters = state as u64;
    }

    pub(crate) fn state(&self) -> GoState {
        GoState::ALL[(self.state_and_waiters % WAITER) as usize]
    }

    /// Goes to a state; says whether a thread waits for it.
    pub(crate) fn enter(&mut self, state: GoState) -> bool {
        let waiters = self.state_and_waiters / WAITER;
        self.state_and_waiters = waiters * WAITER + state as u64;
        waiters > 0
    }

    /// A thread begins to wait for it.
    pub(crate) fn wait(&mut self) {
        self.state_and_waiters += WAITER;
    }

    /// A thread waits for it no more.
    pub(crate) fn end_wait(&mut self) {
        self.state_and_waiters -= WAITER;
    }
}

/// Goroutines in one page.
const PAGE: usize = 64;
/// A page that is not used. Nothing stands there.
const ABSENT: u32 = u32::MAX - PAGE as u32;

/// The table. Reused from one generation to the next.
#[derive(Clone, Default)]
pub(crate) struct Goroutines {
    /// Where each page starts among the entries.
    pages: Vec<u32>,
    entries: Vec<Goroutine>,
}

impl Goroutines {
    /// Forgets all; indexes are below `n`.
    pub(crate) fn clear(&mut self, n: usize) {
        self.pages.clear();
        self.pages.resize(n.div_ceil(PAGE), ABSENT);
        self.entries.clear();
    }

    #[inline]
    fn place(&self, g: GIdx) -> Option<usize> {
        let page = *self.pages.get(g.at() / PAGE)?;
        Some(page as usize + g.at() % PAGE)
    }

    /// A goroutine that was named before, or whose neighbour was.
    #[inline]
    pub(crate) fn get(&self, g: GIdx) -> Option<&Goroutine> {
        self.entries.get(self.place(g)?)
    }

    /// The same, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, g: GIdx) -> Option<&mut Goroutine> {
        let place = self.place(g)?;
        self.entries.get_mut(place)
    }

    /// A goroutine, from here on named; none for [`GIdx::NONE`].
    #[inline]
    pub(crate) fn named(&mut self, g: GIdx) -> Option<&mut Goroutine> {
        if self.place(g)? >= self.entries.len() {
            self.add_page(g);
        }
        self.get_mut(g)
    }

    /// All that were named, or whose neighbours were; those of which nothing is known, too.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (GIdx, &Goroutine)> {
        let used = (0..).zip(&self.pages).filter(|(_, start)| **start != ABSENT);
        used.flat_map(|(page, &start)| {
            let entries = &self.entries[start as usize..start as usize + PAGE];
            (page * PAGE as u32..).map(GIdx).zip(entries)
        })
    }

    /// Sets a goroutine's state as of sequence number `seq`, unless its state as of a higher number is known.
    pub(crate) fn set_if_later(&mut self, g: GIdx, seq: u64, state: GoState) {
        if let Some(goroutine) = self.named(g)
            && (goroutine.state() == GoState::Undetermined || goroutine.seq <= seq)
        {
            goroutine.seq = seq;
            goroutine.enter_undisturbed(state);
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
    fn states_and_waiters_stand_side_by_side() {
        use GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};
        let mut goroutine = BLANK;
        for state in [Undetermined, NotExist, Runnable, Running, Syscall, Waiting] {
            assert!(!goroutine.enter(state));
            assert!(goroutine.is_undisturbed(state) && goroutine.state() == state);
            goroutine.wait();
            goroutine.wait();
            assert!(goroutine.enter(Runnable) && goroutine.enter(state));
            assert!(!goroutine.is_undisturbed(state) && goroutine.state() == state);
            goroutine.end_wait();
            assert!(!goroutine.is_undisturbed(state));
            goroutine.end_wait();
            assert!(goroutine.is_undisturbed(state));
            goroutine.enter_undisturbed(Waiting);
            assert_eq!(goroutine.state(), Waiting);
        }
    }

    #[test]
    fn goroutines_far_apart_take_two_pages_and_are_forgotten() {
        let mut table = Goroutines::default();
        for _ in 0..2 {
            table.clear(2_000_001);
            for g in [7, 2_000_000] {
                assert!(table.get(GIdx(g)).is_none());
                table.named(GIdx(g)).unwrap().seq = u64::from(g);
            }
            assert_eq!(table.get(GIdx(7)).map(|g| g.seq), Some(7));
            assert_eq!(table.get(GIdx(2_000_000)).map(|g| g.seq), Some(2_000_000));
            assert_eq!(table.get(GIdx(8)).map(|g| g.seq), Some(0));
            assert!(table.named(GIdx::NONE).is_none());
            assert_eq!(table.entries.len(), 2 * PAGE);
        }
    }
}
