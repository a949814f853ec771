//! Calls of gRPC's stream workers (`grpc.NumStreamWorkers`): one goroutine serves one call after the other.
//!
//! Nothing of the server's own stands around a call, so its borders are inferred, as those of a stretch are: it lasts from
//! the last moment before its first stack in a method's handler to the first stack outside of it, or in that of another
//! method.
//!
//! ```text
//!  waits for work, resume, handler, resume, handler, sends the answer, waits for work
//!                     │◄──────────── call ─────────►│
//! ```

use super::connections::{Moment, ServerStack};
use super::paths::{PathNode, StackSet};
use super::servers::ServerStep;
use super::stack_evidence::StackHolds;
use crate::trace::ids::StackIdx;
use rustc_hash::FxHashSet;

/// A call between two borders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct WorkerCall {
    /// When it begins at the earliest; none: before the trace.
    pub(crate) start: Option<Moment>,
    /// When it ends at the latest; none: after the trace.
    pub(crate) end: Option<Moment>,
    /// When the first of its stacks was recorded; none: the worker was there since the trace began.
    pub(crate) seen: Option<Moment>,
    /// Until when the last of them held; none while it holds.
    pub(crate) last: Option<Moment>,
    /// Whether the worker waited twice on one stack, as it would in two calls.
    pub(crate) may_be_several: bool,
    /// Its stacks in the handler.
    pub(crate) stacks: StackSet,
    /// Whether a matching function is on one of them.
    pub(crate) matches: bool,
    /// The method's handler.
    method: PathNode,
}

/// A stream worker, from its evidence in order.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    /// Where the next call begins, if its handler comes next.
    last: Option<Moment>,
    /// Whether it was outside all calls at some moment. Until then the call that a stack shows may have begun before the
    /// trace.
    was_outside: bool,
    open: Option<WorkerCall>,
    /// When the last stack of the open call was recorded.
    stack_at: Option<Moment>,
    /// The stacks on which the open call waited.
    waits: FxHashSet<StackIdx>,
}

impl Worker {
    /// Nothing seen of it. `was_outside` says whether it was outside all calls at some moment.
    pub(crate) fn new(was_outside: bool) -> Self {
        Self { last: None, was_outside, open: None, stack_at: None, waits: FxHashSet::default() }
    }

    /// The goroutine runs again.
    pub(crate) fn resumed(&mut self, at: Moment) {
        self.last = Some(at);
        // In old traces one record stands for a call of the operating system and its end: nothing in between is certain.
        let stack = self.stack_at.filter(|stack| stack.pos == at.pos);
        if let Some(open) = &mut self.open {
            open.last.get_or_insert(stack.unwrap_or(at));
        }
    }

    /// A matching stack whose outer end was cut off: deep in a handler.
    pub(crate) fn matched(&mut self) {
        if let Some(open) = &mut self.open {
            open.matches = true;
        }
    }

    /// A stack of the worker; with one in a handler, the method's. Returns the call that it ends, if it ends one.
    pub(crate) fn stack(&mut self, seen: ServerStack, method: PathNode) -> Option<WorkerCall> {
        let ServerStack { step, matches, stack, at, holds, .. } = seen;
        let last = self.last.replace(at);
        if step != ServerStep::WorkerHandler {
            self.was_outside = true;
            return self.end(Some(at));
        }
        let ended = if self.is_in_other(method) { self.end(Some(at)) } else { None };
        self.was_outside |= ended.is_some();
        let start = last.filter(|_| self.was_outside);
        let since_start = last.is_none() && !self.was_outside && holds == StackHolds::SinceItRan;
        let seen = (!since_start).then_some(at);
        let new = || WorkerCall {
            start,
            end: None,
            seen,
            last: None,
            may_be_several: false,
            stacks: StackSet::default(),
            matches: false,
            method,
        };
        let open = self.open.get_or_insert_with(new);
        open.stacks.add(stack);
        open.matches |= matches;
        self.stack_at = Some(at);
        open.last = (holds == StackHolds::AMoment).then_some(at);
        open.may_be_several |= holds == StackHolds::WhileItWaits && !self.waits.insert(stack);
        ended
    }

    /// Whether a call of another method is open.
    pub(crate) fn is_in_other(&self, method: PathNode) -> bool {
        self.open.as_ref().is_some_and(|open| open.method != method)
    }

    /// The goroutine ends, or the trace (`None`). Returns the call, if one was open.
    pub(crate) fn end(&mut self, at: Option<Moment>) -> Option<WorkerCall> {
        self.waits.clear();
        let call = self.open.take()?;
        Some(WorkerCall { end: at, last: call.last.or(at), ..call })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::roots::stack_class::CallSite;
    use crate::trace::time::Time;

    /// Start and end of each call, as file positions, and whether it matches. One letter per event; its index is its
    /// file position: r resume, W the worker's own stack; in handlers a and b, A and B match.
    fn calls(text: &str) -> Vec<(Option<u64>, Option<u64>, bool)> {
        let mut worker = Worker::new(false);
        let mut found = Vec::new();
        for (i, c) in text.chars().enumerate() {
            let at = Moment { pos: i as u64, time: Some(Time(i as i64)) };
            let (step, method) = match c {
                'r' => {
                    worker.resumed(at);
                    continue;
                }
                'a' | 'A' => (ServerStep::WorkerHandler, PathNode(1)),
                'b' | 'B' => (ServerStep::WorkerHandler, PathNode(2)),
                _ => (ServerStep::Worker, PathNode::NO_HANDLER),
            };
            let (matches, call, stack) = (c.is_uppercase() && c != 'W', CallSite::default(), StackIdx(1));
            let holds = StackHolds::AMoment;
            found.extend(worker.stack(ServerStack { step, matches, call, stack, at, last: at.pos, holds }, method));
        }
        found.extend(worker.end(None));
        let pos = |moment: Option<Moment>| moment.map(|moment| moment.pos);
        found.iter().map(|call| (pos(call.start), pos(call.end), call.matches)).collect()
    }

    #[test]
    fn from_the_resume_before_the_handler_to_the_next_stack_outside() {
        assert_eq!(calls("WrarArWr"), [(Some(1), Some(6), true)]);
        assert_eq!(calls("WrWarWraW"), [(Some(2), Some(5), false), (Some(6), Some(8), false)]);
        assert_eq!(calls("WrWrW"), [], "calls that leave no stack are not seen");
    }

    #[test]
    fn the_stack_of_another_method_ends_it() {
        assert_eq!(calls("Wrarb"), [(Some(1), Some(4), false), (Some(3), None, false)]);
        assert_eq!(calls("WrAbW"), [(Some(1), Some(3), true), (Some(2), Some(4), false)]);
    }

    #[test]
    fn edges_of_the_trace() {
        assert_eq!(calls("raraWra"), [(None, Some(4), false), (Some(5), None, false)]);
        assert_eq!(calls("arbW"), [(None, Some(2), false), (Some(1), Some(3), false)]);
    }
}
