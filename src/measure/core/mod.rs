//! How events change a measurement: timelines of goroutines, and the windows that their time counts in. On the hot path.
//!
//! This file has the general rules; `lines` what there is of each goroutine; `stacks` those for the stacks that events have; `borders` those for events that begin
//! or end windows; `fast` the same rules for what
//! nearly all events of an undamaged trace are: a change of state of a goroutine whose state before is known, inside one
//! window.

mod borders;
mod fast;
mod lines;
mod stacks;

pub(super) use fast::FastTimes;

use super::intervals::aggregate::SumIdx;
use super::intervals::attribution::Attribution;
use super::intervals::log::{IntervalLog, IntervalLogMemory, Link, LinkKind};
use super::intervals::states::StateKey;
use super::intervals::timeline::{CollectorWork, FirstState, PieceEnd, Timeline};
use super::paths::wakers::{Cause, EndedWait, Wakers};
use super::spec::MeasureSpec;
use super::windows::Windows;
use crate::slice::WindowIdx;
use crate::trace::event::{Event, EventKind, GoState, GoTransition, Range};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::{Time, Window};
use fast::FastPieceEnd;

/// No timeline.
pub(super) const NONE: u32 = u32::MAX;

/// The state of a measurement, and the rules by which events change it. A measurer of the whole trace has one, and so
/// has each measurer of a part.
pub(super) struct MeasureCore<'a> {
    pub(super) spec: MeasureSpec<'a>,
    pub(super) attribution: Attribution<'a>,
    /// Since when goroutines that are older than the trace exist, as far as it can tell.
    pub(super) older_since: Time,
    /// Per goroutine, the position of its timeline in `lines`; [`NONE`] for none.
    pub(super) line_of: Vec<u32>,
    pub(super) lines: Vec<Timeline>,
    /// Positions in `lines` that are free.
    free: Vec<u32>,
    pub(super) windows: Windows<'a>,
    /// Goroutines that outlived their root, a bit each.
    pub(super) outlived: Vec<u64>,
    /// Goroutines that ended, a bit each. A damaged trace can have later events of them, which are ignored.
    pub(super) ended: Vec<u64>,
    /// Goroutines created after their window had ended, where that was before the part that is measured. Whether they
    /// outlived their root depends on when it ended; a measurer of the whole has none.
    pub(super) created_late: Vec<GIdx>,
    /// The intervals of all goroutines, where critical paths are walked.
    pub(super) log: Option<Box<IntervalLog>>,
    /// When goroutines did something of whose life before nothing is logged here, in order; with a log.
    pub(super) unknown_before: Vec<Time>,
    wakers: Wakers,
}

/// No time at all: what counts of an interval inside no window.
const NOWHERE: Window = Window { start: Time::MAX, end: Time::MIN };

impl<'a> MeasureCore<'a> {
    /// Nothing measured yet; the interval log takes its memory from `memory`.
    pub(super) fn new(spec: MeasureSpec<'a>, memory: &IntervalLogMemory) -> Self {
        let n = spec.forest.goroutines.len();
        Self {
            spec,
            attribution: Attribution::new(spec.symbols),
            older_since: Time::MIN,
            line_of: vec![NONE; n],
            lines: Vec::new(),
            free: Vec::new(),
            windows: Windows::new(spec),
            outlived: vec![0; n.div_ceil(64)],
            ended: vec![0; n.div_ceil(64)],
            created_late: Vec::new(),
            log: spec.latency.then(|| Box::new(IntervalLog::new(memory.clone()))),
            unknown_before: Vec::new(),
            wakers: Wakers::default(),
        }
    }

    /// Whether events about a goroutine matter.
    #[inline]
    pub(super) fn wants(&self, g: GIdx) -> bool {
        self.spec.wants(g)
    }

    /// Whether a goroutine is in the slice.
    #[inline]
    pub(super) fn is_tracked(&self, g: GIdx) -> bool {
        self.spec.slice.tracked.get(g.at()).copied().unwrap_or(false)
    }

    /// Adds the open piece of a timeline to the sums. `next` is the goroutine's stack at its end, empty if unknown; `ends`
    /// says whether the interval ends with the piece.
    #[inline]
    pub(super) fn close(&mut self, at: usize, end: Time, next: StackIdx, ends: bool) {
        let (line, counter) = self.line_and_counter::<true>(at);
        let running = line.key == StateKey::RUNNING;
        if !counter.close_fast(line, FastPieceEnd { end, next, running, ends }) {
            self.close_general(at, end, next, ends);
        }
    }

    /// The same for all cases: a border may cut the time, no window may count it, and more than stacks may be known of it.
    #[inline(never)]
    pub(super) fn close_general(&mut self, line: usize, end: Time, next: StackIdx, ends: bool) {
        let (window, g) = (self.lines[line].window(), self.lines[line].g);
        if !window.is_some() {
            let line = &mut self.lines[line];
            if let Some(log) = &mut self.log {
                self.attribution.close(line, PieceEnd { end, next, clip: NOWHERE, ends }, Some(log));
            } else if line.is_sampled() {
                self.attribution.forget_samples(line);
            }
            line.uncounted = true;
            line.since = end;
            return;
        }
        let clip = self.clip(window, g);
        let Window { start: from, end: to } = self.spec.looked_at;
        // A root that ended before the part looked at leaves nothing of its children to clip.
        if end > clip.end && (from..to).contains(&clip.end) && self.spec.slice.owner[g.at()].is_some() {
            self.outlived[g.at() / 64] |= 1 << (g.0 % 64);
        }
        let close = PieceEnd { end, next, clip, ends };
        let ns = self.attribution.close(&mut self.lines[line], close, self.log.as_deref_mut());
        if ns > 0 {
            self.windows.add(window, ns);
        }
    }

    /// The part of time that counts for a goroutine of a window.
    #[inline]
    pub(super) fn clip(&self, window: WindowIdx, g: GIdx) -> Window {
        let looked_at = self.spec.looked_at;
        if self.spec.whole_life && self.is_child_of(g, window) {
            return looked_at;
        }
        let open = self.windows.get(window);
        Window { start: looked_at.start.max(open.start), end: looked_at.end.min(open.end) }
    }

    pub(super) fn has_ended(&self, g: GIdx) -> bool {
        self.ended.get(g.at() / 64).is_some_and(|bits| bits >> (g.0 % 64) & 1 == 1) || self.windows.has_ended(g)
    }

    pub(super) fn transition(&mut self, event: &Event, t: &GoTransition, cause: Cause) {
        let Some(line) = self.line(t.g) else {
            if !self.has_ended(t.g) {
                self.begin_timeline(event, t, cause);
            }
            return;
        };
        match t.from {
            GoState::Undetermined => {
                self.status(line, event, t);
                self.cross_at_status(event, t);
            }
            GoState::NotExist => {
                // Its end was lost, and its id is in use again.
                if let Some(log) = &mut self.log {
                    log.push(event.time, t.g, SumIdx::ENDED);
                }
                self.drop_line(t.g);
                self.begin_timeline(event, t, cause);
            }
            _ if t.to == GoState::NotExist => {
                self.end_interval(line, event.time, t, cause);
                self.end_goroutine(line, event);
            }
            _ => self.change_state(line, (event.time, event.pos), *t, cause),
        }
    }

    /// A goroutine goes from one state to another.
    #[inline]
    pub(super) fn change_state(&mut self, line: usize, at: (Time, u64), t: GoTransition, cause: Cause) {
        self.end_interval(line, at.0, &t, cause);
        let line = &mut self.lines[line];
        line.enter(&t);
        if t.to == GoState::Running && !line.owned {
            self.cross(t.g, at, cause.stack);
        }
    }

    /// Ends the open interval. Its state is unknown if the transition contradicts it.
    #[inline]
    fn end_interval(&mut self, at: usize, time: Time, t: &GoTransition, cause: Cause) {
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

    /// A status is no transition: it says in which state a goroutine is, which can contradict what came before.
    fn status(&mut self, line: usize, event: &Event, t: &GoTransition) {
        if self.lines[line].state == t.to {
            return;
        }
        self.lines[line].key = StateKey::UNKNOWN;
        self.close(line, event.time, t.stack, true);
        self.lines[line].stack = self.without_parking_frames(t.stack);
        self.lines[line].enter(t);
    }

    /// The first event of a goroutine.
    fn begin_timeline(&mut self, event: &Event, t: &GoTransition, cause: Cause) {
        if t.to == GoState::NotExist {
            return;
        }
        let created = t.from == GoState::NotExist;
        let since = if created { event.time } else { self.older_since };
        let stack = if created { t.stack } else { self.without_parking_frames(t.stack) };
        let (window, chain) = self.window_and_chain(t.g);
        if window != self.spec.slice.owner[t.g.at()] && self.spec.slice.owner[t.g.at()].is_some() {
            self.created_late.push(t.g);
        }
        self.add_line(Timeline::new(t.g, (window, chain), FirstState { state: t.to, since, stack }));
        if created {
            self.note_if_unknown(cause.by, since);
        }
        if let Some(log) = &mut self.log {
            if created {
                let by = if cause.by == t.g { GIdx::NONE } else { cause.by };
                log.push(since, t.g, SumIdx::NOT_CREATED);
                log.link(since, t.g, Link { by, stack: cause.stack, kind: LinkKind::Creation });
            } else {
                log.push_older(since, t.g);
            }
        }
        if self.is_root_of(t.g, window) {
            self.windows.start(window, since);
            if !created {
                self.windows.cut_start(window);
            }
        }
        if t.to == GoState::Running {
            self.cross_borders(t.g, event);
        } else if !created {
            self.cross_at_status(event, t);
        }
    }

    pub(super) fn end_goroutine(&mut self, line: usize, event: &Event) {
        let (g, window) = (self.lines[line].g, self.lines[line].window());
        self.end_life(g, window, event);
        self.ended[g.at() / 64] |= 1 << (g.0 % 64);
        self.drop_line(g);
    }

    /// Takes an event that `cause` executed. In an event left over by a part, the goroutine and stack that executed it may
    /// be missing, since the part has dealt with them.
    #[inline]
    pub(super) fn take_with_cause(&mut self, event: &Event, cause: Cause) {
        match &event.kind {
            EventKind::Transition(t) => {
                // The goroutine's own transition closes its interval with this stack; any other
                // only shows what is on the stack meanwhile.
                if event.stack != StackIdx::EMPTY {
                    if event.g != t.g {
                        self.see_own_stack(event);
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
                    self.see_own_stack(event);
                }
                self.annotation(event);
                self.range(event, kind);
            }
        }
    }

    /// Notes that a goroutine which has no timeline did something to another one.
    #[inline]
    fn note_if_unknown(&mut self, by: GIdx, time: Time) {
        if by.is_some() && self.line(by).is_none() {
            self.note_unknown_before(time);
        }
    }

    /// Notes that from `time` on something is known of a goroutine of whose life before nothing is logged here.
    #[cold]
    pub(super) fn note_unknown_before(&mut self, time: Time) {
        if self.log.is_some() && self.unknown_before.last() != Some(&time) {
            self.unknown_before.push(time);
        }
    }

    /// Logs which goroutine ended a wait.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every wait; the call cost as much")]
    pub(super) fn link_wake(&mut self, line: usize, waited: StateKey, time: Time, cause: Cause) {
        if self.log.is_none() || cause.by == self.lines[line].g {
            return;
        }
        self.note_if_unknown(cause.by, time);
        let Some(log) = &mut self.log else { return };
        let line = &self.lines[line];
        self.windows.woken((line.g, line.window()), time, cause.stack);
        // What is runnable after a wait keeps the stack of the wait.
        let wait = EndedWait { state: waited, stack: line.stack };
        if let Some(link) = self.wakers.link(wait, cause, self.spec.forest, self.spec.symbols) {
            log.link(time, line.g, link);
        }
    }

    /// A goroutine begins or ends to work for the collector. Ranges of the whole program are no matter of the core.
    #[inline]
    pub(super) fn range(&mut self, event: &Event, kind: &EventKind) {
        if let Some((work, begins)) = collector_work(kind)
            && let Some(line) = self.line(event.g)
            && self.lines[line].does(work) != begins
        {
            if self.lines[line].state == GoState::Running {
                let own = self.lines[line].own;
                self.close(line, event.time, own, false);
            }
            self.lines[line].set_collector_work(work, begins);
        }
    }
}

/// The work for the collector that the goroutine of an event begins (true) or ends; none for any other event.
pub(super) fn collector_work(kind: &EventKind) -> Option<(CollectorWork, bool)> {
    let of = |range: &Range| match range {
        Range::GcMarkAssist => Some(CollectorWork::MarkAssist),
        Range::GcSweep => Some(CollectorWork::Sweep),
        Range::GcMark | Range::StopTheWorld(_) => None,
    };
    match kind {
        EventKind::RangeBegin(range) | EventKind::RangeActive(range) => Some((of(range)?, true)),
        EventKind::RangeEnd(range) => Some((of(range)?, false)),
        _ => None,
    }
}
