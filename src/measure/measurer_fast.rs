//! The usual events of a goroutine that is measured, in few instructions. HOT.
//!
//! Says nothing that `measurer.rs` and `partial.rs` do not say: what is not usual is left to them, with nothing
//! changed.

use super::intervals::log::IntervalLog;
use super::intervals::timeline::{Attribution, Timeline, What};
use super::measurer::Measurer;
use super::paths::wakers::Cause;
use super::windows::Windows;
use crate::trace::event::{GoState, GoTransition};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::Time;

/// The times of events that are taken on the short way, if they are usual.
#[derive(Clone, Copy)]
pub(super) struct UsualTimes {
    from: Time,
    /// Nanoseconds from there on.
    length: u64,
}

impl UsualTimes {
    pub(super) const NEVER: Self = Self { from: Time::MIN, length: 0 };

    /// From the first moment to the last one.
    pub(super) fn new(from: Time, last: Time) -> Self {
        // The difference of any two moments fits where it has no sign. Of all of time the last moment is left out: what is
        // there goes the long way.
        let length = if from <= last { (last.0.wrapping_sub(from.0) as u64).saturating_add(1) } else { 0 };
        Self { from, length }
    }

    #[inline]
    pub(super) fn has(self, time: Time) -> bool {
        (time.0.wrapping_sub(self.from.0) as u64) < self.length
    }
}

/// How a piece of an interval is closed.
#[derive(Clone, Copy)]
pub(super) struct Closing {
    /// Where the piece ends.
    pub(super) end: Time,
    /// The goroutine's stack there; empty when unknown.
    pub(super) next: StackIdx,
    /// Whether it is running time.
    pub(super) running: bool,
    /// Whether the interval ends with the piece.
    pub(super) ends: bool,
}

/// What closing needs besides the timeline.
pub(super) struct Counting<'m, 'a> {
    pub(super) windows: &'m mut Windows<'a>,
    pub(super) attribution: &'m mut Attribution<'a>,
    pub(super) tape: Option<&'m mut IntervalLog>,
}

impl Counting<'_, '_> {
    /// Adds up what is open of a timeline, if all of it counts in a window that was seen before and nothing is known of
    /// it but stacks.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what is closed stays in registers")]
    pub(super) fn close(self, line: &mut Timeline, Closing { end, next, running, ends }: Closing) -> bool {
        let window = line.plain_window();
        let Some(usual) = self.windows.usual(window) else { return false };
        let since = line.since;
        if since < usual.start || end > usual.end || end <= since {
            return false;
        }
        line.since = end;
        // One that is later: the difference fits, also where its sign does not.
        let ns = end.0.wrapping_sub(since.0) as u64;
        let sum = self.attribution.add_known(line, What { running, assists: false }, next, (u64::from(line.fresh), ns));
        line.fresh = ends;
        if let Some(tape) = self.tape {
            tape.push(end, line.g, sum);
            self.windows.add(window, ns);
        }
        true
    }
}

impl<'a> Measurer<'a> {
    /// Takes a change of state of a goroutine that is measured, whose timeline stands at `at`, if whoever executed it is
    /// measured too or shows no stack. `PATHS` says whether there may be a tape.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    pub(super) fn take_usual<const PATHS: bool>(
        &mut self,
        at: usize,
        (time, pos): (Time, u64),
        cause: Cause,
        t: GoTransition,
    ) -> bool {
        if matches!(t.from, GoState::Undetermined | GoState::NotExist) || t.to == GoState::NotExist {
            return false;
        }
        debug_assert!(time <= self.task.looked_at.end, "an event behind what is looked at is not usual");
        let shows = cause.stack != StackIdx::EMPTY;
        let own = cause.by == t.g;
        if shows && !own {
            let Some(by) = self.line(cause.by) else { return false };
            self.usual_glimpse::<PATHS>(by, (time, pos), cause.stack);
        }
        let (mut line, mut counting) = self.counting::<PATHS>(at);
        if shows && own && t.from == GoState::Running && !line.owned {
            self.cross(t.g, (time, pos), cause.stack);
            (line, counting) = self.counting::<PATHS>(at);
        }
        let waited = line.key;
        let closing = Closing { end: time, next: t.stack, running: t.from == GoState::Running, ends: true };
        if line.state != t.from || !counting.close(line, closing) {
            self.change_unusual(at, (time, pos), (t.g, t.from, t.to), (t.reason, t.stack), cause);
            return true;
        }
        line.enter(&t);
        let owned = line.owned;
        if PATHS && t.from == GoState::Waiting && self.tape.is_some() {
            self.link_wake(at, waited, time, cause);
        }
        if t.to == GoState::Running && !owned {
            self.cross(t.g, (time, pos), cause.stack);
        }
        true
    }

    /// Whoever executes another's transition shows a stack of its own.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn usual_glimpse<const PATHS: bool>(&mut self, at: usize, (end, pos): (Time, u64), next: StackIdx) {
        let (line, counting) = self.counting::<PATHS>(at);
        let closing = Closing { end, next, running: true, ends: false };
        let closed = line.state != GoState::Running || counting.close(line, closing);
        if closed && line.owned {
            line.own = next;
            return;
        }
        self.unusual_glimpse(at, closed, (end, pos), next);
    }

    #[inline(never)]
    fn unusual_glimpse(&mut self, at: usize, closed: bool, (time, pos): (Time, u64), stack: StackIdx) {
        if !closed {
            self.close_unusual(at, time, stack, false);
        }
        self.shows(at, (time, pos), stack);
    }

    /// A change of state in parts: what is usual has no address and stays in registers.
    #[inline(never)]
    fn change_unusual(
        &mut self,
        line: usize,
        at: (Time, u64),
        (g, from, to): (GIdx, GoState, GoState),
        (reason, stack): (StringIdx, StackIdx),
        cause: Cause,
    ) {
        self.change(line, at, GoTransition { g, from, to, reason, stack }, cause);
    }

    /// A timeline, and what closing it needs. `PATHS` says whether there may be a tape.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    pub(super) fn counting<const PATHS: bool>(&mut self, at: usize) -> (&mut Timeline, Counting<'_, 'a>) {
        let Self { lines, windows, attribution, tape, .. } = self;
        let tape = if PATHS { tape.as_deref_mut() } else { None };
        let counting = Counting { windows, attribution, tape };
        (&mut lines[at], counting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_times_are_those_between_two_moments() {
        let has = |from, last, time| UsualTimes::new(Time(from), Time(last)).has(Time(time));
        let ends = [i64::MIN, i64::MIN + 1, -5, 0, 3, i64::MAX - 1];
        for (from, last) in ends.iter().flat_map(|from| ends.map(|last| (*from, last))) {
            for time in ends {
                assert_eq!(has(from, last, time), from <= time && time <= last, "{time} in {from} to {last}");
            }
        }
        assert!(has(0, i64::MAX, i64::MAX) && has(i64::MIN, i64::MAX, i64::MAX - 1));
        assert!(!ends.iter().any(|time| UsualTimes::NEVER.has(Time(*time))));
    }
}
