//! What servers of the trace served, as far as pass 1 knows.

use super::connections::{Moment, ServedRequest, ServerStack};
use super::servers::ServerStep;
use super::stretches::ClosedStretch;
use super::tracker::RootPart;
use crate::profile::{DurationList, Undecided};
use crate::survey::forest::{Forest, Stretch};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::{Time, Window};
use rustc_hash::{FxHashMap, FxHashSet};

/// What is known of a time that an edge of the trace cuts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CutSpan {
    /// When it began; none: before the trace.
    pub(crate) began: Option<Time>,
    /// When it ended; none: after the trace.
    pub(crate) ended: Option<Time>,
}

impl CutSpan {
    /// Adds it to a list, as far as a trace of this length shows it.
    pub(crate) fn add_to(self, took: &mut DurationList, trace: Window) {
        let Self { began, ended } = self;
        took.add_cut(ended.unwrap_or(trace.end).since(began.unwrap_or(trace.start)), ended.is_none());
    }
}

/// All that was served.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// Whether handlers are listed; else only requests without a handler's stack are counted.
    lists_handlers: bool,
    /// HTTP/1 requests by a stack in their handler.
    pub(crate) handlers: FxHashMap<StackIdx, DurationList>,
    /// Those of them that an edge of the trace cuts, by a stack in their handler.
    pub(crate) cut: Vec<(StackIdx, CutSpan)>,
    /// Goroutines that serve one request alone, each with its first stack in a handler.
    pub(crate) streams: FxHashMap<GIdx, StackIdx>,
    /// HTTP/1 requests whose handler left no stack.
    unknown: DurationList,
    /// All HTTP/1 requests.
    all: DurationList,
    /// The connections' goroutines that those came in on.
    unknown_on: FxHashSet<GIdx>,
}

impl Served {
    /// Nothing yet. With `lists_handlers`, all handlers are listed.
    pub(crate) fn new(lists_handlers: bool) -> Self {
        Self { lists_handlers, ..Self::default() }
    }

    /// HTTP/1 requests whose handler left no stack.
    pub(crate) fn unknown(&self) -> Undecided {
        Undecided { took: self.unknown.clone(), connections: self.unknown_on.len() as u64 }
    }

    /// All HTTP/1 requests, whatever their handler.
    pub(crate) fn all(&self) -> &DurationList {
        &self.all
    }

    /// Takes a part of a goroutine's life: one that matches is a stretch of the forest.
    pub(crate) fn add(&mut self, forest: &mut Forest, g: GIdx, part: RootPart) {
        match part {
            RootPart::Stretch(ClosedStretch { start, end, stack, seen, births }) => {
                add_stretch(forest, Stretch { g, start, end, stack, seen: Some(seen) }, &births);
            }
            RootPart::ServedRequest(request) => {
                self.all.add(request.duration());
                match request.matched {
                    Some(stack) => {
                        let (start, end) = (request.start.map(|m| m.pos), request.end.map(|m| m.pos));
                        add_stretch(forest, Stretch { g, start, end, stack, seen: None }, &request.births);
                    }
                    None => self.count(g, &request),
                }
            }
        }
    }

    fn count(&mut self, g: GIdx, request: &ServedRequest) {
        let duration = request.duration();
        match (request.handler, duration) {
            (Some(handler), Some(ns)) if self.lists_handlers => {
                self.handlers.entry(handler).or_default().durations_ns.push(ns);
            }
            (Some(handler), None) if self.lists_handlers => {
                let time = |moment: Option<Moment>| moment.and_then(|m| m.time);
                self.cut.push((handler, CutSpan { began: time(request.start), ended: time(request.end) }));
            }
            (None, Some(ns)) => {
                self.unknown.add(Some(ns));
                self.unknown_on.insert(g);
            }
            _ => {}
        }
    }

    /// Takes a stack of a goroutine that serves one request alone; false, with nothing changed, for any other. One that
    /// matches makes all of the goroutine a root.
    pub(crate) fn take_stream(&mut self, forest: &mut Forest, g: GIdx, seen: ServerStack) -> bool {
        let ServerStack { step, matches, stack, .. } = seen;
        if !matches!(step, ServerStep::Stream | ServerStep::StreamHandler) {
            return false;
        }
        if matches {
            forest.streams.entry(g).or_insert(stack);
        }
        if step == ServerStep::StreamHandler && self.lists_handlers {
            self.streams.entry(g).or_insert(stack);
        }
        true
    }
}

fn add_stretch(forest: &mut Forest, stretch: Stretch, births: &[GIdx]) {
    let index = forest.stretches.len() as u32;
    for child in births {
        forest.goroutines[child.at()].stretch = index;
    }
    forest.stretches.push(stretch);
}
