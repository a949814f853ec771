//! What servers of the trace served, as far as pass 1 tells.

use super::connections::ServedRequest;
use super::servers::ServerStep;
use super::stretches::StretchFound;
use super::tracker::RootPart;
use crate::profile::{DurationList, UnknownRequests};
use crate::survey::forest::{Forest, Stretch};
use crate::trace::ids::{GIdx, StackIdx};
use rustc_hash::{FxHashMap, FxHashSet};

/// All that was served.
#[derive(Debug, Default)]
pub struct Served {
    /// Whether handlers are listed; else only those without a name are counted.
    lists_handlers: bool,
    /// HTTP/1 requests by a stack in their handler.
    pub handlers: FxHashMap<StackIdx, DurationList>,
    /// Goroutines that serve one request alone, with a stack in its handler.
    pub streams: FxHashMap<GIdx, StackIdx>,
    /// HTTP/1 requests whose handler left no stack.
    unknown: UnknownRequests,
    /// Where those came in.
    unknown_on: FxHashSet<GIdx>,
}

impl Served {
    /// Nothing yet; with `lists_handlers`, handlers will be listed.
    pub fn new(lists_handlers: bool) -> Self {
        Self { lists_handlers, ..Self::default() }
    }

    /// HTTP/1 requests whose handler left no stack.
    pub fn unknown(&self) -> UnknownRequests {
        UnknownRequests { connections: self.unknown_on.len() as u64, ..self.unknown }
    }

    /// Takes a part of a goroutine's life: one that matches is a stretch of the forest.
    pub fn add(&mut self, forest: &mut Forest, g: GIdx, part: RootPart) {
        match part {
            RootPart::Stretch(StretchFound { start, end, stack, births }) => {
                add_stretch(forest, Stretch { g, start, end, stack, inferred: true }, &births);
            }
            RootPart::ServedRequest(request) => match request.matched {
                Some(stack) => {
                    let (start, end) = (request.start.map(|m| m.pos), request.end.map(|m| m.pos));
                    add_stretch(forest, Stretch { g, start, end, stack, inferred: false }, &request.births);
                }
                None => self.count(g, &request),
            },
        }
    }

    fn count(&mut self, g: GIdx, request: &ServedRequest) {
        let duration = request.duration();
        match (request.handler, duration) {
            (Some(handler), _) if self.lists_handlers => {
                let of_handler = self.handlers.entry(handler).or_default();
                of_handler.durations_ns.extend(duration);
                of_handler.partial += u64::from(duration.is_none());
            }
            (None, Some(ns)) => {
                self.unknown.count += 1;
                self.unknown.total_ns = self.unknown.total_ns.saturating_add(ns);
                self.unknown.max_ns = self.unknown.max_ns.max(ns);
                self.unknown_on.insert(g);
            }
            _ => {}
        }
    }

    /// A stack of a goroutine that serves one request alone; false for any other. One that matches makes all of
    /// the goroutine a root.
    pub fn see(&mut self, forest: &mut Forest, g: GIdx, step: ServerStep, stack: StackIdx, matches: bool) -> bool {
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

fn add_stretch(forest: &mut Forest, stretch: Stretch, births: &[u32]) {
    let index = forest.stretches.len() as u32;
    for &birth in births {
        forest.goroutines[birth as usize].stretch = index;
    }
    forest.stretches.push(stretch);
}
