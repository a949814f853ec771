//! Limits for latencies: `p95>+10%`, `mean>+5ms`, `p99>250ms`. A rule that is exceeded is broken.

use super::statistics::{Change, Durations, LatencyChange, Quantile};
use super::{Comparison, Latency, Side};
use crate::profile::{ChosenFrom, quantile_bounds};

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
    /// Whether the new side, or the change, is beyond the limit depends on undecided requests.
    DependsOnUndecided {
        /// The new side's figure if none of them is of the roots, in ns.
        without_ns: u64,
        /// With the choice of them that decides otherwise; of a change, with all of them, in ns.
        with_ns: u64,
        /// Of a change, the base's figure without them, and with those that decide otherwise, in ns.
        base_ns: Option<(u64, u64)>,
    },
    /// Too many requests may be several calls each to say how long one takes.
    MayBeSeveral,
}

/// Durations in ns of requests that count, and of undecided ones, any of which may be of the roots.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Choices {
    /// Of those that count.
    pub counted: Vec<u64>,
    /// Of the undecided ones.
    pub undecided: Vec<u64>,
    /// What those that count were chosen from by how long they took, with the undecided ones or without; none where all count.
    pub chosen_from: Option<ChosenFrom>,
}

impl Choices {
    /// Of those that count, and of the undecided ones that are taken.
    pub(super) fn with(&self, is_taken: impl Fn(u64) -> bool) -> Durations {
        let taken = self.undecided.iter().copied().filter(|ns| is_taken(*ns));
        if let Some(from) = &self.chosen_from {
            return Durations::new(from.with(taken));
        }
        Durations::new(self.counted.iter().copied().chain(taken).collect())
    }

    /// The least and the most, in ns, that a figure can be with any choice of undecided requests.
    fn bounds(&self, figure: LatencyFigure) -> (u64, u64) {
        if let Some(from) = &self.chosen_from {
            let tries = from.tries(&self.undecided).into_iter();
            let figures: Vec<u64> = tries.map(|list| figure.of_durations(&Durations::new(list))).collect();
            let ends = figures.iter().copied().min().zip(figures.iter().copied().max());
            return ends.unwrap_or((0, 0));
        }
        match figure {
            LatencyFigure::Quantile(quantile) => {
                let bounds = quantile_bounds(&self.counted, &self.undecided, quantile.thousandths());
                (bounds.at_least_ns, bounds.at_most_ns)
            }
            LatencyFigure::Mean => {
                let mut sorted = self.undecided.clone();
                sorted.sort_unstable();
                (self.mean_with(sorted.iter(), u64::lt), self.mean_with(sorted.iter().rev(), u64::gt))
            }
            LatencyFigure::Max => {
                let longest = |list: &[u64]| list.iter().copied().max().unwrap_or(0);
                (longest(&self.counted), longest(&self.counted).max(longest(&self.undecided)))
            }
        }
    }

    /// The mean, in ns, with the first of the undecided durations that move it to one side.
    fn mean_with<'u>(&self, undecided: impl Iterator<Item = &'u u64>, moves: fn(&u64, &u64) -> bool) -> u64 {
        let sum = self.counted.iter().map(|&ns| u128::from(ns)).sum::<u128>();
        let mean = |(sum, n): (u128, u128)| (sum + n / 2).checked_div(n).unwrap_or(0) as u64;
        let mut of = (sum, self.counted.len() as u128);
        for ns in undecided {
            if !moves(ns, &mean(of)) {
                break;
            }
            of = (of.0 + u128::from(*ns), of.1 + 1);
        }
        mean(of)
    }
}

/// The latencies of one side, and what limits what they say.
#[derive(Clone, Copy, Debug)]
pub struct OneSide<'a> {
    /// Of the requests that count; none without any.
    pub latency: Option<&'a Latency>,
    /// The least that these can be with requests that are cut; none without such requests.
    pub at_least: Option<&'a Latency>,
    /// The same if those of them that may be several calls each were one call each; none without such ones.
    pub at_least_if_single: Option<&'a Latency>,
    /// What the figures can be with undecided requests; none without such requests.
    pub choices: Option<&'a Choices>,
    /// Whether so many may be several calls each that the length of one is not known.
    pub is_unclear: bool,
}

impl LatencyRule {
    /// Whether it needs a base.
    pub fn is_relative(&self) -> bool {
        !matches!(self.limit, Limit::Above(_))
    }

    /// Whether latencies without a base keep the rule; they keep every relative rule. Each request that is cut took as long
    /// as it was seen or longer, and that makes no figure smaller: a rule that `at_least` breaks is broken.
    ///
    /// One that is cut and may be several calls took as long in all, and nobody knows how long each took: a rule that it
    /// would break as one call is not decided.
    ///
    /// Undecided requests can make any figure larger or smaller: where some choice of them would keep a rule that is broken, or
    /// break one that is kept, it depends on them.
    pub fn check(&self, side: OneSide<'_>) -> RuleOutcome {
        let Limit::Above(limit) = self.limit else { return RuleOutcome::Kept };
        let beyond = |latency: Option<&Latency>| latency.map(|l| self.figure.of(l)).filter(|ns| *ns > limit);
        let counted = match (beyond(side.latency), beyond(side.at_least)) {
            (Some(ns), _) => RuleOutcome::Above(ns),
            (None, Some(ns)) => RuleOutcome::AboveWithCut(ns),
            (None, None) => RuleOutcome::Kept,
        };
        let is_broken = counted != RuleOutcome::Kept;
        let without_ns = side.latency.map_or(0, |latency| self.figure.of(latency));
        // The choice that speaks most against it: of those beyond the limit or of those within, all.
        let opposite = |choices: &Choices| self.figure.of_durations(&choices.with(|ns| (ns > limit) != is_broken));
        match side.choices.map(opposite) {
            _ if is_broken && side.is_unclear => RuleOutcome::MayBeSeveral,
            _ if !is_broken && beyond(side.at_least_if_single).is_some() => RuleOutcome::MayBeSeveral,
            Some(with_ns) if is_broken != (with_ns > limit) => {
                RuleOutcome::DependsOnUndecided { without_ns, with_ns, base_ns: None }
            }
            _ => counted,
        }
    }

    /// Looks at the new side of a comparison. What is relative counts only where it is significant.
    pub fn check_change(&self, comparison: &Comparison) -> RuleOutcome {
        if !self.is_relative() {
            return self.check(comparison.new.for_rules());
        }
        if comparison.base.is_unclear() || comparison.new.is_unclear() {
            return RuleOutcome::MayBeSeveral;
        }
        let without = self.check_latencies(&comparison.latency);
        let Some(latency) = &comparison.with_undecided else { return without };
        let is_slower = |outcome: RuleOutcome| matches!(outcome, RuleOutcome::Slower(_));
        let sides = |latency| self.change(latency).map_or((0, 0), |change| (change.base_ns, change.new_ns));
        let (base_without_ns, without_ns) = sides(&comparison.latency);
        let depends = |(base_ns, with_ns)| {
            let base_ns = Some((base_without_ns, base_ns));
            RuleOutcome::DependsOnUndecided { without_ns, with_ns, base_ns }
        };
        if !is_slower(without) {
            let is_same = !is_slower(self.check_latencies(latency));
            return if is_same { without } else { depends(sides(latency)) };
        }
        // Undecided requests that both sides have alike blur what is significant, and not whether it is beyond the limit. But
        // they need not be alike: those that make the new side shortest, and the base longest, speak most against it.
        let (_, base_ns) = self.bounds(&comparison.base);
        let (with_ns, _) = self.bounds(&comparison.new);
        let delta_ns = i128::from(with_ns) - i128::from(base_ns);
        let is_certain = self.is_beyond(with_ns, base_ns, delta_ns);
        if is_certain { without } else { depends((base_ns, with_ns)) }
    }

    /// The least and the most, in ns, that its figure can be on a side.
    fn bounds(&self, side: &Side) -> (u64, u64) {
        let ns = self.figure.of(&side.latency);
        side.choices.as_ref().map_or((ns, ns), |choices| choices.bounds(self.figure))
    }

    fn check_latencies(&self, latency: &LatencyChange) -> RuleOutcome {
        match self.change(latency) {
            Some(change) if !self.exceeds(change) => RuleOutcome::Kept,
            Some(change) if latency.is_clear(change) => RuleOutcome::Slower(*change),
            Some(change) => RuleOutcome::Unclear(*change),
            None => RuleOutcome::Kept,
        }
    }

    /// How its figure changed; none for the maximum.
    fn change<'l>(&self, latency: &'l LatencyChange) -> Option<&'l Change> {
        match self.figure {
            LatencyFigure::Mean => Some(&latency.mean),
            LatencyFigure::Quantile(quantile) => latency.quantile(quantile),
            LatencyFigure::Max => None,
        }
    }

    fn exceeds(&self, change: &Change) -> bool {
        self.is_beyond(change.new_ns, change.base_ns, i128::from(change.delta_ns))
    }

    fn is_beyond(&self, new_ns: u64, base_ns: u64, delta_ns: i128) -> bool {
        match self.limit {
            Limit::Above(limit) => new_ns > limit,
            Limit::LongerBy(limit) => delta_ns > i128::from(limit),
            Limit::LongerByPart(part) => {
                delta_ns.saturating_mul(100_000) > i128::from(base_ns).saturating_mul(i128::from(part))
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

    fn of_durations(self, durations: &Durations) -> u64 {
        let of = match self {
            Self::Mean => durations.mean_ns(),
            Self::Max => durations.sorted().last().copied(),
            Self::Quantile(quantile) => durations.quantile_ns(quantile),
        };
        of.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_breaks_a_rule_by_what_was_seen_of_it() {
        let latency = |p95_ns, max_ns| Latency { p95_ns, max_ns, ..Latency::default() };
        let (whole, least) = (latency(5, 9), latency(7, 60));
        let side = OneSide {
            latency: Some(&whole),
            at_least: None,
            at_least_if_single: None,
            choices: None,
            is_unclear: false,
        };
        let check = |figure, limit, at_least: Option<&Latency>| {
            LatencyRule { figure, limit: Limit::Above(limit) }.check(OneSide { at_least, ..side })
        };
        let p95 = LatencyFigure::Quantile(Quantile::P95);
        assert_eq!(check(LatencyFigure::Max, 50, Some(&least)), RuleOutcome::AboveWithCut(60));
        assert_eq!(check(LatencyFigure::Max, 50, None), RuleOutcome::Kept);
        assert_eq!(check(LatencyFigure::Max, 60, Some(&least)), RuleOutcome::Kept);
        assert_eq!(check(LatencyFigure::Max, 8, Some(&least)), RuleOutcome::Above(9));
        assert_eq!(check(p95, 6, Some(&least)), RuleOutcome::AboveWithCut(7));
        assert_eq!(check(p95, 7, Some(&least)), RuleOutcome::Kept);
        let rule = LatencyRule { figure: LatencyFigure::Max, limit: Limit::Above(50) };
        let none = OneSide { latency: None, ..side };
        assert_eq!(rule.check(OneSide { at_least: Some(&least), ..none }), RuleOutcome::AboveWithCut(60));
        assert_eq!(rule.check(none), RuleOutcome::Kept);
        // What would break it only as one call does not decide it.
        let several = OneSide { at_least_if_single: Some(&least), ..side };
        assert_eq!(rule.check(several), RuleOutcome::MayBeSeveral);
        assert_eq!(rule.check(OneSide { at_least: Some(&least), ..several }), RuleOutcome::AboveWithCut(60));
        let higher = LatencyRule { limit: Limit::Above(60), ..rule };
        assert_eq!(higher.check(several), RuleOutcome::Kept);
    }

    #[test]
    fn a_quantile_is_broken_at_both_bounds_or_not() {
        let latency = Latency { p50_ns: 60, max_ns: 90, ..Latency::default() };
        let check = |figure, limit, undecided: &[u64]| {
            let choices = Choices { counted: vec![60, 90], undecided: undecided.to_vec(), chosen_from: None };
            let side = OneSide {
                latency: Some(&latency),
                at_least: None,
                at_least_if_single: None,
                choices: Some(&choices),
                is_unclear: false,
            };
            LatencyRule { figure, limit: Limit::Above(limit) }.check(side)
        };
        let p50 = LatencyFigure::Quantile(Quantile::P50);
        assert_eq!(check(p50, 50, &[55]), RuleOutcome::Above(60));
        assert_eq!(
            check(p50, 50, &[1, 2]),
            RuleOutcome::DependsOnUndecided { without_ns: 60, with_ns: 2, base_ns: None }
        );
        assert_eq!(
            check(p50, 70, &[95, 96]),
            RuleOutcome::DependsOnUndecided { without_ns: 60, with_ns: 90, base_ns: None }
        );
        // With all four the median is 60 as it is without: but not with the fast ones, or the slow ones, alone.
        assert_eq!(
            check(p50, 50, &[1, 2, 95, 96]),
            RuleOutcome::DependsOnUndecided { without_ns: 60, with_ns: 2, base_ns: None }
        );
        assert_eq!(
            check(p50, 70, &[1, 2, 95, 96]),
            RuleOutcome::DependsOnUndecided { without_ns: 60, with_ns: 90, base_ns: None }
        );
        assert_eq!(check(p50, 95, &[1, 2]), RuleOutcome::Kept);
        assert_eq!(check(LatencyFigure::Max, 80, &[1, 2]), RuleOutcome::Above(90));
    }

    /// The bounds are those of all choices there are, tried one by one.
    #[test]
    fn no_choice_moves_a_figure_beyond_its_bounds() {
        let quantile = |quantile| LatencyFigure::Quantile(quantile);
        let figures = [quantile(Quantile::P50), quantile(Quantile::P99), LatencyFigure::Mean, LatencyFigure::Max];
        for (counted, undecided) in [
            (&[20u64, 22, 24][..], &[1u64, 40, 60, 23][..]),
            (&[10], &[1, 2, 3, 20, 21]),
            (&[7], &[9, 9, 9, 9, 1]),
            (&[5, 5], &[5]),
        ] {
            let choices = Choices { counted: counted.to_vec(), undecided: undecided.to_vec(), chosen_from: None };
            for figure in figures {
                let of = (0..1u32 << undecided.len()).map(|choice| {
                    let chosen = (0..undecided.len()).filter(|i| choice >> i & 1 == 1).map(|i| undecided[i]);
                    figure.of_durations(&Durations::new(counted.iter().copied().chain(chosen).collect()))
                });
                let of: Vec<u64> = of.collect();
                let ends = (of.iter().min().copied().unwrap(), of.iter().max().copied().unwrap());
                assert_eq!(choices.bounds(figure), ends, "{figure:?} {counted:?} {undecided:?}");
            }
        }
    }

    #[test]
    fn what_may_be_several_calls_breaks_no_rule() {
        let latency = Latency { p50_ns: 60, ..Latency::default() };
        let side = OneSide {
            latency: Some(&latency),
            at_least: None,
            at_least_if_single: None,
            choices: None,
            is_unclear: true,
        };
        let check = |limit| LatencyRule { figure: LatencyFigure::Quantile(Quantile::P50), limit }.check(side);
        assert_eq!(check(Limit::Above(50)), RuleOutcome::MayBeSeveral);
        assert_eq!(check(Limit::Above(60)), RuleOutcome::Kept);
    }
}
