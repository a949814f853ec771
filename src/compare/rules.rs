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
    /// The new side is beyond the limit with the requests that are cut, even if these ended when they were last seen: the
    /// least that its figure can be, in ns.
    AboveWithCut(u64),
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

    /// Looks at latencies without a base: those of the requests that count, and the least that they can be with those
    /// that are cut. A relative rule is kept by them. Each request that is cut took as long as it was seen or longer, and
    /// no figure gets smaller by that: a rule that the least breaks is broken.
    pub fn check(&self, latency: Option<&Latency>, at_least: Option<&Latency>) -> RuleOutcome {
        let Limit::Above(limit) = self.limit else { return RuleOutcome::Kept };
        let beyond = |latency: Option<&Latency>| latency.map(|l| self.figure.of(l)).filter(|ns| *ns > limit);
        match (beyond(latency), beyond(at_least)) {
            (Some(ns), _) => RuleOutcome::Above(ns),
            (None, Some(ns)) => RuleOutcome::AboveWithCut(ns),
            (None, None) => RuleOutcome::Kept,
        }
    }

    /// Looks at the new side of a comparison. What is relative counts only where it is significant.
    pub fn check_change(&self, comparison: &Comparison) -> RuleOutcome {
        let change = match self.figure {
            _ if !self.is_relative() => {
                return self.check(Some(&comparison.new.latency), comparison.new.at_least.as_ref());
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_breaks_a_rule_by_what_was_seen_of_it() {
        let latency = |p95_ns, max_ns| Latency { p95_ns, max_ns, ..Latency::default() };
        let (whole, least) = (latency(5, 9), latency(7, 60));
        let check = |figure, limit, at_least: Option<&Latency>| {
            LatencyRule { figure, limit: Limit::Above(limit) }.check(Some(&whole), at_least)
        };
        let p95 = LatencyFigure::Quantile(Quantile::P95);
        assert_eq!(check(LatencyFigure::Max, 50, Some(&least)), RuleOutcome::AboveWithCut(60));
        assert_eq!(check(LatencyFigure::Max, 50, None), RuleOutcome::Kept);
        assert_eq!(check(LatencyFigure::Max, 60, Some(&least)), RuleOutcome::Kept);
        assert_eq!(check(LatencyFigure::Max, 8, Some(&least)), RuleOutcome::Above(9));
        assert_eq!(check(p95, 6, Some(&least)), RuleOutcome::AboveWithCut(7));
        assert_eq!(check(p95, 7, Some(&least)), RuleOutcome::Kept);
        let rule = LatencyRule { figure: LatencyFigure::Max, limit: Limit::Above(50) };
        assert_eq!(rule.check(None, Some(&least)), RuleOutcome::AboveWithCut(60));
        assert_eq!(rule.check(None, None), RuleOutcome::Kept);
    }
}
