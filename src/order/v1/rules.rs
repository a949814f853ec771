//! What must have happened to a goroutine before an event can, and what the event makes of it.
//!
//! Source: `stateTransition` in `src/internal/trace/order.go` of Go 1.21. The runtime numbers the starts, wake-ups
//! and returns from system calls of every goroutine; a *local* event follows its cause on the same proc and has no
//! number. All else is ordered by time alone.

use super::slots::{Slot, SlotIdx, Status};
use super::stream::Head;
use crate::format::v1::Kind;

/// Any number will do.
const ANY: u64 = u64::MAX;

/// The state of a goroutine that an event waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Need {
    pub(super) slot: SlotIdx,
    seq: u64,
    status: Status,
}

/// What an event needs and does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) need: Need,
    to: Status,
    /// Whether the goroutine's number goes up by one.
    counts: bool,
}

impl Need {
    /// Whether the goroutine is in that state.
    #[inline]
    pub(super) fn is_met(self, slot: &Slot) -> bool {
        self.status == slot.status && (self.seq == ANY || self.seq == slot.seq)
    }

    /// Whether it can never be in that state again: its numbers only go up.
    #[inline]
    pub(super) fn is_past(self, slot: &Slot) -> bool {
        self.seq != ANY && self.seq < slot.seq
    }

    /// The needs that the present state of a goroutine meets.
    pub(super) fn met_by(slot: SlotIdx, state: &Slot) -> [Self; 2] {
        let need = |seq| Self { slot, seq, status: state.status };
        [need(state.seq), need(ANY)]
    }
}

impl Rule {
    /// Puts the goroutine into the state behind the event.
    #[inline]
    pub(super) fn apply(self, slot: &mut Slot) {
        if self.need.seq != ANY {
            slot.seq = self.need.seq.wrapping_add(1);
        } else if self.counts {
            slot.seq = slot.seq.wrapping_add(1);
        }
        slot.status = self.to;
    }
}

/// The rule for an event; none when time alone orders it.
#[inline]
pub(super) fn rule(head: &Head) -> Option<Rule> {
    use Status::{Dead, Runnable, Running, Waiting};
    let (slot, seq, status, to, counts) = match head.kind {
        Kind::GoCreate => (head.target, 0, Dead, Runnable, true),
        Kind::GoWaiting | Kind::GoInSyscall => (head.g, 1, Runnable, Waiting, true),
        Kind::GoStart | Kind::GoStartLabel => (head.g, head.seq, Runnable, Running, true),
        Kind::GoStartLocal => (head.g, ANY, Runnable, Running, true),
        Kind::GoBlock
        | Kind::GoBlockSend
        | Kind::GoBlockRecv
        | Kind::GoBlockSelect
        | Kind::GoBlockSync
        | Kind::GoBlockCond
        | Kind::GoBlockNet
        | Kind::GoSleep
        | Kind::GoSysBlock
        | Kind::GoBlockGc => (head.g, ANY, Running, Waiting, false),
        Kind::GoSched | Kind::GoPreempt => (head.g, ANY, Running, Runnable, false),
        Kind::GoUnblock | Kind::GoSysExit => (head.target, head.seq, Waiting, Runnable, true),
        Kind::GoUnblockLocal | Kind::GoSysExitLocal => (head.target, ANY, Waiting, Runnable, true),
        Kind::GcStart => (SlotIdx::COLLECTOR, head.seq, Dead, Dead, true),
        _ => return None,
    };
    (slot != SlotIdx::NONE).then_some(Rule { need: Need { slot, seq, status }, to, counts })
}
