//! The one weight that flame graphs and Markdown show. Both show times, so `--metric events` falls back to goroutine
//! time there.

use super::units::counted;
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
pub(crate) fn occurrences_in_words(profile: &Profile) -> String {
    counted(occurrences(profile), if profile.requests.is_some() { "request" } else { "root" })
}
