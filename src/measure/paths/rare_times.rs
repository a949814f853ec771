//! Time in other goroutines that is told by the first wait alone, where there are too many ways in which requests wait.
//!
//! Goroutines that queue at a lock on many stacks make a million chains of waits, of which nearly all have a few
//! microseconds. Each would be a sample of the profile, with a stack of eight goroutines. So the largest are kept, and the
//! others become [coarser](WaitChains::coarser). Which these are depends on their times alone, not on the order in which
//! they were found.

use super::measured::ElsewhereKey;
use super::request_stacks::OWN;
use super::wait_chains::{MAX_HOPS, WaitChains, most_pairs};
use rustc_hash::FxHashMap;

/// Most times that keep their whole chains.
const MAX_TIMES: usize = 1 << 12;

/// Nanoseconds in other goroutines, of which the small ones may be told by less.
#[derive(Debug)]
pub(super) struct TimesElsewhere {
    times: FxHashMap<ElsewhereKey, u64>,
    /// By how many waits the chains of `times` are told, at most.
    most_hops: u8,
    /// What became of the others.
    coarser: FxHashMap<ElsewhereKey, ElsewhereKey>,
}

impl Default for TimesElsewhere {
    fn default() -> Self {
        Self { times: FxHashMap::default(), most_hops: MAX_HOPS, coarser: FxHashMap::default() }
    }
}

impl TimesElsewhere {
    /// Adds time.
    pub(super) fn add(&mut self, key: ElsewhereKey, ns: u64) {
        let of_key = self.times.entry(key).or_default();
        *of_key = of_key.saturating_add(ns);
    }

    /// Tells chains by as many waits as they may be by now, and by fewer as long as there are too many.
    pub(super) fn tell_fewer_waits(&mut self, chains: &mut WaitChains) {
        self.shorten(chains);
        while self.times.len() > most_pairs(chains.most_hops()) {
            chains.tell_fewer();
            self.shorten(chains);
        }
    }

    fn shorten(&mut self, chains: &mut WaitChains) {
        if chains.most_hops() == self.most_hops {
            return;
        }
        self.most_hops = chains.most_hops();
        for (key, ns) in std::mem::take(&mut self.times) {
            self.add(ElsewhereKey { chain: chains.shortened(key.chain), ..key }, ns);
        }
    }

    /// Joins the small ones where there are too many.
    pub(super) fn tell_rare_by_less(&mut self, chains: &mut WaitChains) {
        self.keep_most(chains, MAX_TIMES);
    }

    fn keep_most(&mut self, chains: &mut WaitChains, most: usize) {
        if self.times.len() <= most {
            return;
        }
        let mut all: Vec<u64> = self.times.values().copied().collect();
        // Those of one length are kept together, or not at all.
        let (_, too_small, _) = all.select_nth_unstable_by_key(most, |ns| std::cmp::Reverse(*ns));
        let too_small = *too_small;
        let small: Vec<(ElsewhereKey, u64)> = self.times.extract_if(|_, ns| *ns <= too_small).collect();
        for (key, ns) in small {
            let tells_less = ElsewhereKey { chain: chains.coarser(key.chain), ..key };
            self.coarser.insert(key, tells_less);
            self.add(tells_less, ns);
        }
    }

    /// The key that time of this one is under; that of a request's own goroutine stays.
    pub(super) fn key(&self, key: ElsewhereKey, chains: &mut WaitChains) -> ElsewhereKey {
        let key = if key.chain == OWN { key } else { ElsewhereKey { chain: chains.shortened(key.chain), ..key } };
        self.coarser.get(&key).copied().unwrap_or(key)
    }

    /// All times, in no order.
    pub(super) fn into_times(self) -> Vec<(ElsewhereKey, u64)> {
        self.times.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::intervals::aggregate::SumIdx;
    use crate::measure::paths::wait_chains::WaitChainIdx;
    use crate::trace::ids::StringIdx;

    #[test]
    fn small_times_are_told_by_their_first_wait() {
        let mut chains = WaitChains::default();
        let first = chains.longer(WaitChainIdx::EMPTY, SumIdx(1));
        let key = |chain| ElsewhereKey { chain, sum: SumIdx(0), label: StringIdx::EMPTY };
        let keys: Vec<ElsewhereKey> = (0..10).map(|i| key(chains.longer(first, SumIdx(10 + i)))).collect();
        let ns = [50, 7, 60, 7, 1, 2, 70, 7, 80, 3];
        let times: FxHashMap<_, _> = keys.iter().copied().zip(ns).collect();
        let of = |times| TimesElsewhere { times, ..TimesElsewhere::default() };
        let mut all = of(times.clone());
        all.keep_most(&mut chains, 10);
        assert_eq!(all.key(keys[1], &mut chains), keys[1]);
        assert_eq!(all.into_times().len(), 10);
        // Of the three of 7 ns, one would be the fifth.
        let mut most = of(times);
        most.keep_most(&mut chains, 5);
        let rest = key(chains.coarser(keys[1].chain));
        assert_eq!(chains.waits(rest.chain), (vec![SumIdx(1)], true));
        for (i, of) in keys.iter().enumerate() {
            assert_eq!(most.key(*of, &mut chains), if ns[i] >= 50 { *of } else { rest });
        }
        let mut times = most.into_times();
        times.sort_by_key(|(_, ns)| *ns);
        assert_eq!(times.len(), 5);
        assert_eq!(times[0], (rest, 27));
    }

    #[test]
    fn all_chains_are_told_by_as_few_waits_as_one_thread_needs() {
        let mut chains = WaitChains::default();
        let mut all = TimesElsewhere::default();
        let key = |chain| ElsewhereKey { chain, sum: SumIdx(0), label: StringIdx::EMPTY };
        let first = chains.longer(WaitChainIdx::EMPTY, SumIdx(1));
        for wait in [2, 3] {
            let chain = chains.longer(first, SumIdx(wait));
            all.add(key(chain), 5);
        }
        all.tell_fewer_waits(&mut chains);
        assert_eq!(all.times.len(), 2);
        // A thread that walks later had too many.
        chains.limit_hops(1);
        all.tell_fewer_waits(&mut chains);
        let told: Vec<_> = all.into_times().into_iter().map(|(key, ns)| (chains.waits(key.chain), ns)).collect();
        assert_eq!(told, [((vec![SumIdx(1)], true), 10)]);
    }
}
