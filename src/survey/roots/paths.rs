//! Which functions a request's stacks go through, from its handler on: the nodes of one tree of all requests.
//!
//! ```text
//!  (no handler) ── main.logging.func1 ─┬─ log.Printf ── …
//!                                      └─ main.router.ServeHTTP ─┬─ main.read
//!                                                                └─ main.write
//! ```

use super::servers::{Role, StackWalk, role_in};
use crate::profile::is_fetched;
use crate::trace::gos_own::RECORDING_HANDLER;
use crate::trace::ids::{StackIdx, StringIdx};
use crate::trace::symbols::{Frame, Symbols};
use rustc_hash::FxHashMap;

/// A node: its position in the tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct PathNode(pub(crate) u32);

impl PathNode {
    /// In no handler.
    pub(crate) const NO_HANDLER: Self = Self(0);

    /// Its position.
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

/// A function, called by that of its parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathStep {
    pub(crate) parent: PathNode,
    pub(crate) function: StringIdx,
    /// The line from which the parent's function calls it; 0 where it is unknown or there are several.
    pub(crate) line: u32,
    /// Whether the function is the server's own and hands requests on to handlers.
    pub(crate) hands_on: bool,
    /// Whether it is a gRPC service's method, as generated: an endpoint.
    pub(crate) is_method: bool,
    /// Whether its file is of a module that the program fetched or vendored.
    pub(crate) is_fetched: bool,
}

/// Most functions of a path: middleware is rarely half as deep, and the work of a handler does not matter.
const MAX_DEPTH: usize = 64;

/// What a stack says about a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StackPath {
    /// Where it ends.
    pub(crate) node: PathNode,
    /// Whether the request is the recording's own.
    pub(crate) recording: bool,
}

/// The tree of the paths of all requests. Parents precede children.
#[derive(Debug)]
pub(crate) struct PathTree {
    pub(crate) steps: Vec<PathStep>,
    children: FxHashMap<(PathNode, StringIdx), PathNode>,
    of_stack: FxHashMap<StackIdx, StackPath>,
}

impl Default for PathTree {
    fn default() -> Self {
        let none = PathStep {
            parent: PathNode::NO_HANDLER,
            function: StringIdx::EMPTY,
            line: 0,
            hands_on: false,
            is_method: false,
            is_fetched: false,
        };
        Self { steps: vec![none], children: FxHashMap::default(), of_stack: FxHashMap::default() }
    }
}

impl PathTree {
    /// The path of a stack.
    pub(crate) fn path(&mut self, symbols: &Symbols, stack: StackIdx) -> StackPath {
        if let Some(&known) = self.of_stack.get(&stack) {
            return known;
        }
        let path = self.walk(symbols, stack);
        self.of_stack.insert(stack, path);
        path
    }

    fn walk(&mut self, symbols: &Symbols, stack: StackIdx) -> StackPath {
        let frames: Vec<_> = symbols.frames(stack).collect();
        let mut walk = StackWalk::default();
        let (mut node, mut depth) = (PathNode::NO_HANDLER, 0);
        let mut line = 0;
        let mut recording = false;
        for &frame in frames.iter().rev() {
            let name = symbols.function(frame);
            recording |= name == RECORDING_HANDLER;
            let file = || symbols.text(symbols.frame(frame).file);
            let role = role_in(name, file);
            if !walk.is_handler() {
                walk = walk.enter(role);
            }
            // What the runtime does below a function is that function's own doing.
            if walk.is_handler() && depth < MAX_DEPTH && !name.starts_with("runtime.") {
                depth += 1;
                let Frame { function, line: next, .. } = symbols.frame(frame);
                let hands_on = matches!(role, Role::Dispatcher | Role::Caller);
                let (is_method, is_fetched) = (role == Role::GrpcMethod, is_fetched(file()));
                node = self.child(PathStep { parent: node, function, line, hands_on, is_method, is_fetched });
                line = next;
            }
        }
        StackPath { node, recording }
    }

    /// The node of a step.
    fn child(&mut self, step: PathStep) -> PathNode {
        let PathStep { parent, function, line, .. } = step;
        let known = self.children.entry((parent, function));
        let node = *known.or_insert_with(|| {
            self.steps.push(step);
            PathNode(self.steps.len() as u32 - 1)
        });
        let known = &mut self.steps[node.at()];
        if known.line != line {
            known.line = 0;
        }
        node
    }

    /// The node of the same functions, called by another one's.
    pub(crate) fn graft(&mut self, node: PathNode, below: PathNode) -> PathNode {
        let steps: Vec<PathStep> = self.ancestors(node).map(|at| self.steps[at.at()]).collect();
        steps.into_iter().rev().fold(below, |parent, step| self.child(PathStep { parent, ..step }))
    }

    /// A node and those above it, the innermost first, without [`PathNode::NO_HANDLER`].
    pub(crate) fn ancestors(&self, node: PathNode) -> impl Iterator<Item = PathNode> + '_ {
        let mut at = node;
        std::iter::from_fn(move || {
            let this = at;
            at = self.steps[this.at()].parent;
            (this != PathNode::NO_HANDLER).then_some(this)
        })
    }
}

/// The stacks that a request showed, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct StackSet {
    stacks: Vec<StackIdx>,
    /// Length at which doubles are removed.
    full: usize,
}

impl StackSet {
    const FEW: usize = 16;

    /// Adds a stack.
    pub(crate) fn add(&mut self, stack: StackIdx) {
        if self.stacks.last() == Some(&stack) {
            return;
        }
        if self.stacks.len() < Self::FEW && self.stacks.contains(&stack) {
            return;
        }
        self.stacks.push(stack);
        if self.stacks.len() > self.full.max(Self::FEW) {
            self.stacks.sort_unstable();
            self.stacks.dedup();
            self.full = 2 * self.stacks.len();
        }
    }

    /// All of them; some may repeat.
    pub(crate) fn iter(&self) -> impl Iterator<Item = StackIdx> + '_ {
        self.stacks.iter().copied()
    }
}
