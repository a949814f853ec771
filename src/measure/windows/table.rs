//! What is known of each window while a trace, or a part of it, is measured. A part knows of few windows: those of which it knows
//! nothing take no memory. On the hot path.
//!
//! ```text
//!  window   0 ─────── 31   32 ────── 63   64 ────── 95
//!  page     │ ■ ■ ■ … │    none            │ ■ ■ ■ … │      windows of one goroutine are neighbours
//! ```

use super::open_window::{BLANK, NEVER, OpenWindow};
use crate::slice::{Membership, WindowIdx};
use crate::trace::ids::GIdx;
use crate::trace::time::Window;
use rustc_hash::FxHashMap;

/// Windows of a page.
const PAGE: usize = 32;

#[derive(Clone)]
struct Page {
    open: [OpenWindow; PAGE],
    /// Per window that has time already: its part inside the part of the trace that is looked at. [`NEVER`] for others.
    countable: [Window; PAGE],
}

const BLANK_PAGE: Page = Page { open: [BLANK; PAGE], countable: [NEVER; PAGE] };

/// All windows.
pub(in crate::measure) struct WindowTable {
    pages: Vec<Option<Box<Page>>>,
    len: usize,
    /// Of a part: how many memberships of a goroutine were over before it, and whether the next one was open there.
    over_before: FxHashMap<GIdx, (u32, bool)>,
}

impl WindowTable {
    /// So many windows, of which nothing is known.
    pub(super) fn new(len: usize) -> Self {
        Self { pages: vec![None; len.div_ceil(PAGE)], len, over_before: FxHashMap::default() }
    }

    /// Forgets what was before a part: another one begins.
    pub(super) fn begin_part(&mut self) {
        self.over_before.clear();
    }

    /// So many memberships of a goroutine were over before the part; and whether the next one was open where that begins.
    pub(super) fn note_over_before(&mut self, g: GIdx, n: usize, is_open: bool) {
        if n > 0 || is_open {
            self.over_before.insert(g, (n as u32, is_open));
        }
    }

    /// The memberships of a goroutine that were not over before the part, and whether the first one was open there.
    #[inline]
    pub(in crate::measure) fn since_part_start<'m>(
        &self,
        g: GIdx,
        memberships: &'m [Membership],
    ) -> (&'m [Membership], bool) {
        if self.over_before.is_empty() {
            return (memberships, false);
        }
        let (n, is_open) = self.over_before.get(&g).copied().unwrap_or_default();
        (memberships.get(n as usize..).unwrap_or_default(), is_open)
    }

    #[inline]
    fn page(&self, window: WindowIdx) -> Option<&Page> {
        self.pages.get(window.at() / PAGE)?.as_deref()
    }

    /// What is known of a window.
    #[inline]
    pub(in crate::measure) fn get(&self, window: WindowIdx) -> OpenWindow {
        self.page(window).map_or(BLANK, |page| page.open[window.at() % PAGE])
    }

    /// The part of a window in which time counts; [`NEVER`] for one that has no time yet, and for no window.
    #[inline]
    pub(super) fn countable(&self, window: WindowIdx) -> Window {
        self.page(window).map_or(NEVER, |page| page.countable[window.at() % PAGE])
    }

    /// Adds time to a window that has some.
    #[inline]
    pub(super) fn add(&mut self, window: WindowIdx, ns: u64) {
        if let Some(Some(page)) = self.pages.get_mut(window.at() / PAGE) {
            let sum = &mut page.open[window.at() % PAGE].ns;
            *sum = sum.saturating_add(ns);
        }
    }

    /// A window to be changed, and the part of it in which time counts.
    pub(super) fn edit(&mut self, window: WindowIdx) -> (&mut OpenWindow, &mut Window) {
        let page = self.pages[window.at() / PAGE].get_or_insert_with(|| Box::new(BLANK_PAGE));
        (&mut page.open[window.at() % PAGE], &mut page.countable[window.at() % PAGE])
    }

    /// Forgets what is known of a window and its neighbours.
    pub(super) fn forget(&mut self, window: WindowIdx) {
        self.pages[window.at() / PAGE] = None;
    }

    /// All windows in their order.
    pub(in crate::measure) fn iter(&self) -> impl Iterator<Item = OpenWindow> {
        (0..self.len).map(|i| self.get(WindowIdx(i as u32)))
    }
}

#[cfg(test)]
impl WindowTable {
    /// The table of some windows.
    pub(in crate::measure) fn of(list: &[OpenWindow]) -> Self {
        let mut table = Self::new(list.len());
        for (i, open) in (0..).zip(list) {
            *table.edit(WindowIdx(i)).0 = *open;
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::time::Time;

    #[test]
    fn windows_are_known_from_their_first_change_until_they_are_forgotten() {
        let mut table = WindowTable::new(70);
        let known = [3, 31, 32, 69].map(WindowIdx);
        table.add(known[0], 5);
        for window in known {
            let (open, countable) = table.edit(window);
            assert_eq!((*open, *countable), (BLANK, NEVER));
            (open.start, countable.start) = (Time(i64::from(window.0)), Time(1));
            table.add(window, 7);
        }
        for (i, open) in (0..).map(WindowIdx).zip(table.iter()) {
            assert_eq!(open, table.get(i));
            let is_known = known.contains(&i);
            assert_eq!(open != BLANK, is_known);
            assert_eq!(table.countable(i) != NEVER, is_known);
            assert_eq!(open.ns, if is_known { 7 } else { 0 });
        }
        assert_eq!((table.iter().count(), table.countable(WindowIdx::NONE)), (70, NEVER));
        table.forget(WindowIdx(3));
        assert_eq!(table.get(WindowIdx(31)), BLANK);
        assert_ne!(table.get(WindowIdx(32)), BLANK);
        assert_eq!(*table.edit(WindowIdx(5)).0, BLANK);
    }
}
