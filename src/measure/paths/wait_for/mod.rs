//! The wait-for graph of goroutines at one moment: a forest whose trees are linked, cut and credited.
//!
//! A goroutine that waits is linked to the one that ends its wait; so the root of a tree works, and all others in it wait
//! for it, directly or not. Requests are attached to the nodes of their goroutines. What the root does is credited to
//! every request in its tree:
//!
//! ```text
//!        g7  works                  credit(g7, running, 5 ns): a number changes at g7 alone
//!       ╱  ╲
//!     g3    g4  request B           credited(g4) = numbers at g4 and g7
//!     │
//!     g1  request A                 credited(g1) = numbers at g1, g3 and g7
//! ```
//!
//! 1. A credit is written at the root alone, so it costs the same however many requests wait.
//! 2. What a node was credited is the sum of its number and those of its ancestors, up to the root.
//! 3. `link` subtracts what the new ancestors were credited before from the root that is linked; `cut` adds what they
//!    were credited till then. So neither changes what any node was credited.
//! 4. Numbers of a new node are arbitrary: a request's time is the difference of `credited` at its two ends.
//!
//! Most nodes are a step or two below their root. So the forest is *plain* at first: each node knows its parent, and
//! operations climb from parent to parent. When climbs stay long, as in a queue at a lock, the forest turns into a link-cut
//! tree (Sleator and Tarjan 1983, without change of root; [`link_cut`]), in which each operation takes logarithmic time.
//! It stays one. Nothing has to be built for that: each node is a splay tree of one node.

mod link_cut;
#[cfg(test)]
mod tests;

use crate::slice::WindowIdx;

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
    /// Children in the splay tree of a preferred path; the left one is nearer to the root. None in a plain forest.
    left: NodeId,
    right: NodeId,
    /// In a plain forest, the goroutine that this one waits for. Else the parent in the splay tree; at its top, the node
    /// that the preferred path hangs on.
    parent: NodeId,
    /// Requests that are attached to this very node.
    own: Dependents,
    /// Requests in trees that hang on this node, but not on its preferred path. Not kept in a plain forest.
    hanging: Dependents,
    /// In a plain forest, the requests in the tree below. Else those of the splay tree and all that hangs on it.
    total: Dependents,
}

const BLANK: ForestNode = ForestNode {
    left: NodeId::NONE,
    right: NodeId::NONE,
    parent: NodeId::NONE,
    own: Dependents::NONE,
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

/// Steps of a climb in a plain forest that cost no more than one operation of the link-cut tree.
const CHEAP_CLIMB: u32 = 48;

/// Most steps beyond these, over all climbs; what shorter climbs spare is taken from them. A queue at a lock that is long for a
/// moment is no reason for a link-cut tree, one that stays long is.
const MAX_EXCESS: u32 = 1 << 14;

/// The forest. For each node it has nanoseconds by state, of the states that were credited so far.
#[derive(Debug)]
pub(crate) struct WaitForForest {
    /// Blocks of states per node.
    n_blocks: usize,
    nodes: Vec<ForestNode>,
    /// Per node, its own numbers. They are differences, so they wrap.
    numbers: Vec<StateBlock>,
    /// Per node, the sum of the numbers of its splay tree; empty in a plain forest.
    splay_sums: Vec<StateBlock>,
    free: Vec<NodeId>,
    /// The answer of the last [`WaitForForest::credited`].
    credited: Vec<StateBlock>,
    /// Steps of climbs beyond the cheap ones, less what shorter climbs spared.
    excess: u32,
    /// Whether it is a link-cut tree; else it is a plain forest.
    is_link_cut: bool,
}

impl Default for WaitForForest {
    fn default() -> Self {
        Self {
            n_blocks: 1,
            nodes: Vec::new(),
            numbers: Vec::new(),
            splay_sums: Vec::new(),
            free: Vec::new(),
            credited: Vec::new(),
            excess: 0,
            is_link_cut: false,
        }
    }
}

impl WaitForForest {
    /// A new node, alone in its tree.
    #[inline]
    pub(crate) fn add_node(&mut self) -> NodeId {
        if let Some(node) = self.free.pop() {
            self.nodes[node.at()] = BLANK;
            if self.is_link_cut {
                let row = self.row(node);
                self.numbers[row..row + self.n_blocks].fill(StateBlock::default());
                self.splay_sums[row..row + self.n_blocks].fill(StateBlock::default());
            }
            return node;
        }
        self.grow()
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
        for numbers in [&mut self.numbers, &mut self.splay_sums] {
            let mut wider = vec![StateBlock::default(); numbers.len() / before * self.n_blocks];
            for (from, to) in numbers.chunks_exact(before).zip(wider.chunks_exact_mut(self.n_blocks)) {
                to[..before].copy_from_slice(from);
            }
            *numbers = wider;
        }
    }

    /// Removes a node that is alone in its tree.
    #[inline]
    pub(crate) fn remove_node(&mut self, node: NodeId) {
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

    /// Turns into a link-cut tree if climbs had too many steps.
    #[inline]
    fn note_climb(&mut self, steps: u32) {
        self.excess = (self.excess + steps).saturating_sub(CHEAP_CLIMB);
        if self.excess > MAX_EXCESS {
            self.become_link_cut();
        }
    }

    #[cold]
    fn become_link_cut(&mut self) {
        self.is_link_cut = true;
        self.splay_sums.clone_from(&self.numbers);
        for node in &mut self.nodes {
            node.hanging = node.total.without(node.own);
        }
    }

    /// Changes the dependents of a node and of all its ancestors, in a plain forest.
    #[inline]
    fn change_ancestors(&mut self, node: NodeId, change: impl Fn(Dependents) -> Dependents) {
        let (mut at, mut steps) = (node, 0);
        while at != NodeId::NONE {
            let one = self.node(at);
            one.total = change(one.total);
            at = one.parent;
            steps += 1;
        }
        self.note_climb(steps);
    }

    /// Combines the numbers of `into` with those of `node` and of all its ancestors, in a plain forest.
    #[inline]
    fn combine_ancestors(&mut self, into: NodeId, node: NodeId, combine: impl Fn(u64, u64) -> u64) {
        for block in 0..self.n_blocks {
            let row = self.row(into) + block;
            let mut combined = self.numbers[row];
            let mut at = node;
            while at != NodeId::NONE {
                let above = &self.numbers[self.row(at) + block];
                for (number, above) in combined.iter_mut().zip(above) {
                    *number = combine(*number, *above);
                }
                at = self.nodes[at.at()].parent;
            }
            self.numbers[row] = combined;
        }
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
            self.change_ancestors(node, change);
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
        self.nodes[node.at()].total
    }

    /// The root of a node's tree: the goroutine that works while this one waits; itself if it does not wait.
    #[inline]
    pub(crate) fn root(&mut self, node: NodeId) -> NodeId {
        if self.is_link_cut {
            return self.root_in_splay_trees(node);
        }
        let (mut at, mut steps) = (node, 0);
        loop {
            let above = self.nodes[at.at()].parent;
            if above == NodeId::NONE {
                self.note_climb(steps);
                return at;
            }
            at = above;
            steps += 1;
        }
    }

    /// `node`, a root, waits for `to`, which is in another tree.
    #[inline]
    pub(crate) fn link(&mut self, node: NodeId, to: NodeId) {
        if self.is_link_cut {
            return self.link_splay_trees(node, to);
        }
        self.combine_ancestors(node, to, u64::wrapping_sub);
        self.node(node).parent = to;
        let dependents = self.nodes[node.at()].total;
        self.change_ancestors(to, |above| above.and(dependents));
    }

    /// `node`, which waits, is a root again.
    #[inline]
    pub(crate) fn cut(&mut self, node: NodeId) {
        if self.is_link_cut {
            return self.cut_splay_trees(node);
        }
        let ForestNode { parent, total, .. } = self.nodes[node.at()];
        self.combine_ancestors(node, parent, u64::wrapping_add);
        self.node(node).parent = NodeId::NONE;
        self.change_ancestors(parent, |above| above.without(total));
    }

    /// Credits `ns` in a state to all requests in the tree of `root`.
    #[inline]
    pub(crate) fn credit(&mut self, root: NodeId, state: usize, ns: u64) {
        if state >= self.n_blocks * BLOCK {
            self.widen(state);
        }
        let row = self.row(root) + state / BLOCK;
        if self.is_link_cut {
            self.access(root);
        }
        let number = &mut self.numbers[row][state % BLOCK];
        *number = number.wrapping_add(ns);
        if self.is_link_cut {
            let sum = &mut self.splay_sums[row][state % BLOCK];
            *sum = sum.wrapping_add(ns);
        }
    }

    /// Equal to [`WaitForForest::credit`]. In a link-cut tree, and where there is no room for the state yet, it changes
    /// nothing and gives false.
    #[inline]
    pub(crate) fn credit_fast(&mut self, root: NodeId, state: usize, ns: u64) -> bool {
        if self.is_link_cut || state >= self.n_blocks * BLOCK {
            return false;
        }
        let position = self.row(root) * BLOCK + state;
        let number = &mut self.numbers.as_flattened_mut()[position];
        *number = number.wrapping_add(ns);
        true
    }

    /// What a node was credited, by state. It is counted from an arbitrary start: only differences mean something.
    pub(crate) fn credited(&mut self, node: NodeId) -> &[u64] {
        self.credited.clear();
        if self.is_link_cut {
            self.access(node);
            let row = self.row(node);
            self.credited.extend_from_slice(&self.splay_sums[row..row + self.n_blocks]);
            return self.credited.as_flattened();
        }
        self.credited.resize(self.n_blocks, StateBlock::default());
        let (mut at, mut steps) = (node, 0);
        while at != NodeId::NONE {
            let row = self.row(at);
            let numbers = &self.numbers[row..row + self.n_blocks];
            for (sum, number) in self.credited.as_flattened_mut().iter_mut().zip(numbers.as_flattened()) {
                *sum = sum.wrapping_add(*number);
            }
            at = self.nodes[at.at()].parent;
            steps += 1;
        }
        self.note_climb(steps);
        self.credited.as_flattened()
    }
}
