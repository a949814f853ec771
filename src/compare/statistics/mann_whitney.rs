//! The Mann-Whitney U test: do the values of one side tend to be larger than those of the other?
//!
//! As `scipy.stats.mannwhitneyu` with its defaults does it: two-sided; exact where a side has at most
//! [`EXACT_SMALL`] values and no two values are equal; otherwise by the normal distribution, corrected for ties and
//! for continuity.

use super::durations::Durations;
use super::normal::upper_tail;

/// Values of the smaller side up to which the exact distribution is used.
pub const EXACT_SMALL: usize = 8;

/// Values of the larger side up to which it is used: the counts of arrangements then fit into 128 bits, and they are
/// made in milliseconds. scipy knows no such limit; that far out the two agree to a few digits.
pub const EXACT_LARGE: usize = 100_000;

/// The two-sided p. It is the same when the sides are swapped, and 1 when one of them is empty.
pub fn mann_whitney(base: &Durations, new: &Durations) -> f64 {
    let (n1, n2) = (base.len() as u128, new.len() as u128);
    if n1 == 0 || n2 == 0 {
        return 1.0;
    }
    let ranks = RankSums::of(base.sorted(), new.sorted());
    // Twice U, for a midrank may be half a rank. The two sides' U add up to n1·n2.
    let twice_u = ranks.twice_base - n1 * (n1 + 1);
    let smaller = twice_u.min(2 * n1 * n2 - twice_u);
    let small = base.len().min(new.len());
    let large = base.len().max(new.len());
    let p = if small <= EXACT_SMALL && large <= EXACT_LARGE && ranks.ties == 0.0 {
        2.0 * exact_lower_tail(small, large, (smaller / 2) as usize)
    } else {
        2.0 * approximate_tail(n1, n2, smaller, ranks.ties)
    };
    p.clamp(0.0, 1.0)
}

/// What the test needs to know of the values of both sides in one order.
struct RankSums {
    /// Twice the sum of the base's ranks, from 1; equal values share the mean of their ranks.
    twice_base: u128,
    /// Σ t³ − t over the groups of equal values.
    ties: f64,
}

impl RankSums {
    /// Merges two sorted sides.
    fn of(base: &[u64], new: &[u64]) -> Self {
        let (mut b, mut n) = (0, 0);
        let mut ranks = Self { twice_base: 0, ties: 0.0 };
        while let Some(&value) = base.get(b).into_iter().chain(new.get(n)).min() {
            let equal = |side: &[u64]| side.iter().take_while(|&&v| v == value).count();
            let (in_base, in_new) = (equal(&base[b..]), equal(&new[n..]));
            let group = (in_base + in_new) as u128;
            // The ranks b+n+1 … b+n+group have the mean b+n + (group+1)/2.
            ranks.twice_base += in_base as u128 * (2 * (b + n) as u128 + group + 1);
            ranks.ties += (group * group * group - group) as f64;
            b += in_base;
            n += in_new;
        }
        ranks
    }
}

/// The part of all arrangements whose U is at most `u`.
///
/// How many arrangements have which U are the coefficients of Gauss's binomial
/// ∏ (1 − qⁿ⁺ⁱ) / (1 − qⁱ), i = 1 … small: two passes for each factor. Between the two a number may be negative, so
/// they wrap; what comes out does not.
fn exact_lower_tail(small: usize, large: usize, u: usize) -> f64 {
    let mut counts = vec![0u128; u + 1];
    counts[0] = 1;
    for i in 1..=small {
        for j in (large + i..=u).rev() {
            counts[j] = counts[j].wrapping_sub(counts[j - large - i]);
        }
        for j in i..=u {
            counts[j] = counts[j].wrapping_add(counts[j - i]);
        }
    }
    let lower: f64 = counts.iter().map(|&c| c as f64).sum();
    lower / arrangements(small, large)
}

/// (small + large) over small.
fn arrangements(small: usize, large: usize) -> f64 {
    let product = (1..=small).fold(1u128, |product, i| product * (large + i) as u128 / i as u128);
    product as f64
}

/// The tail beyond the observed U by the normal distribution; `twice_u` is twice the smaller of both sides' U.
fn approximate_tail(n1: u128, n2: u128, twice_u: u128, ties: f64) -> f64 {
    let (pairs, n) = ((n1 * n2) as f64, (n1 + n2) as f64);
    let variance = pairs / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    // The variance is zero where all values are equal; then the sides do not differ.
    if variance <= 0.0 {
        return 0.5;
    }
    let distance = (pairs - twice_u as f64) / 2.0 - 0.5;
    upper_tail(distance / variance.sqrt())
}
