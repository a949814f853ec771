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
//!    what is taken away ([`ListOfRoot`]).

use super::{PathWalk, WalkNode};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::wait_chains::{WaitChainIdx, WaitChains};
use crate::measure::paths::wait_for::NodeId;
use crate::measure::paths::walk_results::WalkResults;

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
    /// Of a root: what it did since it is one, as far as it is not added to the chains yet.
    work: Vec<WorkTime>,
}

/// Time of a root.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkTime {
    pub(super) sum: SumIdx,
    /// Whether what the request's own goroutine does is counted in the sum itself.
    pub(super) is_own: bool,
    pub(super) ns: u64,
}

impl WorkTime {
    /// Adds it, so many times, to what requests with a chain spent.
    #[inline]
    fn add_to(self, results: &mut WalkResults, chain: WaitChainIdx, times: i32) {
        let ns = self.ns.wrapping_mul(i64::from(times) as u64);
        if chain == WaitChainIdx::EMPTY && self.is_own {
            let own_ns = &mut results.sums[self.sum.at()].own_ns;
            *own_ns = own_ns.wrapping_add(ns);
        } else {
            results.elsewhere.add(chain, self.sum, ns);
        }
    }
}

impl NodeChains {
    /// What the node waits in is counted in this; [`SumIdx::NONE`] where it does not exist yet.
    pub(super) fn wait(&self) -> SumIdx {
        self.wait
    }

    /// Those of a new node; the memory of an old one is kept.
    pub(super) fn reset(&mut self) {
        self.list.clear();
        self.work.clear();
        (self.wait, self.linked, self.missed) = (SumIdx::NONE, 0, 0);
    }

    /// Notes what the root did, once for all requests of its list.
    #[inline]
    pub(super) fn add_work(&mut self, work: WorkTime, results: &mut WalkResults) {
        match self.list[..] {
            [] => {}
            [(chain, n)] => work.add_to(results, chain, n),
            _ => match self.work.iter_mut().find(|known| known.sum == work.sum) {
                Some(known) => known.ns = known.ns.wrapping_add(work.ns),
                None => self.work.push(work),
            },
        }
    }

    /// Adds the work to all chains of the list.
    fn flush_work(&mut self, results: &mut WalkResults) {
        for work in self.work.drain(..) {
            for &(chain, n) in &self.list {
                work.add_to(results, chain, n);
            }
        }
    }

    /// The list, to be changed.
    #[inline]
    fn change_list<'a>(&'a mut self, results: &'a mut WalkResults) -> ListOfRoot<'a> {
        ListOfRoot { list: &mut self.list, work: &mut self.work, results }
    }
}

impl Default for NodeChains {
    fn default() -> Self {
        Self { list: ChainCounts::new(), wait: SumIdx::NONE, linked: 0, missed: 0, work: Vec::new() }
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

/// A list of chains, each longer by one wait, so many times.
#[inline]
fn put_longer(
    change: &mut ChainCounts,
    list: &[(WaitChainIdx, i32)],
    (wait, times): (SumIdx, i32),
    longer: &mut WaitChains,
) {
    // What gets no longer stays different, and so does what has room for a further wait.
    let mut n_ending = 0;
    for &(chain, n) in list {
        let more = longer.longer(chain, wait);
        if more != chain && longer.is_ended(more) {
            n_ending += 1;
        } else {
            change.push((more, n * times));
        }
    }
    let ending = list.iter().filter(|(chain, _)| n_ending > 0 && !longer.is_ended(*chain)).copied();
    for (chain, n) in ending.collect::<ChainCounts>() {
        let more = longer.longer(chain, wait);
        if longer.is_ended(more) {
            put(change, more, n * times);
        }
    }
}

/// A list while it is changed; that of a root has work that not all of its requests waited for.
struct ListOfRoot<'a> {
    list: &'a mut ChainCounts,
    work: &'a mut Vec<WorkTime>,
    results: &'a mut WalkResults,
}

impl ListOfRoot<'_> {
    /// The position of a chain; `likely` is looked at first.
    #[inline]
    fn position(&self, chain: WaitChainIdx, likely: usize) -> Option<usize> {
        let is_it = self.list.get(likely).is_some_and(|(known, _)| *known == chain);
        if is_it { Some(likely) } else { self.list.iter().position(|(known, _)| *known == chain) }
    }

    /// The number of requests of a chain changes by `n`: work from before is not theirs, or theirs.
    #[inline]
    fn correct(&mut self, chain: WaitChainIdx, n: i32) {
        for work in &*self.work {
            work.add_to(self.results, chain, -n);
        }
    }

    /// Adds `n` requests of a chain; takes them away where that is less than 0. The chain is likely at a position; gives
    /// where it is, or was.
    #[inline]
    fn add(&mut self, (chain, n): (WaitChainIdx, i32), likely: usize) -> usize {
        let position = self.position(chain, likely);
        match position {
            Some(i) if self.list[i].1 + n == 0 => {
                self.list.swap_remove(i);
            }
            Some(i) if self.list[i].1 + n > 0 => self.list[i].1 += n,
            None if n > 0 && self.list.len() < MAX_LIST => self.list.push((chain, n)),
            _ if n > 0 => {
                self.add_coarser(chain, n);
                return likely;
            }
            _ => {
                self.remove_coarser(chain, n);
                return likely;
            }
        }
        self.correct(chain, n);
        if self.list.is_empty() {
            self.work.clear();
        }
        position.unwrap_or_else(|| self.list.len() - 1)
    }

    /// Adds a change.
    #[inline]
    fn add_all(&mut self, change: &[(WaitChainIdx, i32)]) {
        let is_more = change.first().is_some_and(|(_, n)| *n > 0);
        if is_more && self.list.is_empty() && self.work.is_empty() && change.len() <= MAX_LIST {
            return self.list.extend_from_slice(change);
        }
        // What was added last is likely taken away first.
        let mut likely = self.list.len().wrapping_sub(1);
        for &one in change.iter().rev() {
            likely = self.add(one, likely).wrapping_sub(1);
        }
    }

    /// There is no room for the chain.
    #[cold]
    fn add_coarser(&mut self, chain: WaitChainIdx, n: i32) {
        let own = self.results.elsewhere.chains.coarser(chain);
        let any = self.results.elsewhere.chains.coarser(own);
        let is_known = |chain: WaitChainIdx| self.list.iter().position(|(known, _)| *known == chain);
        let known = is_known(own).or_else(|| is_known(any));
        let coarser = if self.list.len() < 2 * MAX_LIST { own } else { any };
        let at = known.unwrap_or_else(|| {
            self.list.push((coarser, 0));
            self.list.len() - 1
        });
        self.list[at].1 += n;
        let chain = self.list[at].0;
        self.correct(chain, n);
    }

    /// Takes requests away that the list has under coarser chains.
    #[cold]
    fn remove_coarser(&mut self, chain: WaitChainIdx, n: i32) {
        let mut missing = -n;
        let own = self.results.elsewhere.chains.coarser(chain);
        let any = self.results.elsewhere.chains.coarser(own);
        for chain in [chain, own, any] {
            if let Some((_, count)) = self.list.iter_mut().find(|(known, count)| *known == chain && *count > 0) {
                let taken = missing.min(*count);
                *count -= taken;
                missing -= taken;
                self.correct(chain, -taken);
            }
        }
        self.list.retain(|(_, count)| *count != 0);
        if missing > 0 {
            self.list.push((chain, -missing));
            self.correct(chain, -missing);
        }
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
        chains[to.at()].change_list(results).add((chain, n * times), 0);
        true
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
