//! Windows that were open when the part that is measured began: while there are any, the whole needs all that the part logs.

use super::Windows;
use crate::slice::WindowIdx;
use crate::survey::Origin;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use rustc_hash::FxHashSet;

/// Windows that began before a part, and have not ended in it yet.
#[derive(Default)]
pub(super) struct OlderWindows {
    /// None until it is asked for: most parts are too short for that.
    open: Option<FxHashSet<WindowIdx>>,
    /// Those that began with their goroutine, in the part but before it is measured by itself.
    early: FxHashSet<WindowIdx>,
}

impl Windows<'_> {
    /// A window begins with its goroutine, before the part is measured by itself.
    pub(in crate::measure) fn begins_early(&mut self, window: WindowIdx) {
        self.older.early.insert(window);
    }

    /// Whether a window that began before the part is open, and [counts](Self::counts).
    pub(in crate::measure) fn has_older(&mut self, with_cut: bool) -> bool {
        if self.older.open.is_none() {
            let mut older = self.find_older(with_cut);
            older.retain(|window| self.get(*window).end == Time::MAX);
            self.older.open = Some(older);
        }
        self.older.open.as_ref().is_some_and(|open| !open.is_empty())
    }

    /// Whether a request counts, as far as its beginning tells: with `with_cut`, also one that is older than the trace.
    pub(in crate::measure) fn counts(&self, window: WindowIdx, with_cut: bool) -> bool {
        let windows = &self.slice.windows;
        let has_start = windows.stretch(window).is_some_and(|(start, _)| start.is_some());
        with_cut || has_start || self.forest.get(windows.goroutine(window)).origin != Origin::Older
    }

    fn find_older(&self, with_cut: bool) -> FxHashSet<WindowIdx> {
        let windows = &self.slice.windows;
        let of_life = windows.all().filter(|window| windows.stretch(*window).is_none() && self.is_older(*window));
        let others = self.slice.memberships.keys().filter_map(|g| self.older_of(*g));
        let counts = |window: &WindowIdx| self.counts(*window, with_cut);
        of_life.chain(others).filter(counts).chain(self.older.early.iter().copied()).collect()
    }

    /// A window ends of which no start is known.
    #[cold]
    pub(super) fn older_ends(&mut self, window: WindowIdx) {
        if let Some(open) = &mut self.older.open {
            open.remove(&window);
        }
    }

    /// The window of its own that a goroutine is in where the part begins.
    fn older_of(&self, g: GIdx) -> Option<WindowIdx> {
        let memberships = self.memberships(g);
        let (membership, part) = self.part(memberships, self.n_over_before(memberships))?;
        (part.is_window && self.is_older(membership.window)).then_some(membership.window)
    }

    /// Whether a window began before the part, and was not over there.
    fn is_older(&self, window: WindowIdx) -> bool {
        let windows = &self.slice.windows;
        let start = windows.stretch(window).and_then(|(start, _)| start);
        !self.is_over(window)
            && start.map_or_else(
                || self.existed_before(windows.goroutine(window)),
                |start| self.part_start.is_before(start),
            )
    }

    fn existed_before(&self, g: GIdx) -> bool {
        let goroutine = self.forest.get(g);
        self.part_start.existed_before(g, goroutine.generation, goroutine.origin != Origin::Older)
    }
}
