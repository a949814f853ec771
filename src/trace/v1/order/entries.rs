//! The events in their final order, read from their lanes: returns from system calls where they happened. HOT.

use super::lanes::{ABSENT, Lanes, OTHER_G, REPLACES, Reader};
use super::ledger::{Exit, Ledger, Run};
use super::stream::{Role, role};
use crate::trace::ids::GIdx;
use crate::trace::v1::{Cell, Kind};

/// The order of the cells of all lanes.
#[derive(Debug)]
pub(crate) struct Order {
    runs: Vec<Run>,
    /// Per lane, who its marked cells mean.
    others: Vec<Vec<GIdx>>,
    /// By their ticks; at the same time in the order in which they were written.
    exits: Vec<Exit>,
    /// Ticks of the first entry.
    pub(crate) first_ticks: i64,
    /// Cells in the order.
    pub(crate) n_cells: u64,
}

/// One event in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) role: Role,
    /// The marks of its cell; [`REPLACES`] means that it is no event of the file: the id of the target begins anew, so
    /// that the target must have ended.
    pub(crate) marks: u8,
    /// What its cell says besides.
    pub(crate) more: u32,
    pub(crate) ticks: i64,
    /// Where it stands in the file.
    pub(crate) pos: u64,
    /// Where it stands in the order, counted from one.
    pub(crate) number: u64,
    /// Who executed.
    pub(crate) g: GIdx,
    /// Who was created, woken or replaced, or came back from a system call.
    pub(crate) target: GIdx,
    /// The number of its cell.
    pub(crate) cell: usize,
}

impl Entry {
    /// Whether all of the marks are there.
    #[inline]
    pub(crate) fn has(&self, marks: u8) -> bool {
        self.marks & marks == marks
    }
}

impl Order {
    /// The order that a ledger holds.
    pub(crate) fn of(ledger: Ledger) -> Self {
        let Ledger { mut runs, told, mut exits, first_ticks, .. } = ledger;
        runs.shrink_to_fit();
        // Stable: what happened at the same time stays in its order.
        exits.sort_by_key(|exit| exit.ticks);
        let first = first_ticks.into_iter().chain(exits.first().map(|exit| exit.ticks)).min();
        let n_cells = runs.iter().map(|run| u64::from(run.n)).sum();
        let others = told.into_iter().map(|told| told.others).collect();
        Self { runs, others, exits, first_ticks: first.unwrap_or(0), n_cells }
    }

    /// Gives every entry to `take`, in order.
    pub(crate) fn each(&self, lanes: &Lanes, mut take: impl FnMut(&Entry)) {
        let mut place = Place::first(self, lanes);
        loop {
            if let Some(entry) = place.next(self, lanes, u64::MAX) {
                take(&entry);
            } else if !place.take_due(&mut take) {
                return;
            }
        }
    }
}

/// Where a walk through the order stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    tips: Vec<Tip>,
    /// The lane of the present run.
    lane: usize,
    /// Cells so far.
    n_cells: u64,
    /// How many there are up to the end of the run, or of the part of the order that is walked through.
    stop: u64,
    /// How many there are up to the end of the run.
    run_end: u64,
    /// The run that is next.
    run: usize,
    /// The return from a system call that is next.
    exit: usize,
    /// Its ticks.
    exit_ticks: i64,
    ticks: i64,
    /// Of the cells so far, those that are no entries.
    n_absent: u64,
    /// Entries so far that have no cell of their own, returns not counted.
    n_replaced: u64,
    /// Entries that come before the next cell's, the first one last.
    due: Vec<Entry>,
}

impl Place {
    /// The start of the order.
    pub(crate) fn first(order: &Order, lanes: &Lanes) -> Self {
        let tip = |lane| Tip { reader: lanes.reader(lane), g: GIdx::NONE, other: 0 };
        Self {
            tips: (0..order.others.len()).map(tip).collect(),
            lane: 0,
            n_cells: 0,
            stop: 0,
            run_end: 0,
            run: 0,
            exit: 0,
            exit_ticks: order.exits.first().map_or(i64::MAX, |exit| exit.ticks),
            ticks: i64::MIN,
            n_absent: 0,
            n_replaced: 0,
            due: Vec::new(),
        }
    }

    /// The number of the next cell's entry.
    pub(crate) fn next_number(&self) -> u64 {
        self.n_cells + 1
    }

    /// The next entry. None behind `end` cells, and where other entries are due before it. Into the caller, so that
    /// the entry never goes through memory.
    #[inline(always)]
    pub(crate) fn next(&mut self, order: &Order, lanes: &Lanes, end: u64) -> Option<Entry> {
        loop {
            if self.n_cells >= self.stop && !self.go_on(order, end) {
                return None;
            }
            self.n_cells += 1;
            let Some(tip) = self.tips.get_mut(self.lane) else { continue };
            let Some(at) = tip.reader.next(lanes) else { continue };
            let cell = lanes.cells[at];
            let ticks = self.ticks.max(tip.reader.ticks);
            self.ticks = ticks;
            if cell.marks & (ABSENT | REPLACES | OTHER_G) == 0 && ticks < self.exit_ticks {
                return Some(tip.entry(&cell, at, (ticks, self.n_cells)));
            }
            if self.find_due(order, cell, at) {
                return None;
            }
        }
    }

    /// Gives the entries that are due; false when there are none, which is the end.
    #[cold]
    pub(crate) fn take_due(&mut self, take: &mut impl FnMut(&Entry)) -> bool {
        let due = !self.due.is_empty();
        while let Some(entry) = self.due.pop() {
            take(&entry);
        }
        due
    }

    /// Goes on to the next run; false at the end, where the returns that are left are due.
    #[inline(never)]
    fn go_on(&mut self, order: &Order, end: u64) -> bool {
        if self.n_cells >= end {
            return false;
        }
        if self.n_cells >= self.run_end {
            let Some(run) = order.runs.get(self.run) else {
                self.take_exits(order, (i64::MAX, u64::MAX));
                self.due.reverse();
                return false;
            };
            self.lane = run.lane as usize;
            self.run_end = self.n_cells + u64::from(run.n);
            self.run += 1;
        }
        self.stop = self.run_end.min(end);
        true
    }

    /// Takes a cell that is no entry, that tells of others, or before whose entry there are others; false if nothing
    /// is due.
    #[cold]
    #[inline(never)]
    fn find_due(&mut self, order: &Order, cell: Cell, at: usize) -> bool {
        let cell = &cell;
        let stands = (self.ticks, self.n_cells);
        if cell.has(ABSENT) {
            self.n_absent += 1;
            self.tips[self.lane].pass(cell);
            return false;
        }
        self.take_exits(order, (self.ticks, self.n_entries()));
        let others = &order.others[self.lane];
        if cell.has(REPLACES) {
            let replaced = self.tips[self.lane].replaced(cell, stands, others);
            self.due.push(replaced);
            self.n_replaced += 1;
            self.take_exits(order, (self.ticks, self.n_entries()));
        }
        let tip = &mut self.tips[self.lane];
        if cell.has(OTHER_G) {
            tip.g = tip.other(others);
        }
        self.due.push(tip.entry(cell, at, stands));
        self.due.reverse();
        true
    }

    /// Entries so far, as returns count them: without returns.
    fn n_entries(&self) -> u64 {
        self.n_cells - self.n_absent + self.n_replaced
    }

    /// The returns that come before an entry are due: its ticks, and its number counted from one.
    fn take_exits(&mut self, order: &Order, before: (i64, u64)) {
        while let Some(exit) = order.exits.get(self.exit)
            && (exit.ticks, exit.before) < before
        {
            self.due.push(exit_entry(exit, self.n_cells));
            self.exit += 1;
        }
        self.exit_ticks = order.exits.get(self.exit).map_or(i64::MAX, |exit| exit.ticks);
    }
}

fn exit_entry(exit: &Exit, number: u64) -> Entry {
    let Exit { ticks, pos, g, .. } = *exit;
    let (kind, role) = (Kind::GoSysExit, Role::Returns);
    Entry { kind, role, marks: 0, more: 0, ticks, pos, number, g, target: g, cell: usize::MAX }
}

/// Where the reading stands in a lane.
#[derive(Clone, Debug)]
struct Tip {
    reader: Reader,
    /// Who executes.
    g: GIdx,
    /// How many of the marked cells were met.
    other: usize,
}

impl Tip {
    fn other(&mut self, others: &[GIdx]) -> GIdx {
        self.other += 1;
        others.get(self.other - 1).copied().unwrap_or(GIdx::NONE)
    }

    /// Passes over a cell that is no entry here.
    fn pass(&mut self, cell: &Cell) {
        if role(cell.kind) == Role::Leaves {
            self.g = GIdx::NONE;
        }
    }

    /// The end of who had the id that a creation gives to another.
    fn replaced(&mut self, cell: &Cell, (ticks, number): (i64, u64), others: &[GIdx]) -> Entry {
        let (pos, target) = (self.reader.pos, self.other(others));
        let (kind, role, marks, more) = (cell.kind, Role::Targets, cell.marks, cell.more);
        Entry { kind, role, marks, more, ticks, pos, number, g: GIdx::NONE, target, cell: usize::MAX }
    }

    /// The entry of a cell. Roles come in no order that a processor could foresee, so there is no jump among them.
    #[inline(always)]
    fn entry(&mut self, cell: &Cell, at: usize, (ticks, number): (i64, u64)) -> Entry {
        let (who, role) = (GIdx(cell.who), role(cell.kind));
        let targets = role == Role::Targets;
        let g = if targets { self.g } else { who };
        let target = if targets || role == Role::Returns { who } else { GIdx::NONE };
        let stays = if role == Role::Leaves { GIdx::NONE } else { self.g };
        self.g = if role == Role::Starts { who } else { stays };
        let (kind, marks, more, pos) = (cell.kind, cell.marks & !REPLACES, cell.more, self.reader.pos);
        Entry { kind, role, marks, more, ticks, pos, number, g, target, cell: at }
    }
}
