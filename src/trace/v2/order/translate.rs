//! From the wire's arguments to the one vocabulary of events.

use super::goroutines_fast::Usual;
use super::steps::Step;
use crate::trace::event::{Event, EventKind, GoState, GoTransition, Range};
use crate::trace::ids::{StackIdx, StringIdx};
use crate::trace::time::Time;
use crate::trace::v2::id_table::{IdTable, TotalTable};
use crate::trace::v2::reader::WireEvent;
use crate::trace::wire::event_spec::{EVENTS, NO_STACK, code};

/// A generation's stacks and strings, as indexes of the symbols of the whole trace.
#[derive(Clone, Debug)]
pub struct Names {
    stacks: TotalTable<StackIdx>,
    strings: TotalTable<StringIdx>,
}

impl Default for Names {
    fn default() -> Self {
        Self::new(IdTable::default(), IdTable::default())
    }
}

/// How a wire event becomes an [`Event`].
pub trait Translate {
    /// A goroutine's step.
    fn step(&self, event: &WireEvent, time: Time, step: Step) -> Event;
    /// What an event without steps says; none when it says nothing of interest.
    fn other_kind(&self, event: &WireEvent) -> Option<EventKind>;
    /// The stack of the goroutine that executed.
    fn own_stack(&self, event: &WireEvent) -> StackIdx;
}

impl Names {
    /// From stacks, and the strings that events name, by the generation's ids. Id 0 is no stack.
    pub fn new(stacks: IdTable<StackIdx>, strings: IdTable<StringIdx>) -> Self {
        Self { stacks: stacks.or(StackIdx::EMPTY).without(0), strings: strings.or(StringIdx::NONE) }
    }

    /// A stack of this generation; empty for id 0 and for ids that were never defined.
    #[inline]
    pub fn stack(&self, id: u64) -> StackIdx {
        self.stacks.get(id)
    }

    /// A string of this generation; none for ids that were never defined.
    #[inline]
    pub fn string(&self, id: u64) -> StringIdx {
        self.strings.get(id)
    }

    /// What a usual event says.
    #[inline(always)]
    pub(crate) fn usual(&self, pos: u64, time: Time, usual: &Usual) -> Event {
        let Step { context, g, from, to } = usual.step;
        let own = usual.stack.map_or(StackIdx::EMPTY, |id| self.stack(id));
        let reason = usual.reason.map_or(StringIdx::NONE, |id| self.string(id));
        // Who unblocks another tells its own stack, not the other's.
        let stack = if from == GoState::Running { own } else { StackIdx::EMPTY };
        let transition = GoTransition { g, from, to, reason, stack };
        Event { time, pos, g: context, stack: own, kind: EventKind::Transition(transition) }
    }

    /// The event for a goroutine whose thread lost events.
    #[cold]
    pub fn lost(pos: u64, time: Time, step: Step) -> Event {
        let transition =
            GoTransition { g: step.g, from: step.from, to: step.to, reason: StringIdx::NONE, stack: StackIdx::EMPTY };
        Event { time, pos, g: step.g, stack: StackIdx::EMPTY, kind: EventKind::Transition(transition) }
    }
}

impl Translate for Names {
    #[inline]
    fn step(&self, event: &WireEvent, time: Time, step: Step) -> Event {
        let own = self.own_stack(event);
        let (reason, stack) = match event.code {
            code::GO_BLOCK | code::GO_STOP => (self.string(event.args[0]), own),
            code::GO_SYSCALL_BEGIN => (StringIdx::NONE, own),
            code::GO_CREATE | code::GO_CREATE_BLOCKED => (StringIdx::NONE, self.stack(event.args[1])),
            code::GO_STATUS_STACK => (StringIdx::NONE, self.stack(event.args[3])),
            _ => (StringIdx::NONE, StackIdx::EMPTY),
        };
        let transition = GoTransition { g: step.g, from: step.from, to: step.to, reason, stack };
        // Of the steps of a coroutine switch none carries a stack.
        Event { time, pos: event.pos, g: step.context, stack: own, kind: EventKind::Transition(transition) }
    }

    fn other_kind(&self, event: &WireEvent) -> Option<EventKind> {
        let [a, b, c, _] = event.args;
        Some(match event.code {
            code::PROCS_CHANGE => EventKind::ProcsChange { procs: a },
            code::STW_BEGIN => EventKind::RangeBegin(Range::StopTheWorld(self.string(a))),
            code::STW_END => EventKind::RangeEnd(Range::StopTheWorld(StringIdx::NONE)),
            code::GC_ACTIVE => EventKind::RangeActive(Range::GcMark),
            code::GC_BEGIN => EventKind::RangeBegin(Range::GcMark),
            code::GC_END => EventKind::RangeEnd(Range::GcMark),
            code::GC_SWEEP_BEGIN => EventKind::RangeBegin(Range::GcSweep),
            code::GC_SWEEP_END => EventKind::RangeEnd(Range::GcSweep),
            code::GC_MARK_ASSIST_ACTIVE => EventKind::RangeActive(Range::GcMarkAssist),
            code::GC_MARK_ASSIST_BEGIN => EventKind::RangeBegin(Range::GcMarkAssist),
            code::GC_MARK_ASSIST_END => EventKind::RangeEnd(Range::GcMarkAssist),
            code::USER_TASK_BEGIN => EventKind::TaskBegin { task: a, parent: b, name: self.string(c) },
            code::USER_TASK_END => EventKind::TaskEnd { task: a },
            code::USER_REGION_BEGIN => EventKind::RegionBegin { task: a, name: self.string(b) },
            code::USER_REGION_END => EventKind::RegionEnd { task: a, name: self.string(b) },
            code::USER_LOG => EventKind::Log { task: a },
            _ => return None,
        })
    }

    #[inline]
    fn own_stack(&self, event: &WireEvent) -> StackIdx {
        match EVENTS[event.code as usize].own_stack {
            NO_STACK => StackIdx::EMPTY,
            at => self.stack(event.args[at as usize]),
        }
    }
}
