//! The forest while ways are long: a link-cut tree of splay trees, one for each preferred path. HOT.

use super::{NOBODY, Node, NodeId, WaitForForest};

impl WaitForForest {
    pub(crate) fn far_root(&mut self, node: NodeId) -> NodeId {
        self.access(node);
        let mut at = node;
        while self.nodes[at as usize].left != NOBODY {
            at = self.nodes[at as usize].left;
        }
        self.splay(at);
        at
    }

    pub(crate) fn link_far(&mut self, node: NodeId, to: NodeId) {
        self.access(to);
        self.access(node);
        let (row, above) = (self.row(node), self.row(to));
        for lane in 0..self.lanes {
            for (number, above) in self.numbers[row + lane].iter_mut().zip(self.sums[above + lane]) {
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

    pub(crate) fn cut_far(&mut self, node: NodeId) {
        self.access(node);
        let left = self.nodes[node as usize].left;
        if left == NOBODY {
            return;
        }
        let row = self.row(node);
        self.numbers[row..row + self.lanes].copy_from_slice(&self.sums[row..row + self.lanes]);
        self.node(left).parent = NOBODY;
        self.node(node).left = NOBODY;
        self.pull(node);
    }

    /// Computes a node's sums from those below it in its splay tree.
    pub(crate) fn pull(&mut self, node: NodeId) {
        let Node { left, right, own, hanging, .. } = self.nodes[node as usize];
        let total = own.and(hanging).and(self.total(left)).and(self.total(right));
        self.node(node).total = total;
        let to = self.row(node);
        for i in 0..self.lanes {
            let mut sum = self.numbers[to + i];
            for child in [left, right].into_iter().filter(|child| *child != NOBODY) {
                let below = self.sums[self.row(child) + i];
                for (sum, below) in sum.iter_mut().zip(below) {
                    *sum = sum.wrapping_add(below);
                }
            }
            self.sums[to + i] = sum;
        }
    }

    /// Whether a node is the top of its splay tree.
    fn is_top(&self, node: NodeId) -> bool {
        let parent = self.nodes[node as usize].parent;
        parent == NOBODY || {
            let above = self.nodes[parent as usize];
            above.left != node && above.right != node
        }
    }

    fn rotate(&mut self, node: NodeId) {
        let parent = self.nodes[node as usize].parent;
        let above = self.nodes[parent as usize].parent;
        let parent_is_top = self.is_top(parent);
        let is_left = self.nodes[parent as usize].left == node;
        let inner = if is_left { self.nodes[node as usize].right } else { self.nodes[node as usize].left };
        if is_left {
            self.node(parent).left = inner;
            self.node(node).right = parent;
        } else {
            self.node(parent).right = inner;
            self.node(node).left = parent;
        }
        if inner != NOBODY {
            self.node(inner).parent = parent;
        }
        self.node(parent).parent = node;
        self.node(node).parent = above;
        if !parent_is_top {
            if self.nodes[above as usize].left == parent {
                self.node(above).left = node;
            } else {
                self.node(above).right = node;
            }
        }
        self.pull(parent);
        self.pull(node);
    }

    pub(crate) fn splay(&mut self, node: NodeId) {
        while !self.is_top(node) {
            let parent = self.nodes[node as usize].parent;
            if !self.is_top(parent) {
                let above = self.nodes[parent as usize].parent;
                let same_side =
                    (self.nodes[above as usize].left == parent) == (self.nodes[parent as usize].left == node);
                self.rotate(if same_side { parent } else { node });
            }
            self.rotate(node);
        }
    }

    /// Makes the way from the root to `node` preferred, and `node` the top of its splay tree.
    pub(crate) fn access(&mut self, node: NodeId) {
        let one = self.nodes[node as usize];
        if one.parent == NOBODY && one.right == NOBODY {
            return;
        }
        let mut below = NOBODY;
        let mut at = node;
        while at != NOBODY {
            self.splay(at);
            let right = self.nodes[at as usize].right;
            let hangs_now = self.total(right);
            let hung_before = self.total(below);
            let me = self.node(at);
            me.hanging = me.hanging.and(hangs_now).without(hung_before);
            me.right = below;
            self.pull(at);
            below = at;
            at = self.nodes[at as usize].parent;
        }
        self.splay(node);
    }
}
