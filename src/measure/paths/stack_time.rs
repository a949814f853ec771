//! Time of requests by what it is counted in: the keys, and the times of single requests.

use super::wait_chains::WaitChainIdx;
use crate::measure::intervals::aggregate::SumIdx;
use crate::slice::WindowIdx;
use crate::trace::ids::StringIdx;

/// Stands for the chain of what the request's own goroutine did, where that is counted in the sums themselves.
pub(crate) const OWN: WaitChainIdx = WaitChainIdx::NONE;

/// What time on paths is added up by that requests spent in other goroutines than their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ElsewhereKey {
    /// What the requests waited in, in [`PathsMeasured::chains`](super::measured::PathsMeasured::chains).
    pub(crate) chain: WaitChainIdx,
    /// What the time is counted in.
    pub(crate) sum: SumIdx,
    /// The name of the requests; empty where they have too many names.
    pub(crate) label: StringIdx,
}

/// Time of one request, by what it is counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RequestStackTime {
    pub(crate) window: WindowIdx,
    /// Where its chain is [`OWN`], the sum of the request's own goroutine; the label is empty.
    pub(crate) key: ElsewhereKey,
    pub(crate) ns: u64,
}

impl RequestStackTime {
    fn place(&self) -> (WindowIdx, WaitChainIdx, SumIdx, StringIdx) {
        let ElsewhereKey { chain, sum, label } = self.key;
        (self.window, chain, sum, label)
    }

    /// Puts times in the order of their windows, those of one key together as one.
    pub(super) fn join(mut times: Vec<Self>) -> Vec<Self> {
        times.sort_unstable_by_key(Self::place);
        times.dedup_by(|next, sum| {
            let same = next.place() == sum.place();
            sum.ns = if same { sum.ns.saturating_add(next.ns) } else { sum.ns };
            same
        });
        times
    }
}
