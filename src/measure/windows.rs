//! Windows of roots while they are measured: when they start and end.

use crate::ids::{GIdx, WindowIdx};
use crate::slice::{RootKind, Slice};
use crate::survey::Forest;
use crate::time::{Time, Window};
use rustc_hash::FxHashMap;

/// A window while it is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OpenWindow {
    /// [`Time::MIN`] when it started before the generation that is measured.
    pub(super) start: Time,
    /// [`Time::MAX`] while it has not ended.
    pub(super) end: Time,
    /// Time added for it, of all its goroutines.
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

const BLANK: OpenWindow = OpenWindow { start: Time::MIN, end: Time::MAX, ns: 0, seen: false, cut: false };

/// Where a root by stack is among its stretches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The stretch that is open; none between stretches.
    pub(super) open: WindowIdx,
    /// Position of the next one.
    next: usize,
}

/// Which borders an event crossed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Crossed {
    /// The stretch that ended.
    pub(super) ended: bool,
    /// The stretch that started.
    pub(super) started: WindowIdx,
}

/// All windows, and where each root by stack is.
pub(super) struct Windows<'a> {
    slice: &'a Slice,
    forest: &'a Forest,
    list: Vec<OpenWindow>,
    touched: Vec<WindowIdx>,
    places: FxHashMap<GIdx, Place>,
    /// The generation that is measured: its position, and where it starts in the file.
    generation: u32,
    file_start: u64,
}

impl<'a> Windows<'a> {
    /// All windows of a slice, none started.
    pub(super) fn new(slice: &'a Slice, forest: &'a Forest) -> Self {
        Self {
            slice,
            forest,
            list: vec![BLANK; slice.windows.len()],
            touched: Vec::new(),
            places: FxHashMap::default(),
            generation: 0,
            file_start: 0,
        }
    }

    /// Forgets what was touched and begins a generation.
    pub(super) fn begin(&mut self, generation: u32, file_start: u64) {
        for window in self.touched.drain(..) {
            self.list[window.at()] = BLANK;
        }
        self.places.clear();
        self.generation = generation;
        self.file_start = file_start;
    }

    #[inline]
    pub(super) fn get(&self, window: WindowIdx) -> OpenWindow {
        self.list[window.at()]
    }

    /// A window to add to, which was seen before.
    #[inline]
    pub(super) fn open(&mut self, window: WindowIdx) -> &mut OpenWindow {
        &mut self.list[window.at()]
    }

    #[inline]
    fn edit(&mut self, window: WindowIdx) -> &mut OpenWindow {
        let open = &mut self.list[window.at()];
        if *open == BLANK {
            self.touched.push(window);
        }
        open
    }

    pub(super) fn start(&mut self, window: WindowIdx, time: Time) {
        self.edit(window).start = time;
    }

    pub(super) fn end(&mut self, window: WindowIdx, time: Time) {
        self.edit(window).end = time;
    }

    pub(super) fn cut(&mut self, window: WindowIdx) {
        self.edit(window).cut = true;
    }

    /// Time was added for a window.
    #[inline]
    pub(super) fn see(&mut self, window: WindowIdx, ns: u64) {
        if !self.get(window).seen {
            self.edit(window).seen = true;
        }
        let sum = &mut self.list[window.at()].ns;
        *sum = sum.saturating_add(ns);
    }

    /// Whether a window ended before the generation that is measured began.
    pub(super) fn is_over(&self, window: WindowIdx) -> bool {
        let root = &self.slice.windows[window.at()];
        match root.stretch {
            Some((_, end)) => end.is_some_and(|end| end < self.file_start),
            None => self.forest.get(root.g).ended < self.generation,
        }
    }

    /// Whether a goroutine ended before the generation that is measured began.
    pub(super) fn has_ended(&self, g: GIdx) -> bool {
        self.forest.get(g).ended < self.generation
    }

    /// Where a root by stack is when the generation begins. Places in the file grow from one generation to the
    /// next, so those of earlier ones tell.
    pub(super) fn place(&mut self, g: GIdx) -> Place {
        if let Some(place) = self.places.get(&g) {
            return *place;
        }
        let of_root = self.slice.stretches.get(&g).map_or(&[][..], Vec::as_slice);
        let borders = |w: WindowIdx| self.slice.windows[w.at()].stretch.unwrap_or((None, None));
        let next = of_root.partition_point(|&w| borders(w).1.is_some_and(|end| end < self.file_start));
        let place = match of_root.get(next) {
            Some(&w) if borders(w).0.is_none_or(|start| start < self.file_start) => Place { open: w, next: next + 1 },
            _ => Place { open: WindowIdx::NONE, next },
        };
        self.places.insert(g, place);
        place
    }

    /// Ends and starts the stretches of a root by stack whose border stands at `pos`.
    pub(super) fn cross(&mut self, g: GIdx, pos: u64, time: Time) -> Crossed {
        let mut place = self.place(g);
        let mut crossed = Crossed { ended: false, started: WindowIdx::NONE };
        if place.open.is_some() && self.slice.windows[place.open.at()].stretch.is_some_and(|(_, end)| end == Some(pos))
        {
            self.end(place.open, time);
            place.open = WindowIdx::NONE;
            crossed.ended = true;
        }
        if !place.open.is_some()
            && let Some(&next) = self.slice.stretches.get(&g).and_then(|w| w.get(place.next))
            && self.slice.windows[next.at()].stretch.is_some_and(|(start, _)| start == Some(pos))
        {
            self.start(next, time);
            place = Place { open: next, next: place.next + 1 };
            crossed.started = next;
        }
        if crossed.ended || crossed.started.is_some() {
            self.places.insert(g, place);
        }
        crossed
    }

    /// Takes over what a generation, measured by itself, found.
    pub(super) fn absorb(&mut self, other: &Windows<'_>) {
        for &window in &other.touched {
            let theirs = other.list[window.at()];
            let ours = self.edit(window);
            if theirs.start != Time::MIN {
                ours.start = theirs.start;
            }
            if theirs.end != Time::MAX {
                ours.end = theirs.end;
            }
            ours.ns = ours.ns.saturating_add(theirs.ns);
            ours.seen |= theirs.seen;
            ours.cut |= theirs.cut;
        }
    }

    /// Takes over where the roots by stack are at the end of a generation.
    pub(super) fn absorb_places(&mut self, other: &Windows<'_>) {
        self.places.extend(&other.places);
    }

    /// The windows that were seen, each with what made its root.
    pub(super) fn seen(&self) -> impl Iterator<Item = (OpenWindow, RootKind)> + '_ {
        self.list.iter().zip(&self.slice.windows).filter(|(open, _)| open.seen).map(|(open, root)| (*open, root.by))
    }
}
