//! The durations of two sides: quantiles, means, and how sure their difference is. Out: a [`LatencyChange`].
//!
//! To read: `durations` (one side), `mann_whitney` (does chance explain the difference? with `normal`), `bootstrap` (how
//! large is it? with `random`), `fisher` (does one side have a property more often?).
//!
//! Nothing here knows traces. Every function is pure and deterministic: it depends on the values, not on their order. Swapping the two sides negates every difference and mirrors its interval, to the nanosecond; a
//! side compared with itself differs by nothing.

mod bootstrap;
mod durations;
mod fisher;
mod mann_whitney;
mod normal;
mod random;

pub use bootstrap::{DRAWS, RESAMPLES};
pub use durations::{Durations, Quantile};
pub use fisher::{Part, fisher};
pub use mann_whitney::{EXACT_LARGE, EXACT_SMALL, mann_whitney};
pub use normal::erfc;

use super::apportion::{RequestCounts, mean_change};

/// With fewer requests on a side no verdict is given: so few say nothing about others.
pub const MIN_REQUESTS: usize = 8;

/// The p-value below which chance does not explain a difference.
pub const SIGNIFICANCE: f64 = 0.05;

/// A figure on both sides, and its difference with a 95 % interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// The figure of the base, in ns.
    pub base_ns: u64,
    /// The figure of the new side, in ns.
    pub new_ns: u64,
    /// New less base, rounded half to even; positive means slower.
    pub delta_ns: i64,
    /// The 95 % confidence interval of the difference (bootstrap, percentile method).
    pub interval: ConfidenceInterval,
}

/// An interval of differences in ns, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConfidenceInterval {
    /// The lower end.
    pub low_ns: i64,
    /// The upper end.
    pub high_ns: i64,
}

impl ConfidenceInterval {
    /// Whether it contains 0, no difference.
    pub fn has_zero(self) -> bool {
        self.low_ns <= 0 && self.high_ns >= 0
    }
}

/// How the latencies of two sides differ.
#[derive(Clone, PartialEq, Debug)]
pub struct LatencyChange {
    /// Requests of the base.
    pub base_requests: usize,
    /// Requests of the new side.
    pub new_requests: usize,
    /// The mean.
    pub mean: Change,
    /// The quantiles of [`Quantile::REPORTED`], in that order.
    pub quantiles: Vec<(Quantile, Change)>,
    /// Two-sided p of the Mann-Whitney test: how often chance alone puts the sides this far apart.
    pub p: f64,
}

impl LatencyChange {
    /// Compares two sides; none when one of them has no request.
    pub fn of(base: &Durations, new: &Durations) -> Option<Self> {
        let (base_draws, new_draws) = (bootstrap::resample(base)?, bootstrap::resample(new)?);
        let mean = Change {
            base_ns: base.mean_ns()?,
            new_ns: new.mean_ns()?,
            delta_ns: mean_change(base.sum_ns(), new.sum_ns(), RequestCounts { base: base.len(), new: new.len() }),
            interval: bootstrap::mean_interval(&base_draws, &new_draws),
        };
        let mut quantiles = Vec::with_capacity(Quantile::REPORTED.len());
        for (i, quantile) in Quantile::REPORTED.into_iter().enumerate() {
            let (base_ns, new_ns) = (base.quantile_ns(quantile)?, new.quantile_ns(quantile)?);
            let interval = bootstrap::quantile_interval(&base_draws, &new_draws, i);
            quantiles.push((quantile, Change { base_ns, new_ns, delta_ns: difference(base_ns, new_ns), interval }));
        }
        Some(Self { base_requests: base.len(), new_requests: new.len(), mean, quantiles, p: mann_whitney(base, new) })
    }

    /// Whether both sides have requests enough for a verdict.
    pub fn has_verdict(&self) -> bool {
        self.base_requests.min(self.new_requests) >= MIN_REQUESTS
    }

    /// Whether the sides differ by more than chance explains.
    pub fn is_significant(&self) -> bool {
        self.has_verdict() && self.p < SIGNIFICANCE
    }

    /// Whether one of the figures differs by more than chance explains: the sides do, and its interval says so too.
    pub fn is_clear(&self, change: &Change) -> bool {
        self.is_significant() && !change.interval.has_zero()
    }

    /// How one of the reported quantiles changed.
    pub fn quantile(&self, quantile: Quantile) -> Option<&Change> {
        self.quantiles.iter().find(|q| q.0 == quantile).map(|q| &q.1)
    }
}

/// New less base. Clamped alike at both ends, so that the sign changes with the sides.
fn difference(base_ns: u64, new_ns: u64) -> i64 {
    let exact = i128::from(new_ns) - i128::from(base_ns);
    exact.clamp(-i128::from(i64::MAX), i128::from(i64::MAX)) as i64
}
