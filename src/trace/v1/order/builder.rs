//! Builds the order of the events: takes them in causal order, and writes into their cells what follows from it.
//!
//! * The instance of the goroutine that an event is about replaces the goroutine's id.
//! * An event that only says something about an earlier one (a system call blocked) sets a flag there.
//! * A return from a system call that is written late gets its true place in the order.

use super::lanes::{ABSENT, BLOCKED, OTHER_G, REPLACES};
use super::ranges::OpenRanges;
use super::slots::{SlotIdx, Slots};
use super::stream::{EventRole, Head, role};
use crate::trace::ids::{GIdx, GoId};
use crate::trace::v1::{BrokenRules, EventCell, EventCells, Kind};

/// A return from a system call whose event was written later than it happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyscallExit {
    /// When the call returned.
    pub(crate) ticks: i64,
    /// Number of ordered events before the one that was written, without such returns.
    pub(crate) n_before: u64,
    /// Offset of the event.
    pub(crate) pos: u64,
    /// The goroutine that returned.
    pub(crate) g: GIdx,
}

/// Consecutive events in the order that are consecutive events of one lane too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaneRun {
    pub(crate) lane: u32,
    /// Number of events.
    pub(crate) n: u32,
}

/// How far the clocks of the cores contradict the order of events.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ClockDisorder {
    /// Number of events that were moved to the time of the event before them.
    pub(crate) events: u64,
    /// The largest of these moves, in ticks.
    pub(crate) max_ticks: u64,
}

impl ClockDisorder {
    #[cold]
    fn note(&mut self, ticks: u64) {
        self.events += 1;
        self.max_ticks = self.max_ticks.max(ticks);
    }
}

/// The goroutines of one lane's events, as far as their cells do not have them.
#[derive(Clone, Debug)]
pub(crate) struct LaneTargets {
    /// The goroutine that executes, as far as a reader of the cells can tell.
    executing: GIdx,
    /// For each cell with the flag [`REPLACES`], the instance that has ended; for each with [`OTHER_G`], the goroutine
    /// that executes. In the order of the cells; of a cell with both flags, the ended one first.
    pub(crate) flagged: Vec<GIdx>,
}

impl Default for LaneTargets {
    fn default() -> Self {
        Self { executing: GIdx::NONE, flagged: Vec::new() }
    }
}

/// The order so far.
#[derive(Debug, Default)]
pub(crate) struct OrderBuilder {
    /// The order, as runs of single lanes.
    pub(crate) runs: Vec<LaneRun>,
    /// Of each lane, the goroutines that its flagged cells mean.
    pub(crate) targets: Vec<LaneTargets>,
    /// The id of every instance.
    pub(crate) goroutines: Vec<GoId>,
    /// Returns from system calls that were written late, in the order of their events.
    pub(crate) exits: Vec<SyscallExit>,
    pub(crate) disorder: ClockDisorder,
    /// Returns from system calls that never began.
    pub(crate) broken: BrokenRules,
    /// The collections, stopped worlds and assists that are open.
    pub(super) ranges: OpenRanges,
    /// Ticks of the first event; none before it.
    pub(crate) first_ticks: Option<i64>,
    /// Ticks of the last event; none before the first.
    last_ticks: Option<i64>,
    /// Number of ordered events so far, without late returns and events that only set flags.
    n_events: u64,
}

impl OrderBuilder {
    /// An empty order of `n` lanes.
    pub(crate) fn for_lanes(n: usize) -> Self {
        Self { targets: vec![LaneTargets::default(); n], ..Self::default() }
    }

    /// The next `n` events of the order are the next `n` of this lane.
    pub(crate) fn add_run(&mut self, lane: u32, n: u32) {
        match self.runs.last_mut() {
            _ if n == 0 => {}
            Some(run) if run.lane == lane && run.n.checked_add(n).is_some() => run.n += n,
            _ => self.runs.push(LaneRun { lane, n }),
        }
    }

    /// Takes the next event, one of this lane; [`OrderBuilder::add_run`] appends it to the order. Inlined into the merge,
    /// so that the event stays in registers.
    #[inline(always)]
    pub(crate) fn push(&mut self, lane: u32, head: &Head, slots: &mut Slots, cells: &mut EventCells) {
        let Head { kind, cell: at, ticks, g: slot, .. } = *head;
        let ticks = self.not_before_last(ticks);
        let role = role(kind);
        let g = if kind == Kind::CpuSample { Self::known(slot, slots) } else { self.instance(slot, slots) };
        let blocks = kind == Kind::GoSysBlock;
        resolve_syscall(head, blocks, ticks, slots, cells);
        if role == EventRole::Targets {
            let target = self.instance_of_target(lane, kind, head.target, slots);
            self.set_target(lane, g, target, &mut cells[at]);
            return self.count(ticks);
        }
        let targets = &mut self.targets[lane as usize];
        let unless_started = if role == EventRole::Stops { GIdx::NONE } else { targets.executing };
        targets.executing = if role == EventRole::Starts { g } else { unless_started };
        if role == EventRole::Returns && head.exit != 0 && self.is_late_exit(head, g, slots) {
            cells[at].flags |= ABSENT;
            return;
        }
        cells[at].arg = g.0;
        if blocks {
            // It only says something about the call before it.
            cells[at].flags |= ABSENT;
            return;
        }
        self.count(ticks);
        if OpenRanges::concerns(kind) {
            self.ranges.take(kind, g, head.pos);
        }
        if kind == Kind::GoEnd
            && let Some(slot) = slots.get(slot)
        {
            self.ranges.end(g);
            slot.instance = GIdx::NONE;
        }
    }

    /// One more event is ordered.
    #[inline(always)]
    fn count(&mut self, ticks: i64) {
        self.n_events += 1;
        self.first_ticks.get_or_insert(ticks);
    }

    /// The time of the next event, moved to that of the last one where it is earlier.
    #[inline(always)]
    fn not_before_last(&mut self, ticks: i64) -> i64 {
        let last = self.last_ticks.unwrap_or(ticks);
        if ticks < last {
            self.disorder.note(last.abs_diff(ticks));
        }
        let ticks = ticks.max(last);
        self.last_ticks = Some(ticks);
        ticks
    }

    /// The instance that an id stands for; a new one where there is none, after its end or where its creation is lost.
    #[inline(always)]
    fn instance(&mut self, slot: SlotIdx, slots: &mut Slots) -> GIdx {
        let known = Self::known(slot, slots);
        if known.is_some() { known } else { self.add_instance(slot, slots) }
    }

    /// The instance that an id stands for; [`GIdx::NONE`] where there is none.
    #[inline(always)]
    fn known(slot: SlotIdx, slots: &mut Slots) -> GIdx {
        slots.get(slot).map_or(GIdx::NONE, |slot| slot.instance)
    }

    #[inline(never)]
    fn add_instance(&mut self, slot: SlotIdx, slots: &mut Slots) -> GIdx {
        let Some(slot) = slots.get(slot) else { return GIdx::NONE };
        slot.instance = self.new_instance(slot.id);
        slot.instance
    }

    fn new_instance(&mut self, id: GoId) -> GIdx {
        self.goroutines.push(id);
        GIdx(self.goroutines.len() as u32 - 1)
    }

    /// The goroutine that an event creates or wakes, and whether its id was in use.
    #[inline(always)]
    fn instance_of_target(&mut self, lane: u32, kind: Kind, target: SlotIdx, slots: &mut Slots) -> (GIdx, bool) {
        if kind == Kind::GoCreate { self.create(lane, target, slots) } else { (self.instance(target, slots), false) }
    }

    /// Writes into the cell of an event of `g` which goroutine it creates or wakes.
    #[inline(always)]
    fn set_target(&mut self, lane: u32, g: GIdx, (target, replaces): (GIdx, bool), cell: &mut EventCell) {
        cell.arg = target.0;
        if replaces {
            cell.flags |= REPLACES;
        }
        let targets = &mut self.targets[lane as usize];
        if targets.executing != g {
            cell.flags |= OTHER_G;
            targets.executing = g;
            targets.flagged.push(g);
        }
    }

    /// The new instance of an id, and whether the id was in use: then the goroutine that had it ends here.
    #[inline(never)]
    fn create(&mut self, lane: u32, target: SlotIdx, slots: &mut Slots) -> (GIdx, bool) {
        let Some(slot) = slots.get(target) else { return (GIdx::NONE, false) };
        let replaced = std::mem::replace(&mut slot.instance, self.new_instance(slot.id));
        slot.pending_syscall = 0;
        if replaced.is_some() {
            self.targets[lane as usize].flagged.push(replaced);
            self.n_events += 1;
        }
        (slot.instance, replaced.is_some())
    }

    /// Whether the event of a return was written late, which is when the thread had a proc again; if so, notes when the
    /// call returned (`parseEventBatches` in `tracev1/parser.go`, Go 1.27).
    #[inline(never)]
    fn is_late_exit(&mut self, head: &Head, g: GIdx, slots: &mut Slots) -> bool {
        let Head { target, exit, pos, .. } = *head;
        let Some(blocked_at) = slots.get(target).and_then(|s| s.blocked_at) else {
            self.broken.add(pos, "a system call returns that never blocked");
            return false;
        };
        if exit < blocked_at {
            self.disorder.note(blocked_at.abs_diff(exit));
        }
        self.exits.push(SyscallExit { ticks: exit.max(blocked_at), n_before: self.n_events, pos, g });
        true
    }
}

/// Notes what an event says about its goroutine's system call: a call blocks if the next event of the goroutine says so
/// (`convertEvent` in `tracev1.go`, Go 1.27).
#[inline(always)]
fn resolve_syscall(head: &Head, blocks: bool, ticks: i64, slots: &mut Slots, cells: &mut EventCells) {
    let Some(slot) = slots.get(head.g) else { return };
    let wake = std::mem::take(&mut slot.pending_syscall);
    if head.kind == Kind::GoSysCall {
        slot.pending_syscall = head.cell + 1;
    }
    if blocks || head.kind == Kind::GoInSyscall {
        slot.blocked_at = Some(ticks);
    }
    if blocks && let Some(cell) = cells.get_mut(wake.wrapping_sub(1)) {
        cell.flags |= BLOCKED;
    }
}
