//! The handlers of a trace given without `--root`: what most people come for.

use super::clean::clean;
use super::text::layout::{DIM, View};
use super::text::table::{Cell, Column, Table};
use super::units::{count, counted};
use super::{Options, names, shell, sort_rows};
use crate::profile::{Candidates, Handler, Took};
use std::io::{self, Write};

/// Writes the list as text; nothing when no server served.
pub(super) fn write(view: &View<'_>, candidates: &Candidates, out: &mut dyn Write) -> io::Result<()> {
    let unknown = candidates.unknown_handler;
    if candidates.handlers.is_empty() && unknown.count == 0 {
        return Ok(());
    }
    view.title(out, "HANDLERS", "How long did their requests take?")?;
    let rows = sorted(candidates, view.options);
    let name = |h: &Handler| names::function(&h.function, view.options.full_names).into_owned();
    let lines: Vec<Row<'_>> = rows.iter().map(|h| Row { took: &h.took, tag: h.protocol, name: name(h) }).collect();
    // The protocol that all speak says nothing.
    let with_protocol = |lines: &[Row<'_>]| lines.iter().any(|row| row.tag != "HTTP/1");
    shown(view, &lines, |lines| table(view, lines, with_protocol(lines), "handler"), out)?;
    let partial: u64 = rows.iter().map(|h| h.took.partial).sum();
    if partial > 0 {
        let line = format!("  {} cut by the edge of the trace, not counted", counted(partial, "request"));
        writeln!(out, "{}", view.paint(DIM, &line))?;
    }
    if unknown.count > 0 {
        let (n, total, max) =
            (counted(unknown.count, "request"), view.time(unknown.total_ns), view.time(unknown.max_ns));
        let line = format!("  {n} of unknown handler, {total} in all, {max} at most: it left no stack");
        writeln!(out, "{}", view.paint(DIM, &line))?;
    }
    Ok(())
}

fn sorted<'a>(candidates: &'a Candidates, options: &Options) -> Vec<&'a Handler> {
    let mut rows: Vec<&Handler> = candidates.handlers.iter().collect();
    sort_rows(
        &mut rows,
        options.sort,
        |h| h.took.total_ns(),
        |h| h.took.count(),
        |h| format!("{} {}", h.function, h.protocol),
    );
    rows
}

/// Durations of one name.
pub(super) struct Row<'a> {
    pub(super) took: &'a Took,
    /// What kind of thing it is.
    pub(super) tag: &'a str,
    pub(super) name: String,
}

/// Writes the first rows as a table, and how many more there are.
pub(super) fn shown(
    view: &View<'_>,
    rows: &[Row<'_>],
    table: impl Fn(&[Row<'_>]) -> Table,
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
pub(super) fn table(view: &View<'_>, rows: &[Row<'_>], with_tags: bool, heading: &'static str) -> Table {
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

/// The options that select each handler, most time first, and nothing else if that can be said.
pub(super) fn options_for(candidates: &Candidates) -> Vec<String> {
    let usable = |name: &str| !name.is_empty() && clean(name) == name && !name.starts_with(['-', '[']);
    let handlers = candidates.handlers.iter().map(|h| h.function.as_str());
    let entries = candidates.rows.iter().flat_map(|r| [r.entry.as_str(), r.creation_site.as_str()]);
    let others: Vec<&str> = handlers.chain(entries).collect();
    let mut rows: Vec<&Handler> = candidates.handlers.iter().filter(|h| usable(&h.function)).collect();
    rows.sort_by_key(|h| names::is_std(&h.function));
    // Enough to choose from.
    rows.truncate(8);
    let option = |handler: &Handler| {
        let name = handler.function.as_str();
        if others.iter().any(|other| *other != name && other.contains(name)) {
            format!("--root {}", shell::quote(&format!("^{}$", shell::literal(name))))
        } else {
            format!("-F --root {}", shell::quote(name))
        }
    };
    rows.into_iter().map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_selects_its_handler() {
        let handler = |function: &str| Handler { function: function.into(), ..Handler::default() };
        let handlers = vec![handler("main.(*S).List"), handler("main.(*S).ListAll"), handler("net/http.NotFound")];
        let options = options_for(&Candidates { handlers, ..Candidates::default() });
        assert_eq!(options[0], r"--root '^main\.\(\*S\)\.List$'");
        assert_eq!(options[1], "-F --root 'main.(*S).ListAll'");
        assert_eq!(options[2], "-F --root net/http.NotFound");
    }
}
