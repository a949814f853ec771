//! The JSON of a comparison.

use super::{DocumentHead, FilterRow, Selected, Trace, Warned, document, stack_frames, warnings};
use crate::compare::statistics::{Change, ConfidenceInterval};
use crate::compare::{Comparison, Delta, Side, SlowRate, StackChange};
use crate::render::Options;
use crate::render::text::comparison::verdict;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Schema of a comparison.
const SCHEMA: &str = "gotrace-slice/comparison/2";

/// Writes the comparison.
pub(in crate::render) fn write(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let report = ComparisonDocument {
        head: DocumentHead::new(SCHEMA, comparison.complete()),
        answer: VerdictRow { text: verdict(comparison, options) },
        metric: "latency",
        base: SideRow(&comparison.base),
        new: SideRow(&comparison.new),
        diff: Diff(comparison),
        warnings: warnings(&comparison.warnings),
    };
    document(&report, out)
}

#[derive(Serialize)]
struct ComparisonDocument<'a> {
    #[serde(flatten)]
    head: DocumentHead,
    answer: VerdictRow,
    metric: &'static str,
    base: SideRow<'a>,
    new: SideRow<'a>,
    diff: Diff<'a>,
    warnings: Vec<Warned<'a>>,
}

/// The verdict in words.
#[derive(Serialize)]
struct VerdictRow {
    text: String,
}

struct SideRow<'a>(&'a Side);

impl Serialize for SideRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let side = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("traces", &side.traces.iter().map(Trace).collect::<Vec<_>>())?;
        map.serialize_entry("selection", &Selected(&side.selection, None))?;
        map.serialize_entry("only", &side.only)?;
        map.serialize_entry("include_partial", &side.include_partial)?;
        map.serialize_entry("requests", &side.requests)?;
        map.serialize_entry("requests_partial", &side.partial)?;
        map.serialize_entry("requests_cut", &super::requests::cut_rows(&side.cut))?;
        map.serialize_entry("latency_at_least", &side.at_least.as_ref().map(super::requests::Distribution))?;
        map.serialize_entry("latency", &super::requests::Distribution(&side.latency))?;
        map.serialize_entry("requests_inferred", &side.inferred)?;
        map.serialize_entry("requests_may_be_several", &side.may_be_several)?;
        map.end()
    }
}

struct Diff<'a>(&'a Comparison);

impl Serialize for Diff<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let comparison = self.0;
        let latency = &comparison.latency;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("per", if comparison.options.total { "total" } else { "request" })?;
        map.serialize_entry("by", comparison.options.by.name())?;
        map.serialize_entry("depth", &comparison.options.by.depth())?;
        map.serialize_entry("roots_alike", &comparison.options.roots_alike)?;
        map.serialize_entry("verdict", comparison.verdict().name())?;
        map.serialize_entry("verdict_depends_on_undecided", &comparison.depends_on_undecided)?;
        map.serialize_entry("p", &comparison.p())?;
        map.serialize_entry("slow_rate", &comparison.slow_rate.map(SlowRateRow::new))?;
        map.serialize_entry("mean_delta_ns", &latency.mean.delta_ns)?;
        map.serialize_entry("mean", &ChangeRow(comparison, &latency.mean))?;
        map.serialize_entry("quantiles", &Quantiles(comparison))?;
        map.serialize_entry("base_ns", &comparison.whole.base_ns)?;
        map.serialize_entry("new_ns", &comparison.whole.new_ns)?;
        map.serialize_entry("delta_ns", &comparison.whole.delta_ns)?;
        map.serialize_entry("states", &StateChangeRows(comparison))?;
        if let Some(filtered) = &comparison.filtered {
            map.serialize_entry("filter", &FilterRow::new(&filtered.options, LeftStacks::of(filtered.shown)))?;
        }
        map.serialize_entry("stacks", &StackChangeRows(comparison))?;
        map.end()
    }
}

/// What the stacks have that a filter left.
#[derive(Serialize)]
struct LeftStacks {
    shown: DeltaRow,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "they are names of the report")]
struct DeltaRow {
    base_ns: u64,
    new_ns: u64,
    delta_ns: i64,
}

impl LeftStacks {
    fn of(delta: Delta) -> Self {
        let Delta { base_ns, new_ns, delta_ns } = delta;
        Self { shown: DeltaRow { base_ns, new_ns, delta_ns } }
    }
}

/// How many of all requests of the servers are slow ones of the roots.
#[derive(Serialize)]
struct SlowRateRow {
    threshold_ns: u64,
    base: u64,
    base_all: u64,
    new: u64,
    new_all: u64,
    p: f64,
    significant: bool,
}

impl SlowRateRow {
    fn new(rate: SlowRate) -> Self {
        Self {
            threshold_ns: rate.threshold_ns,
            base: rate.base.some,
            base_all: rate.base.all,
            new: rate.new.some,
            new_all: rate.new.all,
            p: rate.p,
            significant: rate.is_significant(),
        }
    }
}

/// A figure on both sides.
struct ChangeRow<'a>(&'a Comparison, &'a Change);

impl Serialize for ChangeRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let change = self.1;
        let ConfidenceInterval { low_ns, high_ns } = change.interval;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("base_ns", &change.base_ns)?;
        map.serialize_entry("new_ns", &change.new_ns)?;
        map.serialize_entry("delta_ns", &change.delta_ns)?;
        map.serialize_entry("low_ns", &low_ns)?;
        map.serialize_entry("high_ns", &high_ns)?;
        map.serialize_entry("significant", &self.0.is_clear(change))?;
        map.end()
    }
}

struct Quantiles<'a>(&'a Comparison);

impl Serialize for Quantiles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (quantile, change) in &self.0.latency.quantiles {
            map.serialize_entry(&format!("p{}", quantile.thousandths() / 10), &ChangeRow(self.0, change))?;
        }
        map.end()
    }
}

struct StateChangeRows<'a>(&'a Comparison);

impl Serialize for StateChangeRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.states.len()))?;
        for row in &self.0.states {
            let (base_ns, new_ns, delta_ns) = (row.delta.base_ns, row.delta.new_ns, row.delta.delta_ns);
            seq.serialize_element(&StateChangeRow { state: &row.state, base_ns, new_ns, delta_ns })?;
        }
        seq.end()
    }
}

#[derive(Serialize)]
struct StateChangeRow<'a> {
    state: &'a str,
    base_ns: u64,
    new_ns: u64,
    delta_ns: i64,
}

/// The stacks, written one at a time.
struct StackChangeRows<'a>(&'a Comparison);

impl Serialize for StackChangeRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.shown_stacks().len()))?;
        for change in self.0.shown_stacks() {
            seq.serialize_element(&StackChangeRow(self.0, change))?;
        }
        seq.end()
    }
}

struct StackChangeRow<'a>(&'a Comparison, &'a StackChange);

impl Serialize for StackChangeRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (comparison, change) = (self.0, self.1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", &change.state)?;
        map.serialize_entry("waited_in", &change.waited_in)?;
        map.serialize_entry("mark", change.presence.name())?;
        map.serialize_entry("bracketed", &change.bracketed)?;
        map.serialize_entry("base_ns", &change.delta.base_ns)?;
        map.serialize_entry("new_ns", &change.delta.new_ns)?;
        map.serialize_entry("delta_ns", &change.delta.delta_ns)?;
        map.serialize_entry("frames", &stack_frames(&comparison.tree, change.stack))?;
        map.end()
    }
}
