//! The part of a trace that is looked at (`--time`).

use crate::slice::TimeRange;
use crate::survey::Survey;
use crate::trace::time::{Time, Window};

/// The part of a trace that is looked at. Where it ends with the trace its end is open, as pass 1 does not know the last
/// time to the nanosecond.
pub(super) fn looked_at(survey: &Survey, time: Option<TimeRange>) -> Window {
    let Some(range) = time else { return Window { start: survey.start, end: Time::MAX } };
    let window = range.resolve(survey.span());
    Window { end: if window.end == survey.end { Time::MAX } else { window.end }, ..window }
}

/// How long the part of a trace is that is looked at, in ns; none when that is all of it.
pub(super) fn length(duration_ns: u64, time: Option<TimeRange>) -> Option<u64> {
    let trace = Window { start: Time(0), end: Time(duration_ns as i64) };
    time.map(|range| range.resolve(trace)).map(|part| part.end.since(part.start))
}
