//! The answer of a page without requests: what the goroutines' time went to.

use super::head;
use crate::profile::{FilteredStacks, Metric, Profile};
use crate::render::clean::clean;
use crate::render::text::merged_stacks;
use crate::render::units::{Share, counted, duration, shares};
use crate::render::{Options, Sort, metric, question};

/// Columns of the stack that has most.
const MAX_STACK: usize = 160;
/// States that are named beside the first.
const MORE_STATES: usize = 2;

/// As sentences; empty where requests have an answer of their own.
pub(super) fn answer(profile: &Profile, options: &Options) -> String {
    if profile.requests.is_some() {
        return String::new();
    }
    let total = profile.total.of(profile.metric);
    if total == 0 {
        return metric::nothing(profile);
    }
    let (roots, goroutines) = (profile.selection.roots, profile.selection.goroutines);
    let what = match profile.metric {
        Metric::Events => counted(total, "interval"),
        _ => format!("{} of goroutine time", duration(total, options.unit)),
    };
    let (of, roots) = (head::asked(&profile.selection), counted(roots, "root"));
    format!(
        "{of}: {what} in {} of {roots}. {}{}",
        counted(goroutines, "goroutine"),
        states(profile),
        most(profile, options)
    )
}

/// `66.6% is [select], 29.8% [network].`
fn states(profile: &Profile) -> String {
    let weights: Vec<u64> = profile.states.iter().map(|state| state.weight.of(profile.metric)).collect();
    let mut rows: Vec<(u64, Share, &str)> = profile
        .states
        .iter()
        .zip(weights.iter().zip(shares(&weights)))
        .map(|(state, (weight, share))| (*weight, share, state.state.as_str()))
        .filter(|(weight, share, _)| *weight > 0 && share.0 > 0)
        .collect();
    rows.sort_by_key(|(weight, _, _)| std::cmp::Reverse(*weight));
    let first = rows.iter().take(1).map(|(_, share, state)| format!("{share} is [{}]", clean(state)));
    let others = rows.iter().skip(1).take(MORE_STATES).map(|(_, share, state)| format!("{share} [{}]", clean(state)));
    let words: Vec<String> = first.chain(others).collect();
    if words.is_empty() { String::new() } else { format!("{}.", words.join(", ")) }
}

/// The stack that has most.
fn most(profile: &Profile, options: &Options) -> String {
    let options = Options { sort: Sort::Time, unicode: true, color: false, ..options.clone() };
    let rows = merged_stacks(profile, &options, MAX_STACK);
    let stacks = counted(rows.len() as u64, "stack");
    let (Some(row), shown) = (rows.first(), shown(profile)) else { return String::new() };
    let place = if row.place.is_empty() { String::new() } else { format!(" ({})", row.place) };
    let below = if row.bracketed { " or what it calls" } else { "" };
    let times = counted(row.weight.events, "time");
    let is_known = !row.stack.starts_with('(');
    let stack = if is_known { format!(" in {}{place}{below}", row.stack) } else { String::new() };
    format!(" Of {stacks}{shown}, most, {}, is [{}]{stack}, {times}.", row.share, row.state)
}

/// Which stacks are shown, where these are not all.
fn shown(profile: &Profile) -> String {
    let that = |filtered: &FilteredStacks| format!(" of {}", question::stack_options(&filtered.options));
    profile.filtered.as_ref().map_or_else(String::new, that)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{sample, sample_requests};

    #[test]
    fn goroutines_have_an_answer_and_requests_another() {
        let options = Options::default();
        assert_eq!(answer(&sample_requests(), &options), "");
        let text = answer(&sample(), &options);
        assert!(text.contains(" of goroutine time in ") && text.contains("% is ["), "{text}");
        assert!(text.contains("most, ") && text.ends_with(" times."), "{text}");
        let nothing = Profile::default();
        assert_eq!(answer(&nothing, &options), "No time was spent in this slice.");
        let mut by_events = sample();
        by_events.metric = Metric::Events;
        assert!(answer(&by_events, &options).contains("intervals in "), "{}", answer(&by_events, &options));
    }
}
