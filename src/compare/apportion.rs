//! Splits a change in whole nanoseconds over its parts so that the parts add up to it, by largest remainder.
//!
//! ```text
//!   1. exact change of each part     +0.6  +0.6  +0.6      sum +1.8, rounded: +2
//!   2. cut towards zero               0     0     0        2 are missing
//!   3. 1 ns each to those of which
//!      most was cut off              +1    +1     0        the first of equal ones
//! ```
//!
//! Exact values are fractions over one denominator, in integers. Swapping the sides changes every sign and nothing
//! else.

use crate::profile::Weight;

/// The time of one part (a state, or a stack in a state) on each side, in ns, summed over the side's requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SideSums {
    /// Over the base's requests.
    pub base_ns: u64,
    /// Over the new side's requests.
    pub new_ns: u64,
}

/// How many requests each side has. A side without any counts as one, whose sums are zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestCounts {
    /// Of the base.
    pub base: usize,
    /// Of the new side.
    pub new: usize,
}

impl RequestCounts {
    /// `base_requests · new_requests`: the denominator of every exact change per request.
    fn denominator(self) -> i128 {
        (self.base.max(1) as i128).saturating_mul(self.new.max(1) as i128)
    }

    /// `new · base_requests − base · new_requests`: the change per request times the denominator. Exact for all sums and
    /// counts below 2⁶³.
    fn numerator(self, base: u128, new: u128) -> i128 {
        let times = |sum: u128, n: usize| i128::try_from(sum).unwrap_or(i128::MAX).saturating_mul(n.max(1) as i128);
        times(new, self.base).saturating_sub(times(base, self.new))
    }
}

/// The change of a mean in ns, rounded half to even, from the sums in ns over the requests of each side.
pub fn mean_change(base_sum: u128, new_sum: u128, requests: RequestCounts) -> i64 {
    to_i64(round_half_even(requests.numerator(base_sum, new_sum), requests.denominator()))
}

/// What each part adds to the change of the mean, in whole ns. The results add up to [`mean_change`] of the summed
/// parts exactly, none is 1 ns or more away from its exact value, and all change their sign when the sides are swapped.
///
/// Each exact change is cut towards zero. What is then missing is given, 1 ns each, to the parts of which most was cut
/// off in that direction; of equal ones to the first.
pub fn apportion(parts: &[SideSums], requests: RequestCounts) -> Vec<i64> {
    let denominator = requests.denominator();
    let exact: Vec<i128> =
        parts.iter().map(|p| requests.numerator(u128::from(p.base_ns), u128::from(p.new_ns))).collect();
    let mut whole: Vec<i128> = exact.iter().map(|n| n / denominator).collect();
    let total = round_half_even(exact.iter().fold(0, |sum, &n| i128::saturating_add(sum, n)), denominator);
    let missing = total - whole.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // Stable, so that equal remainders keep their order whichever sign they have.
    order.sort_by_key(|&i| -(exact[i] % denominator) * missing.signum());
    for &i in order.iter().take(missing.unsigned_abs() as usize) {
        whole[i] += missing.signum();
    }
    whole.into_iter().map(to_i64).collect()
}

/// What each part is of one side's mean request, in whole ns; the results add up to the rounded mean exactly.
pub fn apportion_mean(sums: &[u64], requests: usize) -> Vec<u64> {
    let parts: Vec<SideSums> = sums.iter().map(|&new_ns| SideSums { base_ns: 0, new_ns }).collect();
    let shares = apportion(&parts, RequestCounts { base: 1, new: requests });
    shares.into_iter().map(|ns| ns.max(0) as u64).collect()
}

/// What each weight is of a mean request. Each of its measures adds up to its own rounded mean exactly.
pub fn per_request(weights: &[Weight], requests: usize) -> Vec<Weight> {
    let mean = |of: fn(&Weight) -> u64| apportion_mean(&weights.iter().map(of).collect::<Vec<_>>(), requests);
    let times = mean(|w| w.goroutine_ns).into_iter().zip(mean(|w| w.latency_ns));
    let weight = |(events, (goroutine_ns, latency_ns))| Weight { events, goroutine_ns, latency_ns };
    mean(|w| w.events).into_iter().zip(times).map(weight).collect()
}

/// `numerator / denominator` for a positive denominator, to the nearest whole number, halves to the even one.
fn round_half_even(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let up = match (rest.unsigned_abs()).cmp(&(denominator.unsigned_abs() - rest.unsigned_abs())) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => whole % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    if up { whole + numerator.signum() } else { whole }
}

fn to_i64(ns: i128) -> i64 {
    ns.clamp(-i128::from(i64::MAX), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts() -> impl Strategy<Value = Vec<SideSums>> {
        let sum = prop_oneof![0u64..20, 0..u64::MAX / 1024];
        prop::collection::vec((sum.clone(), sum).prop_map(|(base_ns, new_ns)| SideSums { base_ns, new_ns }), 0..20)
    }

    fn swapped(parts: &[SideSums]) -> Vec<SideSums> {
        parts.iter().map(|p| SideSums { base_ns: p.new_ns, new_ns: p.base_ns }).collect()
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_change_and_stay_near(parts in parts(), base in 1usize..5000, new in 1usize..5000) {
            let requests = RequestCounts { base, new };
            let shares = apportion(&parts, requests);
            let sum = |side: fn(&SideSums) -> u64| parts.iter().map(|p| u128::from(side(p))).sum::<u128>();
            let change = mean_change(sum(|p| p.base_ns), sum(|p| p.new_ns), requests);
            prop_assert_eq!(shares.iter().map(|&s| i128::from(s)).sum::<i128>(), i128::from(change));
            for (part, &share) in parts.iter().zip(&shares) {
                let exact = requests.numerator(part.base_ns.into(), part.new_ns.into());
                let given = i128::from(share) * requests.denominator();
                prop_assert!((exact - given).abs() < requests.denominator());
            }
        }

        #[test]
        fn swapping_the_sides_changes_the_signs(parts in parts(), base in 1usize..5000, new in 1usize..5000) {
            let shares = apportion(&parts, RequestCounts { base, new });
            let back = apportion(&swapped(&parts), RequestCounts { base: new, new: base });
            prop_assert_eq!(shares, back.into_iter().map(|s| -s).collect::<Vec<_>>());
        }

        #[test]
        fn a_side_is_split_into_its_mean(sums in prop::collection::vec(0u64..1 << 50, 0..20), n in 1usize..5000) {
            let sum = sums.iter().map(|&s| u128::from(s)).sum::<u128>();
            let split: u64 = apportion_mean(&sums, n).iter().sum();
            prop_assert_eq!(i128::from(split), round_half_even(sum as i128, n as i128));
        }
    }

    #[test]
    fn equal_remainders_go_to_the_first() {
        let part = |base_ns, new_ns| SideSums { base_ns, new_ns };
        let thirds = [part(0, 1), part(0, 1), part(0, 1)];
        assert_eq!(apportion(&thirds, RequestCounts { base: 1, new: 3 }), [1, 0, 0]);
        assert_eq!(apportion(&swapped(&thirds), RequestCounts { base: 3, new: 1 }), [-1, 0, 0]);
        assert_eq!(apportion(&[], RequestCounts { base: 0, new: 0 }), [0i64; 0]);
    }

    #[test]
    fn halves_go_to_the_even_number() {
        let rounded = [-5, -3, -1, 1, 3, 5].map(|n| round_half_even(n, 2));
        assert_eq!(rounded, [-2, -2, 0, 0, 2, 2]);
        assert_eq!(round_half_even(i128::MAX, 1), i128::MAX);
    }
}
