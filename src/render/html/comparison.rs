//! The data of a comparison's page.

use super::SCHEMA;
use super::document::Document;
use super::head::{self, TraceRow};
use super::notes::WarningRow;
use super::requests::LatencyRow;
use super::tables::{Frames, Stacks, States, Strings};
use crate::compare::statistics::Change;
use crate::compare::{Comparison, Side};
use crate::render::text::comparison::{significance, verdict};
use crate::render::units::counted;
use crate::render::{Options, question, text};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct ComparisonPage<'a> {
    schema: &'static str,
    tool: &'static str,
    kind: &'static str,
    title: &'a str,
    complete: bool,
    answer: &'a str,
    /// What chance may explain.
    notes: Vec<String>,
    /// What was compared, and how: labels and texts.
    facts: Vec<[String; 2]>,
    /// The command that compares again.
    command: Option<String>,
    /// Whether the sums below are of all requests, not of a mean one.
    total: bool,
    base: SideRow<'a>,
    new: SideRow<'a>,
    quantiles: Vec<ChangeRow>,
    whole: [i64; 3],
    states_changed: StateChanges,
    stacks_changed: StackChanges,
    /// The options that chose the stacks; none where all are there.
    filter: Option<String>,
    warnings: Vec<WarningRow<'a>>,
    stacks: Stacks,
    frames: Frames,
    states: States,
    strings: Strings,
}

#[derive(Serialize)]
struct SideRow<'a> {
    asked: String,
    traces: Vec<TraceRow<'a>>,
    requests: String,
    latency: LatencyRow,
}

impl<'a> SideRow<'a> {
    fn of(side: &'a Side) -> Self {
        Self {
            asked: head::asked(&side.selection),
            traces: side.traces.iter().map(TraceRow::of).collect(),
            requests: counted(side.requests as u64, "request"),
            latency: LatencyRow::of(&side.latency),
        }
    }
}

/// A figure on both sides, with the interval of its change; times in ns.
#[derive(Serialize)]
struct ChangeRow {
    name: String,
    base_ns: u64,
    new_ns: u64,
    delta_ns: i64,
    low_ns: i64,
    high_ns: i64,
    /// Whether chance does not explain it.
    clear: bool,
}

impl ChangeRow {
    fn of(name: String, change: &Change, comparison: &Comparison) -> Self {
        let Change { base_ns, new_ns, delta_ns, interval } = *change;
        let clear = comparison.is_clear(change);
        Self { name, base_ns, new_ns, delta_ns, low_ns: interval.low_ns, high_ns: interval.high_ns, clear }
    }

    fn all(comparison: &Comparison) -> Vec<Self> {
        let mean = Self::of("mean".to_owned(), &comparison.latency.mean, comparison);
        let name = |thousandths| format!("p{}", thousandths / 10);
        let quantiles = comparison.latency.quantiles.iter();
        let rows = quantiles.map(|(quantile, change)| Self::of(name(quantile.thousandths()), change, comparison));
        std::iter::once(mean).chain(rows).collect()
    }
}

/// In columns, all of one length.
#[derive(Serialize, Default)]
struct StateChanges {
    state: Vec<usize>,
    base_ns: Vec<u64>,
    new_ns: Vec<u64>,
    delta_ns: Vec<i64>,
}

/// In columns, all of one length.
#[derive(Serialize, Default)]
struct StackChanges {
    stack: Vec<u32>,
    state: Vec<usize>,
    base_ns: Vec<u64>,
    new_ns: Vec<u64>,
    delta_ns: Vec<i64>,
    presence: Vec<&'static str>,
}

/// Writes a comparison's page.
pub(in crate::render) fn write(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let (mut strings, mut states) = (Strings::default(), States::default());
    let [base, new] = [&comparison.base, &comparison.new].map(|side| head::title(&side.selection, &side.traces));
    let (title, answer) = (format!("{base} → {new}"), verdict(comparison, options));
    let whole = [comparison.whole.base_ns as i64, comparison.whole.new_ns as i64, comparison.whole.delta_ns];
    let page = ComparisonPage {
        schema: SCHEMA,
        tool: env!("CARGO_PKG_VERSION"),
        kind: "comparison",
        title: &title,
        complete: comparison.complete(),
        answer: &answer,
        notes: significance(comparison, options),
        facts: head::facts(&text::comparison::compared(comparison, &head::text_options(options))?),
        command: question::comparison(comparison, "-o report.html"),
        total: comparison.options.total,
        base: SideRow::of(&comparison.base),
        new: SideRow::of(&comparison.new),
        quantiles: ChangeRow::all(comparison),
        whole,
        states_changed: state_changes(comparison, &mut states),
        stacks_changed: stack_changes(comparison, &mut states),
        filter: comparison.filtered.as_ref().map(|filtered| question::stack_options(&filtered.options)),
        warnings: WarningRow::all(&comparison.warnings),
        stacks: Stacks::of(&comparison.tree),
        frames: Frames::of(&comparison.tree, &comparison.own_code, &mut strings),
        states,
        strings,
    };
    Document { title: &title, answer: &answer, data: &page }.write(out)
}

fn state_changes(comparison: &Comparison, states: &mut States) -> StateChanges {
    let mut columns = StateChanges::default();
    for change in &comparison.states {
        columns.state.push(states.add(&change.state));
        columns.base_ns.push(change.delta.base_ns);
        columns.new_ns.push(change.delta.new_ns);
        columns.delta_ns.push(change.delta.delta_ns);
    }
    columns
}

fn stack_changes(comparison: &Comparison, states: &mut States) -> StackChanges {
    let mut columns = StackChanges::default();
    for change in comparison.shown_stacks() {
        columns.stack.push(change.stack.0);
        columns.state.push(states.add(&change.state));
        columns.base_ns.push(change.delta.base_ns);
        columns.new_ns.push(change.delta.new_ns);
        columns.delta_ns.push(change.delta.delta_ns);
        columns.presence.push(change.presence.name());
    }
    columns
}
