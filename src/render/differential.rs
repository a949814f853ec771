//! The time of each stack on two sides: what the differential formats are made of.
//!
//! A comparison fills it in; folded stacks and flame graphs are written from it.

use super::clean::clean;
use super::frames;
use crate::compare::{Comparison, Side};
use std::collections::BTreeMap;

/// What the parts of a comparison are called.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DifferentialLabels {
    /// What is compared, for titles.
    pub title: String,
    /// The base.
    pub base: String,
    /// The new side.
    pub new: String,
    /// What the values are: `latency per request`.
    pub metric: String,
}

/// The stacks of two sides, with the time of each side: per request or in all, as the caller decides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Differential {
    labels: DifferentialLabels,
    stacks: BTreeMap<String, SideTimes>,
}

/// The time of one stack on both sides, in ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SideTimes {
    /// On the base.
    pub base_ns: u64,
    /// On the new side.
    pub new_ns: u64,
}

impl Differential {
    /// One without stacks.
    pub fn new(labels: DifferentialLabels) -> Self {
        Self { labels, stacks: BTreeMap::new() }
    }

    /// The stacks of a comparison.
    pub fn of(comparison: &Comparison) -> Self {
        let metric = if comparison.options.total { "latency" } else { "latency per request" };
        let (base, new) = (side(&comparison.base), side(&comparison.new));
        let title = format!("{base} → {new}");
        let mut differential = Self::new(DifferentialLabels { title, base, new, metric: metric.to_owned() });
        for change in &comparison.stacks {
            let (indexes, cut) = frames::leaf_first(&comparison.tree, change.stack);
            let all = comparison.tree.frames();
            let functions = indexes.iter().rev().map(|&i| all[i as usize].function.as_str());
            let functions = cut.then_some(frames::CUT).into_iter().chain(functions);
            let sides = SideTimes { base_ns: change.delta.base_ns, new_ns: change.delta.new_ns };
            differential.add(functions, &change.state, sides);
        }
        differential
    }

    /// What the parts are called.
    pub fn labels(&self) -> &DifferentialLabels {
        &self.labels
    }

    /// Adds time to a stack, given by its functions, outermost first, and its state. Stacks that are written alike are
    /// added up.
    pub fn add<'a>(&mut self, functions: impl IntoIterator<Item = &'a str>, state: &str, sides: SideTimes) {
        let mut line = String::new();
        for function in functions {
            frames::push_frame(&mut line, function);
        }
        frames::push_frame(&mut line, &frames::state_frame(state));
        let known = self.stacks.entry(line).or_default();
        known.base_ns = known.base_ns.saturating_add(sides.base_ns);
        known.new_ns = known.new_ns.saturating_add(sides.new_ns);
    }

    /// The stacks, folded, in the order of bytes.
    pub fn stacks(&self) -> impl Iterator<Item = (&str, SideTimes)> {
        self.stacks.iter().map(|(stack, &sides)| (stack.as_str(), sides))
    }
}

/// What was asked of one side's traces.
pub(super) fn side(side: &Side) -> String {
    let traces: Vec<&str> = side.traces.iter().map(|t| t.name.rsplit(['/', '\\']).next().unwrap_or(&t.name)).collect();
    clean(&format!("{} · {}", side.selection.patterns.join(" or "), traces.join(", "))).into_owned()
}
