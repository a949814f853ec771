//! Two sides compared, for people: what was compared, by how much latencies differ, and what explains it.

mod beside;
mod stacks;
mod tables;

pub(crate) use stacks::{ChangedStack, change_in_words, changed_stacks};

use super::head::matched_and_others;
use super::layout::{self, View};
use super::sentences;
use crate::compare::statistics::{MIN_REQUESTS, Quantile};
use crate::compare::{Comparison, Presence, Side, SlowRate, StateChange, Verdict};
use crate::profile::{ProfileFrame, TraceInfo};
use crate::render::Options;
use crate::render::clean::clean;
use crate::render::units::{count, counted, duration, percent, probability};
use crate::render::{cut, names};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Most traces of a side that are named.
const MAX_NAMES: usize = 4;
/// Columns of the labels of the head.
const LABEL: usize = 10;

/// Writes the report of a comparison.
pub(crate) fn write(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let view = View::new(options);
    let verdict = view.ascii(verdict(comparison, options));
    layout::wrapped(&verdict, 0, options.width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    if options.summary {
        return Ok(());
    }
    writeln!(out)?;
    head(&view, comparison, out)?;
    tables::latency(&view, comparison, out)?;
    tables::states(&view, comparison, out)?;
    stacks::write(&view, comparison, out)
}

/// The lines of the report that say what was compared, each with its label at the start.
pub(crate) fn compared(comparison: &Comparison, options: &Options) -> io::Result<String> {
    let mut lines = Vec::new();
    head(&View::new(options), comparison, &mut lines)?;
    String::from_utf8(lines).map_err(io::Error::other)
}

fn head(view: &View<'_>, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let differ = beside::functions_differ(comparison);
    view.items(out, "base", LABEL, &side(view, &comparison.base, differ))?;
    view.items(out, "new", LABEL, &side(view, &comparison.new, differ))?;
    view.items(out, "compared", LABEL, &how(view, comparison))
}

/// Its traces, what was asked of them, and how many requests count; `differ` says whether the sides matched different functions.
fn side(view: &View<'_>, side: &Side, differ: bool) -> Vec<String> {
    let unit = view.options.unit;
    let patterns: Vec<String> = side.selection.patterns.iter().map(|p| format!("'{}'", clean(p))).collect();
    let name = |t: &TraceInfo| {
        if t.complete { clean(&t.name).into_owned() } else { format!("{} (INCOMPLETE)", clean(&t.name)) }
    };
    let mut items: Vec<String> = side.traces.iter().take(MAX_NAMES).map(name).collect();
    if side.traces.len() > MAX_NAMES {
        items.push(format!("{} more traces", count((side.traces.len() - MAX_NAMES) as u64)));
    }
    items.push(format!("{} of {}", counted(side.requests as u64, "request"), patterns.join(" or ")));
    items.extend(matched_and_others(view, &side.selection, differ));
    items.extend(side.only.as_ref().map(|only| format!("chosen by {}", clean(only))));
    if side.include_partial && side.partial > 0 {
        items.push(format!("{} of them cut by an edge", count(side.partial)));
    }
    let undecided = &side.selection.undecided;
    if undecided.count() > 0 {
        items.push(format!("{} undecided, up to {}", count(undecided.count()), view.time(undecided.max_ns())));
    }
    if side.may_be_several > 0 {
        items.push(format!("{} may be several calls each", count(side.may_be_several)));
    } else if side.inferred > 0 {
        items.push(format!("{} with inferred edges", count(side.inferred)));
    }
    items.extend(
        cut::in_words(&side.cut, side.selection.time.is_some(), unit).into_iter().map(|words| view.ascii(words)),
    );
    items
}

fn how(view: &View<'_>, comparison: &Comparison) -> Vec<String> {
    let per = if comparison.options.total { "sums over all requests" } else { "per request" };
    let mut items = vec![per.to_owned(), "+ is slower than the base".to_owned()];
    items.push(match comparison.options.by.depth() {
        Some(depth) => format!("stacks match by {} from the root on", counted(depth as u64, "function")),
        None => format!("stacks match by {}", comparison.options.by.name()),
    });
    if comparison.options.roots_alike {
        items.push("(root) is the root of either side".to_owned());
    }
    items.extend(
        sentences::filtered_change(view, comparison).map(|(options, part)| format!("stacks of {options}: {part}")),
    );
    items
}

/// What chance may explain, for below the table of latencies: the test of all latencies, and how many of all requests are
/// slow ones, where that is known and the verdict does not say it.
pub(crate) fn significance(comparison: &Comparison, options: &Options) -> Vec<String> {
    let is_few = comparison.verdict() == Verdict::TooFewRequests || !comparison.latency.has_verdict();
    let doubt = if is_few { "too few requests to tell" } else { "chance may explain it" };
    let of_all = match comparison.p() {
        Some(p) => format!("p {} (Mann-Whitney, all latencies); ~ {doubt}", probability(p)),
        None => "no p: how long one call took is not known; ~ chance may explain it".to_owned(),
    };
    let rate = comparison.slow_rate.filter(|_| comparison.verdict() != Verdict::SlowRate);
    std::iter::once(of_all).chain(rate.map(|rate| slow_requests(&rate, options))).collect()
}

/// What comes of it, as sentences; and whether requests that the traces leave undecided could change it.
pub(crate) fn verdict(comparison: &Comparison, options: &Options) -> String {
    let mut text = verdict_on_counted(comparison, options);
    text += &beside::different_functions(comparison, options);
    text += &beside::longer_than_any(comparison, options);
    if comparison.depends_on_undecided {
        let of = |side: &Side| side.selection.undecided.count();
        let requests = |n| counted(n, "undecided request");
        let who = match (of(&comparison.base), of(&comparison.new)) {
            (0, new) => format!("{} of the new side", requests(new)),
            (base, 0) => format!("{} of the base", requests(base)),
            (base, new) => format!("{} of the base and {} of the new side", requests(base), count(new)),
        };
        let _ = write!(text, " {who} could change that.");
    }
    text + &beside::with_likely(comparison, options)
}

fn verdict_on_counted(comparison: &Comparison, options: &Options) -> String {
    let latency = &comparison.latency;
    let p = probability(latency.p);
    match comparison.verdict() {
        Verdict::TooFewRequests => {
            let (base, new) = (count(latency.base_requests as u64), count(latency.new_requests as u64));
            format!("No verdict: {base} and {new} requests are too few, it takes {MIN_REQUESTS} a side.")
        }
        Verdict::NotSignificant => format!("No difference that chance does not explain (p {p})."),
        Verdict::SlowRate => match comparison.slow_rate {
            Some(rate) => slow_rate(&rate, options),
            None => String::new(),
        },
        Verdict::MayBeSeveral => format!(
            "No verdict: {} of the base and {} of the new side may be several calls in a row, since nothing in the trace parts \
             them, and so how long one took is not known. A region or a task around each call would tell.",
            counted(comparison.base.may_be_several, "request"),
            count(comparison.new.may_be_several)
        ),
        Verdict::Significant => {
            let mean = &latency.mean;
            let word = |delta: i64| if delta > 0 { "Slower" } else { "Faster" };
            let by = percent(mean.delta_ns, mean.base_ns);
            let median = latency.quantile(Quantile::P50).filter(|c| latency.is_clear(c));
            let first = if latency.is_clear(mean) {
                format!("{}: the mean by {by} (p {p}).", word(mean.delta_ns))
            } else if let Some(median) = median {
                let by = percent(median.delta_ns, median.base_ns);
                format!("{}: the median by {by} (p {p}); the mean is not sure.", word(median.delta_ns))
            } else {
                return format!("Latencies differ (p {p}), but neither the mean nor the median is sure.");
            };
            format!("{first}{}", biggest(comparison, options))
        }
    }
}

/// What the number of slow requests says where the durations of those that count do not.
fn slow_rate(rate: &SlowRate, options: &Options) -> String {
    let word = if rate.is_slower() == Some(true) { "Slower" } else { "Faster" };
    format!("{word}: {}.", slow_requests(rate, options))
}

/// `2 of 41 requests of these servers are slow ones of the roots (2.1 ms or more), 39 of 40 on the base (p < 0.001, if both
/// have a like mix of endpoints)`.
fn slow_requests(rate: &SlowRate, options: &Options) -> String {
    let [new, base] = [rate.new, rate.base].map(|part| format!("{} of {}", count(part.some), count(part.all)));
    let threshold = duration(rate.threshold_ns, options.unit);
    let p = probability(rate.p);
    format!(
        "{new} requests of these servers are slow ones of the roots ({threshold} or more), {base} on the base (p {p}, if \
         both have a like mix of endpoints)"
    )
}

/// The part that explains most of the change: of those with its sign, the first.
fn biggest(comparison: &Comparison, options: &Options) -> String {
    let sign = comparison.whole.delta_ns.signum();
    let state = comparison.states.iter().find(|s| s.delta.delta_ns.signum() == sign && sign != 0);
    let Some(StateChange { state, delta }) = state else { return String::new() };
    let part = percent(delta.delta_ns, comparison.whole.delta_ns.unsigned_abs());
    let part = part.trim_start_matches(['+', '−']);
    let stack = changed_stacks(comparison, &comparison.stacks, options, usize::MAX)
        .into_iter()
        .find(|s| &s.state == state && s.delta.delta_ns.signum() == sign);
    let waited = stack.as_ref().map_or("", |s| &s.waited_in);
    let waited = if waited.is_empty() || waited == state {
        String::new()
    } else {
        format!(" of other goroutines while requests waited in [{}]", clean(waited))
    };
    let place = stack.map_or_else(String::new, |s| {
        let below = if s.below.is_empty() { String::new() } else { one_sided_below(comparison, state, sign) };
        let one_sided = if below.is_empty() { one_sided(comparison, &s, options) } else { below };
        format!(", most in {}{}{one_sided}", s.in_short, s.below)
    });
    format!(" The biggest part is [{}]{waited}, {part} of the change{place}.", clean(state))
}

/// Whether the own function of a stack, or else what that calls there, is on one side alone. A stack can be so where its
/// functions are not.
fn one_sided(comparison: &Comparison, stack: &ChangedStack, options: &Options) -> String {
    let frames: Vec<&ProfileFrame> = comparison.tree.own_goroutine(stack.leaf).collect();
    let at = frames.iter().position(|frame| comparison.own_code.has(frame));
    let innermost = at.map(|at| frames[at]);
    let callee = at.and_then(|at| at.checked_sub(1)).map(|at| frames[at]);
    let side = |frame: &ProfileFrame| match comparison.presence_of(&frame.function)? {
        Presence::Both => None,
        presence => Some(presence.name()),
    };
    match (innermost.and_then(side), callee) {
        (Some(side), _) => format!(", which is {side}"),
        (None, Some(callee)) => side(callee).map_or_else(String::new, |side| {
            format!(", where the call of {} is {side}", names::function(&callee.function, options.full_names))
        }),
        (None, None) => String::new(),
    }
}

/// What only one side calls where most of a state's change is known only down to a function.
fn one_sided_below(comparison: &Comparison, state: &str, sign: i64) -> String {
    let known_in_part = comparison.stacks.iter().filter(|s| s.bracketed && s.state == state);
    let most =
        known_in_part.filter(|s| s.delta.delta_ns.signum() == sign).max_by_key(|s| s.delta.delta_ns.unsigned_abs());
    let one_sided = most.and_then(|most| comparison.one_sided_below(most));
    one_sided.map_or_else(String::new, |(function, presence)| {
        format!(", below which {} is {}", clean(function), presence.name())
    })
}

#[cfg(test)]
mod tests;
