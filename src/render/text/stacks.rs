//! The stacks that most time was spent in.

use super::chain::Chain;
use super::layout::{Cell, Column, DIM, Table, View, state_style, width};
use crate::profile::{NodeIdx, Precision, Profile, ProfileFrame, Sample, Weight};
use crate::render::clean::clean;
use crate::render::units::{Share, count, counted, shares};
use crate::render::{frames, sort_rows};
use rustc_hash::FxHashMap;
use std::io::{self, Write};
use std::rc::Rc;

/// Columns of a state's name.
const MAX_STATE: usize = 24;
/// Columns of a place.
const MAX_PLACE: usize = 28;
/// Columns that a stack needs; a narrower line does without places.
const MIN_WHERE: usize = 18;

/// What looks the same on a line, added up.
struct Row<'a> {
    sample: &'a Sample,
    chain: Rc<Chain>,
    weight: Weight,
    share: Share,
}

pub(super) fn write(view: &View<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    view.title(out, "TOP STACKS", "In which code?")?;
    let mut rows = merged(view, profile);
    let name = |row: &Row<'_>| row.chain.key.clone();
    sort_rows(&mut rows, view.options.sort, |r| r.weight.goroutine_ns, |r| r.weight.events, name);
    let top = view.options.top;
    let shown = if top == 0 { rows.len() } else { top.min(rows.len()) };
    let mut table = Table::new(&[("share", true), ("time", true), ("count", true), ("state", false)]);
    for row in &rows[..shown] {
        table.rows.push(vec![
            Cell::new(row.share.to_string()),
            Cell::new(view.time(row.weight.goroutine_ns)),
            Cell::new(count(row.weight.events)),
            state(view, row.sample),
        ]);
    }
    add_where(view, &mut table, &rows[..shown]);
    table.write(view, out)?;
    cut_line(view, &rows[shown..], out)
}

fn cut_line(view: &View<'_>, rest: &[Row<'_>], out: &mut dyn Write) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    let share = Share(rest.iter().map(|r| r.share.0).sum());
    let more = counted(rest.len() as u64, "more stack");
    let line = format!("  {} {more}, {share} together (-n 0 shows all)", view.glyphs.dots);
    writeln!(out, "{}", view.paint(DIM, &line))
}

/// Samples that look the same, whatever their root and whoever created their goroutine, added up; most time first.
fn merged<'a>(view: &View<'_>, profile: &'a Profile) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut by_look = FxHashMap::default();
    let mut chains: FxHashMap<NodeIdx, Rc<Chain>> = FxHashMap::default();
    for sample in &profile.samples {
        let chain = chains.entry(sample.stack).or_insert_with(|| Rc::new(chain_of(view, profile, sample)));
        let look = (chain.clone(), &sample.state, sample.detail, sample.precision);
        let row = *by_look.entry(look).or_insert_with(|| {
            rows.push(Row { sample, chain: chain.clone(), weight: Weight::default(), share: Share::default() });
            rows.len() - 1
        });
        rows[row].weight += sample.weight;
    }
    rows.sort_by_key(|r| std::cmp::Reverse(r.weight.goroutine_ns));
    let times: Vec<u64> = rows.iter().map(|r| r.weight.goroutine_ns).collect();
    for (row, share) in rows.iter_mut().zip(shares(&times)) {
        row.share = share;
    }
    rows
}

fn chain_of(view: &View<'_>, profile: &Profile, sample: &Sample) -> Chain {
    let all = profile.tree.frames();
    let (indexes, _) = frames::leaf_first(&profile.tree, sample.stack);
    let stack: Vec<&ProfileFrame> = indexes.iter().map(|&i| &all[i as usize]).collect();
    Chain::new(&stack, view.options.full_names)
}

fn state(view: &View<'_>, sample: &Sample) -> Cell {
    let state = clean(&sample.state);
    let text = match sample.detail {
        "" => state.into_owned(),
        detail => format!("{state} ({detail})"),
    };
    Cell::styled(view.fit(&text, MAX_STATE), state_style(&sample.state))
}

/// The columns `where` and the place, in the room that the others leave.
fn add_where(view: &View<'_>, table: &mut Table, rows: &[Row<'_>]) {
    let room = table.room(view.options.width).saturating_sub(Table::GAP);
    let places: Vec<String> = rows.iter().map(|r| view.fit_end(&r.chain.place, MAX_PLACE)).collect();
    let widest = places.iter().map(|p| width(p)).max().unwrap_or(0);
    let with_place = widest > 0 && room >= MIN_WHERE + Table::GAP + widest;
    let room = if with_place { room - Table::GAP - widest } else { room };
    table.columns.push(Column { heading: "where", right: false });
    if with_place {
        table.columns.push(Column { heading: "", right: false });
    }
    for ((cells, row), place) in table.rows.iter_mut().zip(rows).zip(places) {
        // What ran between two stacks is known to be these frames or called by them.
        let below =
            if row.sample.precision == Precision::Bracketed && room >= 2 * MIN_WHERE { " (or below)" } else { "" };
        let text = row.chain.fit(view, room.saturating_sub(below.len()).max(8));
        cells.push(Cell::new(text + below));
        if with_place {
            cells.push(Cell::styled(place, DIM));
        }
    }
}
