//! What own stacks say, as one generation's scan of single threads finds it: about a selection by stack, and about
//! requests of a server.

use crate::survey::roots::servers::ServerStep;
use crate::survey::roots::stack_class::CallSite;
use crate::survey::roots::stack_evidence::{Match, StackHolds, StretchGap};
use crate::trace::ids::GoId;

/// A goroutine as one generation's scan can name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct GoroutineRef {
    /// Its id in the file.
    pub(crate) id: GoId,
    /// The number of its birth in this scan, where the id is ambiguous; else [`GoroutineRef::NO_BIRTH`].
    pub(crate) birth: u32,
}

impl GoroutineRef {
    /// The id alone is enough.
    pub(crate) const NO_BIRTH: u32 = u32::MAX;
    /// No goroutine.
    pub(crate) const NONE: Self = Self { id: GoId::NONE, birth: Self::NO_BIRTH };

    /// The goroutine with this id.
    pub(crate) fn by_id(id: GoId) -> Self {
        Self { id, birth: Self::NO_BIRTH }
    }
}

/// A piece of evidence about a goroutine: what it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EvidenceKind {
    /// A matching function is on the stacks (wire ids).
    Match(Match<u64>),
    /// The stack tells where in a server the goroutine is.
    Server(ServerStacks),
    /// A time without a matching stack.
    Gap(RunGap),
    /// The goroutine created another: the number of its birth in the scan.
    Created(u32),
    /// The goroutine ended at this file position.
    End(u64),
}

/// A stack that tells where in a server its goroutine is, once or several times in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ServerStacks {
    /// Where it is.
    pub(crate) step: ServerStep,
    /// Whether a matching function is on each of them; else on none.
    pub(crate) matches: bool,
    /// Which call of the matching function they show.
    pub(crate) call: CallSite,
    /// How long the last of them holds.
    pub(crate) holds: StackHolds,
    /// Bytes from the first to the last of them.
    pub(crate) len: u32,
    /// The first in a handler, else the first (wire id).
    pub(crate) stack: u64,
    /// File position of the first.
    pub(crate) pos: u64,
    /// When the first was recorded, in ticks.
    pub(crate) ticks: u64,
}

impl ServerStacks {
    /// File position of the last.
    pub(crate) fn last(&self) -> u64 {
        self.pos + u64::from(self.len)
    }

    /// Takes in a stack that follows, if it is the same stack in a server's wrappers or in a handler; else false, with
    /// nothing changed. A matching stack on which the goroutine waits is kept apart from others.
    pub(crate) fn absorb(&mut self, next: &Self) -> bool {
        let handler = |step| match step {
            ServerStep::Wrapped | ServerStep::Handler => 1,
            ServerStep::Stream | ServerStep::StreamHandler => 2,
            _ => 0,
        };
        let same = handler(self.step) != 0 && self.stack == next.stack && self.step == next.step;
        let waits = next.matches && next.holds == StackHolds::WhileItWaits;
        let len = next.last().checked_sub(self.pos).and_then(|len| u32::try_from(len).ok());
        let Some(len) = len.filter(|_| same && !waits) else { return false };
        (self.len, self.holds, self.call) = (len, next.holds, self.call.or(next.call));
        true
    }
}

/// A [`StretchGap`] with the time of its last event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RunGap {
    /// File position of the first resume or stack that does not match.
    pub(crate) first: u64,
    /// File position of the last of them.
    pub(crate) last: u64,
    /// When the last was, in ticks; 0 when that was not kept.
    pub(crate) ticks: u64,
    /// File position of the first stack that does not match; 0 when there is none.
    pub(crate) first_other: u64,
}

impl RunGap {
    /// One resume, or with `other` one stack that does not match.
    #[inline]
    pub(crate) fn at(pos: u64, ticks: u64, other: bool) -> Self {
        Self { first: pos, last: pos, ticks, first_other: if other { pos } else { 0 } }
    }

    /// Whether a stack that does not match is among them.
    pub(crate) fn has_other(&self) -> bool {
        self.first_other != 0
    }

    /// Without the time.
    pub(crate) fn gap(self) -> StretchGap {
        let first_other = self.has_other().then_some(self.first_other);
        StretchGap { first: self.first, last: self.last, first_other }
    }
}
