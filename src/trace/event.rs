//! The one vocabulary of causally ordered events. Everything about wire formats and versions is before it.
//!
//! Names and meanings follow Go's `internal/trace` (Go 1.22, `event.go` and `resources.go`).

use super::ids::{GIdx, StackIdx, StringIdx};
use super::time::Time;

/// State of a goroutine, as the scheduler sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GoState {
    /// Not known: the trace does not say, or what it says contradicts itself.
    Undetermined,
    /// Before its creation or after its end.
    NotExist,
    /// Ready to run, without a proc.
    Runnable,
    /// Executing.
    Running,
    /// In a system call or a cgo call.
    Syscall,
    /// Blocked; the transition into it carries the reason.
    Waiting,
}

impl GoState {
    /// All states, each at its own number.
    pub const ALL: [Self; 6] =
        [Self::Undetermined, Self::NotExist, Self::Runnable, Self::Running, Self::Syscall, Self::Waiting];
}

/// One event in causal order.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// When, strictly later than the event before it.
    pub time: Time,
    /// Where in the file the event stands; in an old trace, where in the order. The events of one wire event share it.
    pub pos: u64,
    /// The goroutine that executed when it happened, or none.
    pub g: GIdx,
    /// The stack of `g`; empty when the event has none.
    pub stack: StackIdx,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum EventKind {
    /// A goroutine went from one state to another.
    Transition(GoTransition),
    /// A CPU sample of `Event::g`, with its stack.
    Sample,
    /// A range of time begins. Ranges of the whole program have no goroutine.
    RangeBegin(Range),
    /// A range of time was already open when its goroutine or generation began.
    RangeActive(Range),
    /// A range of time ends.
    RangeEnd(Range),
    /// A user task begins.
    TaskBegin {
        /// The task's id in the file.
        task: u64,
        /// The id of the task that it is part of; 0 when none.
        parent: u64,
        /// Its type, as given to `trace.NewTask`.
        name: StringIdx,
    },
    /// A user task ends.
    TaskEnd {
        /// The task's id in the file.
        task: u64,
    },
    /// A user region begins on `Event::g`.
    RegionBegin {
        /// The task that it belongs to; 0 is the background task.
        task: u64,
        /// Its type, as given to `trace.StartRegion`.
        name: StringIdx,
    },
    /// A user region ends on `Event::g`.
    RegionEnd {
        /// The task that it belongs to; 0 is the background task.
        task: u64,
        /// Its type.
        name: StringIdx,
    },
    /// `Event::g` logged something for a user task.
    Log {
        /// The task's id in the file; 0 is the background task.
        task: u64,
    },
    /// GOMAXPROCS has this value from here on.
    ProcsChange {
        /// The value.
        procs: u64,
    },
    /// Anything else; only its time and its stack matter.
    Other,
}

impl EventKind {
    /// Whether a range of time begins, ends, or was already open.
    #[inline]
    pub fn is_range(&self) -> bool {
        matches!(self, Self::RangeBegin(_) | Self::RangeActive(_) | Self::RangeEnd(_))
    }

    /// Whether it is one of `runtime/trace`'s annotations: tasks, regions, logs.
    #[inline]
    pub fn is_annotation(&self) -> bool {
        matches!(
            self,
            Self::TaskBegin { .. }
                | Self::TaskEnd { .. }
                | Self::RegionBegin { .. }
                | Self::RegionEnd { .. }
                | Self::Log { .. }
        )
    }
}

/// A goroutine's change of state.
#[derive(Clone, Copy, Debug)]
pub struct GoTransition {
    /// The goroutine that changes. Differs from [`Event::g`] at creation and unblocking.
    pub g: GIdx,
    /// Its state before.
    pub from: GoState,
    /// Its state after.
    pub to: GoState,
    /// Why it waits or stopped, in the runtime's words; none when the trace does not say.
    pub reason: StringIdx,
    /// The stack of `g` itself; of a goroutine just created, its entry function.
    pub stack: StackIdx,
}

/// A special range of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    /// The concurrent mark phase of the garbage collector; the whole program's.
    GcMark,
    /// A goroutine helps the collector to mark, in debt for what it allocated.
    GcMarkAssist,
    /// A proc sweeps spans before it may allocate.
    GcSweep,
    /// The world is stopped by `Event::g`; the kind in the runtime's words.
    StopTheWorld(StringIdx),
}

/// Receives events in causal order.
pub trait Sink {
    /// Whether events about this goroutine matter; others cost only their ordering.
    fn wants(&self, g: GIdx) -> bool;
    /// Takes one event. `index` counts the events that the generation emitted up to and with this one, those that
    /// nobody wanted too.
    fn event(&mut self, event: &Event, index: u64);

    /// Looks up what is needed for a transition of `g` that `by` executed; none when that does not matter.
    #[inline]
    fn look_up(&self, g: GIdx, by: GIdx) -> Option<u32> {
        (self.wants(g) || by != g && self.wants(by)).then_some(0)
    }

    /// Takes a transition, for which `found` was looked up just now.
    #[inline]
    fn looked_up(&mut self, _found: u32, event: &Event, index: u64) {
        self.event(event, index);
    }
}
