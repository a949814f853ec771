//! Time in other goroutines that is told by the first wait alone, where there are too many ways in which requests wait.
//!
//! Goroutines that queue at a lock on many stacks make a million chains of waits, of which nearly all have a few
//! microseconds. Each would be a sample of the profile, with a stack of eight goroutines. So the largest are kept, and the
//! others become [coarser](WaitChains::coarser). Which these are depends on their times alone, not on the order in which
//! they were found.

use super::measured::ElsewhereKey;
use super::wait_chains::WaitChains;
use rustc_hash::FxHashMap;

/// Most times that keep their whole chains.
const MAX_TIMES: usize = 1 << 12;

/// Nanoseconds in other goroutines, of which the small ones may be told by less.
pub(super) struct TimesElsewhere {
    times: FxHashMap<ElsewhereKey, u64>,
    /// What became of the others.
    coarser: FxHashMap<ElsewhereKey, ElsewhereKey>,
}

impl TimesElsewhere {
    /// Joins the small ones where there are too many.
    pub(super) fn new(times: FxHashMap<ElsewhereKey, u64>, chains: &mut WaitChains) -> Self {
        Self::with_most(times, chains, MAX_TIMES)
    }

    fn with_most(mut times: FxHashMap<ElsewhereKey, u64>, chains: &mut WaitChains, most: usize) -> Self {
        let coarser = FxHashMap::default();
        if times.len() <= most {
            return Self { times, coarser };
        }
        let mut all: Vec<u64> = times.values().copied().collect();
        // Those of one length are kept together, or not at all.
        let (_, too_small, _) = all.select_nth_unstable_by_key(most, |ns| std::cmp::Reverse(*ns));
        let too_small = *too_small;
        let mut small = Vec::new();
        times.retain(|key, ns| {
            let is_large = *ns > too_small;
            if !is_large {
                small.push((*key, *ns));
            }
            is_large
        });
        let mut found = Self { times, coarser };
        for (key, ns) in small {
            let tells_less = ElsewhereKey { chain: chains.coarser(key.chain), ..key };
            found.coarser.insert(key, tells_less);
            let sum = found.times.entry(tells_less).or_default();
            *sum = sum.saturating_add(ns);
        }
        found
    }

    /// The key that time of this one is under.
    pub(super) fn key(&self, key: ElsewhereKey) -> ElsewhereKey {
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
        let all = TimesElsewhere::with_most(times.clone(), &mut chains, 10);
        assert_eq!(all.key(keys[1]), keys[1]);
        assert_eq!(all.into_times().len(), 10);
        // Of the three of 7 ns, one would be the fifth.
        let most = TimesElsewhere::with_most(times, &mut chains, 5);
        let rest = key(chains.coarser(keys[1].chain));
        assert_eq!(chains.waits(rest.chain), (vec![SumIdx(1)], true));
        for (i, of) in keys.iter().enumerate() {
            assert_eq!(most.key(*of), if ns[i] >= 50 { *of } else { rest });
        }
        let mut times = most.into_times();
        times.sort_by_key(|(_, ns)| *ns);
        assert_eq!(times.len(), 5);
        assert_eq!(times[0], (rest, 27));
    }
}
