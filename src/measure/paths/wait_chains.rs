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
//! told apart by these alone. Goroutines that queue at a lock on many stacks make a million chains, of which nearly all have a
//! few microseconds; each would be a sample of the profile, with a stack of eight goroutines, and work for each step of a walk.
//! So where there are more pairs of a chain and a sum than [`most_pairs`], all chains are told by fewer waits ([`FEWER_HOPS`]):
//! by as many as there is room for. How many that are depends on what requests waited in, and not on who walked which first.

use super::key_table::KeyTable;
use super::our_sums::OurSums;
use crate::measure::intervals::aggregate::SumIdx;
use crate::trace::ids::dense_index;

/// Waits of a chain at most. Chains of more of them end in one that says so.
pub(crate) const MAX_HOPS: u8 = 8;

/// How many waits chains are told by, where there are too many with the number before.
const FEWER_HOPS: [u8; 6] = [MAX_HOPS, 4, 3, 2, 1, 0];

/// Most pairs of a chain and a sum where chains are told by so many waits. The first wait is worth more than others: its
/// stack is the request's own.
pub(crate) fn most_pairs(hops: u8) -> usize {
    match hops {
        0 => usize::MAX,
        1 => 1 << 16,
        _ => 1 << 12,
    }
}

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
    /// Chains are told by so many waits, at most.
    most_hops: u8,
}

impl Default for WaitChains {
    fn default() -> Self {
        let mut table = KeyTable::default();
        table.position(WaitChain { before: WaitChainIdx::NONE, wait: SumIdx::NONE, hops: 0 }, 0);
        Self { table, most_hops: MAX_HOPS }
    }
}

impl WaitChains {
    /// The chain that is one wait longer, in which the time of the wait is counted in `wait`.
    #[inline]
    pub(crate) fn longer(&mut self, before: WaitChainIdx, wait: SumIdx) -> WaitChainIdx {
        match self.get(before).hops {
            hops if hops > MAX_HOPS => before,
            hops if hops >= self.most_hops => self.ended(before),
            hops => self.add(WaitChain { before, wait, hops: hops + 1 }),
        }
    }

    /// The chain of these waits and any number of further ones.
    pub(crate) fn ended(&mut self, before: WaitChainIdx) -> WaitChainIdx {
        let is_ended = self.is_ended(before);
        if is_ended { before } else { self.add(WaitChain { before, wait: SumIdx::NONE, hops: MAX_HOPS + 1 }) }
    }

    /// Whether any number of further waits follows those of a chain.
    #[inline]
    pub(crate) fn is_ended(&self, chain: WaitChainIdx) -> bool {
        self.get(chain).hops > MAX_HOPS
    }

    /// How many waits chains are told by, at most.
    #[inline]
    pub(crate) fn most_hops(&self) -> u8 {
        self.most_hops
    }

    /// Chains are told by no more waits than that, from here on.
    pub(crate) fn limit_hops(&mut self, most: u8) {
        self.most_hops = self.most_hops.min(most);
    }

    /// Chains are told by fewer waits, from here on. Must not be called where they are told by none.
    pub(crate) fn tell_fewer(&mut self) {
        let fewer = FEWER_HOPS.into_iter().find(|hops| *hops < self.most_hops);
        self.most_hops = fewer.unwrap_or(0);
    }

    /// A chain told by as many waits as it may be by now.
    pub(crate) fn shortened(&mut self, chain: WaitChainIdx) -> WaitChainIdx {
        let mut at = if self.is_ended(chain) { self.get(chain).before } else { chain };
        if self.get(at).hops <= self.most_hops {
            return chain;
        }
        while self.get(at).hops > self.most_hops {
            at = self.get(at).before;
        }
        self.ended(at)
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
        let is_ended = self.is_ended(first);
        let coarser = if is_ended { chain } else { self.ended(first) };
        if coarser == chain { self.ended(WaitChainIdx::EMPTY) } else { coarser }
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
        self.take_all_mapped(from, known, |wait| wait);
    }

    /// The same for those of a part; `ours` are its sums.
    pub(super) fn take_all_of_part(&mut self, from: &Self, known: &mut Vec<WaitChainIdx>, ours: OurSums<'_>) {
        self.take_all_mapped(from, known, |wait| ours.of(wait));
    }

    fn take_all_mapped(&mut self, from: &Self, known: &mut Vec<WaitChainIdx>, ours: impl Fn(SumIdx) -> SumIdx) {
        for &WaitChain { before, wait, hops } in &from.table.keys()[known.len()..] {
            // Each chain comes after the one that it continues.
            let chain = match hops {
                0 => WaitChainIdx::EMPTY,
                hops if hops > MAX_HOPS => self.ended(known[before.at()]),
                _ => self.longer(known[before.at()], ours(wait)),
            };
            known.push(chain);
        }
    }
}

/// A chain and a sum in one word.
fn pair(chain: WaitChainIdx, sum: SumIdx) -> u64 {
    u64::from(chain.0) << 32 | u64::from(sum.0)
}

/// Time that requests spent in other goroutines than their own, by what they waited in and what those did.
#[derive(Debug)]
pub(crate) struct TimeElsewhere {
    pub(crate) chains: WaitChains,
    /// Each [`pair`] of them.
    pairs: KeyTable<u64>,
    /// Nanoseconds by position in `pairs`. They may wrap: what was added too early is subtracted.
    times: Vec<u64>,
    /// With so many pairs, [`TimeElsewhere::thin`] is due.
    due: usize,
    /// The first chains, as they are among those of the whole trace.
    in_whole: Vec<WaitChainIdx>,
}

impl Default for TimeElsewhere {
    fn default() -> Self {
        let (chains, pairs, times) = (WaitChains::default(), KeyTable::default(), Vec::new());
        Self { chains, pairs, times, due: most_pairs(MAX_HOPS), in_whole: Vec::new() }
    }
}

impl TimeElsewhere {
    /// Adds time that is counted in `sum`.
    #[inline]
    pub(crate) fn add(&mut self, chain: WaitChainIdx, sum: SumIdx, ns: u64) {
        let pair = pair(chain, sum);
        // The high half of a product depends on all bits of what is multiplied.
        let hash = (pair.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> u32::BITS) as u32;
        match self.times.get_mut(self.pairs.position(pair, hash)) {
            Some(of_pair) => *of_pair = of_pair.wrapping_add(ns),
            None => self.times.push(ns),
        }
    }

    /// A chain as it is among those of the whole trace, since [`TimeElsewhere::move_to`]; `OWN` stays so.
    pub(crate) fn in_whole(&self, chain: WaitChainIdx) -> WaitChainIdx {
        self.in_whole.get(chain.at()).copied().unwrap_or(chain)
    }

    /// Whether there are so many pairs that chains have to be told by fewer waits, if all of them have time.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.times.len() > self.due
    }

    /// Drops pairs without time, and tells chains by fewer waits as long as there are too many. Gives whether it does so; then
    /// all chains have to be [shortened](WaitChains::shortened).
    pub(crate) fn thin(&mut self) -> bool {
        let before = self.chains.most_hops();
        for ((chain, sum), ns) in self.take_times() {
            self.add(chain, sum, ns);
        }
        while self.times.len() > most_pairs(self.chains.most_hops()) {
            self.chains.tell_fewer();
            for ((chain, sum), ns) in self.take_times() {
                let chain = self.chains.shortened(chain);
                self.add(chain, sum, ns);
            }
        }
        let most = most_pairs(self.chains.most_hops());
        self.due = most.saturating_add(most / 2);
        self.chains.most_hops() < before
    }

    /// All times, which are forgotten here.
    fn take_times(&mut self) -> impl Iterator<Item = ((WaitChainIdx, SumIdx), u64)> + use<> {
        let of_pair = |pair: u64| (WaitChainIdx((pair >> 32) as u32), SumIdx(pair as u32));
        let times = std::mem::take(&mut self.pairs).into_keys().into_iter().zip(std::mem::take(&mut self.times));
        times.filter(|(_, ns)| *ns > 0).map(move |(pair, ns)| (of_pair(pair), ns))
    }

    /// Adds to `all` what was added here since the last time, with the chains as they are in `chains`.
    pub(crate) fn move_to(&mut self, chains: &mut WaitChains, mut all: impl FnMut((WaitChainIdx, SumIdx), u64)) {
        chains.limit_hops(self.chains.most_hops());
        chains.take_all(&self.chains, &mut self.in_whole);
        for ((chain, sum), ns) in self.take_times() {
            all((chains.shortened(self.in_whole[chain.at()]), sum), ns);
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
    fn a_chain_is_told_by_fewer_waits_where_there_are_too_many() {
        let mut chains = WaitChains::default();
        let waits: Vec<SumIdx> = (1..6).map(SumIdx).collect();
        let all: Vec<WaitChainIdx> = waits
            .iter()
            .scan(WaitChainIdx::EMPTY, |chain, wait| {
                *chain = chains.longer(*chain, *wait);
                Some(*chain)
            })
            .collect();
        let mut told = Vec::new();
        while chains.most_hops() > 0 {
            chains.tell_fewer();
            let most = usize::from(chains.most_hops());
            told.push(most);
            for (i, chain) in all.iter().enumerate() {
                let short = chains.shortened(*chain);
                assert_eq!(chains.waits(short), (waits[..most.min(i + 1)].to_vec(), i >= most));
                assert_eq!(chains.shortened(short), short);
            }
            // The same, in whatever order waits come.
            let mut chain = WaitChainIdx::EMPTY;
            for wait in &waits {
                chain = chains.longer(chain, *wait);
            }
            assert_eq!(chain, chains.shortened(all[4]));
        }
        assert_eq!(told, [4, 3, 2, 1, 0]);
    }
}
