//! Where the events of a generation go while it is ordered.

use super::event::Event;
use super::ids::GIdx;

/// A consumer of events in causal order.
pub trait Sink {
    /// Whether it needs the events of this goroutine. Others are ordered, but not passed on.
    fn wants(&self, g: GIdx) -> bool;
    /// Takes one event. `index` is its number among the generation's events, counted from 1, with those that the sink does
    /// not need.
    fn event(&mut self, event: &Event, index: u64);

    /// Looks up what [`Sink::looked_up`] needs for a transition of `g` that `by` executed, a number of the sink's own; none
    /// if the sink does not need the event. Equal to [`Sink::wants`] of both, unless a sink overrides it.
    #[inline]
    fn look_up(&self, g: GIdx, by: GIdx) -> Option<u32> {
        (self.wants(g) || by != g && self.wants(by)).then_some(0)
    }

    /// Takes a transition for which [`Sink::look_up`] has just returned `found`. Equal to [`Sink::event`]; a fast path for
    /// sinks that find a goroutine in a table.
    #[inline]
    fn looked_up(&mut self, _found: u32, event: &Event, index: u64) {
        self.event(event, index);
    }
}
