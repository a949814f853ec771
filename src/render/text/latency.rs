//! How long the requests took: the quantiles, a small histogram, and how many were at work at once.

use super::layout::{BOLD, DIM, PLAIN, View, width, wrapped};
use super::sentences;
use crate::profile::{CutCount, CutCounts, Latency, Requests};
use crate::render::units::{counted, thousandths};
use std::io::{self, Write};

/// Columns between two numbers.
const GAP: usize = 3;
/// Signs of a histogram, from the lowest to the highest. Empty steps are blank.
const LEVELS: &str = "▁▂▃▄▅▆▇█";
const LEVELS_ASCII: &str = ".:-=+*#@";

pub(super) fn write(view: &View<'_>, latency: &Latency, requests: &Requests, out: &mut dyn Write) -> io::Result<()> {
    let cut = if requests.include_partial { CutCount::default() } else { CutCounts::of(&requests.cut).all() };
    let whole = if cut.count() > 0 { "whole request" } else { "request" };
    let title = format!("LATENCY of {}", counted(latency.count, whole));
    view.title(out, &title, &sentences::latency(view, latency))?;
    let of_one = [("", latency.max_ns)];
    let of_many = [
        ("min ", latency.min_ns),
        ("p50 ", latency.p50_ns),
        ("p90 ", latency.p90_ns),
        ("p95 ", latency.p95_ns),
        ("p99 ", latency.p99_ns),
        ("max ", latency.max_ns),
        ("mean ", latency.mean_ns),
    ];
    let numbers = if latency.count == 1 { &of_one[..] } else { &of_many[..] };
    let numbers: Vec<_> = numbers.iter().map(|&(name, ns)| (name.to_owned(), view.time(ns))).collect();
    pairs(view, &numbers, out)?;
    let mut second = Vec::new();
    if latency.histogram.len() > 1 {
        let (min, max) = (view.time(latency.min_ns), view.time(latency.max_ns));
        second.push((String::new(), format!("{min} {} {max} (log scale)", bars(view, &latency.histogram))));
    }
    if latency.count > 1 {
        // It is 0 where nothing says how long a trace was.
        let mean = Some(latency.mean_in_flight_milli).filter(|mean| *mean > 0);
        let mean = mean.map(|mean| format!("mean {}, ", thousandths(mean))).unwrap_or_default();
        second.push(("in flight: ".to_owned(), format!("{mean}max {}", latency.max_in_flight)));
    }
    pairs(view, &second, out)?;
    if cut.single.at_least_ns <= latency.max_ns {
        return Ok(());
    }
    let (max, seen) = (view.time(latency.max_ns), view.time(cut.single.at_least_ns));
    let line = format!("max {max} is that of the whole ones; one that is cut took {} {seen}", view.glyphs.at_least);
    wrapped(&line, 2, view.options.width).iter().try_for_each(|l| writeln!(out, "{}", view.paint(BOLD, l)))
}

/// Names and values side by side, continued on the next line where the width ends.
fn pairs(view: &View<'_>, pairs: &[(String, String)], out: &mut dyn Write) -> io::Result<()> {
    let mut at = 0;
    for (name, value) in pairs {
        let columns = width(name) + width(value);
        let gap = if at == 0 { 2 } else { GAP };
        if at > 0 && at + gap + columns > view.options.width {
            writeln!(out)?;
            at = 0;
        }
        let gap = if at == 0 { 2 } else { GAP };
        let style = if name == "p50 " { BOLD } else { PLAIN };
        write!(out, "{:gap$}{}{}", "", view.paint(DIM, name), view.paint(style, value))?;
        at += gap + columns;
    }
    if pairs.is_empty() { Ok(()) } else { writeln!(out) }
}

/// A sign for each step, as high as its count. What is not empty shows.
fn bars(view: &View<'_>, histogram: &[u64]) -> String {
    let levels: Vec<char> = if view.options.unicode { LEVELS } else { LEVELS_ASCII }.chars().collect();
    let most = u128::from(histogram.iter().copied().max().unwrap_or(0).max(1));
    let sign = |&count: &u64| match (u128::from(count) * levels.len() as u128).div_ceil(most) as usize {
        0 => ' ',
        level => levels[(level - 1).min(levels.len() - 1)],
    };
    histogram.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Options;

    #[test]
    fn a_histogram_shows_every_request() {
        let options = Options::default();
        assert_eq!(bars(&View::new(&options), &[1, 0, 1_000_000, 500_000]), "▁ █▄");
        let options = Options { unicode: false, ..options };
        assert_eq!(bars(&View::new(&options), &[u64::MAX, 1, 0]), "@. ");
    }
}
