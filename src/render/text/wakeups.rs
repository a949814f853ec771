//! What ended the waits on the critical paths.

use super::layout::{DIM, View, state_style, width};
use super::relation::relation_of;
use super::sentences;
use super::stack_line::StackLine;
use super::stacks::stack_line_of;
use super::table::{Cell, Column, Table};
use crate::profile::{NodeIdx, Profile, Requests, StackTree, Wakeup};
use crate::render::clean::clean;
use crate::render::names;
use crate::render::units::{count, counted};
use std::io::{self, Write};

/// Rows shown unless `-n 0` asks for all: each takes two lines.
const MAX_ROWS: usize = 6;
/// Columns that a stack needs.
const MIN_WHERE: usize = 12;

pub(super) fn write(view: &View<'_>, profile: &Profile, requests: &Requests, out: &mut dyn Write) -> io::Result<()> {
    let rows = &requests.wakeups;
    if rows.is_empty() {
        return Ok(());
    }
    view.title(out, "WHO ENDED THE WAIT", &sentences::wakeups(view, profile, requests))?;
    let shown = if view.options.top == 0 { rows.len() } else { rows.len().min(MAX_ROWS) };
    let mut table = Table::new(&[("time", true), ("waits", true), ("longest", true)]);
    for row in &rows[..shown] {
        let numbers = [view.time(row.wait_ns), count(row.count), view.time(row.max_ns)];
        table.rows.push(numbers.map(Cell::new).into());
    }
    let room = table.room(view.options.width).saturating_sub(Table::GAP).max(MIN_WHERE);
    // Below the numbers there is room for the state.
    let numbers = view.options.width.saturating_sub(room + 2 * Table::GAP);
    table.columns.push(Column { heading: format!("waiting in, {}ended by", view.glyphs.by).into(), right: false });
    let lines: Vec<StackLine> = rows[..shown].iter().map(|row| stack_line_of(view, profile, row.waiting)).collect();
    for (cells, text) in table.rows.iter_mut().zip(told_apart(view, &lines, room)) {
        cells.push(Cell::new(text));
    }
    table.write_with(view, out, |i, out| {
        let row = &rows[i];
        let state = clean(&row.state);
        let state = if row.detail.is_empty() { state.into_owned() } else { format!("{state} ({})", row.detail) };
        let state = view.fit(&state, numbers);
        let pad = numbers.saturating_sub(width(&state));
        let state = view.paint(state_style(&row.state), &state);
        writeln!(out, "  {:pad$}{state}  {}", "", waker(view, profile, row, room))
    })?;
    if shown < rows.len() {
        let more = counted((rows.len() - shown) as u64, "more row");
        let line = format!("  {} {more} (-n 0 shows all)", view.glyphs.dots);
        writeln!(out, "{}", view.paint(DIM, &line))?;
    }
    Ok(())
}

/// The lines as texts; those of different stacks that read the same show first where they differ.
fn told_apart(view: &View<'_>, lines: &[StackLine], room: usize) -> Vec<String> {
    let texts: Vec<String> = lines.iter().map(|line| line.fit(view, room)).collect();
    let told = |(line, text): (&StackLine, &String)| {
        let is_like = |(other, its): &(&StackLine, &String)| *its == text && other.key != line.key;
        let others: Vec<&StackLine> = lines.iter().zip(&texts).filter(is_like).map(|(other, _)| other).collect();
        let apart = (!others.is_empty()).then(|| line.told_apart_from(&others)).flatten();
        apart.map_or_else(|| text.clone(), |apart| apart.fit(view, room))
    };
    lines.iter().zip(&texts).map(told).collect()
}

/// `← goroutine 19, outside: main.(*Cache).refresh → sync.(*Mutex).Unlock`.
fn waker(view: &View<'_>, profile: &Profile, row: &Wakeup, room: usize) -> String {
    let goroutine = row.waker_goid.map(|id| format!("goroutine {id}"));
    let (relation, has_code) = relation_of(profile, row);
    let is_carried = profile.carrier(row).is_some();
    let who = match goroutine {
        Some(goroutine) if is_carried => format!("{relation} {goroutine}"),
        Some(goroutine) if has_code => format!("{goroutine}, {relation}"),
        _ => relation.to_owned(),
    };
    let who = format!("{}{who}", view.glyphs.by);
    if !has_code || (row.waker_stack == StackTree::ROOT && row.waker_entry.is_empty()) {
        return view.fit(&who, room);
    }
    let rest = room.saturating_sub(width(&who) + 2);
    if rest < MIN_WHERE {
        return view.fit(&who, room);
    }
    format!("{who}: {}", code(view, profile, row.waker_stack, &row.waker_entry, rest))
}

/// What the waker ran: its stack, or else the function that it was started with.
fn code(view: &View<'_>, profile: &Profile, stack: NodeIdx, entry: &str, room: usize) -> String {
    if stack == StackTree::ROOT {
        return view.fit_end(&names::function(entry, view.options.full_names), room);
    }
    stack_line_of(view, profile, stack).fit(view, room)
}
