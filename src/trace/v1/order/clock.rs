//! Converts ticks of the processor's clock into nanoseconds since the first event.

use crate::trace::time::Time;

/// Ticks per second that a clock can have; others are damage. The runtime divides ticks by up to 64 before it writes them.
const PLAUSIBLE: std::ops::RangeInclusive<u64> = 1_000..=10_000_000_000;

/// The trace's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// The tick at time 0.
    first: i64,
    ns_per_tick: f64,
}

impl Clock {
    /// A clock whose time is 0 at the tick `first`. Without a plausible frequency a tick counts as a nanosecond.
    pub(crate) fn new(first: i64, frequency: Option<u64>) -> Self {
        let ns_per_tick = plausible(frequency).map_or(1.0, |f| 1e9 / f as f64);
        Self { first, ns_per_tick }
    }

    /// The tick at time 0.
    pub(crate) fn first_ticks(self) -> i64 {
        self.first
    }

    /// The time of a tick, in floating point and truncated (`parse` in `tracev1/parser.go` of Go 1.27).
    #[inline]
    pub(crate) fn time(self, ticks: i64) -> Time {
        Time((ticks.wrapping_sub(self.first) as f64 * self.ns_per_tick) as i64)
    }
}

/// The frequency in ticks per second; none where a clock cannot have it.
pub(crate) fn plausible(frequency: Option<u64>) -> Option<u64> {
    frequency.filter(|f| PLAUSIBLE.contains(f))
}
