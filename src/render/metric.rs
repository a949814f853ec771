//! The one weight that flame graphs and Markdown show. Both show times, so `--metric events` falls back to goroutine
//! time there.

use super::units::{Unit, count, counted};
use super::{cut, question};
use crate::profile::{Metric, Profile, Weight};

/// What that weight is called.
pub(crate) fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::Latency => "latency",
        Metric::Goroutine | Metric::Events => "goroutine time",
    }
}

/// That weight, in ns.
pub(crate) fn shown_ns(metric: Metric, weight: Weight) -> u64 {
    match metric {
        Metric::Latency => weight.latency_ns,
        Metric::Goroutine | Metric::Events => weight.goroutine_ns,
    }
}

/// How many occurrences it is the sum of.
pub(crate) fn occurrences(profile: &Profile) -> u64 {
    match &profile.requests {
        Some(requests) => requests.list.len() as u64,
        None => profile.selection.roots,
    }
}

/// These occurrences in words.
pub(crate) fn occurrences_in_words(profile: &Profile, unit: Unit) -> String {
    let Some(requests) = &profile.requests else { return counted(occurrences(profile), "root") };
    let cut = cut::beside(&requests.cut, requests.include_partial, unit);
    let undecided = match profile.selection.undecided.count() {
        0 => String::new(),
        n => format!(" ({} undecided)", count(n)),
    };
    format!("{}{cut}{undecided}", counted(occurrences(profile), "request"))
}

/// Why there is no time to show.
pub(crate) fn nothing(profile: &Profile) -> String {
    match &profile.filtered {
        Some(filtered) => format!("No stack is left by {}.", question::stack_options(&filtered.options)),
        None => "No time was spent in this slice.".to_owned(),
    }
}
