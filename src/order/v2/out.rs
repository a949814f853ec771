//! Where events go, and when. HOT.

use super::steps::{Step, Steps};
use super::translate::{Names, Translate};
use super::usual::Usual;
use crate::event::{Event, EventKind, Sink};
use crate::format::v2::event::WireEvent;
use crate::ids::GIdx;
use crate::time::Time;

/// Where events go, and when.
pub(super) struct Out<'a, S> {
    /// Time of the last event.
    pub(super) last: Time,
    /// Number of events so far.
    pub(super) emitted: u64,
    pub(super) sink: &'a mut S,
    pub(super) names: &'a Names,
}

impl<S: Sink> Out<'_, S> {
    /// The time of the next emitted event: its own, or 1 ns after the last where that is later.
    #[inline]
    pub(super) fn tick(&mut self, time: Time) -> Time {
        self.last = if time > self.last { time } else { self.last + 1 };
        self.emitted += 1;
        self.last
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    pub(super) fn usual(&mut self, event: &WireEvent, usual: &Usual) {
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

    pub(super) fn emit(&mut self, event: &WireEvent, context: GIdx, steps: &Steps) {
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
