//! Which rules of `--fail-if` are broken, in words.

use super::args::Args;
use super::console::Console;
use super::failure::{Failure, code};
use super::report::Report;
use gotrace_slice::compare::RuleOutcome;
use gotrace_slice::compare::statistics::{Change, LatencyChange};
use gotrace_slice::profile::{CutRequest, longest_cut};
use gotrace_slice::render::clean::clean;
use gotrace_slice::render::units::{self, Unit};

/// Says which rules are broken and why; none when all are kept.
pub(crate) fn find(args: &Args, report: &Report, console: &Console) -> Option<Failure> {
    let (mut why, mut not_told) = (Vec::new(), Vec::new());
    for (text, rule) in &args.fail_if {
        let name = text.split('>').next().unwrap_or_default().trim();
        match (report.check(rule), report.change()) {
            (RuleOutcome::Above(ns), _) => {
                why.push(format!("{text}: {name} is {}", units::duration(ns, Unit::Auto)));
            }
            (RuleOutcome::AboveWithCut(ns), _) => {
                let least = units::duration(ns, Unit::Auto);
                why.push(format!("{text}: {name} is at least {least}{}", because_of(report.cut())));
            }
            (RuleOutcome::Slower(change), Some(latency)) => {
                why.push(format!("{text}: {name} {}", words(&change, latency)));
            }
            (RuleOutcome::Unclear(change), Some(latency)) if !args.quiet => {
                let words = words(&change, latency);
                let reason = if latency.has_verdict() { "chance may explain it" } else { "there are too few requests" };
                console.remark(&format!("--fail-if {text} does not count, {reason}: {name} {words}"));
            }
            (RuleOutcome::DependsOnUndecided { without_ns, with_ns, base_ns }, _) => {
                let words = format!(
                    "--fail-if {text} is not decided, as it depends on undecided requests: {name} {}",
                    without_and_with((without_ns, with_ns), base_ns)
                );
                if args.strict {
                    not_told.push(words);
                } else {
                    console.remark(&words);
                }
            }
            (RuleOutcome::MayBeSeveral, _) => not_told.push(format!(
                "--fail-if {text} cannot be decided: too many requests may be several calls in a row, since nothing in the \
                 trace parts them; a region or a task around each call would"
            )),
            _ => {}
        }
    }
    if let (true, Some(first)) = (why.is_empty(), not_told.first()) {
        return Some(not_told.iter().skip(1).fold(Failure::new(first), Failure::detail));
    }
    let first = why.first()?;
    let failure = Failure::new(format!("--fail-if {first}")).code(code::RULE_BROKEN);
    Some(why.iter().skip(1).fold(failure, |failure, line| failure.detail(format!("--fail-if {line}"))))
}

/// `is 2.1 ms without them, 3.2 ms with some of them`; with those of the base, `goes from 1.1 ms to 2.1 ms without them, …`.
fn without_and_with((without_ns, with_ns): (u64, u64), base_ns: Option<(u64, u64)>) -> String {
    let time = |ns| units::duration(ns, Unit::Auto);
    let (without, with) = (time(without_ns), time(with_ns));
    match base_ns {
        None => format!("is {without} without them, {with} with some of them"),
        Some((base, base_with)) => format!(
            "goes from {} to {without} without them, from {} to {with} with some of them",
            time(base),
            time(base_with)
        ),
    }
}

/// The request that an edge cuts and that was seen longest.
fn because_of(cut: &[CutRequest]) -> String {
    let Some(request) = longest_cut(cut) else { return String::new() };
    let edge = if request.cut_end { "is not over at the end" } else { "began before the recording" };
    let root = clean(&request.root);
    let of = if root.is_empty() { String::new() } else { format!(" of {root}") };
    let seen = units::duration(request.at_least_ns, Unit::Auto);
    format!(", as a request{of} on goroutine {} {edge} and was seen for {seen}", request.goid)
}

/// `went from 61.2 ms to 112 ms, +50.8 ms (+83%), p < 0.001`.
fn words(change: &Change, latency: &LatencyChange) -> String {
    let time = |ns| units::duration(ns, Unit::Auto);
    let delta = units::signed(change.delta_ns, Unit::Auto);
    let part = units::percent(change.delta_ns, change.base_ns);
    let part = if part.is_empty() { part } else { format!(" ({part})") };
    format!(
        "went from {} to {}, {delta}{part}, p {}",
        time(change.base_ns),
        time(change.new_ns),
        units::probability(latency.p)
    )
}
