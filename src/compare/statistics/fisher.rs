//! Fisher's exact test: whether chance explains that two groups have a property unequally often.

/// How far the logarithm of a table's probability may exceed that of the observed table to count as equal, because rounding
/// makes equal ones differ (as in R's `fisher.test`).
const TOLERANCE: f64 = 1e-7;

/// A group of occurrences, of which some have a property.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// How many have it; at most `all`.
    pub some: u64,
    /// How many there are.
    pub all: u64,
}

/// Two-sided p of Fisher's exact test: the sum of the probabilities of all tables with the same margins that are no more
/// likely than the one of these two groups. 1 where a margin is empty.
pub fn fisher(a: Part, b: Part) -> f64 {
    let (some, all) = (a.some + b.some, a.all + b.all);
    let log_factorials = LogFactorials::up_to(all);
    let log_choose = |n: u64, k: u64| log_factorials.of(n) - log_factorials.of(k) - log_factorials.of(n - k);
    // Of those that have the property, so many can be of the first group.
    let (fewest, most) = (some.saturating_sub(b.all), some.min(a.all));
    let log_p = |k: u64| log_choose(a.all, k) + log_choose(b.all, some - k) - log_choose(all, some);
    let limit = log_p(a.some.clamp(fewest, most)) + TOLERANCE;
    let mut terms: Vec<f64> = (fewest..=most).map(log_p).filter(|&log_p| log_p <= limit).map(f64::exp).collect();
    // The smallest first, so that rounding does not lose them; the order is also independent of which group is first.
    terms.sort_by(f64::total_cmp);
    terms.iter().sum::<f64>().min(1.0)
}

/// The logarithms of the factorials of small numbers.
struct LogFactorials(Vec<f64>);

impl LogFactorials {
    fn up_to(n: u64) -> Self {
        let sums = (0..=n).scan(0.0, |sum, i| {
            *sum += if i > 0 { (i as f64).ln() } else { 0.0 };
            Some(*sum)
        });
        Self(sums.collect())
    }

    fn of(&self, n: u64) -> f64 {
        self.0.get(n as usize).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lady_tasting_tea() {
        let part = |some, all| Part { some, all };
        // R. A. Fisher, The Design of Experiments: three of four cups right, one-sided 17/70.
        assert!((fisher(part(3, 4), part(1, 4)) - 34.0 / 70.0).abs() < 1e-12);
        assert!((fisher(part(4, 4), part(0, 4)) - 2.0 / 70.0).abs() < 1e-12);
        assert!((fisher(part(5, 10), part(5, 10)) - 1.0).abs() < 1e-12);
        assert!((fisher(part(0, 0), part(5, 10)) - 1.0).abs() < 1e-12);
        assert!((fisher(part(0, 7), part(0, 9)) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn swapping_the_groups_changes_nothing() {
        for (some, all) in [(2, 41), (39, 40), (100, 5000)] {
            let (a, b) = (Part { some, all }, Part { some: 7, all: 90 });
            assert_eq!(fisher(a, b).to_bits(), fisher(b, a).to_bits());
        }
    }
}
