//! Chains of waits: what a request waited in while another goroutine worked for it.
//!
//! A request waits for a lock; the goroutine that holds it waits for a message; the one that sends that runs. The chain of
//! what the last one does is the wait for the lock, then the wait for the message:
//!
//! ```text
//! g3  running              ─┐
//! g2  chan receive          ├─ chain of g3's time: [sync.Mutex of g1, chan receive of g2]
//! g1  sync.Mutex  request  ─┘
//! ```
//!
//! Chains are kept as a tree: each is a shorter one and one wait more. What is further than [`MAX_HOPS`] waits away is
//! told apart by the first of them alone.

use super::key_table::KeyTable;
use crate::measure::intervals::aggregate::SumIdx;
use crate::trace::ids::dense_index;

/// Waits of a chain at most. Chains of more of them end in one that says so.
pub(crate) const MAX_HOPS: u8 = 8;

dense_index! {
    /// A chain in [`WaitChains`].
    WaitChainIdx
}

impl WaitChainIdx {
    /// The chain of what a request's own goroutine does.
    pub(crate) const EMPTY: Self = Self(0);
}

/// A chain: another one, and one wait more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct WaitChain {
    /// The waits before.
    pub(crate) before: WaitChainIdx,
    /// What the last wait is counted in; [`SumIdx::NONE`] where the goroutine did not exist yet, so that its creator worked
    /// for the request.
    pub(crate) wait: SumIdx,
    /// How many waits. More than [`MAX_HOPS`]: any number of them follows those before.
    pub(crate) hops: u8,
}

/// Chains that were met.
#[derive(Debug)]
pub(crate) struct WaitChains {
    table: KeyTable<WaitChain>,
}

impl Default for WaitChains {
    fn default() -> Self {
        let mut table = KeyTable::default();
        table.position(WaitChain { before: WaitChainIdx::NONE, wait: SumIdx::NONE, hops: 0 }, 0);
        Self { table }
    }
}

impl WaitChains {
    /// The chain that is one wait longer, in which the time of the wait is counted in `wait`.
    #[inline]
    pub(crate) fn longer(&mut self, before: WaitChainIdx, wait: SumIdx) -> WaitChainIdx {
        match self.get(before).hops {
            MAX_HOPS => self.ended(before),
            hops if hops > MAX_HOPS => before,
            hops => self.add(WaitChain { before, wait, hops: hops + 1 }),
        }
    }

    /// The chain of these waits and any number of further ones.
    fn ended(&mut self, before: WaitChainIdx) -> WaitChainIdx {
        self.add(WaitChain { before, wait: SumIdx::NONE, hops: MAX_HOPS + 1 })
    }

    #[inline]
    fn add(&mut self, chain: WaitChain) -> WaitChainIdx {
        WaitChainIdx(self.table.position(chain, chain.before.0.wrapping_mul(31) ^ chain.wait.0) as u32)
    }

    /// A chain that tells less, where there are too many: the first wait and any number of further ones, and for that any
    /// number at all.
    pub(crate) fn coarser(&mut self, chain: WaitChainIdx) -> WaitChainIdx {
        let mut first = chain;
        while self.get(first).before != WaitChainIdx::EMPTY && first != WaitChainIdx::EMPTY {
            first = self.get(first).before;
        }
        let coarser = self.ended(first);
        if coarser == chain || self.get(first).hops > MAX_HOPS { self.ended(WaitChainIdx::EMPTY) } else { coarser }
    }

    /// A chain by its number.
    #[inline]
    pub(crate) fn get(&self, chain: WaitChainIdx) -> WaitChain {
        self.table.keys()[chain.at()]
    }

    /// The waits of a chain, that of the request's own goroutine first; and whether any number of others follows.
    pub(crate) fn waits(&self, chain: WaitChainIdx) -> (Vec<SumIdx>, bool) {
        let mut waits = Vec::new();
        let mut at = self.get(chain);
        let is_ended = at.hops > MAX_HOPS;
        if is_ended {
            at = self.get(at.before);
        }
        while at.hops > 0 {
            waits.push(at.wait);
            at = self.get(at.before);
        }
        waits.reverse();
        (waits, is_ended)
    }

    /// Adds to `known`, which has the first chains of another tree as they are here, all further ones.
    pub(crate) fn take_all(&mut self, from: &Self, known: &mut Vec<WaitChainIdx>) {
        for &WaitChain { before, wait, hops } in &from.table.keys()[known.len()..] {
            // Each chain comes after the one that it continues.
            let chain = match hops {
                0 => WaitChainIdx::EMPTY,
                hops if hops > MAX_HOPS => self.ended(known[before.at()]),
                _ => self.longer(known[before.at()], wait),
            };
            known.push(chain);
        }
    }
}

/// Most pairs of a chain and a sum that are told apart. Where a trace has more, chains get [coarser](WaitChains::coarser):
/// no program has so many, and memory must not grow with their product.
const MAX_PAIRS: usize = 1 << 20;

/// Time that requests spent in other goroutines than their own, by what they waited in and what those did.
#[derive(Default, Debug)]
pub(crate) struct TimeElsewhere {
    pub(crate) chains: WaitChains,
    table: KeyTable<(WaitChainIdx, SumIdx)>,
    /// Nanoseconds by position in `table`.
    ns: Vec<u64>,
    /// The first chains, as they are among those of the whole trace.
    in_whole: Vec<WaitChainIdx>,
}

impl TimeElsewhere {
    /// Adds time that is counted in `sum`.
    #[inline]
    pub(crate) fn add(&mut self, chain: WaitChainIdx, sum: SumIdx, ns: u64) {
        let mut chain = chain;
        if self.ns.len() >= MAX_PAIRS {
            chain = self.known_chain(chain, sum);
        }
        let position = self.table.position((chain, sum), chain.0.wrapping_mul(31) ^ sum.0);
        if position == self.ns.len() {
            self.ns.push(0);
        }
        self.ns[position] = self.ns[position].saturating_add(ns);
    }

    /// A chain as it is among those of the whole trace, since [`TimeElsewhere::move_to`]; `OWN` stays so.
    pub(crate) fn in_whole(&self, chain: WaitChainIdx) -> WaitChainIdx {
        self.in_whole.get(chain.at()).copied().unwrap_or(chain)
    }

    /// Whether chains that are new for a sum get coarser.
    pub(crate) fn is_full(&self) -> bool {
        self.ns.len() >= MAX_PAIRS
    }

    /// The chain, or a coarser one if it is new for this sum.
    #[cold]
    fn known_chain(&mut self, chain: WaitChainIdx, sum: SumIdx) -> WaitChainIdx {
        if self.table.has(&(chain, sum)) {
            return chain;
        }
        let coarser = self.chains.coarser(chain);
        if self.table.has(&(coarser, sum)) { coarser } else { self.chains.coarser(coarser) }
    }

    /// Adds to `all` what was added here since the last time, with the chains as they are in `chains`.
    pub(crate) fn move_to(&mut self, chains: &mut WaitChains, mut all: impl FnMut((WaitChainIdx, SumIdx), u64)) {
        chains.take_all(&self.chains, &mut self.in_whole);
        for (&(chain, sum), ns) in self.table.keys().iter().zip(&mut self.ns) {
            let ns = std::mem::take(ns);
            if ns > 0 {
                all((self.in_whole[chain.at()], sum), ns);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_ends_after_so_many_waits() {
        let mut chains = WaitChains::default();
        let mut chain = WaitChainIdx::EMPTY;
        for i in 0..u32::from(MAX_HOPS) {
            chain = chains.longer(chain, SumIdx(i));
            assert_eq!(chains.get(chain).wait, SumIdx(i));
        }
        let more = chains.longer(chain, SumIdx(100));
        assert_eq!(more, chains.longer(chain, SumIdx(200)));
        assert_eq!(more, chains.longer(more, SumIdx(300)));
        assert_eq!(chains.waits(more), ((0..u32::from(MAX_HOPS)).map(SumIdx).collect(), true));
        let first = chains.coarser(more);
        assert_eq!(chains.waits(first), (vec![SumIdx(0)], true));
        let any = chains.coarser(first);
        assert_eq!(chains.waits(any), (vec![], true));
        assert_eq!(chains.coarser(any), any);
        let mut others = WaitChains::default();
        others.longer(WaitChainIdx::EMPTY, SumIdx(7));
        let mut known = Vec::new();
        for more in [SumIdx(1), SumIdx(2)] {
            others.take_all(&chains, &mut known);
            for chain in 0..known.len() as u32 {
                assert_eq!(others.waits(known[chain as usize]), chains.waits(WaitChainIdx(chain)));
            }
            chains.longer(WaitChainIdx::EMPTY, more);
        }
    }

    #[test]
    fn pairs_beyond_number_are_told_apart_by_their_first_wait() {
        let mut times = TimeElsewhere::default();
        let first = times.chains.longer(WaitChainIdx::EMPTY, SumIdx(7));
        let n = MAX_PAIRS as u32 + 1000;
        for i in 0..n {
            let chain = times.chains.longer(first, SumIdx(i));
            times.add(chain, SumIdx(i % 3), 1);
        }
        let mut found = [0, 0, 0];
        let (mut chains, mut moved) = (WaitChains::default(), Vec::new());
        times.move_to(&mut chains, |(chain, _), ns| moved.push((chain, ns)));
        for (chain, ns) in moved {
            match chains.waits(chain) {
                (waits, true) if waits.is_empty() => found[0] += ns,
                (_, true) => found[1] += ns,
                _ => found[2] += ns,
            }
        }
        assert_eq!(found, [1000, 0, MAX_PAIRS as u64]);
    }
}
