//! The forest as long as each node knows its tree.
//!
//! What a node was credited is its own number and that of its tree. `link` and `cut` go through the smaller of two parts
//! (for a cut, both are gone through at the same speed until one is at its end), so that the larger one is not touched.

use super::{Dependents, ForestNode, NodeId, StateBlock, WaitForForest, add_blocks};
use std::ops::Range;

/// A tree of a labelled forest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TreeId(pub(super) u32);

impl TreeId {
    /// Position in tables by tree.
    #[inline]
    pub(super) fn at(self) -> usize {
        self.0 as usize
    }

    /// Positions of its blocks, of which each tree has so many.
    #[inline]
    pub(super) fn row(self, n_blocks: usize) -> Range<usize> {
        let first = self.at() * n_blocks;
        first..first + n_blocks
    }
}

/// What nodes of one tree have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tree {
    pub(super) root: NodeId,
    n_nodes: u32,
    /// The requests that are attached to its nodes.
    pub(super) dependents: Dependents,
}

/// Steps through the smaller part of a tree that cost no more than one operation of the link-cut tree.
const CHEAP_STEPS: u32 = 96;

/// Most steps beyond these, over all operations; what shorter ones spare is taken from them.
const MAX_EXCESS: u32 = 1 << 16;

/// All trees.
#[derive(Default, Debug)]
pub(super) struct Labels {
    trees: Vec<Tree>,
    /// Per tree, what its nodes were credited together. They are differences, so they wrap.
    pub(super) numbers: Vec<StateBlock>,
    free: Vec<TreeId>,
    /// Steps beyond the cheap ones, less what shorter operations spared.
    excess: u32,
    /// Memory for the nodes of a part.
    part: Vec<NodeId>,
}

impl Labels {
    /// A new tree of one node. Its numbers are arbitrary.
    #[inline]
    pub(super) fn add_tree(&mut self, root: NodeId, n_blocks: usize) -> TreeId {
        let tree = Tree { root, n_nodes: 1, dependents: Dependents::NONE };
        if let Some(id) = self.free.pop() {
            self.trees[id.at()] = tree;
            return id;
        }
        self.trees.push(tree);
        self.numbers.resize(self.trees.len() * n_blocks, StateBlock::default());
        TreeId(self.trees.len() as u32 - 1)
    }

    #[inline]
    pub(super) fn remove_tree(&mut self, tree: TreeId) {
        self.free.push(tree);
    }
}

impl WaitForForest {
    #[inline]
    pub(super) fn tree_of(&mut self, node: NodeId) -> &mut Tree {
        &mut self.labels.trees[self.nodes[node.at()].tree.at()]
    }

    /// [`WaitForForest::dependents`] of a node that waits.
    #[cold]
    pub(super) fn dependents_below(&self, node: NodeId) -> Dependents {
        let (mut at, mut all) = (node, Dependents::NONE);
        while at != NodeId::NONE {
            all = all.and(self.nodes[at.at()].own);
            at = self.next_below(at, node, NodeId::NONE);
        }
        all
    }

    /// [`WaitForForest::link`] of a labelled forest, but for the list of waiters. Gives how many steps it took.
    #[inline]
    pub(super) fn join_trees(&mut self, node: NodeId, to: NodeId) -> u32 {
        let (below, above) = (self.nodes[node.at()].tree, self.nodes[to.at()].tree);
        let [Tree { n_nodes: n_below, dependents: more, .. }, Tree { root, n_nodes: n_above, dependents }] =
            [below, above].map(|tree| self.labels.trees[tree.at()]);
        let (into, from, top) = if n_below > n_above { (below, above, root) } else { (above, below, node) };
        let joined = Tree { root, n_nodes: n_below + n_above, dependents: dependents.and(more) };
        self.labels.trees[into.at()] = joined;
        self.move_nodes(top, (from, into));
        self.labels.remove_tree(from);
        n_below.min(n_above)
    }

    /// Moves all nodes of the tree `from`, whose root is `top`, to the tree `into`.
    fn move_nodes(&mut self, top: NodeId, (from, into): (TreeId, TreeId)) {
        let (n_blocks, mut at) = (self.n_blocks, top);
        let (from, to) = (from.row(n_blocks).start, into.row(n_blocks).start);
        while at != NodeId::NONE {
            let row = self.row(at);
            for block in 0..n_blocks {
                let (from, to) = (self.labels.numbers[from + block], self.labels.numbers[to + block]);
                for ((number, from), to) in self.numbers[row + block].iter_mut().zip(from).zip(to) {
                    *number = number.wrapping_add(from).wrapping_sub(to);
                }
            }
            self.nodes[at.at()].tree = into;
            at = self.next_below(at, top, NodeId::NONE);
        }
    }

    /// `new`, a node in no tree, is the root of the tree of `node`, which was that: one step.
    #[inline]
    pub(super) fn put_above(&mut self, new: NodeId, node: NodeId) {
        let waiter = self.node(node);
        let tree = waiter.tree;
        waiter.waits_for = new;
        let above = self.node(new);
        (above.tree, above.first_waiter) = (tree, node);
        let tree = &mut self.labels.trees[tree.at()];
        (tree.root, tree.n_nodes) = (new, tree.n_nodes + 1);
        self.note_steps(1);
    }

    /// The root of a tree, without requests of its own, is in no tree any more, and `node`, which alone waited for it, is the
    /// root: one step.
    #[inline]
    pub(super) fn take_from_above(&mut self, node: NodeId) {
        let waiter = self.node(node);
        let tree = waiter.tree;
        waiter.waits_for = NodeId::NONE;
        let tree = &mut self.labels.trees[tree.at()];
        (tree.root, tree.n_nodes) = (node, tree.n_nodes - 1);
        self.note_steps(1);
    }

    /// A node that waits, without requests of its own, for which none waits, is in no tree any more: one step.
    #[inline]
    pub(super) fn take_leaf(&mut self, node: NodeId) {
        self.remove_waiter(node);
        self.tree_of(node).n_nodes -= 1;
        self.note_steps(1);
    }

    /// [`WaitForForest::cut`] of a labelled forest, but for the list of waiters. Gives how many steps it took.
    #[inline]
    pub(super) fn split_tree(&mut self, node: NodeId) -> u32 {
        let tree = self.nodes[node.at()].tree;
        let Tree { root, n_nodes, dependents } = self.labels.trees[tree.at()];
        let mut part = std::mem::take(&mut self.labels.part);
        let is_below = self.find_smaller_part(node, root, &mut part);
        let (root_of_part, root_left) = if is_below { (node, root) } else { (root, node) };
        let new = self.labels.add_tree(root_of_part, self.n_blocks);
        let (from, to) = (tree.row(self.n_blocks), new.row(self.n_blocks).start);
        self.labels.numbers.copy_within(from, to);
        let mut of_part = Dependents::NONE;
        for &node in &part {
            let ForestNode { own, tree, .. } = &mut self.nodes[node.at()];
            *tree = new;
            of_part = of_part.and(*own);
        }
        let n_part = part.len() as u32;
        self.labels.trees[new.at()] = Tree { root: root_of_part, n_nodes: n_part, dependents: of_part };
        let dependents = dependents.without(of_part);
        self.labels.trees[tree.at()] = Tree { root: root_left, n_nodes: n_nodes - n_part, dependents };
        part.clear();
        self.labels.part = part;
        n_part
    }

    /// Finds the nodes below `node`, itself included, or all others of its tree, whichever are fewer. Gives whether it is
    /// those below.
    #[inline]
    fn find_smaller_part(&self, node: NodeId, root: NodeId, part: &mut Vec<NodeId>) -> bool {
        if !self.has_waiters(node) {
            part.push(node);
            return true;
        }
        let (mut below, mut beside) = (node, root);
        let mut n = 0;
        loop {
            (below, n) = (self.next_below(below, node, NodeId::NONE), n + 1);
            if below == NodeId::NONE {
                break;
            }
            beside = self.next_below(beside, root, node);
            if beside == NodeId::NONE {
                break;
            }
        }
        let is_below = below == NodeId::NONE;
        let (top, skipped) = if is_below { (node, NodeId::NONE) } else { (root, node) };
        let next = |at: &NodeId| Some(self.next_below(*at, top, skipped)).filter(|next| *next != NodeId::NONE);
        part.extend(std::iter::successors(Some(top), next));
        debug_assert_eq!(part.len(), n);
        is_below
    }

    /// Takes an operation of so many steps down, and turns into a link-cut tree if there were too many.
    #[inline]
    pub(super) fn note_steps(&mut self, steps: u32) {
        self.labels.excess = self.labels.excess.saturating_add(steps).saturating_sub(CHEAP_STEPS);
        if self.labels.excess > MAX_EXCESS {
            self.become_link_cut();
        }
    }

    /// Turns into a link-cut tree: each node is a splay tree of one node.
    #[cold]
    pub(super) fn become_link_cut(&mut self) {
        let n_blocks = self.n_blocks;
        let credited: Vec<StateBlock> = (0..self.nodes.len() as u32).flat_map(|i| self.all_of(NodeId(i))).collect();
        self.numbers.clone_from(&credited);
        for node in &mut self.nodes {
            (node.parent, node.total, node.hanging) = (node.waits_for, node.own, Dependents::NONE);
        }
        for node in self.nodes_from_roots().into_iter().rev() {
            let ForestNode { parent, total, .. } = self.nodes[node.at()];
            if parent == NodeId::NONE {
                continue;
            }
            let above = self.node(parent);
            (above.total, above.hanging) = (above.total.and(total), above.hanging.and(total));
            let (row, above) = (self.row(node), self.row(parent));
            for block in 0..n_blocks {
                for (number, above) in self.numbers[row + block].iter_mut().zip(credited[above + block]) {
                    *number = number.wrapping_sub(above);
                }
            }
        }
        self.splay_sums.clone_from(&self.numbers);
        (self.is_link_cut, self.n_labelled) = (true, 0);
    }

    /// All nodes, each after the one that it waits for.
    fn nodes_from_roots(&self) -> Vec<NodeId> {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        let roots = (0..self.nodes.len()).filter(|i| self.nodes[*i].waits_for == NodeId::NONE);
        for root in roots.map(|i| NodeId(i as u32)) {
            let mut at = root;
            while at != NodeId::NONE {
                nodes.push(at);
                at = self.next_below(at, root, NodeId::NONE);
            }
        }
        nodes
    }

    /// What a node of a labelled forest was credited.
    fn all_of(&self, node: NodeId) -> Vec<StateBlock> {
        let row = self.row(node);
        let mut all = self.numbers[row..row + self.n_blocks].to_vec();
        add_blocks(&mut all, &self.labels.numbers[self.nodes[node.at()].tree.row(self.n_blocks)]);
        all
    }
}
