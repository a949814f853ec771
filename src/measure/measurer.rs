//! Takes the events of the slice's goroutines and measures them inside their windows. HOT.

use super::aggregate::Aggregate;
use super::states::{StateKey, is_parking};
use super::timeline::{Attribution, Timeline};
use crate::event::{Event, EventKind, GoState, GoTransition, Sink};
use crate::ids::{GIdx, StackIdx, WindowIdx};
use crate::slice::Slice;
use crate::symbols::Symbols;
use crate::time::{Time, Window};
use rustc_hash::FxHashMap;

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// Sums by chain, stack and state.
    pub aggregate: Aggregate,
    /// Windows with time inside the part of the trace that was looked at.
    pub roots: u64,
    /// Of these, windows cut by an edge of it.
    pub roots_cut: u64,
    /// Descendants that lived on after their root's window.
    pub outlived: u64,
    /// The last value of GOMAXPROCS.
    pub gomaxprocs: Option<u64>,
}

/// A window while it is measured.
#[derive(Clone, Copy)]
struct OpenWindow {
    start: Time,
    /// [`Time::MAX`] while it has not ended.
    end: Time,
    seen: bool,
    cut: bool,
}

/// Per goroutine: an outsider, a member not seen yet, or the place of its timeline.
const OUTSIDE: u32 = u32::MAX;
const NOT_SEEN: u32 = u32::MAX - 1;

/// Measures one trace.
pub struct Measurer<'a> {
    slice: &'a Slice,
    symbols: &'a Symbols,
    attribution: Attribution<'a>,
    whole_life: bool,
    /// The part of the trace to look at.
    looked_at: Window,
    /// When goroutines that are older began, as far as this trace can tell.
    older_since: Time,
    track: Vec<u32>,
    lines: Vec<Timeline>,
    free: Vec<u32>,
    windows: Vec<OpenWindow>,
    /// Roots by stack: position of the next window among theirs.
    next_window: FxHashMap<GIdx, usize>,
    outlived: u64,
    gomaxprocs: Option<u64>,
}

impl<'a> Measurer<'a> {
    /// Prepares to measure a slice inside `looked_at`.
    pub fn new(slice: &'a Slice, symbols: &'a Symbols, whole_life: bool, looked_at: Window, start: Time) -> Self {
        let mut track: Vec<u32> =
            slice.owner.iter().map(|owner| if owner.is_some() { NOT_SEEN } else { OUTSIDE }).collect();
        for g in slice.stretches.keys() {
            track[g.at()] = NOT_SEEN;
        }
        let closed = OpenWindow { start: Time::MAX, end: Time::MAX, seen: false, cut: false };
        Self {
            slice,
            symbols,
            attribution: Attribution::new(symbols),
            whole_life,
            looked_at,
            older_since: start,
            track,
            lines: Vec::new(),
            free: Vec::new(),
            windows: vec![closed; slice.windows.len()],
            next_window: slice.stretches.keys().map(|g| (*g, 0)).collect(),
            outlived: 0,
            gomaxprocs: None,
        }
    }

    /// A generation begins: goroutines first seen in it without a creation are at least as old.
    pub fn begin_generation(&mut self, start: Time) {
        self.older_since = start;
    }

    /// The trace ends: what is open counts up to its end.
    pub fn finish(mut self, end: Time) -> Measured {
        for i in 0..self.lines.len() {
            if self.lines[i].state != GoState::NotExist {
                let g = self.lines[i].g;
                let window = self.lines[i].window;
                self.close(i, end, StackIdx::EMPTY, true);
                if self.is_root_of(g, window) {
                    self.windows[window.at()].cut = true;
                }
            }
        }
        let roots = self.windows.iter().filter(|w| w.seen).count() as u64;
        let cut = |w: &OpenWindow| w.cut || w.start < self.looked_at.start || w.end > self.looked_at.end;
        let roots_cut = self.windows.iter().filter(|w| w.seen && cut(w)).count() as u64;
        Measured {
            aggregate: self.attribution.aggregate,
            roots,
            roots_cut,
            outlived: self.outlived,
            gomaxprocs: self.gomaxprocs,
        }
    }

    fn is_root_of(&self, g: GIdx, window: WindowIdx) -> bool {
        window.is_some() && self.slice.windows[window.at()].g == g
    }

    #[inline]
    fn line(&self, g: GIdx) -> Option<usize> {
        let at = *self.track.get(g.at())?;
        (at < NOT_SEEN).then_some(at as usize)
    }

    /// Adds up what is open of a timeline.
    fn close(&mut self, line: usize, end: Time, next: StackIdx, ends: bool) {
        let window = self.lines[line].window;
        if !window.is_some() {
            let line = &mut self.lines[line];
            line.samples.clear();
            line.counted = false;
            line.since = end;
            return;
        }
        let clip = self.clip(window, self.lines[line].g);
        if end > clip.end && clip.end < self.looked_at.end && !self.lines[line].outlived {
            self.lines[line].outlived = true;
            self.outlived += 1;
        }
        let added = self.attribution.close(&mut self.lines[line], end, next, clip, ends);
        let open = &mut self.windows[window.at()];
        open.seen |= added > 0;
    }

    /// The part of time that counts for a goroutine of a window.
    #[inline]
    fn clip(&self, window: WindowIdx, g: GIdx) -> Window {
        let open = self.windows[window.at()];
        if self.whole_life && self.slice.windows[window.at()].g != g {
            return self.looked_at;
        }
        Window { start: self.looked_at.start.max(open.start), end: self.looked_at.end.min(open.end) }
    }

    fn new_line(&mut self, line: Timeline) -> usize {
        let g = line.g;
        let at = match self.free.pop() {
            Some(at) => {
                self.lines[at as usize] = line;
                at
            }
            None => {
                self.lines.push(line);
                self.lines.len() as u32 - 1
            }
        };
        self.track[g.at()] = at;
        at as usize
    }

    fn transition(&mut self, event: &Event, t: &GoTransition) {
        let Some(line) = self.line(t.g) else {
            if self.track.get(t.g.at()) == Some(&NOT_SEEN) {
                self.first_sight(event, t);
            }
            return;
        };
        if t.from == GoState::Undetermined {
            self.status(line, event, t);
            return;
        }
        self.leave(line, event.time, t);
        if t.to == GoState::NotExist {
            self.gone(line, event);
        } else {
            self.enter(line, t);
            if t.to == GoState::Running {
                self.cross_borders(line, event);
            }
        }
    }

    /// Ends the open interval. One that its end contradicts is unknown.
    fn leave(&mut self, line: usize, time: Time, t: &GoTransition) {
        if self.lines[line].state != t.from && self.lines[line].state != GoState::Undetermined {
            self.lines[line].key = StateKey::UNKNOWN;
        }
        self.close(line, time, t.stack, true);
    }

    fn enter(&mut self, line: usize, t: &GoTransition) {
        let line = &mut self.lines[line];
        line.state = t.to;
        line.key = match t.to {
            GoState::Running => StateKey::RUNNING,
            GoState::Runnable => StateKey::RUNNABLE,
            GoState::Syscall => StateKey::SYSCALL,
            GoState::Waiting => StateKey::waiting(t.reason),
            GoState::Undetermined | GoState::NotExist => StateKey::UNKNOWN,
        };
        // What was stopped, blocked or in a system call keeps that stack until it runs; never the waker's.
        if t.from == GoState::Running {
            line.stack = t.stack;
            if t.stack != StackIdx::EMPTY {
                line.own = t.stack;
            }
        }
    }

    /// A status is no transition: it says where a goroutine is, and contradicts or does not.
    fn status(&mut self, line: usize, event: &Event, t: &GoTransition) {
        let state = self.lines[line].state;
        if state == t.to {
            return;
        }
        self.lines[line].key = StateKey::UNKNOWN;
        self.close(line, event.time, t.stack, true);
        self.lines[line].stack = self.trimmed(t.stack);
        self.enter(line, &GoTransition { from: GoState::Undetermined, ..*t });
    }

    /// A goroutine of the slice appears.
    fn first_sight(&mut self, event: &Event, t: &GoTransition) {
        let window = self.slice.owner[t.g.at()];
        let created = t.from == GoState::NotExist;
        let since = if created { event.time } else { self.older_since };
        let stack = if created { t.stack } else { self.trimmed(t.stack) };
        let context = self.slice.context[t.g.at()];
        let line = self.new_line(Timeline::new(t.g, window, context, t.to, since, stack));
        if self.is_root_of(t.g, window) {
            self.windows[window.at()].start = since;
        }
        if !window.is_some() {
            self.open_if_older(line, since);
        }
        if t.to == GoState::Running {
            self.cross_borders(line, event);
        }
    }

    /// Opens the first stretch of a root by stack if it is older than the trace.
    fn open_if_older(&mut self, line: usize, since: Time) {
        let g = self.lines[line].g;
        let Some(&first) = self.slice.stretches.get(&g).and_then(|w| w.first()) else { return };
        if matches!(self.slice.windows[first.at()].stretch, Some((None, _))) {
            self.open_window(line, first, since);
            self.windows[first.at()].cut = true;
        }
    }

    fn open_window(&mut self, line: usize, window: WindowIdx, time: Time) {
        self.windows[window.at()].start = time;
        let line = &mut self.lines[line];
        line.window = window;
        line.context = self.slice.windows[window.at()].context;
        line.since = line.since.max(time);
        *self.next_window.entry(line.g).or_default() += 1;
    }

    /// Ends and starts the stretches of a root by stack whose border this event is.
    #[inline]
    fn cross_borders(&mut self, line: usize, event: &Event) {
        let g = self.lines[line].g;
        if self.slice.owner[g.at()].is_some() {
            return;
        }
        let open = self.lines[line].window;
        if open.is_some() && matches!(self.slice.windows[open.at()].stretch, Some((_, Some(end))) if end == event.pos) {
            self.end_stretch(line, event.time, event.stack);
        }
        if !self.lines[line].window.is_some() {
            self.start_stretch(line, event);
        }
    }

    fn end_stretch(&mut self, line: usize, time: Time, next: StackIdx) {
        let window = self.lines[line].window;
        if self.lines[line].since < time {
            self.close(line, time, next, true);
        }
        self.windows[window.at()].end = time;
        self.lines[line].window = WindowIdx::NONE;
    }

    fn start_stretch(&mut self, line: usize, event: &Event) {
        let g = self.lines[line].g;
        let Some(windows) = self.slice.stretches.get(&g) else { return };
        let next = self.next_window.get(&g).copied().unwrap_or(0);
        let Some(&window) = windows.get(next) else { return };
        if matches!(self.slice.windows[window.at()].stretch, Some((Some(start), _)) if start == event.pos) {
            self.close(line, event.time, event.stack, false);
            self.open_window(line, window, event.time);
        }
    }

    fn gone(&mut self, line: usize, event: &Event) {
        let (g, window) = (self.lines[line].g, self.lines[line].window);
        if self.is_root_of(g, window) {
            self.windows[window.at()].end = event.time;
        }
        self.lines[line].state = GoState::NotExist;
        self.lines[line].window = WindowIdx::NONE;
        self.track[g.at()] = OUTSIDE;
        self.free.push(line as u32);
    }

    /// A stack of a goroutine that runs: what it ran on until here is known better now.
    fn own_stack(&mut self, event: &Event) {
        let Some(line) = self.line(event.g) else { return };
        if self.lines[line].state == GoState::Running {
            self.close(line, event.time, event.stack, false);
        }
        self.lines[line].own = event.stack;
        self.cross_borders(line, event);
    }

    fn sample(&mut self, event: &Event) {
        let Some(line) = self.line(event.g) else { return };
        if self.lines[line].state == GoState::Running && event.stack != StackIdx::EMPTY {
            self.cross_borders(line, event);
            self.lines[line].samples.push(event.stack);
        } else {
            self.cross_borders(line, event);
        }
    }

    /// A stack taken from outside, without the frames that only park the goroutine.
    fn trimmed(&self, stack: StackIdx) -> StackIdx {
        let mut at = stack;
        while let Some(leaf) = self.symbols.leaf(at) {
            if !is_parking(self.symbols.function(leaf)) {
                break;
            }
            at = self.symbols.parent(at);
        }
        if at == StackIdx::EMPTY { stack } else { at }
    }
}

impl Sink for Measurer<'_> {
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.track.get(g.at()).is_some_and(|&t| t != OUTSIDE)
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Transition(t) => {
                // The goroutine's own transition closes its interval with this stack; any other is a glimpse.
                if event.stack != StackIdx::EMPTY && event.g != t.g {
                    self.own_stack(event);
                } else if event.stack != StackIdx::EMPTY && t.from == GoState::Running {
                    if let Some(line) = self.line(event.g) {
                        self.cross_borders(line, event);
                    }
                }
                self.transition(event, t);
            }
            EventKind::Sample => self.sample(event),
            EventKind::ProcsChange { procs } => {
                self.gomaxprocs = Some(*procs);
                if event.stack != StackIdx::EMPTY {
                    self.own_stack(event);
                }
            }
            _ if event.stack != StackIdx::EMPTY => self.own_stack(event),
            _ => {}
        }
    }
}
