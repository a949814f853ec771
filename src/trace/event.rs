//! Events in causal order, the same for all versions of the format: the output of the reader.
//!
//! Only code that produces events knows formats and versions. Names and meanings follow Go's `internal/trace` (Go 1.22,
//! `event.go` and `resources.go`).

use super::ids::{GIdx, StackIdx, StringIdx};
use super::time::Time;

/// State of a goroutine, as the scheduler sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GoState {
    /// Not known: no event so far has shown the state, or events contradict each other.
    Undetermined,
    /// Not created yet, or ended.
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
    /// All states, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::Undetermined, Self::NotExist, Self::Runnable, Self::Running, Self::Syscall, Self::Waiting];
}

/// One event in causal order.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// When it happened: strictly later than the event before it.
    pub time: Time,
    /// Offset of the event in the file; in traces before Go 1.22, its number in the order. Where one event of
    /// the file becomes several, they share it.
    pub pos: u64,
    /// The goroutine that executed when it happened; [`GIdx::NONE`] if none did.
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
    /// A range of time begins. Ranges of the whole program need not have a goroutine.
    RangeBegin(Range),
    /// A range of time is open already, as the start of a generation or of a part of a trace tells.
    RangeActive(Range),
    /// A range of time ends.
    RangeEnd(Range),
    /// A user task begins.
    TaskBegin {
        /// The task's id in the file.
        task: u64,
        /// The id of the task that it is part of; 0 if there is none.
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
    /// The collector's goal from here on (`HeapGoal` of Go 1.22 and later, `NextGC` before).
    HeapGoal {
        /// The size of the heap, in bytes, at which the next collection begins; 0, or more than any
        /// memory, where the size begins none (`GOGC=off`).
        bytes: u64,
    },
    /// Any other event, of which only the time and the stack matter.
    Other,
}

impl EventKind {
    /// Whether it may concern the whole program: a range of time begins, ends, or was already open, or the heap has a goal.
    #[inline]
    pub(crate) fn is_of_program(&self) -> bool {
        matches!(self, Self::RangeBegin(_) | Self::RangeActive(_) | Self::RangeEnd(_) | Self::HeapGoal { .. })
    }

    /// Whether it is one of `runtime/trace`'s annotations: tasks, regions, logs.
    #[inline]
    pub(crate) fn is_annotation(&self) -> bool {
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
    /// The goroutine that changes. Another one than [`Event::g`] when it is created or woken.
    pub g: GIdx,
    /// Its state before.
    pub from: GoState,
    /// Its state after.
    pub to: GoState,
    /// Why it waits or stopped, in the runtime's words; [`StringIdx::NONE`] if the trace does not tell.
    pub reason: StringIdx,
    /// The stack of `g` itself; of a goroutine just created, its start function. Empty if the trace does not tell.
    pub stack: StackIdx,
}

/// A range of time during which the garbage collector works or the world is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    /// The concurrent mark phase of the garbage collector, of the whole program.
    GcMark,
    /// A goroutine has to help the garbage collector to mark, because it allocated much.
    GcMarkAssist,
    /// A proc sweeps spans before it may allocate.
    GcSweep,
    /// `Event::g` has stopped the world; why, in the runtime's words ([`StringIdx::NONE`] if the trace does not tell).
    StopTheWorld(StringIdx),
}
