//! The sentence that stands beside a section's title: what the section shows of this trace.

use super::layout::View;
use super::relation::relation_of;
use crate::compare::Comparison;
use crate::compare::statistics::Quantile;
use crate::profile::{Candidates, FilteredStacks, Latency, Overlap, Profile, Request, Requests, TailRow};
use crate::render::clean::clean;
use crate::render::question;
use crate::render::units::{Share, count, counted, factor, shares, signed};
use std::collections::BTreeMap;

/// Of the quantiles.
pub(super) fn latency(view: &View<'_>, latency: &Latency) -> String {
    if latency.count == 1 {
        return String::new();
    }
    let times = view.ascii(factor(u128::from(latency.max_ns), u128::from(latency.p50_ns)));
    match times.as_str() {
        "" => String::new(),
        times => format!("The slowest took {times} the median."),
    }
}

/// Of the states of requests: the largest, its share in all and its share in the slowest.
pub(super) fn tail((row, all, slow): (&TailRow, Share, Share), latency: &Latency) -> String {
    let state = clean(&row.state);
    match latency.count {
        1 => format!("{all} is [{state}]."),
        _ if latency.slow_count == 1 => format!("{all} is [{state}]; of the slowest one {slow}."),
        _ => format!("{all} is [{state}]; of the slowest {slow}."),
    }
}

/// Of the states of goroutines.
pub(super) fn states(profile: &Profile) -> String {
    let weights: Vec<u64> = profile.states.iter().map(|state| state.weight.of(profile.metric)).collect();
    let rows = profile.states.iter().zip(weights.iter().zip(shares(&weights)));
    let largest = rows.max_by_key(|(_, (ns, _))| **ns);
    largest.map_or_else(String::new, |(state, (_, share))| format!("{share} is [{}].", clean(&state.state)))
}

/// Of the waits: who ended those that took longest together.
pub(super) fn wakeups(view: &View<'_>, profile: &Profile, requests: &Requests) -> String {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in &requests.wakeups {
        let who = match relation_of(profile, row) {
            ("outside", _) => "a goroutine outside",
            ("same request", _) => "the same request",
            ("not recorded", _) => "somebody that is not recorded",
            (who, _) => who.trim_end_matches(", by way of"),
        };
        let (ns, waits) = sums.entry(who).or_default();
        (*ns, *waits) = (ns.saturating_add(row.wait_ns), waits.saturating_add(row.count));
    }
    let most = sums.into_iter().max_by_key(|(who, (ns, _))| (*ns, std::cmp::Reverse(*who)));
    let Some((who, (ns, waits))) = most else { return String::new() };
    format!("Mostly {who}: {} in {}.", view.time(ns), counted(waits, "wait"))
}

/// Of the stacks, given their shares: how many have most of the time.
pub(super) fn stacks(shares: &[Share]) -> String {
    const MOST: u32 = 900;
    let mut largest: Vec<u32> = shares.iter().map(|share| share.0).collect();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    let mut sum = 0;
    let enough = largest.iter().take_while(|share| {
        let is_needed = sum < MOST;
        sum += **share;
        is_needed
    });
    let needed = enough.count() as u64;
    match shares.len() as u64 {
        0 => String::new(),
        1 => "All of the time is on one stack.".to_owned(),
        all if needed == 1 => format!("One of {} has {}% of the time.", counted(all, "stack"), MOST / 10),
        all => format!("{} of {} have {}% of the time.", count(needed), counted(all, "stack"), MOST / 10),
    }
}

/// Of stacks that are not all: which are shown, and how much of the time they have.
pub(super) fn filtered(filtered: &FilteredStacks, profile: &Profile) -> String {
    let (shown, whole) = (profile.shown().total.of(profile.metric), profile.total.of(profile.metric));
    format!("{} have {} of the time.", question::stack_options(&filtered.options), Share::of(shown, whole))
}

/// Of the slowest request: how slow, and on what.
pub(super) fn slowest(view: &View<'_>, requests: &Requests, request: &Request) -> String {
    let state = request.states.iter().max_by_key(|(_, ns)| *ns);
    let state = state.and_then(|(state, ns)| requests.state_names.get(usize::from(state)).map(|name| (name, ns)));
    let most = state.map(|(name, ns)| format!("{} of it [{}]", Share::of(ns, request.dur_ns), clean(name)));
    let median = requests.latency.as_ref().filter(|latency| latency.count > 1).map_or(0, |latency| latency.p50_ns);
    let times = view.ascii(factor(u128::from(request.dur_ns), u128::from(median)));
    match (times.as_str(), most) {
        ("", Some(most)) => format!("{most}."),
        ("", None) => String::new(),
        (times, None) => format!("It took {times} the median."),
        (times, Some(most)) => format!("It took {times} the median, {most}."),
    }
}

/// Of what was read.
pub(super) fn read(profile: &Profile) -> String {
    // A table that an engine has written does not say how much its traces had.
    let is_known = profile.traces.iter().all(|trace| trace.table.is_none() || trace.events > 0);
    let events = profile.traces.iter().fold(0_u64, |sum, trace| sum.saturating_add(trace.events));
    let events = counted(events, "event");
    if !is_known {
        String::new()
    } else if profile.complete() {
        format!("All of the trace was read: {events}.")
    } else {
        format!("Not all could be used: {events} were.")
    }
}

/// Of the collector and the stopped world.
pub(super) fn runtime(overlap: &Overlap, latency: &Latency) -> String {
    let own = overlap.mark_assist_ns.saturating_add(overlap.sweep_ns);
    let share = |ns| Share::of(ns, latency.total_ns);
    match (own, overlap.gc_ns, overlap.stw_count) {
        (0, 0, 0) => "No collection and no stopped world while requests ran.".to_owned(),
        (0, 0, n) => format!("The world was stopped {}, for {}.", counted(n, "time"), share(overlap.stw_ns)),
        (0, during, _) => format!("A collection ran during {} of the time; none helped it.", share(during)),
        (own, _, _) => format!("Requests did the collector's work {} of the time, waits for it aside.", share(own)),
    }
}

/// Of the findings.
pub(super) fn findings(requests: &Requests) -> String {
    match requests.findings.len() as u64 {
        1 => "One thing stands out.".to_owned(),
        n => format!("{} things stand out, the most important first.", count(n)),
    }
}

/// Of the handlers in the list.
pub(super) fn handlers(candidates: &Candidates) -> String {
    let handlers = candidates.handlers.iter().filter(|handler| handler.within.is_empty());
    let (n, requests) =
        handlers.fold((0, 0), |(n, sum): (u64, u64), handler| (n + 1, sum.saturating_add(handler.took.count())));
    if n == 0 { String::new() } else { format!("{} of {}.", counted(requests, "whole request"), counted(n, "handler")) }
}

/// Of the goroutines in the list.
pub(super) fn goroutines(candidates: &Candidates) -> String {
    let all = candidates.rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.count));
    format!("{} of {}.", counted(all, "goroutine"), counted(candidates.rows.len() as u64, "kind"))
}

/// Of the tasks and regions in the list.
pub(super) fn annotations(candidates: &Candidates) -> String {
    let all = candidates.annotations.iter().fold(0_u64, |sum, row| sum.saturating_add(row.took.count()));
    format!("{} whole ones of {}.", count(all), counted(candidates.annotations.len() as u64, "name"))
}

/// Of a comparison's latencies.
pub(super) fn compared(view: &View<'_>, comparison: &Comparison) -> String {
    let Some(change) = comparison.latency.quantile(Quantile::P50) else { return String::new() };
    format!("The median went from {} to {}.", view.time(change.base_ns), view.time(change.new_ns))
}

/// Of the stacks of a comparison.
pub(super) fn changed_stacks(view: &View<'_>, comparison: &Comparison, n: usize) -> String {
    match filtered_change(view, comparison) {
        Some((options, part)) => format!("{options} have {part}."),
        None => format!("{}, the largest change first.", counted(n as u64, "stack")),
    }
}

/// The options that chose among the stacks of a comparison, and how much of the change these have: `+2.3 ms of the +5.1 ms`.
pub(super) fn filtered_change(view: &View<'_>, comparison: &Comparison) -> Option<(String, String)> {
    let filtered = comparison.filtered.as_ref()?;
    let [shown, whole] = [filtered.shown, comparison.whole].map(|part| signed(part.delta_ns, view.options.unit));
    Some((question::stack_options(&filtered.options), view.ascii(format!("{shown} of the {whole}"))))
}
