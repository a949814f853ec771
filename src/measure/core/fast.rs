//! The fast path of [`MeasureCore`]: changes of state of goroutines that are measured already. On the hot path.
//!
//! Equal to `transition` and `see_own_stack` of the general rules for what it takes; what it does not take is left to
//! them with nothing changed. `pipeline/v2/tests.rs` compares both on real traces; `benches/pipeline.rs` measures
//! pass 2.

use super::MeasureCore;
use crate::measure::intervals::attribution::Attribution;
use crate::measure::intervals::cpu_evidence::LONG_RUN_NS;
use crate::measure::intervals::log::IntervalLog;
use crate::measure::intervals::timeline::{CollectorWork, IntervalKind, Timeline};
use crate::measure::paths::wakers::Cause;
use crate::measure::windows::Windows;
use crate::trace::event::{GoState, GoTransition};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::{Time, Window};

/// The times at which events may take the fast path.
#[derive(Clone, Copy)]
pub(in crate::measure) struct FastTimes {
    from: Time,
    /// Nanoseconds from there on.
    length: u64,
}

impl FastTimes {
    pub(in crate::measure) const NEVER: Self = Self { from: Time::MIN, length: 0 };

    /// From the first moment to the last one.
    pub(in crate::measure) fn new(from: Time, last: Time) -> Self {
        // The difference of any two times fits into an unsigned number. If that is all of time, the last nanosecond is
        // left out: an event there takes the general path.
        let length = if from <= last { (last.0.wrapping_sub(from.0) as u64).saturating_add(1) } else { 0 };
        Self { from, length }
    }

    #[inline]
    pub(in crate::measure) fn has(self, time: Time) -> bool {
        (time.0.wrapping_sub(self.from.0) as u64) < self.length
    }
}

/// Where a piece of an interval ends, on the fast path.
#[derive(Clone, Copy)]
pub(in crate::measure) struct FastPieceEnd {
    /// Where the piece ends.
    pub(in crate::measure) end: Time,
    /// The goroutine's stack there; empty when unknown.
    pub(in crate::measure) next: StackIdx,
    /// Whether it is running time.
    pub(in crate::measure) running: bool,
    /// Whether the interval ends with the piece.
    pub(in crate::measure) ends: bool,
}

/// What a piece of an interval is added to.
pub(in crate::measure) struct PieceCounter<'m, 'a> {
    pub(in crate::measure) windows: &'m mut Windows<'a>,
    pub(in crate::measure) attribution: &'m mut Attribution<'a>,
    pub(in crate::measure) log: Option<&'m mut IntervalLog>,
}

impl PieceCounter<'_, '_> {
    /// Adds the open piece of a timeline to the sums. False, with nothing changed, unless all of it is inside a window
    /// that has time already, or of a goroutine in no window where that is logged; and only stacks are known of it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what is closed stays in registers")]
    pub(in crate::measure) fn close_fast(self, line: &mut Timeline, closing: FastPieceEnd) -> bool {
        let FastPieceEnd { end, next, running, ends } = closing;
        let window = line.plain_window();
        if !window.is_some() {
            return self.log_outside(line, closing);
        }
        let since = line.since;
        if end <= since || !self.windows.has_all_of(window, Window { start: since, end }) {
            return false;
        }
        line.since = end;
        // `end` is later, so the difference fits into an unsigned number.
        let ns = end.0.wrapping_sub(since.0) as u64;
        if running && ns >= LONG_RUN_NS {
            self.attribution.cpu.note_long_run(ns);
        }
        let sum = self.attribution.add_known(
            line,
            IntervalKind { running, collector: CollectorWork::None },
            next,
            (u64::from(line.uncounted), ns),
        );
        line.uncounted = ends;
        if let Some(log) = self.log {
            log.push(end, line.g, sum);
            line.add_window_ns(ns);
        }
        true
    }

    /// Logs the open piece of a goroutine that is in no window: it counts nowhere. False, with nothing changed, if that is not
    /// all there is to do.
    #[inline]
    fn log_outside(self, line: &mut Timeline, FastPieceEnd { end, next, running, .. }: FastPieceEnd) -> bool {
        let Some(log) = self.log else { return false };
        if line.window().is_some() || !line.is_plain() || end <= line.since {
            return false;
        }
        let kind = IntervalKind { running, collector: CollectorWork::None };
        let sum = self.attribution.add_known(line, kind, next, (0, 0));
        (line.since, line.uncounted) = (end, true);
        log.push(end, line.g, sum);
        true
    }
}

impl<'a> MeasureCore<'a> {
    /// Takes a change of state of a goroutine whose timeline is at `at`. False, with nothing changed, if it begins or ends
    /// a goroutine's life, or another goroutine executed it that shows a stack and has no timeline. `PATHS` says whether
    /// there may be an interval log.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    pub(in crate::measure) fn change_state_fast<const PATHS: bool>(
        &mut self,
        at: usize,
        (time, pos): (Time, u64),
        cause: Cause,
        t: GoTransition,
    ) -> bool {
        if matches!(t.from, GoState::Undetermined | GoState::NotExist) || t.to == GoState::NotExist {
            return false;
        }
        debug_assert!(
            time <= self.spec.looked_at.end,
            "events after the part of the trace that is looked at take the general path"
        );
        let shows = cause.stack != StackIdx::EMPTY;
        let own = cause.by == t.g;
        if shows && !own {
            let Some(by) = self.line(cause.by) else { return false };
            self.see_own_stack_fast::<PATHS>(by, (time, pos), cause.stack);
        }
        let (mut line, mut counter) = self.line_and_counter::<PATHS>(at);
        if shows && own && t.from == GoState::Running && !line.owned {
            self.cross(t.g, (time, pos), cause.stack);
            (line, counter) = self.line_and_counter::<PATHS>(at);
        }
        let waited = line.key;
        let closing = FastPieceEnd { end: time, next: t.stack, running: t.from == GoState::Running, ends: true };
        if line.state != t.from || !counter.close_fast(line, closing) {
            self.change_state_general(at, (time, pos), (t.g, t.from, t.to), (t.reason, t.stack), cause);
            return true;
        }
        line.enter(&t);
        let owned = line.owned;
        if PATHS && t.from == GoState::Waiting && self.log.is_some() {
            self.link_wake(at, waited, time, cause);
        }
        if t.to == GoState::Running && !owned {
            self.cross(t.g, (time, pos), cause.stack);
        }
        true
    }

    /// The goroutine that executes the transition of another one shows its own stack.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn see_own_stack_fast<const PATHS: bool>(&mut self, at: usize, (end, pos): (Time, u64), next: StackIdx) {
        let (line, counter) = self.line_and_counter::<PATHS>(at);
        let closing = FastPieceEnd { end, next, running: true, ends: false };
        let closed = line.state != GoState::Running || counter.close_fast(line, closing);
        if closed && line.owned {
            line.own = next;
            return;
        }
        self.see_own_stack_general(at, closed, (end, pos), next);
    }

    #[inline(never)]
    fn see_own_stack_general(&mut self, at: usize, closed: bool, (time, pos): (Time, u64), stack: StackIdx) {
        if !closed {
            self.close_general(at, time, stack, false);
        }
        self.set_own_stack(at, (time, pos), stack);
    }

    /// A change of state for the general rules. It comes in pieces that fit into registers, so that the event of the fast
    /// path has no address.
    #[inline(never)]
    fn change_state_general(
        &mut self,
        line: usize,
        at: (Time, u64),
        (g, from, to): (GIdx, GoState, GoState),
        (reason, stack): (StringIdx, StackIdx),
        cause: Cause,
    ) {
        self.change_state(line, at, GoTransition { g, from, to, reason, stack }, cause);
    }

    /// A timeline, and what its open piece is added to. `PATHS` says whether there may be an interval log.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    pub(in crate::measure) fn line_and_counter<const PATHS: bool>(
        &mut self,
        at: usize,
    ) -> (&mut Timeline, PieceCounter<'_, 'a>) {
        let Self { lines, windows, attribution, log, .. } = self;
        let log = if PATHS { log.as_deref_mut() } else { None };
        let counter = PieceCounter { windows, attribution, log };
        (&mut lines[at], counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_times_are_those_between_two_moments() {
        let has = |from, last, time| FastTimes::new(Time(from), Time(last)).has(Time(time));
        let ends = [i64::MIN, i64::MIN + 1, -5, 0, 3, i64::MAX - 1];
        for (from, last) in ends.iter().flat_map(|from| ends.map(|last| (*from, last))) {
            for time in ends {
                assert_eq!(has(from, last, time), from <= time && time <= last, "{time} in {from} to {last}");
            }
        }
        assert!(has(0, i64::MAX, i64::MAX) && has(i64::MIN, i64::MAX, i64::MAX - 1));
        assert!(!ends.iter().any(|time| FastTimes::NEVER.has(Time(*time))));
    }
}
