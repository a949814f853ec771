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

/// How a goroutine starts another's interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinkKind {
    /// It ended the wait that the interval before is.
    Wake,
    /// It ran where the wait ended, and did not cause that: see `states::is_accidental`.
    Bystander,
    /// It ended the wait, and is a goroutine of the runtime.
    Runtime,
    /// It created the goroutine.
    Creation,
}
