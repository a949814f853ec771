//! The stacks of a comparison that `--focus`, `--ignore`, `--hide` and `--show-from` leave, for sides that were filtered with
//! [`Profile::filter_stacks`]. It matches them as `stacks` matches all of them.

use super::apportion::{RequestCounts, SideSums};
use super::{CompareOptions, Delta, StackChange, deltas, stacks};
use crate::profile::{FilteredStacks, Profile, StackTree};

/// What a filter left of a comparison.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilteredChanges {
    /// The options, each with its expression: `--focus`, `net/http`.
    pub options: Vec<(&'static str, String)>,
    /// Options whose expression is in no frame of any sample of either side.
    pub unmatched: Vec<&'static str>,
    /// The change by stack and state of what is left: the largest first, whichever sign it has.
    pub(super) stacks: Vec<StackChange>,
    /// Their sum.
    pub shown: Delta,
}

impl FilteredChanges {
    /// None where the sides are not filtered.
    pub(super) fn of(
        new: &Profile,
        base: &Profile,
        options: CompareOptions,
        scale: RequestCounts,
        tree: &mut StackTree,
    ) -> Option<Self> {
        let (new_filter, base_filter) = (new.filtered.as_ref()?, base.filtered.as_ref()?);
        let sums = SideSums { base_ns: base.shown().total.latency_ns, new_ns: new.shown().total.latency_ns };
        Some(Self {
            options: new_filter.options.clone(),
            unmatched: unmatched(new_filter, base_filter),
            stacks: stacks::compare(new, base, options, scale, |profile| profile.shown().samples, tree),
            shown: deltas(&[sums], scale).pop().unwrap_or_default(),
        })
    }
}

/// A function may be on one side alone: new, or gone.
fn unmatched(new: &FilteredStacks, base: &FilteredStacks) -> Vec<&'static str> {
    new.unmatched.iter().copied().filter(|option| base.unmatched.contains(option)).collect()
}
