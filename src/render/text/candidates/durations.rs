//! The table of how long things of one name took: handlers, user tasks and regions.

use crate::profile::DurationList;
use crate::render::text::layout::{BOLD, DIM, View, wrapped};
use crate::render::text::table::{Cell, Column, Table};
use crate::render::units::count;
use std::io::{self, Write};

/// Durations of one name.
pub(super) struct DurationRow<'a> {
    pub(super) took: &'a DurationList,
    /// What kind of thing it is.
    pub(super) tag: &'a str,
    /// Its name, and what is noted beside it; the least important note comes last, and is left out first where there is no
    /// room.
    pub(super) name: String,
    pub(super) notes: Vec<String>,
}

impl DurationRow<'_> {
    /// The name with as many notes as there is room for.
    fn named(&self, view: &View<'_>, room: usize) -> String {
        let with = |n: usize| format!("{} ({})", self.name, self.notes[..n].join(", "));
        let fits = |text: &String| text.chars().count() <= room;
        let noted = (1..=self.notes.len()).rev().map(with).find(fits);
        noted.unwrap_or_else(|| view.fit_end(&self.name, room))
    }
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
        // Of none there is no time, not even 0.
        let shown = |text: String| Cell::new(if took.count() > 0 { text } else { String::new() });
        let mut cells = vec![shown(count(took.count()))];
        cells.extend(times.map(|ns| shown(view.time(ns))));
        table.rows.push(cells);
    }
    if rows.iter().any(|row| row.took.partial > 0) {
        table.columns.push(Column { heading: "cut".into(), right: true });
        table.columns.push(Column { heading: "seen".into(), right: false });
        for (cells, row) in table.rows.iter_mut().zip(rows) {
            cells.extend(cut(view, row.took));
        }
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
        cells.push(Cell::new(row.named(view, room)));
    }
    table
}

/// How many an edge of the trace cuts, and the longest time that one of them was seen.
fn cut(view: &View<'_>, took: &DurationList) -> [Cell; 2] {
    if took.partial == 0 {
        return [Cell::new(""), Cell::new("")];
    }
    let style = if took.hangs { BOLD } else { DIM };
    let seen = format!("{} {}", view.glyphs.at_least, view.time(took.cut_max_ns));
    [Cell::styled(count(took.partial), style), Cell::styled(seen, style)]
}

/// What the columns of cut ones mean.
pub(super) fn write_cut_line(
    view: &View<'_>,
    (rows, nouns): (&[&DurationList], &str),
    with_time: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.iter().all(|took| took.partial == 0) {
        return Ok(());
    }
    let first = if rows.iter().any(|took| took.hangs) {
        format!("; first are {nouns} not over at the end, seen longer than any whole one took")
    } else {
        String::new()
    };
    let edge = if with_time { "of the trace or of --time" } else { "of the trace" };
    let line = format!("cut: by an edge {edge}, not in the other figures; took at least as long as seen{first}");
    wrapped(&line, 2, view.options.width).iter().try_for_each(|l| writeln!(out, "{}", view.paint(DIM, l)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Options;

    #[test]
    fn notes_are_left_out_before_the_name_is_cut() {
        let (took, options) = (DurationList::default(), Options::default());
        let notes = vec!["3 undecided".to_owned(), "p50 at least 2 ms".to_owned()];
        let row = DurationRow { took: &took, tag: "", name: "main._Echo_Say_Handler".to_owned(), notes };
        let view = View::new(&options);
        let named = |room| row.named(&view, room);
        assert_eq!(named(80), "main._Echo_Say_Handler (3 undecided, p50 at least 2 ms)");
        assert_eq!(named(40), "main._Echo_Say_Handler (3 undecided)");
        assert_eq!(named(30), "main._Echo_Say_Handler");
        assert_eq!(named(12), "…Say_Handler");
    }
}
