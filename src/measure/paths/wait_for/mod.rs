//! The wait-for graph of goroutines at one moment: a forest whose trees are linked, cut and credited.
//!
//! A goroutine that waits is linked to the one that ends its wait; so the root of a tree works, and all others in it wait
//! for it, directly or not. Requests are attached to the nodes of their goroutines. What the root does is credited to
//! every request in its tree:
//!
//! ```text
//!        g7  works                  credit(g7, running, 5 ns): one number changes, that of the tree
//!       ╱  ╲
//!     g3    g4  request B           both requests were credited 5 ns more
//!     │
//!     g1  request A
//! ```
//!
//! 1. A credit is written once, so it costs the same however many requests wait.
//! 2. Neither `link` nor `cut` changes what any node was credited.
//! 3. Numbers of a new node are arbitrary: a request's time is the difference of `credited` at its two ends.
//!
//! The forest is *labelled* at first: each node knows its tree, and the tree has the number that its nodes share. A node that
//! goes from one tree to another takes what it was credited along as a difference. Where two trees are linked, the nodes of
//! the smaller one go; where one is cut, those of the smaller part. Nearly all nodes come as the root above a tree, and go as
//! that again, or without anything below: then the tree alone changes. In a queue at a lock one node comes or goes at either
//! end, so that costs no more with a thousand in it. Where the smaller parts stay large, the forest turns into a link-cut tree
//! (Sleator and Tarjan 1983, without change of root; [`link_cut`]), in which each operation takes logarithmic time. It
//! stays one.
//!
//! Reading order: this file, [`waiters`] (who waits for whom), [`labels`], [`link_cut`].

mod labels;
mod link_cut;
#[cfg(test)]
mod tests;
mod waiters;

use crate::slice::WindowIdx;
use labels::{Labels, TreeId};

/// A node of a [`WaitForForest`]: a goroutine on the path of a request that is walked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// No node.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// Position in tables by node.
    #[inline]
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, Debug)]
struct ForestNode {
    /// The goroutine that this one waits for.
    waits_for: NodeId,
    /// The goroutines that wait for it: a list, linked by `next_waiter` and `previous_waiter`.
    first_waiter: NodeId,
    next_waiter: NodeId,
    previous_waiter: NodeId,
    /// Requests that are attached to this very node.
    own: Dependents,
    /// In a labelled forest, its tree.
    tree: TreeId,
    /// In a link-cut tree: children in the splay tree of a preferred path; the left one is nearer to the root.
    left: NodeId,
    right: NodeId,
    /// The parent in the splay tree; at its top, the node that the preferred path hangs on.
    parent: NodeId,
    /// Requests in trees that hang on this node, but not on its preferred path.
    hanging: Dependents,
    /// Requests of the splay tree and all that hangs on it.
    total: Dependents,
}

const BLANK: ForestNode = ForestNode {
    waits_for: NodeId::NONE,
    first_waiter: NodeId::NONE,
    next_waiter: NodeId::NONE,
    previous_waiter: NodeId::NONE,
    own: Dependents::NONE,
    tree: TreeId(u32::MAX),
    left: NodeId::NONE,
    right: NodeId::NONE,
    parent: NodeId::NONE,
    hanging: Dependents::NONE,
    total: Dependents::NONE,
};

/// The requests that depend on a node: how many, and which one if it is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dependents {
    pub(crate) count: u32,
    /// The indexes of all their windows, by exclusive or: that of the only one, where there is one.
    xor: u32,
}

impl Dependents {
    const NONE: Self = Self { count: 0, xor: 0 };

    fn one(request: WindowIdx) -> Self {
        Self { count: 1, xor: request.0 }
    }

    /// The request, if there is exactly one.
    #[inline]
    pub(crate) fn only(self) -> Option<WindowIdx> {
        (self.count == 1).then_some(WindowIdx(self.xor))
    }

    #[inline]
    fn and(self, other: Self) -> Self {
        Self { count: self.count.wrapping_add(other.count), xor: self.xor ^ other.xor }
    }

    #[inline]
    fn without(self, other: Self) -> Self {
        Self { count: self.count.wrapping_sub(other.count), xor: self.xor ^ other.xor }
    }
}

/// States whose time is added up at once.
const BLOCK: usize = 8;

/// Nanoseconds of as many states.
type StateBlock = [u64; BLOCK];

/// The forest. For each node it has nanoseconds by state, of the states that were credited so far.
#[derive(Debug)]
pub(crate) struct WaitForForest {
    /// Blocks of states per node.
    n_blocks: usize,
    /// How many states that is in a labelled forest; 0 in a link-cut tree.
    n_labelled: usize,
    nodes: Vec<ForestNode>,
    /// Per node, its own numbers. They are differences, so they wrap.
    numbers: Vec<StateBlock>,
    /// Per node, the sum of the numbers of its splay tree; empty in a labelled forest.
    splay_sums: Vec<StateBlock>,
    free: Vec<NodeId>,
    labels: Labels,
    /// The answer of the last [`WaitForForest::credited`].
    credited: Vec<StateBlock>,
    /// Whether it is a link-cut tree; else it is a labelled forest.
    is_link_cut: bool,
}

impl Default for WaitForForest {
    fn default() -> Self {
        Self {
            n_blocks: 1,
            n_labelled: BLOCK,
            nodes: Vec::new(),
            numbers: Vec::new(),
            splay_sums: Vec::new(),
            free: Vec::new(),
            labels: Labels::default(),
            credited: Vec::new(),
            is_link_cut: false,
        }
    }
}

impl WaitForForest {
    /// A new node, alone in its tree.
    #[inline]
    pub(crate) fn add_node(&mut self) -> NodeId {
        let node = self.blank_node();
        if self.is_link_cut {
            let row = self.row(node);
            self.numbers[row..row + self.n_blocks].fill(StateBlock::default());
            self.splay_sums[row..row + self.n_blocks].fill(StateBlock::default());
        } else {
            self.nodes[node.at()].tree = self.labels.add_tree(node, self.n_blocks);
        }
        node
    }

    /// A new node in no tree.
    #[inline]
    fn blank_node(&mut self) -> NodeId {
        let node = self.free.pop().unwrap_or_else(|| self.grow());
        self.nodes[node.at()] = BLANK;
        node
    }

    /// A new node, for which `node`, a root, waits.
    #[inline]
    pub(crate) fn add_root_above(&mut self, node: NodeId) -> NodeId {
        if self.is_link_cut {
            let new = self.add_node();
            self.link(node, new);
            return new;
        }
        let new = self.blank_node();
        self.put_above(new, node);
        new
    }

    /// Removes the root for which `node` alone waits, and to which no request is attached: `node` is a root again.
    #[inline]
    pub(crate) fn remove_root_above(&mut self, node: NodeId) {
        let root = self.nodes[node.at()].waits_for;
        if self.is_link_cut {
            self.cut(node);
            return self.remove_node(root);
        }
        self.take_from_above(node);
        self.free.push(root);
    }

    #[cold]
    fn grow(&mut self) -> NodeId {
        self.nodes.push(BLANK);
        self.numbers.resize(self.nodes.len() * self.n_blocks, StateBlock::default());
        if self.is_link_cut {
            self.splay_sums.resize(self.numbers.len(), StateBlock::default());
        }
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// Makes room for a further state.
    #[cold]
    fn widen(&mut self, state: usize) {
        let before = self.n_blocks;
        self.n_blocks = (state / BLOCK + 1).next_power_of_two();
        self.n_labelled = if self.is_link_cut { 0 } else { self.n_blocks * BLOCK };
        for numbers in [&mut self.numbers, &mut self.splay_sums, &mut self.labels.numbers] {
            let mut wider = vec![StateBlock::default(); numbers.len() / before * self.n_blocks];
            for (from, to) in numbers.chunks_exact(before).zip(wider.chunks_exact_mut(self.n_blocks)) {
                to[..before].copy_from_slice(from);
            }
            *numbers = wider;
        }
    }

    /// Removes a node that none waits for, and to which no request is attached.
    #[inline]
    pub(crate) fn remove_node(&mut self, node: NodeId) {
        let waits = self.nodes[node.at()].waits_for != NodeId::NONE;
        match (self.is_link_cut, waits) {
            (true, true) => self.cut(node),
            (true, false) => {}
            (false, true) => self.take_leaf(node),
            (false, false) => self.labels.remove_tree(self.nodes[node.at()].tree),
        }
        self.free.push(node);
    }

    /// Position of a node's first block.
    #[inline]
    fn row(&self, node: NodeId) -> usize {
        node.at() * self.n_blocks
    }

    fn node(&mut self, node: NodeId) -> &mut ForestNode {
        &mut self.nodes[node.at()]
    }

    fn total(&self, node: NodeId) -> Dependents {
        if node == NodeId::NONE { Dependents::NONE } else { self.nodes[node.at()].total }
    }

    /// Attaches a request to a node.
    pub(crate) fn add(&mut self, node: NodeId, request: WindowIdx) {
        self.change_dependents(node, |dependents| dependents.and(Dependents::one(request)));
    }

    /// Detaches a request from a node.
    pub(crate) fn remove(&mut self, node: NodeId, request: WindowIdx) {
        self.change_dependents(node, |dependents| dependents.without(Dependents::one(request)));
    }

    fn change_dependents(&mut self, node: NodeId, change: impl Fn(Dependents) -> Dependents) {
        if self.is_link_cut {
            self.access(node);
        }
        let one = self.node(node);
        one.own = change(one.own);
        if self.is_link_cut {
            self.pull(node);
        } else {
            let of_tree = self.tree_of(node);
            of_tree.dependents = change(of_tree.dependents);
        }
    }

    /// Requests that are attached to a node or to one that waits for it, directly or not.
    #[inline]
    pub(crate) fn dependents(&mut self, node: NodeId) -> Dependents {
        if self.is_link_cut {
            self.access(node);
            let ForestNode { own, hanging, .. } = self.nodes[node.at()];
            return own.and(hanging);
        }
        let tree = *self.tree_of(node);
        if tree.root == node { tree.dependents } else { self.dependents_below(node) }
    }

    /// The root of a node's tree: the goroutine that works while this one waits; itself if it does not wait.
    #[inline]
    pub(crate) fn root(&mut self, node: NodeId) -> NodeId {
        if self.is_link_cut { self.root_in_splay_trees(node) } else { self.tree_of(node).root }
    }

    /// `node`, a root, waits for `to`, which is in another tree.
    #[inline]
    pub(crate) fn link(&mut self, node: NodeId, to: NodeId) {
        if self.is_link_cut {
            self.link_splay_trees(node, to);
            return self.add_waiter(node, to);
        }
        let steps = self.join_trees(node, to);
        self.add_waiter(node, to);
        self.note_steps(steps);
    }

    /// `node`, which waits, is a root again.
    #[inline]
    pub(crate) fn cut(&mut self, node: NodeId) {
        if self.is_link_cut {
            self.cut_splay_trees(node);
            return self.remove_waiter(node);
        }
        let steps = self.split_tree(node);
        self.remove_waiter(node);
        self.note_steps(steps);
    }

    /// Credits `ns` in a state to all requests in the tree of `root`.
    #[inline]
    pub(crate) fn credit(&mut self, root: NodeId, state: usize, ns: u64) {
        if state >= self.n_blocks * BLOCK {
            self.widen(state);
        }
        if self.credit_fast(root, state, ns) {
            return;
        }
        self.access(root);
        let row = self.row(root) + state / BLOCK;
        for numbers in [&mut self.numbers, &mut self.splay_sums] {
            let number = &mut numbers[row][state % BLOCK];
            *number = number.wrapping_add(ns);
        }
    }

    /// Equal to [`WaitForForest::credit`]. In a link-cut tree, and where there is no room for the state yet, it changes
    /// nothing and gives false.
    // Inlined: part of the one inner loop, and the call cost as much.
    #[inline(always)]
    pub(crate) fn credit_fast(&mut self, root: NodeId, state: usize, ns: u64) -> bool {
        if state >= self.n_labelled {
            return false;
        }
        let position = self.nodes[root.at()].tree.at() * self.n_labelled + state;
        let number = &mut self.labels.numbers.as_flattened_mut()[position];
        *number = number.wrapping_add(ns);
        true
    }

    /// What a node was credited, by state. It is counted from an arbitrary start: only differences mean something.
    pub(crate) fn credited(&mut self, node: NodeId) -> &[u64] {
        if self.is_link_cut {
            self.access(node);
        }
        let row = self.row(node);
        let numbers = if self.is_link_cut { &self.splay_sums } else { &self.numbers };
        self.credited.clear();
        self.credited.extend_from_slice(&numbers[row..row + self.n_blocks]);
        if !self.is_link_cut {
            let of_tree = self.nodes[node.at()].tree.row(self.n_blocks);
            add_blocks(&mut self.credited, &self.labels.numbers[of_tree]);
        }
        self.credited.as_flattened()
    }
}

/// Adds numbers to as many others.
#[inline]
fn add_blocks(to: &mut [StateBlock], more: &[StateBlock]) {
    for (to, more) in to.as_flattened_mut().iter_mut().zip(more.as_flattened()) {
        *to = to.wrapping_add(*more);
    }
}
