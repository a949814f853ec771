//! What a walk through the events calls.

use crate::trace::event::Event;
use crate::trace::ids::{GIdx, StackIdx};

/// The parts of an event that most callers need: of an event by which one goroutine begins or stops to execute, and
/// nothing else happens.
#[derive(Clone, Copy, Debug)]
pub struct BriefEvent {
    /// As [`Event::pos`].
    pub pos: u64,
    /// The goroutine that executed.
    pub g: GIdx,
    /// The goroutine that it woke, or that returned from a system call; none for other events.
    pub target: GIdx,
    /// The stack of `g`; empty when the event has none.
    pub stack: StackIdx,
    /// Whether the goroutine that changes its state executes after the event; it is `g` then.
    pub runs: bool,
}

/// Takes the events of a walk.
pub trait Visitor {
    /// Takes the parts of an event. False when they are not enough: then [`Visitor::event`] is called with the event.
    fn brief_event(&mut self, event: &BriefEvent) -> bool;
    /// Takes an event.
    fn event(&mut self, event: &Event);
}
