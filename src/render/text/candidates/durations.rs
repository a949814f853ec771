//! The table of how long things of one name took: handlers, user tasks and regions.

use crate::profile::DurationList;
use crate::render::text::layout::{DIM, View};
use crate::render::text::table::{Cell, Column, Table};
use crate::render::units::count;
use std::io::{self, Write};

/// Durations of one name.
pub(super) struct DurationRow<'a> {
    pub(super) took: &'a DurationList,
    /// What kind of thing it is.
    pub(super) tag: &'a str,
    pub(super) name: String,
}

/// Writes the first rows as a table, and how many more there are.
pub(super) fn first_rows(
    view: &View<'_>,
    rows: &[DurationRow<'_>],
    table: impl Fn(&[DurationRow<'_>]) -> Table,
    out: &mut dyn Write,
) -> io::Result<()> {
    let top = view.options.top;
    let shown = if top == 0 { rows.len() } else { top.min(rows.len()) };
    if shown > 0 {
        table(&rows[..shown]).write(view, out)?;
    }
    if shown < rows.len() {
        let line = format!("  {} {} more (-n 0 shows all)", view.glyphs.dots, count((rows.len() - shown) as u64));
        writeln!(out, "{}", view.paint(DIM, &line))?;
    }
    Ok(())
}

/// A line for each row; `heading` is that of the names.
pub(super) fn table(view: &View<'_>, rows: &[DurationRow<'_>], with_tags: bool, heading: &'static str) -> Table {
    let headings = [("count", true), ("p50", true), ("p99", true), ("longest", true), ("total", true)];
    let mut table = Table::new(&headings);
    for row in rows {
        let took = row.took;
        let times = [took.percentile_ns(50), took.percentile_ns(99), took.max_ns(), took.total_ns()];
        let mut cells = vec![Cell::new(count(took.count()))];
        cells.extend(times.map(|ns| Cell::new(view.time(ns))));
        table.rows.push(cells);
    }
    if with_tags {
        table.columns.push(Column { heading: "".into(), right: false });
        for (cells, row) in table.rows.iter_mut().zip(rows) {
            cells.push(Cell::styled(row.tag.to_owned(), DIM));
        }
    }
    let room = table.room(view.options.width).saturating_sub(Table::GAP);
    table.columns.push(Column { heading: heading.into(), right: false });
    for (cells, row) in table.rows.iter_mut().zip(rows) {
        cells.push(Cell::new(view.fit_end(&row.name, room)));
    }
    table
}
