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
use super::stream::{Role, role_of};
use super::walk::Visitor;
use crate::trace::event::{Event, EventKind, GoState, GoTransition, Range};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::Time;
use crate::trace::v1::{Cell, Kind, Timed};
use crate::trace::version::WorldStops;
use rustc_hash::FxHashSet;

/// What making events depends on, beside the entries themselves.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// State of every goroutine so far.
    states: Vec<GoState>,
    /// Whether the runtime still announces the goroutines that exist already.
    announcing: bool,
    announced: Vec<GIdx>,
    /// Time of the last event.
    pub(crate) last: Time,
    stop: StringIdx,
    /// Goroutines that help the collector to mark.
    pub(crate) assisting: FxHashSet<GIdx>,
    /// Whether a goroutine showed a stack of its own while it did not run.
    pub(crate) strays: bool,
    /// Events whose stack the file does not define.
    pub(crate) missing_stacks: u64,
    /// GOMAXPROCS when the trace began; the event that says so only ends the announcements.
    pub(crate) first_procs: Option<u64>,
}

impl Progress {
    /// The start of a trace.
    pub(crate) fn first(trace: &OldTrace) -> Self {
        Self {
            states: vec![GoState::Undetermined; trace.goroutines.len()],
            announcing: trace.announces,
            announced: Vec::new(),
            last: trace.start,
            stop: StringIdx::NONE,
            assisting: FxHashSet::default(),
            strays: false,
            missing_stacks: 0,
            first_procs: None,
        }
    }

    /// A goroutine shows a stack of its own.
    #[inline(always)]
    fn see(&mut self, g: GIdx, stack: StackIdx) {
        let runs = self.states.get(g.at()).is_none_or(|state| *state == GoState::Running);
        self.strays |= !runs && stack != StackIdx::EMPTY;
    }
}

/// Makes the events of an old trace from its entries, in causal order.
pub(crate) struct Converter<'a> {
    trace: &'a OldTrace,
    pub(crate) progress: Progress,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(trace: &'a OldTrace, progress: Progress) -> Self {
        Self { trace, progress }
    }

    /// Gives `visitor` the events that an entry becomes. The hot way, for what changes the state of one goroutine
    /// that is known; all else goes the other way.
    #[inline(always)]
    pub(crate) fn convert(&mut self, entry: &Entry, visitor: &mut impl Visitor) {
        let Plain { changes_one, to, whole } = PLAIN[entry.kind as usize & 63];
        let targets = entry.role == Role::Targets;
        let who = if targets { entry.target } else { entry.g };
        let state = self.progress.states.get(who.at()).copied().unwrap_or(GoState::Undetermined);
        if !changes_one
            || entry.marks & (FUTILE | REPLACES | Cell::WIDE) != 0
            || self.progress.announcing
            || matches!(state, GoState::Undetermined | GoState::NotExist)
        {
            return self.convert_any(*entry, visitor);
        }
        let mut stack = StackIdx::EMPTY;
        if entry.kind.has_stack() {
            let Some(known) = self.trace.tables.stack(u64::from(entry.more)) else {
                return self.convert_any(*entry, visitor);
            };
            stack = known;
            self.progress.see(entry.g, stack);
        }
        let Progress { states, last, .. } = &mut self.progress;
        let time = self.trace.clock.time(entry.ticks).max(*last + 1);
        let at_once = to == GoState::Syscall && !entry.has(BLOCKED);
        let after = if at_once { GoState::Running } else { to };
        *last = if at_once { time + 1 } else { time };
        states[who.at()] = after;
        let runs = after == GoState::Running;
        let glance = BriefEvent { pos: entry.number, g: entry.g, target: entry.target, stack, runs };
        if !whole && visitor.glance(&glance) {
            return;
        }
        // Only of itself does a goroutine say where it was.
        let own = if targets { StackIdx::EMPTY } else { stack };
        let reason = self.trace.words.reason(entry.kind);
        let kind = EventKind::Transition(GoTransition { g: who, from: state, to, reason, stack: own });
        visitor.event(&Event { time, pos: entry.number, g: entry.g, stack, kind });
        if at_once {
            tell_return(entry.g, entry.number, time + 1, visitor);
        }
    }

    /// The same as [`Converter::convert`] for any entry.
    #[inline(never)]
    pub(crate) fn convert_any(&mut self, entry: Entry, visitor: &mut impl Visitor) {
        let entry = &entry;
        if entry.marks & (FUTILE | REPLACES) != 0 {
            return self.tell_replaced(entry, visitor);
        }
        let time = self.trace.clock.time(entry.ticks);
        let stack = self.stack(entry);
        let event = Event { time, pos: entry.number, g: entry.g, stack, kind: EventKind::Other };
        if entry.kind != Kind::CpuSample {
            self.progress.see(entry.g, stack);
        }
        if let Some(kind) = self.kind(entry, stack) {
            self.tell(Event { kind, ..event }, visitor);
        }
        match entry.kind {
            Kind::GoStartLabel => self.tell(event, visitor),
            Kind::GoSysCall if !entry.has(BLOCKED) => {
                let kind = self.goes(entry.g, GoState::Syscall, GoState::Running, StringIdx::NONE, StackIdx::EMPTY);
                self.tell(Event { time: event.time + 1, stack: StackIdx::EMPTY, kind, ..event }, visitor);
            }
            Kind::Gomaxprocs if !self.progress.announced.is_empty() => self.tell_announced(entry, visitor),
            _ => {}
        }
    }

    /// No two events have the same time.
    fn tell(&mut self, mut event: Event, visitor: &mut impl Visitor) {
        event.time = event.time.max(self.progress.last + 1);
        self.progress.last = event.time;
        visitor.event(&event);
    }

    /// Whose id is in use again has ended. Wake-ups that came to nothing become nothing.
    fn tell_replaced(&mut self, entry: &Entry, visitor: &mut impl Visitor) {
        if entry.has(REPLACES) {
            // Where the stack of the creation is missing, it is missing twice.
            self.stack(entry);
            let time = self.trace.clock.time(entry.ticks);
            let kind = self.goes(entry.target, GoState::Running, GoState::NotExist, StringIdx::NONE, StackIdx::EMPTY);
            self.tell(Event { time, pos: entry.number, g: entry.g, stack: StackIdx::EMPTY, kind }, visitor);
        }
    }

    #[inline]
    fn stack(&mut self, entry: &Entry) -> StackIdx {
        if !entry.kind.has_stack() {
            return StackIdx::EMPTY;
        }
        let id = if entry.has(Cell::WIDE) { self.read(entry).stack } else { u64::from(entry.more) };
        self.trace.tables.stack(id).unwrap_or_else(|| {
            self.progress.missing_stacks += 1;
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
                let is_status = self.progress.announcing && entry.kind != Kind::GoStartLabel;
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
            Kind::GoCreate if self.progress.announcing => {
                self.progress.announced.push(target);
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
            Kind::Gomaxprocs if self.progress.announcing => {
                self.progress.first_procs = Some(self.read(entry).args[0]);
                self.progress.announcing = false;
                return None;
            }
            Kind::Gomaxprocs => EventKind::ProcsChange { procs: self.read(entry).args[0] },
            Kind::GcStart => EventKind::RangeBegin(Range::GcMark),
            Kind::GcDone => EventKind::RangeEnd(Range::GcMark),
            Kind::StwStart if self.trace.stops != WorldStops::None => {
                self.progress.stop = self.trace.words.stop(self.read(entry).args[0]);
                EventKind::RangeBegin(Range::StopTheWorld(self.progress.stop))
            }
            Kind::StwDone if self.trace.stops != WorldStops::None => {
                EventKind::RangeEnd(Range::StopTheWorld(self.progress.stop))
            }
            Kind::GcSweepStart => EventKind::RangeBegin(Range::GcSweep),
            Kind::GcSweepDone => EventKind::RangeEnd(Range::GcSweep),
            Kind::GcMarkAssistStart => {
                self.progress.assisting.insert(g);
                EventKind::RangeBegin(Range::GcMarkAssist)
            }
            Kind::GcMarkAssistDone => {
                self.progress.assisting.remove(&g);
                EventKind::RangeEnd(Range::GcMarkAssist)
            }
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
    fn tell_announced(&mut self, entry: &Entry, visitor: &mut impl Visitor) {
        let mut rest = std::mem::take(&mut self.progress.announced);
        rest.retain(|g| self.progress.states.get(g.at()) == Some(&GoState::Undetermined));
        rest.sort_by_key(|g| (self.trace.goroutines[g.at()], *g));
        let time = self.trace.clock.time(entry.ticks);
        for g in rest {
            let kind = self.goes(g, GoState::Undetermined, GoState::Runnable, StringIdx::NONE, StackIdx::EMPTY);
            self.tell(Event { time, pos: entry.number, g: GIdx::NONE, stack: StackIdx::EMPTY, kind }, visitor);
        }
    }

    /// A goroutine changes its state. `from` is what the event says of the state before, which counts only where
    /// nothing else is known: where events are missing, what was seen last holds.
    #[inline]
    fn goes(&mut self, g: GIdx, from: GoState, to: GoState, reason: StringIdx, stack: StackIdx) -> EventKind {
        let Some(state) = self.progress.states.get_mut(g.at()) else { return EventKind::Other };
        let from = if *state == GoState::Undetermined { from } else { *state };
        *state = to;
        EventKind::Transition(GoTransition { g, from, to, reason, stack })
    }
}

/// What an entry says by which a goroutine begins or stops to run, and nothing else happens.
#[derive(Clone, Copy, Debug)]
pub struct BriefEvent {
    /// As [`Event::pos`].
    pub pos: u64,
    /// The goroutine that executed.
    pub g: GIdx,
    /// The goroutine that it woke, or that came back from a system call.
    pub target: GIdx,
    /// The stack of `g`; empty when the entry has none.
    pub stack: StackIdx,
    /// Whether a goroutine runs behind it: `g`.
    pub runs: bool,
}

/// The end of a system call that did not block.
#[inline(never)]
fn tell_return(g: GIdx, pos: u64, time: Time, visitor: &mut impl Visitor) {
    let (from, to) = (GoState::Syscall, GoState::Running);
    let none = StackIdx::EMPTY;
    let kind = EventKind::Transition(GoTransition { g, from, to, reason: StringIdx::NONE, stack: none });
    visitor.event(&Event { time, pos, g, stack: none, kind });
}

/// What entries of one kind do, if no more than change the state of one goroutine.
#[derive(Clone, Copy)]
struct Plain {
    /// Whether it is one; of kinds that do more, nothing else here is true.
    changes_one: bool,
    /// The state behind it; of a system call that does not block, the one in between.
    to: GoState,
    /// Whether a glance is not enough.
    whole: bool,
}

const fn plain(kind: Kind) -> Plain {
    let to = match (role_of(kind), kind) {
        (Role::Targets, Kind::GoCreate) | (_, Kind::GoStartLabel) => GoState::Undetermined,
        (Role::Leaves, _) => left_in(kind),
        (Role::Starts, _) => GoState::Running,
        (Role::Targets | Role::Returns, _) => GoState::Runnable,
        (Role::Stays, Kind::GoSysCall) => GoState::Syscall,
        _ => GoState::Undetermined,
    };
    Plain { changes_one: !matches!(to, GoState::Undetermined), to, whole: matches!(kind, Kind::GoEnd) }
}

/// The same by the codes of the kinds, so that there is no jump among kinds that come in no order.
static PLAIN: [Plain; 64] = {
    let mut all = [plain(Kind::Batch); 64];
    let mut code = 1;
    while code < 64 {
        if let Some(kind) = Kind::of(code) {
            all[code as usize] = plain(kind);
        }
        code += 1;
    }
    all
};

/// The state of a goroutine that stops executing.
#[inline]
const fn left_in(kind: Kind) -> GoState {
    match kind {
        Kind::GoEnd => GoState::NotExist,
        Kind::GoSched | Kind::GoPreempt => GoState::Runnable,
        _ => GoState::Waiting,
    }
}
