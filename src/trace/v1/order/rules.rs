//! What must have happened to a goroutine before an event can, and what the event makes of it.
//!
//! Source: `stateTransition` in `src/internal/trace/order.go` of Go 1.21. The runtime numbers the starts, wake-ups
//! and returns from system calls of every goroutine; a *local* event follows its cause on the same proc and has no
//! number. All else is ordered by time alone.

use super::slots::{Slot, SlotIdx, Status};
use super::stream::Head;
use crate::trace::v1::Kind;

/// Any number will do.
const ANY: u64 = u64::MAX;

/// The state of a goroutine that an event waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Need {
    pub(crate) slot: SlotIdx,
    seq: u64,
    status: Status,
}

/// What an event needs and does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) need: Need,
    to: Status,
    /// Whether the goroutine's number goes up by one.
    counts: bool,
}

impl Need {
    /// Whether the goroutine is in that state.
    #[inline]
    pub(crate) fn is_met(self, slot: &Slot) -> bool {
        self.status == slot.status && (self.seq == ANY || self.seq == slot.seq)
    }

    /// Whether it can never be in that state again: its numbers only go up.
    #[inline]
    pub(crate) fn is_past(self, slot: &Slot) -> bool {
        self.seq != ANY && self.seq < slot.seq
    }

    /// The needs that the present state of a goroutine meets.
    pub(crate) fn met_by(slot: SlotIdx, state: &Slot) -> [Self; 2] {
        let need = |seq| Self { slot, seq, status: state.status };
        [need(state.seq), need(ANY)]
    }
}

impl Rule {
    /// Puts the goroutine into the state behind the event.
    #[inline]
    pub(crate) fn apply(self, slot: &mut Slot) {
        if self.need.seq != ANY {
            slot.seq = self.need.seq.wrapping_add(1);
        } else if self.counts {
            slot.seq = slot.seq.wrapping_add(1);
        }
        slot.status = self.to;
    }
}

/// Whom a rule is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Nobody: time alone orders the event.
    Nobodys,
    /// Who executes.
    Executing,
    /// Who is created, woken or comes back.
    Targets,
    /// The collector.
    Collectors,
}

/// Which number an event needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    /// This one.
    Fixed(u64),
    /// That of the event.
    Own,
}

/// What events of one kind need and do.
#[derive(Clone, Copy)]
struct KindRule {
    whose: Whose,
    number: Number,
    status: Status,
    to: Status,
    counts: bool,
}

const fn kind_rule(kind: Kind) -> KindRule {
    use Number::{Fixed, Own};
    use Status::{Dead, Runnable, Running, Waiting};
    use Whose::{Collectors, Executing, Nobodys, Targets};
    let (whose, number, status, to, counts) = match kind {
        Kind::GoCreate => (Targets, Fixed(0), Dead, Runnable, true),
        Kind::GoWaiting | Kind::GoInSyscall => (Executing, Fixed(1), Runnable, Waiting, true),
        Kind::GoStart | Kind::GoStartLabel => (Executing, Own, Runnable, Running, true),
        Kind::GoStartLocal => (Executing, Fixed(ANY), Runnable, Running, true),
        Kind::GoBlock
        | Kind::GoBlockSend
        | Kind::GoBlockRecv
        | Kind::GoBlockSelect
        | Kind::GoBlockSync
        | Kind::GoBlockCond
        | Kind::GoBlockNet
        | Kind::GoSleep
        | Kind::GoSysBlock
        | Kind::GoBlockGc => (Executing, Fixed(ANY), Running, Waiting, false),
        Kind::GoSched | Kind::GoPreempt => (Executing, Fixed(ANY), Running, Runnable, false),
        Kind::GoUnblock | Kind::GoSysExit => (Targets, Own, Waiting, Runnable, true),
        Kind::GoUnblockLocal | Kind::GoSysExitLocal => (Targets, Fixed(ANY), Waiting, Runnable, true),
        Kind::GcStart => (Collectors, Own, Dead, Dead, true),
        _ => (Nobodys, Fixed(ANY), Dead, Dead, false),
    };
    KindRule { whose, number, status, to, counts }
}

/// The rules by the codes of the kinds, so that there is no jump among kinds that come in no order.
static RULES: [KindRule; 64] = {
    let mut rules = [kind_rule(Kind::Batch); 64];
    let mut code = 1;
    while code < 64 {
        if let Some(kind) = Kind::of(code) {
            rules[code as usize] = kind_rule(kind);
        }
        code += 1;
    }
    rules
};

/// The rule for an event; none when time alone orders it.
#[inline(always)]
pub(crate) fn rule(head: &Head) -> Option<Rule> {
    let KindRule { whose, number, status, to, counts } = RULES[head.kind as usize & 63];
    let seq = match number {
        Number::Fixed(seq) => seq,
        Number::Own => head.seq,
    };
    let of_someone = if whose == Whose::Targets { head.target } else { head.g };
    let slot = match whose {
        Whose::Executing | Whose::Targets => of_someone,
        Whose::Collectors => SlotIdx::COLLECTOR,
        Whose::Nobodys => SlotIdx::NONE,
    };
    (slot != SlotIdx::NONE).then_some(Rule { need: Need { slot, seq, status }, to, counts })
}
