//! The stacks of a comparison that changed, those that look the same added up.

use super::tables::delta;
use crate::compare::{Comparison, Delta, Presence, StackChange};
use crate::profile::{NodeIdx, ProfileFrame};
use crate::render::Options;
use crate::render::clean::clean;
use crate::render::text::layout::{ALERT, DIM, View, state_style, width};
use crate::render::text::lookalikes::{self, Look, StackRow};
use crate::render::text::sentences;
use crate::render::text::stack_line::{LineNames, StackLine};
use crate::render::text::table::{Cell, Column, Table};
use crate::render::units::{counted, factor, signed};
use rustc_hash::FxHashMap;
use std::io::{self, Write};

/// Columns of a state's name.
const MAX_STATE: usize = 16;
/// Columns of a place.
const MAX_PLACE: usize = 28;
/// Columns that a stack needs at least beside a place.
const MIN_WHERE: usize = 24;
/// Rows that are named in sentences at most: the first ones.
const MAX_IN_SHORT: usize = 12;
/// The mark of a stack that is known only in part.
const BELOW: &str = " (or below)";

/// What looks the same on a line.
struct ChangedRow<'a> {
    chain: StackLine,
    change: &'a StackChange,
    delta: Delta,
    presence: Presence,
}

/// A row of the list for another place or format: the same rows, in the same order.
pub(crate) struct ChangedStack {
    /// Its leaf, in the comparison's tree.
    pub(crate) leaf: NodeIdx,
    /// The stack on one line.
    pub(crate) stack: String,
    /// Its innermost function of the user's own, and what that waits for; of the first rows alone.
    pub(crate) in_short: String,
    /// `user.go:12`; empty where stacks are matched by function.
    pub(crate) place: String,
    /// The state's name, as it is in the trace.
    pub(crate) state: String,
    /// The state in which requests waited for it, where other goroutines did it; else empty.
    pub(crate) waited_in: String,
    /// Says that the time may be in what the stack called; empty when not.
    pub(crate) below: &'static str,
    /// How much.
    pub(crate) delta: Delta,
    /// On which sides it is.
    pub(crate) presence: Presence,
}

pub(super) fn write(view: &View<'_>, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = rows(comparison, comparison.shown_stacks(), view.options);
    if rows.is_empty() && comparison.filtered.is_none() {
        return Ok(());
    }
    view.title(out, "STACKS THAT CHANGED", &sentences::changed_stacks(view, comparison, rows.len()))?;
    if rows.is_empty() {
        return Ok(());
    }
    let (table, shown) = loop {
        let shown = if view.options.top == 0 { rows.len() } else { view.options.top.min(rows.len()) };
        let (table, looks) = table(view, &rows[..shown]);
        if !lookalikes::join(&mut rows, &looks) {
            break (table, shown);
        }
        sort(&mut rows);
    };
    table.write(view, out)?;
    if shown == rows.len() {
        return Ok(());
    }
    let rest = rows[shown..].iter().fold(0_i64, |sum, r| sum.saturating_add(r.delta.delta_ns));
    let more = counted((rows.len() - shown) as u64, "more stack");
    let line = format!("  {} {more}, {} together (-n 0 shows all)", view.glyphs.dots, delta(view, rest));
    writeln!(out, "{}", view.paint(DIM, &line))
}

fn table(view: &View<'_>, rows: &[ChangedRow<'_>]) -> (Table, Vec<Look>) {
    let mut table = Table::new(&[("change", true), ("", true), ("state", false)]);
    for row in rows {
        let state = view.fit(&clean(&row.change.state), MAX_STATE);
        table.rows.push(vec![
            Cell::new(delta(view, row.delta.delta_ns)),
            mark(view, row.delta, row.presence),
            Cell::styled(state, state_style(&row.change.state)),
        ]);
    }
    add_where(view, &mut table, rows);
    let text = |cells: &Vec<Cell>, i: usize| cells.get(i).map_or_else(String::new, |cell| cell.text.clone());
    let looks = table.rows.iter().map(|cells| (text(cells, 2) + "\n" + &text(cells, 3), text(cells, 4))).collect();
    (table, looks)
}

/// `new`, `gone`, or how many times as long it is.
fn mark(view: &View<'_>, delta: Delta, presence: Presence) -> Cell {
    match presence {
        Presence::Both => Cell::new(view.ascii(factor(delta.new_ns.into(), delta.base_ns.into()))),
        presence => Cell::styled(presence.name(), ALERT),
    }
}

/// The columns `where` and the place, in the room that the others leave.
fn add_where(view: &View<'_>, table: &mut Table, rows: &[ChangedRow<'_>]) {
    let room = table.room(view.options.width).saturating_sub(Table::GAP);
    let places: Vec<String> = rows.iter().map(|r| view.fit_end(&r.chain.place, MAX_PLACE)).collect();
    let widest = places.iter().map(|p| width(p)).max().unwrap_or(0);
    let lines = rows.iter().map(|r| r.chain.min_room() + below(r).len()).max().unwrap_or(0);
    let with_place = widest > 0 && room >= MIN_WHERE.max(lines) + Table::GAP + widest;
    let room = if with_place { room - Table::GAP - widest } else { room };
    table.columns.push(Column { heading: "where".into(), right: false });
    if with_place {
        table.columns.push(Column { heading: "".into(), right: false });
    }
    for ((cells, row), place) in table.rows.iter_mut().zip(rows).zip(places) {
        let below = below(row);
        cells.push(Cell::new(row.chain.wrap(view, room.saturating_sub(below.len()).max(6)) + below));
        if with_place {
            cells.push(Cell::linked(place, DIM, row.chain.file.clone()));
        }
    }
}

fn below(row: &ChangedRow<'_>) -> &'static str {
    if row.change.bracketed && !row.chain.ends_with(ProfileFrame::AFTER_LAST_STACK) { BELOW } else { "" }
}

/// The stacks whose time changed, largest change first; those that look the same are added up.
fn rows<'a>(comparison: &'a Comparison, stacks: &'a [StackChange], options: &Options) -> Vec<ChangedRow<'a>> {
    let mut rows: Vec<ChangedRow<'a>> = Vec::new();
    let mut by_look = FxHashMap::default();
    let names = LineNames::new(options.full_names);
    for change in stacks {
        let stack: Vec<&ProfileFrame> = comparison.tree.stack(change.stack).collect();
        let chain = StackLine::new(&stack, &comparison.own_code, &names);
        let look = (chain.name().to_vec(), chain.place.clone(), &change.state, change.bracketed);
        let known = *by_look.entry(look).or_insert(rows.len());
        match rows.get_mut(known) {
            Some(row) => row.add_change(change.delta, change.presence),
            None => rows.push(ChangedRow { chain, change, delta: change.delta, presence: change.presence }),
        }
    }
    sort(&mut rows);
    rows
}

/// Largest change first, without rows that did not change.
fn sort(rows: &mut Vec<ChangedRow<'_>>) {
    rows.retain(|r| r.delta.delta_ns != 0);
    rows.sort_by_key(|r| std::cmp::Reverse(r.delta.delta_ns.unsigned_abs()));
}

impl ChangedRow<'_> {
    fn add_change(&mut self, more: Delta, presence: Presence) {
        let sum = &mut self.delta;
        sum.base_ns = sum.base_ns.saturating_add(more.base_ns);
        sum.new_ns = sum.new_ns.saturating_add(more.new_ns);
        sum.delta_ns = sum.delta_ns.saturating_add(more.delta_ns);
        if self.presence != presence {
            self.presence = Presence::Both;
        }
    }
}

impl StackRow for ChangedRow<'_> {
    fn line(&self) -> &StackLine {
        &self.chain
    }

    fn set_line(&mut self, line: StackLine) {
        self.chain = line;
    }

    fn add(&mut self, other: &Self) {
        self.add_change(other.delta, other.presence);
    }
}

/// The rows of these stacks of a comparison, with stacks of `max` columns at most.
pub(crate) fn changed_stacks(
    comparison: &Comparison,
    stacks: &[StackChange],
    options: &Options,
    max: usize,
) -> Vec<ChangedStack> {
    let view = View::new(options);
    let owned = |row: &ChangedRow<'_>| ChangedStack {
        leaf: row.change.stack,
        stack: row.chain.fit(&view, max),
        in_short: String::new(),
        place: row.chain.place.clone(),
        state: row.change.state.clone(),
        waited_in: row.change.waited_in.clone(),
        below: below(row),
        delta: row.delta,
        presence: row.presence,
    };
    let mut rows = rows(comparison, stacks, options);
    loop {
        let look =
            |row: &ChangedRow<'_>| (row.chain.fit(&view, max) + "\n" + &row.change.state, row.chain.place.clone());
        let looks: Vec<Look> = rows.iter().map(look).collect();
        if !lookalikes::join(&mut rows, &looks) {
            let mut list: Vec<ChangedStack> = rows.iter().map(owned).collect();
            for (i, stack) in list.iter_mut().enumerate().take(MAX_IN_SHORT) {
                stack.in_short = in_short(&rows, i);
            }
            return list;
        }
        sort(&mut rows);
    }
}

/// A stack's innermost function of the user's own, and what that waits for: if others read the same, the innermost function
/// in which it differs from them.
fn in_short(rows: &[ChangedRow<'_>], i: usize) -> String {
    let line = &rows[i].chain;
    let short = line.in_short();
    let is_like = |other: &&StackLine| other.in_short() == short;
    let others: Vec<&StackLine> = rows.iter().take(MAX_IN_SHORT).map(|row| &row.chain).filter(is_like).collect();
    line.told_apart_from(&others).map_or(short, |apart| apart.in_short())
}

/// How a stack changed, for a format without columns: `+5.30 ms (new)`, `+2.10 ms (3.1×)`.
pub(crate) fn change_in_words(stack: &ChangedStack, options: &Options) -> (String, String) {
    let mark = match stack.presence {
        Presence::Both => factor(stack.delta.new_ns.into(), stack.delta.base_ns.into()),
        presence => presence.name().to_owned(),
    };
    (signed(stack.delta.delta_ns, options.unit), mark)
}
