//! `--fail-if`: `p95>+10%`, `mean>+5ms`, `p99>250ms`; and what is said of a rule that is broken.

use super::args::Args;
use super::console::Console;
use super::failure::{Failure, code};
use super::report::Report;
use super::time_range;
use gotrace_slice::compare::statistics::{Change, LatencyChange, Quantile};
use gotrace_slice::compare::{Figure, Limit, Outcome, Rule};
use gotrace_slice::render::units::{self, Unit};

const FORMS: &str = "write p95>+10% or mean>+5ms (than the base), or p99>250ms; figures are mean p50 p90 p95 p99 max, \
                     units ns us ms s m";

/// Reads a rule.
pub(crate) fn parse(text: &str) -> Result<Rule, String> {
    let Some((figure, limit)) = text.split_once('>') else {
        return Err(format!("a rule says from where on to fail: {FORMS}"));
    };
    let figure = match figure.trim() {
        "mean" => Figure::Mean,
        "max" => Figure::Max,
        "p50" => Figure::Quantile(Quantile::P50),
        "p90" => Figure::Quantile(Quantile::P90),
        "p95" => Figure::Quantile(Quantile::P95),
        "p99" => Figure::Quantile(Quantile::P99),
        "" => return Err(format!("the figure is missing: {FORMS}")),
        other => return Err(format!("'{other}' is no figure: {FORMS}")),
    };
    let limit = limit.trim();
    let time = |text: &str| {
        let ns = time_range::duration(text).map_err(|e| format!("{e}: {FORMS}"));
        ns.map(i64::unsigned_abs)
    };
    let limit = match (limit.strip_prefix('+'), limit.strip_suffix('%')) {
        (Some(change), Some(_)) => Limit::LongerByPart(percent(change.trim_end_matches('%'))?),
        (Some(change), None) => Limit::LongerBy(time(change)?),
        (None, Some(_)) => return Err(format!("{limit} of what? +{limit} is that much more than the base: {FORMS}")),
        (None, None) => Limit::Above(time(limit)?),
    };
    match (figure, limit) {
        (Figure::Max, Limit::LongerBy(_) | Limit::LongerByPart(_)) => {
            Err("max is one request, and chance alone makes it longer or shorter: give it a limit such as max>1s, or \
                 compare p99"
                .to_owned())
        }
        _ => Ok(Rule { figure, limit }),
    }
}

/// In thousandths of a percent.
fn percent(text: &str) -> Result<u64, String> {
    let part = time_range::decimal(text.trim(), 1_000).and_then(|p| u64::try_from(p).ok());
    part.ok_or_else(|| format!("'{text}' is no number: {FORMS}"))
}

/// Says which rules are broken and why; none when all are kept.
pub(crate) fn broken(args: &Args, report: &Report, console: &Console) -> Option<Failure> {
    let mut why = Vec::new();
    for (text, rule) in &args.fail_if {
        let name = text.split('>').next().unwrap_or_default().trim();
        match (report.check(rule), report.change()) {
            (Outcome::Above(ns), _) => {
                why.push(format!("{text}: {name} is {}", units::duration(ns, Unit::Auto)));
            }
            (Outcome::Slower(change), Some(latency)) => why.push(format!("{text}: {name} {}", words(&change, latency))),
            (Outcome::Unclear(change), Some(latency)) if !args.quiet => {
                let words = words(&change, latency);
                let reason = if latency.has_verdict() { "chance may explain it" } else { "there are too few requests" };
                console.remark(&format!("--fail-if {text} does not count, {reason}: {name} {words}"));
            }
            _ => {}
        }
    }
    let first = why.first()?;
    let failure = Failure::new(format!("--fail-if {first}")).code(code::RULE_BROKEN);
    Some(why.iter().skip(1).fold(failure, |failure, line| failure.detail(format!("--fail-if {line}"))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let p95 = Figure::Quantile(Quantile::P95);
        for (text, figure, limit) in [
            ("p95>+10%", p95, Limit::LongerByPart(10_000)),
            ("p95 > +2.5 %", p95, Limit::LongerByPart(2_500)),
            ("mean>+5ms", Figure::Mean, Limit::LongerBy(5_000_000)),
            ("p99>250ms", Figure::Quantile(Quantile::P99), Limit::Above(250_000_000)),
            ("max>1s", Figure::Max, Limit::Above(1_000_000_000)),
            ("p50>+0", Figure::Quantile(Quantile::P50), Limit::LongerBy(0)),
        ] {
            assert_eq!(parse(text), Ok(Rule { figure, limit }), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("p95", "from where on"),
            (">+10%", "figure is missing"),
            ("p98>1s", "'p98' is no figure"),
            ("p95>10%", "+10% is that much more"),
            ("p95>+x%", "'x' is no number"),
            ("p95>-5ms", "unknown unit"),
            ("mean>5", "no unit"),
            ("max>+5ms", "max>1s"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
