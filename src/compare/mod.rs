//! How much longer requests take on the new side than on the base, and what explains it.
//!
//! In: two finished [`Profile`]s with requests, and [`CompareOptions`]. Out: a [`Comparison`].
//!
//! ```text
//!   base ─┐  1 durations ── statistics/ ─────────► latency: mean, quantiles, p-value
//!         ├─►2 time by state ──┐
//!   new  ─┘  3 time by stack ──┴─ apportion ─────► states and stacks: what each adds to the change
//! ```
//!
//! 1. The durations of the requests of both sides are compared as two samples.
//! 2. States are matched by name, and stacks by their functions, or by lines too (`stacks`). Both sides tell chains of waits by
//!    as many waits as the side that tells fewer (`told_alike`).
//! 3. The change of the mean request is split over the states, and over the stacks, in whole nanoseconds that add up to
//!    it exactly (`apportion`).
//!
//! `filtered` are the stacks that a filter leaves; states and verdict are of all. `rules` says whether latencies, or a comparison, exceed a limit. Swapping the sides changes every sign and nothing
//! else; a side compared with itself differs by 0.

pub mod apportion;
mod filtered;
mod rules;
mod side;
mod slow_rate;
mod stacks;
pub mod statistics;
mod told_alike;
mod undecided;

pub use filtered::FilteredChanges;
pub use rules::{Choices, LatencyFigure, LatencyRule, Limit, OneSide, RuleOutcome};
pub use side::{Side, check_rule};
pub use slow_rate::SlowRate;
pub use stacks::{Presence, StackChange};

use crate::compare::apportion::{RequestCounts, SideSums, apportion, apportion_mean};
use crate::compare::statistics::{Change, Durations, LatencyChange};
use crate::compare::undecided::{SideSamples, could_change};
use crate::profile::{Latency, OwnCode, Profile, StackTree, TraceInfo};
use crate::trace::error::Warning;
use std::collections::{BTreeMap, BTreeSet};

/// What makes two stacks of two sides the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MatchBy {
    /// The names of their functions: two builds of one program can be compared.
    #[default]
    Function,
    /// Functions, files and lines: for one build.
    Line,
    /// The names of so many functions, from the root's on: what is below them is added up.
    Depth(usize),
}

impl MatchBy {
    /// Its name on the command line and in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Line => "line",
            Self::Depth(_) => "depth",
        }
    }

    /// The depth; none where whole stacks are compared.
    pub fn depth(self) -> Option<usize> {
        if let Self::Depth(depth) = self { Some(depth) } else { None }
    }
}

/// How two sides are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CompareOptions {
    /// What makes two stacks the same.
    pub by: MatchBy,
    /// Sums over all requests instead of a mean request.
    pub total: bool,
    /// The sides have roots of different names: stacks are compared from the root on, whatever it is called.
    pub roots_alike: bool,
}

/// A time on both sides: of a mean request, or of all with [`CompareOptions::total`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Delta {
    /// On the base, in ns.
    pub base_ns: u64,
    /// On the new side, in ns.
    pub new_ns: u64,
    /// New less base before either was rounded, so it can be off their difference by 2 ns; positive means slower.
    pub delta_ns: i64,
}

/// How the time in one state changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateChange {
    /// The state's name.
    pub state: String,
    /// How much.
    pub delta: Delta,
}

/// Whether chance explains the difference as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A side has fewer than [`MIN_REQUESTS`](crate::compare::statistics::MIN_REQUESTS).
    TooFewRequests,
    /// Chance explains it.
    NotSignificant,
    /// Chance does not.
    Significant,
    /// The requests that count do not show a difference that chance does not explain, or are too few; but the part of
    /// slow ones among all requests of the servers differs ([`SlowRate`]).
    SlowRate,
    /// More than 5 % of a side's requests may be several calls each: the length of one is not known.
    MayBeSeveral,
}

impl Verdict {
    /// Its name in outputs for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooFewRequests => "too-few-requests",
            Self::NotSignificant => "not-significant",
            Self::Significant => "significant",
            Self::SlowRate => "slow-rate",
            Self::MayBeSeveral => "may-be-several",
        }
    }
}

/// What differs between two sides.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// How they were compared.
    pub options: CompareOptions,
    /// The base.
    pub base: Side,
    /// The new side.
    pub new: Side,
    /// How the latencies differ, per request.
    pub latency: LatencyChange,
    /// How the latencies differ if all undecided requests are of the roots; none without such requests.
    pub with_undecided: Option<LatencyChange>,
    /// Whether the verdict could be another one if undecided requests of one side or both are of the roots.
    pub depends_on_undecided: bool,
    /// How many of all requests of the servers are slow ones of the roots; none where that is not known.
    pub slow_rate: Option<SlowRate>,
    /// Whether different roots of the same traces are compared: then the rate of slow requests says how often each was called,
    /// and gives no verdict.
    pub are_roots_of_one_recording: bool,
    /// The sum of all states, and of all stacks.
    pub whole: Delta,
    /// The change by state: the largest first, whichever sign it has.
    pub states: Vec<StateChange>,
    /// The stacks of both sides. Matched by function, their frames have no file and no line.
    pub tree: StackTree,
    /// Which functions on them are the program's own, on either side.
    pub own_code: OwnCode,
    /// The change by stack and state: the largest first, whichever sign it has.
    pub stacks: Vec<StackChange>,
    /// What a filter left of the stacks; none where the sides were not filtered.
    pub filtered: Option<FilteredChanges>,
    /// What the reader must know; traces are counted through the new side's and then the base's.
    pub warnings: Vec<Warning>,
}

impl Comparison {
    /// Of the functions that a stack calls on one side alone, the one with most time, and that side; `None` where both
    /// sides call the same functions.
    pub fn one_sided_below(&self, at: &StackChange) -> Option<(&str, Presence)> {
        stacks::one_sided_below(&self.tree, &self.stacks, at)
    }

    /// On which sides a function is on stacks; none where it is on none.
    pub fn presence_of(&self, function: &str) -> Option<Presence> {
        stacks::presence_of(&self.tree, &self.stacks, function)
    }

    /// Compares two profiles by their latency; none when a side has no request that counts.
    pub fn of(new: &Profile, base: &Profile, options: CompareOptions) -> Option<Self> {
        let (base_side, base_durations) = Side::of(base)?;
        let (new_side, new_durations) = Side::of(new)?;
        let latency = LatencyChange::of(&base_durations, &new_durations)?;
        let scale = if options.total {
            RequestCounts { base: 1, new: 1 }
        } else {
            RequestCounts { base: base_durations.len(), new: new_durations.len() }
        };
        let sums = SideSums { base_ns: sum(&base_durations), new_ns: sum(&new_durations) };
        let mut tree = StackTree::default();
        let [told_new, told_base] = &told_alike::told_alike([new, base]);
        let stacks = stacks::compare(told_new, told_base, options, scale, |profile| &profile.samples, &mut tree);
        let filtered = FilteredChanges::of(told_new, told_base, options, scale, &mut tree);
        let mut comparison = Self {
            options,
            latency,
            depends_on_undecided: false,
            with_undecided: with_undecided((&base_side, &base_durations), (&new_side, &new_durations)),
            slow_rate: SlowRate::of(base_side.all_requests(&base_durations), new_side.all_requests(&new_durations)),
            are_roots_of_one_recording: are_roots_of_one_recording(new, base),
            whole: deltas(&[sums], scale).pop().unwrap_or_default(),
            states: states(new, base, scale),
            own_code: OwnCode::of_profiles([new, base]),
            tree,
            stacks,
            filtered,
            warnings: warnings(new, base),
            base: base_side,
            new: new_side,
        };
        comparison.depends_on_undecided = comparison.could_change(&base_durations, &new_durations);
        Some(comparison)
    }

    /// Whether undecided requests could change the verdict, given the durations of those that count.
    fn could_change(&self, base: &Durations, new: &Durations) -> bool {
        let base = SideSamples { counted: base, with_undecided: self.base.with_undecided.as_ref() };
        let new = SideSamples { counted: new, with_undecided: self.new.with_undecided.as_ref() };
        match (self.verdict(), self.slow_rate) {
            (Verdict::MayBeSeveral, _) => false,
            (Verdict::SlowRate, Some(rate)) => {
                base.has_undecided_from(rate.threshold_ns) || new.has_undecided_from(rate.threshold_ns)
            }
            _ => could_change(base, new),
        }
    }

    /// What can be said of the difference.
    pub fn verdict(&self) -> Verdict {
        let rate_differs = self.slow_rate.is_some_and(|rate| rate.is_significant() && rate.is_slower().is_some())
            && !self.are_roots_of_one_recording;
        match (self.latency.has_verdict(), self.latency.is_significant()) {
            _ if self.base.is_unclear() || self.new.is_unclear() => Verdict::MayBeSeveral,
            (true, true) => Verdict::Significant,
            _ if rate_differs => Verdict::SlowRate,
            (false, _) => Verdict::TooFewRequests,
            (true, false) => Verdict::NotSignificant,
        }
    }

    /// The p of the test of all latencies; none where requests may be several calls each, so that nobody knows how long one
    /// took.
    pub fn p(&self) -> Option<f64> {
        (self.verdict() != Verdict::MayBeSeveral).then_some(self.latency.p)
    }

    /// Whether chance does not explain a change, and it is known how long requests took.
    pub fn is_clear(&self, change: &Change) -> bool {
        self.p().is_some() && self.latency.is_clear(change)
    }

    /// The stacks that are shown: all, or what a filter left of them.
    pub fn shown_stacks(&self) -> &[StackChange] {
        self.filtered.as_ref().map_or(&self.stacks, |filtered| &filtered.stacks)
    }

    /// Whether every trace of both sides was read whole.
    pub fn complete(&self) -> bool {
        self.traces().all(|t| t.complete)
    }

    /// The traces of the new side, and then those of the base.
    pub fn traces(&self) -> impl Iterator<Item = &TraceInfo> {
        self.new.traces.iter().chain(&self.base.traces)
    }
}

/// Whether different roots of the same traces are compared: how many requests are of which says how often each was called.
fn are_roots_of_one_recording(new: &Profile, base: &Profile) -> bool {
    // Recordings of one name may be of different weeks.
    let identity = |trace: &TraceInfo| (trace.name.clone(), trace.clock_start_ns, trace.duration_ns, trace.events);
    let traces = |profile: &Profile| profile.traces.iter().map(identity).collect::<BTreeSet<_>>();
    new.selection.patterns != base.selection.patterns && traces(new) == traces(base)
}

/// How latencies differ if all undecided requests of both sides are of the roots; none without such requests.
fn with_undecided(
    (base, base_counted): (&Side, &Durations),
    (new, new_counted): (&Side, &Durations),
) -> Option<LatencyChange> {
    if base.with_undecided.is_none() && new.with_undecided.is_none() {
        return None;
    }
    let base = base.with_undecided.as_ref().unwrap_or(base_counted);
    LatencyChange::of(base, new.with_undecided.as_ref().unwrap_or(new_counted))
}

fn sum(durations: &Durations) -> u64 {
    u64::try_from(durations.sum_ns()).unwrap_or(u64::MAX)
}

/// The time of each part in a mean request of both sides, and what it adds to the change. The order of the parts decides
/// between equal remainders, so it must not depend on which side is the base.
fn deltas(parts: &[SideSums], scale: RequestCounts) -> Vec<Delta> {
    let side = |of: fn(&SideSums) -> u64, n: usize| apportion_mean(&parts.iter().map(of).collect::<Vec<_>>(), n);
    let (base, new) = (side(|p| p.base_ns, scale.base), side(|p| p.new_ns, scale.new));
    let sides = base.into_iter().zip(new);
    let delta = |(delta_ns, (base_ns, new_ns))| Delta { base_ns, new_ns, delta_ns };
    apportion(parts, scale).into_iter().zip(sides).map(delta).collect()
}

fn states(new: &Profile, base: &Profile, scale: RequestCounts) -> Vec<StateChange> {
    let mut parts: BTreeMap<&str, SideSums> = BTreeMap::new();
    for total in base.states.iter().filter(|s| s.weight.latency_ns > 0) {
        parts.entry(&total.state).or_default().base_ns = total.weight.latency_ns;
    }
    for total in new.states.iter().filter(|s| s.weight.latency_ns > 0) {
        parts.entry(&total.state).or_default().new_ns = total.weight.latency_ns;
    }
    let deltas = deltas(&parts.values().copied().collect::<Vec<_>>(), scale);
    let change = |(state, delta): (&&str, Delta)| StateChange { state: (*state).to_owned(), delta };
    let mut states: Vec<StateChange> = parts.keys().zip(deltas).map(change).collect();
    states.sort_by_key(|s| std::cmp::Reverse(rank(s.delta)));
    states
}

/// The order of rows, largest first: by the size of the change, then by the longer time.
fn rank(delta: Delta) -> (u64, u64) {
    (delta.delta_ns.unsigned_abs(), delta.base_ns.max(delta.new_ns))
}

/// The warnings of both sides. A warning about a trace that is on both sides is listed once.
fn warnings(new: &Profile, base: &Profile) -> Vec<Warning> {
    let name = |side: &Profile, w: &Warning| w.trace.and_then(|i| side.traces.get(i)).map(|t| t.name.clone());
    let known = |w: &Warning| {
        new.warnings
            .iter()
            .any(|n| (n.id, &n.message, n.offset) == (w.id, &w.message, w.offset) && name(new, n) == name(base, w))
    };
    let moved = |w: &Warning| Warning { trace: w.trace.map(|i| i + new.traces.len()), ..w.clone() };
    new.warnings.iter().cloned().chain(base.warnings.iter().filter(|w| !known(w)).map(moved)).collect()
}

#[cfg(test)]
mod tests;
