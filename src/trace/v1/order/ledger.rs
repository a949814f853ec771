//! What the order of the events tells of each: whose it is, when it really was, and what it means for events before
//! it. Goes into their cells, where nothing needs the goroutine's id any more.

use super::lanes::{ABSENT, BLOCKED, OTHER_G, REPLACES};
use super::slots::{SlotIdx, Slots};
use super::stream::{Head, Role, role};
use crate::trace::ids::{GIdx, GoId};
use crate::trace::v1::{Cell, Cells, Kind};

/// A return from a system call, at the time when the call returned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exit {
    pub(crate) ticks: i64,
    /// Number of entries before it, as the events were written; returns do not count.
    pub(crate) before: u64,
    pub(crate) pos: u64,
    pub(crate) g: GIdx,
}

/// Consecutive events of one lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) lane: u32,
    pub(crate) n: u32,
}

/// How far the clocks of the cores contradict the order of events.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Disorder {
    /// Events moved to the time of the event before them.
    pub(crate) events: u64,
    /// The farthest of these moves, in ticks.
    pub(crate) max_ticks: u64,
}

impl Disorder {
    #[cold]
    fn note(&mut self, ticks: u64) {
        self.events += 1;
        self.max_ticks = self.max_ticks.max(ticks);
    }
}

/// What the events of a lane tell whoever reads their cells.
#[derive(Clone, Debug)]
pub(crate) struct LaneTargets {
    /// Who executes.
    pub(crate) g: GIdx,
    /// What the cells with the marks [`REPLACES`] and [`OTHER_G`] mean, in their order.
    pub(crate) others: Vec<GIdx>,
}

impl Default for LaneTargets {
    fn default() -> Self {
        Self { g: GIdx::NONE, others: Vec::new() }
    }
}

/// Takes ordered events in.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The order.
    pub(crate) runs: Vec<Run>,
    /// Per lane, who its marked cells mean.
    pub(crate) told: Vec<LaneTargets>,
    /// Id of every instance.
    pub(crate) goroutines: Vec<GoId>,
    /// Returns from system calls that say another time than that of their event.
    pub(crate) exits: Vec<Exit>,
    pub(crate) disorder: Disorder,
    /// Ticks of the first entry.
    pub(crate) first_ticks: Option<i64>,
    last_ticks: Option<i64>,
    n_entries: u64,
}

impl Ledger {
    /// For this many lanes.
    pub(crate) fn for_lanes(n: usize) -> Self {
        Self { told: vec![LaneTargets::default(); n], ..Self::default() }
    }

    /// The last `n` events were that lane's.
    pub(crate) fn add_run(&mut self, lane: u32, n: u32) {
        match self.runs.last_mut() {
            _ if n == 0 => {}
            Some(run) if run.lane == lane && run.n.checked_add(n).is_some() => run.n += n,
            _ => self.runs.push(Run { lane, n }),
        }
    }

    /// Takes the next event, which is that lane's; [`Ledger::add_run`] puts it into the order. Into the caller, as the
    /// event itself.
    #[inline(always)]
    pub(crate) fn push(&mut self, lane: u32, head: &Head, slots: &mut Slots, cells: &mut Cells) {
        let Head { kind, cell: at, ticks, g: slot, .. } = *head;
        let ticks = self.in_order(ticks);
        let role = role(kind);
        let g = if kind == Kind::CpuSample { Self::known(slot, slots) } else { self.instance(slot, slots) };
        let blocks = kind == Kind::GoSysBlock;
        settle_call(head, blocks, ticks, slots, cells);
        if role == Role::Targets {
            let target = self.instance_of_target(lane, kind, head.target, slots);
            self.tell_target(lane, g, target, &mut cells[at]);
            return self.count(ticks);
        }
        let told = &mut self.told[lane as usize];
        let stays = if role == Role::Leaves { GIdx::NONE } else { told.g };
        told.g = if role == Role::Starts { g } else { stays };
        if role == Role::Returns && head.exit != 0 && self.note_exit((head.target, head.exit, head.pos), g, slots) {
            cells[at].marks |= ABSENT;
            return;
        }
        cells[at].who = g.0;
        if blocks {
            // It only tells of the call before it.
            cells[at].marks |= ABSENT;
            return;
        }
        self.count(ticks);
        if kind == Kind::GoEnd
            && let Some(slot) = slots.get(slot)
        {
            slot.instance = GIdx::NONE;
        }
    }

    /// One entry more.
    #[inline(always)]
    fn count(&mut self, ticks: i64) {
        self.n_entries += 1;
        self.first_ticks.get_or_insert(ticks);
    }

    #[inline(always)]
    fn in_order(&mut self, ticks: i64) -> i64 {
        let last = self.last_ticks.unwrap_or(ticks);
        if ticks < last {
            self.disorder.note(last.abs_diff(ticks));
        }
        let ticks = ticks.max(last);
        self.last_ticks = Some(ticks);
        ticks
    }

    /// Who an id is now; a new instance when it is not known, as after its end or where its creation is lost.
    #[inline(always)]
    fn instance(&mut self, slot: SlotIdx, slots: &mut Slots) -> GIdx {
        let known = Self::known(slot, slots);
        if known.is_some() { known } else { self.appear(slot, slots) }
    }

    /// Who an id is now; none when it is not known.
    #[inline(always)]
    fn known(slot: SlotIdx, slots: &mut Slots) -> GIdx {
        slots.get(slot).map_or(GIdx::NONE, |slot| slot.instance)
    }

    #[inline(never)]
    fn appear(&mut self, slot: SlotIdx, slots: &mut Slots) -> GIdx {
        let Some(slot) = slots.get(slot) else { return GIdx::NONE };
        slot.instance = self.new_instance(slot.id);
        slot.instance
    }

    fn new_instance(&mut self, id: GoId) -> GIdx {
        self.goroutines.push(id);
        GIdx(self.goroutines.len() as u32 - 1)
    }

    /// Who an event creates or wakes.
    #[inline(always)]
    fn instance_of_target(&mut self, lane: u32, kind: Kind, target: SlotIdx, slots: &mut Slots) -> (GIdx, bool) {
        if kind == Kind::GoCreate { self.create(lane, target, slots) } else { (self.instance(target, slots), false) }
    }

    /// An event of `g` that creates or wakes another goroutine, which may replace who had its id.
    #[inline(always)]
    fn tell_target(&mut self, lane: u32, g: GIdx, (target, replaces): (GIdx, bool), cell: &mut Cell) {
        cell.who = target.0;
        if replaces {
            cell.marks |= REPLACES;
        }
        let told = &mut self.told[lane as usize];
        if told.g != g {
            cell.marks |= OTHER_G;
            told.g = g;
            told.others.push(g);
        }
    }

    /// The new instance, and whether another had its id until here.
    #[inline(never)]
    fn create(&mut self, lane: u32, target: SlotIdx, slots: &mut Slots) -> (GIdx, bool) {
        let Some(slot) = slots.get(target) else { return (GIdx::NONE, false) };
        let replaced = std::mem::replace(&mut slot.instance, self.new_instance(slot.id));
        slot.pending_call = 0;
        if replaced.is_some() {
            self.told[lane as usize].others.push(replaced);
            self.n_entries += 1;
        }
        (slot.instance, replaced.is_some())
    }

    /// Whether the event of a return says when the call returned: it is written when the thread has a proc again
    /// (`parseEventBatches` in `tracev1/parser.go`, Go 1.27).
    #[inline(never)]
    fn note_exit(&mut self, (who, exit, pos): (SlotIdx, i64, u64), g: GIdx, slots: &mut Slots) -> bool {
        let Some(blocked_at) = slots.get(who).and_then(|s| s.blocked_at) else { return false };
        if exit < blocked_at {
            self.disorder.note(blocked_at.abs_diff(exit));
        }
        self.exits.push(Exit { ticks: exit.max(blocked_at), before: self.n_entries, pos, g });
        true
    }
}

/// A system call blocks when the next event of its goroutine says so (`convertEvent` in `tracev1.go`, Go 1.27).
#[inline(always)]
fn settle_call(head: &Head, blocks: bool, ticks: i64, slots: &mut Slots, cells: &mut Cells) {
    let Some(slot) = slots.get(head.g) else { return };
    let call = std::mem::take(&mut slot.pending_call);
    if head.kind == Kind::GoSysCall {
        slot.pending_call = head.cell + 1;
    }
    if blocks || head.kind == Kind::GoInSyscall {
        slot.blocked_at = Some(ticks);
    }
    if blocks && let Some(cell) = cells.get_mut(call.wrapping_sub(1)) {
        cell.marks |= BLOCKED;
    }
}
