//! What a reader of the verdict has to know beside it: what the sides matched, and requests that are not over.

use crate::compare::{Comparison, Side};
use crate::profile::CutCounts;
use crate::render::units::{count, duration};
use crate::render::{Options, names};
use std::collections::BTreeSet;

/// Functions named at most.
const MAX_FUNCTIONS: usize = 2;

fn functions(side: &Side) -> BTreeSet<&str> {
    side.selection.matched.iter().map(|matched| matched.function.as_str()).collect()
}

/// Whether the same question matched other functions on one side than on the other.
pub(super) fn functions_differ(comparison: &Comparison) -> bool {
    !comparison.options.roots_alike && functions(&comparison.base) != functions(&comparison.new)
}

/// A sentence where no function matched on both sides.
pub(super) fn different_functions(comparison: &Comparison, options: &Options) -> String {
    let (base, new) = (functions(&comparison.base), functions(&comparison.new));
    if !functions_differ(comparison) || !base.is_disjoint(&new) || base.is_empty() || new.is_empty() {
        return String::new();
    }
    let named = |of: &BTreeSet<&str>| {
        let list = of.iter().take(MAX_FUNCTIONS).map(|name| names::function(name, options.full_names));
        let more = if of.len() > MAX_FUNCTIONS { " and others" } else { "" };
        list.collect::<Vec<_>>().join(", ") + more
    };
    format!(" No function matched on both sides: {} on the base, {} on the new side.", named(&base), named(&new))
}

/// What becomes of the median with undecided requests that likely are of the roots, where a side has some.
pub(super) fn with_likely(comparison: &Comparison, options: &Options) -> String {
    let (base, new) = (&comparison.base, &comparison.new);
    if base.with_likely.is_none() && new.with_likely.is_none() {
        return String::new();
    }
    let median = |side: &Side| {
        let p50_ns = side.with_likely.as_ref().map_or(side.latency.p50_ns, |with| with.p50_ns);
        duration(p50_ns, options.unit)
    };
    let (base, new) = (median(base), median(new));
    format!(" With undecided requests that likely are of the roots, the median goes from {base} to {new}.")
}

/// A sentence for each side where a request that an edge cuts was seen for longer than any whole one took.
pub(super) fn longer_than_any(comparison: &Comparison, options: &Options) -> String {
    let sides = [("base", &comparison.base), ("new side", &comparison.new)];
    let sentence = |(name, side): (&str, &Side)| {
        let cut = CutCounts::of(&side.cut).all();
        let is_longer = !side.include_partial && cut.single.at_least_ns > side.latency.max_ns;
        let longest = if cut.count() > 1 { "the longest " } else { "" };
        is_longer.then(|| {
            let seen = duration(cut.single.at_least_ns, options.unit);
            format!(" The {name} has {} more, cut by an edge: {longest}≥ {seen}.", count(cut.count()))
        })
    };
    sides.into_iter().filter_map(sentence).collect()
}
