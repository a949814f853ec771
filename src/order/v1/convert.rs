//! Ordered entries → [`Event`]s: the border behind which nothing is old. HOT.
//!
//! The rules are those of Go's own converter (`src/internal/trace/tracev1.go` of Go 1.27), to the nanosecond:
//!
//! * Up to the first `Gomaxprocs` the runtime announces the goroutines that exist already. A `GoCreate` there
//!   creates nothing; `GoWaiting`, `GoInSyscall` and `GoStart` tell a state; who is left over is runnable.
//! * A system call that does not block is an instant in an old trace. It becomes 1 ns.
//! * No two events have the same time: each is at least 1 ns later than the one before.

use super::OldTrace;
use super::ledger::Entry;
use crate::event::{Event, EventKind, GoState, GoTransition, Range};
use crate::format::cursor::Cursor;
use crate::format::v1::{Kind, Record, Timed};
use crate::format::version::WorldStops;
use crate::ids::{GIdx, StackIdx, StringIdx};
use crate::time::Time;

/// The events of an old trace, in causal order; made by [`OldTrace::events`].
pub struct Events<'a> {
    trace: &'a OldTrace,
    entries: std::slice::Iter<'a, Entry>,
    /// State of every goroutine so far.
    states: Vec<GoState>,
    /// Whether the runtime still announces the goroutines that exist already.
    announcing: bool,
    announced: Vec<GIdx>,
    /// Announced goroutines whose state nothing told, in the order of their ids, last first.
    leftover: Vec<GIdx>,
    /// What else the last entry becomes.
    extra: Option<Event>,
    /// Where the leftover ones are told.
    told_at: (Time, u64),
    last: Time,
    stop: StringIdx,
    /// Events whose stack the file does not define.
    pub(super) missing_stacks: u64,
    /// GOMAXPROCS when the trace began; the event that says so only ends the announcements.
    pub(super) first_procs: Option<u64>,
}

impl<'a> Events<'a> {
    pub(super) fn new(trace: &'a OldTrace) -> Self {
        Self {
            trace,
            entries: trace.entries.iter(),
            states: vec![GoState::Undetermined; trace.goroutines.len()],
            announcing: trace.announces,
            announced: Vec::new(),
            leftover: Vec::new(),
            extra: None,
            told_at: (trace.start, 0),
            last: trace.start,
            stop: StringIdx::NONE,
            missing_stacks: 0,
            first_procs: None,
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        let mut event = match self.extra.take() {
            Some(event) => event,
            None => self.produce()?,
        };
        event.time = event.time.max(self.last + 1);
        self.last = event.time;
        Some(event)
    }
}

impl Events<'_> {
    #[inline]
    fn produce(&mut self) -> Option<Event> {
        if let Some(g) = self.leftover.pop() {
            let kind = self.goes(g, GoState::Undetermined, GoState::Runnable, StringIdx::NONE, StackIdx::EMPTY);
            let (time, pos) = self.told_at;
            return Some(Event { time, pos, g: GIdx::NONE, stack: StackIdx::EMPTY, kind });
        }
        loop {
            let entry = self.entries.next()?;
            if entry.is_futile() {
                continue;
            }
            if let Some(event) = self.convert(entry) {
                return Some(event);
            }
            if !self.leftover.is_empty() {
                return self.produce();
            }
        }
    }

    /// The event of an entry, if it becomes one.
    #[inline]
    fn convert(&mut self, entry: &Entry) -> Option<Event> {
        let pos = entry.pos();
        let bytes = self.trace.bytes.get(pos as usize..)?;
        let Ok(Some(Record::Event(old))) = self.trace.wire.read(&mut Cursor::new(bytes, pos)) else { return None };
        let time = self.trace.clock.time(entry.ticks);
        let stack = self.stack(old.stack);
        let mut event = Event { time, pos, g: entry.g, stack, kind: EventKind::Other };
        if entry.is_replaced() {
            event.stack = StackIdx::EMPTY;
            event.kind = self.goes(entry.target, GoState::Running, GoState::NotExist, StringIdx::NONE, StackIdx::EMPTY);
            return Some(event);
        }
        event.kind = self.kind(entry, &old, &event)?;
        Some(event)
    }

    fn stack(&mut self, id: u64) -> StackIdx {
        self.trace.tables.stack(id).unwrap_or_else(|| {
            self.missing_stacks += 1;
            StackIdx::EMPTY
        })
    }

    /// What an entry says; none when it says nothing that a new trace would have an event for.
    #[inline]
    fn kind(&mut self, entry: &Entry, old: &Timed, event: &Event) -> Option<EventKind> {
        use GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};
        let (g, target, stack) = (entry.g, entry.target, event.stack);
        let none = StringIdx::NONE;
        Some(match old.kind {
            Kind::GoCreate if self.announcing => {
                self.announced.push(target);
                return None;
            }
            Kind::GoCreate => {
                let entry_stack = self.trace.tables.entry(old.args[1]).unwrap_or(StackIdx::EMPTY);
                self.goes(target, NotExist, Runnable, none, entry_stack)
            }
            Kind::GoStart | Kind::GoStartLocal if self.announcing => {
                self.goes(g, Undetermined, Running, none, StackIdx::EMPTY)
            }
            Kind::GoStart | Kind::GoStartLocal => self.goes(g, Runnable, Running, none, StackIdx::EMPTY),
            Kind::GoStartLabel => {
                self.extra = Some(*event);
                self.goes(g, Runnable, Running, none, StackIdx::EMPTY)
            }
            Kind::GoEnd => self.goes(g, Running, NotExist, none, StackIdx::EMPTY),
            Kind::GoSched | Kind::GoPreempt => {
                self.goes(g, Running, Runnable, self.trace.words.reason(old.kind), stack)
            }
            Kind::GoStop
            | Kind::GoSleep
            | Kind::GoBlock
            | Kind::GoBlockSend
            | Kind::GoBlockRecv
            | Kind::GoBlockSelect
            | Kind::GoBlockSync
            | Kind::GoBlockCond
            | Kind::GoBlockNet
            | Kind::GoBlockGc => self.goes(g, Running, Waiting, self.trace.words.reason(old.kind), stack),
            Kind::GoUnblock | Kind::GoUnblockLocal => self.goes(target, Waiting, Runnable, none, StackIdx::EMPTY),
            Kind::GoSysCall if entry.is_blocked() => self.goes(g, Running, Syscall, none, stack),
            Kind::GoSysCall => {
                let begin = self.goes(g, Running, Syscall, none, stack);
                let end = self.goes(g, Syscall, Running, none, StackIdx::EMPTY);
                self.extra = Some(Event { time: event.time + 1, stack: StackIdx::EMPTY, kind: end, ..*event });
                begin
            }
            Kind::GoSysExit | Kind::GoSysExitLocal => self.goes(target, Syscall, Runnable, none, StackIdx::EMPTY),
            Kind::GoWaiting => self.goes(g, Undetermined, Waiting, none, StackIdx::EMPTY),
            Kind::GoInSyscall => self.goes(g, Undetermined, Syscall, none, StackIdx::EMPTY),
            Kind::Gomaxprocs if self.announcing => {
                self.first_procs = Some(old.args[0]);
                self.end_announcing(event);
                return None;
            }
            Kind::Gomaxprocs => EventKind::ProcsChange { procs: old.args[0] },
            _ => return self.other(old),
        })
    }

    /// What concerns no goroutine's state.
    fn other(&mut self, old: &Timed) -> Option<EventKind> {
        let [first, second, third] = old.args;
        let tables = &self.trace.tables;
        Some(match old.kind {
            Kind::GcStart => EventKind::RangeBegin(Range::GcMark),
            Kind::GcDone => EventKind::RangeEnd(Range::GcMark),
            Kind::StwStart if self.trace.stops != WorldStops::None => {
                self.stop = self.trace.words.stop(first);
                EventKind::RangeBegin(Range::StopTheWorld(self.stop))
            }
            Kind::StwDone if self.trace.stops != WorldStops::None => {
                EventKind::RangeEnd(Range::StopTheWorld(self.stop))
            }
            Kind::GcSweepStart => EventKind::RangeBegin(Range::GcSweep),
            Kind::GcSweepDone => EventKind::RangeEnd(Range::GcSweep),
            Kind::GcMarkAssistStart => EventKind::RangeBegin(Range::GcMarkAssist),
            Kind::GcMarkAssistDone => EventKind::RangeEnd(Range::GcMarkAssist),
            Kind::UserTaskCreate => EventKind::TaskBegin { task: first, parent: second, name: tables.string(third) },
            Kind::UserTaskEnd => EventKind::TaskEnd { task: first },
            Kind::UserRegion if second == 0 => EventKind::RegionBegin { task: first, name: tables.string(third) },
            Kind::UserRegion if second == 1 => EventKind::RegionEnd { task: first, name: tables.string(third) },
            Kind::CpuSample => EventKind::Sample,
            // Only a mark for whoever removes futile wake-ups.
            Kind::FutileWakeup => return None,
            _ => EventKind::Other,
        })
    }

    /// Everyone who was announced, and of whom nothing else was told, is runnable.
    fn end_announcing(&mut self, event: &Event) {
        self.announcing = false;
        self.told_at = (event.time, event.pos);
        self.leftover = std::mem::take(&mut self.announced);
        self.leftover.retain(|g| self.states.get(g.at()) == Some(&GoState::Undetermined));
        self.leftover.sort_by_key(|g| std::cmp::Reverse((self.trace.goroutines[g.at()], *g)));
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
