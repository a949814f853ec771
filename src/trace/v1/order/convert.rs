//! Converts ordered events into [`Event`]s, the vocabulary of all versions.
//!
//! The rules are those of Go's converter (`src/internal/trace/tracev1.go` of Go 1.27), and give the same nanoseconds:
//!
//! * Up to the first `Gomaxprocs` the runtime announces the goroutines that exist already. A `GoCreate` there creates
//!   nothing; `GoWaiting`, `GoInSyscall` and `GoStart` are the goroutine's state; those without one are runnable.
//! * A system call that does not block is one event in an old trace, without a duration. It becomes 1 ns long.
//! * No two events have the same time: each is at least 1 ns later than the one before.
//!
//! [`Converter::convert`] is the rule for every event. [`Converter::convert_fast`] is for the frequent ones.

use super::OldTrace;
use super::lanes::{BLOCKED, FUTILE, REPLACES};
use super::ordered::OrderedEvent;
use super::stream::{EventRole, role_of};
use super::visitor::{BriefEvent, Visitor};
use crate::trace::event::{Event, EventKind, GoState, GoTransition, Range};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::Time;
use crate::trace::v1::{EventCell, EventRecord, Kind, table_by_code};
use crate::trace::version::WorldStops;
use rustc_hash::FxHashSet;

/// Events whose stack the file does not define.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct MissingStacks {
    /// How many.
    pub(crate) events: u64,
    /// The lowest file position of one; none without any.
    pub(crate) first: Option<u64>,
}

impl MissingStacks {
    #[cold]
    fn add(&mut self, pos: u64) {
        self.events += 1;
        self.first = self.first.into_iter().chain([pos]).min();
    }
}

/// What the conversion of an event depends on, apart from the event itself.
#[derive(Clone, Debug)]
pub(crate) struct ConvertState {
    /// State of every goroutine so far.
    states: Vec<GoState>,
    /// Whether the runtime still announces the goroutines that exist already.
    announcing: bool,
    /// The goroutines that were announced by a `GoCreate` so far.
    announced: Vec<GIdx>,
    /// Time of the last event.
    pub(crate) last: Time,
    /// Why the world was stopped last.
    stop: StringIdx,
    /// Goroutines that help the garbage collector to mark.
    pub(crate) assisting: FxHashSet<GIdx>,
    /// Goroutines that sweep for it.
    pub(crate) sweeping: FxHashSet<GIdx>,
    /// Whether a goroutine had an event with its own stack while it did not run.
    pub(crate) stack_while_stopped: bool,
    /// Events whose stack the file does not define.
    pub(crate) missing_stacks: MissingStacks,
    /// GOMAXPROCS at the start of the trace. The event with it ends the announcements, and becomes no event.
    pub(crate) first_procs: Option<u64>,
}

impl ConvertState {
    /// The start of a trace.
    pub(crate) fn first(trace: &OldTrace) -> Self {
        Self {
            states: vec![GoState::Undetermined; trace.goroutines.len()],
            announcing: trace.announces,
            announced: Vec::new(),
            last: trace.start,
            stop: StringIdx::NONE,
            assisting: FxHashSet::default(),
            sweeping: FxHashSet::default(),
            stack_while_stopped: false,
            missing_stacks: MissingStacks::default(),
            first_procs: None,
        }
    }

    /// Takes note of an event with the stack of `g`.
    #[inline(always)]
    fn note_stack(&mut self, g: GIdx, stack: StackIdx) {
        let runs = self.states.get(g.at()).is_none_or(|state| *state == GoState::Running);
        self.stack_while_stopped |= !runs && stack != StackIdx::EMPTY;
    }
}

/// Converts the events of an old trace, in causal order.
pub(crate) struct Converter<'a> {
    trace: &'a OldTrace,
    pub(crate) state: ConvertState,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(trace: &'a OldTrace, state: ConvertState) -> Self {
        Self { trace, state }
    }

    /// Equal to [`Converter::convert`], for events that only change the state of one goroutine whose state is known; calls
    /// it for all others. The gain is measured in instructions (callgrind) on a large old trace.
    #[inline(always)]
    pub(crate) fn convert_fast(&mut self, event: &OrderedEvent, visitor: &mut impl Visitor) {
        let FastRule { changes_one, to, needs_event } = FAST_RULES[event.kind as usize & 63];
        let targets = event.role == EventRole::Targets;
        let subject = if targets { event.target } else { event.g };
        let state = self.state.states.get(subject.at()).copied().unwrap_or(GoState::Undetermined);
        if !changes_one
            || event.flags & (FUTILE | REPLACES | EventCell::WIDE) != 0
            || self.state.announcing
            || matches!(state, GoState::Undetermined | GoState::NotExist)
        {
            return self.convert(*event, visitor);
        }
        let mut stack = StackIdx::EMPTY;
        if event.kind.has_stack() {
            let Some(known) = self.trace.tables.stack(u64::from(event.stack_or_arg)) else {
                return self.convert(*event, visitor);
            };
            stack = known;
            self.state.note_stack(event.g, stack);
        }
        let ConvertState { states, last, .. } = &mut self.state;
        let time = self.trace.clock.time(event.ticks).max(*last + 1);
        let at_once = to == GoState::Syscall && !event.has(BLOCKED);
        let after = if at_once { GoState::Running } else { to };
        *last = if at_once { time + 1 } else { time };
        states[subject.at()] = after;
        let runs = after == GoState::Running;
        let brief_event = BriefEvent { pos: event.number, g: event.g, target: event.target, stack, runs };
        if !needs_event && visitor.brief_event(&brief_event) {
            return;
        }
        // The stack is that of the goroutine that executes, not of one that it wakes.
        let own = if targets { StackIdx::EMPTY } else { stack };
        let reason = self.trace.reasons.reason(event.kind);
        let kind = EventKind::Transition(GoTransition { g: subject, from: state, to, reason, stack: own });
        visitor.event(&Event { time, pos: event.number, g: event.g, stack, kind });
        if at_once {
            emit_syscall_return(event.g, event.number, time + 1, visitor);
        }
    }

    /// Calls `visitor` with the events that an ordered event becomes: none, one, or several.
    #[inline(never)]
    pub(crate) fn convert(&mut self, event: OrderedEvent, visitor: &mut impl Visitor) {
        let event = &event;
        if event.flags & (FUTILE | REPLACES) != 0 {
            return self.emit_replaced(event, visitor);
        }
        let time = self.trace.clock.time(event.ticks);
        let stack = self.stack(event);
        let new = Event { time, pos: event.number, g: event.g, stack, kind: EventKind::Other };
        if event.kind != Kind::CpuSample {
            self.state.note_stack(event.g, stack);
        }
        if let Some(kind) = self.kind(event, stack) {
            self.emit(Event { kind, ..new }, visitor);
        }
        match event.kind {
            Kind::GoStartLabel => self.emit(new, visitor),
            Kind::GoSysCall if !event.has(BLOCKED) => {
                let kind =
                    self.transition(event.g, GoState::Syscall, GoState::Running, StringIdx::NONE, StackIdx::EMPTY);
                self.emit(Event { time: new.time + 1, stack: StackIdx::EMPTY, kind, ..new }, visitor);
            }
            Kind::Gomaxprocs if !self.state.announced.is_empty() => self.emit_announced(event, visitor),
            _ => {}
        }
    }

    /// Calls `visitor` with an event, at a later time than the one before.
    fn emit(&mut self, mut event: Event, visitor: &mut impl Visitor) {
        event.time = event.time.max(self.state.last + 1);
        self.state.last = event.time;
        visitor.event(&event);
    }

    /// A goroutine whose id is given to another has ended. Futile wake-ups become no event.
    fn emit_replaced(&mut self, event: &OrderedEvent, visitor: &mut impl Visitor) {
        if event.has(REPLACES) {
            // A missing stack of the creation counts for this event, too.
            self.stack(event);
            let time = self.trace.clock.time(event.ticks);
            let kind =
                self.transition(event.target, GoState::Running, GoState::NotExist, StringIdx::NONE, StackIdx::EMPTY);
            self.emit(Event { time, pos: event.number, g: event.g, stack: StackIdx::EMPTY, kind }, visitor);
        }
    }

    /// The stack of an event; empty if it has none or the file does not define it.
    #[inline]
    fn stack(&mut self, event: &OrderedEvent) -> StackIdx {
        if !event.kind.has_stack() {
            return StackIdx::EMPTY;
        }
        let id = if event.has(EventCell::WIDE) { self.read(event).stack } else { u64::from(event.stack_or_arg) };
        self.trace.tables.stack(id).unwrap_or_else(|| {
            self.state.missing_stacks.add(event.pos);
            StackIdx::EMPTY
        })
    }

    /// The event as it is in the file, for values that its cell has no room for.
    fn read(&self, event: &OrderedEvent) -> EventRecord {
        let nothing = EventRecord { kind: event.kind, seq_delta: 0, tick_delta: 0, args: [0; 3], stack: 0 };
        self.trace.file().read_event(event.pos).unwrap_or(nothing)
    }

    /// What an event becomes; none when new traces have no event for it.
    #[inline]
    fn kind(&mut self, event: &OrderedEvent, stack: StackIdx) -> Option<EventKind> {
        let (g, none) = (event.g, StringIdx::NONE);
        Some(match event.role {
            EventRole::Stops => self.transition(
                g,
                GoState::Running,
                state_after(event.kind),
                self.trace.reasons.reason(event.kind),
                stack,
            ),
            EventRole::Starts => {
                let is_status = self.state.announcing && event.kind != Kind::GoStartLabel;
                let from = if is_status { GoState::Undetermined } else { GoState::Runnable };
                self.transition(g, from, GoState::Running, none, StackIdx::EMPTY)
            }
            EventRole::Targets if event.kind != Kind::GoCreate => {
                self.transition(event.target, GoState::Waiting, GoState::Runnable, none, StackIdx::EMPTY)
            }
            _ => return self.rare_kind(event, stack),
        })
    }

    /// As [`Converter::kind`], for the less frequent ones.
    #[inline(never)]
    fn rare_kind(&mut self, event: &OrderedEvent, stack: StackIdx) -> Option<EventKind> {
        use GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};
        let (g, target, none) = (event.g, event.target, StringIdx::NONE);
        Some(match event.kind {
            Kind::GoCreate if self.state.announcing => {
                self.state.announced.push(target);
                return None;
            }
            Kind::GoCreate => {
                let start_stack = self.trace.tables.start_stack(self.read(event).args[1]).unwrap_or_else(|| {
                    self.state.missing_stacks.add(event.pos);
                    StackIdx::EMPTY
                });
                self.transition(target, NotExist, Runnable, none, start_stack)
            }
            Kind::GoSysCall => self.transition(g, Running, Syscall, none, stack),
            Kind::GoSysExit | Kind::GoSysExitLocal => self.transition(target, Syscall, Runnable, none, StackIdx::EMPTY),
            Kind::GoWaiting => self.transition(g, Undetermined, Waiting, none, StackIdx::EMPTY),
            Kind::GoInSyscall => self.transition(g, Undetermined, Syscall, none, StackIdx::EMPTY),
            Kind::Gomaxprocs if self.state.announcing => {
                self.state.first_procs = Some(self.read(event).args[0]);
                self.state.announcing = false;
                return None;
            }
            Kind::Gomaxprocs => EventKind::ProcsChange { procs: self.read(event).args[0] },
            Kind::HeapGoal => EventKind::HeapGoal { bytes: self.read(event).args[0] },
            Kind::GcStart => EventKind::RangeBegin(Range::GcMark),
            Kind::GcDone => EventKind::RangeEnd(Range::GcMark),
            Kind::StwStart if self.trace.stops != WorldStops::None => {
                self.state.stop = self.trace.reasons.stop(self.read(event).args[0]);
                EventKind::RangeBegin(Range::StopTheWorld(self.state.stop))
            }
            Kind::StwDone if self.trace.stops != WorldStops::None => {
                EventKind::RangeEnd(Range::StopTheWorld(self.state.stop))
            }
            Kind::GcSweepStart => {
                self.state.sweeping.insert(g);
                EventKind::RangeBegin(Range::GcSweep)
            }
            Kind::GcSweepDone => {
                self.state.sweeping.remove(&g);
                EventKind::RangeEnd(Range::GcSweep)
            }
            Kind::GcMarkAssistStart => {
                self.state.assisting.insert(g);
                EventKind::RangeBegin(Range::GcMarkAssist)
            }
            Kind::GcMarkAssistDone => {
                self.state.assisting.remove(&g);
                EventKind::RangeEnd(Range::GcMarkAssist)
            }
            Kind::UserTaskCreate | Kind::UserTaskEnd | Kind::UserRegion | Kind::UserLog => {
                self.annotation(&self.read(event))
            }
            Kind::CpuSample => EventKind::Sample,
            // It only marks a futile wake-up; see `futile.rs`.
            Kind::FutileWakeup => return None,
            _ => EventKind::Other,
        })
    }

    /// What an event of a user task, region or log becomes.
    fn annotation(&self, old: &EventRecord) -> EventKind {
        let [first, second, third] = old.args;
        let tables = &self.trace.tables;
        match (old.kind, second) {
            (Kind::UserTaskCreate, parent) => EventKind::TaskBegin { task: first, parent, name: tables.string(third) },
            (Kind::UserTaskEnd, _) => EventKind::TaskEnd { task: first },
            (Kind::UserRegion, 0) => EventKind::RegionBegin { task: first, name: tables.string(third) },
            (Kind::UserRegion, 1) => EventKind::RegionEnd { task: first, name: tables.string(third) },
            (Kind::UserLog, _) => EventKind::Log { task: first },
            _ => EventKind::Other,
        }
    }

    /// Where the announcements end, those goroutines become runnable that were announced without a state.
    #[cold]
    fn emit_announced(&mut self, event: &OrderedEvent, visitor: &mut impl Visitor) {
        let mut rest = std::mem::take(&mut self.state.announced);
        rest.retain(|g| self.state.states.get(g.at()) == Some(&GoState::Undetermined));
        rest.sort_by_key(|g| (self.trace.goroutines[g.at()], *g));
        let time = self.trace.clock.time(event.ticks);
        for g in rest {
            let kind = self.transition(g, GoState::Undetermined, GoState::Runnable, StringIdx::NONE, StackIdx::EMPTY);
            self.emit(Event { time, pos: event.number, g: GIdx::NONE, stack: StackIdx::EMPTY, kind }, visitor);
        }
    }

    /// A goroutine changes its state. `from` is the state before according to the event; it counts only where no event
    /// before gave the goroutine a state, as after damage.
    #[inline]
    fn transition(&mut self, g: GIdx, from: GoState, to: GoState, reason: StringIdx, stack: StackIdx) -> EventKind {
        let Some(state) = self.state.states.get_mut(g.at()) else { return EventKind::Other };
        let from = if *state == GoState::Undetermined { from } else { *state };
        *state = to;
        EventKind::Transition(GoTransition { g, from, to, reason, stack })
    }
}

/// Calls `visitor` with the return from a system call that did not block.
#[inline(never)]
fn emit_syscall_return(g: GIdx, pos: u64, time: Time, visitor: &mut impl Visitor) {
    let (from, to) = (GoState::Syscall, GoState::Running);
    let none = StackIdx::EMPTY;
    let kind = EventKind::Transition(GoTransition { g, from, to, reason: StringIdx::NONE, stack: none });
    visitor.event(&Event { time, pos, g, stack: none, kind });
}

/// How [`Converter::convert_fast`] converts the events of one kind.
#[derive(Clone, Copy)]
struct FastRule {
    /// Whether they only change the state of one goroutine; if not, the other fields mean nothing.
    changes_one: bool,
    /// The state after the event; of a system call that does not block, the state until it returns.
    to: GoState,
    /// Whether a [`BriefEvent`] is never enough.
    needs_event: bool,
}

const fn fast_rule(kind: Kind) -> FastRule {
    let to = match (role_of(kind), kind) {
        (EventRole::Targets, Kind::GoCreate) | (_, Kind::GoStartLabel) => GoState::Undetermined,
        (EventRole::Stops, _) => state_after(kind),
        (EventRole::Starts, _) => GoState::Running,
        (EventRole::Targets | EventRole::Returns, _) => GoState::Runnable,
        (EventRole::None, Kind::GoSysCall) => GoState::Syscall,
        _ => GoState::Undetermined,
    };
    FastRule { changes_one: !matches!(to, GoState::Undetermined), to, needs_event: matches!(kind, Kind::GoEnd) }
}

/// The fast rules of all kinds, by their codes.
static FAST_RULES: [FastRule; 64] = table_by_code!(fast_rule);

/// The state of a goroutine after an event by which it stops executing.
#[inline]
const fn state_after(kind: Kind) -> GoState {
    match kind {
        Kind::GoEnd => GoState::NotExist,
        Kind::GoSched | Kind::GoPreempt => GoState::Runnable,
        _ => GoState::Waiting,
    }
}
