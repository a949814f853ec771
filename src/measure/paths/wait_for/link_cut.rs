//! The forest as a link-cut tree (Sleator and Tarjan 1983): a splay tree for each preferred path.
//!
//! Each way from a root down to a leaf consists of pieces, the *preferred paths*. The nodes of one are in a splay tree,
//! ordered by depth: left of a node is what is nearer to the root. The top of a splay tree knows the node that its path hangs on as its parent, but
//! that node does not have it as a child:
//!
//! ```text
//! forest       preferred paths        splay trees
//!
//!   r                r                     a ─ ─ ─ ─ ┐         ─── child and parent
//!   │                ║                    ╱ ╲        │         ─ ─ parent alone
//!   a                a                   r   b       │
//!  ╱ ╲              ║  ╲                             │
//! b   c             b    c                           c
//! ```
//!
//! `access(node)` makes the way from the root to `node` one preferred path, and `node` the top of its splay tree. Then the
//! sums of the splay tree are those of the way, and the way's ends are a step away.

use super::{ForestNode, NodeId, WaitForForest};

impl WaitForForest {
    /// [`WaitForForest::root`] of a link-cut tree.
    pub(super) fn root_in_splay_trees(&mut self, node: NodeId) -> NodeId {
        self.access(node);
        let mut at = node;
        while self.nodes[at.at()].left != NodeId::NONE {
            at = self.nodes[at.at()].left;
        }
        self.splay(at);
        at
    }

    /// [`WaitForForest::link`] of a link-cut tree.
    pub(super) fn link_splay_trees(&mut self, node: NodeId, to: NodeId) {
        self.access(to);
        self.access(node);
        let (row, above) = (self.row(node), self.row(to));
        for block in 0..self.n_blocks {
            for (number, above) in self.numbers[row + block].iter_mut().zip(self.splay_sums[above + block]) {
                *number = number.wrapping_sub(above);
            }
        }
        self.node(node).parent = to;
        self.pull(node);
        let total = self.total(node);
        let above = self.node(to);
        above.hanging = above.hanging.and(total);
        self.pull(to);
    }

    /// [`WaitForForest::cut`] of a link-cut tree.
    pub(super) fn cut_splay_trees(&mut self, node: NodeId) {
        self.access(node);
        let left = self.nodes[node.at()].left;
        if left == NodeId::NONE {
            return;
        }
        let row = self.row(node);
        self.numbers[row..row + self.n_blocks].copy_from_slice(&self.splay_sums[row..row + self.n_blocks]);
        self.node(left).parent = NodeId::NONE;
        self.node(node).left = NodeId::NONE;
        self.pull(node);
    }

    /// Computes a node's dependents and sums from its own and those of its children in the splay tree.
    pub(super) fn pull(&mut self, node: NodeId) {
        let ForestNode { left, right, own, hanging, .. } = self.nodes[node.at()];
        let total = own.and(hanging).and(self.total(left)).and(self.total(right));
        self.node(node).total = total;
        let to = self.row(node);
        for block in 0..self.n_blocks {
            let mut sum = self.numbers[to + block];
            for child in [left, right].into_iter().filter(|child| *child != NodeId::NONE) {
                let below = self.splay_sums[self.row(child) + block];
                for (sum, below) in sum.iter_mut().zip(below) {
                    *sum = sum.wrapping_add(below);
                }
            }
            self.splay_sums[to + block] = sum;
        }
    }

    /// Whether a node is the top of its splay tree.
    fn is_top(&self, node: NodeId) -> bool {
        let parent = self.nodes[node.at()].parent;
        parent == NodeId::NONE || {
            let above = self.nodes[parent.at()];
            above.left != node && above.right != node
        }
    }

    /// Exchanges a node with its parent in the splay tree.
    fn rotate(&mut self, node: NodeId) {
        let parent = self.nodes[node.at()].parent;
        let above = self.nodes[parent.at()].parent;
        let parent_is_top = self.is_top(parent);
        let is_left = self.nodes[parent.at()].left == node;
        let inner = if is_left { self.nodes[node.at()].right } else { self.nodes[node.at()].left };
        if is_left {
            self.node(parent).left = inner;
            self.node(node).right = parent;
        } else {
            self.node(parent).right = inner;
            self.node(node).left = parent;
        }
        if inner != NodeId::NONE {
            self.node(inner).parent = parent;
        }
        self.node(parent).parent = node;
        self.node(node).parent = above;
        if !parent_is_top {
            if self.nodes[above.at()].left == parent {
                self.node(above).left = node;
            } else {
                self.node(above).right = node;
            }
        }
        self.pull(parent);
        self.pull(node);
    }

    /// Makes a node the top of its splay tree.
    fn splay(&mut self, node: NodeId) {
        while !self.is_top(node) {
            let parent = self.nodes[node.at()].parent;
            if !self.is_top(parent) {
                let above = self.nodes[parent.at()].parent;
                let same_side = (self.nodes[above.at()].left == parent) == (self.nodes[parent.at()].left == node);
                self.rotate(if same_side { parent } else { node });
            }
            self.rotate(node);
        }
    }

    /// Makes the way from the root to `node` one preferred path, and `node` the top of its splay tree.
    pub(super) fn access(&mut self, node: NodeId) {
        let one = self.nodes[node.at()];
        if one.parent == NodeId::NONE && one.right == NodeId::NONE {
            return;
        }
        let mut below = NodeId::NONE;
        let mut at = node;
        while at != NodeId::NONE {
            self.splay(at);
            let right = self.nodes[at.at()].right;
            let hangs_now = self.total(right);
            let hung_before = self.total(below);
            let me = self.node(at);
            me.hanging = me.hanging.and(hangs_now).without(hung_before);
            me.right = below;
            self.pull(at);
            below = at;
            at = self.nodes[at.at()].parent;
        }
        self.splay(node);
    }
}
