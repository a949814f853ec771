//! Where events go, and when. HOT.

use super::goroutines_fast::Usual;
use super::steps::{Step, Steps};
use super::translate::{Names, Translate};
use crate::trace::event::{Event, EventKind, Sink};
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use crate::trace::v2::reader::WireEvent;

/// Where events go, and when.
pub(crate) struct Out<'a, S> {
    /// Time of the last event.
    pub(crate) last: Time,
    /// Number of events so far.
    pub(crate) emitted: u64,
    pub(crate) sink: &'a mut S,
    pub(crate) names: &'a Names,
}

impl<S: Sink> Out<'_, S> {
    /// The time of the next emitted event: its own, or 1 ns after the last where that is later.
    #[inline]
    pub(crate) fn tick(&mut self, time: Time) -> Time {
        self.last = if time > self.last { time } else { self.last + 1 };
        self.emitted += 1;
        self.last
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    pub(crate) fn usual(&mut self, event: &WireEvent, usual: &Usual) {
        let time = self.tick(event.time);
        let Step { context, g, .. } = usual.step;
        if let Some(found) = self.sink.look_up(g, context) {
            let event = self.names.usual(event.pos, time, usual);
            self.sink.looked_up(found, &event, self.emitted);
        }
    }

    fn step(&mut self, event: &WireEvent, step: Step) {
        let time = self.tick(event.time);
        if self.sink.wants(step.g) || self.sink.wants(step.context) {
            let event = self.names.step(event, time, step);
            self.sink.event(&event, self.emitted);
        }
    }

    pub(crate) fn emit(&mut self, event: &WireEvent, context: GIdx, steps: &Steps) {
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
                && (self.sink.wants(context) || !matches!(kind, EventKind::Other))
            {
                let stack = self.names.own_stack(event);
                self.sink.event(&Event { time, pos: event.pos, g: context, stack, kind }, self.emitted);
            }
        }
    }
}
