//! Time in other goroutines, of all walks: told by as many waits as there is room for ([`wait_chains`](super::wait_chains)).

use super::stack_time::{ElsewhereKey, OWN};
use super::wait_chains::{MAX_HOPS, WaitChains, most_pairs};
use rustc_hash::FxHashMap;

/// Nanoseconds in other goroutines.
#[derive(Debug)]
pub(super) struct TimesElsewhere {
    times: FxHashMap<ElsewhereKey, u64>,
    /// By how many waits the chains of `times` are told, at most.
    most_hops: u8,
}

impl Default for TimesElsewhere {
    fn default() -> Self {
        Self { times: FxHashMap::default(), most_hops: MAX_HOPS }
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

    /// The key that time of this one is under; that of a request's own goroutine stays.
    pub(super) fn key(key: ElsewhereKey, chains: &mut WaitChains) -> ElsewhereKey {
        if key.chain == OWN { key } else { ElsewhereKey { chain: chains.shortened(key.chain), ..key } }
    }

    /// All times, in no order, which are forgotten here.
    pub(super) fn take_times(&mut self) -> impl Iterator<Item = (ElsewhereKey, u64)> + use<> {
        std::mem::take(&mut self.times).into_iter()
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
    use crate::measure::paths::wait_chains::{TimeElsewhere, WaitChainIdx};
    use crate::trace::ids::StringIdx;

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

    /// Pairs that several shares found: each has every third.
    #[test]
    fn as_many_waits_are_told_as_there_is_room_for_whoever_found_them() {
        let n = most_pairs(2) as u32;
        // Of so many pairs with two waits, there are as many with one as have another first wait.
        for (n_first, extra, most) in [(10, 0, 2), (10, 1, 1)] {
            for n_shares in [1, 3] {
                let (mut chains, mut all) = (WaitChains::default(), TimesElsewhere::default());
                chains.limit_hops(2);
                for share in 0..n_shares {
                    let mut times = TimeElsewhere::default();
                    times.chains.limit_hops(2);
                    for i in (0..n + extra).filter(|i| i % n_shares == share) {
                        let first = times.chains.longer(WaitChainIdx::EMPTY, SumIdx(i % n_first));
                        let chain = times.chains.longer(first, SumIdx(i));
                        times.add(chain, SumIdx(7), 1);
                        times.add(first, SumIdx(8), 0);
                        if times.is_crowded() {
                            times.thin();
                        }
                    }
                    let label = StringIdx::EMPTY;
                    times.move_to(&mut chains, |(chain, sum), ns| all.add(ElsewhereKey { chain, sum, label }, ns));
                }
                all.tell_fewer_waits(&mut chains);
                assert_eq!(chains.most_hops(), most, "{n_shares} shares");
                let told = all.into_times();
                assert_eq!(told.len(), if most == 2 { n as usize } else { n_first as usize });
                assert_eq!(told.iter().map(|(_, ns)| ns).sum::<u64>(), u64::from(n + extra));
            }
        }
    }
}
