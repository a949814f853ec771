//! Ordered entries → [`Event`]s: the border behind which nothing is old. HOT.
//!
//! The rules are those of Go's own converter (`src/internal/trace/tracev1.go` of Go 1.27), to the nanosecond:
//!
//! * Up to the first `Gomaxprocs` the runtime announces the goroutines that exist already. A `GoCreate` there
//!   creates nothing; `GoWaiting`, `GoInSyscall` and `GoStart` tell a state; who is left over is runnable.
//! * A system call that does not block is an instant in an old trace. It becomes 1 ns.
//! * No two events have the same time: each is at least 1 ns later than the one before.

use super::OldTrace;
use super::entries::Entry;
use super::lanes::{BLOCKED, FUTILE, REPLACES};
use super::stream::Role;
use crate::event::{Event, EventKind, GoState, GoTransition, Range};
use crate::format::v1::{Cell, Kind, Timed};
use crate::format::version::WorldStops;
use crate::ids::{GIdx, StackIdx, StringIdx};
use crate::time::Time;

/// Makes the events of an old trace from its entries, in causal order.
pub(super) struct Converter<'a> {
    trace: &'a OldTrace,
    /// State of every goroutine so far.
    states: Vec<GoState>,
    /// Whether the runtime still announces the goroutines that exist already.
    announcing: bool,
    announced: Vec<GIdx>,
    pub(super) last: Time,
    stop: StringIdx,
    /// Events whose stack the file does not define.
    pub(super) missing_stacks: u64,
    /// GOMAXPROCS when the trace began; the event that says so only ends the announcements.
    pub(super) first_procs: Option<u64>,
}

impl<'a> Converter<'a> {
    pub(super) fn new(trace: &'a OldTrace) -> Self {
        Self {
            trace,
            states: vec![GoState::Undetermined; trace.goroutines.len()],
            announcing: trace.announces,
            announced: Vec::new(),
            last: trace.start,
            stop: StringIdx::NONE,
            missing_stacks: 0,
            first_procs: None,
        }
    }

    /// Gives `take` the events that an entry becomes.
    #[inline]
    pub(super) fn convert(&mut self, entry: &Entry, take: &mut impl FnMut(&Event)) {
        if entry.marks & (FUTILE | REPLACES) != 0 {
            return self.tell_replaced(entry, take);
        }
        let time = self.trace.clock.time(entry.ticks);
        let stack = self.stack(entry);
        let event = Event { time, pos: entry.pos, g: entry.g, stack, kind: EventKind::Other };
        if let Some(kind) = self.kind(entry, stack) {
            self.tell(Event { kind, ..event }, take);
        }
        if entry.role == Role::Stays || entry.kind == Kind::GoStartLabel {
            self.tell_more(entry, &event, take);
        }
    }

    /// Passes over an entry of goroutines that nobody wants to know of; false if it may matter all the same.
    #[inline]
    pub(super) fn pass(&mut self, entry: &Entry) -> bool {
        let is_plain = entry.role != Role::Stays || entry.kind == Kind::GoSysCall;
        if !is_plain || self.announcing || entry.marks & FUTILE != 0 {
            return false;
        }
        self.last = self.trace.clock.time(entry.ticks).max(self.last + 1);
        if entry.kind == Kind::GoStartLabel || (entry.kind == Kind::GoSysCall && !entry.has(BLOCKED)) {
            self.last = self.last + 1;
        }
        true
    }

    /// No two events have the same time.
    #[inline]
    fn tell(&mut self, mut event: Event, take: &mut impl FnMut(&Event)) {
        event.time = event.time.max(self.last + 1);
        self.last = event.time;
        take(&event);
    }

    /// What else some entries become. Out of line, so that the hot call is alone in its loop.
    #[inline(never)]
    fn tell_more(&mut self, entry: &Entry, event: &Event, take: &mut impl FnMut(&Event)) {
        match entry.kind {
            Kind::GoStartLabel => self.tell(*event, take),
            Kind::GoSysCall if !entry.has(BLOCKED) => {
                let kind = self.goes(entry.g, GoState::Syscall, GoState::Running, StringIdx::NONE, StackIdx::EMPTY);
                self.tell(Event { time: event.time + 1, stack: StackIdx::EMPTY, kind, ..*event }, take);
            }
            Kind::Gomaxprocs if !self.announced.is_empty() => self.tell_announced(entry, take),
            _ => {}
        }
    }

    /// Whose id is in use again has ended. Wake-ups that came to nothing become nothing.
    #[cold]
    fn tell_replaced(&mut self, entry: &Entry, take: &mut impl FnMut(&Event)) {
        if entry.has(REPLACES) {
            // Where the stack of the creation is missing, it is missing twice.
            self.stack(entry);
            let time = self.trace.clock.time(entry.ticks);
            let kind = self.goes(entry.target, GoState::Running, GoState::NotExist, StringIdx::NONE, StackIdx::EMPTY);
            self.tell(Event { time, pos: entry.pos, g: entry.g, stack: StackIdx::EMPTY, kind }, take);
        }
    }

    #[inline]
    fn stack(&mut self, entry: &Entry) -> StackIdx {
        if !entry.kind.has_stack() {
            return StackIdx::EMPTY;
        }
        let id = if entry.has(Cell::WIDE) { self.read(entry).stack } else { u64::from(entry.more) };
        self.trace.tables.stack(id).unwrap_or_else(|| {
            self.missing_stacks += 1;
            StackIdx::EMPTY
        })
    }

    /// All that the file says of an event.
    fn read(&self, entry: &Entry) -> Timed {
        let nothing = Timed { kind: entry.kind, seq_step: 0, step: 0, args: [0; 3], stack: 0 };
        self.trace.file().event(entry.pos).unwrap_or(nothing)
    }

    /// What an entry says; none when it says nothing that a new trace would have an event for.
    #[inline]
    fn kind(&mut self, entry: &Entry, stack: StackIdx) -> Option<EventKind> {
        let (g, none) = (entry.g, StringIdx::NONE);
        Some(match entry.role {
            Role::Leaves => {
                self.goes(g, GoState::Running, left_in(entry.kind), self.trace.words.reason(entry.kind), stack)
            }
            Role::Starts => {
                let is_status = self.announcing && entry.kind != Kind::GoStartLabel;
                let from = if is_status { GoState::Undetermined } else { GoState::Runnable };
                self.goes(g, from, GoState::Running, none, StackIdx::EMPTY)
            }
            Role::Targets if entry.kind != Kind::GoCreate => {
                self.goes(entry.target, GoState::Waiting, GoState::Runnable, none, StackIdx::EMPTY)
            }
            _ => return self.other(entry, stack),
        })
    }

    /// What rarer entries say.
    #[inline(never)]
    fn other(&mut self, entry: &Entry, stack: StackIdx) -> Option<EventKind> {
        use GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};
        let (g, target, none) = (entry.g, entry.target, StringIdx::NONE);
        Some(match entry.kind {
            Kind::GoCreate if self.announcing => {
                self.announced.push(target);
                return None;
            }
            Kind::GoCreate => {
                let entry_stack = self.trace.tables.entry(self.read(entry).args[1]).unwrap_or(StackIdx::EMPTY);
                self.goes(target, NotExist, Runnable, none, entry_stack)
            }
            Kind::GoSysCall => self.goes(g, Running, Syscall, none, stack),
            Kind::GoSysExit | Kind::GoSysExitLocal => self.goes(target, Syscall, Runnable, none, StackIdx::EMPTY),
            Kind::GoWaiting => self.goes(g, Undetermined, Waiting, none, StackIdx::EMPTY),
            Kind::GoInSyscall => self.goes(g, Undetermined, Syscall, none, StackIdx::EMPTY),
            Kind::Gomaxprocs if self.announcing => {
                self.first_procs = Some(self.read(entry).args[0]);
                self.announcing = false;
                return None;
            }
            Kind::Gomaxprocs => EventKind::ProcsChange { procs: self.read(entry).args[0] },
            Kind::GcStart => EventKind::RangeBegin(Range::GcMark),
            Kind::GcDone => EventKind::RangeEnd(Range::GcMark),
            Kind::StwStart if self.trace.stops != WorldStops::None => {
                self.stop = self.trace.words.stop(self.read(entry).args[0]);
                EventKind::RangeBegin(Range::StopTheWorld(self.stop))
            }
            Kind::StwDone if self.trace.stops != WorldStops::None => {
                EventKind::RangeEnd(Range::StopTheWorld(self.stop))
            }
            Kind::GcSweepStart => EventKind::RangeBegin(Range::GcSweep),
            Kind::GcSweepDone => EventKind::RangeEnd(Range::GcSweep),
            Kind::GcMarkAssistStart => EventKind::RangeBegin(Range::GcMarkAssist),
            Kind::GcMarkAssistDone => EventKind::RangeEnd(Range::GcMarkAssist),
            Kind::UserTaskCreate | Kind::UserTaskEnd | Kind::UserRegion | Kind::UserLog => self.user(&self.read(entry)),
            Kind::CpuSample => EventKind::Sample,
            // Only a mark for whoever removes futile wake-ups.
            Kind::FutileWakeup => return None,
            _ => EventKind::Other,
        })
    }

    /// Tasks, regions and logs.
    fn user(&self, old: &Timed) -> EventKind {
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

    /// Everyone who was announced, and of whom nothing else was told, is runnable: told where the announcements end.
    #[cold]
    fn tell_announced(&mut self, entry: &Entry, take: &mut impl FnMut(&Event)) {
        let mut rest = std::mem::take(&mut self.announced);
        rest.retain(|g| self.states.get(g.at()) == Some(&GoState::Undetermined));
        rest.sort_by_key(|g| (self.trace.goroutines[g.at()], *g));
        let time = self.trace.clock.time(entry.ticks);
        for g in rest {
            let kind = self.goes(g, GoState::Undetermined, GoState::Runnable, StringIdx::NONE, StackIdx::EMPTY);
            self.tell(Event { time, pos: entry.pos, g: GIdx::NONE, stack: StackIdx::EMPTY, kind }, take);
        }
    }

    /// A goroutine changes its state. `from` is what the event says of the state before, which counts only where
    /// nothing else is known: where events are missing, what was seen last holds.
    #[inline]
    fn goes(&mut self, g: GIdx, from: GoState, to: GoState, reason: StringIdx, stack: StackIdx) -> EventKind {
        let Some(state) = self.states.get_mut(g.at()) else { return EventKind::Other };
        let from = if *state == GoState::Undetermined { from } else { *state };
        *state = to;
        EventKind::Transition(GoTransition { g, from, to, reason, stack })
    }
}

/// The state of a goroutine that stops executing.
#[inline]
fn left_in(kind: Kind) -> GoState {
    match kind {
        Kind::GoEnd => GoState::NotExist,
        Kind::GoSched | Kind::GoPreempt => GoState::Runnable,
        _ => GoState::Waiting,
    }
}
