//! A part of the requests, chosen by how long they took.

use std::cmp::Reverse;

/// Which requests count. Decided by rank, so two ranges that meet at an edge share no request and leave none out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Only {
    /// From one edge (inclusive) to another (exclusive); none is open.
    Range {
        /// The fast end.
        from: Option<Edge>,
        /// The slow end.
        to: Option<Edge>,
    },
    /// So many of the slowest.
    Slowest(u64),
}

/// An edge of a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// A percentile, in thousandths of a percent: `p95` is 95 000.
    Percentile(u32),
    /// A duration in ns.
    Time(u64),
}

impl Edge {
    /// The highest percentile.
    pub const P100: u32 = 100_000;

    /// How many of the requests are faster than the edge. Percentiles are rounded down, so that `p95..` is never empty
    /// and is the slowest 5 % of the report.
    fn faster(self, durations: &[u64]) -> usize {
        match self {
            Self::Percentile(p) => {
                let n = durations.len() as u128 * u128::from(p.min(Self::P100)) / u128::from(Self::P100);
                n as usize
            }
            Self::Time(ns) => durations.iter().filter(|&&d| d < ns).count(),
        }
    }
}

impl Only {
    /// Whether it chooses a request that took `at_least_ns`, however much longer it took. `longest_ns` is the longest known
    /// duration.
    pub(super) fn takes_all_from(self, at_least_ns: u64, longest_ns: Option<u64>) -> bool {
        match self {
            Self::Range { to: Some(_), .. } => false,
            Self::Range { from: None, .. } => true,
            Self::Range { from: Some(Edge::Time(ns)), .. } => at_least_ns >= ns,
            Self::Range { from: Some(Edge::Percentile(_)), .. } | Self::Slowest(_) => Some(at_least_ns) > longest_ns,
        }
    }

    /// Which of the requests with these durations are chosen. Of equal durations the earlier request counts as the
    /// slower.
    pub fn choose(self, durations: &[u64]) -> Vec<bool> {
        let n = durations.len();
        let (from, to) = match self {
            Self::Range { from, to } => {
                (from.map_or(0, |e| e.faster(durations)), to.map_or(n, |e| e.faster(durations)))
            }
            Self::Slowest(count) => (n - usize::try_from(count).unwrap_or(n).min(n), n),
        };
        let mut chosen = vec![false; n];
        for i in of_ranks(durations, from, to) {
            chosen[i] = true;
        }
        chosen
    }
}

/// The positions of durations whose ranks, counted from the fastest, are from `from` to `to` (exclusive). Of equal durations
/// the earlier has the higher rank. In no order: to sort millions takes longer.
fn of_ranks(durations: &[u64], from: usize, to: usize) -> impl Iterator<Item = usize> {
    let mut ranked: Vec<(u64, Reverse<usize>)> = durations.iter().copied().zip((0..).map(Reverse)).collect();
    if to < ranked.len() {
        ranked.select_nth_unstable(to);
        ranked.truncate(to);
    }
    let from = from.min(ranked.len());
    if from > 0 && from < ranked.len() {
        ranked.select_nth_unstable(from);
    }
    ranked.into_iter().skip(from).map(|(_, Reverse(i))| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATIONS: [u64; 6] = [30, 10, 60, 50, 20, 50];

    fn chosen(only: Only) -> Vec<usize> {
        only.choose(&DURATIONS).into_iter().enumerate().filter_map(|(i, c)| c.then_some(i)).collect()
    }

    fn range(from: Option<Edge>, to: Option<Edge>) -> Vec<usize> {
        chosen(Only::Range { from, to })
    }

    #[test]
    fn times_are_from_inclusive_to_exclusive() {
        let at = |ns| Some(Edge::Time(ns));
        assert_eq!(range(at(50), None), [2, 3, 5]);
        assert_eq!(range(None, at(50)), [0, 1, 4]);
        assert_eq!(range(at(20), at(51)), [0, 3, 4, 5]);
        assert_eq!(range(at(61), None), [0; 0]);
    }

    #[test]
    fn percentiles_cut_by_rank() {
        let p = |p: u32| Some(Edge::Percentile(p * 1000));
        assert_eq!(range(p(95), None), [2]);
        assert_eq!(range(p(50), None), [2, 3, 5]);
        assert_eq!(range(None, p(50)), [0, 1, 4]);
        // Two of 50: the earlier counts as the slower.
        assert_eq!(range(p(60), p(80)), [5]);
        assert_eq!(range(p(0), p(100)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(range(p(100), None), [0; 0]);
        assert_eq!(range(p(80), p(20)), [0; 0]);
        assert_eq!(range(Some(Edge::Percentile(u32::MAX)), None), [0; 0]);
    }

    #[test]
    fn ranks_are_those_of_a_sorted_list() {
        let durations: Vec<u64> = (0..40_u64).map(|i| i * i * 7 % 13).collect();
        let mut sorted: Vec<usize> = (0..durations.len()).collect();
        sorted.sort_by_key(|&i| (durations[i], Reverse(i)));
        for from in 0..=40 {
            for to in 0..=40 {
                let mut found: Vec<usize> = of_ranks(&durations, from, to).collect();
                let mut expected = sorted.get(from..to).unwrap_or_default().to_vec();
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected, "{from} {to}");
            }
        }
    }

    #[test]
    fn edges_of_both_kinds_can_be_mixed() {
        assert_eq!(range(Some(Edge::Percentile(50_000)), Some(Edge::Time(60))), [3, 5]);
    }

    #[test]
    fn the_slowest_are_as_many_as_asked() {
        assert_eq!(chosen(Only::Slowest(1)), [2]);
        assert_eq!(chosen(Only::Slowest(2)), [2, 3]);
        assert_eq!(chosen(Only::Slowest(99)), [0, 1, 2, 3, 4, 5]);
        assert!(Only::Slowest(3).choose(&[]).is_empty());
    }

    #[test]
    fn ranges_that_meet_cover_every_request_once() {
        for n in 0..50_u64 {
            let durations: Vec<u64> = (0..n).map(|i| i * 37 % 11).collect();
            let low = Only::Range { from: None, to: Some(Edge::Percentile(33_300)) }.choose(&durations);
            let high = Only::Range { from: Some(Edge::Percentile(33_300)), to: None }.choose(&durations);
            assert!(low.iter().zip(&high).all(|(l, h)| l != h), "{n}");
        }
    }
}
