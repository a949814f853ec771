//! `--fail-if` as it is typed: `p95>+10%`, `mean>+5ms`, `p99>250ms`.

use super::time_range;
use gotrace_slice::compare::statistics::Quantile;
use gotrace_slice::compare::{LatencyFigure, LatencyRule, Limit};

const FORMS: &str = "write p95>+10% or mean>+5ms (than the base), or p99>250ms; figures are mean p50 p90 p95 p99 max, \
                     units ns us ms s m";

/// Reads a rule.
pub(crate) fn parse(text: &str) -> Result<LatencyRule, String> {
    let Some((figure, limit)) = text.split_once('>') else {
        return Err(format!("a rule says from where on to fail: {FORMS}"));
    };
    let figure = match figure.trim() {
        "mean" => LatencyFigure::Mean,
        "max" => LatencyFigure::Max,
        "p50" => LatencyFigure::Quantile(Quantile::P50),
        "p90" => LatencyFigure::Quantile(Quantile::P90),
        "p95" => LatencyFigure::Quantile(Quantile::P95),
        "p99" => LatencyFigure::Quantile(Quantile::P99),
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
        (LatencyFigure::Max, Limit::LongerBy(_) | Limit::LongerByPart(_)) => {
            Err("max is one request, and chance alone makes it longer or shorter: give it a limit such as max>1s, or \
                 compare p99"
                .to_owned())
        }
        _ => Ok(LatencyRule { figure, limit }),
    }
}

/// In thousandths of a percent.
fn percent(text: &str) -> Result<u64, String> {
    let part = time_range::decimal(text.trim(), 1_000).and_then(|p| u64::try_from(p).ok());
    part.ok_or_else(|| format!("'{text}' is no number: {FORMS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let p95 = LatencyFigure::Quantile(Quantile::P95);
        for (text, figure, limit) in [
            ("p95>+10%", p95, Limit::LongerByPart(10_000)),
            ("p95 > +2.5 %", p95, Limit::LongerByPart(2_500)),
            ("mean>+5ms", LatencyFigure::Mean, Limit::LongerBy(5_000_000)),
            ("p99>250ms", LatencyFigure::Quantile(Quantile::P99), Limit::Above(250_000_000)),
            ("max>1s", LatencyFigure::Max, Limit::Above(1_000_000_000)),
            ("p50>+0", LatencyFigure::Quantile(Quantile::P50), Limit::LongerBy(0)),
        ] {
            assert_eq!(parse(text), Ok(LatencyRule { figure, limit }), "{text}");
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
