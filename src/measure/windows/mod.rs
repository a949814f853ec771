//! Windows of roots while they are measured: when they begin and end, and who is in them.
//!
//! A root is a window of time. A goroutine belongs to a window for all its life, or has *memberships*: parts of its life,
//! whose borders are positions in the file, because pass 1 knows no final times.
//!
//! ```text
//!  file position   ──── 1000 ─────────── 1840 ──── 2200 ──────── 3100 ──>
//!  goroutine 33         │ membership 0   │         │ membership 1 │
//!  window               │ request A      │         │ request B    │
//! ```
//!
//! For stretches and regions, a membership's borders are the window's. A user task begins and ends on any goroutines, so
//! it has *task boundaries*: positions of annotation events, looked up at these events alone.

mod older;
mod older_calls;
mod open_window;
pub(crate) mod part_start;
mod seen;
mod table;
mod tasks;

pub(super) use open_window::OpenWindow;
pub(super) use table::WindowTable;

use crate::measure::spec::MeasureSpec;
use crate::slice::WindowIdx;
use crate::slice::{Membership, MembershipPart, RootKind, Slice};
use crate::survey::Forest;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};
use older::OlderWindows;
use older_calls::OlderCalls;
use part_start::PartStart;
use rustc_hash::FxHashMap;

/// Where a goroutine is among its memberships.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MembershipPosition {
    /// The window of the open membership; none between two.
    pub(super) open: WindowIdx,
    /// Whether it is after the last matching stack of that membership.
    pub(super) after_last_stack: bool,
    /// Position of the next one.
    next: usize,
}

/// Which borders an event crossed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CrossedBorders {
    /// Whether a membership ended.
    pub(super) ended: bool,
    /// Whether the last matching stack of a membership, which goes on, holds no more.
    pub(super) left_last_stack: bool,
    /// The window whose membership began; none if none did.
    pub(super) started: WindowIdx,
}

/// All windows, and where each goroutine is among its memberships.
pub(super) struct Windows<'a> {
    slice: &'a Slice,
    forest: &'a Forest,
    /// Whether it is asked for what is certain of windows with inferred borders.
    keeps_seen: bool,
    list: WindowTable,
    touched: Vec<WindowIdx>,
    positions: FxHashMap<GIdx, MembershipPosition>,
    /// For a part inside a generation: positions at its start, concluded from file positions alone.
    positions_from_file: Vec<(GIdx, MembershipPosition)>,
    /// Where the part of the trace that is measured begins.
    part_start: PartStart,
    /// Whether there may be any of these.
    has_older_calls: bool,
    older_calls: OlderCalls,
    older: OlderWindows,
}

impl<'a> Windows<'a> {
    /// All windows of a slice, none started.
    pub(super) fn new(spec: MeasureSpec<'a>) -> Self {
        let MeasureSpec { slice, forest, looked_at, latency, .. } = spec;
        Self {
            slice,
            forest,
            keeps_seen: latency,
            list: WindowTable::new(slice.windows.len(), looked_at),
            touched: Vec::new(),
            positions: FxHashMap::default(),
            positions_from_file: Vec::new(),
            part_start: PartStart { generation: 0, file_start: 0, independent_from: Time::MIN, inside: None },
            has_older_calls: slice.windows.all().any(|window| OlderCalls::is_one(slice, window)),
            older_calls: OlderCalls::default(),
            older: OlderWindows::default(),
        }
    }

    /// Forgets what was touched and begins a part of the trace.
    pub(super) fn begin(&mut self, part_start: PartStart) {
        for window in self.touched.drain(..) {
            self.list.forget(window);
        }
        self.positions.clear();
        self.list.begin_part();
        self.older_calls.clear();
        self.older = OlderWindows::default();
        self.positions_from_file.clear();
        self.part_start = part_start;
    }

    /// All windows, by [`WindowIdx`].
    pub(super) fn all(&self) -> &WindowTable {
        &self.list
    }

    /// The windows of which something is known, in the order in which that came.
    pub(super) fn touched(&self) -> &[WindowIdx] {
        &self.touched
    }

    #[inline]
    pub(super) fn get(&self, window: WindowIdx) -> OpenWindow {
        self.list.get(window)
    }

    /// Whether all of an interval can be added to a window without [`Windows::add`].
    #[inline]
    pub(super) fn has_all_of(&self, window: WindowIdx, interval: Window) -> bool {
        self.list.has_all_of(window, interval)
    }

    fn edit(&mut self, window: WindowIdx, edit: impl FnOnce(&mut OpenWindow)) {
        self.touch(window);
        let mut open = self.list.get(window);
        edit(&mut open);
        self.list.set(window, open);
    }

    fn touch(&mut self, window: WindowIdx) {
        if self.list.note_known(window) {
            self.touched.push(window);
        }
    }

    pub(super) fn start(&mut self, window: WindowIdx, time: Time) {
        self.touch(window);
        self.list.set_start(window, time);
    }

    pub(super) fn end(&mut self, window: WindowIdx, time: Time) {
        let OpenWindow { start, end, .. } = self.get(window);
        if start == Time::MIN && end == Time::MAX {
            self.older_ends(window);
        }
        self.touch(window);
        self.list.set_end(window, time);
    }

    pub(super) fn cut_start(&mut self, window: WindowIdx) {
        self.edit(window, |open| open.cut_start = true);
    }

    pub(super) fn cut_end(&mut self, window: WindowIdx) {
        self.edit(window, |open| open.cut_end = true);
    }

    /// Adds time to a window.
    #[inline]
    pub(super) fn add(&mut self, window: WindowIdx, ns: u64) {
        if !self.get(window).has_time {
            self.edit(window, |open| open.has_time = true);
        }
        self.list.add(window, ns);
    }

    /// Whether a window ended before the part that is measured began.
    pub(super) fn is_over(&self, window: WindowIdx) -> bool {
        let windows = &self.slice.windows;
        match windows.stretch(window) {
            Some((_, end)) => end.is_some_and(|end| self.part_start.is_before(end)),
            None => self.has_ended(windows.goroutine(window)),
        }
    }

    /// Whether a goroutine ended before the part that is measured began.
    pub(super) fn has_ended(&self, g: GIdx) -> bool {
        self.part_start.ended_before(g, self.forest.get(g).ended)
    }

    fn memberships(&self, g: GIdx) -> &'a [Membership] {
        self.slice.memberships.get(&g).map_or(&[][..], Vec::as_slice)
    }

    /// One of a goroutine's memberships, with its borders.
    #[inline]
    fn part(&self, memberships: &[Membership], i: usize) -> Option<(Membership, MembershipPart)> {
        memberships.get(i).map(|membership| (*membership, self.slice.part(*membership)))
    }

    /// How many of a goroutine's memberships were over before the part.
    fn n_over_before(&self, memberships: &[Membership]) -> usize {
        memberships.partition_point(|m| self.slice.end_of(*m).is_some_and(|end| self.part_start.is_before(end)))
    }

    /// Where a goroutine is among its memberships now. If no border was crossed in this part, file positions say which
    /// borders are before it.
    pub(super) fn position(&mut self, g: GIdx) -> MembershipPosition {
        if let Some(position) = self.positions.get(&g) {
            return *position;
        }
        let memberships = self.memberships(g);
        let next = self.n_over_before(memberships);
        let position = match self.part(memberships, next) {
            Some((membership, part)) if part.start.is_none_or(|start| self.part_start.is_before(start)) => {
                let seen_end = part.seen.and_then(|seen| seen.end);
                let after_last_stack = seen_end.is_some_and(|end| self.part_start.is_before(end));
                MembershipPosition { open: membership.window, after_last_stack, next: next + 1 }
            }
            _ => MembershipPosition { open: WindowIdx::NONE, after_last_stack: false, next },
        };
        self.positions.insert(g, position);
        self.list.note_over_before(g, next, position.open.is_some());
        if self.part_start.inside.is_some() {
            self.positions_from_file.push((g, position));
        }
        position
    }

    /// Whether the positions that a part concluded from the file are those that the ordered events before it lead to. To
    /// be asked when the part is the next one.
    pub(super) fn agrees_with(&mut self, part: &Windows<'_>) -> bool {
        part.positions_from_file.iter().all(|(g, position)| self.position(*g) == *position)
    }

    /// Ends and begins a goroutine's memberships whose border is at file position `pos`.
    pub(super) fn cross(&mut self, g: GIdx, pos: u64, time: Time) -> CrossedBorders {
        let mut position = self.position(g);
        let memberships = self.memberships(g);
        let mut crossed = CrossedBorders { ended: false, left_last_stack: false, started: WindowIdx::NONE };
        if position.open.is_some()
            && let Some((membership, part)) = self.part(memberships, position.next - 1)
        {
            if part.end == Some(pos) {
                if part.is_window {
                    self.end(membership.window, time);
                }
                position.open = WindowIdx::NONE;
                crossed.ended = true;
            } else if let Some(seen) = part.seen {
                crossed.left_last_stack = self.cross_seen(membership.window, seen, (pos, time));
                position.after_last_stack |= crossed.left_last_stack;
            }
        }
        if !position.open.is_some()
            && let Some((membership, part)) =
                self.part(memberships, position.next).filter(|(_, part)| part.start == Some(pos))
        {
            if part.is_window {
                self.start(membership.window, time);
            }
            let next = position.next + 1;
            position = MembershipPosition { open: membership.window, after_last_stack: false, next };
            crossed.started = membership.window;
        }
        if crossed.ended || crossed.left_last_stack || crossed.started.is_some() {
            self.positions.insert(g, position);
        }
        crossed
    }

    /// Takes over what a part found.
    pub(super) fn absorb(&mut self, other: &Windows<'_>) {
        self.older_calls.absorb(&other.older_calls);
        for &window in &other.touched {
            let theirs = other.get(window);
            self.edit(window, |ours| {
                // Events that were left over have final times, so borders known from them stay.
                if ours.start == Time::MIN {
                    ours.start = theirs.start;
                }
                if ours.end == Time::MAX {
                    ours.end = theirs.end;
                }
                ours.handed_over = ours.handed_over.max(theirs.handed_over);
                if ours.seen_start == Time::MIN {
                    ours.seen_start = theirs.seen_start;
                }
                if ours.seen_end == Time::MAX {
                    ours.seen_end = theirs.seen_end;
                }
                ours.ns = ours.ns.saturating_add(theirs.ns);
                ours.has_time |= theirs.has_time;
                ours.cut_start |= theirs.cut_start;
                ours.cut_end |= theirs.cut_end;
            });
        }
    }

    /// Takes over where goroutines are among their memberships at the end of a part.
    pub(super) fn absorb_positions(&mut self, other: &Windows<'_>) {
        self.positions.extend(&other.positions);
    }

    /// The windows with time inside the part looked at, each with what made its root.
    pub(super) fn all_inside(&self, looked_at: Window) -> impl Iterator<Item = (OpenWindow, RootKind)> + '_ {
        let inside = self.slice.windows.all().filter(move |window| self.is_inside(*window, looked_at));
        inside.map(|window| (self.get(window), self.slice.windows.by(window)))
    }
}
