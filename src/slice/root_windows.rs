//! All windows of a slice. There can be millions, most of them stretches: of each, twelve bytes are kept.
//!
//! ```text
//!  window       0          1          2
//!  goroutine    33         33         48
//!  names        0 ───┐     0 ───┐     1 ─────> what many have in common: chain, kind, what matched
//!  borders      7    │     8    │     none: all of the goroutine's life
//!               │    └──────────┴────────────> chain of (*Server).Get, by stack
//!               └──────────┴─────────────────> positions in pass 1's list of stretches, which is not copied
//! ```

use super::spawn_chains::SpawnChainIdx;
use super::window::{RootKind, RootWindow, WindowIdx};
use crate::survey::{SeenPart, Stretch};
use crate::trace::ids::{GIdx, StringIdx};
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use std::sync::Arc;

/// What many windows have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct WindowNames {
    /// As in [`RootWindow::chain`].
    pub(super) chain: SpawnChainIdx,
    /// As in [`RootWindow::chain_after`].
    pub(super) chain_after: SpawnChainIdx,
    /// As in [`RootWindow::by`].
    pub(super) by: RootKind,
    /// As in [`RootWindow::matched`].
    pub(super) matched: StringIdx,
}

/// Where a window begins and ends.
#[derive(Clone, Copy, Debug)]
struct Borders {
    /// Of a task: the goroutine that ended it. Else none.
    ended_by: GIdx,
    handed_over: bool,
    stretch: Option<(Option<u64>, Option<u64>)>,
    has_boundaries: bool,
    seen: Option<SeenPart>,
}

impl Borders {
    const WHOLE_LIFE: Self =
        Self { ended_by: GIdx::NONE, handed_over: false, stretch: None, has_boundaries: false, seen: None };

    fn of_stretch(stretch: &Stretch) -> Self {
        Self { stretch: Some((stretch.start(), stretch.end())), seen: stretch.seen(), ..Self::WHOLE_LIFE }
    }

    fn of(self, g: GIdx, WindowNames { chain, chain_after, by, matched }: WindowNames) -> RootWindow {
        let Self { ended_by, handed_over, stretch, has_boundaries, seen } = self;
        let ended_by = if ended_by.is_some() { ended_by } else { g };
        RootWindow { g, ended_by, handed_over, stretch, chain, by, matched, has_boundaries, seen, chain_after }
    }
}

/// What is kept of each window.
#[derive(Clone, Copy, Debug)]
struct Row {
    g: GIdx,
    /// Position in [`RootWindows::names`].
    names: u32,
    /// Position in [`RootWindows::stretches`]; from [`Row::OTHER`] on, in [`RootWindows::others`].
    borders: u32,
}

impl Row {
    /// The window is all of its goroutine's life.
    const WHOLE_LIFE: u32 = u32::MAX;
    /// The first of the numbers that stand for other borders than those of stretches.
    const OTHER: u32 = 1 << 31;
}

/// All windows of a slice, by [`WindowIdx`].
#[derive(Clone, Default, Debug)]
pub(crate) struct RootWindows {
    rows: Vec<Row>,
    names: IndexSet<WindowNames, FxBuildHasher>,
    /// Those of pass 1.
    stretches: Arc<Vec<Stretch>>,
    /// Borders of windows that are no stretches, and are not all of a goroutine's life.
    others: Vec<Borders>,
}

impl RootWindows {
    /// No window yet, with the stretches that pass 1 found.
    pub(super) fn new(stretches: Arc<Vec<Stretch>>) -> Self {
        Self { stretches, ..Self::default() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The windows' numbers, in their order.
    pub(crate) fn all(&self) -> impl Iterator<Item = WindowIdx> + use<> {
        (0..self.len() as u32).map(WindowIdx)
    }

    /// The spawn chains of roots' own stacks, each of them at least once.
    pub(crate) fn chains(&self) -> impl Iterator<Item = SpawnChainIdx> {
        self.names.iter().map(|names| names.chain)
    }

    /// What made roots, each kind at least once.
    pub(super) fn kinds(&self) -> impl Iterator<Item = RootKind> {
        self.names.iter().map(|names| names.by)
    }

    /// The windows in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RootWindow> {
        self.all().map(|window| self.of(window))
    }

    /// A window.
    pub(crate) fn of(&self, window: WindowIdx) -> RootWindow {
        let row = self.rows[window.at()];
        self.borders(row).of(row.g, self.names[row.names as usize])
    }

    /// The root's goroutine; of a task, the one that began it.
    #[inline]
    pub(crate) fn goroutine(&self, window: WindowIdx) -> GIdx {
        self.rows[window.at()].g
    }

    /// Whether it starts and ends at task boundaries, and not with its goroutine's part in it.
    #[inline]
    pub(crate) fn has_boundaries(&self, window: WindowIdx) -> bool {
        let row = self.rows[window.at()];
        row.borders >= Row::OTHER && self.borders(row).has_boundaries
    }

    /// The spawn chain of the root's own stacks.
    #[inline]
    pub(crate) fn chain(&self, window: WindowIdx) -> SpawnChainIdx {
        self.names_of(window).chain
    }

    /// The spawn chain of what follows its last matching stack.
    #[inline]
    pub(crate) fn chain_after(&self, window: WindowIdx) -> SpawnChainIdx {
        self.names_of(window).chain_after
    }

    /// What made it a root.
    #[inline]
    pub(crate) fn by(&self, window: WindowIdx) -> RootKind {
        self.names_of(window).by
    }

    /// What made it a root, and the function that matched.
    #[inline]
    pub(crate) fn matched(&self, window: WindowIdx) -> (RootKind, StringIdx) {
        let names = self.names_of(window);
        (names.by, names.matched)
    }

    /// The positions in the file where it starts and ends, as in [`RootWindow::stretch`].
    #[inline]
    pub(crate) fn stretch(&self, window: WindowIdx) -> Option<(Option<u64>, Option<u64>)> {
        self.borders(self.rows[window.at()]).stretch
    }

    /// What is certain of it where its borders are inferred from stacks; else none.
    #[inline]
    pub(crate) fn seen(&self, window: WindowIdx) -> Option<SeenPart> {
        self.borders(self.rows[window.at()]).seen
    }

    fn names_of(&self, window: WindowIdx) -> &WindowNames {
        &self.names[self.rows[window.at()].names as usize]
    }

    #[inline]
    fn borders(&self, row: Row) -> Borders {
        match row.borders {
            Row::WHOLE_LIFE => Borders::WHOLE_LIFE,
            Row::OTHER.. => self.others[(row.borders - Row::OTHER) as usize],
            stretch => Borders::of_stretch(&self.stretches[stretch as usize]),
        }
    }

    /// Adds a window that is no stretch.
    pub(crate) fn push(&mut self, window: RootWindow) -> WindowIdx {
        let RootWindow { g, ended_by, handed_over, stretch, chain, by, matched, has_boundaries, seen, chain_after } =
            window;
        let borders = if stretch.is_none() { Row::WHOLE_LIFE } else { Row::OTHER + self.others.len() as u32 };
        if stretch.is_some() {
            self.others.push(Borders { ended_by, handed_over, stretch, has_boundaries, seen });
        }
        self.push_row(g, borders, WindowNames { chain, chain_after, by, matched })
    }

    /// Adds the window that is a stretch, by its position in the list of pass 1, which has fewer than [`Row::OTHER`].
    pub(super) fn push_stretch(&mut self, position: u32, names: WindowNames) -> WindowIdx {
        let g = self.stretches[position as usize].g;
        self.push_row(g, position, names)
    }

    fn push_row(&mut self, g: GIdx, borders: u32, names: WindowNames) -> WindowIdx {
        // Most have the names of the one before.
        let before = self.rows.last().map(|row| row.names).filter(|last| self.names[*last as usize] == names);
        let names = before.unwrap_or_else(|| self.names.insert_full(names).0 as u32);
        self.rows.push(Row { g, names, borders });
        WindowIdx(self.rows.len() as u32 - 1)
    }

    /// The window of a task or region starts and ends at task boundaries.
    pub(super) fn set_has_boundaries(&mut self, window: WindowIdx) {
        let borders = self.rows[window.at()].borders.checked_sub(Row::OTHER);
        if let Some(borders) = borders.and_then(|at| self.others.get_mut(at as usize)) {
            borders.has_boundaries = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::StackIdx;

    #[test]
    fn windows_come_back_as_they_were_added() {
        let inferred = SeenPart { start: Some(3), end: None, may_be_several: true };
        let stretches = vec![
            Stretch::served(GIdx(5), StackIdx::EMPTY, None, Some(9)),
            Stretch::inferred(GIdx(6), StackIdx::EMPTY, Some(2), Some(8), inferred),
        ];
        let mut windows = RootWindows::new(Arc::new(stretches));
        let whole = RootWindow::of(GIdx(1), SpawnChainIdx(4), StringIdx(7));
        let task = RootWindow {
            ended_by: GIdx(2),
            handed_over: true,
            stretch: Some((Some(1), None)),
            by: RootKind::Task,
            seen: Some(SeenPart::nothing_after(1)),
            ..whole
        };
        let region = RootWindow { ended_by: GIdx(1), handed_over: false, by: RootKind::Region, seen: None, ..task };
        let by_stack = RootWindow { by: RootKind::Stack, chain_after: SpawnChainIdx(8), ..whole };
        let names = WindowNames {
            chain: by_stack.chain,
            chain_after: by_stack.chain_after,
            by: by_stack.by,
            matched: by_stack.matched,
        };
        let served = RootWindow { g: GIdx(5), ended_by: GIdx(5), stretch: Some((None, Some(9))), ..by_stack };
        let seen = RootWindow { g: GIdx(6), ended_by: GIdx(6), stretch: Some((Some(2), Some(8))), ..by_stack };
        let seen = RootWindow { seen: Some(inferred), ..seen };
        let added = [
            (windows.push(whole), whole),
            (windows.push(task), RootWindow { has_boundaries: true, ..task }),
            (windows.push_stretch(1, names), seen),
            (windows.push_stretch(0, names), served),
            (windows.push(region), region),
            (windows.push(whole), whole),
        ];
        windows.set_has_boundaries(WindowIdx(1));
        windows.set_has_boundaries(WindowIdx(0));
        for (i, (window, expected)) in windows.all().zip(added) {
            assert_eq!((i, windows.of(i)), (window, expected));
            assert_eq!(
                (windows.goroutine(i), windows.chain(i), windows.by(i)),
                (expected.g, expected.chain, expected.by)
            );
            assert_eq!((windows.stretch(i), windows.seen(i)), (expected.stretch, expected.seen));
            assert_eq!(
                (windows.chain_after(i), windows.has_boundaries(i)),
                (expected.chain_after, expected.has_boundaries)
            );
        }
        assert_eq!((windows.len(), windows.names.len()), (6, 4));
    }
}
