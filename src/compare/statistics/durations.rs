//! The durations of one side, sorted: quantiles and the mean.

/// A quantile, in thousandths: the duration that this part of the requests did not exceed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Quantile(u16);

impl Quantile {
    /// The median.
    pub const P50: Self = Self(500);
    /// Nine out of ten.
    pub const P90: Self = Self(900);
    /// 19 out of 20.
    pub const P95: Self = Self(950);
    /// 99 out of a hundred.
    pub const P99: Self = Self(990);

    /// Those of a comparison.
    pub const REPORTED: [Self; 4] = [Self::P50, Self::P90, Self::P95, Self::P99];

    /// The quantile of so many thousandths; none beyond 1000.
    pub fn from_thousandths(thousandths: u16) -> Option<Self> {
        (thousandths <= 1000).then_some(Self(thousandths))
    }

    /// Its thousandths: 990 for p99.
    pub fn thousandths(self) -> u16 {
        self.0
    }

    /// Where it stands among `n` sorted values, from 0: nearest rank, the smallest value that at least this part of
    /// the values does not exceed. Never between two values, so the p50 of two is the smaller one.
    pub(crate) fn index(self, n: usize) -> usize {
        let rank = (n as u128 * u128::from(self.0)).div_ceil(1000) as usize;
        rank.saturating_sub(1)
    }
}

/// Durations in ns, sorted, with their sum.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Durations {
    sorted: Vec<u64>,
    sum: u128,
}

impl Durations {
    /// Takes durations in any order.
    pub fn new(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let sum = values.iter().map(|&v| u128::from(v)).sum();
        Self { sorted: values, sum }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The durations, shortest first.
    pub fn sorted(&self) -> &[u64] {
        &self.sorted
    }

    /// Their exact sum in ns.
    pub fn sum_ns(&self) -> u128 {
        self.sum
    }

    /// The mean in ns, rounded half to even; none without values.
    pub fn mean_ns(&self) -> Option<u64> {
        let n = self.sorted.len() as u128;
        if n == 0 {
            return None;
        }
        let (whole, rest) = (self.sum / n, self.sum % n);
        let up = rest * 2 > n || (rest * 2 == n && whole % 2 == 1);
        Some(whole as u64 + u64::from(up))
    }

    /// A quantile by nearest rank: always one of the values. None without values.
    pub fn quantile_ns(&self, quantile: Quantile) -> Option<u64> {
        self.sorted.get(quantile.index(self.sorted.len())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values() {
        let of = |values: &[u64], q| Durations::new(values.to_vec()).quantile_ns(q);
        assert_eq!(of(&[], Quantile::P50), None);
        assert_eq!(of(&[7], Quantile::P99), Some(7));
        assert_eq!(of(&[9, 1], Quantile::P50), Some(1));
        assert_eq!(of(&[3, 1, 2], Quantile::P50), Some(2));
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(of(&hundred, Quantile::P90), Some(90));
        assert_eq!(of(&hundred, Quantile::P99), Some(99));
        assert_eq!(of(&hundred, Quantile(0)), Some(1));
        assert_eq!(of(&hundred, Quantile(1000)), Some(100));
        assert_eq!(Quantile::from_thousandths(1001), None);
    }

    #[test]
    fn the_mean_is_rounded_half_to_even() {
        let mean = |values: &[u64]| Durations::new(values.to_vec()).mean_ns();
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[1, 2]), Some(2));
        assert_eq!(mean(&[2, 3]), Some(2));
        assert_eq!(mean(&[1, 1, 2]), Some(1));
        assert_eq!(mean(&[u64::MAX, u64::MAX]), Some(u64::MAX));
    }
}
