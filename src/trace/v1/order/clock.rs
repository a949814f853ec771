//! Ticks of the processor's clock → nanoseconds since the first event.

use crate::trace::time::Time;

/// Frequencies that no processor has tell of damage; ticks are divided by up to 64 before they are written.
const PLAUSIBLE: std::ops::RangeInclusive<u64> = 1_000..=10_000_000_000;

/// The trace's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    first: i64,
    ns_per_tick: f64,
}

impl Clock {
    /// A clock that starts at `first`. Without a frequency a tick counts as a nanosecond.
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

/// The frequency, if a processor can have it.
pub(crate) fn plausible(frequency: Option<u64>) -> Option<u64> {
    frequency.filter(|f| PLAUSIBLE.contains(f))
}
