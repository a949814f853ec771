//! How far undecided requests can move a quantile.
//!
//! ```text
//!  counted        ·  ·  ·  ·  ·
//!  undecided    ·                 ·   ·
//!  p50 at least   │ with the short ones among them: they count as much as the trace allows
//!  p50 at most          │ with the long ones
//! ```
//!
//! Any of them may be of the roots. A choice of them cannot make a quantile shorter than the one that takes just those up to
//! the quantile, nor longer than the one that takes just those from there on. Requests that an edge of the trace cuts count
//! too, but how long they took is not known: the bounds hold without them, and with them as long as they were seen.

use super::{DurationList, Only};

/// Choices of undecided requests that are tried from either end, where requests are chosen by how long they took.
const MAX_TRIES: usize = 32;

/// The distribution with all undecided requests, and how far any choice of them can move its quantiles.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WithUndecided {
    /// How many requests count and are undecided.
    pub count: u64,
    /// Half took at most this long.
    pub p50: QuantileBounds,
    /// 95 % took at most this long.
    pub p95: QuantileBounds,
}

/// A quantile of requests of which some are undecided, in ns (nearest rank).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuantileBounds {
    /// With all undecided ones.
    pub with_all_ns: u64,
    /// The shortest that it is with any of them, or none, without cut requests or with these as long as they were seen.
    pub at_least_ns: u64,
    /// The longest.
    pub at_most_ns: u64,
}

impl WithUndecided {
    /// The distribution of the durations of requests that count, in ns, and of undecided ones; `cut` is how long cut
    /// requests were seen, in ns. None without undecided ones.
    pub(super) fn new(
        counted: impl Iterator<Item = u64> + Clone,
        cut: impl Iterator<Item = u64>,
        undecided: &DurationList,
    ) -> Option<Self> {
        let undecided = &undecided.durations_ns;
        if undecided.is_empty() {
            return None;
        }
        let whole = in_order(counted.clone(), undecided);
        let with_cut = in_order(counted.chain(cut), undecided);
        let of = |thousandths| bounds(&whole, thousandths).widened(bounds(&with_cut, thousandths));
        Some(Self { count: whole.len() as u64, p50: of(500), p95: of(950) })
    }
}

/// What requests were chosen from by how long they took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChosenFrom {
    /// Which ones.
    pub only: Only,
    /// How long all took, in ns, in the order of the traces.
    pub durations_ns: Vec<u64>,
}

impl ChosenFrom {
    /// How long those took that are chosen with some undecided ones among them, in ns, in order.
    pub(crate) fn with(&self, undecided: impl Iterator<Item = u64>) -> Vec<u64> {
        let all: Vec<u64> = self.durations_ns.iter().copied().chain(undecided).collect();
        let chosen = self.only.choose(&all);
        let mut list: Vec<u64> = all.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(ns, _)| ns).collect();
        list.sort_unstable();
        list
    }

    /// What is chosen with different choices of undecided ones: none, all, those up to some length, those from it on.
    pub(crate) fn tries(&self, undecided: &[u64]) -> Vec<Vec<u64>> {
        let mut sorted = undecided.to_vec();
        sorted.sort_unstable();
        let mut tries = vec![self.with(std::iter::empty())];
        for at in (0..sorted.len()).step_by(sorted.len().div_ceil(MAX_TRIES).max(1)) {
            tries.push(self.with(sorted[..=at].iter().copied()));
            tries.push(self.with(sorted[at..].iter().copied()));
        }
        tries.retain(|chosen| !chosen.is_empty());
        tries
    }
}

impl WithUndecided {
    /// The distribution of chosen requests if all undecided ones are of the roots, and how far some choices of these can move
    /// it. None without undecided ones.
    pub(super) fn of_chosen(from: &ChosenFrom, undecided: &DurationList) -> Option<Self> {
        let undecided = &undecided.durations_ns;
        let all = from.with(undecided.iter().copied());
        if undecided.is_empty() || all.is_empty() {
            return None;
        }
        let tries = from.tries(undecided);
        let of = |thousandths| {
            let quantile = |list: &Vec<u64>| list[rank(list.len() as u64, thousandths) as usize - 1];
            let figures = || tries.iter().chain([&all]).map(quantile);
            QuantileBounds {
                with_all_ns: quantile(&all),
                at_least_ns: figures().min().unwrap_or(0),
                at_most_ns: figures().max().unwrap_or(0),
            }
        };
        Some(Self { count: all.len() as u64, p50: of(500), p95: of(950) })
    }
}

impl QuantileBounds {
    /// Where the other bounds are wider, these are too.
    fn widened(self, other: Self) -> Self {
        let (at_least_ns, at_most_ns) =
            (self.at_least_ns.min(other.at_least_ns), self.at_most_ns.max(other.at_most_ns));
        Self { at_least_ns, at_most_ns, ..self }
    }
}

/// Durations in order, each with whether it counts.
fn in_order(counted: impl Iterator<Item = u64>, undecided: &[u64]) -> Vec<(u64, bool)> {
    let counted = counted.map(|ns| (ns, true));
    let mut all: Vec<_> = counted.chain(undecided.iter().map(|&ns| (ns, false))).collect();
    all.sort_unstable();
    all
}

/// How far undecided durations can move a quantile of counted ones, of which there is one at least.
pub(crate) fn quantile_bounds(counted: &[u64], undecided: &[u64], thousandths: u16) -> QuantileBounds {
    bounds(&in_order(counted.iter().copied(), undecided), thousandths)
}

/// The rank of a quantile among `n`, from 1.
fn rank(n: u64, thousandths: u16) -> u64 {
    (n * u64::from(thousandths)).div_ceil(1_000).max(1)
}

/// `all` are durations in order, each with whether it counts.
fn bounds(all: &[(u64, bool)], thousandths: u16) -> QuantileBounds {
    let counted = all.iter().filter(|(_, counts)| *counts).count() as u64;
    let with_all_ns = all[rank(all.len() as u64, thousandths) as usize - 1].0;
    // With those up to this one: are they enough to reach the rank?
    let mut taken = 0;
    let shortest = all.iter().zip(1..).find(|&(&(_, counts), up_to)| {
        taken += u64::from(!counts);
        up_to >= rank(counted + taken, thousandths)
    });
    // With those from this one on: are the counted ones before it too few to reach the rank?
    let (mut taken, mut before) = (0, counted);
    let longest = all.iter().rev().find(|(_, counts)| {
        taken += u64::from(!counts);
        before -= u64::from(*counts);
        before < rank(counted + taken, thousandths)
    });
    let ns = |found: Option<u64>| found.unwrap_or(with_all_ns);
    QuantileBounds {
        with_all_ns,
        at_least_ns: ns(shortest.map(|((ns, _), _)| *ns)),
        at_most_ns: ns(longest.map(|(ns, _)| *ns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(counted: &[u64], undecided: &[u64]) -> Option<WithUndecided> {
        let undecided = DurationList { durations_ns: undecided.to_vec(), ..DurationList::default() };
        WithUndecided::new(counted.iter().copied(), std::iter::empty(), &undecided)
    }

    fn quantile(mut list: Vec<u64>, thousandths: u16) -> u64 {
        list.sort_unstable();
        list[rank(list.len() as u64, thousandths) as usize - 1]
    }

    /// The bounds are those of all choices there are, tried one by one.
    #[test]
    fn no_choice_of_undecided_requests_is_beyond_the_bounds() {
        for (counted, undecided) in [
            (&[20u64, 22, 24, 26, 28][..], &[1u64, 40, 60][..]),
            (&[10], &[1, 2, 3, 4, 20, 21, 22, 23]),
            (&[5, 5, 5], &[5, 5]),
            (&[1, 100], &[50]),
            (&[3, 4, 9, 12, 17, 40], &[4, 4, 17, 18, 90, 1, 12]),
        ] {
            let found = with(counted, undecided).expect("undecided ones");
            for (thousandths, bounds) in [(500, found.p50), (950, found.p95)] {
                let choices = (0..1u32 << undecided.len()).map(|choice| {
                    let chosen = (0..undecided.len()).filter(|i| choice >> i & 1 == 1).map(|i| undecided[i]);
                    quantile(counted.iter().copied().chain(chosen).collect(), thousandths)
                });
                let choices: Vec<u64> = choices.collect();
                let ends = (choices.iter().min().copied(), choices.iter().max().copied());
                assert_eq!((Some(bounds.at_least_ns), Some(bounds.at_most_ns)), ends, "{counted:?} {undecided:?}");
                assert_eq!(bounds.with_all_ns, quantile([counted, undecided].concat(), thousandths));
            }
            assert_eq!(found.count, (counted.len() + undecided.len()) as u64);
        }
        assert_eq!(with(&[1, 2], &[]), None);
    }
    /// Four whole requests, one that is cut and 15 undecided ones: of 20, the 95th per cent is the second longest.
    #[test]
    fn cut_requests_widen_the_bounds() {
        let undecided = DurationList { durations_ns: vec![8; 15], ..DurationList::default() };
        let counted = [30, 31, 32, 40].into_iter();
        let of =
            |cut: &[u64]| WithUndecided::new(counted.clone(), cut.iter().copied(), &undecided).expect("undecided ones");
        let bounds = |of: WithUndecided| (of.p95.at_least_ns, of.p95.at_most_ns);
        assert_eq!(bounds(of(&[])), (40, 40));
        assert_eq!(bounds(of(&[29])), (32, 40));
        assert_eq!(bounds(of(&[90])), (40, 90));
        assert_eq!(of(&[29]).count, 19);
        assert_eq!(WithUndecided::new([1, 2].into_iter(), [3].into_iter(), &DurationList::default()), None);
    }
}
