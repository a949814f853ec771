//! Why an interval started: the other goroutine that did it.

use crate::trace::ids::{GIdx, StackIdx};

/// Who started an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link {
    /// The goroutine that did; none for a goroutine that nobody created, as far as the trace says.
    pub(crate) by: GIdx,
    /// Its own stack when it did; empty when not recorded.
    pub(crate) stack: StackIdx,
    /// What it did.
    pub(crate) kind: LinkKind,
}

impl Link {
    /// The runtime did, and the goroutine that it used for that does not matter.
    pub(crate) const RUNTIME: Self = Self { by: GIdx::NONE, stack: StackIdx::EMPTY, kind: LinkKind::Runtime };
}

/// How a goroutine starts another's interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinkKind {
    /// It ended the wait that the interval before is.
    Wake,
    /// It ran where the wait ended, and did not cause that: see `WaitClass::HandedOut`.
    Bystander,
    /// It ended the wait, and is a goroutine that a timer started (`time.AfterFunc`, a context's deadline).
    TimerGoroutine,
    /// A timer ended the wait: no goroutine did.
    Timer,
    /// The wait is the runtime's own business, or a goroutine of the runtime ended it.
    Runtime,
    /// It created the goroutine.
    Creation,
}
