//! `--only`: `p95..`, `..p50`, `p40..p60`, `100ms..`, `..20ms`, `5ms..20ms`.

use super::time_range;
use gotrace_slice::profile::{Edge, Only};

const FORMS: &str =
    "write p95.. (the slowest 5 %), p40..p60, 100ms.. or 5ms..20ms; units are ns us ms s m, percentiles p0 to p100";

/// Reads a range of durations or percentiles.
pub(crate) fn parse(text: &str) -> Result<Only, String> {
    let Some((from, to)) = text.split_once("..") else {
        return Err(format!("a range has two dots: {FORMS}"));
    };
    let (from, to) = (edge(from)?, edge(to)?);
    let empty = match (from, to) {
        (None, None) => return Err(format!("the range has no end: {FORMS}")),
        (Some(Edge::Percentile(from)), Some(Edge::Percentile(to))) => from >= to,
        (Some(Edge::Time(from)), Some(Edge::Time(to))) => from >= to,
        (from, to) => from == Some(Edge::Percentile(Edge::P100)) || to == Some(Edge::Percentile(0)),
    };
    if empty { Err("the range is empty".to_owned()) } else { Ok(Only::Range { from, to }) }
}

/// None where the range is open.
fn edge(text: &str) -> Result<Option<Edge>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(percent) = text.strip_prefix(['p', 'P']) {
        // A decimal, as of a unit of 1000 parts.
        let thousandths = time_range::decimal(percent, 1000).filter(|&p| p <= i64::from(Edge::P100));
        let thousandths = thousandths.and_then(|p| u32::try_from(p).ok());
        return match thousandths {
            Some(p) => Ok(Some(Edge::Percentile(p))),
            None => Err(format!("'{text}' is no percentile: {FORMS}")),
        };
    }
    let ns = time_range::duration(text).map_err(|e| format!("{e}: {FORMS}"))?;
    Ok(Some(Edge::Time(ns.unsigned_abs())))
}

/// Reads the number of `--slowest`.
pub(crate) fn parse_slowest(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "give a number of requests, at least 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let p = |p| Some(Edge::Percentile(p));
        let t = |ns| Some(Edge::Time(ns));
        for (text, from, to) in [
            ("p95..", p(95_000), None),
            ("..p50", None, p(50_000)),
            ("p40..p60", p(40_000), p(60_000)),
            ("p99.9..", p(99_900), None),
            ("p0..p100", p(0), p(100_000)),
            ("100ms..", t(100_000_000), None),
            ("..20ms", None, t(20_000_000)),
            ("1.5ms..2s", t(1_500_000), t(2_000_000_000)),
            ("p50..1s", p(50_000), t(1_000_000_000)),
            (" P50 .. ", p(50_000), None),
        ] {
            assert_eq!(parse(text).unwrap(), Only::Range { from, to }, "{text}");
        }
        assert_eq!(parse_slowest("3"), Ok(3));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("p95", "two dots"),
            ("..", "no end"),
            ("", "two dots"),
            ("p60..p40", "empty"),
            ("20ms..20ms", "empty"),
            ("p100..", "empty"),
            ("..p0", "empty"),
            ("p101..", "no percentile"),
            ("p..", "no percentile"),
            ("px..", "no percentile"),
            ("100..", "no unit"),
            ("1h..", "unknown unit"),
            ("p1...p2", "unknown unit"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(parse_slowest("0").is_err() && parse_slowest("-1").is_err());
    }
}
