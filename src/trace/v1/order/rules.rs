//! Which state an event requires of a goroutine, and which state it leaves it in.
//!
//! Source: `stateTransition` in `src/internal/trace/order.go` of Go 1.21. The runtime numbers the starts, wake-ups
//! and returns from system calls of every goroutine; a *local* event follows its cause on the same proc and has no
//! number. All else is ordered by time alone.

use super::slots::{Slot, SlotIdx, Status};
use super::stream::Head;
use crate::trace::v1::{Kind, table_by_code};

/// Any sequence number.
const ANY: u64 = u64::MAX;

/// The state of a goroutine that an event requires: it waits until the goroutine is in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Requirement {
    pub(crate) slot: SlotIdx,
    seq: u64,
    status: Status,
}

/// What an event requires of a goroutine and does to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) requirement: Requirement,
    to: Status,
    /// Whether the goroutine's sequence number goes up by one.
    increments: bool,
}

impl Requirement {
    /// Whether the goroutine is in that state.
    #[inline]
    pub(crate) fn is_met(self, slot: &Slot) -> bool {
        self.status == slot.status && (self.seq == ANY || self.seq == slot.seq)
    }

    /// Whether the goroutine can never be in that state again, because its sequence number is larger already.
    #[inline]
    pub(crate) fn is_unreachable(self, slot: &Slot) -> bool {
        self.seq != ANY && self.seq < slot.seq
    }

    /// The requirements that the present state of a goroutine meets.
    pub(crate) fn met_by(slot: SlotIdx, state: &Slot) -> [Self; 2] {
        let with_seq = |seq| Self { slot, seq, status: state.status };
        [with_seq(state.seq), with_seq(ANY)]
    }
}

impl Rule {
    /// Puts the goroutine into its state after the event.
    #[inline]
    pub(crate) fn apply(self, slot: &mut Slot) {
        if self.requirement.seq != ANY {
            slot.seq = self.requirement.seq.wrapping_add(1);
        } else if self.increments {
            slot.seq = slot.seq.wrapping_add(1);
        }
        slot.status = self.to;
    }
}

/// The goroutine whose state a rule is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// No goroutine: only time orders the event.
    None,
    /// The one that executes.
    Executing,
    /// The one that is created, woken, or returns from a system call.
    Target,
    /// The garbage collector.
    Collector,
}

/// The sequence number that an event requires.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    /// This one.
    Fixed(u64),
    /// The one in the event.
    Own,
}

/// What events of one kind require and do.
#[derive(Clone, Copy)]
struct KindRule {
    subject: Subject,
    number: Number,
    status: Status,
    to: Status,
    increments: bool,
}

const fn kind_rule(kind: Kind) -> KindRule {
    use Number::{Fixed, Own};
    use Status::{Dead, Runnable, Running, Waiting};
    use Subject::{Collector, Executing, Target};
    let (subject, number, status, to, increments) = match kind {
        Kind::GoCreate => (Target, Fixed(0), Dead, Runnable, true),
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
        Kind::GoUnblock | Kind::GoSysExit => (Target, Own, Waiting, Runnable, true),
        Kind::GoUnblockLocal | Kind::GoSysExitLocal => (Target, Fixed(ANY), Waiting, Runnable, true),
        Kind::GcStart => (Collector, Own, Dead, Dead, true),
        _ => (Subject::None, Fixed(ANY), Dead, Dead, false),
    };
    KindRule { subject, number, status, to, increments }
}

/// The rules of all kinds, by their codes.
static RULES: [KindRule; 64] = table_by_code!(kind_rule);

/// The rule for an event; none when only time orders it.
#[inline(always)]
pub(crate) fn rule(head: &Head) -> Option<Rule> {
    let KindRule { subject, number, status, to, increments } = RULES[head.kind as usize & 63];
    let seq = match number {
        Number::Fixed(seq) => seq,
        Number::Own => head.seq,
    };
    let goroutine = if subject == Subject::Target { head.target } else { head.g };
    let slot = match subject {
        Subject::Executing | Subject::Target => goroutine,
        Subject::Collector => SlotIdx::COLLECTOR,
        Subject::None => SlotIdx::NONE,
    };
    (slot != SlotIdx::NONE).then_some(Rule { requirement: Requirement { slot, seq, status }, to, increments })
}
