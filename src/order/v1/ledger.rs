//! The ordered events, one small entry each: when, where in the file, and whose.
//!
//! Entries and not events, because an event of 4 bytes in the file would be 48 in memory. What an entry leaves out
//! is read again from the file when it becomes an event.

use super::slots::{SlotIdx, Slots};
use super::stream::Head;
use crate::format::v1::Kind;
use crate::ids::{GIdx, GoId};

/// One ordered event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) ticks: i64,
    /// Position in the file, and the marks below.
    place: u64,
    /// Who executed.
    pub(super) g: GIdx,
    /// Who was created, woken or replaced.
    pub(super) target: GIdx,
}

/// A system call that blocked.
const BLOCKED: u64 = 1 << 63;
/// Part of a wake-up that came to nothing.
const FUTILE: u64 = 1 << 62;
/// No event of the file: the id of the target begins anew, so that the target must have ended.
const REPLACED: u64 = 1 << 61;

impl Entry {
    /// Position in the file.
    #[inline]
    pub(super) fn pos(&self) -> u64 {
        self.place & !(BLOCKED | FUTILE | REPLACED)
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.place & BLOCKED != 0
    }

    pub(super) fn is_futile(&self) -> bool {
        self.place & FUTILE != 0
    }

    pub(super) fn is_replaced(&self) -> bool {
        self.place & REPLACED != 0
    }

    pub(super) fn make_futile(&mut self) {
        self.place |= FUTILE;
    }
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
    fn note(&mut self, ticks: u64) {
        self.events += 1;
        self.max_ticks = self.max_ticks.max(ticks);
    }
}

/// Takes ordered events in.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Entry>,
    /// Id of every instance.
    pub(super) goroutines: Vec<GoId>,
    /// Returns from system calls that say an earlier time than that of their event; ascending.
    pub(super) exits: Vec<(u32, i64)>,
    pub(super) disorder: Disorder,
    /// Start addresses of created goroutines, where the version has no names.
    last_ticks: Option<i64>,
}

impl Ledger {
    /// For about `n` events.
    pub(super) fn for_events(n: u64) -> Self {
        Self { entries: Vec::with_capacity(n as usize), ..Self::default() }
    }

    /// Adds the next event.
    #[inline]
    pub(super) fn push(&mut self, head: &Head, slots: &mut Slots) {
        let ticks = self.in_order(head.ticks);
        let g = match head.kind {
            Kind::CpuSample => slots.get(head.g).map_or(GIdx::NONE, |s| s.instance),
            _ => self.instance(head.g, slots),
        };
        let blocks = head.kind == Kind::GoSysBlock;
        self.settle_call(head, blocks, ticks, slots);
        if blocks {
            return;
        }
        let target = match head.kind {
            Kind::GoCreate => self.create(head, ticks, slots),
            _ => self.instance(head.target, slots),
        };
        self.note_exit(head, slots);
        if head.kind == Kind::GoEnd
            && let Some(slot) = slots.get(head.g)
        {
            slot.instance = GIdx::NONE;
        }
        self.entries.push(Entry { ticks, place: head.pos, g, target });
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

    fn create(&mut self, head: &Head, ticks: i64, slots: &mut Slots) -> GIdx {
        let Some(slot) = slots.get(head.target) else { return GIdx::NONE };
        if slot.instance.is_some() {
            self.entries.push(Entry { ticks, place: head.pos | REPLACED, g: GIdx::NONE, target: slot.instance });
        }
        slot.instance = self.new_instance(slot.id);
        slot.pending_call = 0;
        slot.instance
    }

    /// A system call blocks when the next event of its goroutine says so (`convertEvent` in `tracev1.go`, Go 1.27).
    #[inline]
    fn settle_call(&mut self, head: &Head, blocks: bool, ticks: i64, slots: &mut Slots) {
        let Some(slot) = slots.get(head.g) else { return };
        let call = std::mem::take(&mut slot.pending_call);
        if head.kind == Kind::GoSysCall {
            slot.pending_call = self.entries.len() as u32 + 1;
        }
        if blocks || head.kind == Kind::GoInSyscall {
            slot.blocked_at = Some(ticks);
        }
        if blocks && let Some(entry) = self.entries.get_mut((call as usize).wrapping_sub(1)) {
            entry.place |= BLOCKED;
        }
    }

    /// The event of a return is written when the thread has a proc again; it says when the call returned
    /// (`parseEventBatches` in `tracev1/parser.go`, Go 1.27).
    fn note_exit(&mut self, head: &Head, slots: &mut Slots) {
        if head.exit == 0 {
            return;
        }
        let Some(blocked_at) = slots.get(head.target).and_then(|s| s.blocked_at) else { return };
        if head.exit < blocked_at {
            self.disorder.note(blocked_at.abs_diff(head.exit));
        }
        self.exits.push((self.entries.len() as u32, head.exit.max(blocked_at)));
    }
}
