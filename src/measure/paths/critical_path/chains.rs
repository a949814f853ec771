//! For each goroutine on a path, in which chains of waits the requests that depend on it wait for it.
//!
//! A node's *list* has a chain for each request in the tree below it, and equal ones as a number. What a root does is
//! added up by chain from its list alone, so ten thousand requests that wait at one lock cost as much as there are
//! different stacks that they wait on.
//!
//! ```text
//!        g7  list: 1 × [recv, Mutex], 1 × [Mutex]
//!        │
//!        g3  in Mutex   list: 1 × [recv], 1 × []
//!       ╱  ╲
//!     g1    request B
//!     in recv   list: 1 × []
//!     request A
//! ```
//!
//! 1. Where a node begins to wait for another one, its list, each chain made longer by that wait, is added to the lists of
//!    the other one and of all nodes above; where it waits no more, the same is taken away.
//! 2. Where no chain gets longer any more, the root's list alone is kept right. The root notes when: lists of nodes that
//!    were linked before are made anew when they are needed, that is, when such a node becomes a root. Queues at a lock are
//!    so long, and there the list of one that leaves is its own request.
//! 3. What a root does while it is one is noted once, as its *work*, and added to all chains of its list when it is one
//!    no more. Where its list changes before, the work that it did till then is subtracted from what is added, or added to
//!    what is taken away ([`ListOfRoot`](super::chain_lists::ListOfRoot)).

use super::chain_lists::{ChainCounts, MAX_LIST, NodeChains, put, put_longer};
use super::{PathWalk, WalkNode};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::wait_chains::WaitChainIdx;
use crate::measure::paths::wait_for::NodeId;

/// Changes of all lists, numbered, and memory for one.
#[derive(Default, Debug)]
pub(super) struct ChainChanges {
    /// The number of the last one.
    last: u64,
    /// The number of the last one that some list does not have; 0 for none.
    last_missed: u64,
    change: ChainCounts,
    nodes: Vec<NodeId>,
}

impl PathWalk<'_, '_> {
    /// The number of the last change of who waits for whom.
    pub(super) fn last_change(&self) -> u64 {
        self.chain_changes.last
    }

    /// `node`, a root, waits for `to` from now on, counted in `wait`. They are linked already.
    pub(super) fn add_chains(&mut self, node: NodeId, to: NodeId, wait: SumIdx) {
        self.chain_changes.last += 1;
        let chains = &mut self.chains[node.at()];
        chains.flush_work(self.results);
        (chains.wait, chains.linked) = (wait, self.chain_changes.last);
        let missed = chains.missed;
        self.change_by_list(node, to, 1);
        if missed > 0 {
            let root = self.forest.root(to);
            let of_root = &mut self.chains[root.at()].missed;
            *of_root = missed.max(*of_root);
        }
        if self.results.elsewhere.is_crowded() {
            self.thin_chains();
        }
    }

    /// Tells chains by fewer waits where there are too many.
    #[cold]
    fn thin_chains(&mut self) {
        for chains in &mut self.chains {
            chains.flush_work(self.results);
        }
        if !self.results.elsewhere.thin() {
            return;
        }
        self.chain_changes.last += 1;
        for NodeChains { list, .. } in &mut self.chains {
            for (chain, n) in std::mem::take(list) {
                put(list, self.results.elsewhere.chains.shortened(chain), n);
            }
            list.retain(|(_, n)| *n != 0);
        }
    }

    /// `node` waits no more. They are linked yet.
    pub(super) fn remove_chains(&mut self, node: NodeId) {
        let WalkNode { waits_for: to, .. } = self.nodes[node.at()];
        self.complete_list(node);
        self.change_by_list(node, to, -1);
    }

    /// `node` waits no more for `root`, for which nothing else waits. They are linked yet.
    pub(super) fn remove_chains_above(&mut self, node: NodeId, root: NodeId) {
        self.complete_list(node);
        let chains = &mut self.chains[root.at()];
        chains.flush_work(self.results);
        chains.list.clear();
    }

    /// `node`, which waits, is about to be a root: its list has to be right.
    fn complete_list(&mut self, node: NodeId) {
        self.chain_changes.last += 1;
        let missed = self.missed_in_tree(node);
        if self.chains[node.at()].linked <= missed {
            self.make_list(node, missed);
        }
        self.chains[node.at()].missed = missed;
    }

    /// One request more, or fewer, is attached to `node`.
    pub(super) fn change_own_chain(&mut self, node: NodeId, n: i32) {
        self.chain_changes.last += 1;
        if self.nodes[node.at()].waits_for == NodeId::NONE {
            self.chains[node.at()].change_list(self.results).add((WaitChainIdx::EMPTY, n), 0);
            return;
        }
        let mut change = std::mem::take(&mut self.chain_changes.change);
        change.push((WaitChainIdx::EMPTY, n));
        self.apply(node, &mut change);
        self.chain_changes.change = change;
    }

    /// The list of `node`, each chain longer by its wait, is added so many times to that of `to` and of all above.
    #[inline]
    fn change_by_list(&mut self, node: NodeId, to: NodeId, times: i32) {
        if !self.change_by_list_fast(node, to, times) {
            self.change_by_list_general(node, to, times);
        }
    }

    /// Equal to [`PathWalk::change_by_list_general`] where `to` works, and has no list yet or all requests of the node have one
    /// chain. Elsewhere it changes nothing, and gives false. Measured with `benches/compare.sh`;
    /// `walks_do_what_the_definition_says` and `fast_paths_find_what_the_general_rule_does` (`tests.rs`) take both.
    #[inline]
    fn change_by_list_fast(&mut self, node: NodeId, to: NodeId, times: i32) -> bool {
        if self.nodes[to.at()].waits_for != NodeId::NONE {
            return false;
        }
        let Self { results, chains, .. } = self;
        let longer = &mut results.elsewhere.chains;
        // Work that is left from a list before is not theirs: `ListOfRoot::add` says so.
        let is_first = times > 0 && chains[to.at()].is_blank();
        let NodeChains { list: below, wait, .. } = &chains[node.at()];
        let wait = *wait;
        if let [(chain, n)] = below[..] {
            let chain = longer.longer(chain, wait);
            let above = &mut chains[to.at()];
            if is_first {
                above.list.push((chain, n));
            } else {
                above.change_list(results).add((chain, n * times), 0);
            }
            return true;
        }
        if is_first && below.len() <= MAX_LIST {
            let mut above = std::mem::take(&mut chains[to.at()].list);
            put_longer(&mut above, &chains[node.at()].list, (wait, times), longer);
            chains[to.at()].list = above;
            return true;
        }
        false
    }

    fn change_by_list_general(&mut self, node: NodeId, to: NodeId, times: i32) {
        let Self { results, chains, .. } = self;
        let NodeChains { list, wait, .. } = &chains[node.at()];
        let mut change = std::mem::take(&mut self.chain_changes.change);
        put_longer(&mut change, list, (*wait, times), &mut results.elsewhere.chains);
        self.apply(to, &mut change);
        self.chain_changes.change = change;
    }

    /// Adds a change to the lists of a node and of all above, and empties it.
    fn apply(&mut self, node: NodeId, change: &mut ChainCounts) {
        let mut at = node;
        // Then all chains are as long as they get.
        for _ in 0..=self.results.elsewhere.chains.most_hops() {
            if change.is_empty() {
                return;
            }
            self.chains[at.at()].change_list(self.results).add_all(change);
            let above = self.nodes[at.at()].waits_for;
            if above == NodeId::NONE {
                return change.clear();
            }
            self.lengthen(change, self.chains[at.at()].wait);
            at = above;
        }
        let root = self.forest.root(at);
        self.chains[root.at()].change_list(self.results).add_all(change);
        change.clear();
        if root != at {
            self.chains[root.at()].missed = self.chain_changes.last;
            self.chain_changes.last_missed = self.chain_changes.last;
        }
    }

    /// Makes all chains of a change longer by one wait.
    #[inline]
    fn lengthen(&mut self, change: &mut ChainCounts, wait: SumIdx) {
        let longer = &mut self.results.elsewhere.chains;
        if let [(chain, _)] = &mut change[..] {
            *chain = longer.longer(*chain, wait);
            return;
        }
        let list = std::mem::take(change);
        put_longer(change, &list, (wait, 1), longer);
    }

    /// The number of the last change that lists in the tree of `node`, which waits, may not have.
    fn missed_in_tree(&mut self, node: NodeId) -> u64 {
        if self.chain_changes.last_missed == 0 {
            return 0;
        }
        let root = self.forest.root(node);
        self.chains[root.at()].missed
    }

    /// Makes the list of `node`, and those below it that do not have all changes up to `missed`, anew.
    #[cold]
    fn make_list(&mut self, node: NodeId, missed: u64) {
        let mut nodes = std::mem::take(&mut self.chain_changes.nodes);
        nodes.push(node);
        let mut next = 0;
        while let Some(&node) = nodes.get(next) {
            next += 1;
            nodes.extend(self.forest.waiters(node).filter(|waiter| self.chains[waiter.at()].linked <= missed));
        }
        for node in nodes.drain(..).rev() {
            self.make_list_from_waiters(node);
        }
        self.chain_changes.nodes = nodes;
    }

    /// Makes the list of a node from those of the nodes that wait for it.
    fn make_list_from_waiters(&mut self, node: NodeId) {
        let mut own = std::mem::take(&mut self.chains[node.at()]);
        own.list.clear();
        let n_requests = self.nodes[node.at()].n_requests as i32;
        if n_requests > 0 {
            own.list.push((WaitChainIdx::EMPTY, n_requests));
        }
        let Self { results, chains, forest, chain_changes, .. } = self;
        for waiter in forest.waiters(node) {
            let NodeChains { list: below, wait, .. } = &chains[waiter.at()];
            for &(chain, n) in below {
                let chain = results.elsewhere.chains.longer(chain, *wait);
                own.change_list(results).add((chain, n), 0);
            }
        }
        own.linked = chain_changes.last;
        self.chains[node.at()] = own;
    }
}
