//! What the whole program does beside its goroutines: the collector marks, the world is stopped, the heap has a goal.

use crate::profile::HeapGoals;
use crate::trace::event::{EventKind, Range};
use crate::trace::time::{Time, Window};

/// From here on a goal is none: with `GOGC=off` the default `GOMEMLIMIT`, the largest `int64`, sets it (less what is no heap).
const NO_GOAL: u64 = 1 << 62;

/// When the collector marked and when the world was stopped, and the heap's goals.
#[derive(Default, Debug)]
pub(crate) struct Ranges {
    gc: Spans,
    stw: Spans,
    /// Each from when on, in bytes.
    goals: Vec<(Time, u64)>,
}

/// Stretches of time that do not overlap, in order.
#[derive(Default, Debug)]
struct Spans {
    closed: Vec<Window>,
    /// Time in all closed ones before each.
    before: Vec<u64>,
    open: Option<Time>,
}

impl Spans {
    fn begin(&mut self, time: Time) {
        self.open.get_or_insert(time);
    }

    fn end(&mut self, time: Time) {
        let Some(start) = self.open.take() else { return };
        let start = self.closed.last().map_or(start, |last| start.max(last.end));
        if start < time {
            let before = self.closed.last().map_or(0, |last| self.total() + last.end.since(last.start));
            self.before.push(before);
            self.closed.push(Window { start, end: time });
        }
    }

    /// Time of all closed ones but the last.
    fn total(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Time of the closed ones before `time`.
    fn up_to(&self, time: Time) -> u64 {
        let next = self.closed.partition_point(|w| w.start < time);
        let Some(i) = next.checked_sub(1) else { return 0 };
        self.before[i] + time.min(self.closed[i].end).since(self.closed[i].start)
    }

    /// The time between two of them, or after the last one, around a moment; an empty one inside of one.
    fn gap(&self, at: Time) -> Window {
        let next = self.closed.partition_point(|w| w.start < at);
        let start = next.checked_sub(1).map_or(Time::MIN, |i| self.closed[i].end);
        let end = self.closed.get(next).map(|w| w.start).or(self.open).unwrap_or(Time::MAX);
        Window { start, end }
    }

    fn inside(&self, window: Window) -> impl Iterator<Item = Window> + '_ {
        let clipped = move |w: &Window| Window { start: w.start.max(window.start), end: w.end.min(window.end) };
        self.closed.iter().map(clipped).filter(|w| w.start < w.end)
    }

    fn overlap(&self, window: Window) -> u64 {
        let open = self.open.map_or(0, |start| window.overlap(start, Time::MAX));
        self.up_to(window.end).saturating_sub(self.up_to(window.start)) + open
    }
}

impl Ranges {
    /// A range of the whole program begins or ends. One that is active already counts from `older_since` on.
    pub(crate) fn take(&mut self, kind: &EventKind, time: Time, older_since: Time) {
        match kind {
            EventKind::RangeBegin(Range::GcMark) => self.gc.begin(time),
            EventKind::RangeActive(Range::GcMark) => self.gc.begin(older_since),
            EventKind::RangeEnd(Range::GcMark) => self.gc.end(time),
            EventKind::RangeBegin(Range::StopTheWorld(_)) => self.stw.begin(time),
            EventKind::RangeActive(Range::StopTheWorld(_)) => self.stw.begin(older_since),
            EventKind::RangeEnd(Range::StopTheWorld(_)) => self.stw.end(time),
            EventKind::HeapGoal { bytes } => self.goals.push((time, *bytes)),
            _ => {}
        }
    }

    /// The trace ends.
    pub(crate) fn finish(&mut self, end: Time) {
        self.gc.end(end);
        self.stw.end(end);
    }

    /// The stretches inside a window: those in which the collector marked, and those in which the world was stopped.
    pub(crate) fn inside(&self, window: Window) -> [Vec<Window>; 2] {
        [&self.gc, &self.stw].map(|spans| spans.inside(window).collect())
    }

    /// Time inside a window during which the world was stopped, as far as that is over.
    pub(crate) fn stopped_in(&self, window: Window) -> u64 {
        if self.stw.closed.is_empty() && self.stw.open.is_none() { 0 } else { self.stw.overlap(window) }
    }

    /// A stretch of time around a window's start during which the world was not stopped.
    pub(crate) fn not_stopped_around(&self, window: Window) -> Window {
        self.stw.gap(window.start)
    }

    /// Time inside a window during which the collector marked, as far as that is over.
    pub(crate) fn marked_in(&self, window: Window) -> u64 {
        self.gc.overlap(window)
    }

    /// How many times the collector marked inside a window, or partly.
    pub(crate) fn collections_in(&self, window: Window) -> u64 {
        self.gc.closed.iter().filter(|mark| mark.start < window.end && mark.end > window.start).count() as u64
    }

    /// The smallest and the largest size of the heap, in bytes, at which a collection was to begin inside a window; none
    /// where no such size is known.
    pub(crate) fn heap_goals_in(&self, window: Window) -> Option<HeapGoals> {
        // The one before the window holds at its start.
        let first = self.goals.partition_point(|(since, _)| *since <= window.start).saturating_sub(1);
        let inside = self.goals[first..].iter().take_while(|(since, _)| *since < window.end);
        let sizes = inside.map(|(_, bytes)| *bytes).filter(|bytes| (1..NO_GOAL).contains(bytes));
        sizes.map(|bytes| HeapGoals { min_bytes: bytes, max_bytes: bytes }).reduce(HeapGoals::with)
    }

    /// How often the world was stopped while one of the windows lasted, which come in order of their start.
    pub(crate) fn stops_during(&self, windows: impl Iterator<Item = Window>) -> u64 {
        let mut windows = windows.peekable();
        let mut latest_end = Time::MIN;
        // Each ends before the next one begins.
        let meets = |stop: &&Window| {
            while let Some(window) = windows.next_if(|window| window.start < stop.end) {
                latest_end = latest_end.max(window.end);
            }
            latest_end > stop.start
        };
        self.stw.closed.iter().filter(meets).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_hold_until_the_next() {
        let mut ranges = Ranges::default();
        for (since, bytes) in [(10, 4), (20, 0), (25, u64::MAX >> 1), (30, 9), (40, 7)] {
            ranges.take(&EventKind::HeapGoal { bytes }, Time(since), Time(0));
        }
        let goals = |start, end| {
            let goals = ranges.heap_goals_in(Window { start: Time(start), end: Time(end) });
            goals.map(|goals| (goals.min_bytes, goals.max_bytes))
        };
        assert_eq!(goals(0, 100), Some((4, 9)));
        assert_eq!((goals(12, 18), goals(22, 28), goals(22, 31)), (Some((4, 4)), None, Some((9, 9))));
        assert_eq!((goals(35, 41), goals(0, 5)), (Some((7, 9)), None));
    }

    #[test]
    fn the_world_stops_during_windows() {
        let mut ranges = Ranges::default();
        for (start, end) in [(10, 20), (30, 35), (50, 60)] {
            ranges.stw.begin(Time(start));
            ranges.stw.end(Time(end));
        }
        let stops = |windows: &[(i64, i64)]| {
            ranges.stops_during(windows.iter().map(|(start, end)| Window { start: Time(*start), end: Time(*end) }))
        };
        assert_eq!([stops(&[]), stops(&[(0, 100)]), stops(&[(0, 10), (20, 30), (35, 50), (60, 70)])], [0, 3, 0]);
        // One that is long counts also where a shorter one began after it.
        assert_eq!([stops(&[(0, 55), (5, 6)]), stops(&[(34, 36), (59, 60), (70, 80)])], [3, 2]);
    }

    #[test]
    fn overlaps_are_exact() {
        let mut spans = Spans::default();
        for (start, end) in [(10, 20), (30, 35), (50, 60)] {
            spans.begin(Time(start));
            spans.end(Time(end));
        }
        let overlap = |start, end| spans.overlap(Window { start: Time(start), end: Time(end) });
        assert_eq!(overlap(0, 100), 25);
        assert_eq!(overlap(15, 32), 7);
        assert_eq!(overlap(20, 30), 0);
        assert_eq!(overlap(55, 58), 3);
        assert_eq!(spans.gap(Time(25)), Window { start: Time(20), end: Time(30) });
        let inside = spans.inside(Window { start: Time(15), end: Time(35) });
        assert_eq!(inside.map(|w| (w.start.0, w.end.0)).collect::<Vec<_>>(), [(15, 20), (30, 35)]);
        assert_eq!(spans.gap(Time(61)), Window { start: Time(60), end: Time::MAX });
    }
}
