//! One side of a comparison: its requests as samples, and what rules look at.

use super::rules::{Choices, LatencyRule, OneSide, RuleOutcome};
use super::slow_rate::SideRequests;
use super::statistics::Durations;
use crate::profile::{CutRequest, Latency, Profile, Selection, TraceInfo, WithLikely};

/// One of the two sides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Side {
    /// Its traces; several are pooled.
    pub traces: Vec<TraceInfo>,
    /// What was asked for, and what it selected.
    pub selection: Selection,
    /// How many requests count.
    pub requests: usize,
    /// Requests cut by an edge of a trace or of `--time`.
    pub partial: u64,
    /// These requests.
    pub cut: Vec<CutRequest>,
    /// Whether those count nevertheless.
    pub include_partial: bool,
    /// What restricted the requests, as given.
    pub only: Option<String>,
    /// How long they took.
    pub latency: Latency,
    /// The least that this can be with requests that are cut; none without such requests.
    pub at_least: Option<Latency>,
    /// The same if those of them that may be several calls each were one call each; none without such ones.
    pub at_least_if_single: Option<Latency>,
    /// Requests whose edges are inferred.
    pub inferred: u64,
    /// Of these, the ones that may be several calls each.
    pub may_be_several: u64,
    /// The distribution with undecided requests that likely are of the roots; none without such ones.
    pub with_likely: Option<WithLikely>,
    /// The durations of the requests that count and of all undecided ones; none without undecided ones.
    pub with_undecided: Option<Durations>,
    /// The same, apart; none without undecided ones.
    pub choices: Option<Choices>,
}

impl Side {
    /// What rules look at.
    pub(crate) fn for_rules(&self) -> OneSide<'_> {
        OneSide {
            latency: Some(&self.latency),
            at_least: self.at_least.as_ref(),
            at_least_if_single: self.at_least_if_single.as_ref(),
            choices: self.choices.as_ref(),
            is_unclear: self.is_unclear(),
        }
    }

    /// Of a profile, with the durations of the requests that count; none without any.
    pub(super) fn of(profile: &Profile) -> Option<(Self, Durations)> {
        let requests = profile.requests.as_ref()?;
        let durations = Durations::new(requests.list.iter().map(|r| r.dur_ns).collect());
        let choices = choices(profile);
        let side = Self {
            traces: profile.traces.clone(),
            selection: profile.selection.clone(),
            requests: durations.len(),
            partial: requests.partial,
            cut: requests.cut.clone(),
            at_least: requests.at_least.clone(),
            at_least_if_single: requests.at_least_if_single.clone(),
            include_partial: requests.include_partial,
            only: requests.only.clone(),
            latency: requests.latency.clone()?,
            inferred: requests.inferred,
            may_be_several: requests.may_be_several,
            with_likely: requests.with_likely.clone(),
            with_undecided: choices.as_ref().map(|choices| choices.with(|_| true)),
            choices,
        };
        Some((side, durations))
    }

    /// The requests among all that the side's servers served. With `--only` those that count are no measure of slow ones.
    pub(super) fn all_requests<'a>(&'a self, counted: &'a Durations) -> SideRequests<'a> {
        let all = if self.only.is_some() { 0 } else { self.selection.same_servers.count() };
        let cut = if self.include_partial { &[][..] } else { &self.cut };
        SideRequests { counted, all, cut }
    }

    /// Whether so many requests may be several calls each that nothing can be said of the length of one: more than 5 %.
    pub fn is_unclear(&self) -> bool {
        is_unclear(self.may_be_several, self.requests)
    }
}

/// Whether more than 5 % of requests may be several calls each.
fn is_unclear(may_be_several: u64, requests: usize) -> bool {
    may_be_several.saturating_mul(20) > requests as u64
}

/// The durations of a profile's requests that count and of its undecided ones; none without undecided ones.
fn choices(profile: &Profile) -> Option<Choices> {
    let requests = profile.requests.as_ref()?;
    let undecided = &profile.selection.undecided.took.durations_ns;
    let counted = || requests.list.iter().map(|r| r.dur_ns).collect();
    (!undecided.is_empty()).then(|| Choices {
        counted: counted(),
        undecided: undecided.clone(),
        chosen_from: requests.chosen_from.clone(),
    })
}

/// What comes of a rule about the latencies of one profile.
pub fn check_rule(rule: &LatencyRule, profile: &Profile) -> RuleOutcome {
    let Some(requests) = &profile.requests else { return RuleOutcome::Kept };
    let choices = choices(profile);
    rule.check(OneSide {
        latency: requests.latency.as_ref(),
        at_least: requests.at_least.as_ref(),
        at_least_if_single: requests.at_least_if_single.as_ref(),
        choices: choices.as_ref(),
        is_unclear: is_unclear(requests.may_be_several, requests.list.len()),
    })
}
