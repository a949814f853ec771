//! Limits for latencies: `p95>+10%`, `mean>+5ms`, `p99>250ms`. A rule that is exceeded is broken.

use super::statistics::{Change, Quantile};
use super::{Comparison, Latency};

/// The figure that a rule limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LatencyFigure {
    /// The arithmetic mean.
    Mean,
    /// One of [`Quantile::REPORTED`].
    Quantile(Quantile),
    /// The longest request. It has no interval, so it is never compared with a base.
    Max,
}

/// The value above which a rule is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Longer than this, in ns, whatever the base is.
    Above(u64),
    /// Longer than the base by more than this, in ns.
    LongerBy(u64),
    /// Longer than the base by more than this part of it, in thousandths of a percent.
    LongerByPart(u64),
}

/// One rule of `--fail-if`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LatencyRule {
    /// The figure that it limits.
    pub figure: LatencyFigure,
    /// The value above which it is broken.
    pub limit: Limit,
}

/// Whether a rule is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleOutcome {
    /// It is kept.
    Kept,
    /// The new side is beyond the limit: its figure, in ns.
    Above(u64),
    /// The change is beyond the limit, and chance does not explain it.
    Slower(Change),
    /// The change is beyond the limit, but chance may explain it: it does not count.
    Unclear(Change),
}

impl LatencyRule {
    /// Whether it needs a base.
    pub fn is_relative(&self) -> bool {
        !matches!(self.limit, Limit::Above(_))
    }

    /// Looks at latencies without a base. A relative rule is kept by them.
    pub fn check(&self, latency: &Latency) -> RuleOutcome {
        let ns = self.figure.of(latency);
        match self.limit {
            Limit::Above(limit) if ns > limit => RuleOutcome::Above(ns),
            _ => RuleOutcome::Kept,
        }
    }

    /// Looks at the new side of a comparison. What is relative counts only where it is significant.
    pub fn check_change(&self, comparison: &Comparison) -> RuleOutcome {
        let change = match self.figure {
            _ if !self.is_relative() => return self.check(&comparison.new.latency),
            LatencyFigure::Mean => Some(&comparison.latency.mean),
            LatencyFigure::Quantile(quantile) => comparison.latency.quantile(quantile),
            LatencyFigure::Max => None,
        };
        match change {
            Some(change) if !self.exceeds(change) => RuleOutcome::Kept,
            Some(change) if comparison.latency.is_clear(change) => RuleOutcome::Slower(*change),
            Some(change) => RuleOutcome::Unclear(*change),
            None => RuleOutcome::Kept,
        }
    }

    fn exceeds(&self, change: &Change) -> bool {
        let delta = i128::from(change.delta_ns);
        match self.limit {
            Limit::Above(limit) => change.new_ns > limit,
            Limit::LongerBy(limit) => delta > i128::from(limit),
            Limit::LongerByPart(part) => {
                delta.saturating_mul(100_000) > i128::from(change.base_ns).saturating_mul(i128::from(part))
            }
        }
    }
}

impl LatencyFigure {
    fn of(self, latency: &Latency) -> u64 {
        match self {
            Self::Mean => latency.mean_ns,
            Self::Max => latency.max_ns,
            Self::Quantile(Quantile::P50) => latency.p50_ns,
            Self::Quantile(Quantile::P90) => latency.p90_ns,
            Self::Quantile(Quantile::P95) => latency.p95_ns,
            Self::Quantile(_) => latency.p99_ns,
        }
    }
}
