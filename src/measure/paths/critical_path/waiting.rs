//! Who waits for whom: goroutines are linked to their wakers and creators, and cut off again.

use super::PathWalk;
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::{Link, LinkKind};
use crate::measure::paths::wait_for::NodeId;
use crate::measure::paths::walk_results::WalkHandOver;
use crate::measure::paths::work_borders::WorkBorder;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;

impl PathWalk<'_, '_> {
    /// Reaches the start of a wait, at `time`: before it, the goroutine worked itself.
    pub(super) fn reach_wait_start(&mut self, node: NodeId, time: Time) {
        let root = self.forest.root(node);
        self.count_root(root, time);
        self.leave_waker(node);
    }

    /// Goes on, before `time`, with who started the interval that begins there.
    pub(super) fn follow(&mut self, node: NodeId, link: Link, time: Time) {
        match link.kind {
            LinkKind::Wake | LinkKind::TimerGoroutine => {
                self.nodes[node.at()].woken_by = Some(link);
                self.wait_for(node, link.by, time);
            }
            LinkKind::Bystander | LinkKind::Timer | LinkKind::Runtime => self.nodes[node.at()].woken_by = Some(link),
            LinkKind::Creation => {
                if !link.by.is_some() || !self.wait_for(node, link.by, time) {
                    self.cut_off_waiters(node, time);
                }
            }
        }
    }

    /// Links `node` to the goroutine that ended its wait, or created it, at `time`. Not if that does not exist then, if
    /// no request depends on `node`, or if that would be a circle; gives whether it was linked.
    fn wait_for(&mut self, node: NodeId, by: GIdx, time: Time) -> bool {
        let is_alive = by.is_some() && self.position.sum(by).is_alive();
        // Its list is that of a root. It has none where requests below it are not attached yet: see `late`.
        if !is_alive || self.chains[node.at()].list.is_empty() {
            return false;
        }
        let known = self.position.node(by);
        if known != NodeId::NONE {
            let root = self.forest.root(known);
            if root == node {
                return false;
            }
            self.count_root(root, time);
        }
        let waiting = self.nodes[node.at()].g;
        let wait = self.first_sum(self.position.sum(waiting)).unwrap_or(SumIdx::NONE);
        self.note_hand_over(node, WalkHandOver { time, from: by, to: waiting, wait });
        let to = if known == NodeId::NONE {
            let new = self.forest.add_root_above(node);
            self.set_up_node(new, by, time);
            new
        } else {
            self.forest.link(node, known);
            known
        };
        self.forget_logged_root();
        self.nodes[node.at()].waits_for = to;
        self.add_chains(node, to, wait);
        true
    }

    /// Cuts a goroutine off from the one that it waits for. That loses its node if nothing else needs it, as do those that it waits
    /// for.
    pub(super) fn leave_waker(&mut self, node: NodeId) {
        let waits_for = self.nodes[node.at()].waits_for;
        let Some(root) = self.root_needed_by_none_but(node) else {
            self.stop_waiting(node);
            return self.remove_if_unused(waits_for);
        };
        self.remove_chains_above(node, root);
        let mut at = root;
        while at != node {
            let below = self.forest.first_waiter(at);
            self.forest.remove_root_above(below);
            self.position.set_node(self.nodes[at.at()].g, NodeId::NONE);
            at = below;
        }
        self.forget_logged_root();
        self.nodes[node.at()].waits_for = NodeId::NONE;
    }

    /// The root for which a node waits, if no request depends on that, and on those between, but for what is below the node.
    fn root_needed_by_none_but(&self, node: NodeId) -> Option<NodeId> {
        let mut at = node;
        loop {
            let above = self.nodes[at.at()].waits_for;
            if above == NodeId::NONE {
                return Some(at);
            }
            if self.has_requests(above) || !self.forest.is_only_waiter(at) {
                return None;
            }
            at = above;
        }
    }

    /// Cuts a goroutine off from the one that it waits for.
    pub(super) fn stop_waiting(&mut self, node: NodeId) {
        self.remove_chains(node);
        self.forest.cut(node);
        self.forget_logged_root();
        self.nodes[node.at()].waits_for = NodeId::NONE;
    }

    /// A goroutine worked for another request before, or for none: who waits for it just waited before.
    pub(super) fn cross_work_border(&mut self, WorkBorder { time, g, .. }: WorkBorder) {
        let node = self.position.node(g);
        if node == NodeId::NONE || !self.forest.has_waiters(node) {
            return;
        }
        let root = self.forest.root(node);
        self.count_root(root, time);
        self.cut_off_waiters(node, time);
    }

    /// A goroutine did not exist before `time`, and the trace names no creator to go on with. So who waited for it just
    /// waited before. Waiters that it had created did not exist either: so on with theirs. Those that nothing needs then lose their
    /// nodes.
    fn cut_off_waiters(&mut self, node: NodeId, time: Time) {
        let mut not_created = vec![node];
        while let Some(node) = not_created.pop() {
            while self.forest.has_waiters(node) {
                let waiter = self.forest.first_waiter(node);
                self.stop_waiting(waiter);
                self.nodes[waiter.at()].counted_from = time;
                if self.position.sum(self.nodes[waiter.at()].g) == SumIdx::NOT_CREATED {
                    not_created.push(waiter);
                }
            }
            self.remove_if_unused(node);
        }
    }
}
