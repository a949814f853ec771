//! Requests of one HTTP/1 connection, told apart by what the server itself does around them.
//!
//! A request without a body starts when the connection creates its background reader, right before the handler.
//! One with a body starts when the goroutine runs again after it last read from the connection. It ends at the
//! first stack after the handler: the server finishes the response, recovers from a panic, reads on, or the
//! goroutine ends (after a hijack).
//!
//! ```text
//!  without a body   … reading, resume, creates the reader, handler, …, handler, finishes the response
//!                                      │◄────────── request ─────────────────►│
//!  with a body      … reading, resume, handler, …, handler, finishes the response
//!                              │◄──────────── request ───►│
//! ```

use super::paths::StackSet;
use super::servers::ServerStep;
use super::stack_class::CallSite;
use super::stack_evidence::StackHolds;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::Time;

/// When an event happened: its file position, and its time on its thread's own clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    /// File position of the event.
    pub(crate) pos: u64,
    /// Time of the event; none when it was not kept.
    pub(crate) time: Option<Time>,
}

/// A stack that tells where in a server its goroutine is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ServerStack {
    /// Where it is.
    pub(crate) step: ServerStep,
    /// Whether a matching function is on the stack.
    pub(crate) matches: bool,
    /// Which call of the matching function it shows.
    pub(crate) call: CallSite,
    /// The stack.
    pub(crate) stack: StackIdx,
    /// When it was recorded; of several that say the same, the first.
    pub(crate) at: Moment,
    /// File position of the last of these.
    pub(crate) last: u64,
    /// How long the last of these holds.
    pub(crate) holds: StackHolds,
}

/// A request between two borders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ServedRequest {
    /// When it starts; none: before the trace.
    pub(crate) start: Option<Moment>,
    /// When it ends; none: after the trace.
    pub(crate) end: Option<Moment>,
    /// Its first stack with a matching function.
    pub(crate) matched: Option<StackIdx>,
    /// Its stacks in the handler.
    pub(crate) stacks: StackSet,
    /// Goroutines created inside.
    pub(crate) births: Vec<GIdx>,
    /// Whether a stack showed the goroutine in the server's wrappers or in a handler since the request started.
    reached_wrappers: bool,
    /// Whether its handler took the connection over.
    hijacked: bool,
}

impl ServedRequest {
    fn new(start: Option<Moment>) -> Self {
        Self {
            start,
            end: None,
            matched: None,
            stacks: StackSet::default(),
            births: Vec::new(),
            reached_wrappers: false,
            hijacked: false,
        }
    }
}

/// A connection's goroutine, from its evidence in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// Where the next request starts, if its handler comes next.
    last: Option<Moment>,
    /// Whether its state is known: it was seen outside requests, or in one. Until then the handler that a stack shows
    /// may have begun before the trace.
    known: bool,
    /// Whether it has read since its last request.
    reading: bool,
    open: Option<ServedRequest>,
}

impl Connection {
    /// The goroutine runs again.
    pub(crate) fn resumed(&mut self, at: Moment) {
        self.last = Some(at);
    }

    /// Whether a request is open.
    pub(crate) fn is_serving(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the open request's handler took the connection over, and nothing of it matched up to then. What it does
    /// from there on is no request of the server's: only stretches can be found there.
    pub(crate) fn is_hijacked(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.hijacked && open.matched.is_none())
    }

    /// When the open request started; none if there is none, or its start was not seen.
    pub(crate) fn serving_since(&self) -> Option<Moment> {
        self.open.as_ref()?.start
    }

    /// A stack that tells where in the server the goroutine is. Returns the request that it ends, if it ends one.
    pub(crate) fn server_stack(&mut self, seen: ServerStack) -> Option<ServedRequest> {
        let ServerStack { step, matches, stack, at, .. } = seen;
        match step {
            ServerStep::Wrapped | ServerStep::Handler | ServerStep::Hijack => {
                let request = self.serving();
                request.reached_wrappers = true;
                request.hijacked |= step == ServerStep::Hijack;
                if step != ServerStep::Wrapped {
                    request.stacks.add(stack);
                }
                if matches {
                    request.matched.get_or_insert(stack);
                }
                None
            }
            ServerStep::Start => {
                let ended = self.end(at);
                self.known = true;
                self.reading = false;
                self.open = Some(ServedRequest::new(Some(at)));
                ended
            }
            // Before its handler, or after one that left no stack.
            ServerStep::Between if self.open.as_ref().is_some_and(|open| !open.reached_wrappers) => None,
            ServerStep::Finish if self.reading && self.open.is_none() => {
                // It had a body, and its handler left no stack.
                self.serving();
                self.end(at)
            }
            _ => {
                let ended = self.end(at);
                self.known = true;
                self.reading |= step == ServerStep::Reading;
                self.last = Some(at);
                ended
            }
        }
    }

    /// A matching stack whose outer end was cut off: deep in a handler.
    pub(crate) fn matched(&mut self, stack: StackIdx) {
        let request = self.serving();
        request.reached_wrappers = true;
        request.matched.get_or_insert(stack);
    }

    /// The open request; if there is none, one that started when the goroutine was last outside requests.
    fn serving(&mut self) -> &mut ServedRequest {
        let start = if self.known { self.last } else { None };
        self.known = true;
        self.reading = false;
        self.open.get_or_insert_with(|| ServedRequest::new(start))
    }

    /// The goroutine created another inside a request.
    pub(crate) fn created(&mut self, child: GIdx) {
        if let Some(open) = &mut self.open {
            open.births.push(child);
        }
    }

    /// The goroutine ends, or the open request does. Returns the request, if one was open.
    pub(crate) fn end(&mut self, at: Moment) -> Option<ServedRequest> {
        let mut request = self.open.take()?;
        request.end = Some(at);
        self.last = Some(at);
        // Only damage makes one event both borders.
        (request.start.map(|start| start.pos) != Some(at.pos)).then_some(request)
    }

    /// The trace ends. Returns the open request, if there is one.
    pub(crate) fn end_of_trace(&mut self) -> Option<ServedRequest> {
        self.open.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: StackIdx = StackIdx(1);

    /// One letter per event; its index is its file position. r resume, E the goroutine's end; all others are own
    /// stacks: R reading, S start, W wrappers, H handler, M handler that matches, F finish, P recovery from a panic,
    /// B between requests.
    fn requests(text: &str) -> Vec<(Option<u64>, Option<u64>, bool, bool)> {
        let mut connection = Connection::default();
        let mut found = Vec::new();
        for (i, c) in text.chars().enumerate() {
            let at = Moment { pos: i as u64, time: Some(Time(10 * i as i64)) };
            let step = match c {
                'r' => {
                    connection.resumed(at);
                    continue;
                }
                'E' => {
                    found.extend(connection.end(at));
                    continue;
                }
                'R' => ServerStep::Reading,
                'S' => ServerStep::Start,
                'W' => ServerStep::Wrapped,
                'H' | 'M' => ServerStep::Handler,
                'F' => ServerStep::Finish,
                'P' => ServerStep::Recover,
                _ => ServerStep::Between,
            };
            let holds = StackHolds::AMoment;
            let seen = ServerStack {
                step,
                stack: REQUEST,
                matches: c == 'M',
                call: CallSite::default(),
                at,
                last: at.pos,
                holds,
            };
            found.extend(connection.server_stack(seen));
        }
        found.extend(connection.end_of_trace());
        let pos = |m: Option<Moment>| m.map(|m| m.pos);
        found
            .iter()
            .map(|r| (pos(r.start), pos(r.end), r.stacks.iter().next().is_some(), r.matched.is_some()))
            .collect()
    }

    #[test]
    fn without_a_body_from_the_reader_to_the_finish() {
        assert_eq!(requests("rRrSMrFFrR"), [(Some(3), Some(6), true, true)]);
        assert_eq!(requests("rRrSFrRrSF").len(), 2, "handlers that leave no stack");
        assert_eq!(requests("rRrSWBF"), [(Some(3), Some(5), false, false)]);
        assert_eq!(requests("rRrSBF"), [(Some(3), Some(5), false, false)], "stopped before or after the handler");
        assert_eq!(requests("rRrSHFrSHFr"), [(Some(3), Some(5), true, false), (Some(7), Some(9), true, false)]);
    }

    #[test]
    fn with_a_body_from_the_resume_to_the_finish() {
        assert_eq!(requests("rRrRrHrHF"), [(Some(4), Some(8), true, false)]);
        assert_eq!(requests("rRrF"), [(Some(2), Some(3), false, false)], "the handler left no stack");
        assert_eq!(requests("rRrMFrFrRrF").len(), 2);
    }

    #[test]
    fn panics_hijacks_and_responses_without_a_finish() {
        assert_eq!(requests("rRrSHrPrE"), [(Some(3), Some(6), true, false)]);
        assert_eq!(requests("rRrSHrHrE"), [(Some(3), Some(8), true, false)]);
        assert_eq!(requests("rRrSHrRrSF"), [(Some(3), Some(6), true, false), (Some(8), Some(9), false, false)]);
    }

    #[test]
    fn edges_of_the_trace() {
        assert_eq!(requests("rHrFrR"), [(None, Some(3), true, false)]);
        assert_eq!(requests("FrRrHF"), [(Some(3), Some(5), true, false)], "the first request has no known handler");
        assert_eq!(requests("rRrSH"), [(Some(3), None, true, false)]);
        assert_eq!(requests("rRrE"), []);
    }
}
