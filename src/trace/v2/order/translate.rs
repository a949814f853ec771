//! From the arguments of wire events to [`Event`]s.

use super::steps::{GoStep, WireStep};
use crate::trace::event::{Event, EventKind, GoState, GoTransition, Range};
use crate::trace::id_table::{IdTable, TotalTable};
use crate::trace::ids::{StackIdx, StringIdx};
use crate::trace::time::Time;
use crate::trace::v2::reader::WireEvent;
use crate::trace::wire::event_spec::{EVENTS, NO_STACK, code};

/// The stacks and strings of a generation by their ids on the wire, as indexes of the whole trace's symbols.
#[derive(Clone, Debug)]
pub struct GenerationNames {
    stacks: TotalTable<StackIdx>,
    strings: TotalTable<StringIdx>,
}

impl Default for GenerationNames {
    fn default() -> Self {
        Self::new(IdTable::default(), IdTable::default())
    }
}

impl GenerationNames {
    /// From the generation's stacks and those of its strings that events name. Id 0 is no stack.
    pub fn new(stacks: IdTable<StackIdx>, strings: IdTable<StringIdx>) -> Self {
        Self { stacks: stacks.or(StackIdx::EMPTY).without(0), strings: strings.or(StringIdx::NONE) }
    }

    /// The stack with an id; the empty one for id 0 and for ids without a stack.
    #[inline]
    pub fn stack(&self, id: u64) -> StackIdx {
        self.stacks.get(id)
    }

    /// The string with an id; [`StringIdx::NONE`] for ids without one.
    #[inline]
    pub fn string(&self, id: u64) -> StringIdx {
        self.strings.get(id)
    }

    /// The event for a goroutine that was on a thread whose events are missing from here on.
    #[cold]
    pub fn lost(pos: u64, time: Time, step: GoStep) -> Event {
        let transition =
            GoTransition { g: step.g, from: step.from, to: step.to, reason: StringIdx::NONE, stack: StackIdx::EMPTY };
        Event { time, pos, g: step.g, stack: StackIdx::EMPTY, kind: EventKind::Transition(transition) }
    }

    /// One step of an event.
    #[inline]
    pub fn step_event(&self, event: &WireEvent, time: Time, step: GoStep) -> Event {
        let own = self.own_stack(event);
        let (reason, stack) = match event.code {
            code::GO_BLOCK | code::GO_STOP => (self.string(event.args[0]), own),
            code::GO_SYSCALL_BEGIN => (StringIdx::NONE, own),
            code::GO_CREATE | code::GO_CREATE_BLOCKED => (StringIdx::NONE, self.stack(event.args[1])),
            code::GO_STATUS_STACK => (StringIdx::NONE, self.stack(event.args[3])),
            _ => (StringIdx::NONE, StackIdx::EMPTY),
        };
        let transition = GoTransition { g: step.g, from: step.from, to: step.to, reason, stack };
        // GoSwitch has no stack: its steps all have the empty one.
        Event { time, pos: event.pos, g: step.by, stack: own, kind: EventKind::Transition(transition) }
    }

    /// Equal to [`step_event`](Self::step_event) for the kinds of events in `goroutines_fast`, without a look at the
    /// code.
    #[inline(always)]
    pub(crate) fn step_event_fast(&self, pos: u64, time: Time, wire_step: &WireStep) -> Event {
        let GoStep { by, g, from, to } = wire_step.step;
        let own = wire_step.stack.map_or(StackIdx::EMPTY, |id| self.stack(id));
        let reason = wire_step.reason.map_or(StringIdx::NONE, |id| self.string(id));
        // A GoUnblock has the stack of the goroutine that executes, not of the one that it unblocks.
        let stack = if from == GoState::Running { own } else { StackIdx::EMPTY };
        let transition = GoTransition { g, from, to, reason, stack };
        Event { time, pos, g: by, stack: own, kind: EventKind::Transition(transition) }
    }

    /// What an event without steps is; `None` if no sink needs it.
    pub fn other_kind(&self, event: &WireEvent) -> Option<EventKind> {
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
            code::GC_MARK_ASSIST_BEGIN => EventKind::RangeBegin(Range::GcMarkAssist),
            code::GC_MARK_ASSIST_END => EventKind::RangeEnd(Range::GcMarkAssist),
            code::HEAP_GOAL => EventKind::HeapGoal { bytes: a },
            code::USER_TASK_BEGIN => EventKind::TaskBegin { task: a, parent: b, name: self.string(c) },
            code::USER_TASK_END => EventKind::TaskEnd { task: a },
            code::USER_REGION_BEGIN => EventKind::RegionBegin { task: a, name: self.string(b) },
            code::USER_REGION_END => EventKind::RegionEnd { task: a, name: self.string(b) },
            code::USER_LOG => EventKind::Log { task: a },
            _ => return None,
        })
    }

    /// The stack of the goroutine that executed; the empty one if the event has none.
    #[inline]
    pub fn own_stack(&self, event: &WireEvent) -> StackIdx {
        match EVENTS[event.code as usize].own_stack {
            NO_STACK => StackIdx::EMPTY,
            at => self.stack(event.args[at as usize]),
        }
    }
}
