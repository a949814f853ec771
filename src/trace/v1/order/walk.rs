//! Walks through the events of a trace, or through a part of them. HOT.

use super::OldTrace;
use super::convert::{BriefEvent, Converter, Progress};
use super::entries::Place;
use crate::trace::event::{Event, EventKind, Range};
use crate::trace::ids::StackIdx;
use crate::trace::time::Time;

/// Where a walk can begin.
#[derive(Clone, Debug)]
pub struct Start {
    place: Place,
    progress: Progress,
}

impl Start {
    /// Places of events before it are below this one, those behind it are not.
    pub fn first_pos(&self) -> u64 {
        self.place.next_number()
    }

    /// What is going on there, as a new trace tells at the beginning of a generation: who helps the collector to mark.
    pub fn active(&self) -> impl Iterator<Item = Event> + '_ {
        let kind = EventKind::RangeActive(Range::GcMarkAssist);
        let (time, pos, stack) = (self.progress.last, self.first_pos(), StackIdx::EMPTY);
        self.progress.assisting.iter().map(move |&g| Event { time, pos, g, stack, kind })
    }
}

/// What a walk through all events tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walked {
    /// Time of the last event.
    pub end: Time,
    /// GOMAXPROCS when the trace began.
    pub first_procs: Option<u64>,
    /// Whether a goroutine showed a stack of its own while it did not run, as happens where events are missing or
    /// clocks contradict the order. Then parts cannot be measured by themselves.
    pub strays: bool,
    pub(crate) missing_stacks: u64,
}

/// Who takes events, and can do without some.
pub trait Visitor {
    /// Whether it is enough to know this much of an event. If so, it has been taken.
    fn glance(&mut self, glance: &BriefEvent) -> bool;
    /// Takes an event.
    fn event(&mut self, event: &Event);
}

/// Takes every event as a whole.
struct All<F>(F);

impl<F: FnMut(&Event)> Visitor for All<F> {
    #[inline]
    fn glance(&mut self, _: &BriefEvent) -> bool {
        false
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        (self.0)(event);
    }
}

impl OldTrace {
    /// Gives its events to `take` in causal order, times strictly increasing. As often as needed, always the same.
    pub fn walk(&self, take: impl FnMut(&Event)) -> Walked {
        self.walk_part(&self.first(), (0, 1), &mut All(take)).0
    }

    /// The start of the first part.
    pub fn first(&self) -> Start {
        Start { place: Place::first(&self.order, &self.lanes), progress: Progress::first(self) }
    }

    /// Gives the events of part `n` of `n_parts`, which are of about the same length. Gives what the events up to its
    /// end tell, and the start of the next one.
    pub fn walk_part(&self, start: &Start, (n, n_parts): (u64, u64), visitor: &mut impl Visitor) -> (Walked, Start) {
        let end = if n + 1 < n_parts { self.order.n_cells / n_parts * (n + 1) } else { u64::MAX };
        let Start { mut place, progress } = start.clone();
        let mut converter = Converter::new(self, progress);
        loop {
            if let Some(entry) = place.next(&self.order, &self.lanes, end) {
                converter.convert(&entry, visitor);
            } else if !place.take_due(&mut |entry| converter.convert_any(*entry, visitor)) {
                break;
            }
        }
        let progress = converter.progress;
        let Progress { last: end, first_procs, strays, missing_stacks, .. } = progress;
        (Walked { end, first_procs, strays, missing_stacks }, Start { place, progress })
    }
}
