//! How many of all requests are slow ones of the roots, on both sides.
//!
//! The distribution of the requests that count says nothing of those that became so fast that they leave no stack. But how
//! many requests the same servers served in all is known, and the requests that count are a part of these.
//!
//! ```text
//!  base  ████████████████████·   39 of 40 requests take longer than the threshold
//!  new   █···················     2 of 41
//! ```
//!
//! A request that an edge of the trace cuts, and that was seen for longer than the threshold, is a slow one too.

use super::statistics::{Durations, MIN_REQUESTS, Part, Quantile, SIGNIFICANCE, fisher};
use crate::profile::CutRequest;

/// Requests of the roots that take as long as a threshold or longer, among all whole requests of the same servers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SlowRate {
    /// The threshold: the median of the base's requests that count, in ns. Slow ones took at least as long.
    pub threshold_ns: u64,
    /// On the base.
    pub base: Part,
    /// On the new side.
    pub new: Part,
    /// Two-sided p of Fisher's exact test. It assumes that both sides have a like mix of endpoints.
    pub p: f64,
}

/// A side's requests.
#[derive(Clone, Copy)]
pub(super) struct SideRequests<'a> {
    /// Those that count.
    pub(super) counted: &'a Durations,
    /// How many whole ones there are on the same servers.
    pub(super) all: u64,
    /// Those that an edge cuts.
    pub(super) cut: &'a [CutRequest],
}

impl SlowRate {
    /// None where a side's requests were not on a server: then nobody knows how many there are.
    pub(super) fn of(base: SideRequests<'_>, new: SideRequests<'_>) -> Option<Self> {
        let threshold_ns = base.counted.quantile_ns(Quantile::P50)?;
        let part = |side: SideRequests<'_>| {
            let sorted = side.counted.sorted();
            let some = (sorted.len() - sorted.partition_point(|ns| *ns < threshold_ns)) as u64;
            let is_slow = |cut: &&CutRequest| !cut.may_be_several && cut.at_least_ns >= threshold_ns;
            let slow_cut = side.cut.iter().filter(is_slow).count() as u64;
            let is_known = side.all >= sorted.len() as u64;
            is_known.then_some(Part { some: some + slow_cut, all: side.all + slow_cut })
        };
        let (base, new) = (part(base)?, part(new)?);
        Some(Self { threshold_ns, base, new, p: fisher(base, new) })
    }

    /// Whether the sides differ by more than chance explains.
    pub fn is_significant(&self) -> bool {
        self.base.all.min(self.new.all) >= MIN_REQUESTS as u64 && self.p < SIGNIFICANCE
    }

    /// Whether slow ones are a larger part of the new side; none where the parts are equal.
    pub fn is_slower(&self) -> Option<bool> {
        let product = |a: Part, b: Part| u128::from(a.some) * u128::from(b.all);
        let (new, base) = (product(self.new, self.base), product(self.base, self.new));
        (new != base).then_some(new > base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(base: &[u64], all_base: u64, new: &[u64], all_new: u64) -> Option<SlowRate> {
        let (base, new) = (Durations::new(base.to_vec()), Durations::new(new.to_vec()));
        SlowRate::of(
            SideRequests { counted: &base, all: all_base, cut: &[] },
            SideRequests { counted: &new, all: all_new, cut: &[] },
        )
    }

    #[test]
    fn what_hangs_is_slow() {
        let durations = Durations::new(vec![50; 10]);
        let cut = |at_least_ns, may_be_several| CutRequest { at_least_ns, may_be_several, ..CutRequest::default() };
        let hanging: Vec<CutRequest> =
            (0..30).map(|_| cut(900, false)).chain([cut(10, false), cut(900, true)]).collect();
        let side = SideRequests { counted: &durations, all: 40, cut: &[] };
        let rate = SlowRate::of(side, SideRequests { cut: &hanging, ..side }).unwrap();
        assert_eq!((rate.base, rate.new), (Part { some: 10, all: 40 }, Part { some: 40, all: 70 }));
        assert!(rate.is_significant() && rate.is_slower() == Some(true), "{rate:?}");
    }

    #[test]
    fn a_fix_that_leaves_two_slow_ones_is_faster() {
        let rate = rate(&[50; 40], 40, &[50, 52], 41).unwrap();
        assert_eq!((rate.base, rate.new), (Part { some: 40, all: 40 }, Part { some: 2, all: 41 }));
        assert!(rate.is_significant() && rate.is_slower() == Some(false) && rate.p < 0.001, "{rate:?}");
    }

    #[test]
    fn as_many_slow_ones_are_no_difference() {
        let rate = rate(&[50; 40], 400, &[50; 41], 410).unwrap();
        assert!(!rate.is_significant() && rate.is_slower().is_none(), "{rate:?}");
    }

    #[test]
    fn without_a_server_nothing_is_said() {
        assert_eq!(rate(&[50; 40], 0, &[50; 41], 410), None);
        assert_eq!(rate(&[], 0, &[50; 41], 410), None);
    }
}
