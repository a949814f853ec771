//! What a part that was measured by itself leaves to the measurer of the whole.
//!
//! What a part alone cannot know: the time of the last event before it (its first events may have to wait 1 ns after
//! each other for it), and of a goroutine that is older than it, the open interval and the last own stack. So two kinds
//! of events are *left over*: *early* ones, up to the moment when the part before is certainly over, and those of each
//! older goroutine up to its first own stack.

use crate::measure::paths::wakers::Cause;
use crate::trace::event::Event;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;

/// An event that the measurer of the whole takes.
pub(super) struct LeftOverEvent {
    pub(super) event: Event,
    /// Its number in the generation.
    pub(super) index: u64,
    /// What executed it.
    pub(super) cause: Cause,
}

/// What a part leaves to the measurer of the whole.
#[derive(Default)]
pub(super) struct LeftOver {
    /// In their order.
    pub(super) events: Vec<LeftOverEvent>,
    /// How many of these are early; their times may move.
    pub(super) n_early: usize,
    /// Goroutines that ended, and whether each is older than the part.
    pub(super) ended: Vec<(GIdx, bool)>,
    /// Time and number of the first event that was measured in the part.
    pub(super) first: Option<(Time, u64)>,
}
