//! Which functions are endpoints: where the paths of a server's requests part, and who calls whom as a handler.
//!
//! A function that calls another one *as a handler* does so through a value that it was given: `net/http` calls a
//! function outside of Go's own packages, a method `ServeHTTP` is called, or a router calls what it cannot import. A
//! router is a handler, with the functions of its package that it calls. A function's other callees are its own work. See
//! `docs/semantics.md`, Handlers.

use super::roots::paths::{PathNode, PathTree};
use super::roots::servers::HANDLER_FUNC;
use crate::profile::{is_std, package};
use crate::trace::symbols::Symbols;
use std::collections::BTreeMap;

/// What is known of a node.
#[derive(Clone, Copy, Default, Debug)]
struct NodeFacts {
    /// Its function is called as a handler.
    is_handler: bool,
    /// So is one further in.
    leads_to_handler: bool,
    /// It is a gRPC service's method, or further in: what that calls as a value is an interceptor.
    in_method: bool,
    /// Its function, or one further in, is outside of Go's own packages.
    has_user_code: bool,
}

/// What is known of all nodes of a tree, by their positions.
pub(crate) struct Endpoints<'t> {
    tree: &'t PathTree,
    facts: Vec<NodeFacts>,
    depth: Vec<u32>,
}

impl<'t> Endpoints<'t> {
    /// Of all paths.
    pub(crate) fn new(tree: &'t PathTree, symbols: &Symbols) -> Self {
        let name = |node: PathNode| symbols.text(tree.steps[node.at()].function);
        let n = tree.steps.len();
        let mut facts = vec![NodeFacts::default(); n];
        let mut depth = vec![0; n];
        for i in 1..n {
            let (node, parent) = (PathNode(i as u32), tree.steps[i].parent);
            let function = name(node);
            depth[i] = depth[parent.at()] + 1;
            facts[i].has_user_code = !is_std(function);
            facts[i].in_method = tree.steps[i].is_method || facts[parent.at()].in_method;
            let is_called = || {
                is_called_as_handler(name(parent), function)
                    || is_given(tree, node, facts[i].in_method, &name) && is_router(tree, &facts, parent, &name)
            };
            facts[i].is_handler = parent == PathNode::NO_HANDLER
                || is_called() && !tree.ancestors(parent).any(|outer| is_closure_of(function, name(outer)));
        }
        // Parents precede children.
        for i in (1..n).rev() {
            let NodeFacts { is_handler, leads_to_handler, has_user_code, .. } = facts[i];
            let parent = &mut facts[tree.steps[i].parent.at()];
            parent.leads_to_handler |= is_handler || leads_to_handler;
            parent.has_user_code |= has_user_code;
        }
        Self { tree, facts, depth }
    }

    /// Whether a node's function is called as a handler.
    pub(crate) fn is_handler(&self, node: PathNode) -> bool {
        self.facts[node.at()].is_handler
    }

    /// Whether it is, or one further in.
    pub(crate) fn reaches_handler(&self, node: PathNode) -> bool {
        let NodeFacts { is_handler, leads_to_handler, .. } = self.facts[node.at()];
        is_handler || leads_to_handler
    }

    /// Whether it can be a callee that tells requests apart: not a call into Go's own packages alone.
    pub(crate) fn is_substantial(&self, node: PathNode) -> bool {
        self.facts[node.at()].has_user_code || self.is_handler(node)
    }

    /// The callee of `of` on the way to a node; none when the node is not further in.
    pub(crate) fn callee(&self, of: PathNode, node: PathNode) -> Option<PathNode> {
        let wanted = self.depth[of.at()] + 1;
        let mut at = node;
        while self.depth[at.at()] > wanted {
            at = self.tree.steps[at.at()].parent;
        }
        (self.depth[at.at()] == wanted && self.tree.steps[at.at()].parent == of).then_some(at)
    }

    /// The callees of `of` on the ways to some nodes, each once.
    pub(crate) fn callees(&self, of: PathNode, nodes: &[PathNode]) -> Vec<PathNode> {
        let mut callees: Vec<PathNode> = nodes.iter().filter_map(|&node| self.callee(of, node)).collect();
        callees.sort_unstable();
        callees.dedup();
        callees
    }

    /// The callees of a function that tell requests apart, of which each request uses one or none. Requests are given by
    /// where their stacks end. These callees are handlers, and what leads to them; where the function calls none, what it
    /// calls through a value, or the only one outside of Go's own packages. None if that cannot be decided, because a request
    /// uses one of these beside another, or beside the function's own work. They are in the order of nodes; requests that do not
    /// use the function need not be given.
    pub(crate) fn telling<'n>(
        &self,
        at: PathNode,
        sets: impl Iterator<Item = &'n [PathNode]>,
    ) -> Option<Vec<PathNode>> {
        let calls_handlers = self.calls_handlers(at);
        let tells = |&callee: &PathNode| {
            if calls_handlers { self.reaches_handler(callee) } else { self.is_substantial(callee) }
        };
        let mut has_own_work = false;
        let mut of_sets: Vec<Vec<PathNode>> = Vec::new();
        for callees in sets.map(|set| self.callees(at, set)) {
            let (telling, own): (Vec<_>, Vec<_>) = callees.into_iter().partition(tells);
            has_own_work |= !calls_handlers && !own.is_empty() && !telling.is_empty();
            of_sets.push(telling);
        }
        let is_single = !has_own_work && of_sets.iter().all(|telling| telling.len() < 2);
        let callees = union(&of_sets);
        if is_single && (calls_handlers || callees.len() < 2) {
            return Some(callees);
        }
        self.dispatched(&of_sets).or_else(|| self.without_dead_ends(of_sets))
    }

    /// The same without handlers that lead to none further in, where a request uses them beside one that does: what is called
    /// before or after that hands the request to no endpoint, as the empty handler at the end of a chain of middleware. None where
    /// there is no such handler, or requests use several of the others.
    fn without_dead_ends(&self, mut of_sets: Vec<Vec<PathNode>>) -> Option<Vec<PathNode>> {
        let mut dead: Vec<PathNode> = Vec::new();
        for telling in of_sets.iter().filter(|telling| telling.iter().any(|&callee| self.calls_handlers(callee))) {
            dead.extend(telling.iter().filter(|callee| !self.calls_handlers(**callee)));
        }
        dead.sort_unstable();
        if dead.is_empty() {
            return None;
        }
        for telling in &mut of_sets {
            telling.retain(|callee| dead.binary_search(callee).is_err());
        }
        if of_sets.iter().all(|telling| telling.len() < 2) { Some(union(&of_sets)) } else { self.dispatched(&of_sets) }
    }

    /// The callees that requests use instead of each other, called from one line: a function that is named there is one
    /// and the same, so these were called through a value. Of several such lines, the one that decides most.
    fn dispatched(&self, of_sets: &[Vec<PathNode>]) -> Option<Vec<PathNode>> {
        let line_of = |callee: &PathNode| self.tree.steps[callee.at()].line;
        let mut of_lines: BTreeMap<u32, CalledLine> = BTreeMap::new();
        for callee in union(of_sets) {
            of_lines.entry(line_of(&callee)).or_default().callees.push(callee);
        }
        for set in of_sets {
            let mut lines: Vec<u32> = set.iter().map(line_of).collect();
            lines.sort_unstable();
            for same in lines.chunk_by(|a, b| a == b) {
                let line = of_lines.entry(same[0]).or_default();
                line.by_one += usize::from(same.len() == 1);
                line.is_shared |= same.len() > 1;
            }
        }
        let is_dispatch =
            |(number, line): &(u32, CalledLine)| *number != 0 && line.callees.len() > 1 && !line.is_shared;
        let lines = of_lines.into_iter().filter(is_dispatch).map(|(_, line)| line);
        // The first of equal ones.
        lines.rev().max_by_key(|line| line.by_one).map(|line| line.callees)
    }

    /// Whether a function calls a handler, or what leads to one.
    pub(crate) fn calls_handlers(&self, node: PathNode) -> bool {
        self.facts[node.at()].leads_to_handler
    }

    /// How many functions are above it.
    pub(crate) fn depth(&self, node: PathNode) -> u32 {
        self.depth[node.at()]
    }
}

/// What is called from one line of a function.
#[derive(Default)]
struct CalledLine {
    callees: Vec<PathNode>,
    /// How many requests use one of them.
    by_one: usize,
    /// Whether a request uses several.
    is_shared: bool,
}

fn union(of_sets: &[Vec<PathNode>]) -> Vec<PathNode> {
    let mut all: Vec<PathNode> = of_sets.concat();
    all.sort_unstable();
    all.dedup();
    all
}

fn is_called_as_handler(caller: &str, callee: &str) -> bool {
    let (from, to) = (package(caller), package(callee));
    let is_plain = caller == HANDLER_FUNC || from == "net/http" && !is_std(callee) && to != "net/http";
    callee.ends_with(".ServeHTTP") || is_plain
}

/// Whether a node's function was certainly given as a value to its caller's package: it is of `main`, which none can import,
/// a closure, or of the program where its caller was fetched.
fn is_given<'n>(tree: &PathTree, node: PathNode, in_method: bool, name: &impl Fn(PathNode) -> &'n str) -> bool {
    let step = tree.steps[node.at()];
    let (from, to) = (name(step.parent), name(node));
    let is_certain = || is_closure(to) || tree.steps[step.parent.at()].is_fetched && !step.is_fetched;
    let is_given = package(to) == "main" || !in_method && is_certain();
    package(from) != package(to) && !is_std(from) && !is_std(to) && is_given
}

/// Whether a function is a handler, or called by one of its own package within it alone, or called a handler further out
/// (`(*Context).Next`, which a middleware calls). A store that an endpoint calls, and that calls a method of `main`, is none.
fn is_router<'n>(tree: &PathTree, facts: &[NodeFacts], node: PathNode, name: &impl Fn(PathNode) -> &'n str) -> bool {
    let function = |at: PathNode| tree.steps[at.at()].function;
    let own = package(name(node));
    let mut within = tree.ancestors(node).take_while(|&at| package(name(at)) == own);
    let mut handlers = tree.ancestors(node).filter(|&at| facts[at.at()].is_handler);
    within.any(|at| facts[at.at()].is_handler)
        || handlers.any(|at| function(tree.steps[at.at()].parent) == function(node))
}

/// Whether a function is a literal: `main.New.func1`, `main.(*T).Do.func2.1`; `main.New.gowrap1` is none.
fn is_closure(function: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut parts = function.rsplit('.').skip_while(|part| is_number(part));
    parts.next().and_then(|part| part.strip_prefix("func")).is_some_and(is_number)
}

/// Whether a function was handed down by an outer one, as a closure of it.
fn is_closure_of(function: &str, outer: &str) -> bool {
    function.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_known_by_name() {
        for closure in ["main.New.func1", "main.(*T).Do.func2.1", "a/b%2ec.init.func12", "main.glob..func3"] {
            assert!(is_closure(closure), "{closure}");
        }
        for function in
            ["main.New", "main.(*T).func", "main.New.gowrap1", "main.func1x", "net/http.HandlerFunc.ServeHTTP"]
        {
            assert!(!is_closure(function), "{function}");
        }
    }
}
