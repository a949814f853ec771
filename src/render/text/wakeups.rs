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
use rustc_hash::FxHashMap;
use std::io::{self, Write};

/// Rows shown unless `-n 0` asks for all: each takes two lines.
const MAX_ROWS: usize = 6;
/// Rows that are looked at for those: what looks alike is added up.
const MAX_LOOKED_AT: usize = 64;
/// Columns that a stack needs.
const MIN_WHERE: usize = 12;

/// Rows that look alike, added up.
struct WaitRow<'a> {
    wakeup: &'a Wakeup,
    wait_ns: u64,
    count: u64,
    max_ns: u64,
    /// Where the request waits, in one line or two.
    waiting: String,
    /// Who ended the wait.
    waker: String,
}

pub(super) fn write(view: &View<'_>, profile: &Profile, requests: &Requests, out: &mut dyn Write) -> io::Result<()> {
    if requests.wakeups.is_empty() {
        return Ok(());
    }
    view.title(out, "WHO ENDED THE WAIT", &sentences::wakeups(view, profile, requests))?;
    let is_all = view.options.top == 0;
    let looked_at = if is_all { requests.wakeups.len() } else { requests.wakeups.len().min(MAX_LOOKED_AT) };
    let (looked, rest) = requests.wakeups.split_at(looked_at);
    let mut table = numbers(view, looked);
    let room = table.room(view.options.width).saturating_sub(Table::GAP).max(MIN_WHERE);
    // Below the numbers there is room for the state.
    let numbers = view.options.width.saturating_sub(room + 2 * Table::GAP);
    let rows = joined(view, profile, looked, room);
    let shown = if is_all { rows.len() } else { rows.len().min(MAX_ROWS) };
    table.rows.clear();
    for row in &rows[..shown] {
        let cells = [view.time(row.wait_ns), count(row.count), view.time(row.max_ns), row.waiting.clone()];
        table.rows.push(cells.map(Cell::new).into());
    }
    table.columns.push(Column { heading: format!("waiting in, {}ended by", view.glyphs.by).into(), right: false });
    table.write_with(view, out, |i, out| {
        let row = rows[i].wakeup;
        let state = clean(&row.state);
        let state = if row.detail.is_empty() { state.into_owned() } else { format!("{state} ({})", row.detail) };
        let state = view.fit(&state, numbers);
        let pad = numbers.saturating_sub(width(&state));
        let state = view.paint(state_style(&row.state), &state);
        writeln!(out, "  {:pad$}{state}  {}", "", view.link_places(&rows[i].waker))
    })?;
    let more = rows.len() - shown + rest.len();
    if more > 0 {
        let more = counted(more as u64, "more row");
        let line = format!("  {} {more} (-n 0 shows all)", view.glyphs.dots);
        writeln!(out, "{}", view.paint(DIM, &line))?;
    }
    Ok(())
}

/// A table of the numbers alone.
fn numbers(view: &View<'_>, rows: &[Wakeup]) -> Table {
    let mut table = Table::new(&[("time", true), ("waits", true), ("longest", true)]);
    let cells = |row: &Wakeup| [view.time(row.wait_ns), count(row.count), view.time(row.max_ns)].map(Cell::new).into();
    table.rows = rows.iter().map(cells).collect();
    table
}

/// The rows as they are shown, most time first.
fn joined<'a>(view: &View<'_>, profile: &Profile, rows: &'a [Wakeup], room: usize) -> Vec<WaitRow<'a>> {
    let line = |row: &Wakeup| stack_line_of(view, profile, row.waiting).with_place();
    let lines: Vec<StackLine> = rows.iter().map(line).collect();
    let mut joined: Vec<WaitRow<'a>> = Vec::new();
    let mut by_look: FxHashMap<(String, String, &str, &str), usize> = FxHashMap::default();
    for (wakeup, waiting) in rows.iter().zip(told_apart(view, &lines, room)) {
        let waker = waker(view, profile, wakeup, room);
        let next = joined.len();
        let at = *by_look.entry((waiting.clone(), waker.clone(), &wakeup.state, wakeup.detail)).or_insert(next);
        if at == next {
            joined.push(WaitRow { wakeup, wait_ns: 0, count: 0, max_ns: 0, waiting, waker });
        }
        let row = &mut joined[at];
        row.wait_ns = row.wait_ns.saturating_add(wakeup.wait_ns);
        row.count += wakeup.count;
        row.max_ns = row.max_ns.max(wakeup.max_ns);
    }
    joined.sort_by_key(|row| std::cmp::Reverse(row.wait_ns));
    joined
}

/// The lines as texts; those of different stacks that read the same show first where they differ.
fn told_apart(view: &View<'_>, lines: &[StackLine], room: usize) -> Vec<String> {
    let texts: Vec<String> = lines.iter().map(|line| line.wrap(view, room)).collect();
    let told = |(line, text): (&StackLine, &String)| {
        let is_like = |(other, its): &(&StackLine, &String)| *its == text && !other.is_like(line);
        let others: Vec<&StackLine> = lines.iter().zip(&texts).filter(is_like).map(|(other, _)| other).collect();
        let apart = (!others.is_empty()).then(|| line.told_apart_from(&others)).flatten();
        apart.map_or_else(|| text.clone(), |apart| apart.wrap(view, room))
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
