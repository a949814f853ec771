//! Gives events their final times and hands them to the sink. On the hot path.

use super::steps::{GoStep, GoSteps, WireStep};
use super::translate::GenerationNames;
use crate::trace::event::{Event, EventKind};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::sink::Sink;
use crate::trace::time::Time;
use crate::trace::v2::reader::WireEvent;

/// The output of an order.
pub(crate) struct Emitter<'a, S> {
    /// Time of the last event.
    pub(crate) last: Time,
    /// Number of events so far, those that the sink does not need included.
    pub(crate) emitted: u64,
    pub(crate) sink: &'a mut S,
    pub(crate) names: &'a GenerationNames,
}

impl<S: Sink> Emitter<'_, S> {
    /// Counts an event, and gives its final time: its own, or 1 ns after the last event's if that is later.
    #[inline]
    pub(crate) fn tick(&mut self, time: Time) -> Time {
        self.last = if time > self.last { time } else { self.last + 1 };
        self.emitted += 1;
        self.last
    }

    /// Equal to [`emit`](Self::emit) for an event with this one step. Inlined into the loop of the fast path, so that
    /// the event stays in registers if the sink does not need it.
    #[inline(always)]
    pub(crate) fn emit_fast(&mut self, event: &WireEvent, wire_step: &WireStep) {
        let time = self.tick(event.time);
        let GoStep { by, g, .. } = wire_step.step;
        if let Some(found) = self.sink.look_up(g, by) {
            let event = self.names.step_event_fast(event.pos, time, wire_step);
            self.sink.looked_up(found, &event, self.emitted);
        }
    }

    /// Hands an event to the sink, as one `Event` for each of its steps or, without any, as one of `executing`, the
    /// goroutine that executed. Events without steps are left out if the sink needs neither them nor the goroutine. A range
    /// that was open already is an `Event` of its goroutine.
    pub(crate) fn emit(&mut self, event: &WireEvent, executing: GIdx, steps: &GoSteps) {
        for _ in 0..steps.extra {
            self.tick(event.time);
        }
        let mut stepped = false;
        for step in steps.iter() {
            self.step(event, step);
            stepped = true;
        }
        if !stepped {
            let time = self.tick(event.time);
            if let Some(kind) = self.names.other_kind(event)
                && (self.sink.wants(executing) || !matches!(kind, EventKind::Other))
            {
                let stack = self.names.own_stack(event);
                self.sink.event(&Event { time, pos: event.pos, g: executing, stack, kind }, self.emitted);
            }
        }
        if let Some((g, range)) = steps.active {
            let (time, kind) = (self.last, EventKind::RangeActive(range));
            self.sink.event(&Event { time, pos: event.pos, g, stack: StackIdx::EMPTY, kind }, self.emitted);
        }
    }

    fn step(&mut self, event: &WireEvent, step: GoStep) {
        let time = self.tick(event.time);
        if self.sink.wants(step.g) || self.sink.wants(step.by) {
            let event = self.names.step_event(event, time, step);
            self.sink.event(&event, self.emitted);
        }
    }
}
