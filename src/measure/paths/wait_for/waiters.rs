//! Who waits for whom, node by node.

use super::{NodeId, WaitForForest};

impl WaitForForest {
    /// Whether a goroutine waits for that of `node`.
    #[inline]
    pub(crate) fn has_waiters(&self, node: NodeId) -> bool {
        self.first_waiter(node) != NodeId::NONE
    }

    /// Whether a node, which waits, is the only one that waits for the same goroutine.
    #[inline]
    pub(crate) fn is_only_waiter(&self, node: NodeId) -> bool {
        let waiter = &self.nodes[node.at()];
        waiter.next_waiter == NodeId::NONE && waiter.previous_waiter == NodeId::NONE
    }

    /// One of the nodes that wait for `node`; [`NodeId::NONE`] for none.
    #[inline]
    pub(crate) fn first_waiter(&self, node: NodeId) -> NodeId {
        self.nodes[node.at()].first_waiter
    }

    /// The nodes that wait for a node.
    pub(crate) fn waiters(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let some = |node: NodeId| (node != NodeId::NONE).then_some(node);
        std::iter::successors(some(self.first_waiter(node)), move |waiter| some(self.nodes[waiter.at()].next_waiter))
    }

    #[inline]
    pub(super) fn add_waiter(&mut self, node: NodeId, to: NodeId) {
        let first = std::mem::replace(&mut self.node(to).first_waiter, node);
        if first != NodeId::NONE {
            self.node(first).previous_waiter = node;
        }
        let waiter = self.node(node);
        (waiter.waits_for, waiter.next_waiter, waiter.previous_waiter) = (to, first, NodeId::NONE);
    }

    #[inline]
    pub(super) fn remove_waiter(&mut self, node: NodeId) {
        let waiter = self.node(node);
        let (to, next, previous) = (waiter.waits_for, waiter.next_waiter, waiter.previous_waiter);
        (waiter.waits_for, waiter.next_waiter, waiter.previous_waiter) = (NodeId::NONE, NodeId::NONE, NodeId::NONE);
        if previous != NodeId::NONE {
            self.node(previous).next_waiter = next;
        } else if to != NodeId::NONE {
            self.node(to).first_waiter = next;
        }
        if next != NodeId::NONE {
            self.node(next).previous_waiter = previous;
        }
    }

    /// The node after `at` in the tree below `top`, each before those that wait for it; [`NodeId::NONE`] after the last.
    /// What is below `skipped` is left out, and `skipped` too.
    #[inline]
    pub(super) fn next_below(&self, at: NodeId, top: NodeId, skipped: NodeId) -> NodeId {
        let first = self.first_waiter(at);
        let next = if first == NodeId::NONE { self.next_beside(at, top) } else { first };
        if next == skipped && next != NodeId::NONE { self.next_beside(next, top) } else { next }
    }

    /// The same, without what is below `at`.
    fn next_beside(&self, at: NodeId, top: NodeId) -> NodeId {
        let mut at = at;
        while at != top {
            let one = &self.nodes[at.at()];
            if one.next_waiter != NodeId::NONE {
                return one.next_waiter;
            }
            at = one.waits_for;
        }
        NodeId::NONE
    }
}
