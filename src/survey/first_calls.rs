//! When the first calls of gRPC's stream workers began, which wait for work when the trace begins.
//!
//! The trace has no stack of that wait, so pass 1 cannot know whether the worker was in a call already. Who ended it tells:
//! the goroutine of a connection, which hands a call over where it waits for nothing else.
//!
//! ```text
//!  trace begins │ waits ── serveStreams.func2 ─┬ runs ┬ in a handler …    began where it ran again
//!               │ waits ── anybody else ───────┬ runs ┬ in a handler …    it may have begun before the trace
//! ```

use super::Survey;
use super::roots::servers::hands_call_over;
use crate::trace::event::{Event, EventKind, GoState};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What is known of a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FirstCall {
    /// It has not run yet.
    Waits,
    /// A call was handed over; where it ran again, last.
    HandedOver(Option<(u64, Time)>),
    /// Where its first call began; none where that is not known.
    Known(Option<(u64, Time)>),
}

/// The first calls of workers whose beginning pass 1 does not know.
#[derive(Debug)]
pub(crate) struct FirstCalls(FxHashMap<GIdx, FirstCall>);

impl FirstCalls {
    /// Those of a trace.
    pub(crate) fn new(survey: &Survey) -> Self {
        let calls = survey.served.requests.iter();
        let open =
            calls.filter(|r| r.inferred.is_some_and(|certain| certain.first > Time::MIN) && r.span.began.is_none());
        Self(open.map(|r| (r.g, FirstCall::Waits)).collect())
    }

    /// Whether events have to tell when they began.
    pub(crate) fn needs_events(&self) -> bool {
        !self.0.is_empty()
    }

    /// Takes the next event.
    pub(crate) fn add(&mut self, symbols: &Symbols, event: &Event) {
        if let EventKind::Transition(transition) = event.kind
            && let Some(call) = self.0.get_mut(&transition.g)
        {
            let ran = (transition.to == GoState::Running).then_some((event.pos, event.time));
            *call = match *call {
                FirstCall::Waits if transition.from == GoState::Waiting && transition.g != event.g => {
                    let is_handed = hands_call_over(symbols, event.stack);
                    if is_handed { FirstCall::HandedOver(None) } else { FirstCall::Known(None) }
                }
                FirstCall::HandedOver(last) if transition.stack == StackIdx::EMPTY => {
                    FirstCall::HandedOver(ran.or(last))
                }
                FirstCall::HandedOver(last) => FirstCall::Known(last),
                known => known,
            };
        }
        if event.stack != StackIdx::EMPTY
            && let Some(call) = self.0.get_mut(&event.g)
        {
            *call = match *call {
                FirstCall::Waits => FirstCall::Known(None),
                FirstCall::HandedOver(last) => FirstCall::Known(last),
                known @ FirstCall::Known(_) => known,
            };
        }
    }

    /// Tells the survey where these calls began.
    pub(crate) fn settle(&self, survey: &mut Survey) {
        let began = |g: GIdx| match self.0.get(&g) {
            Some(FirstCall::Known(at)) => *at,
            _ => None,
        };
        for request in survey.served.requests.iter_mut().filter(|r| r.inferred.is_some()) {
            request.span.began = request.span.began.or_else(|| began(request.g).map(|(_, time)| time));
        }
        let stretches = Arc::make_mut(&mut survey.forest.stretches);
        for stretch in stretches.iter_mut().filter(|stretch| stretch.is_inferred()) {
            stretch.set_start(stretch.start().or_else(|| began(stretch.g).map(|(pos, _)| pos)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::event::GoTransition;
    use crate::trace::ids::StringIdx;
    use crate::trace::symbols::Frame;

    const WORKER: GIdx = GIdx(1);
    const OTHER: GIdx = GIdx(2);

    /// Where a worker's first call began, as the number of an event. h hands a call over, w wakes otherwise, r runs, b has
    /// an own stack.
    fn began(events: &str) -> Option<u64> {
        let mut symbols = Symbols::default();
        let mut stack = |names: &[&str]| {
            names.iter().fold(StackIdx::EMPTY, |at, name| {
                let function = symbols.intern(name);
                let frame = symbols.intern_frame(Frame { function, file: StringIdx::EMPTY, line: 1 });
                symbols.push_frame(at, frame)
            })
        };
        let hands_over = stack(&["google.golang.org/grpc.(*Server).serveStreams.func2", "runtime.chansend1"]);
        // A call on a goroutine of its own wakes another call's.
        let wakes = stack(&["google.golang.org/grpc.(*Server).serveStreams.func2.1", "main.(*server).Price"]);
        let mut calls = FirstCalls(std::iter::once((WORKER, FirstCall::Waits)).collect());
        for (i, c) in events.chars().enumerate() {
            let pos = i as u64;
            let (g, from, to, stack) = match c {
                'h' => (OTHER, GoState::Waiting, GoState::Runnable, hands_over),
                'w' => (OTHER, GoState::Waiting, GoState::Runnable, wakes),
                'r' => (WORKER, GoState::Runnable, GoState::Running, StackIdx::EMPTY),
                _ => (WORKER, GoState::Running, GoState::Waiting, wakes),
            };
            let own = if g == WORKER { stack } else { StackIdx::EMPTY };
            let kind = EventKind::Transition(GoTransition { g: WORKER, from, to, reason: StringIdx::NONE, stack: own });
            calls.add(&symbols, &Event { time: Time(i as i64), pos, g, stack, kind });
        }
        match calls.0[&WORKER] {
            FirstCall::Known(at) => at.map(|(pos, _)| pos),
            _ => None,
        }
    }

    #[test]
    fn a_call_that_was_handed_over_began_in_the_trace() {
        assert_eq!(began("hrb"), Some(1));
        assert_eq!(began("hrrbwrb"), Some(2), "the last time before its first stack");
        assert_eq!(began("hrbhrb"), Some(1), "the first call alone");
    }

    #[test]
    fn another_may_have_begun_before() {
        assert_eq!(began("wrbhrb"), None);
        assert_eq!(began("rbhrb"), None);
        assert_eq!(began("hr"), None, "no stack shows a call");
    }
}
