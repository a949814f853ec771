//! How long occurrences of one thing took: requests of a handler, tasks of a type.

/// The durations of the occurrences that are whole, and how long those were seen that are not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DurationList {
    /// In ns; ascending after [`sort`](Self::sort), which the statistics below need.
    pub durations_ns: Vec<u64>,
    /// Of these, calls of gRPC's stream workers: their borders are inferred.
    pub inferred: Vec<InferredDuration>,
    /// Those cut by an edge of the trace.
    pub partial: u64,
    /// How long these were seen, in ns, summed.
    pub cut_total_ns: u64,
    /// The longest that one of these was seen, in ns: it took at least as long.
    pub cut_max_ns: u64,
    /// The longest that one was seen that is not over at the end of the trace, in ns; 0 when there is none.
    pub open_max_ns: u64,
    /// Whether that is longer than any whole one took; [`Candidates::sort`](super::Candidates::sort) finds out.
    pub hangs: bool,
}

/// How long a call took whose borders are inferred.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct InferredDuration {
    /// At most, in ns: as it stands in the list.
    pub at_most_ns: u64,
    /// At least, in ns; 0 where it may be several calls.
    pub at_least_ns: u64,
}

impl DurationList {
    /// Adds one, in ns; none when an edge of the trace cuts it.
    pub fn add(&mut self, duration: Option<u64>) {
        self.durations_ns.extend(duration);
        self.partial += u64::from(duration.is_none());
    }

    /// Adds those of another list.
    pub fn absorb(&mut self, other: &Self) {
        self.durations_ns.extend(&other.durations_ns);
        self.inferred.extend(&other.inferred);
        self.partial += other.partial;
        self.cut_total_ns = self.cut_total_ns.saturating_add(other.cut_total_ns);
        self.cut_max_ns = self.cut_max_ns.max(other.cut_max_ns);
        self.open_max_ns = self.open_max_ns.max(other.open_max_ns);
    }

    /// Adds one that an edge of the trace cuts: how long it was seen, in ns, and whether it is not over at the end.
    pub fn add_cut(&mut self, seen_ns: u64, is_open: bool) {
        self.partial += 1;
        self.cut_total_ns = self.cut_total_ns.saturating_add(seen_ns);
        self.cut_max_ns = self.cut_max_ns.max(seen_ns);
        if is_open {
            self.open_max_ns = self.open_max_ns.max(seen_ns);
        }
    }

    /// What its row is sorted by, largest first: rows with something that hangs come before those that took long.
    pub fn rank(&self) -> (u64, u64) {
        (if self.hangs { self.open_max_ns } else { 0 }, self.total_ns())
    }

    /// Puts the durations in order.
    pub fn sort(&mut self) {
        self.durations_ns.sort_unstable();
    }

    /// How many whole ones there are.
    pub fn count(&self) -> u64 {
        self.durations_ns.len() as u64
    }

    /// How long they took together, in ns.
    pub fn total_ns(&self) -> u64 {
        self.durations_ns.iter().fold(0, |sum, &ns| sum.saturating_add(ns))
    }

    /// The least duration that this many per cent of them do not exceed, in ns (nearest rank); 0 when there is none.
    pub fn percentile_ns(&self, per_cent: u64) -> u64 {
        let rank = (self.count() * per_cent).div_ceil(100).max(1);
        self.durations_ns.get(rank as usize - 1).copied().unwrap_or(0)
    }

    /// The least that [`percentile_ns`](Self::percentile_ns) can be, in ns, if each of those with inferred borders took as
    /// long as it certainly did; none where no border is inferred.
    pub fn percentile_at_least_ns(&self, per_cent: u64) -> Option<u64> {
        let mut inferred = self.inferred.clone();
        inferred.sort_unstable();
        let mut left = inferred.iter().peekable();
        let least = |&ns: &u64| left.next_if(|of| of.at_most_ns == ns).map_or(ns, |of| of.at_least_ns);
        let mut list = Self { durations_ns: self.durations_ns.iter().map(least).collect(), ..Self::default() };
        list.sort();
        (!self.inferred.is_empty()).then(|| list.percentile_ns(per_cent))
    }

    /// The longest, in ns; 0 when there is none.
    pub fn max_ns(&self) -> u64 {
        self.durations_ns.last().copied().unwrap_or(0)
    }
}

/// Finds out which lists have something that hangs: it is not over at the end, and was seen for longer than any whole one
/// of its list took. Where a list has no whole one, longer than the largest p95 of all lists.
pub(super) fn find_hanging(lists: &mut [&mut DurationList]) {
    let p95 = lists.iter().map(|list| list.percentile_ns(95)).max().unwrap_or(0);
    for list in lists {
        let longest = if list.count() > 0 { list.max_ns() } else { p95 };
        list.hangs = list.open_max_ns > longest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(durations_ns: &[u64], cut: &[(u64, bool)]) -> DurationList {
        let mut list = DurationList { durations_ns: durations_ns.to_vec(), ..DurationList::default() };
        for &(ns, is_open) in cut {
            list.add_cut(ns, is_open);
        }
        list
    }

    #[test]
    fn what_is_cut_has_a_lower_bound() {
        let mut cut = list(&[5], &[(7, false), (4, true)]);
        assert_eq!((cut.partial, cut.cut_total_ns, cut.cut_max_ns, cut.open_max_ns), (2, 11, 7, 4));
        cut.absorb(&list(&[6], &[(9, true)]));
        assert_eq!((cut.partial, cut.cut_total_ns, cut.cut_max_ns, cut.open_max_ns), (3, 20, 9, 9));
        assert_eq!((cut.count(), cut.total_ns()), (2, 11));
    }

    #[test]
    fn what_hangs_is_longer_than_what_is_whole() {
        let mut lists = [
            list(&[5, 9], &[(10, true)]),
            list(&[5, 9], &[(9, true), (90, false)]),
            list(&[], &[(10, true)]),
            list(&[], &[(9, true)]),
            list(&[1], &[]),
        ];
        find_hanging(&mut lists.iter_mut().collect::<Vec<_>>());
        assert_eq!(lists.map(|list| list.hangs), [true, false, true, false, false]);
    }

    #[test]
    fn what_is_inferred_can_be_shorter() {
        let inferred = |at_most_ns, at_least_ns| InferredDuration { at_most_ns, at_least_ns };
        let mut calls = list(&[10, 20, 30, 30], &[]);
        assert_eq!(calls.percentile_at_least_ns(50), None);
        calls.inferred = vec![inferred(30, 5), inferred(20, 18)];
        // 5, 10, 18, 30
        assert_eq!([50, 75, 100].map(|p| calls.percentile_at_least_ns(p)), [Some(10), Some(18), Some(30)]);
    }
}
