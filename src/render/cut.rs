//! Requests that an edge cuts, in words.

use super::units::{Unit, count, duration};
use crate::profile::{CutCount, CutCounts, CutRequest};

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
    ways.into_iter().filter(|(way, _)| way.count > 0).map(|(way, how)| phrase(way, how, unit)).collect()
}

fn phrase(way: CutCount, how: &str, unit: Unit) -> String {
    let longest = if way.count > 1 { "the longest " } else { "" };
    let likely = way.likely_at_least_ns.map(|ns| format!(", likely ≥ {}", duration(ns, unit))).unwrap_or_default();
    format!("{} {how}: {longest}≥ {}{likely}", count(way.count), duration(way.at_least_ns, unit))
}

/// What follows a count of requests that leaves others out: ` (+ 1 cut: ≥ 60.0 ms)`; empty without others.
pub(crate) fn beside(cut: &[CutRequest], include_partial: bool, unit: Unit) -> String {
    let all = CutCounts::of(cut).all();
    if include_partial || all.count == 0 {
        return String::new();
    }
    format!(" (+ {})", phrase(all, "cut", unit))
}
