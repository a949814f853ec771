//! Windows of roots while they are measured: when they start and end.

pub(crate) mod part_start;

use crate::slice::WindowIdx;
use crate::slice::{Membership, RootKind, Slice, TaskBoundary};
use crate::survey::Forest;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};
use part_start::PartStart;
use rustc_hash::FxHashMap;

/// A window while it is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OpenWindow {
    /// [`Time::MIN`] when it started before the generation that is measured.
    pub(super) start: Time,
    /// [`Time::MAX`] while it has not ended.
    pub(super) end: Time,
    /// Of a task: when the goroutine that will end it took it over; [`Time::MIN`] before.
    pub(super) handed_over: Time,
    /// Time added for it, of all its goroutines; kept where paths are walked.
    pub(super) ns: u64,
    /// Whether any was.
    pub(super) seen: bool,
    /// Whether an edge of the trace cuts it.
    pub(super) cut: bool,
}

impl OpenWindow {
    /// Whether an edge of the trace, or of the part of it looked at, cuts it.
    pub(super) fn is_cut(&self, looked_at: Window) -> bool {
        self.cut || self.start < looked_at.start || self.end > looked_at.end
    }
}

const BLANK: OpenWindow =
    OpenWindow { start: Time::MIN, end: Time::MAX, handed_over: Time::MIN, ns: 0, seen: false, cut: false };

/// No time at all.
const NEVER: Window = Window { start: Time::MAX, end: Time::MIN };

/// Where a goroutine is among its stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The window of the stay that is open; none between stays.
    pub(super) open: WindowIdx,
    /// Position of the next one.
    next: usize,
}

/// Which borders an event crossed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Crossed {
    /// Whether a stay ended.
    pub(super) ended: bool,
    /// The window whose stay started.
    pub(super) started: WindowIdx,
}

/// All windows, and where each goroutine with stays is.
pub(super) struct Windows<'a> {
    slice: &'a Slice,
    forest: &'a Forest,
    looked_at: Window,
    list: Vec<OpenWindow>,
    /// Per window that has time inside the part of the trace that is looked at, as far as is known, its part inside
    /// that; of others [`NEVER`].
    usual: Vec<Window>,
    touched: Vec<WindowIdx>,
    places: FxHashMap<GIdx, Place>,
    /// Those of a part inside a generation as they were told by the file when it began.
    told: Vec<(GIdx, Place)>,
    /// Where the part that is measured begins.
    beginning: PartStart,
}

impl<'a> Windows<'a> {
    /// All windows of a slice, none started.
    pub(super) fn new(slice: &'a Slice, forest: &'a Forest, looked_at: Window) -> Self {
        Self {
            slice,
            forest,
            looked_at,
            list: vec![BLANK; slice.windows.len()],
            usual: vec![NEVER; slice.windows.len()],
            touched: Vec::new(),
            places: FxHashMap::default(),
            told: Vec::new(),
            beginning: PartStart { generation: 0, file_start: 0, settled: Time::MIN, inside: None },
        }
    }

    /// Forgets what was touched and begins a part of the trace.
    pub(super) fn begin(&mut self, beginning: PartStart) {
        for window in self.touched.drain(..) {
            self.list[window.at()] = BLANK;
            self.usual[window.at()] = NEVER;
        }
        self.places.clear();
        self.told.clear();
        self.beginning = beginning;
    }

    #[inline]
    pub(super) fn get(&self, window: WindowIdx) -> OpenWindow {
        self.list[window.at()]
    }

    /// The time that counts of a window that was seen: inside it, nothing but its sum changes any more. None for no
    /// window.
    #[inline]
    pub(super) fn usual(&self, window: WindowIdx) -> Option<Window> {
        self.usual.get(window.at()).copied()
    }

    /// Time was added for a window that was seen.
    #[inline]
    pub(super) fn add(&mut self, window: WindowIdx, ns: u64) {
        let sum = &mut self.list[window.at()].ns;
        *sum = sum.saturating_add(ns);
    }

    #[inline]
    fn edit(&mut self, window: WindowIdx, edit: impl FnOnce(&mut OpenWindow)) {
        let open = &mut self.list[window.at()];
        if *open == BLANK {
            self.touched.push(window);
        }
        edit(open);
        let looked_at = self.looked_at;
        let inside = Window { start: open.start.max(looked_at.start), end: open.end.min(looked_at.end) };
        self.usual[window.at()] = if open.seen { inside } else { NEVER };
    }

    pub(super) fn start(&mut self, window: WindowIdx, time: Time) {
        self.edit(window, |open| open.start = time);
    }

    pub(super) fn end(&mut self, window: WindowIdx, time: Time) {
        self.edit(window, |open| open.end = time);
    }

    pub(super) fn cut(&mut self, window: WindowIdx) {
        self.edit(window, |open| open.cut = true);
    }

    /// Time was added for a window.
    #[inline]
    pub(super) fn see(&mut self, window: WindowIdx, ns: u64) {
        if !self.get(window).seen {
            self.edit(window, |open| open.seen = true);
        }
        self.add(window, ns);
    }

    /// Whether a window ended before the part that is measured began.
    pub(super) fn is_over(&self, window: WindowIdx) -> bool {
        let root = &self.slice.windows[window.at()];
        match root.stretch {
            Some((_, end)) => end.is_some_and(|end| self.beginning.is_behind(end)),
            None => self.has_ended(root.g),
        }
    }

    /// Whether a goroutine ended before the part that is measured began.
    pub(super) fn has_ended(&self, g: GIdx) -> bool {
        self.beginning.outlives(g, self.forest.get(g).ended)
    }

    fn stays(&self, g: GIdx) -> &'a [Membership] {
        self.slice.stays.get(&g).map_or(&[][..], Vec::as_slice)
    }

    /// Where a goroutine with stays is when the part that is measured begins: places in the file tell which borders are
    /// before it.
    pub(super) fn place(&mut self, g: GIdx) -> Place {
        if let Some(place) = self.places.get(&g) {
            return *place;
        }
        let stays = self.stays(g);
        let next = stays.partition_point(|stay| stay.end.is_some_and(|end| self.beginning.is_behind(end)));
        let place = match stays.get(next) {
            Some(stay) if stay.start.is_none_or(|start| self.beginning.is_behind(start)) => {
                Place { open: stay.window, next: next + 1 }
            }
            _ => Place { open: WindowIdx::NONE, next },
        };
        self.places.insert(g, place);
        if self.beginning.inside.is_some() {
            self.told.push((g, place));
        }
        place
    }

    /// Whether goroutines with stays are where a part that begins now was told by the file that they are.
    pub(super) fn is_as_told(&mut self, part: &Windows<'_>) -> bool {
        part.told.iter().all(|(g, told)| self.place(*g) == *told)
    }

    /// Ends and starts a goroutine's stays whose border stands at `pos`.
    pub(super) fn cross(&mut self, g: GIdx, pos: u64, time: Time) -> Crossed {
        let mut place = self.place(g);
        let stays = self.stays(g);
        let mut crossed = Crossed { ended: false, started: WindowIdx::NONE };
        if place.open.is_some()
            && let Some(stay) = stays.get(place.next - 1).filter(|stay| stay.end == Some(pos))
        {
            if stay.is_window {
                self.end(stay.window, time);
            }
            place.open = WindowIdx::NONE;
            crossed.ended = true;
        }
        if !place.open.is_some()
            && let Some(stay) = stays.get(place.next).filter(|stay| stay.start == Some(pos))
        {
            if stay.is_window {
                self.start(stay.window, time);
            }
            place = Place { open: stay.window, next: place.next + 1 };
            crossed.started = stay.window;
        }
        if crossed.ended || crossed.started.is_some() {
            self.places.insert(g, place);
        }
        crossed
    }

    /// Starts and ends the tasks that an annotation at `pos` begins and ends.
    pub(super) fn mark(&mut self, pos: u64, time: Time) {
        let slice = self.slice;
        for &(_, mark, window) in slice.marks.at(pos) {
            self.edit(window, |open| match mark {
                TaskBoundary::Start => open.start = time,
                TaskBoundary::HandedOver => open.handed_over = time,
                TaskBoundary::End => open.end = time,
            });
        }
    }

    /// Whether a window has time inside the part looked at. A task has, also where all its goroutines work for others.
    pub(super) fn is_seen(&self, window: WindowIdx, looked_at: Window) -> bool {
        let open = self.get(window);
        let is_task = self.slice.windows[window.at()].by == RootKind::Task;
        open.seen || is_task && open.start != Time::MIN && looked_at.overlap(open.start, open.end) > 0
    }

    /// The trace ends: tasks that have not, are cut.
    pub(super) fn cut_tasks(&mut self) {
        let slice = self.slice;
        let tasks = slice.windows.iter().enumerate().filter(|(_, root)| root.by == RootKind::Task);
        for window in tasks.map(|(i, _)| WindowIdx(i as u32)) {
            if self.get(window) != BLANK && self.get(window).end == Time::MAX {
                self.cut(window);
            }
        }
    }

    /// Takes over what a generation, measured by itself, found.
    pub(super) fn absorb(&mut self, other: &Windows<'_>) {
        for &window in &other.touched {
            let theirs = other.list[window.at()];
            self.edit(window, |ours| {
                // What stands in an event that was left over was seen with a better time.
                if ours.start == Time::MIN {
                    ours.start = theirs.start;
                }
                if ours.end == Time::MAX {
                    ours.end = theirs.end;
                }
                ours.handed_over = ours.handed_over.max(theirs.handed_over);
                ours.ns = ours.ns.saturating_add(theirs.ns);
                ours.seen |= theirs.seen;
                ours.cut |= theirs.cut;
            });
        }
    }

    /// Takes over where goroutines with stays are at the end of a generation.
    pub(super) fn absorb_places(&mut self, other: &Windows<'_>) {
        self.places.extend(&other.places);
    }

    /// The windows that were seen, each with what made its root.
    pub(super) fn seen(&self, looked_at: Window) -> impl Iterator<Item = (OpenWindow, RootKind)> + '_ {
        let windows = (0..self.list.len()).map(|i| WindowIdx(i as u32));
        let seen = windows.filter(move |window| self.is_seen(*window, looked_at));
        seen.map(|window| (self.get(window), self.slice.windows[window.at()].by))
    }
}
