//! Windows that were open when the part that is measured began: while there are any, the whole needs all that the part logs.

use super::Windows;
use crate::slice::WindowIdx;
use crate::survey::Origin;
use crate::trace::ids::GIdx;

/// How many windows that began before a part have not ended in it yet.
#[derive(Default)]
pub(super) struct OlderWindows {
    n_open: usize,
    /// Those of them that began with their goroutine, in the part but before it is measured by itself.
    early: Vec<WindowIdx>,
    /// Whether those count that are older than the trace.
    with_cut: bool,
}

impl Windows<'_> {
    /// Counts the windows that are open where the part begins; with `with_cut`, also those that are older than the trace.
    pub(in crate::measure) fn count_older(&mut self, with_cut: bool) {
        self.older = OlderWindows { n_open: 0, early: Vec::new(), with_cut };
        let of_life = |i: &usize| self.slice.windows[*i].stretch.is_none();
        let of_life = (0..self.slice.windows.len()).filter(of_life).map(|i| WindowIdx(i as u32));
        let n_of_life = of_life.filter(|window| !self.is_over(*window) && self.is_older(*window)).count();
        let n_open = self.slice.memberships.keys().filter(|g| self.is_in_older(**g)).count();
        self.older.n_open = n_of_life + n_open;
    }

    /// A window begins with its goroutine, before the part is measured by itself.
    pub(in crate::measure) fn begins_early(&mut self, window: WindowIdx) {
        self.older.n_open += 1;
        self.older.early.push(window);
    }

    /// Whether a window that began before the part is open.
    pub(in crate::measure) fn has_older(&self) -> bool {
        self.older.n_open > 0
    }

    /// A window ends of which no start is known.
    #[cold]
    pub(super) fn older_ends(&mut self, window: WindowIdx) {
        let root = &self.slice.windows[window.at()];
        let counts = || self.is_older(window) || self.older.early.contains(&window);
        if self.older.n_open > 0 && !root.has_boundaries && counts() {
            self.older.n_open -= 1;
        }
    }

    /// Whether a goroutine is in a window of its own where the part begins.
    fn is_in_older(&self, g: GIdx) -> bool {
        let memberships = self.memberships(g);
        let next = self.n_over_before(memberships);
        self.part(memberships, next)
            .is_some_and(|(membership, part)| part.is_window && self.is_older(membership.window))
    }

    /// Whether a window that is not over began before the part, and counts.
    fn is_older(&self, window: WindowIdx) -> bool {
        let root = &self.slice.windows[window.at()];
        if let Some((start, _)) = root.stretch {
            return start.map_or(self.older.with_cut, |start| self.part_start.is_before(start));
        }
        let goroutine = self.forest.get(root.g);
        let created = goroutine.origin != Origin::Older;
        (created || self.older.with_cut) && self.part_start.existed_before(root.g, goroutine.generation, created)
    }
}
