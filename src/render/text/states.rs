//! The table of states, over all goroutines.

use super::layout::{BOLD, DIM, View, state_style};
use super::sentences;
use super::table::{Cell, Column, Table};
use crate::profile::{Profile, StateTotal};
use crate::render::clean::clean;
use crate::render::sort_rows;
use crate::render::units::{Share, count, shares};
use std::io::{self, Write};

/// Rows shown unless `-n 0` asks for all. Go has about thirty reasons to wait; a trace may invent more.
pub(super) const MAX_ROWS: usize = 12;
/// Columns of a state's name.
pub(super) const MAX_STATE: usize = 32;
/// Columns of the longest bar.
const MAX_BAR: usize = 30;

pub(super) fn write(view: &View<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    view.title(out, "WHERE THE TIME WENT", &sentences::states(profile))?;
    let mut rows: Vec<(&StateTotal, Share)> = with_shares(profile);
    let metric = profile.metric;
    sort_rows(&mut rows, view.options.sort, |r| r.0.weight.of(metric), |r| r.0.weight.events, |r| r.0.state.clone());
    let shown = if view.options.top == 0 || rows.len() <= MAX_ROWS { rows.len() } else { MAX_ROWS - 1 };
    let per_root = profile.selection.roots > 1;
    let mut columns = vec![("state", false), ("time", true), ("share", true), ("intervals", true)];
    if per_root {
        columns.insert(2, ("per root", true));
    }
    let mut table = Table::new(&columns);
    let mut line = |name: Cell, ns: u64, events: u64, share: Share| {
        let mut cells = vec![name, Cell::new(view.time(ns)), Cell::new(share.to_string()), Cell::new(count(events))];
        if per_root {
            cells.insert(2, Cell::new(view.time(ns / profile.selection.roots)));
        }
        table.rows.push(cells);
    };
    for (total, share) in &rows[..shown] {
        let name = view.fit(&clean(&total.state), MAX_STATE);
        line(Cell::styled(name, state_style(&total.state)), total.weight.goroutine_ns, total.weight.events, *share);
    }
    if shown < rows.len() {
        let rest = &rows[shown..];
        let name = Cell::styled(format!("({} more, -n 0)", rest.len()), DIM);
        let ns = rest.iter().map(|r| r.0.weight.goroutine_ns).sum();
        line(name, ns, rest.iter().map(|r| r.0.weight.events).sum(), Share(rest.iter().map(|r| r.1.0).sum()));
    }
    let all = if profile.total.of(metric) > 0 { Share::ALL } else { Share(0) };
    line(Cell::styled("total", BOLD), profile.total.goroutine_ns, profile.total.events, all);
    add_bars(view, &mut table, &rows[..shown]);
    table.write(view, out)
}

/// Shares in the profile's order, so that sorting does not move the rounding about.
fn with_shares(profile: &Profile) -> Vec<(&StateTotal, Share)> {
    let weights: Vec<u64> = profile.states.iter().map(|s| s.weight.of(profile.metric)).collect();
    profile.states.iter().zip(shares(&weights)).collect()
}

/// The last column: bars as wide as what the others leave.
fn add_bars(view: &View<'_>, table: &mut Table, rows: &[(&StateTotal, Share)]) {
    let room = table.room(view.options.width).saturating_sub(Table::GAP).min(MAX_BAR);
    if room < 4 {
        return;
    }
    table.columns.push(Column { heading: "".into(), right: false });
    let longest = rows.iter().map(|r| r.1.0).max().unwrap_or(0).max(1);
    for (row, (total, share)) in table.rows.iter_mut().zip(rows) {
        let scaled = Share(share.0 * 1000 / longest);
        row.push(Cell::styled(view.bar(scaled, room), state_style(&total.state)));
    }
}
