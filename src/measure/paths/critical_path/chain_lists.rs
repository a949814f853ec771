//! The list of a node: the chains of waits of the requests below it, and what a root did for all of them.
//! `chains.rs` says when lists change.

use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::wait_chains::{WaitChainIdx, WaitChains};
use crate::measure::paths::walk_results::WalkResults;

/// Chains, each with how many requests have it.
pub(super) type ChainCounts = Vec<(WaitChainIdx, i32)>;

/// The chains of the requests below a node.
#[derive(Clone, Debug)]
pub(super) struct NodeChains {
    /// As they are seen at the node.
    pub(super) list: ChainCounts,
    /// What the node waits in is counted in this; [`SumIdx::NONE`] where it does not exist yet.
    pub(super) wait: SumIdx,
    /// The number of the change that linked it.
    pub(super) linked: u64,
    /// Of a root: the number of the last change that lists below do not have.
    pub(super) missed: u64,
    /// Of a root: what it did since it is one, as far as it is not added to the chains yet.
    pub(super) work: Vec<WorkTime>,
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
    /// Whether no chain is in the list, and no work waits for chains.
    #[inline]
    pub(super) fn is_blank(&self) -> bool {
        self.list.is_empty() && self.work.is_empty()
    }

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
    // Inlined: part of the one inner loop, and the call cost as much.
    #[inline(always)]
    pub(super) fn add_work(&mut self, work: WorkTime, results: &mut WalkResults) {
        match self.list[..] {
            [] => {}
            [(chain, n)] => work.add_to(results, chain, n),
            _ => self.note_work(work),
        }
    }

    fn note_work(&mut self, work: WorkTime) {
        match self.work.iter_mut().find(|known| known.sum == work.sum) {
            Some(known) => known.ns = known.ns.wrapping_add(work.ns),
            None => self.work.push(work),
        }
    }

    /// Adds the work to all chains of the list.
    pub(super) fn flush_work(&mut self, results: &mut WalkResults) {
        for work in self.work.drain(..) {
            for &(chain, n) in &self.list {
                work.add_to(results, chain, n);
            }
        }
    }

    /// The list, to be changed.
    #[inline]
    pub(super) fn change_list<'a>(&'a mut self, results: &'a mut WalkResults) -> ListOfRoot<'a> {
        ListOfRoot { list: &mut self.list, work: &mut self.work, results }
    }
}

impl Default for NodeChains {
    fn default() -> Self {
        Self { list: ChainCounts::new(), wait: SumIdx::NONE, linked: 0, missed: 0, work: Vec::new() }
    }
}

/// Most chains of a list. Further ones are [coarser](WaitChains::coarser) there.
pub(super) const MAX_LIST: usize = 128;

/// Adds `n` requests of a chain, or takes them away, in a change.
#[inline]
pub(super) fn put(change: &mut ChainCounts, chain: WaitChainIdx, n: i32) {
    match change.iter_mut().find(|(known, _)| *known == chain) {
        Some((_, sum)) => *sum += n,
        None => change.push((chain, n)),
    }
}

/// A list of chains, each longer by one wait, so many times.
#[inline]
pub(super) fn put_longer(
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
    if n_ending == 0 {
        return;
    }
    for &(chain, n) in list {
        let more = longer.longer(chain, wait);
        if more != chain && longer.is_ended(more) {
            put(change, more, n * times);
        }
    }
}

/// A list while it is changed; that of a root has work that not all of its requests waited for.
pub(super) struct ListOfRoot<'a> {
    list: &'a mut ChainCounts,
    pub(super) work: &'a mut Vec<WorkTime>,
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
    pub(super) fn add(&mut self, (chain, n): (WaitChainIdx, i32), likely: usize) -> usize {
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
    pub(super) fn add_all(&mut self, change: &[(WaitChainIdx, i32)]) {
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
