//! Which handlers the trace's servers ran, and how long their requests took: a row for each endpoint, where the trace
//! tells them apart.
//!
//! ```text
//!  (*Engine).ServeHTTP ── logging ─┬─ API.Users          one row:        30  (*Engine).ServeHTTP
//!                                  ├─ API.Orders         becomes three:  10  API.Users   10  API.Orders   10  …
//!                                  └─ (stacks end here)  else the row stands, with those three below it
//! ```

use super::Survey;
use super::elsewhere::{RowSets, functions};
use super::endpoints::Endpoints;
use super::forest::RequestEndpoints;
use super::roots::paths::PathNode;
use super::roots::served::ServerRequest;
use super::roots::servers::hands_on;
use super::undecided::{Among, SameServers};
use crate::profile::{DurationList, Handler, InferredDuration, is_std};
use crate::trace::ids::StringIdx;
use crate::trace::time::Window;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// The requests of a row: by where their stacks end.
type Group = BTreeMap<u32, DurationList>;

/// How a row splits.
struct Split {
    /// The callees that tell requests apart, each with its requests.
    endpoints: Vec<(PathNode, Group)>,
    /// Requests whose stacks end before that.
    undecided: DurationList,
    /// Whether all of those callees are called as handlers.
    is_certain: bool,
}

struct HandlerRows<'s> {
    survey: &'s Survey,
    endpoints: Endpoints<'s>,
    protocol: &'static str,
    /// How many requests have a function on their paths.
    uses: FxHashMap<StringIdx, u64>,
    rows: Vec<Handler>,
    sets: RowSets,
    /// By where the stacks of a request end, the function of the innermost row that it is in.
    innermost: FxHashMap<u32, StringIdx>,
}

/// The handlers of a part of a trace, in no order; the survey must have been made with `lists_handlers`.
pub(crate) fn handlers(survey: &Survey, looked_at: Window) -> Vec<Handler> {
    let (mut rows, mut sets, mut requests) = (Vec::new(), RowSets::default(), Vec::new());
    for (protocol, of_protocol) in by_protocol(survey, looked_at) {
        requests.extend(of_protocol.iter().map(|(&set, took)| ((protocol, set), took.count())));
        let mut list = HandlerRows::new(survey, protocol, of_protocol);
        rows.append(&mut list.rows);
        sets.append(list.sets);
    }
    let elsewhere = sets.elsewhere(survey, &requests);
    // Once where several rows of a protocol have one name.
    let mut known = FxHashSet::default();
    for row in &mut rows {
        if known.insert((row.function.clone(), row.protocol)) {
            row.elsewhere = elsewhere.get(&row.function).cloned().unwrap_or_default();
        }
    }
    pool(rows)
}

/// The endpoints of all requests that have one: those of the innermost rows of [`handlers`].
pub(crate) fn endpoints(survey: &Survey, looked_at: Window) -> RequestEndpoints {
    let mut found = RequestEndpoints::default();
    for (protocol, of_protocol) in by_protocol(survey, looked_at) {
        let list = HandlerRows::new(survey, protocol, of_protocol);
        found.functions.extend(list.rows.iter().map(|row| row.function.clone()));
        for request in survey.served.requests.iter().filter(|request| request.protocol == protocol) {
            let Some(&function) = list.innermost.get(&request.paths) else { continue };
            match request.stretch {
                Some(stretch) => _ = found.of_stretch.insert(stretch, function),
                None if request.inferred.is_none() => _ = found.of_goroutine.insert(request.g, function),
                None => {}
            }
        }
    }
    found
}

/// Whole requests without a stack in a handler.
pub(crate) fn unknown_handler(survey: &Survey, among: Among<'_>) -> SameServers {
    let Among { window: looked_at, list_of, .. } = among;
    let mut same = SameServers::default();
    let undecided = &mut same.undecided;
    let mut goroutines = FxHashSet::default();
    let served = &survey.served;
    let is_unknown = |request: &ServerRequest| served.path_sets[request.paths as usize].is_empty();
    for (position, request) in (0..).zip(&served.requests) {
        let is_undecided = is_unknown(request);
        same.seen.extend(among.wants_seen.then(|| survey.seen_request(position, looked_at, is_undecided)).flatten());
        if !is_undecided || !among.counts(position) {
            continue;
        }
        if let Some(ns) = request.duration().filter(|_| request.is_inside(looked_at)) {
            undecided.took.durations_ns.push(ns);
            goroutines.extend(survey.connection_of(request));
            undecided.list.extend(list_of.and_then(|trace| survey.undecided_request(request, trace, false)));
        }
    }
    undecided.list.sort_by_key(|request| (request.start_ns, request.goid));
    undecided.connections = goroutines.len() as u64;
    same.connections = survey.goids(goroutines);
    same
}

fn by_protocol(survey: &Survey, looked_at: Window) -> BTreeMap<&'static str, Group> {
    let mut groups: BTreeMap<&'static str, Group> = BTreeMap::new();
    for request in &survey.served.requests {
        let ServerRequest { protocol, paths, span, inferred, .. } = *request;
        let Some(span) = span.inside(looked_at) else { continue };
        let took = groups.entry(protocol).or_default().entry(paths).or_default();
        let start = inferred.map_or(survey.start, |certain| certain.first).max(looked_at.start);
        span.add_to(took, Window { start, end: looked_at.end.min(survey.end) });
        let durations = request.duration().zip(request.certain_ns()).filter(|_| request.is_inside(looked_at));
        took.inferred.extend(durations.map(|(at_most_ns, at_least_ns)| InferredDuration { at_most_ns, at_least_ns }));
    }
    groups
}

/// Requests of one protocol by the first function of their handler; without those that have none.
fn by_handler(list: &HandlerRows<'_>, group: Group) -> BTreeMap<PathNode, Group> {
    let mut by_handler: BTreeMap<PathNode, Group> = BTreeMap::new();
    for (set, took) in group {
        let first = list.callees(PathNode::NO_HANDLER, set).first().copied();
        if let Some(node) = first {
            by_handler.entry(node).or_default().insert(set, took);
        }
    }
    by_handler
}

fn uses(survey: &Survey, group: &Group) -> FxHashMap<StringIdx, u64> {
    let mut uses: FxHashMap<StringIdx, u64> = FxHashMap::default();
    for (&set, took) in group {
        for function in functions(survey, set) {
            *uses.entry(function).or_default() += took.count() + took.partial;
        }
    }
    uses
}

fn size(group: &Group) -> u64 {
    group.values().map(|took| took.count() + took.partial).sum()
}

fn all(group: &Group) -> DurationList {
    let mut all = DurationList::default();
    for took in group.values() {
        all.absorb(took);
    }
    all
}

impl<'s> HandlerRows<'s> {
    fn new(survey: &'s Survey, protocol: &'static str, requests: Group) -> Self {
        let mut list = Self {
            survey,
            endpoints: Endpoints::new(&survey.served.paths, &survey.symbols),
            protocol,
            uses: uses(survey, &requests),
            rows: Vec::new(),
            sets: RowSets::default(),
            innermost: FxHashMap::default(),
        };
        for (node, group) in by_handler(&list, requests) {
            list.add(node, &group, StringIdx::EMPTY);
        }
        list
    }

    fn callees(&self, of: PathNode, set: u32) -> Vec<PathNode> {
        self.endpoints.callees(of, &self.survey.served.path_sets[set as usize])
    }

    fn name(&self, node: PathNode) -> &str {
        self.survey.symbols.text(self.function(node))
    }

    fn function(&self, node: PathNode) -> StringIdx {
        self.survey.served.paths.steps[node.at()].function
    }

    /// Adds the row of a node, or rows for its endpoints, or both.
    fn add(&mut self, node: PathNode, group: &Group, within: StringIdx) {
        let name = self.row_name(node, group);
        let split = self.split(node, group).filter(|split| {
            // A name within itself would say nothing.
            split.endpoints.iter().all(|(callee, of)| self.row_name(*callee, of) != name)
        });
        let Some(split) = split else { return self.push(name, within, group, DurationList::default()) };
        let undecided = split.undecided.count() + split.undecided.partial;
        let is_replaced = split.is_certain && undecided == 0;
        let outer = if is_replaced { within } else { name };
        if !is_replaced {
            self.push(name, within, group, split.undecided);
        }
        for (callee, of_callee) in split.endpoints {
            self.add(callee, &of_callee, outer);
        }
    }

    fn push(&mut self, function: StringIdx, within: StringIdx, group: &Group, undecided: DurationList) {
        // Rows within others come after these.
        self.innermost.extend(group.keys().map(|&set| (set, function)));
        let text = |name: StringIdx| self.survey.symbols.text(name).to_owned();
        let (function, within) = (text(function), text(within));
        self.sets.push(&function, self.protocol, group.keys().copied());
        self.rows.push(Handler {
            hands_on: hands_on(&function),
            function,
            protocol: self.protocol,
            within,
            undecided,
            took: all(group),
            elsewhere: Vec::new(),
        });
    }

    /// How the requests of a node part further in; none when they do not. Where they never do, but some end before an
    /// inner handler that the others share, that handler is a row of its own.
    fn split(&self, node: PathNode, group: &Group) -> Option<Split> {
        let (mut at, mut group) = (node, group.clone());
        let mut undecided = DurationList::default();
        let mut inner: Option<Split> = None;
        while let Some(telling) = self.telling(at, &group) {
            let mut by_callee: BTreeMap<PathNode, Group> = BTreeMap::new();
            for (set, took) in group {
                match self.callees(at, set).into_iter().find(|callee| telling.binary_search(callee).is_ok()) {
                    None => undecided.absorb(&took),
                    Some(callee) => drop(by_callee.entry(callee).or_default().insert(set, took)),
                }
            }
            if by_callee.len() > 1 {
                let is_certain = by_callee.keys().all(|&callee| self.endpoints.is_handler(callee));
                let is_close =
                    is_certain || at == node || self.endpoints.is_handler(at) || self.any_reaches_handler(&by_callee);
                let split = || Split { endpoints: by_callee.into_iter().collect(), undecided, is_certain };
                return if is_close { Some(split()) } else { inner };
            }
            let Some(next) = by_callee.pop_first() else { break };
            (at, group) = next;
            if undecided.count() > 0 && self.is_user_handler(at) {
                let endpoints = vec![(at, group.clone())];
                inner = Some(Split { endpoints, undecided: undecided.clone(), is_certain: false });
            }
        }
        inner
    }

    fn telling(&self, at: PathNode, group: &Group) -> Option<Vec<PathNode>> {
        self.endpoints.telling(at, group.keys().map(|&set| &*self.survey.served.path_sets[set as usize]))
    }

    fn any_reaches_handler(&self, by_callee: &BTreeMap<PathNode, Group>) -> bool {
        by_callee.keys().any(|&callee| self.endpoints.reaches_handler(callee))
    }

    /// What a row is called: a function that all its requests went through and no other did. The innermost of the user's
    /// that is called as a handler, else the outermost of the user's, else a handler of Go's own packages. Where others
    /// went through all of them, the innermost before the requests part.
    fn row_name(&self, node: PathNode, group: &Group) -> StringIdx {
        let total = size(group);
        let way = self.shared_way(node, group);
        let is_own = |at: &&PathNode| self.uses.get(&self.function(**at)).is_none_or(|&uses| uses <= total);
        let own = || way.iter().filter(is_own);
        let best = own()
            .rfind(|&&at| self.is_user_handler(at))
            .or_else(|| own().find(|&&at| self.is_users(at)))
            .or_else(|| own().rfind(|&&at| self.endpoints.is_handler(at) && !self.hands_on(at)))
            .or_else(|| way.iter().rfind(|&&at| self.is_users(at) && self.endpoints.reaches_handler(at)))
            .or_else(|| way.iter().rfind(|&&at| self.endpoints.is_handler(at) && !self.hands_on(at)))
            .or_else(|| own().rfind(|&&at| !is_std(self.name(at))));
        self.function(best.copied().unwrap_or(node))
    }

    /// Whether a function is neither of Go's own packages nor a wrapper of theirs that was inlined.
    fn is_users(&self, at: PathNode) -> bool {
        !is_std(self.name(at)) && !self.hands_on(at)
    }

    fn is_user_handler(&self, at: PathNode) -> bool {
        self.endpoints.is_handler(at) && self.is_users(at)
    }

    fn hands_on(&self, at: PathNode) -> bool {
        self.survey.served.paths.steps[at.at()].hands_on
    }

    /// A node, and the functions further in that all requests of a group went through, until they part.
    fn shared_way(&self, node: PathNode, group: &Group) -> Vec<PathNode> {
        std::iter::successors(Some(node), |&at| self.only_callee(at, group)).collect()
    }

    /// The callee that all requests of a group use; none when there is no such one, or several that lead to a handler.
    fn only_callee(&self, at: PathNode, group: &Group) -> Option<PathNode> {
        let mut sets = group.keys().map(|&set| self.callees(at, set));
        let mut shared = sets.next()?;
        for callees in sets {
            shared.retain(|callee| callees.contains(callee));
        }
        let mut leading = shared.iter().copied().filter(|&callee| self.endpoints.reaches_handler(callee));
        match (leading.next(), leading.next()) {
            (None, _) => shared.first().copied(),
            (only, None) => only,
            _ => None,
        }
    }
}

/// Rows of one name become one.
fn pool(rows: Vec<Handler>) -> Vec<Handler> {
    let mut pooled: Vec<Handler> = Vec::new();
    let mut known: FxHashMap<(String, &'static str, String), usize> = FxHashMap::default();
    for row in rows {
        let key = (row.function.clone(), row.protocol, row.within.clone());
        if let Some(&i) = known.get(&key) {
            pooled[i].absorb(&row);
        } else {
            known.insert(key, pooled.len());
            pooled.push(row);
        }
    }
    for row in &mut pooled {
        row.took.sort();
    }
    pooled
}
