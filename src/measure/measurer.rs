//! Takes the events of the slice's goroutines and measures them inside their windows. HOT.
//!
//! The same state machines work in two ways. One [`Measurer`] follows the trace from its start to its end. For
//! each generation another one, in *partial* mode, measures what it can without knowing what was before, so
//! that generations can be measured side by side; what it cannot (see [`super::parts::partial`]) it leaves to the
//! first, which absorbs them in order.

use super::intervals::aggregate::{Aggregate, SumIdx};
use super::intervals::log::{IntervalLog, IntervalLogMemory, Link, LinkKind};
use super::intervals::states::{StateKey, is_parking};
use super::intervals::timeline::{Attribution, Close, Timeline};
use super::measurer_fast::{Closing, UsualTimes};
use super::parts::partial::Partial;
use super::paths::measured::PathsMeasured;
use super::paths::requests::{MeasuredTo, Paths};
use super::paths::wakers::{Cause, Wakers};
use super::windows::Windows;
use crate::slice::WindowIdx;
use crate::slice::{RootKind, Slice};
use crate::survey::Forest;
use crate::trace::event::{Event, EventKind, GoState, GoTransition, Sink};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// Sums by chain, stack and state.
    pub aggregate: Aggregate,
    /// Windows with time inside the part of the trace that was looked at.
    pub roots: u64,
    /// Of these, goroutines that match by the stack of their `go` statement.
    pub roots_by_creation: u64,
    /// Of these, goroutines that match by their entry function alone.
    pub roots_by_entry: u64,
    /// Of these, stretches that match by stack.
    pub roots_by_stack: u64,
    /// Of these, user tasks.
    pub roots_by_task: u64,
    /// Of these, user regions.
    pub roots_by_region: u64,
    /// Of these, windows cut by an edge of it.
    pub roots_cut: u64,
    /// Descendants that lived on after their root's window.
    pub outlived: u64,
    /// Requests and their critical paths, where these were asked for.
    pub paths: Option<PathsMeasured>,
}

/// What to measure.
#[derive(Clone, Copy)]
pub struct MeasureSpec<'a> {
    /// Which goroutines, during which windows.
    pub slice: &'a Slice,
    /// All goroutines.
    pub forest: &'a Forest,
    /// Names of everything.
    pub symbols: &'a Symbols,
    /// Whether descendants count until they end.
    pub whole_life: bool,
    /// The part of the trace to look at.
    pub looked_at: Window,
    /// The trace's first moment.
    pub trace_start: Time,
    /// Whether to walk the critical paths of requests.
    pub latency: bool,
    /// Whether requests count that an edge cuts.
    pub include_partial: bool,
    /// Most pieces of intervals kept for open requests.
    pub max_pieces: usize,
}

impl MeasureSpec<'_> {
    /// Whether events about a goroutine matter: for critical paths those of all do.
    #[inline]
    pub fn wants(&self, g: GIdx) -> bool {
        if self.latency { g.is_some() } else { self.slice.tracked.get(g.at()).copied().unwrap_or(false) }
    }
}

/// No timeline.
pub(super) const NONE: u32 = u32::MAX;

/// Measures a trace, or one generation of it.
pub struct Measurer<'a> {
    pub(super) task: MeasureSpec<'a>,
    pub(super) attribution: Attribution<'a>,
    /// When goroutines that are older began, as far as this trace can tell.
    pub(super) older_since: Time,
    /// Per goroutine, the place of its timeline.
    pub(super) track: Vec<u32>,
    pub(super) lines: Vec<Timeline>,
    free: Vec<u32>,
    pub(super) windows: Windows<'a>,
    /// Goroutines that outlived their root, a bit each.
    pub(super) outlived: Vec<u64>,
    /// Goroutines that ended, a bit each: damage can make them seem to live on, and they do not.
    pub(super) ended: Vec<u64>,
    pub(super) partial: Option<Partial>,
    /// Whether walks wait until they are asked for.
    pub(super) holds: bool,
    /// When usual events are taken on the short way: in partial mode, behind the first that was measured.
    pub(super) usual: UsualTimes,
    /// The pieces of all goroutines, where critical paths are walked.
    pub(super) tape: Option<Box<IntervalLog>>,
    pub(super) wakers: Wakers,
    /// Requests; those of the whole trace only.
    pub(super) paths: Option<Box<Paths>>,
}

/// Inside no window.
const NOWHERE: Window = Window { start: Time::MAX, end: Time::MIN };

impl<'a> Measurer<'a> {
    /// Prepares to measure a whole trace.
    pub fn new(task: MeasureSpec<'a>) -> Self {
        let mut measurer = Self::blank(task, &IntervalLogMemory::default());
        measurer.paths = task.latency.then(|| Box::new(Paths::new(task)));
        measurer
    }

    /// Without anything of the whole trace.
    pub(super) fn blank(task: MeasureSpec<'a>, memory: &IntervalLogMemory) -> Self {
        let n = task.forest.goroutines.len();
        Self {
            task,
            attribution: Attribution::new(task.symbols),
            older_since: Time::MIN,
            track: vec![NONE; n],
            lines: Vec::new(),
            free: Vec::new(),
            windows: Windows::new(task.slice, task.forest, task.looked_at),
            outlived: vec![0; n.div_ceil(64)],
            ended: vec![0; n.div_ceil(64)],
            partial: None,
            holds: false,
            usual: UsualTimes::NEVER,
            tape: task.latency.then(|| Box::new(IntervalLog::new(memory.clone()))),
            wakers: Wakers::default(),
            paths: None,
        }
    }

    /// The memory for its tape, to be shared with those that measure generations by themselves.
    pub fn tape_memory(&self) -> IntervalLogMemory {
        self.tape.as_ref().map(|tape| tape.memory()).unwrap_or_default()
    }

    /// Whether a goroutine is in the slice.
    #[inline]
    pub(super) fn is_tracked(&self, g: GIdx) -> bool {
        self.task.slice.tracked.get(g.at()).copied().unwrap_or(false)
    }

    /// A generation begins: goroutines first seen in it without a creation are at least as old.
    pub fn begin_generation(&mut self, start: Time) {
        self.older_since = start;
    }

    /// Whether walks wait from here on until they are asked for, however long the tape gets.
    pub fn hold_walks(&mut self, holds: bool) {
        self.holds = holds;
    }

    /// Gives all timelines away.
    pub(super) fn take_lines(&mut self) -> Vec<Timeline> {
        self.free.clear();
        let mut lines = std::mem::take(&mut self.lines);
        lines.retain(|line| line.state != GoState::NotExist);
        for line in &lines {
            self.track[line.g.at()] = NONE;
        }
        lines
    }

    /// The trace ends: what is open counts up to its end. Up to `threads` threads walk paths; 1 for this one alone.
    pub fn finish(mut self, end: Time, threads: usize) -> Measured {
        let open = self.open_sums();
        for i in 0..self.lines.len() {
            if self.lines[i].state != GoState::NotExist {
                let (g, window) = (self.lines[i].g, self.lines[i].window());
                self.close(i, end, StackIdx::EMPTY, true);
                if self.is_root_of(g, window) {
                    self.windows.cut(window);
                }
            }
        }
        self.windows.cut_tasks();
        let outlived = self.outlived.iter().map(|bits| u64::from(bits.count_ones())).sum();
        let paths = match (self.paths.take(), &self.tape) {
            (Some(paths), Some(tape)) => {
                let walk = MeasuredTo { now: end, spec: self.task, windows: &self.windows, open: &open, threads };
                Some(paths.finish(walk, tape, &mut self.attribution))
            }
            _ => None,
        };
        let count = |wanted: &dyn Fn(RootKind, bool) -> bool| {
            let looked_at = self.task.looked_at;
            let seen = self.windows.seen(looked_at);
            seen.filter(|(open, by)| wanted(*by, open.is_cut(looked_at))).count() as u64
        };
        Measured {
            paths,
            roots: count(&|_, _| true),
            roots_by_creation: count(&|by, _| by == RootKind::Creation),
            roots_by_entry: count(&|by, _| by == RootKind::Entry),
            roots_by_stack: count(&|by, _| by == RootKind::Stack),
            roots_by_task: count(&|by, _| by == RootKind::Task),
            roots_by_region: count(&|by, _| by == RootKind::Region),
            roots_cut: count(&|_, cut| cut),
            outlived,
            aggregate: self.attribution.aggregate,
        }
    }

    #[inline]
    pub(super) fn line(&self, g: GIdx) -> Option<usize> {
        let at = *self.track.get(g.at())?;
        (at != NONE).then_some(at as usize)
    }

    /// Adds up what is open of a timeline.
    #[inline]
    pub(super) fn close(&mut self, at: usize, end: Time, next: StackIdx, ends: bool) {
        let (line, counting) = self.counting::<true>(at);
        let running = line.key == StateKey::RUNNING;
        if !counting.close(line, Closing { end, next, running, ends }) {
            self.close_unusual(at, end, next, ends);
        }
    }

    /// The same where a border may cut the time, or nothing counts it, or more is known of it than stacks.
    #[inline(never)]
    pub(super) fn close_unusual(&mut self, line: usize, end: Time, next: StackIdx, ends: bool) {
        let (window, g) = (self.lines[line].window(), self.lines[line].g);
        if !window.is_some() {
            let line = &mut self.lines[line];
            if let Some(tape) = &mut self.tape {
                self.attribution.close(line, Close { end, next, clip: NOWHERE, ends }, Some(tape));
            } else if line.is_sampled() {
                self.attribution.forget_samples(line);
            }
            line.fresh = true;
            line.since = end;
            return;
        }
        let clip = self.clip(window, g);
        if end > clip.end && clip.end < self.task.looked_at.end && self.task.slice.owner[g.at()].is_some() {
            self.outlived[g.at() / 64] |= 1 << (g.0 % 64);
        }
        let close = Close { end, next, clip, ends };
        let ns = self.attribution.close(&mut self.lines[line], close, self.tape.as_deref_mut());
        if ns > 0 {
            self.windows.see(window, ns);
        }
    }

    /// The part of time that counts for a goroutine of a window.
    #[inline]
    pub(super) fn clip(&self, window: WindowIdx, g: GIdx) -> Window {
        let looked_at = self.task.looked_at;
        if self.task.whole_life && self.is_child_of(g, window) {
            return looked_at;
        }
        let open = self.windows.get(window);
        Window { start: looked_at.start.max(open.start), end: looked_at.end.min(open.end) }
    }

    pub(super) fn add_line(&mut self, mut line: Timeline) -> usize {
        let g = line.g;
        line.owned = self.task.slice.owner[g.at()].is_some();
        let at = if let Some(at) = self.free.pop() {
            self.lines[at as usize] = line;
            at
        } else {
            self.lines.push(line);
            self.lines.len() as u32 - 1
        };
        self.track[g.at()] = at;
        at as usize
    }

    pub(super) fn drop_line(&mut self, g: GIdx) {
        if let Some(at) = self.line(g) {
            self.lines[at].state = GoState::NotExist;
            self.lines[at].belong_to(WindowIdx::NONE);
            self.track[g.at()] = NONE;
            self.free.push(at as u32);
        }
    }

    pub(super) fn has_ended(&self, g: GIdx) -> bool {
        self.ended.get(g.at() / 64).is_some_and(|bits| bits >> (g.0 % 64) & 1 == 1) || self.windows.has_ended(g)
    }

    pub(super) fn transition(&mut self, event: &Event, t: &GoTransition, cause: Cause) {
        let Some(line) = self.line(t.g) else {
            if !self.has_ended(t.g) {
                self.first_sight(event, t, cause);
            }
            return;
        };
        match t.from {
            GoState::Undetermined => self.status(line, event, t),
            GoState::NotExist => {
                // Its end was lost, and its id is in use again.
                if let Some(tape) = &mut self.tape {
                    tape.push(event.time, t.g, SumIdx::ENDED);
                }
                self.drop_line(t.g);
                self.first_sight(event, t, cause);
            }
            _ if t.to == GoState::NotExist => {
                self.leave(line, event.time, t, cause);
                self.gone(line, event);
            }
            _ => self.change(line, (event.time, event.pos), *t, cause),
        }
    }

    /// A goroutine goes from one state to another.
    #[inline]
    pub(super) fn change(&mut self, line: usize, at: (Time, u64), t: GoTransition, cause: Cause) {
        self.leave(line, at.0, &t, cause);
        let line = &mut self.lines[line];
        line.enter(&t);
        if t.to == GoState::Running && !line.owned {
            self.cross(t.g, at, cause.stack);
        }
    }

    /// Ends the open interval. One that its end contradicts is unknown.
    #[inline]
    fn leave(&mut self, at: usize, time: Time, t: &GoTransition, cause: Cause) {
        let line = &mut self.lines[at];
        let waited = line.key;
        if line.state != t.from && line.state != GoState::Undetermined {
            line.key = StateKey::UNKNOWN;
        }
        self.close(at, time, t.stack, true);
        if t.from == GoState::Waiting {
            self.link_wake(at, waited, time, cause);
        }
    }

    /// A status is no transition: it says where a goroutine is, and contradicts or does not.
    fn status(&mut self, line: usize, event: &Event, t: &GoTransition) {
        if self.lines[line].state == t.to {
            return;
        }
        self.lines[line].key = StateKey::UNKNOWN;
        self.close(line, event.time, t.stack, true);
        self.lines[line].stack = self.trimmed(t.stack);
        self.lines[line].enter(t);
    }

    /// A goroutine of the slice appears.
    fn first_sight(&mut self, event: &Event, t: &GoTransition, cause: Cause) {
        if t.to == GoState::NotExist {
            return;
        }
        let created = t.from == GoState::NotExist;
        let since = if created { event.time } else { self.older_since };
        let stack = if created { t.stack } else { self.trimmed(t.stack) };
        let (window, context) = self.where_counted(t.g);
        if window != self.task.slice.owner[t.g.at()] && self.task.slice.owner[t.g.at()].is_some() {
            self.created_late(t.g);
        }
        self.add_line(Timeline::new(t.g, window, context, t.to, since, stack));
        if let Some(tape) = &mut self.tape {
            if created {
                let by = if cause.by == t.g { GIdx::NONE } else { cause.by };
                tape.push(since, t.g, SumIdx::NOT_CREATED);
                tape.link(since, t.g, Link { by, stack: cause.stack, kind: LinkKind::Creation });
            } else {
                tape.push_older(since, t.g);
            }
        }
        if self.is_root_of(t.g, window) {
            self.windows.start(window, since);
            if !created {
                self.windows.cut(window);
            }
        }
        if t.to == GoState::Running {
            self.cross_borders(t.g, event);
        }
    }

    pub(super) fn gone(&mut self, line: usize, event: &Event) {
        let (g, window, carried) = (self.lines[line].g, self.lines[line].window(), self.lines[line].carried);
        self.end_life(g, window, event.time);
        self.ended[g.at() / 64] |= 1 << (g.0 % 64);
        if let Some(partial) = &mut self.partial {
            partial.ended.push((g, carried));
        }
        self.drop_line(g);
    }

    /// A stack of a goroutine that runs: what it ran on until here is known better now.
    #[inline]
    pub(super) fn glimpse(&mut self, event: &Event) {
        if let Some(line) = self.line(event.g) {
            self.glimpse_of(line, (event.time, event.pos), event.stack);
        }
    }

    /// The same of a goroutine whose timeline is known.
    fn glimpse_of(&mut self, at: usize, (time, pos): (Time, u64), stack: StackIdx) {
        if self.lines[at].state == GoState::Running {
            self.close(at, time, stack, false);
        }
        self.shows(at, (time, pos), stack);
    }

    /// A goroutine shows a stack of its own.
    pub(super) fn shows(&mut self, at: usize, (time, pos): (Time, u64), stack: StackIdx) {
        let line = &mut self.lines[at];
        line.own = stack;
        let Timeline { g, owned, .. } = *line;
        if !owned {
            self.cross(g, (time, pos), stack);
        }
    }

    pub(super) fn sample(&mut self, event: &Event) {
        let Some(line) = self.line(event.g) else { return };
        self.cross_borders(event.g, event);
        if self.lines[line].state == GoState::Running && event.stack != StackIdx::EMPTY {
            self.attribution.sample(&mut self.lines[line], event.stack);
        }
    }

    /// A stack taken from outside, without the frames that only park the goroutine.
    fn trimmed(&self, stack: StackIdx) -> StackIdx {
        let symbols = self.task.symbols;
        let mut at = stack;
        while symbols.leaf(at).is_some_and(|leaf| is_parking(symbols.function(leaf))) {
            at = symbols.parent(at);
        }
        if at == StackIdx::EMPTY { stack } else { at }
    }

    /// Takes an event of a goroutine whose past is known.
    #[inline]
    pub(super) fn take(&mut self, event: &Event) {
        self.take_caused(event, Cause { by: event.g, stack: event.stack });
    }

    /// Takes any event.
    #[inline(never)]
    fn take_any(&mut self, event: &Event, index: u64) {
        if self.partial.is_some() {
            self.take_partial(event, index);
        } else {
            self.take(event);
            if !self.holds {
                self.walk_if_due(event.time, 1);
            }
        }
    }

    /// Takes any transition. It comes in parts: what is usual has no address and stays in registers.
    #[inline(never)]
    fn take_any_transition(
        &mut self,
        (time, pos): (Time, u64),
        by: Cause,
        (g, from, to): (GIdx, GoState, GoState),
        (reason, stack): (StringIdx, StackIdx),
        index: u64,
    ) {
        let kind = EventKind::Transition(GoTransition { g, from, to, reason, stack });
        self.take_any(&Event { time, pos, g: by.by, stack: by.stack, kind }, index);
    }

    /// The same for an event whose own goroutine was dealt with: `cause` is who executed it.
    #[inline]
    pub(super) fn take_caused(&mut self, event: &Event, cause: Cause) {
        match &event.kind {
            EventKind::Transition(t) => {
                // The goroutine's own transition closes its interval with this stack; any other is a glimpse.
                if event.stack != StackIdx::EMPTY {
                    if event.g != t.g {
                        self.glimpse(event);
                    } else if t.from == GoState::Running {
                        self.cross_borders(event.g, event);
                    }
                }
                if self.wants(t.g) {
                    self.transition(event, t, cause);
                }
            }
            EventKind::Sample => self.sample(event),
            kind => {
                if event.stack != StackIdx::EMPTY {
                    self.glimpse(event);
                }
                self.annotation(event);
                self.range(event, kind);
            }
        }
    }
}

impl Measurer<'_> {
    /// Takes an event: on the short way if it is a usual transition of a goroutine whose timeline stands at `line`;
    /// [`NONE`] for no timeline. `PATHS` says whether there may be a tape.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    fn take_transition<const PATHS: bool>(&mut self, line: u32, event: &Event, index: u64) {
        let Event { time, pos, g, stack, kind } = *event;
        let EventKind::Transition(t) = kind else { return self.take_any(event, index) };
        let by = Cause { by: g, stack };
        let usual = line != NONE && self.usual.has(time);
        if !usual || !self.take_usual::<PATHS>(line as usize, (time, pos), by, t) {
            let GoTransition { g, from, to, reason, stack } = t;
            self.take_any_transition((time, pos), by, (g, from, to), (reason, stack), index);
        }
    }
}

impl Sink for Measurer<'_> {
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.task.wants(g)
    }

    #[inline(always)]
    fn event(&mut self, event: &Event, index: u64) {
        let line = if let EventKind::Transition(t) = &event.kind { self.track.get(t.g.at()) } else { None };
        let line = line.copied().unwrap_or(NONE);
        self.take_transition::<true>(line, event, index);
    }

    /// The place of the timeline of `g`. Who has one is wanted.
    #[inline]
    fn look_up(&self, g: GIdx, by: GIdx) -> Option<u32> {
        let line = self.track.get(g.at()).copied().unwrap_or(NONE);
        (line != NONE || self.wants(g) || by != g && self.wants(by)).then_some(line)
    }

    #[inline(always)]
    fn looked_up(&mut self, line: u32, event: &Event, index: u64) {
        self.take_transition::<true>(line, event, index);
    }
}

/// A measurer that has no tape: what one would need is not kept at hand for each event.
pub struct WithoutPaths<'m, 'a>(&'m mut Measurer<'a>);

impl<'m, 'a> WithoutPaths<'m, 'a> {
    /// None where there is a tape, which must not miss anything.
    pub fn of(measurer: &'m mut Measurer<'a>) -> Option<Self> {
        measurer.tape.is_none().then_some(Self(measurer))
    }
}

impl Sink for WithoutPaths<'_, '_> {
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.0.wants(g)
    }

    #[inline(always)]
    fn event(&mut self, event: &Event, index: u64) {
        self.0.event(event, index);
    }

    #[inline]
    fn look_up(&self, g: GIdx, by: GIdx) -> Option<u32> {
        self.0.look_up(g, by)
    }

    #[inline(always)]
    fn looked_up(&mut self, line: u32, event: &Event, index: u64) {
        self.0.take_transition::<false>(line, event, index);
    }
}
