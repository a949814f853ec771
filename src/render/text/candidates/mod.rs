//! The answer to a trace without `--root`: what could be selected, and the commands that do it.

mod annotations;
mod commands;
mod durations;
mod handlers;
mod words;

use super::head::trace_lines;
use super::layout::{DIM, View, width, wrapped};
use super::sentences;
use super::table::{Cell, Column, Table};
use crate::profile::{Candidate, Candidates};
use crate::render::units::count;
use crate::render::{Options, names, sort_rows};
use std::collections::HashMap;
use std::io::{self, Write};

/// Columns that names need; a narrower line does without places.
const MIN_NAMES: usize = 40;

/// Writes the list as text.
pub(in crate::render) fn write(candidates: &Candidates, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let view = View::new(options);
    let remark = Some("no --root given: what could be a root");
    trace_lines(&view, &candidates.traces, candidates.time.as_deref(), remark, out)?;
    handlers::write(&view, candidates, out)?;
    annotations::write(&view, candidates, out)?;
    if candidates.rows.is_empty() {
        if !candidates.traces.is_empty() && candidates.traces.iter().all(|trace| trace.table.is_none()) {
            writeln!(out, "\nNo goroutine was created in this trace.")?;
        }
        older(&view, candidates, out)?;
        return commands::write(&view, candidates, &[], out);
    }
    view.title(out, "CANDIDATES", &sentences::goroutines(candidates))?;
    let mut rows: Vec<&Candidate> = candidates.rows.iter().collect();
    sort_rows(
        &mut rows,
        options.sort,
        |r| r.total_ns,
        |r| r.count,
        |r| format!("{} {} {}", r.creation_site, r.entry, r.runs),
    );
    // Last, since few ask for them; stable, so both parts keep their order.
    rows.sort_by_key(|r| r.is_gos_own);
    let shown = if options.top == 0 { rows.len() } else { options.top.min(rows.len()) };
    table(&view, &rows[..shown]).write(&view, out)?;
    if shown < rows.len() {
        let more = count((rows.len() - shown) as u64);
        let line = format!("  {} {more} more (-n 0 shows all)", view.glyphs.dots);
        writeln!(out, "{}", view.paint(DIM, &line))?;
    }
    gos_own(&view, &rows[..shown], out)?;
    older(&view, candidates, out)?;
    commands::write(&view, candidates, &rows, out)
}

/// Says why rows stand at the end that are longer than others.
fn gos_own(view: &View<'_>, shown: &[&Candidate], out: &mut dyn Write) -> io::Result<()> {
    let line = match shown.iter().filter(|row| row.is_gos_own).count() as u64 {
        0 => return Ok(()),
        1 => "  the last one is of the recording or the runtime".to_owned(),
        n => format!("  the last {} are of the recording or the runtime", count(n)),
    };
    writeln!(out, "{}", view.paint(DIM, &line))
}

fn table(view: &View<'_>, rows: &[&Candidate]) -> Table {
    let mut table = Table::new(&[("count", true), ("total", true), ("longest", true), ("children", true)]);
    for row in rows {
        table.rows.push(vec![
            Cell::new(count(row.count)),
            Cell::new(view.time(row.total_ns)),
            Cell::new(view.time(row.max_ns)),
            Cell::new(count(row.children)),
        ]);
    }
    let room = table.room(view.options.width).saturating_sub(Table::GAP);
    let places: Vec<String> = rows.iter().map(|r| names::place(&r.file, r.line)).collect();
    let widest = places.iter().map(|p| width(p)).max().unwrap_or(0);
    let with_place = room >= MIN_NAMES + Table::GAP + widest;
    let room = if with_place { room - Table::GAP - widest } else { room };
    table.columns.push(Column { heading: format!("created by{}runs", view.glyphs.arrow).into(), right: false });
    table.columns.push(Column { heading: "".into(), right: false });
    let texts: Vec<String> = rows.iter().map(|row| creation(view, row, room)).collect();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for text in &texts {
        *times.entry(text).or_default() += 1;
    }
    for ((cells, text), place) in table.rows.iter_mut().zip(&texts).zip(places) {
        if with_place {
            cells.extend([Cell::new(text.clone()), Cell::styled(place, DIM)]);
        } else if times[text.as_str()] > 1 {
            // Rows that look alike are told apart by the line.
            cells.push(Cell::new(format!("{text}\n  {place}")));
        } else {
            cells.push(Cell::new(text.clone()));
        }
    }
    table
}

/// `created by → runs`; each gets half of the room when there is not enough for both.
fn creation(view: &View<'_>, row: &Candidate, room: usize) -> String {
    let full = view.options.full_names;
    let site = if row.creation_site.is_empty() { "?".into() } else { names::function(&row.creation_site, full) };
    let runs = if row.runs.is_empty() { &row.entry } else { &row.runs };
    let entry = if runs.is_empty() { "?".into() } else { names::function(runs, full) };
    let room = room.saturating_sub(width(view.glyphs.arrow));
    let (site, entry) = without_packages(&site, &entry, room);
    let half = room / 2;
    let site_room = half.max(room.saturating_sub(width(entry)));
    let site = view.fit_end(site, site_room);
    let entry = view.fit_end(entry, room.saturating_sub(width(&site)));
    format!("{site}{}{entry}", view.glyphs.arrow)
}

/// Drops packages when both names do not fit: that of the entry if it is the same as the site's, else both.
fn without_packages<'a>(site: &'a str, entry: &'a str, room: usize) -> (&'a str, &'a str) {
    let fits = |a: &str, b: &str| width(a) + width(b) <= room;
    // `main` is as short as a package can be; with --full-names a path is what was asked for.
    let split = |name: &'a str| name.split_once('.').filter(|(p, _)| *p != "main" && !p.contains('/'));
    let (site_package, short_site) = split(site).unwrap_or(("", site));
    let (entry_package, short_entry) = split(entry).unwrap_or(("", entry));
    if fits(site, entry) {
        (site, entry)
    } else if !site_package.is_empty() && site_package == entry_package && fits(site, short_entry) {
        (site, short_entry)
    } else {
        (short_site, short_entry)
    }
}

fn older(view: &View<'_>, candidates: &Candidates, out: &mut dyn Write) -> io::Result<()> {
    if candidates.older == 0 {
        return Ok(());
    }
    let (noun, verb) = if candidates.older == 1 { ("goroutine", "is") } else { ("goroutines", "are") };
    let n = count(candidates.older);
    let line = format!("  {n} {noun} {verb} older than the trace: only functions on their own stack select them");
    wrapped(&line, 2, view.options.width).iter().try_for_each(|l| writeln!(out, "{}", view.paint(DIM, l)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{check_golden, sample_candidates};

    #[test]
    fn rows_that_look_alike_are_told_apart_by_their_line() {
        let row = |line| Candidate {
            creation_site: "main.start".into(),
            entry: "main.work".into(),
            file: "main.go".into(),
            line,
            count: 1,
            ..Candidate::default()
        };
        let text = |lines: &[u32], width| {
            let candidates =
                Candidates { rows: lines.iter().map(|line| row(*line)).collect(), ..Candidates::default() };
            let mut out = Vec::new();
            write(&candidates, &Options { width, ..Options::default() }, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let alike = text(&[7, 9], 40);
        assert!(alike.contains("main.go:7\n") && alike.contains("main.go:9\n"), "{alike}");
        // The twin: one row, and no room for the place.
        assert!(!text(&[7], 40).contains("main.go"), "{}", text(&[7], 40));
    }

    fn text(options: &Options) -> Vec<u8> {
        let mut out = Vec::new();
        write(&sample_candidates(), options, &mut out).unwrap();
        out
    }

    #[test]
    fn goldens() {
        check_golden("candidates-100.txt", &text(&Options::default()));
        check_golden("candidates-80.txt", &text(&Options { width: 80, unicode: false, ..Options::default() }));
    }
}
