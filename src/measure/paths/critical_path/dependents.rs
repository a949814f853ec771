//! The requests that depend on a root, one by one, where each one's time by stack is asked for.

use super::{PathWalk, WalkNode};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::request_stacks::RequestStackTimes;
use crate::measure::paths::stack_time::OWN;
use crate::measure::paths::wait_chains::WaitChainIdx;
use crate::measure::paths::wait_for::NodeId;
use crate::slice::WindowIdx;

impl PathWalk<'_, '_> {
    /// Credits each request that depends on `root` with `ns` of `sum`, below the waits in which it waits. `is_own`: what
    /// the request's own goroutine does is counted in the sum itself.
    #[inline(never)]
    pub(super) fn count_by_request(&mut self, root: NodeId, (sum, is_own): (SumIdx, bool), ns: u64) {
        let dependents = self.forest.dependents(root);
        let of_request = |chain| if chain == WaitChainIdx::EMPTY && is_own { OWN } else { chain };
        let alone = match (&self.chains[root.at()].list[..], dependents.only()) {
            ([(chain, 1)], Some(request)) => Some((request, *chain)),
            _ => None,
        };
        if alone.is_none() {
            self.find_dependents(root, dependents.count as usize);
        }
        let Some(stacks) = &mut self.results.stacks else { return };
        if let Some((request, chain)) = alone {
            stacks.add((request, of_request(chain), sum), ns);
        } else if stacks.may_add(stacks.found.list.len()) {
            let found = std::mem::take(&mut stacks.found.list);
            for &(request, chain) in &found {
                stacks.add((request, of_request(chain), sum), ns);
            }
            stacks.found.list = found;
        }
    }

    /// Finds the requests that depend on `root`, so many, unless that is known from the last time.
    fn find_dependents(&mut self, root: NodeId, n: usize) {
        let of = (root, self.last_change());
        let is_coarse = self.has_coarse_chains(root);
        let Some(mut stacks) = self.results.stacks.take() else { return };
        if stacks.found.of != of {
            stacks.found.of = of;
            stacks.found.list.clear();
            if !is_coarse && stacks.may_add(n) {
                let mut nodes = vec![root];
                while let Some(node) = nodes.pop() {
                    let RequestStackTimes { attached, found, .. } = &mut *stacks;
                    if let Some(attached) = attached.get(node.at()).filter(|attached| !attached.is_empty()) {
                        let chain = self.chain_of(node);
                        found.list.extend(attached.iter().map(|request| (*request, chain)));
                    }
                    nodes.extend(self.forest.waiters(node));
                }
            }
        }
        self.results.stacks = Some(stacks);
    }

    /// The chain of waits in which requests that are attached to a node wait for the root of its tree.
    fn chain_of(&mut self, node: NodeId) -> WaitChainIdx {
        let (mut chain, mut at) = (WaitChainIdx::EMPTY, node);
        loop {
            let WalkNode { waits_for, .. } = self.nodes[at.at()];
            let is_ended = self.results.elsewhere.chains.is_ended(chain);
            if waits_for == NodeId::NONE || is_ended {
                return chain;
            }
            let wait = self.chains[at.at()].wait();
            chain = self.results.elsewhere.chains.longer(chain, wait);
            at = waits_for;
        }
    }

    /// Whether the list of a root tells some chains apart less well than they could be.
    fn has_coarse_chains(&self, root: NodeId) -> bool {
        let chains = &self.results.elsewhere.chains;
        let is_coarse = |chain: WaitChainIdx| {
            chains.is_ended(chain) && chains.get(chains.get(chain).before).hops < chains.most_hops()
        };
        self.chains[root.at()].list.iter().any(|(chain, _)| is_coarse(*chain))
    }

    /// A request is attached to a node, or detached from it, where each one's stacks are asked for.
    pub(super) fn note_attached(&mut self, node: NodeId, request: WindowIdx, is_attached: bool) {
        if let Some(stacks) = &mut self.results.stacks {
            if is_attached { stacks.attach(node, request) } else { stacks.detach(node, request) }
        }
    }

    /// A wait of one request that is credited to it alone.
    pub(super) fn count_wait_of(&mut self, request: WindowIdx, (sum, is_own): (SumIdx, bool), ns: u64) {
        if let Some(stacks) = &mut self.results.stacks {
            stacks.add((request, if is_own { OWN } else { WaitChainIdx::EMPTY }, sum), ns);
        }
    }
}
