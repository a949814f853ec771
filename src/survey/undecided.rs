//! Which requests may be of a selection by stack too: they do not match, and nothing in the trace excludes it.
//!
//! ```text
//!  (no handler) ── logging ─┬─ zap.Info           work of logging: requests use it beside what follows
//!      may be       may be  └─ router ─┬─ main.read     matches
//!                              may be  └─ main.write    excludes a match: no request uses both
//! ```

use super::endpoints::Endpoints;
use super::roots::paths::PathNode;
use super::roots::served::ServerRequest;
use super::{NameMatcher, SeenRequest, Survey};
use crate::profile::{DurationList, OTHERWISE_PER_CENT, Undecided};
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::time::Window;
use rustc_hash::{FxHashMap, FxHashSet};

/// What was asked for.
pub(crate) struct Asked<'a> {
    /// Which functions match.
    pub(crate) matches: NameMatcher<'a>,
    /// Ids of the goroutines that roots are on; empty for any.
    pub(crate) goids: &'a [u64],
    /// Among which requests.
    pub(crate) among: Among<'a>,
}

/// Which requests of a trace are looked at, and what is wanted of them.
#[derive(Clone, Copy)]
pub(crate) struct Among<'a> {
    /// The part of the trace looked at.
    pub(crate) window: Window,
    /// The position of the trace, where each undecided request is wanted and not only how long it took.
    pub(crate) list_of: Option<u32>,
    /// Whether each request is wanted as the trace shows it.
    pub(crate) wants_seen: bool,
    /// Positions, among all requests that were served, of those that count in another trace.
    pub(crate) elsewhere: Option<&'a FxHashSet<u32>>,
}

impl Among<'_> {
    /// All requests of a part of a trace.
    pub(crate) fn all(window: Window) -> Self {
        Self { window, list_of: None, wants_seen: false, elsewhere: None }
    }

    pub(super) fn counts(&self, position: u32) -> bool {
        self.elsewhere.is_none_or(|elsewhere| !elsewhere.contains(&position))
    }
}

/// Requests of the servers on which matching requests came in.
#[derive(Default)]
pub(crate) struct SameServers {
    /// All whole ones, and how many an edge cuts.
    pub(crate) all: DurationList,
    /// Those that may match.
    pub(crate) undecided: Undecided,
    /// Ids of the goroutines of the connections that these came in on.
    pub(crate) connections: Vec<u64>,
    /// Each of all, where that was asked for.
    pub(crate) seen: Vec<SeenRequest>,
}

/// What is known about a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Matches,
    Excluded,
    Undecided,
}

/// Sorts the requests of the servers on which matching requests came in.
pub(crate) fn undecided(survey: &Survey, asked: &Asked<'_>) -> SameServers {
    let positions = of_same_servers(survey, asked);
    let requests: Vec<ServerRequest> = positions.iter().map(|at| survey.served.requests[*at as usize]).collect();
    let (mut same, among) = (SameServers::default(), asked.among);
    if requests.is_empty() {
        return same;
    }
    let judge = Judge::new(survey, asked, &requests);
    let mut of_set: FxHashMap<u32, Decision> = FxHashMap::default();
    let decisions: Vec<Decision> = requests
        .iter()
        .map(|r| {
            if r.matches { Decision::Matches } else { *of_set.entry(r.paths).or_insert_with(|| judge.decide(r.paths)) }
        })
        .collect();
    let likely = Likely::new(survey, &judge, &requests, &decisions);
    let mut connections = FxHashSet::default();
    for ((request, decision), position) in requests.iter().zip(&decisions).zip(positions) {
        if among.wants_seen {
            let is_undecided = *decision == Decision::Undecided;
            same.seen.extend(survey.seen_request(position, among.window, is_undecided));
        }
        if !among.counts(position) {
            continue;
        }
        let whole = request.duration().filter(|_| request.is_inside(among.window));
        same.all.add(whole);
        if *decision == Decision::Undecided
            && let Some(ns) = whole
        {
            same.undecided.took.durations_ns.push(ns);
            connections.extend(survey.connection_of(request));
            let is_likely = likely.is_likely(survey, &judge, request);
            same.undecided
                .list
                .extend(among.list_of.and_then(|trace| survey.undecided_request(request, trace, is_likely)));
            if is_likely {
                same.undecided.likely.durations_ns.push(ns);
            } else if likely.is_of_others(survey, request) {
                same.undecided.likely_others += 1;
            }
        } else if *decision == Decision::Undecided
            && let Some(span) = request.span.inside(among.window)
        {
            let start = request.inferred.map_or(survey.start, |certain| certain.first).max(among.window.start);
            span.add_to(&mut same.undecided.took, Window { start, end: among.window.end.min(survey.end) });
        }
    }
    same.undecided.connections = connections.len() as u64;
    same.connections = survey.goids(connections);
    same.undecided.list.sort_by_key(|request| (request.start_ns, request.goid));
    same
}

/// Positions of the requests of servers on which a matching one came in, or of which nobody knows the server.
fn of_same_servers(survey: &Survey, asked: &Asked<'_>) -> Vec<u32> {
    let wanted = |r: &&ServerRequest| asked.goids.is_empty() || asked.goids.contains(&survey.forest.get(r.g).id.0);
    let requests = || survey.served.requests.iter().filter(wanted);
    let Window { start, end } = asked.among.window;
    let overlaps =
        |r: &&ServerRequest| r.span.began.is_none_or(|at| at < end) && r.span.ended.is_none_or(|at| at > start);
    let servers: FxHashSet<Server> = requests().filter(|r| r.matches).map(|r| server(survey, r)).collect();
    let kinds: FxHashSet<bool> = servers.iter().map(|server| server.is_grpc).collect();
    let is_same = |r: &&ServerRequest| {
        let of = server(survey, r);
        let unknown = Server { acceptor: GIdx::NONE, ..of };
        of == unknown && kinds.contains(&of.is_grpc) || servers.contains(&unknown) || servers.contains(&of)
    };
    let is_wanted = |r: &ServerRequest| wanted(&r) && is_same(&r) && overlaps(&r);
    (0..).zip(&survey.served.requests).filter(|(_, request)| is_wanted(request)).map(|(at, _)| at).collect()
}

/// A server, as far as the trace tells.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Server {
    /// Whether it is one of gRPC's own, and not `net/http`'s.
    is_grpc: bool,
    /// The goroutine that accepts its connections; [`GIdx::NONE`] when that is not in the trace, and for gRPC's stream
    /// workers, which serve calls of any connection.
    acceptor: GIdx,
}

fn server(survey: &Survey, request: &ServerRequest) -> Server {
    let acceptor = if request.inferred.is_some() { GIdx::NONE } else { acceptor(survey, request) };
    Server { is_grpc: request.protocol == "gRPC", acceptor }
}

/// The goroutine that accepted a request's connection; [`GIdx::NONE`] when that is not in the trace.
fn acceptor(survey: &Survey, request: &ServerRequest) -> GIdx {
    // A connection of HTTP/2 began as one of HTTP/1; gRPC has up to two goroutines between.
    const MOST: usize = 4;
    let mut at = request.g;
    for _ in 0..MOST {
        let parent = survey.forest.get(at).parent;
        if !parent.is_some() {
            return GIdx::NONE;
        }
        let created_by = survey.symbols.leaf(survey.forest.get(at).creation);
        let creator = created_by.map_or("", |frame| survey.symbols.function(frame));
        at = parent;
        if creator == "net/http.(*Server).Serve" || creator.ends_with("grpc.(*Server).Serve") {
            return at;
        }
    }
    at
}

/// Tells what a request's stacks say.
struct Judge<'s> {
    survey: &'s Survey,
    endpoints: Endpoints<'s>,
    /// Nodes from which matching requests go on to a matching function.
    above: FxHashSet<PathNode>,
    /// The nodes on these ways, with the matching functions.
    ways: FxHashSet<PathNode>,
    /// Callees that some request uses beside others of the same function.
    beside_others: FxHashSet<PathNode>,
    /// Callees that tell requests apart, as the list of handlers does.
    telling: FxHashSet<PathNode>,
}

impl<'s> Judge<'s> {
    fn new(survey: &'s Survey, asked: &Asked<'_>, requests: &[ServerRequest]) -> Self {
        let endpoints = Endpoints::new(&survey.served.paths, &survey.symbols);
        let mut judge = Self {
            survey,
            endpoints,
            above: FxHashSet::default(),
            ways: FxHashSet::default(),
            beside_others: FxHashSet::default(),
            telling: FxHashSet::default(),
        };
        judge.above.insert(PathNode::NO_HANDLER);
        let mut known: FxHashMap<StringIdx, bool> = FxHashMap::default();
        let matching: FxHashSet<u32> = requests.iter().filter(|r| r.matches).map(|r| r.paths).collect();
        for set in matching {
            for &node in judge.nodes(set) {
                judge.add_above(node, &mut |function| {
                    *known.entry(function).or_insert_with(|| (asked.matches)(survey.symbols.text(function)))
                });
            }
        }
        let mut sets: Vec<u32> = requests.iter().map(|r| r.paths).collect();
        sets.sort_unstable();
        sets.dedup();
        for &set in &sets {
            judge.add_beside(judge.nodes(set));
        }
        judge.add_telling(&sets);
        judge
    }

    /// Takes in where the list of handlers tells requests apart: at functions on the ways of matching requests, each of
    /// which uses one of the callees that tell.
    fn add_telling(&mut self, sets: &[u32]) {
        let tree = &self.survey.served.paths;
        let mut through: FxHashMap<PathNode, Vec<u32>> = FxHashMap::default();
        for &set in sets {
            for at in self.passed(set) {
                through.entry(at).or_default().push(set);
            }
        }
        let mut callees: FxHashMap<PathNode, Vec<PathNode>> = FxHashMap::default();
        for &way in &self.ways {
            callees.entry(tree.steps[way.at()].parent).or_default().push(way);
        }
        for (at, sets) in through {
            let telling = self.endpoints.telling(at, sets.iter().map(|&set| self.nodes(set))).unwrap_or_default();
            let mut on_ways = callees.get(&at).into_iter().flatten();
            if on_ways.all(|callee| telling.binary_search(callee).is_ok()) {
                self.telling.extend(telling);
            }
        }
    }

    /// The functions on the ways of matching requests, before the matching ones, that a request shows, each once.
    fn passed(&self, set: u32) -> Vec<PathNode> {
        let nodes = self.nodes(set).iter().flat_map(|&node| self.survey.served.paths.ancestors(node));
        let mut passed: Vec<PathNode> = nodes.filter(|node| self.above.contains(node)).collect();
        passed.push(PathNode::NO_HANDLER);
        passed.sort_unstable();
        passed.dedup();
        passed
    }

    fn nodes(&self, set: u32) -> &'s [PathNode] {
        &self.survey.served.path_sets[set as usize]
    }

    /// Takes in a path of a matching request.
    fn add_above(&mut self, node: PathNode, matches: &mut dyn FnMut(StringIdx) -> bool) {
        let tree = &self.survey.served.paths;
        let outermost = tree.ancestors(node).filter(|at| matches(tree.steps[at.at()].function)).last();
        if let Some(outermost) = outermost {
            let parent = tree.steps[outermost.at()].parent;
            self.above.extend(tree.ancestors(parent));
            self.ways.extend(tree.ancestors(outermost));
        }
    }

    /// Takes in the paths of a request: where these part, each callee is used beside others.
    fn add_beside(&mut self, nodes: &[PathNode]) {
        if nodes.len() < 2 {
            return;
        }
        let tree = &self.survey.served.paths;
        let mut callees: FxHashMap<PathNode, PathNode> = FxHashMap::default();
        for at in nodes.iter().flat_map(|&node| tree.ancestors(node)) {
            if !self.endpoints.is_substantial(at) {
                continue;
            }
            let other = *callees.entry(tree.steps[at.at()].parent).or_insert(at);
            if other != at {
                self.beside_others.extend([other, at]);
            }
        }
    }

    fn decide(&self, set: u32) -> Decision {
        let excluded = self.nodes(set).iter().any(|&node| self.excludes(node));
        if excluded { Decision::Excluded } else { Decision::Undecided }
    }

    /// Whether a path excludes that the request matches: it leaves the ways of matching requests for a function that no
    /// request uses beside others, or that the list tells from them.
    fn excludes(&self, node: PathNode) -> bool {
        let tree = &self.survey.served.paths;
        let left = tree.ancestors(node).take_while(|at| !self.above.contains(at)).last();
        let is_other = |at| self.endpoints.is_substantial(at) && !self.beside_others.contains(&at);
        left.is_some_and(|at| is_other(at) || self.telling.contains(&at))
    }

    /// The innermost function on the ways of matching requests that a request shows.
    fn last_above(&self, set: u32) -> PathNode {
        let tree = &self.survey.served.paths;
        let above = |&node: &PathNode| tree.ancestors(node).find(|at| self.above.contains(at));
        let all = self.nodes(set).iter().filter_map(above);
        all.max_by_key(|&node| (self.endpoints.depth(node), node)).unwrap_or(PathNode::NO_HANDLER)
    }
}

/// What is known of the requests of one kind.
#[derive(Clone, Copy, Default)]
struct Kind {
    matching: u64,
    excluded: u64,
    undecided: u64,
    /// Of these, the ones that took as long as half of those that match, or longer.
    slow_undecided: u64,
}

impl Kind {
    fn add(&mut self, decision: Decision, is_slow: bool) {
        match decision {
            Decision::Matches => self.matching += 1,
            Decision::Excluded => self.excluded += 1,
            Decision::Undecided => {
                self.undecided += 1;
                self.slow_undecided += u64::from(is_slow);
            }
        }
    }

    /// Whether all that is known of the kind matches. A request without a stack did not block: where many took as long as
    /// those that match, they computed, which these are not known to do, so another handler may be among them.
    fn suggests_match(self) -> bool {
        self.excluded == 0 && self.matching >= 2 && self.are_fast()
    }

    /// Whether all that is known of the kind is excluded.
    fn suggests_others(self) -> bool {
        self.matching == 0 && self.excluded >= 2 && self.are_fast()
    }

    fn are_fast(self) -> bool {
        self.slow_undecided * 100 <= self.undecided * OTHERWISE_PER_CENT
    }
}

/// Half of the requests that match took at most this long, in ns; 0 when there is no whole one.
fn median_match(requests: &[ServerRequest]) -> u64 {
    let matching = requests.iter().filter(|request| request.matches);
    let mut took = DurationList {
        durations_ns: matching.filter_map(ServerRequest::duration).collect(),
        ..DurationList::default()
    };
    took.sort();
    took.percentile_ns(50)
}

/// What requests of a kind suggest about the undecided ones among them.
struct Likely {
    of_connection: FxHashMap<GIdx, Kind>,
    /// By the functions that requests go through.
    through: FxHashMap<PathNode, Kind>,
}

impl Likely {
    fn new(survey: &Survey, judge: &Judge<'_>, requests: &[ServerRequest], decisions: &[Decision]) -> Self {
        let mut likely = Self { of_connection: FxHashMap::default(), through: FxHashMap::default() };
        let median = median_match(requests);
        for (request, &decision) in requests.iter().zip(decisions) {
            let is_slow = request.duration().is_some_and(|ns| ns >= median);
            if let Some(connection) = survey.connection_of(request) {
                likely.of_connection.entry(connection).or_default().add(decision, is_slow);
            }
            for node in judge.passed(request.paths) {
                likely.through.entry(node).or_default().add(decision, is_slow);
            }
        }
        likely
    }

    /// Whether an undecided request likely does not match: all decided ones of its connection are excluded.
    fn is_of_others(&self, survey: &Survey, request: &ServerRequest) -> bool {
        let kind = survey.connection_of(request).and_then(|connection| self.of_connection.get(&connection));
        kind.is_some_and(|kind| kind.suggests_others())
    }

    /// Whether an undecided request likely matches: all decided ones of its connection do, or all that go through the
    /// last function it shows.
    fn is_likely(&self, survey: &Survey, judge: &Judge<'_>, request: &ServerRequest) -> bool {
        let of = |kind: Option<&Kind>| kind.is_some_and(|kind| kind.suggests_match());
        of(survey.connection_of(request).and_then(|connection| self.of_connection.get(&connection)))
            || of(self.through.get(&judge.last_above(request.paths)))
    }
}
