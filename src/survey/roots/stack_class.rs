//! What a stack says of roots and of servers, as the scans keep it.

use super::servers::ServerStep;

/// Which call of a function a stack shows: the functions that called it, and the line that each of them is at. Two stacks of
/// one goroutine with different ones are of different calls, as who called is at one line until the call is over. A hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct CallSite(u32);

impl CallSite {
    /// Nothing known.
    pub(crate) const UNKNOWN: Self = Self(0);

    /// From a hash of functions and lines.
    pub(super) fn of(hash: u64) -> Self {
        Self((hash >> 32) as u32 | 1)
    }

    /// As a number, to be kept.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// From [`CallSite::bits`].
    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether both are known, and are of different calls.
    pub(crate) fn is_other_than(self, other: Self) -> bool {
        self != other && self != Self::UNKNOWN && other != Self::UNKNOWN
    }

    /// This one if it is known, else the other.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::UNKNOWN { other } else { self }
    }
}

/// What a stack says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct StackClass {
    /// Whether there is a stack at all, and it is defined.
    pub(crate) present: bool,
    /// Whether a function on it matches.
    pub(crate) matches: bool,
    /// Whether its outer end is cut off, where a match or a server's function could be.
    pub(crate) truncated: bool,
    /// Which call of the matching function it shows.
    pub(crate) call: CallSite,
    /// Whether the matching function is the innermost: at a stop its caller can be missing.
    pub(crate) match_is_leaf: bool,
    /// Where in a server it is.
    pub(crate) step: ServerStep,
    /// Whether frames can be missing that match, if it is the stack of a stop.
    pub(crate) hides_match: bool,
    /// Whether the goroutine's outer frames are missing, if it is the stack of a CPU sample.
    pub(crate) partial_sample: bool,
    /// Whether it has functions whose names are not known for sure.
    pub(crate) unnamed: bool,
    /// Whether it excludes a match, and none of its generation's stacks with the same outermost function says more. A
    /// goroutine has the same outermost function on all its stacks, so a run with this one is not worth noting.
    pub(crate) skippable: bool,
}

impl StackClass {
    /// Whether it matches, whatever names its functions get later.
    pub(crate) fn surely_matches(self) -> bool {
        self.matches && !self.unnamed
    }

    /// Whether the stack proves that no matching function is at work: one that is truncated proves nothing.
    pub(crate) fn excludes(self) -> bool {
        self.present && !self.matches && !self.truncated
    }

    /// Whether it says something of a server's requests, or matches.
    pub(crate) fn serves(self) -> bool {
        self.step != ServerStep::None || self.matches
    }

    /// Whether it says nothing, or only that no matching function is at work.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        self.step == ServerStep::None && !self.matches && !self.truncated && !self.hides_match
    }

    /// What it says as the stack of a stop: nothing if frames can be missing that match.
    #[must_use]
    pub(crate) fn at_stop(self) -> Self {
        let call = if self.match_is_leaf { CallSite::UNKNOWN } else { self.call };
        if self.hides_match { Self { present: false, step: ServerStep::None, ..self } } else { Self { call, ..self } }
    }

    /// What it says as the stack of a CPU sample: nothing but a match if outer frames are missing.
    #[must_use]
    pub(crate) fn at_sample(self) -> Self {
        // The line of a caller can be that after the call.
        Self { present: self.present && !self.partial_sample, call: CallSite::UNKNOWN, ..self }
    }

    /// What it says when it was not recorded at a creation. A request starts when its background reader is created, not
    /// when the goroutine is stopped or sampled near that.
    #[must_use]
    pub(crate) fn without_creation(self) -> Self {
        if self.step == ServerStep::Start { Self { step: ServerStep::Between, ..self } } else { self }
    }

    /// Whether a goroutine created with this stack can belong to a stretch or a request of its creator.
    pub(crate) fn may_be_inside(self) -> bool {
        matches!(self.step, ServerStep::Start | ServerStep::Wrapped | ServerStep::Handler | ServerStep::Hijack)
            || !self.excludes()
    }
}
