//! The table of states along the critical paths: all requests against the slowest of them.

use super::layout::{ALERT, BOLD, DIM, PLAIN, View, state_style, width, wrapped};
use super::sentences;
use super::states::{MAX_ROWS, MAX_STATE};
use super::table::{Cell, Column, Table};
use crate::profile::{Latency, Profile, Requests, TailRow};
use crate::render::clean::clean;
use crate::render::sort_rows;
use crate::render::units::{Share, factor, mean, shares};
use anstyle::Style;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// States that were waited in that are named.
const MAX_WAITED_IN: usize = 3;
/// Per cent of running time from which on it is said what that is.
const MUCH_RUNNING: u128 = 25;
/// Columns of the longest bar.
const MAX_BAR: usize = 24;
/// Columns of a bar below which bars are left out.
const MIN_BAR: usize = 4;
/// On a line of fewer columns the slowest have only a share.
const NARROW: usize = 80;
/// Index of the column of bars: after the state, the time and the share.
const BARS: usize = 3;

struct TailShares<'a> {
    tail: &'a TailRow,
    all: Share,
    slow: Share,
    intervals: u64,
}

pub(super) fn write(
    view: &View<'_>,
    profile: &Profile,
    requests: &Requests,
    latency: &Latency,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rows = rows(profile, requests);
    let largest = rows.iter().max_by_key(|row| row.tail.all_ns);
    let sentence = largest.map(|row| sentences::tail((row.tail, row.all, row.slow), latency)).unwrap_or_default();
    view.title(out, "WHERE THE TIME WENT", &sentence)?;
    sort_rows(&mut rows, view.options.sort, |r| r.tail.all_ns, |r| r.intervals, |r| r.tail.state.clone());
    let shown = if view.options.top == 0 || rows.len() <= MAX_ROWS { rows.len() } else { MAX_ROWS - 1 };
    let mut lines: Vec<TailLine> = rows[..shown].iter().map(TailLine::of_state).collect();
    if shown < rows.len() {
        lines.push(TailLine::of_rest(&rows[shown..]));
    }
    lines.push(TailLine::of_all(latency));
    let form = TailColumns { latency, narrow: view.options.width < NARROW };
    let mut table = Table::new(&form.columns());
    table.rows = lines.iter().map(|line| form.cells(view, line)).collect();
    // Names get the room that the numbers leave.
    let room = (table.room(view.options.width) + width("state")).min(MAX_STATE);
    for (cells, line) in table.rows.iter_mut().zip(&lines) {
        cells[0].text = view.fit(&line.name, room);
    }
    add_bars(view, &mut table, &rows[..shown]);
    table.write(view, out)?;
    let notes = waited_in(profile, latency).into_iter().chain(running_for_collector(requests));
    let notes = notes.chain(running_includes(requests, latency));
    for note in notes {
        let lines = wrapped(&note, 2, view.options.width);
        lines.iter().try_for_each(|line| writeln!(out, "{}", view.paint(DIM, line)))?;
    }
    Ok(())
}

/// What running time is, where there is much of it, no CPU sample tells, and no finding says it.
fn running_includes(requests: &Requests, latency: &Latency) -> Option<String> {
    let running = requests.tail.iter().find(|row| row.state == "running").map_or(0, |row| row.all_ns);
    let is_much = u128::from(running) * 100 >= u128::from(latency.total_ns) * MUCH_RUNNING;
    let is_told = requests.findings.iter().any(|finding| matches!(finding.id, "cpu-bound" | "no-cpu"));
    (is_much && !is_told && requests.cpu.samples == 0).then(|| {
        "[running] includes waiting for a CPU of the operating system: no CPU samples tell them apart.".to_owned()
    })
}

/// What requests themselves waited in where the table says what other goroutines did meanwhile: states with their shares,
/// longest first. None where that is less than a hundredth of the time.
pub(in crate::render) fn waited_in(profile: &Profile, latency: &Latency) -> Option<String> {
    let mut followed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    let add = |sum: &mut u64, ns| *sum = sum.saturating_add(ns);
    for sample in &profile.samples {
        let ns = sample.weight.latency_ns;
        let state = if sample.waited_in.is_empty() { &sample.state } else { &sample.waited_in };
        add(all.entry(state).or_default(), ns);
        if !sample.waited_in.is_empty() {
            add(followed.entry(state).or_default(), ns);
        }
    }
    let mut states: Vec<(&str, u64)> = followed.into_iter().filter(|(_, ns)| *ns >= latency.total_ns / 100).collect();
    states.sort_by_key(|(_, ns)| std::cmp::Reverse(*ns));
    let share = |ns| Share::of(ns, latency.total_ns);
    let item = |(state, ns): &(&str, u64)| {
        let whole = all.get(state).copied().unwrap_or(*ns);
        let state = with_detail(state, profile);
        format!("{} in [{state}], {} of it for other goroutines", share(whole), Share::of(*ns, whole))
    };
    let items: Vec<String> = states.iter().take(MAX_WAITED_IN).map(item).collect();
    let list = items.join("; ");
    (!items.is_empty()).then(|| format!("Requests themselves waited {list}, whose states these are."))
}

/// `sync (rwmutex)`, if nearly all waits in a state are of one kind.
fn with_detail(state: &str, profile: &Profile) -> String {
    let mut by_detail: BTreeMap<&str, u64> = BTreeMap::new();
    let waits = profile.requests.iter().flat_map(|requests| &requests.wakeups).filter(|wait| wait.state == state);
    for wait in waits {
        let ns = by_detail.entry(wait.detail).or_default();
        *ns = ns.saturating_add(wait.wait_ns);
    }
    let all = by_detail.values().fold(0_u64, |sum, ns| sum.saturating_add(*ns));
    let most = by_detail.into_iter().max_by_key(|(_, ns)| *ns);
    match most {
        Some((detail, ns)) if !detail.is_empty() && u128::from(ns) * 10 >= u128::from(all) * 9 => {
            format!("{} ({detail})", clean(state))
        }
        _ => clean(state).into_owned(),
    }
}

/// How much of running time was work for the collector, where that is a twentieth of it.
fn running_for_collector(requests: &Requests) -> Option<String> {
    let running = requests.tail.iter().find(|row| row.state == "running").map_or(0, |row| row.all_ns);
    let overlap = &requests.overlap;
    let parts = [("sweeping", overlap.sweep_ns), ("helping to mark", overlap.mark_assist_ns)];
    let own = parts.iter().fold(0_u64, |sum, (_, ns)| sum.saturating_add(*ns));
    let parts = parts.iter().filter(|(_, ns)| *ns > 0).map(|(what, ns)| format!("{what} {}", Share::of(*ns, running)));
    let is_much = own > 0 && own <= running && u128::from(own) * 20 >= u128::from(running);
    is_much
        .then(|| format!("Of [running], work for the garbage collector is: {}.", parts.collect::<Vec<_>>().join(", ")))
}

/// The rows in the profile's order, so that sorting does not move the rounding about.
fn rows<'a>(profile: &Profile, requests: &'a Requests) -> Vec<TailShares<'a>> {
    let all: Vec<u64> = requests.tail.iter().map(|r| r.all_ns).collect();
    let slow: Vec<u64> = requests.tail.iter().map(|r| r.slow_ns).collect();
    let intervals = |state: &str| profile.states.iter().find(|s| s.state == state).map_or(0, |s| s.weight.events);
    let shares = shares(&all).into_iter().zip(shares(&slow));
    let row = |(tail, (all, slow)): (&'a TailRow, _)| TailShares { tail, all, slow, intervals: intervals(&tail.state) };
    requests.tail.iter().zip(shares).map(row).collect()
}

/// What a line of the table says.
struct TailLine {
    name: String,
    style: Style,
    all: (u64, Share),
    slow: (u64, Share),
    stands_out: bool,
}

impl TailLine {
    fn of_state(row: &TailShares<'_>) -> Self {
        Self {
            name: clean(&row.tail.state).into_owned(),
            style: state_style(&row.tail.state),
            all: (row.tail.all_ns, row.all),
            slow: (row.tail.slow_ns, row.slow),
            stands_out: row.tail.stands_out,
        }
    }

    fn of_rest(rest: &[TailShares<'_>]) -> Self {
        let sum = |ns: fn(&TailRow) -> u64, share: fn(&TailShares<'_>) -> Share| {
            let share = Share(rest.iter().map(|r| share(r).0).sum());
            (rest.iter().fold(0_u64, |sum, r| sum.saturating_add(ns(r.tail))), share)
        };
        let name = format!("({} more, -n 0)", rest.len());
        let (all, slow) = (sum(|t| t.all_ns, |r| r.all), sum(|t| t.slow_ns, |r| r.slow));
        Self { name, style: DIM, all, slow, stands_out: false }
    }

    fn of_all(latency: &Latency) -> Self {
        let whole = |ns| (ns, if ns > 0 { Share::ALL } else { Share(0) });
        let (all, slow) = (whole(latency.total_ns), whole(latency.slow_total_ns));
        Self { name: "total".to_owned(), style: BOLD, all, slow, stands_out: false }
    }
}

/// Which columns there are. With a single request there are none for the slowest.
struct TailColumns<'a> {
    latency: &'a Latency,
    narrow: bool,
}

impl TailColumns<'_> {
    fn columns(&self) -> Vec<(String, bool)> {
        let mut columns = vec![("state", false)];
        if self.latency.count == 1 {
            columns.extend([("time", true), ("share", true)]);
        } else {
            columns.extend([("per request", true), ("share", true)]);
        }
        let mut columns: Vec<_> = columns.into_iter().map(|(name, right)| (name.to_owned(), right)).collect();
        if self.latency.count > 1 {
            let slowest = match self.latency.slow_count {
                1 => "slowest one".to_owned(),
                _ if self.narrow => "slowest 5%".to_owned(),
                n => format!("slowest 5% ({n})"),
            };
            columns.push((slowest, true));
            if !self.narrow {
                columns.push(("share".to_owned(), true));
            }
            columns.extend([(String::new(), true), (String::new(), false)]);
        }
        columns
    }

    /// The line's cells; on a narrow line the slowest have a share and no time.
    fn cells(&self, view: &View<'_>, line: &TailLine) -> Vec<Cell> {
        let mean = |ns: u64, n: u64| Cell::new(view.time(mean(ns, n)));
        let share = |share: Share| Cell::new(share.to_string());
        let (all, slow) = (line.all, line.slow);
        let mut cells = vec![Cell::styled("", line.style), mean(all.0, self.latency.count), share(all.1)];
        if self.latency.count > 1 {
            if !self.narrow {
                cells.push(mean(slow.0, self.latency.slow_count));
            }
            let style = if line.stands_out { ALERT } else { PLAIN };
            let mark = if line.stands_out { view.glyphs.mark } else { "" };
            let slower = view.ascii(ratio(all.0, slow.0, self.latency));
            cells.extend([share(slow.1), Cell::styled(slower, style), Cell::styled(mark, style)]);
        }
        cells
    }
}

/// How many times as long a slow request is in a state as one of all.
fn ratio(all_ns: u64, slow_ns: u64, latency: &Latency) -> String {
    let product = |ns: u64, n: u64| u128::from(ns) * u128::from(n);
    factor(product(slow_ns, latency.count), product(all_ns, latency.slow_count))
}

fn add_bars(view: &View<'_>, table: &mut Table, rows: &[TailShares<'_>]) {
    let room = table.room(view.options.width).saturating_sub(Table::GAP).min(MAX_BAR);
    if room < MIN_BAR {
        return;
    }
    table.columns.insert(BARS, Column { heading: "".into(), right: false });
    let longest = rows.iter().map(|r| r.all.0).max().unwrap_or(0).max(1);
    for (i, cells) in table.rows.iter_mut().enumerate() {
        let bar = rows.get(i).map(|row| {
            let scaled = Share(row.all.0 * Share::ALL.0 / longest);
            Cell::styled(view.bar(scaled, room), state_style(&row.tail.state))
        });
        cells.insert(BARS, bar.unwrap_or(Cell::new("")));
    }
}
