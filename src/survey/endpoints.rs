//! Which functions are endpoints: where the paths of a server's requests part, and who calls whom as a handler.
//!
//! A function that calls another one *as a handler* does so through a value that it was given: `net/http` calls a
//! function outside of Go's own packages, a handler of another package calls `main`, which none can import, within its
//! package alone, or a method `ServeHTTP` is called. A function's other callees are its own work. See `docs/semantics.md`, Handlers.

use super::roots::paths::{PathNode, PathTree};
use crate::profile::{is_std, package};
use crate::trace::symbols::Symbols;

/// What is known of a node.
#[derive(Clone, Copy, Default, Debug)]
struct NodeFacts {
    /// Its function is called as a handler.
    is_handler: bool,
    /// So is one further in.
    leads_to_handler: bool,
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
            let is_called = || {
                let caller = name(parent);
                is_called_as_handler(caller, function)
                    || is_called_by_router(caller, function) && is_router(tree, &facts, parent, &name)
            };
            facts[i].is_handler = parent == PathNode::NO_HANDLER
                || is_called() && !tree.ancestors(parent).any(|outer| is_closure_of(function, name(outer)));
        }
        // Parents precede children.
        for i in (1..n).rev() {
            let NodeFacts { is_handler, leads_to_handler, has_user_code } = facts[i];
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

    /// Whether a function calls a handler, or what leads to one.
    pub(crate) fn calls_handlers(&self, node: PathNode) -> bool {
        self.facts[node.at()].leads_to_handler
    }

    /// How many functions are above it.
    pub(crate) fn depth(&self, node: PathNode) -> u32 {
        self.depth[node.at()]
    }
}

fn is_called_as_handler(caller: &str, callee: &str) -> bool {
    let (from, to) = (package(caller), package(callee));
    callee.ends_with(".ServeHTTP") || from == "net/http" && !is_std(callee) && to != "net/http"
}

/// Whether a function of another package calls one of `main`, which none can import: it was given a value of it.
fn is_called_by_router(caller: &str, callee: &str) -> bool {
    package(callee) == "main" && package(caller) != "main" && !is_std(caller)
}

/// Whether a function is a handler, or called by one within its own package alone. A store that calls a method of `main`
/// deep below an endpoint is none.
fn is_router<'n>(tree: &PathTree, facts: &[NodeFacts], node: PathNode, name: &impl Fn(PathNode) -> &'n str) -> bool {
    let own = package(name(node));
    let mut ancestors = tree.ancestors(node);
    let first = ancestors.find(|&at| facts[at.at()].is_handler || package(name(at)) != own);
    first.is_some_and(|at| facts[at.at()].is_handler)
}

/// Whether a function was handed down by an outer one, as a closure of it.
fn is_closure_of(function: &str, outer: &str) -> bool {
    function.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}
