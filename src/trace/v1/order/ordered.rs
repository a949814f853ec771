//! The final order of the events, and a cursor that reads them in it.
//!
//! The order is a list of runs: how many cells of which lane come next. Two kinds of events have no cell in their
//! place, and are *due* before the event of a cell: returns from system calls that were written late, and the ends of
//! goroutines whose id is given to another.

use super::builder::{LaneRun, OrderBuilder, SyscallExit};
use super::lanes::{ABSENT, LaneReader, Lanes, OTHER_G, REPLACES};
use super::stream::{EventRole, role};
use crate::trace::ids::GIdx;
use crate::trace::v1::{EventCell, Kind};

/// The order of the cells of all lanes.
#[derive(Debug)]
pub(crate) struct Order {
    runs: Vec<LaneRun>,
    /// Of each lane, the goroutines that its flagged cells mean.
    flagged: Vec<Vec<GIdx>>,
    /// Late returns by their ticks; at equal ticks in the order in which they were written.
    exits: Vec<SyscallExit>,
    /// Ticks of the first event; 0 if there is none.
    pub(crate) first_ticks: i64,
    /// Number of cells in the order.
    pub(crate) n_cells: u64,
}

/// An event in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderedEvent {
    pub(crate) kind: Kind,
    pub(crate) role: EventRole,
    /// The flags of its cell. [`REPLACES`]: it is not in the file; `target` has ended, because its id is given to another
    /// goroutine.
    pub(crate) flags: u8,
    /// As [`EventCell::stack_or_arg`].
    pub(crate) stack_or_arg: u32,
    /// Ticks, not smaller than those of the event before.
    pub(crate) ticks: i64,
    /// Offset in the file.
    pub(crate) pos: u64,
    /// Number of its cell in the order, counted from one. A due event has the number of the cell after it.
    pub(crate) number: u64,
    /// The goroutine that executes.
    pub(crate) g: GIdx,
    /// The goroutine that is created, woken or replaced, or returns from a system call.
    pub(crate) target: GIdx,
    /// The number of its cell; `usize::MAX` where it has none.
    pub(crate) cell: usize,
}

impl OrderedEvent {
    /// Whether all of these flags are set.
    #[inline]
    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}

impl Order {
    /// The order that was built.
    pub(crate) fn new(builder: OrderBuilder) -> Self {
        let OrderBuilder { mut runs, targets, mut exits, first_ticks, .. } = builder;
        runs.shrink_to_fit();
        // A stable sort: returns at the same time stay in the order in which they were written.
        exits.sort_by_key(|exit| exit.ticks);
        let first = first_ticks.into_iter().chain(exits.first().map(|exit| exit.ticks)).min();
        let n_cells = runs.iter().map(|run| u64::from(run.n)).sum();
        let flagged = targets.into_iter().map(|lane| lane.flagged).collect();
        Self { runs, flagged, exits, first_ticks: first.unwrap_or(0), n_cells }
    }

    /// Calls `take` with every event, in order.
    pub(crate) fn for_each(&self, lanes: &Lanes, mut take: impl FnMut(&OrderedEvent)) {
        let mut cursor = OrderCursor::first(self, lanes);
        loop {
            if let Some(event) = cursor.next(self, lanes, u64::MAX) {
                take(&event);
            } else if !cursor.take_due(&mut take) {
                return;
            }
        }
    }
}

/// A position in the order.
#[derive(Clone, Debug)]
pub(crate) struct OrderCursor {
    lanes: Vec<LaneCursor>,
    /// The lane of the present run.
    lane: usize,
    /// Number of cells so far.
    n_cells: u64,
    /// Number of cells up to where `next` has to look again: the end of the run, or of the part that is read.
    stop: u64,
    /// Number of cells up to the end of the run.
    run_end: u64,
    /// Index of the next run.
    next_run: usize,
    /// Index of the next late return.
    next_exit: usize,
    /// Its ticks; `i64::MAX` if there is none.
    exit_ticks: i64,
    /// Ticks of the last event; `i64::MIN` before the first.
    ticks: i64,
    /// Number of cells so far that are no events here.
    n_absent: u64,
    /// Number of events so far that have no cell, without late returns.
    n_replaced: u64,
    /// Events that come before the next cell's; the first one is the last of the list.
    due: Vec<OrderedEvent>,
}

impl OrderCursor {
    /// The start of the order.
    pub(crate) fn first(order: &Order, lanes: &Lanes) -> Self {
        let lane = |n| LaneCursor { reader: lanes.reader(n), g: GIdx::NONE, n_flagged: 0 };
        Self {
            lanes: (0..order.flagged.len()).map(lane).collect(),
            lane: 0,
            n_cells: 0,
            stop: 0,
            run_end: 0,
            next_run: 0,
            next_exit: 0,
            exit_ticks: order.exits.first().map_or(i64::MAX, |exit| exit.ticks),
            ticks: i64::MIN,
            n_absent: 0,
            n_replaced: 0,
            due: Vec::new(),
        }
    }

    /// The number of the next cell's event.
    pub(crate) fn next_number(&self) -> u64 {
        self.n_cells + 1
    }

    /// The next event. None after `end` cells, and where others are due before it: then [`OrderCursor::take_due`] has
    /// them. Inlined into the caller, so that the event stays in registers.
    #[inline(always)]
    pub(crate) fn next(&mut self, order: &Order, lanes: &Lanes, end: u64) -> Option<OrderedEvent> {
        loop {
            if self.n_cells >= self.stop && !self.enter_run(order, end) {
                return None;
            }
            self.n_cells += 1;
            let Some(lane) = self.lanes.get_mut(self.lane) else { continue };
            let Some(at) = lane.reader.next(lanes) else { continue };
            let cell = lanes.cells[at];
            let ticks = self.ticks.max(lane.reader.ticks);
            self.ticks = ticks;
            if cell.flags & (ABSENT | REPLACES | OTHER_G) == 0 && ticks < self.exit_ticks {
                return Some(lane.event(&cell, at, (ticks, self.n_cells)));
            }
            if self.find_due(order, cell, at) {
                return None;
            }
        }
    }

    /// Calls `take` with the events that are due; false when there are none, which is the end.
    #[cold]
    pub(crate) fn take_due(&mut self, take: &mut impl FnMut(&OrderedEvent)) -> bool {
        let due = !self.due.is_empty();
        while let Some(event) = self.due.pop() {
            take(&event);
        }
        due
    }

    /// Goes on to the next run; false at the end, where the remaining late returns become due.
    #[inline(never)]
    fn enter_run(&mut self, order: &Order, end: u64) -> bool {
        if self.n_cells >= end {
            return false;
        }
        if self.n_cells >= self.run_end {
            let Some(run) = order.runs.get(self.next_run) else {
                self.take_exits(order, (i64::MAX, u64::MAX));
                self.due.reverse();
                return false;
            };
            self.lane = run.lane as usize;
            self.run_end = self.n_cells + u64::from(run.n);
            self.next_run += 1;
        }
        self.stop = self.run_end.min(end);
        true
    }

    /// Takes a cell that is no event, that has goroutines in [`Order::flagged`], or before whose event others are due.
    /// False if nothing is due after that.
    #[cold]
    #[inline(never)]
    fn find_due(&mut self, order: &Order, cell: EventCell, at: usize) -> bool {
        let cell = &cell;
        let time_and_number = (self.ticks, self.n_cells);
        if cell.has(ABSENT) {
            self.n_absent += 1;
            self.lanes[self.lane].pass(cell);
            return false;
        }
        self.take_exits(order, (self.ticks, self.n_events()));
        let flagged = &order.flagged[self.lane];
        if cell.has(REPLACES) {
            let replaced = self.lanes[self.lane].replaced(cell, time_and_number, flagged);
            self.due.push(replaced);
            self.n_replaced += 1;
            self.take_exits(order, (self.ticks, self.n_events()));
        }
        let lane = &mut self.lanes[self.lane];
        if cell.has(OTHER_G) {
            lane.g = lane.next_flagged(flagged);
        }
        self.due.push(lane.event(cell, at, time_and_number));
        self.due.reverse();
        true
    }

    /// Number of events so far, as in [`SyscallExit::n_before`].
    fn n_events(&self) -> u64 {
        self.n_cells - self.n_absent + self.n_replaced
    }

    /// Makes the late returns due that come before an event with these ticks and this number, counted from one as
    /// [`SyscallExit::n_before`] counts.
    fn take_exits(&mut self, order: &Order, before: (i64, u64)) {
        while let Some(exit) = order.exits.get(self.next_exit)
            && (exit.ticks, exit.n_before) < before
        {
            self.due.push(exit_event(exit, self.n_cells));
            self.next_exit += 1;
        }
        self.exit_ticks = order.exits.get(self.next_exit).map_or(i64::MAX, |exit| exit.ticks);
    }
}

fn exit_event(exit: &SyscallExit, number: u64) -> OrderedEvent {
    let SyscallExit { ticks, pos, g, .. } = *exit;
    let (kind, role) = (Kind::GoSysExit, EventRole::Returns);
    OrderedEvent { kind, role, flags: 0, stack_or_arg: 0, ticks, pos, number, g, target: g, cell: usize::MAX }
}

/// A position in a lane.
#[derive(Clone, Debug)]
struct LaneCursor {
    reader: LaneReader,
    /// The goroutine that executes.
    g: GIdx,
    /// Number of goroutines taken from [`Order::flagged`].
    n_flagged: usize,
}

impl LaneCursor {
    /// The next goroutine that a flagged cell means.
    fn next_flagged(&mut self, flagged: &[GIdx]) -> GIdx {
        self.n_flagged += 1;
        flagged.get(self.n_flagged - 1).copied().unwrap_or(GIdx::NONE)
    }

    /// Steps over a cell that is no event here.
    fn pass(&mut self, cell: &EventCell) {
        if role(cell.kind) == EventRole::Stops {
            self.g = GIdx::NONE;
        }
    }

    /// The end of the goroutine whose id a creation gives to another.
    fn replaced(&mut self, cell: &EventCell, (ticks, number): (i64, u64), flagged: &[GIdx]) -> OrderedEvent {
        let (pos, target) = (self.reader.pos, self.next_flagged(flagged));
        let (kind, role, flags, stack_or_arg) = (cell.kind, EventRole::Targets, cell.flags, cell.stack_or_arg);
        OrderedEvent { kind, role, flags, stack_or_arg, ticks, pos, number, g: GIdx::NONE, target, cell: usize::MAX }
    }

    /// The event of a cell. No processor can predict its role, so there are no branches by role.
    #[inline(always)]
    fn event(&mut self, cell: &EventCell, at: usize, (ticks, number): (i64, u64)) -> OrderedEvent {
        let (named, role) = (GIdx(cell.arg), role(cell.kind));
        let targets = role == EventRole::Targets;
        let g = if targets { self.g } else { named };
        let target = if targets || role == EventRole::Returns { named } else { GIdx::NONE };
        let unless_started = if role == EventRole::Stops { GIdx::NONE } else { self.g };
        self.g = if role == EventRole::Starts { named } else { unless_started };
        let (kind, flags, stack_or_arg, pos) = (cell.kind, cell.flags & !REPLACES, cell.stack_or_arg, self.reader.pos);
        OrderedEvent { kind, role, flags, stack_or_arg, ticks, pos, number, g, target, cell: at }
    }
}
