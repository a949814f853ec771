//! The events in their final order, read from their lanes: returns from system calls where they happened. HOT.

use super::lanes::{Lanes, MOVED, OTHER_G, REPLACES, Reader};
use super::ledger::{Exit, Ledger, Run, Told};
use super::stream::{Role, role};
use crate::format::v1::{Cell, Kind};
use crate::ids::GIdx;

/// The order of the cells of all lanes.
#[derive(Debug)]
pub(super) struct Order {
    runs: Vec<Run>,
    told: Vec<Told>,
    /// By their ticks; at the same time in the order in which they were written.
    exits: Vec<Exit>,
    /// Ticks of the first entry.
    pub(super) first_ticks: i64,
}

/// One event in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) role: Role,
    /// The marks of its cell; [`REPLACES`] means that it is no event of the file: the id of the target begins anew, so
    /// that the target must have ended.
    pub(super) marks: u8,
    /// What its cell says besides.
    pub(super) more: u32,
    pub(super) ticks: i64,
    pub(super) pos: u64,
    /// Who executed.
    pub(super) g: GIdx,
    /// Who was created, woken or replaced, or came back from a system call.
    pub(super) target: GIdx,
    /// The number of its cell.
    pub(super) cell: usize,
}

impl Entry {
    /// Whether all of the marks are there.
    #[inline]
    pub(super) fn has(&self, marks: u8) -> bool {
        self.marks & marks == marks
    }
}

impl Order {
    /// The order that a ledger holds.
    pub(super) fn of(ledger: Ledger) -> Self {
        let Ledger { mut runs, told, mut exits, first_ticks, .. } = ledger;
        runs.shrink_to_fit();
        // Stable: what happened at the same time stays in its order.
        exits.sort_by_key(|exit| exit.ticks);
        let first = first_ticks.into_iter().chain(exits.first().map(|exit| exit.ticks)).min();
        // Who executes is told anew, from the start.
        let told = told.into_iter().map(|told| Told { g: GIdx::NONE, ..told }).collect();
        Self { runs, told, exits, first_ticks: first.unwrap_or(0) }
    }

    /// Gives every entry to `take`, in order.
    #[inline]
    pub(super) fn each(&self, lanes: &Lanes, mut take: impl FnMut(&Entry)) {
        let mut tips: Vec<Tip<'_>> = self.told.iter().enumerate().map(|(i, told)| Tip::new(lanes, i, told)).collect();
        let mut exits = self.exits.as_slice();
        let (mut ticks, mut n_entries) = (i64::MIN, 0u64);
        for run in &self.runs {
            let Some(tip) = tips.get_mut(run.lane as usize) else { continue };
            for _ in 0..run.n {
                let Some(at) = tip.reader.next(lanes) else { break };
                let cell = &lanes.cells[at];
                ticks = ticks.max(tip.reader.ticks);
                if cell.has(MOVED) || cell.kind == Kind::GoSysBlock {
                    tip.pass(cell);
                    continue;
                }
                n_entries += 1;
                if !exits.is_empty() {
                    exits = take_exits(exits, (ticks, n_entries), &mut take);
                }
                if cell.has(REPLACES) {
                    take_rare(&tip.replaced(cell, ticks), &mut take);
                    n_entries += 1;
                    exits = take_exits(exits, (ticks, n_entries), &mut take);
                }
                take(&tip.entry(cell, at, ticks));
            }
        }
        take_exits(exits, (i64::MAX, u64::MAX), &mut take);
    }
}

/// Takes the returns that come before an entry: its ticks, and its number counted from one.
#[inline]
fn take_exits<'a>(mut exits: &'a [Exit], before: (i64, u64), take: &mut impl FnMut(&Entry)) -> &'a [Exit] {
    while let Some((exit, rest)) = exits.split_first()
        && (exit.ticks, exit.before) < before
    {
        exits = rest;
        take_rare(&exit_entry(exit), take);
    }
    exits
}

/// Out of line, so that the hot call is alone in its loop.
#[inline(never)]
fn take_rare(entry: &Entry, take: &mut impl FnMut(&Entry)) {
    take(entry);
}

fn exit_entry(exit: &Exit) -> Entry {
    let Exit { ticks, pos, g, .. } = *exit;
    let (kind, role) = (Kind::GoSysExit, Role::Returns);
    Entry { kind, role, marks: 0, more: 0, ticks, pos, g, target: g, cell: usize::MAX }
}

/// Where the reading stands in a lane.
struct Tip<'a> {
    reader: Reader,
    /// Who executes.
    g: GIdx,
    others: std::slice::Iter<'a, GIdx>,
}

impl<'a> Tip<'a> {
    fn new(lanes: &Lanes, lane: usize, told: &'a Told) -> Self {
        Self { reader: lanes.reader(lane), g: told.g, others: told.others.iter() }
    }

    #[cold]
    fn other(&mut self) -> GIdx {
        self.others.next().copied().unwrap_or(GIdx::NONE)
    }

    /// Passes over a cell that is no entry here.
    fn pass(&mut self, cell: &Cell) {
        if role(cell.kind) == Role::Leaves {
            self.g = GIdx::NONE;
        }
    }

    /// The end of who had the id that a creation gives to another.
    #[cold]
    fn replaced(&mut self, cell: &Cell, ticks: i64) -> Entry {
        let (pos, target) = (self.reader.pos, self.other());
        let (kind, role, marks, more) = (cell.kind, Role::Targets, cell.marks, cell.more);
        Entry { kind, role, marks, more, ticks, pos, g: GIdx::NONE, target, cell: usize::MAX }
    }

    #[inline]
    fn entry(&mut self, cell: &Cell, at: usize, ticks: i64) -> Entry {
        let (who, role) = (GIdx(cell.who), role(cell.kind));
        let (mut g, mut target) = (who, GIdx::NONE);
        match role {
            Role::Targets => {
                if cell.has(OTHER_G) {
                    self.g = self.other();
                }
                (g, target) = (self.g, who);
            }
            Role::Starts => self.g = who,
            Role::Leaves => self.g = GIdx::NONE,
            Role::Returns => target = who,
            Role::Names | Role::Stays => {}
        }
        let (kind, marks, more, pos) = (cell.kind, cell.marks & !REPLACES, cell.more, self.reader.pos);
        Entry { kind, role, marks, more, ticks, pos, g, target, cell: at }
    }
}
