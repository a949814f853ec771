//! The tables of a comparison: latencies, and the states that explain their change.

use super::significance;
use crate::compare::statistics::Change;
use crate::compare::{Comparison, Delta};
use crate::render::clean::clean;
use crate::render::text::layout::{self, ALERT, BOLD, DIM, PLAIN, View, state_style, width};
use crate::render::text::sentences;
use crate::render::text::states::{MAX_ROWS, MAX_STATE};
use crate::render::text::table::{Cell, Column, Table};
use crate::render::units::{Share, percent, signed};
use std::io::{self, Write};

/// Columns of the longest bar.
const MAX_BAR: usize = 24;
/// Columns of a bar below which bars are left out.
const MIN_BAR: usize = 4;
/// Beside what chance may explain.
const UNSURE: &str = "~";

/// How long requests took on both sides.
pub(super) fn latency(view: &View<'_>, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    view.title(out, "LATENCY", &sentences::compared(view, comparison))?;
    let latency = &comparison.latency;
    let mut table = Table::new(&[
        ("", false),
        ("base", true),
        ("new", true),
        ("change", true),
        ("", true),
        ("", false),
        ("95% interval", false),
    ]);
    let mut line = |name: String, change: &Change| {
        let sure = comparison.is_clear(change);
        let style = if sure { ALERT } else { PLAIN };
        let (low, high) = (change.interval.low_ns, change.interval.high_ns);
        table.rows.push(vec![
            Cell::styled(name, BOLD),
            Cell::new(view.time(change.base_ns)),
            Cell::new(view.time(change.new_ns)),
            Cell::styled(delta(view, change.delta_ns), style),
            Cell::styled(view.ascii(percent(change.delta_ns, change.base_ns)), style),
            Cell::new(if sure { "" } else { UNSURE }),
            Cell::styled(interval(comparison, || format!("{} to {}", delta(view, low), delta(view, high))), DIM),
        ]);
    };
    line("mean".to_owned(), &latency.mean);
    for (quantile, change) in &latency.quantiles {
        line(format!("p{}", quantile.thousandths() / 10), change);
    }
    let max = |ns: u64| Cell::new(view.time(ns));
    let (base, new) = (comparison.base.latency.max_ns, comparison.new.latency.max_ns);
    table.rows.push(vec![Cell::styled("max", BOLD), max(base), max(new)]);
    if table.room(view.options.width) == 0 {
        table.columns.pop();
        table.rows.iter_mut().for_each(|cells| cells.truncate(table.columns.len()));
    }
    table.write(view, out)?;
    significance(comparison, view.options).into_iter().try_for_each(|note| {
        let lines = layout::wrapped(&view.ascii(note), 2, view.options.width);
        lines.iter().try_for_each(|line| writeln!(out, "{}", view.paint(DIM, line)))
    })
}

/// An interval; empty where it would say more than is known.
fn interval(comparison: &Comparison, text: impl FnOnce() -> String) -> String {
    if comparison.p().is_some() { text() } else { String::new() }
}

/// The states, and what each adds to the change.
pub(super) fn states(view: &View<'_>, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let whole = comparison.whole;
    let title = format!("WHAT EXPLAINS THE {}", delta(view, whole.delta_ns));
    view.title(out, &title, "The parts add up to it.")?;
    let rows = &comparison.states;
    let shown = if view.options.top == 0 || rows.len() <= MAX_ROWS { rows.len() } else { MAX_ROWS - 1 };
    let mut table = Table::new(&[("state", false), ("base", true), ("new", true), ("change", true), ("of it", true)]);
    let mut line = |name: Cell, part: Delta| table.rows.push(cells(view, name, part, whole));
    for row in &rows[..shown] {
        line(Cell::styled("", state_style(&row.state)), row.delta);
    }
    if shown < rows.len() {
        let rest = rows[shown..].iter().map(|r| r.delta).fold(Delta::default(), added);
        line(Cell::styled(format!("({} more, -n 0)", rows.len() - shown), DIM), rest);
    }
    line(Cell::styled("total", BOLD), whole);
    // Names get the room that the numbers leave.
    let room = (table.room(view.options.width) + width("state")).min(MAX_STATE);
    for (cells, row) in table.rows.iter_mut().zip(&rows[..shown]) {
        cells[0].text = view.fit(&clean(&row.state), room);
    }
    let room = table.room(view.options.width).saturating_sub(Table::GAP).min(MAX_BAR);
    let longest = rows.iter().map(|r| r.delta.delta_ns.unsigned_abs()).max().unwrap_or(0);
    if room >= MIN_BAR && longest > 0 {
        table.columns.push(Column { heading: "".into(), right: false });
        for (cells, row) in table.rows.iter_mut().zip(&rows[..shown]) {
            let bar = view.bar(Share::of(row.delta.delta_ns.unsigned_abs(), longest), room);
            cells.push(Cell::styled(bar, state_style(&row.state)));
        }
    }
    table.write(view, out)
}

fn cells(view: &View<'_>, name: Cell, part: Delta, whole: Delta) -> Vec<Cell> {
    // Of a change for the better, what made it better is the positive part.
    let part_ns = if whole.delta_ns < 0 { part.delta_ns.saturating_neg() } else { part.delta_ns };
    let share = percent(part_ns, whole.delta_ns.unsigned_abs());
    vec![
        name,
        Cell::new(view.time(part.base_ns)),
        Cell::new(view.time(part.new_ns)),
        Cell::new(delta(view, part.delta_ns)),
        Cell::new(view.ascii(share.trim_start_matches('+').to_owned())),
    ]
}

fn added(sum: Delta, part: Delta) -> Delta {
    Delta {
        base_ns: sum.base_ns.saturating_add(part.base_ns),
        new_ns: sum.new_ns.saturating_add(part.new_ns),
        delta_ns: sum.delta_ns.saturating_add(part.delta_ns),
    }
}

/// A difference in the unit asked for.
pub(super) fn delta(view: &View<'_>, ns: i64) -> String {
    view.ascii(signed(ns, view.options.unit))
}
