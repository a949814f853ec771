//! What servers of the trace served, as far as pass 1 knows: each request with its borders, the functions that it went
//! through, and whether it matches.

use super::connections::{Moment, ServedRequest, ServerStack};
use super::paths::{PathNode, PathTree, StackSet};
use super::servers::{ServerStep, TIMEOUT_HANDLER, protocol_of};
use super::stretches::ClosedStretch;
use super::tracker::RootPart;
use super::workers::WorkerCall;
use crate::survey::forest::{Forest, Origin};
use crate::survey::spans::{CutSpan, Life, ServedSpan};
use crate::survey::stretch::Stretch;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// A request of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ServerRequest {
    /// The goroutine that served it.
    pub(crate) g: GIdx,
    /// How it came in: `HTTP/1`, `HTTP/2`, `gRPC`.
    pub(crate) protocol: &'static str,
    /// When it began and ended, on the threads' own clocks.
    pub(crate) span: CutSpan,
    /// Position in [`Served::path_sets`] of where its stacks end.
    pub(crate) paths: u32,
    /// Whether a matching function is on one of its stacks.
    pub(crate) matches: bool,
    /// What is certain of it where its borders are inferred, since one of gRPC's stream workers served it: it took at most as
    /// long as its borders say, and nobody knows its connection.
    pub(crate) inferred: Option<CertainPart>,
    /// Its position among the stretches of the forest; none where it is none of them.
    pub(crate) stretch: Option<u32>,
}

/// What is certain of a call with inferred borders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CertainPart {
    /// The time of its first stack; [`Time::MIN`] where the worker was there since the trace began.
    pub(crate) first: Time,
    /// Until when its last one held.
    last: Time,
    may_be_several: bool,
}

impl ServerRequest {
    /// Which goroutine served it, and when.
    pub(crate) fn served_span(&self) -> ServedSpan {
        let CutSpan { began, ended } = self.span;
        let span = Window { start: began.unwrap_or(Time::MIN), end: ended.unwrap_or(Time::MAX) };
        ServedSpan { g: self.g, span }
    }

    /// How long it certainly took, in ns, where its borders are inferred; none where they are not, or an edge cuts it.
    pub(crate) fn certain_ns(&self) -> Option<u64> {
        let CertainPart { first, last, may_be_several } = self.inferred?;
        let (began, ended) = self.whole()?;
        let (from, to) = (first.max(began), last.min(ended));
        Some(if may_be_several { 0 } else { to.max(from).since(from) })
    }

    /// How long it took, in ns; none when an edge cuts it.
    pub(crate) fn duration(&self) -> Option<u64> {
        self.whole().map(|(began, ended)| ended.since(began))
    }

    /// When it began and ended; none when an edge cuts it.
    pub(crate) fn whole(&self) -> Option<(Time, Time)> {
        self.span.began.zip(self.span.ended)
    }

    /// Whether all of it lies in a part of the trace.
    pub(crate) fn is_inside(&self, part: Window) -> bool {
        self.whole().is_some_and(|(began, ended)| part.start <= began && ended <= part.end)
    }
}

/// A goroutine that serves one request alone, or a part of one.
#[derive(Clone, Debug, Default)]
struct StreamGoroutine {
    stacks: StackSet,
    matches: bool,
}

/// All that was served.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// The functions that requests went through.
    pub(crate) paths: PathTree,
    /// Where the stacks of a request end: ascending, each set once.
    pub(crate) path_sets: Vec<Box<[PathNode]>>,
    numbers: FxHashMap<Box<[PathNode]>, u32>,
    /// All requests, but for the recording's own. Those of goroutines that serve one alone are added in the end.
    pub(crate) requests: Vec<ServerRequest>,
    streams: FxHashMap<GIdx, StreamGoroutine>,
}

impl Served {
    /// Takes a part of a goroutine's life: one that matches is a stretch of the forest.
    pub(crate) fn add(&mut self, forest: &mut Forest, symbols: &Symbols, g: GIdx, part: RootPart) {
        match part {
            RootPart::Stretch(ClosedStretch { start, end, stack, seen, births }) => {
                let _ = add_stretch(forest, Stretch::inferred(g, stack, start, end, seen), &births);
            }
            RootPart::ServedRequest(request) => self.add_request(forest, symbols, g, &request),
            RootPart::WorkerCall(call) => self.add_worker_call(forest, symbols, g, &call),
        }
    }

    fn add_worker_call(&mut self, forest: &Forest, symbols: &Symbols, g: GIdx, call: &WorkerCall) {
        let paths = self.path_set(symbols, call.stacks.iter());
        let span = span(forest, g, (call.start, call.end));
        let time = |moment: Option<Moment>| moment.and_then(|moment| moment.time).unwrap_or(Time::MIN);
        let (first, last, may_be_several) = (time(call.seen), time(call.last), call.may_be_several);
        let inferred = Some(CertainPart { first, last, may_be_several });
        let (protocol, matches) = ("gRPC", call.matches);
        self.requests.push(ServerRequest { g, protocol, span, paths, matches, inferred, stretch: None });
    }

    /// The outermost function of a stack's handler.
    pub(crate) fn method(&mut self, symbols: &Symbols, stack: StackIdx) -> PathNode {
        let node = self.paths.path(symbols, stack).node;
        self.paths.ancestors(node).last().unwrap_or(PathNode::NO_HANDLER)
    }

    fn add_request(&mut self, forest: &mut Forest, symbols: &Symbols, g: GIdx, request: &ServedRequest) {
        let is_own = |served: &mut Self, stack| served.paths.path(symbols, stack).recording;
        if request.stacks.iter().any(|stack| is_own(self, stack))
            && request.matched.is_none_or(|stack| !is_own(self, stack))
        {
            return;
        }
        let stretch = request.matched.map(|stack| {
            let (start, end) = (request.start.map(|m| m.pos), request.end.map(|m| m.pos));
            add_stretch(forest, Stretch::served(g, stack, start, end), &request.births)
        });
        let paths = self.path_set(symbols, request.stacks.iter());
        let span = span(forest, g, (request.start, request.end));
        let (protocol, matches) = ("HTTP/1", stretch.is_some());
        self.requests.push(ServerRequest { g, protocol, span, paths, matches, inferred: None, stretch });
    }

    /// The number of the set of where stacks end.
    fn path_set(&mut self, symbols: &Symbols, stacks: impl Iterator<Item = StackIdx>) -> u32 {
        let nodes = stacks.map(|stack| self.paths.path(symbols, stack).node).collect();
        self.number(nodes)
    }

    fn number(&mut self, mut nodes: Vec<PathNode>) -> u32 {
        nodes.retain(|node| *node != PathNode::NO_HANDLER);
        nodes.sort_unstable();
        nodes.dedup();
        let nodes = nodes.into_boxed_slice();
        if let Some(&number) = self.numbers.get(&nodes) {
            return number;
        }
        let number = self.path_sets.len() as u32;
        self.path_sets.push(nodes.clone());
        self.numbers.insert(nodes, number);
        number
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
        let stream = self.streams.entry(g).or_default();
        stream.stacks.add(stack);
        stream.matches |= matches;
        true
    }

    /// The trace ends: goroutines that serve one request alone are requests.
    pub(crate) fn finish(&mut self, forest: &Forest, symbols: &Symbols) {
        let mut streams: Vec<(GIdx, StreamGoroutine)> = std::mem::take(&mut self.streams).into_iter().collect();
        streams.sort_unstable_by_key(|(g, _)| *g);
        add_silent(forest, symbols, &mut streams);
        let mut parts = Vec::new();
        for (g, StreamGoroutine { stacks, matches }) in streams {
            let own: Vec<_> = stacks.iter().map(|stack| self.paths.path(symbols, stack)).collect();
            if own.iter().any(|path| path.recording) {
                continue;
            }
            let entries: Vec<&str> = entry_names(forest, symbols, g, &stacks);
            let paths = self.number(own.iter().map(|path| path.node).collect());
            match entries.into_iter().find_map(protocol_of) {
                Some(protocol) => {
                    let span = life(forest, g);
                    let (inferred, stretch) = (None, None);
                    self.requests.push(ServerRequest { g, protocol, span, paths, matches, inferred, stretch });
                }
                // What a `TimeoutHandler` starts is a part of a request.
                None => parts.push((g, paths, matches)),
            }
        }
        self.join(forest, symbols, &parts);
    }

    /// Adds what parts of requests say to the requests that they are of.
    fn join(&mut self, forest: &Forest, symbols: &Symbols, parts: &[(GIdx, u32, bool)]) {
        if parts.is_empty() {
            return;
        }
        let mut of_parent: FxHashMap<GIdx, Vec<usize>> = FxHashMap::default();
        let parents: FxHashSet<GIdx> = parts.iter().map(|(g, ..)| forest.get(*g).parent).collect();
        for (i, request) in self.requests.iter().enumerate().filter(|(_, r)| parents.contains(&r.g)) {
            of_parent.entry(request.g).or_default().push(i);
        }
        for &(g, paths, matches) in parts {
            let born = forest.lives.get(g.at()).map(|life| life.born);
            let requests = of_parent.get(&forest.get(g).parent).map_or(&[][..], Vec::as_slice);
            let covers = |CutSpan { began, ended }: CutSpan| {
                born.is_some_and(|t| began.is_none_or(|a| a <= t) && ended.is_none_or(|b| t <= b))
            };
            let Some(&i) = requests.iter().find(|&&i| covers(self.requests[i].span)) else { continue };
            self.requests[i].paths = self.joined(symbols, self.requests[i].paths, paths);
            self.requests[i].matches |= matches;
        }
    }
}

impl Served {
    /// The paths of a request with those of a part, which the `TimeoutHandler` on one of them called.
    fn joined(&mut self, symbols: &Symbols, request: u32, part: u32) -> u32 {
        let mut nodes = self.path_sets[request as usize].to_vec();
        let is_caller = |at: &PathNode| symbols.text(self.paths.steps[at.at()].function) == TIMEOUT_HANDLER;
        let mut callers = nodes.iter().filter_map(|&node| self.paths.ancestors(node).find(is_caller));
        let caller = callers.next().unwrap_or(PathNode::NO_HANDLER);
        let graft = |&node: &PathNode| self.paths.graft(node, caller);
        nodes.extend(self.path_sets[part as usize].iter().map(graft));
        self.number(nodes)
    }
}

/// Adds goroutines that left no stack: they run what others run that serve one request alone.
fn add_silent(forest: &Forest, symbols: &Symbols, streams: &mut Vec<(GIdx, StreamGoroutine)>) {
    if streams.is_empty() {
        return;
    }
    let entry = |g: GIdx| forest.get(g).entry;
    let seen: FxHashSet<GIdx> = streams.iter().map(|(g, _)| *g).collect();
    // One of each kind has a stack that names the protocol, outside of any handler.
    let mut example: FxHashMap<StackIdx, StackIdx> = FxHashMap::default();
    for (g, stream) in streams.iter() {
        let outermost = stream.stacks.iter().next().map(|stack| symbols.root_frame(stack));
        let known = outermost.filter(|_| entry(*g) != StackIdx::EMPTY);
        example.extend(known.map(|stack| (entry(*g), stack)));
    }
    for (i, goroutine) in forest.goroutines.iter().enumerate() {
        let g = GIdx(i as u32);
        if let Some(&stack) = example.get(&goroutine.entry).filter(|_| !seen.contains(&g)) {
            let mut stream = StreamGoroutine::default();
            stream.stacks.add(stack);
            streams.push((g, stream));
        }
    }
}

/// What a goroutine runs, by its creation and by the outermost frame of a stack.
fn entry_names<'s>(forest: &Forest, symbols: &'s Symbols, g: GIdx, stacks: &StackSet) -> Vec<&'s str> {
    let outermost = stacks.iter().next().map(|stack| symbols.root_frame(stack));
    let frames = outermost.into_iter().chain([forest.get(g).entry]).filter_map(|stack| symbols.leaf(stack));
    frames.map(|frame| symbols.function(frame)).collect()
}

/// When a request began and ended. The first of a connection that the trace shows from its beginning begins with it.
fn span(forest: &Forest, g: GIdx, borders: (Option<Moment>, Option<Moment>)) -> CutSpan {
    let time = |moment: Moment| moment.time.unwrap_or(Time(0));
    match borders {
        (None, end) => CutSpan { began: born(forest, g), ended: end.map(time) },
        // Of no length where a time was not kept.
        (Some(Moment { time: None, .. }), Some(end)) => CutSpan { began: end.time, ended: end.time },
        (start, end) => CutSpan { began: start.map(time), ended: end.map(time) },
    }
}

/// When a goroutine began; none when it is older than the trace.
fn born(forest: &Forest, g: GIdx) -> Option<Time> {
    let created = forest.get(g).origin != Origin::Older;
    forest.lives.get(g.at()).filter(|_| created).map(|life| life.born)
}

/// When a goroutine lived: it can be older than the trace, and outlive it.
fn life(forest: &Forest, g: GIdx) -> CutSpan {
    CutSpan { began: born(forest, g), ended: forest.lives.get(g.at()).and_then(Life::died) }
}

/// Adds a stretch, and gives its position.
fn add_stretch(forest: &mut Forest, stretch: Stretch, births: &[GIdx]) -> u32 {
    let index = forest.stretches.len() as u32;
    for child in births {
        forest.goroutines[child.at()].stretch = index;
    }
    Arc::make_mut(&mut forest.stretches).push(stretch);
    index
}
