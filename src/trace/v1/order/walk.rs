//! Walks through the events of a trace, or of a part of it.
//!
//! A part is a range of cells in the order. A walk through one part returns the start of the next, so parts can be walked
//! again later, in any order and in parallel.

use super::OldTrace;
use super::convert::{ConvertState, Converter, MissingStacks};
use super::ordered::OrderCursor;
use super::visitor::{BriefEvent, Visitor};
use crate::trace::event::{Event, EventKind, Range};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::Time;

/// A position at which a walk can begin.
#[derive(Clone, Debug)]
pub struct WalkStart {
    cursor: OrderCursor,
    state: ConvertState,
}

impl WalkStart {
    /// The smallest [`Event::pos`] of the events after it; those before it have smaller ones.
    pub fn first_pos(&self) -> u64 {
        self.cursor.next_number()
    }

    /// The ranges of time that are open there: an event for each goroutine that helps the garbage collector to mark or
    /// sweeps for it, as new traces have at the start of a generation.
    pub fn active(&self) -> impl Iterator<Item = Event> + '_ {
        let (time, pos, stack) = (self.state.last, self.first_pos(), StackIdx::EMPTY);
        let of = move |g: GIdx, range| Event { time, pos, g, stack, kind: EventKind::RangeActive(range) };
        let assisting = self.state.assisting.iter().map(move |&g| of(g, Range::GcMarkAssist));
        assisting.chain(self.state.sweeping.iter().map(move |&g| of(g, Range::GcSweep)))
    }
}

/// What a walk found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WalkSummary {
    /// Time of the last event so far.
    pub end: Time,
    /// GOMAXPROCS at the start of the trace; none where the trace does not say so.
    pub first_procs: Option<u64>,
    /// Whether a goroutine had an event with its own stack while it did not run. That happens where events are missing
    /// or clocks contradict the order. Then parts cannot be measured separately.
    pub stack_while_stopped: bool,
    /// Number of events so far whose stack the file does not define.
    pub(crate) missing_stacks: MissingStacks,
}

/// Calls a function with every event.
struct EveryEvent<F>(F);

impl<F: FnMut(&Event)> Visitor for EveryEvent<F> {
    #[inline]
    fn brief_event(&mut self, _: &BriefEvent) -> bool {
        false
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        (self.0)(event);
    }
}

impl OldTrace {
    /// Calls `take` with all events in causal order; their times strictly increase. Can be repeated: the events are the
    /// same each time.
    pub fn walk(&self, take: impl FnMut(&Event)) -> WalkSummary {
        self.walk_part(&self.first(), (0, 1), &mut EveryEvent(take)).0
    }

    /// The start of the trace.
    pub fn first(&self) -> WalkStart {
        WalkStart { cursor: OrderCursor::first(&self.order, &self.lanes), state: ConvertState::first(self) }
    }

    /// Calls `visitor` with the events of part `n`, counted from 0, of `n_parts` of about the same number of events.
    /// `start` is where that part begins. Returns what was found up to its end, and the start of the next part.
    pub fn walk_part(
        &self,
        start: &WalkStart,
        (n, n_parts): (u64, u64),
        visitor: &mut impl Visitor,
    ) -> (WalkSummary, WalkStart) {
        let end = if n + 1 < n_parts { self.order.n_cells / n_parts * (n + 1) } else { u64::MAX };
        let WalkStart { mut cursor, state } = start.clone();
        let mut converter = Converter::new(self, state);
        loop {
            if let Some(event) = cursor.next(&self.order, &self.lanes, end) {
                converter.convert_fast(&event, visitor);
            } else if !cursor.take_due(&mut |event| converter.convert(*event, visitor)) {
                break;
            }
        }
        let state = converter.state;
        let ConvertState { last: end, first_procs, stack_while_stopped, missing_stacks, .. } = state;
        (WalkSummary { end, first_procs, stack_while_stopped, missing_stacks }, WalkStart { cursor, state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::version::{Dialect, HEADER_SIZE, Header, read_header};

    fn old_trace(bytes: &[u8]) -> Option<OldTrace> {
        let Header::Known(version) = read_header(&bytes[..HEADER_SIZE]) else { return None };
        let Dialect::V1(row) = version.dialect else { return None };
        super::super::read(&bytes.to_vec(), row, None).ok()
    }

    /// The events and the summary, each entry converted by the general rule.
    fn walk_by_the_general_rule(trace: &OldTrace) -> (Vec<String>, ConvertState) {
        let mut events = Vec::new();
        let mut visitor = EveryEvent(|event: &Event| events.push(format!("{event:?}")));
        let mut converter = Converter::new(trace, ConvertState::first(trace));
        trace.order.for_each(&trace.lanes, |event| converter.convert(*event, &mut visitor));
        let state = converter.state;
        (events, state)
    }

    #[test]
    fn fast_and_general_conversion_agree() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces");
        let mut n_traces = 0;
        for version in ["go1.5", "go1.7", "go1.11", "go1.19", "go1.21"] {
            for entry in std::fs::read_dir(folder.join(version)).into_iter().flatten().flatten() {
                let bytes = std::fs::read(entry.path()).expect("a test trace");
                let Some(trace) = old_trace(&bytes) else { continue };
                let (general, state) = walk_by_the_general_rule(&trace);
                let mut n = 0;
                let summary = trace.walk(|event| {
                    assert_eq!(format!("{event:?}"), general[n], "event {n} of {}", entry.path().display());
                    n += 1;
                });
                assert_eq!((n, summary.end), (general.len(), state.last));
                assert_eq!(summary.stack_while_stopped, state.stack_while_stopped);
                assert_eq!(summary.missing_stacks, state.missing_stacks);
                n_traces += 1;
            }
        }
        assert!(n_traces > 10, "only {n_traces} old traces");
    }
}
