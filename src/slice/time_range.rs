//! The part of a trace that is looked at (`--time`).

use crate::trace::time::Window;

/// A range of time as the user gave it (`--time`), relative to the trace: resolved once its length is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeRange {
    /// Start in ns: from the trace's start, or from its end when negative. `None`: the start.
    pub start: Option<i64>,
    /// End in ns from the trace's start. `None`: the end.
    pub end: Option<i64>,
}

impl TimeRange {
    /// The window on the trace's clock for a trace that spans `trace`.
    pub(crate) fn resolve(self, trace: Window) -> Window {
        let start = match self.start {
            None => trace.start,
            Some(ns) if ns < 0 => trace.end + ns,
            Some(ns) => trace.start + ns,
        };
        let end = self.end.map_or(trace.end, |ns| trace.start + ns);
        Window { start: start.max(trace.start), end: end.min(trace.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::time::Time;

    #[test]
    fn a_range_counts_from_the_start_or_from_the_end() {
        let trace = Window { start: Time(100), end: Time(200) };
        let range = |start, end| TimeRange { start, end }.resolve(trace);
        assert_eq!(range(Some(10), Some(30)), Window { start: Time(110), end: Time(130) });
        assert_eq!(range(Some(-20), None), Window { start: Time(180), end: Time(200) });
        assert_eq!(range(None, Some(900)), trace);
    }
}
