//! Requests that an edge cuts, in words.

use super::units::{Unit, count, duration};
use crate::profile::{CutCount, CutCounts, CutRequest, LongestSeen, MatchedFunction};

/// A phrase for each way in which requests are cut: `1 not over at the end: ≥ 60.0 ms`. `has_time` says whether `--time`
/// has edges of its own.
pub(crate) fn in_words(cut: &[CutRequest], has_time: bool, unit: Unit) -> Vec<String> {
    let counts = CutCounts::of(cut);
    let (end, start, whole) = if has_time {
        ("not over at the end of --time", "began before --time", "under way all of --time")
    } else {
        ("not over at the end", "began before the recording", "under way all the time")
    };
    let ways = [(counts.open, end), (counts.older, start), (counts.throughout, whole)];
    ways.into_iter().filter(|(way, _)| way.count() > 0).map(|(way, how)| phrase(way, how, unit)).collect()
}

fn phrase(way: CutCount, how: &str, unit: Unit) -> String {
    let CutCount { single, several } = way;
    let n = count(way.count());
    let longest = if way.count() > 1 { "the longest " } else { "" };
    let bounds = |seen: LongestSeen| {
        let likely =
            seen.likely_at_least_ns.map_or_else(String::new, |ns| format!(", likely ≥ {}", duration(ns, unit)));
        format!("≥ {}{likely}", duration(seen.at_least_ns, unit))
    };
    match (single.count, several.count) {
        (0, _) => format!("{n} {how}: {longest}{} if it is one call", bounds(several)),
        (_, 0) => format!("{n} {how}: {longest}{}", bounds(single)),
        (_, more) => format!("{n} {how}: {longest}{} ({} may be several calls)", bounds(single), count(more)),
    }
}

/// What follows a count of requests that leaves others out: ` (+ 1 cut: ≥ 60.0 ms)`; empty without others.
pub(crate) fn beside(cut: &[CutRequest], include_partial: bool, unit: Unit) -> String {
    let all = CutCounts::of(cut).all();
    if include_partial || all.count() == 0 {
        return String::new();
    }
    format!(" (+ {})", phrase(all, "cut", unit))
}
/// How many requests a function gave that count, and how many that are cut.
pub(crate) fn matched(function: &MatchedFunction) -> String {
    match (function.requests, function.cut) {
        (n, 0) => count(n),
        (0, cut) => format!("{} cut", count(cut)),
        (n, cut) => format!("{} and {} cut", count(n), count(cut)),
    }
}
