//! What the order of the events tells of each: whose it is, when it really was, and what it means for events before
//! it. Goes into their cells, where nothing needs the goroutine's id any more.

use super::lanes::{BLOCKED, MOVED, OTHER_G, REPLACES};
use super::slots::{SlotIdx, Slots};
use super::stream::{Head, Role, role};
use crate::format::v1::{Cell, Kind};
use crate::ids::{GIdx, GoId};

/// A return from a system call, at the time when the call returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) ticks: i64,
    /// Number of entries before it, as the events were written; returns do not count.
    pub(super) before: u64,
    pub(super) pos: u64,
    pub(super) g: GIdx,
}

/// Consecutive events of one lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) lane: u32,
    pub(super) n: u32,
}

/// How far the clocks of the cores contradict the order of events.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Disorder {
    /// Events moved to the time of the event before them.
    pub(super) events: u64,
    /// The farthest of these moves, in ticks.
    pub(super) max_ticks: u64,
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
pub(super) struct Told {
    /// Who executes.
    pub(super) g: GIdx,
    /// What the cells with the marks [`REPLACES`] and [`OTHER_G`] mean, in their order.
    pub(super) others: Vec<GIdx>,
}

impl Default for Told {
    fn default() -> Self {
        Self { g: GIdx::NONE, others: Vec::new() }
    }
}

/// Takes ordered events in.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The order.
    pub(super) runs: Vec<Run>,
    /// Per lane, who its marked cells mean.
    pub(super) told: Vec<Told>,
    /// Id of every instance.
    pub(super) goroutines: Vec<GoId>,
    /// Returns from system calls that say another time than that of their event.
    pub(super) exits: Vec<Exit>,
    pub(super) disorder: Disorder,
    /// Ticks of the first entry.
    pub(super) first_ticks: Option<i64>,
    last_ticks: Option<i64>,
    n_entries: u64,
}

impl Ledger {
    /// For this many lanes.
    pub(super) fn for_lanes(n: usize) -> Self {
        Self { told: vec![Told::default(); n], ..Self::default() }
    }

    /// The last `n` events were that lane's.
    pub(super) fn add_run(&mut self, lane: u32, n: u32) {
        match self.runs.last_mut() {
            _ if n == 0 => {}
            Some(run) if run.lane == lane && run.n.checked_add(n).is_some() => run.n += n,
            _ => self.runs.push(Run { lane, n }),
        }
    }

    /// Takes the next event, which is that lane's; [`Ledger::add_run`] puts it into the order.
    #[inline]
    pub(super) fn push(&mut self, lane: u32, head: &Head, slots: &mut Slots, cells: &mut [Cell]) {
        let ticks = self.in_order(head.ticks);
        let g = match head.kind {
            Kind::CpuSample => slots.get(head.g).map_or(GIdx::NONE, |s| s.instance),
            _ => self.instance(head.g, slots),
        };
        let blocks = head.kind == Kind::GoSysBlock;
        settle_call(head, blocks, ticks, slots, cells);
        let told = &mut self.told[lane as usize];
        match role(head.kind) {
            Role::Starts => told.g = g,
            Role::Leaves => told.g = GIdx::NONE,
            Role::Targets => {
                self.target(lane, head, g, slots, cells);
                return self.count(ticks);
            }
            Role::Returns if self.note_exit(head, g, slots) => {
                cells[head.cell].marks |= MOVED;
                return;
            }
            _ => {}
        }
        cells[head.cell].who = g.0;
        if blocks {
            return;
        }
        self.count(ticks);
        if head.kind == Kind::GoEnd
            && let Some(slot) = slots.get(head.g)
        {
            slot.instance = GIdx::NONE;
        }
    }

    /// One entry more.
    #[inline]
    fn count(&mut self, ticks: i64) {
        self.n_entries += 1;
        self.first_ticks.get_or_insert(ticks);
    }

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
    #[inline]
    fn instance(&mut self, slot: SlotIdx, slots: &mut Slots) -> GIdx {
        match slots.get(slot) {
            None => GIdx::NONE,
            Some(slot) if slot.instance.is_some() => slot.instance,
            Some(slot) => {
                slot.instance = self.new_instance(slot.id);
                slot.instance
            }
        }
    }

    fn new_instance(&mut self, id: GoId) -> GIdx {
        self.goroutines.push(id);
        GIdx(self.goroutines.len() as u32 - 1)
    }

    /// An event of `g` that creates or wakes another goroutine.
    #[inline]
    fn target(&mut self, lane: u32, head: &Head, g: GIdx, slots: &mut Slots, cells: &mut [Cell]) {
        let mut marks = 0;
        let target = match head.kind {
            Kind::GoCreate => {
                let (target, replaced) = self.create(head, slots);
                if replaced.is_some() {
                    marks |= REPLACES;
                    self.told[lane as usize].others.push(replaced);
                    self.n_entries += 1;
                }
                target
            }
            _ => self.instance(head.target, slots),
        };
        let told = &mut self.told[lane as usize];
        if told.g != g {
            marks |= OTHER_G;
            told.g = g;
            told.others.push(g);
        }
        let cell = &mut cells[head.cell];
        cell.who = target.0;
        cell.marks |= marks;
    }

    /// The new instance, and the one that had its id until here.
    fn create(&mut self, head: &Head, slots: &mut Slots) -> (GIdx, GIdx) {
        let Some(slot) = slots.get(head.target) else { return (GIdx::NONE, GIdx::NONE) };
        let replaced = std::mem::replace(&mut slot.instance, self.new_instance(slot.id));
        slot.pending_call = 0;
        (slot.instance, replaced)
    }

    /// Whether the event of a return says when the call returned: it is written when the thread has a proc again
    /// (`parseEventBatches` in `tracev1/parser.go`, Go 1.27).
    fn note_exit(&mut self, head: &Head, g: GIdx, slots: &mut Slots) -> bool {
        if head.exit == 0 {
            return false;
        }
        let Some(blocked_at) = slots.get(head.target).and_then(|s| s.blocked_at) else { return false };
        if head.exit < blocked_at {
            self.disorder.note(blocked_at.abs_diff(head.exit));
        }
        self.exits.push(Exit { ticks: head.exit.max(blocked_at), before: self.n_entries, pos: head.pos, g });
        true
    }
}

/// A system call blocks when the next event of its goroutine says so (`convertEvent` in `tracev1.go`, Go 1.27).
#[inline]
fn settle_call(head: &Head, blocks: bool, ticks: i64, slots: &mut Slots, cells: &mut [Cell]) {
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
