//! The goroutines of one generation by their index in the whole trace. HOT.
//!
//! A trace may have millions of goroutines, and a generation names few of them: those that it creates, which stand in
//! a row, and those that are older. So the table has pages, and only those that are used take memory.

use crate::event::GoState;
use crate::ids::GIdx;

/// A goroutine, as far as the generation has told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goroutine {
    /// Its last sequence number.
    pub(super) seq: u64,
    /// Threads that wait for it.
    pub(super) waiters: u32,
    pub(super) state: GoState,
}

const BLANK: Goroutine = Goroutine { seq: 0, waiters: 0, state: GoState::Undetermined };

/// Goroutines in one page.
const PAGE: usize = 64;
/// A page that is not used. Nothing stands there.
const ABSENT: u32 = u32::MAX - PAGE as u32;

/// The table. Reused from one generation to the next.
#[derive(Default)]
pub(super) struct Goroutines {
    /// Where each page starts among the entries.
    pages: Vec<u32>,
    entries: Vec<Goroutine>,
}

impl Goroutines {
    /// Forgets all; indexes are below `n`.
    pub(super) fn clear(&mut self, n: usize) {
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
    pub(super) fn get(&self, g: GIdx) -> Option<&Goroutine> {
        self.entries.get(self.place(g)?)
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, g: GIdx) -> Option<&mut Goroutine> {
        let place = self.place(g)?;
        self.entries.get_mut(place)
    }

    /// A goroutine, from here on named; none for [`GIdx::NONE`].
    #[inline]
    pub(super) fn named(&mut self, g: GIdx) -> Option<&mut Goroutine> {
        if self.place(g)? >= self.entries.len() {
            self.add_page(g);
        }
        self.get_mut(g)
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
