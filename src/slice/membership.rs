//! Which goroutines belong to which windows.

use super::root_windows::RootWindows;
use super::set_apart::OtherRoots;
use super::spawn_chains::{SpawnChainIdx, SpawnChains};
use super::task_boundaries::TaskBoundaries;
use super::window::WindowIdx;
use crate::survey::SeenPart;
use crate::trace::ids::GIdx;
use rustc_hash::{FxHashMap, FxHashSet};

/// A part of a goroutine's life that belongs to a window: a connection can have hundreds of thousands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Membership {
    /// The window.
    pub(crate) window: WindowIdx,
    /// Its position in [`Slice::parts`]; [`Membership::WHOLE`] where its borders are those of the window.
    part: u32,
}

impl Membership {
    const WHOLE: u32 = u32::MAX;

    /// Of the goroutine on whose stacks the window was seen: it is the window.
    pub(crate) fn whole(window: WindowIdx) -> Self {
        Self { window, part: Self::WHOLE }
    }
}

/// Where a membership begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MembershipPart {
    /// Position in the file of the event that starts it; `None`: the goroutine's first event.
    pub(crate) start: Option<u64>,
    /// Position in the file of the event that ends it; `None`: the goroutine's last event.
    pub(crate) end: Option<u64>,
    /// What is certain of it where its borders are inferred from stacks; else none.
    pub(crate) seen: Option<SeenPart>,
    /// Whether the window starts and ends where this does.
    pub(crate) is_window: bool,
}

/// Which goroutines, during which windows.
#[derive(Clone, Default, Debug)]
pub(crate) struct Slice {
    /// Occurrences of roots.
    pub(crate) windows: RootWindows,
    /// Per goroutine: the window that all its life belongs to; `NONE` for goroutines that are outside the slice, and
    /// for those in [`memberships`](Self::memberships).
    pub(crate) owner: Vec<WindowIdx>,
    /// Per goroutine: whether it is in the slice, for all or some of its life.
    pub(crate) tracked: Vec<bool>,
    /// Per goroutine: its spawn chain; meaningful for those with an owner.
    pub(crate) chain: Vec<SpawnChainIdx>,
    /// The goroutines that belong to windows for parts of their life: these parts, in order.
    pub(crate) memberships: FxHashMap<GIdx, Vec<Membership>>,
    /// The borders of memberships that are not those of windows.
    pub(crate) parts: Vec<MembershipPart>,
    /// Those of them that have a part which is no window of its own: they work in tasks.
    pub(crate) in_tasks: FxHashSet<GIdx>,
    /// Goroutines of requests that [`keep`](Self::keep) dropped. Not selected, but still requests: a wait for one of them
    /// is a wait for another request.
    pub(crate) not_chosen: FxHashSet<GIdx>,
    /// Where tasks begin and end.
    pub(crate) task_boundaries: TaskBoundaries,
    /// All spawn chains.
    pub(crate) chains: SpawnChains,
    /// How many goroutines were selected, and how many were left out.
    pub(crate) counts: Counts,
    /// What matches too, but is no root since only requests on a server are.
    pub(crate) others: OtherRoots,
    /// Whether requests on a server match, so that these alone are roots.
    pub(crate) are_served: bool,
}

impl Slice {
    /// Whether a goroutine belongs to a window, for all or some of its life.
    pub(crate) fn is_in(&self, g: GIdx, window: WindowIdx) -> bool {
        let memberships = self.memberships.get(&g).map_or(&[][..], Vec::as_slice);
        self.owner.get(g.at()) == Some(&window) || memberships.iter().any(|membership| membership.window == window)
    }

    /// Whether a goroutine is in the slice, for all or some of its life.
    pub(crate) fn has(&self, g: GIdx) -> bool {
        self.tracked.get(g.at()).copied().unwrap_or(false)
    }

    /// Where a membership begins and ends.
    #[inline]
    pub(crate) fn part(&self, Membership { window, part }: Membership) -> MembershipPart {
        if let Some(part) = self.parts.get(part as usize) {
            return *part;
        }
        let (start, end) = self.windows.stretch(window).unwrap_or((None, None));
        MembershipPart { start, end, seen: self.windows.seen(window), is_window: true }
    }

    /// Position in the file of the event that ends a membership; none: the goroutine's last event.
    #[inline]
    pub(crate) fn end_of(&self, Membership { window, part }: Membership) -> Option<u64> {
        match self.parts.get(part as usize) {
            Some(part) => part.end,
            None => self.windows.stretch(window).and_then(|(_, end)| end),
        }
    }

    /// Adds borders of a membership that are not those of its window.
    pub(super) fn add_part(&mut self, window: WindowIdx, part: MembershipPart) -> Membership {
        self.parts.push(part);
        Membership { window, part: self.parts.len() as u32 - 1 }
    }

    /// Keeps only some windows, and the goroutines that belong to them. The others' entries in
    /// [`windows`](Self::windows) stay, so that indexes keep their meaning.
    pub(crate) fn keep(&mut self, windows: &[WindowIdx]) {
        let mut kept = vec![false; self.windows.len()];
        for window in windows {
            kept[window.at()] = true;
        }
        for (g, of_one) in &mut self.memberships {
            let before = of_one.len();
            of_one.retain(|membership| kept[membership.window.at()]);
            if of_one.len() < before {
                self.not_chosen.insert(*g);
            }
        }
        self.memberships.retain(|_, of_one| !of_one.is_empty());
        let parts = &self.parts;
        let is_in_task = |g: &GIdx| self.memberships.get(g).is_some_and(|of_one| is_part_of_task(of_one, parts));
        self.in_tasks.retain(is_in_task);
        self.task_boundaries.keep(|window| kept[window.at()]);
        self.counts.goroutines = 0;
        for (i, owner) in self.owner.iter_mut().enumerate() {
            if owner.is_some() && !kept[owner.at()] {
                *owner = WindowIdx::NONE;
                self.not_chosen.insert(GIdx(i as u32));
            }
            self.tracked[i] = owner.is_some() || self.memberships.contains_key(&GIdx(i as u32));
            self.counts.goroutines += u64::from(self.tracked[i]);
        }
    }
}

/// Whether a goroutine with these memberships works in tasks.
pub(super) fn is_part_of_task(memberships: &[Membership], parts: &[MembershipPart]) -> bool {
    memberships.iter().any(|membership| parts.get(membership.part as usize).is_some_and(|part| !part.is_window))
}

/// Numbers for the report.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    /// Goroutines in the slice.
    pub(crate) goroutines: u64,
    /// Longest chain of creations below a root.
    pub(crate) max_depth: u32,
    /// Children kept out by `--exclude`.
    pub(crate) excluded: u64,
    /// Goroutines of the recording that were kept out.
    pub(crate) recording: u64,
    /// Goroutines of the runtime that were kept out.
    pub(crate) runtime: u64,
    /// Goroutines that many requests share and that were kept out.
    pub(crate) shared: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slice::root_windows::WindowNames;
    use crate::slice::{RootKind, RootWindow};
    use crate::survey::Stretch;
    use crate::trace::ids::{StackIdx, StringIdx};
    use std::sync::Arc;

    #[test]
    fn a_membership_ends_where_its_part_does() {
        let stretches = vec![
            Stretch::served(GIdx(1), StackIdx::EMPTY, Some(3), Some(9)),
            Stretch::served(GIdx(1), StackIdx::EMPTY, Some(12), None),
        ];
        let mut slice = Slice { windows: RootWindows::new(Arc::new(stretches)), ..Slice::default() };
        let names = WindowNames {
            chain: SpawnChainIdx::FIRST,
            chain_after: SpawnChainIdx::FIRST,
            by: RootKind::Stack,
            matched: StringIdx::EMPTY,
        };
        let whole: Vec<Membership> = (0..2).map(|i| Membership::whole(slice.windows.push_stretch(i, names))).collect();
        let part = MembershipPart { start: Some(4), end: Some(6), seen: None, is_window: false };
        let of_life = slice.windows.push(RootWindow::of(GIdx(2), SpawnChainIdx::FIRST, StringIdx::EMPTY));
        let all = [whole[0], whole[1], slice.add_part(WindowIdx(0), part), Membership::whole(of_life)];
        assert_eq!(all.map(|membership| slice.end_of(membership)), [Some(9), None, Some(6), None]);
        assert_eq!(all.map(|membership| slice.part(membership).end), all.map(|membership| slice.end_of(membership)));
        assert_eq!(slice.part(all[2]), part);
    }
}
