//! What a goroutine's stacks say of matching calls: where one was seen, and where none was.

use super::stack_class::CallSite;

/// A time without a matching stack: resumes, and stacks that do not match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StretchGap {
    /// File position of the first of them.
    pub(crate) first: u64,
    /// File position of the last of them.
    pub(crate) last: u64,
    /// File position of the first stack that does not match; none where there are resumes alone, which end no stretch.
    pub(crate) first_other: Option<u64>,
}

impl StretchGap {
    /// The goroutine runs again.
    pub(crate) fn at_resume(pos: u64) -> Self {
        Self { first: pos, last: pos, first_other: None }
    }

    /// One stack that does not match.
    pub(crate) fn at_other_stack(pos: u64) -> Self {
        Self { first: pos, last: pos, first_other: Some(pos) }
    }
}

/// How long a stack holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StackHolds {
    /// For the moment in which it was recorded.
    AMoment,
    /// Since the goroutine last ran, and until it runs again: a status says where one is that does not run.
    SinceItRan,
    /// Until the goroutine runs again: it was stopped, or is in a system call.
    UntilItRuns,
    /// The same, and the goroutine waits.
    WhileItWaits,
}

/// Matching stacks of one call that follow each other in one run: all but the last hold for a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Match<S> {
    /// The first of them.
    pub(crate) stack: S,
    /// Which call they show.
    pub(crate) call: CallSite,
    /// File position of the first.
    pub(crate) first: u64,
    /// File position of the last.
    pub(crate) last: u64,
    /// How long the last holds. It is the first as well if the goroutine waits.
    pub(crate) holds: StackHolds,
}
