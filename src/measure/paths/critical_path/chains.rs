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
//! 2. From [`MAX_CLIMB`] nodes above on, where no chain gets longer any more, the root's list alone is kept right. The root
//!    notes when: lists of nodes that were linked before are made anew when they are needed, that is, when such a node
//!    becomes a root. Queues at a lock are so long, and there the list of one that leaves is its own request.

use super::{PathWalk, WalkNode};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::wait_chains::{MAX_HOPS, WaitChainIdx, WaitChains};
use crate::measure::paths::wait_for::NodeId;

/// Nodes above a change whose lists are kept right, besides that of the root.
const MAX_CLIMB: usize = 2 * MAX_HOPS as usize;

/// Chains, each with how many requests have it.
pub(super) type ChainCounts = Vec<(WaitChainIdx, i32)>;

/// The chains of the requests below a node.
#[derive(Clone, Debug)]
pub(super) struct NodeChains {
    /// As they are seen at the node.
    pub(super) list: ChainCounts,
    /// What the node waits in is counted in this; [`SumIdx::NONE`] where it does not exist yet.
    wait: SumIdx,
    /// The number of the change that linked it.
    linked: u64,
    /// Of a root: the number of the last change that lists below do not have.
    missed: u64,
}

impl NodeChains {
    /// What the node waits in is counted in this; [`SumIdx::NONE`] where it does not exist yet.
    pub(super) fn wait(&self) -> SumIdx {
        self.wait
    }

    /// Those of a new node; the memory of an old one is kept.
    pub(super) fn reset(&mut self) {
        self.list.clear();
        (self.wait, self.linked, self.missed) = (SumIdx::NONE, 0, 0);
    }
}

impl Default for NodeChains {
    fn default() -> Self {
        Self { list: ChainCounts::new(), wait: SumIdx::NONE, linked: 0, missed: 0 }
    }
}

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

/// Most chains of a list. Further ones are [coarser](WaitChains::coarser) there.
const MAX_LIST: usize = 128;

/// Adds `n` requests of a chain, or takes them away, in a change.
#[inline]
fn put(change: &mut ChainCounts, chain: WaitChainIdx, n: i32) {
    match change.iter_mut().find(|(known, _)| *known == chain) {
        Some((_, sum)) => *sum += n,
        None => change.push((chain, n)),
    }
}

/// Adds `n` requests of a chain to a list; takes them away where that is less than 0.
#[inline]
fn add(list: &mut ChainCounts, chain: WaitChainIdx, n: i32, chains: &mut WaitChains) {
    match list.iter().position(|(known, _)| *known == chain) {
        Some(i) if list[i].1 + n == 0 => _ = list.swap_remove(i),
        Some(i) if list[i].1 + n > 0 => list[i].1 += n,
        None if n > 0 && list.len() < MAX_LIST => list.push((chain, n)),
        _ if n > 0 => add_coarser(list, chain, n, chains),
        _ => remove_coarser(list, chain, n, chains),
    }
}

/// There is no room for the chain in a list.
#[cold]
fn add_coarser(list: &mut ChainCounts, chain: WaitChainIdx, n: i32, chains: &mut WaitChains) {
    let own = chains.coarser(chain);
    let any = chains.coarser(own);
    let is_known = |chain: WaitChainIdx| list.iter().position(|(known, _)| *known == chain);
    match is_known(own).or_else(|| is_known(any)) {
        Some(i) => list[i].1 += n,
        None if list.len() < 2 * MAX_LIST => list.push((own, n)),
        None => list.push((any, n)),
    }
}

/// Takes requests away that the list has under coarser chains.
#[cold]
fn remove_coarser(list: &mut ChainCounts, chain: WaitChainIdx, n: i32, chains: &mut WaitChains) {
    let mut missing = -n;
    let own = chains.coarser(chain);
    let any = chains.coarser(own);
    for chain in [chain, own, any] {
        if let Some((_, count)) = list.iter_mut().find(|(known, count)| *known == chain && *count > 0) {
            let taken = missing.min(*count);
            *count -= taken;
            missing -= taken;
        }
    }
    list.retain(|(_, count)| *count != 0);
    if missing > 0 {
        list.push((chain, -missing));
    }
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
        (chains.wait, chains.linked) = (wait, self.chain_changes.last);
        let missed = chains.missed;
        self.change_by_list(node, to, 1);
        if missed > 0 {
            let root = self.forest.root(to);
            let of_root = &mut self.chains[root.at()].missed;
            *of_root = missed.max(*of_root);
        }
    }

    /// `node` waits no more. They are linked yet.
    pub(super) fn remove_chains(&mut self, node: NodeId) {
        self.chain_changes.last += 1;
        let WalkNode { waits_for: to, .. } = self.nodes[node.at()];
        let missed = self.missed_in_tree(node);
        if self.chains[node.at()].linked <= missed {
            self.make_list(node, missed);
        }
        self.chains[node.at()].missed = missed;
        self.change_by_list(node, to, -1);
    }

    /// One request more, or fewer, is attached to `node`.
    pub(super) fn change_own_chain(&mut self, node: NodeId, n: i32) {
        self.chain_changes.last += 1;
        if self.nodes[node.at()].waits_for == NodeId::NONE {
            let list = &mut self.chains[node.at()].list;
            return add(list, WaitChainIdx::EMPTY, n, &mut self.results.elsewhere.chains);
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

    /// Equal to [`PathWalk::change_by_list_general`] where all requests of the node have one chain, and `to` works. Elsewhere
    /// it changes nothing, and gives false. Measured with `benches/compare.sh`; `walks_do_what_the_definition_says` and
    /// `fast_paths_find_what_the_general_rule_does` (`tests.rs`) take both.
    #[inline]
    fn change_by_list_fast(&mut self, node: NodeId, to: NodeId, times: i32) -> bool {
        let Self { results, chains, nodes, .. } = self;
        let below = &chains[node.at()];
        let [(chain, n)] = below.list[..] else { return false };
        if nodes[to.at()].waits_for != NodeId::NONE {
            return false;
        }
        let longer = &mut results.elsewhere.chains;
        let chain = longer.longer(chain, below.wait);
        let list = &mut chains[to.at()].list;
        match list[..] {
            [] if times > 0 => list.push((chain, n)),
            [(known, m)] if known == chain && m + n * times == 0 => list.clear(),
            _ => add(list, chain, n * times, longer),
        }
        true
    }

    fn change_by_list_general(&mut self, node: NodeId, to: NodeId, times: i32) {
        let Self { results, chains, .. } = self;
        let NodeChains { list, wait, .. } = &chains[node.at()];
        let wait = *wait;
        let mut change = std::mem::take(&mut self.chain_changes.change);
        for &(chain, n) in list {
            put(&mut change, results.elsewhere.chains.longer(chain, wait), n * times);
        }
        self.apply(to, &mut change);
        self.chain_changes.change = change;
    }

    /// Adds a change to the lists of a node and of all above, and empties it.
    fn apply(&mut self, node: NodeId, change: &mut ChainCounts) {
        let mut at = node;
        for _ in 0..MAX_CLIMB {
            if change.is_empty() {
                return;
            }
            for &(chain, n) in &*change {
                add(&mut self.chains[at.at()].list, chain, n, &mut self.results.elsewhere.chains);
            }
            let above = self.nodes[at.at()].waits_for;
            if above == NodeId::NONE {
                return change.clear();
            }
            self.lengthen(change, self.chains[at.at()].wait);
            at = above;
        }
        let root = self.forest.root(at);
        for (chain, n) in change.drain(..) {
            add(&mut self.chains[root.at()].list, chain, n, &mut self.results.elsewhere.chains);
        }
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
        for (chain, n) in std::mem::take(change) {
            put(change, longer.longer(chain, wait), n);
        }
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
        let mut list = std::mem::take(&mut self.chains[node.at()].list);
        list.clear();
        let n_requests = self.nodes[node.at()].n_requests as i32;
        if n_requests > 0 {
            list.push((WaitChainIdx::EMPTY, n_requests));
        }
        let waiters: Vec<NodeId> = self.forest.waiters(node).collect();
        for waiter in waiters {
            let Self { results, chains, .. } = self;
            let NodeChains { list: below, wait, .. } = &chains[waiter.at()];
            for &(chain, n) in below {
                let longer = &mut results.elsewhere.chains;
                let chain = longer.longer(chain, *wait);
                add(&mut list, chain, n, longer);
            }
        }
        let chains = &mut self.chains[node.at()];
        (chains.list, chains.linked) = (list, self.chain_changes.last);
    }
}
