//! Collects what pass 1 finds, whatever the events were read from: the evidence of goroutines becomes the parts of
//! their lives that can be roots, and events about user tasks and regions go to their sink.

use super::Survey;
use super::annotations::kind::{AnnotationEvent, AnnotationKind};
use super::annotations::sink::AnnotationSink;
use super::annotations::task_ids::TaskIds;
use super::forest::Origin;
use super::roots::connections::{Moment, ServerStack};
use super::roots::paths::PathNode;
use super::roots::served::ServerRequest;
use super::roots::servers::ServerStep;
use super::roots::stretches::Before;
use super::roots::tracker::{RootEvidence, RootPart, RootTracker};
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;

/// A survey while it grows. Evidence and annotation events of one goroutine come in its own order.
#[derive(Default)]
pub(crate) struct Collector<'a> {
    pub(crate) survey: Survey,
    annotations: Option<AnnotationSink<'a>>,
    /// The ids of all tasks that began.
    pub(crate) task_ids: TaskIds,
    /// Goroutines of which something may be open.
    trackers: FxHashMap<GIdx, RootTracker>,
    /// Parts that a tracker finished, on their way into the survey.
    parts: Vec<RootPart>,
}

impl<'a> Collector<'a> {
    /// Begins a survey of a trace that starts at `start`. `annotations` takes events about tasks and regions; none when
    /// they do not matter.
    pub(crate) fn new(start: Time, symbols: Symbols, annotations: Option<AnnotationSink<'a>>) -> Self {
        let survey = Survey { start, end: start, symbols, ..Survey::default() };
        Self { survey, annotations, ..Self::default() }
    }

    /// Whether tasks and regions matter.
    pub(crate) fn has_annotations(&self) -> bool {
        self.annotations.is_some()
    }

    /// Whether something of a goroutine may be open.
    pub(crate) fn has_open(&self) -> bool {
        !self.trackers.is_empty()
    }

    /// Takes a goroutine's next piece of evidence, and follows it from here on. `before` says what is known of it if it
    /// was not followed before.
    pub(crate) fn evidence(&mut self, g: GIdx, evidence: RootEvidence, before: impl FnOnce() -> Before) {
        if !self.take_stream(g, evidence) {
            let method = self.worker_method(evidence);
            let tracker = self.trackers.entry(g).or_insert_with(|| RootTracker::continued_from(before()));
            take(tracker, evidence, method, &mut self.parts);
            self.add_parts(g);
        }
    }

    /// Takes a goroutine's next pieces of evidence, and follows it only as long as something is open. `before` is as
    /// above. Returns whether something is open, and whether the goroutine was outside all calls at some moment.
    pub(crate) fn evidence_of_generation(
        &mut self,
        g: GIdx,
        evidence: impl Iterator<Item = RootEvidence>,
        before: Before,
    ) -> (bool, bool) {
        let mut tracker = self.trackers.remove(&g).unwrap_or_else(|| RootTracker::continued_from(before));
        for piece in evidence {
            if !self.take_stream(g, piece) {
                let method = self.worker_method(piece);
                take(&mut tracker, piece, method, &mut self.parts);
                self.add_parts(g);
            }
        }
        let (is_open, was_outside) = (tracker.is_open(), tracker.was_outside());
        if is_open {
            self.trackers.insert(g, tracker);
        }
        (is_open, was_outside)
    }

    /// Takes a stack of a goroutine that serves one request alone: nothing of it has borders. False for all else.
    fn take_stream(&mut self, g: GIdx, evidence: RootEvidence) -> bool {
        let RootEvidence::Server(seen) = evidence else { return false };
        self.survey.served.take_stream(&mut self.survey.forest, g, seen)
    }

    /// Of a stack of a gRPC stream worker: the method whose handler it is in.
    fn worker_method(&mut self, evidence: RootEvidence) -> Option<PathNode> {
        match evidence {
            RootEvidence::Server(ServerStack { step: ServerStep::Worker, .. }) => Some(PathNode::NO_HANDLER),
            RootEvidence::Server(ServerStack { step: ServerStep::WorkerHandler, stack, .. }) => {
                let Survey { served, symbols, .. } = &mut self.survey;
                Some(served.method(symbols, stack))
            }
            _ => None,
        }
    }

    /// A goroutine ends, and what is open of it. Returns whether it was followed.
    pub(crate) fn end(&mut self, g: GIdx, at: Moment) -> bool {
        let Some(mut tracker) = self.trackers.remove(&g) else { return false };
        tracker.end(at, &mut self.parts);
        self.add_parts(g);
        true
    }

    #[inline]
    fn add_parts(&mut self, g: GIdx) {
        if !self.parts.is_empty() {
            self.add_found_parts(g);
        }
    }

    fn add_found_parts(&mut self, g: GIdx) {
        let Survey { served, forest, symbols, .. } = &mut self.survey;
        for part in self.parts.drain(..) {
            served.add(forest, symbols, g, part);
        }
    }

    /// A task begins. Comes before all events that name the task, and once more among its goroutine's events.
    pub(crate) fn begin_task(&mut self, g: GIdx, at: Moment, kind: AnnotationKind<StringIdx, GIdx>) {
        self.annotate(g, at, kind, AnnotationSink::begin_task);
    }

    /// The next event of a goroutine that says something about tasks and regions.
    pub(crate) fn annotation(&mut self, g: GIdx, at: Moment, kind: AnnotationKind<StringIdx, GIdx>) {
        self.annotate(g, at, kind, AnnotationSink::event);
    }

    fn annotate(
        &mut self,
        g: GIdx,
        at: Moment,
        kind: AnnotationKind<StringIdx, GIdx>,
        take: impl FnOnce(&mut AnnotationSink<'a>, &AnnotationEvent, &Symbols),
    ) {
        let Some(annotations) = &mut self.annotations else { return };
        let is_older = self.survey.forest.get(g).origin == Origin::Older;
        take(annotations, &AnnotationEvent { g, is_older, at, kind }, &self.survey.symbols);
    }

    /// The regions of a goroutine end with it.
    pub(crate) fn end_annotations(&mut self, g: GIdx, at: Moment) {
        if let Some(annotations) = &mut self.annotations {
            annotations.died(g, at);
        }
    }

    /// The trace ends.
    pub(crate) fn finish(mut self) -> Survey {
        let mut open: Vec<_> = std::mem::take(&mut self.trackers).into_iter().collect();
        open.sort_unstable_by_key(|(g, _)| *g);
        for (g, mut tracker) in open {
            tracker.end_of_trace(&mut self.parts);
            self.add_parts(g);
        }
        let mut survey = self.survey;
        survey.warnings.extend(self.task_ids.into_warning());
        survey.served.finish(&survey.forest, &survey.symbols);
        let with_borders = survey.served.requests.iter().filter(|r| r.inferred.is_none());
        survey.forest.served = with_borders.map(ServerRequest::served_span).collect();
        if let Some(annotations) = self.annotations {
            survey.annotations = annotations.finish(&mut survey.forest, &survey.symbols);
        }
        survey
    }
}

/// Takes the next piece of evidence of a goroutine; with the `method` of a stream worker's stack.
fn take(tracker: &mut RootTracker, evidence: RootEvidence, method: Option<PathNode>, found: &mut Vec<RootPart>) {
    match (evidence, method) {
        (RootEvidence::Server(seen), Some(method)) => tracker.worker_stack(seen, method, found),
        _ => tracker.take(evidence, found),
    }
}
