//! One goroutine's evidence, in its order → the parts of its life that can be roots: requests between a server's
//! own borders, and stretches elsewhere.

use super::connections::{Connection, Moment, ServedRequest, ServerStack};
use super::paths::PathNode;
use super::servers::ServerStep;
use super::stack_evidence::{Match, StretchGap};
use super::stretches::{Before, ClosedStretch, Stretches};
use super::workers::{Worker, WorkerCall};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::Time;

/// One piece of evidence about a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RootEvidence {
    /// A matching function is on the goroutine's own stacks, and no server's function.
    Match(Match<StackIdx>),
    /// The stack tells where in a server the goroutine is.
    Server(ServerStack),
    /// A time without a matching stack; with the time of its end, none when that was not kept.
    Gap(StretchGap, Option<Time>),
    /// The goroutine created another.
    Created(GIdx),
    /// The goroutine ends at this file position, and a stretch with it. A request that is open then ends with
    /// [`RootTracker::end`], which knows the time too.
    End(u64),
}

/// A part of a goroutine's life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RootPart {
    /// Between a server's own borders.
    ServedRequest(ServedRequest),
    /// A stream worker served it; the borders are inferred.
    WorkerCall(WorkerCall),
    /// A matching function was on the stack; the borders are inferred.
    Stretch(ClosedStretch<StackIdx>),
}

/// Follows one goroutine. Each method appends the parts that it finishes to `found`.
#[derive(Clone, Debug)]
pub(crate) struct RootTracker {
    stretches: Stretches<StackIdx>,
    /// Only of goroutines that serve a connection.
    connection: Option<Box<Connection>>,
    /// Only of gRPC's stream workers.
    worker: Option<Box<Worker>>,
}

impl RootTracker {
    /// Of a goroutine of which this is known.
    pub(crate) fn continued_from(before: Before) -> Self {
        Self { stretches: Stretches::continued_from(before), connection: None, worker: None }
    }

    /// Whether the goroutine was outside all calls at some moment.
    pub(crate) fn was_outside(&self) -> bool {
        self.stretches.was_outside()
    }

    /// Whether what later evidence means depends on the evidence so far. If not, a new tracker can take over.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_some() || self.worker.is_some() || self.stretches.is_open()
    }

    /// Takes the goroutine's next piece of evidence.
    pub(crate) fn take(&mut self, evidence: RootEvidence, found: &mut Vec<RootPart>) {
        match evidence {
            RootEvidence::Match(matching) => self.matched(matching, found),
            RootEvidence::Server(seen) => self.server_stack(seen, found),
            RootEvidence::Gap(gap, time) => self.gap(gap, time, found),
            RootEvidence::Created(child) => self.created(child),
            RootEvidence::End(pos) => found.extend(self.stretches.end(Some(pos)).map(RootPart::Stretch)),
        }
    }

    fn matched(&mut self, matching: Match<StackIdx>, found: &mut Vec<RootPart>) {
        if let Some(worker) = &mut self.worker {
            worker.matched();
        }
        match &mut self.connection {
            Some(connection) if !connection.is_hijacked() => connection.matched(matching.stack),
            _ => found.extend(self.stretches.matched(matching).map(RootPart::Stretch)),
        }
    }

    fn gap(&mut self, gap: StretchGap, time: Option<Time>, found: &mut Vec<RootPart>) {
        if let Some(connection) = &mut self.connection {
            connection.resumed(Moment { pos: gap.last, time });
        }
        if let Some(worker) = &mut self.worker {
            worker.resumed(Moment { pos: gap.last, time });
        }
        found.extend(self.stretches.gap(gap).map(RootPart::Stretch));
    }

    fn server_stack(&mut self, seen: ServerStack, found: &mut Vec<RootPart>) {
        let ServerStack { step, matches, call, stack, at, last, holds } = seen;
        let connection = self.connection.get_or_insert_default();
        let in_handler = matches!(step, ServerStep::Wrapped | ServerStep::Handler | ServerStep::Hijack);
        if in_handler && (connection.is_hijacked() || step == ServerStep::Hijack && !matches) {
            if !connection.is_hijacked() {
                connection.server_stack(seen);
            }
            if connection.is_hijacked() {
                self.stretch_stack(seen, found);
            }
            return;
        }
        let was_serving = connection.is_serving();
        let ended = connection.server_stack(seen);
        let border = connection.serving_since().unwrap_or(at).pos;
        // A match here means the server's own work around requests: a stretch, as in any other code.
        if matches && matches!(step, ServerStep::Between | ServerStep::Reading | ServerStep::Finish) {
            if ended.is_some() {
                found.extend(self.stretches.gap(StretchGap::at_other_stack(border)).map(RootPart::Stretch));
            }
            let matching = Match { stack, call, first: at.pos, last, holds };
            found.extend(self.stretches.matched(matching).map(RootPart::Stretch));
        } else if !was_serving || ended.is_some() {
            found.extend(self.stretches.gap(StretchGap::at_other_stack(border)).map(RootPart::Stretch));
        }
        found.extend(ended.map(RootPart::ServedRequest));
    }

    /// A stack where the server has no borders: on a connection that its handler took over, or on a stream worker.
    fn stretch_stack(&mut self, seen: ServerStack, found: &mut Vec<RootPart>) {
        let ServerStack { matches, call, stack, at, last, holds, .. } = seen;
        if matches {
            let matching = Match { stack, call, first: at.pos, last, holds };
            found.extend(self.stretches.matched(matching).map(RootPart::Stretch));
        } else {
            let gap = StretchGap { first: at.pos, last, first_other: Some(at.pos) };
            found.extend(self.stretches.gap(gap).map(RootPart::Stretch));
        }
    }

    /// A stack of a stream worker; with one in a handler, the method's. Two methods are two calls.
    pub(crate) fn worker_stack(&mut self, seen: ServerStack, method: PathNode, found: &mut Vec<RootPart>) {
        let was_outside = self.stretches.was_outside();
        let worker = self.worker.get_or_insert_with(|| Box::new(Worker::new(was_outside)));
        if worker.is_in_other(method) {
            let border = StretchGap::at_other_stack(seen.at.pos);
            found.extend(self.stretches.gap(border).map(RootPart::Stretch));
        }
        found.extend(worker.stack(seen, method).map(RootPart::WorkerCall));
        self.stretch_stack(seen, found);
    }

    fn created(&mut self, child: GIdx) {
        match &mut self.connection {
            Some(connection) if connection.is_serving() && !connection.is_hijacked() => connection.created(child),
            _ => self.stretches.created(child),
        }
    }

    /// The goroutine ends.
    pub(crate) fn end(&mut self, at: Moment, found: &mut Vec<RootPart>) {
        found.extend(self.stretches.end(Some(at.pos)).map(RootPart::Stretch));
        found.extend(self.connection.take().and_then(|mut c| c.end(at)).map(RootPart::ServedRequest));
        found.extend(self.worker.take().and_then(|mut w| w.end(Some(at))).map(RootPart::WorkerCall));
    }

    /// The trace ends.
    pub(crate) fn end_of_trace(&mut self, found: &mut Vec<RootPart>) {
        found.extend(self.stretches.end(None).map(RootPart::Stretch));
        found.extend(self.connection.take().and_then(|mut c| c.end_of_trace()).map(RootPart::ServedRequest));
        found.extend(self.worker.take().and_then(|mut w| w.end(None)).map(RootPart::WorkerCall));
    }
}
