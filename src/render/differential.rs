//! The time of each stack on two sides: what the differential formats are made of.
//!
//! A comparison fills it in; folded stacks and flame graphs are written from it.

use super::clean::clean;
use super::folded_stacks::FoldedStacks;
use crate::compare::{Comparison, Side, StackChange};

/// What the parts of a comparison are called.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct DifferentialLabels {
    /// What is compared, for titles.
    pub(super) title: String,
    /// The base.
    pub(super) base: String,
    /// The new side.
    pub(super) new: String,
    /// What the values are: `latency per request`.
    pub(super) metric: String,
}

/// The stacks of two sides, with the time of each side in ns, the base first: per request or in all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Differential {
    pub(super) labels: DifferentialLabels,
    pub(super) stacks: FoldedStacks,
}

impl DifferentialLabels {
    /// What the parts of a comparison are called.
    pub(super) fn of(comparison: &Comparison) -> Self {
        let metric = if comparison.options.total { "latency" } else { "latency per request" };
        let (base, new) = (side(&comparison.base), side(&comparison.new));
        let title = format!("{base} → {new}");
        Self { title, base, new, metric: metric.to_owned() }
    }
}

impl Differential {
    /// The stacks of a comparison.
    pub(super) fn of(comparison: &Comparison) -> Self {
        let row = |change: &'_ StackChange| [change.delta.base_ns, change.delta.new_ns];
        let rows = comparison.shown_stacks().iter().map(|change| (change.stack, change.state.as_str(), row(change)));
        Self { labels: DifferentialLabels::of(comparison), stacks: FoldedStacks::of(&comparison.tree, rows) }
    }
}

/// What was asked of one side's traces.
pub(super) fn side(side: &Side) -> String {
    let traces: Vec<&str> = side.traces.iter().map(|t| t.name.rsplit(['/', '\\']).next().unwrap_or(&t.name)).collect();
    clean(&format!("{} · {}", side.selection.patterns.join(" or "), traces.join(", "))).into_owned()
}
