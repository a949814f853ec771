//! Requests that an edge of the trace, or of `--time`, cuts: how long they were seen, which is the least that they took.

use super::latency::RequestSpan;
use super::{Only, SharedText};

/// A request that is cut.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CutRequest {
    /// Position of its trace in [`Profile::traces`](super::Profile::traces).
    pub trace: u32,
    /// Id of its goroutine in the file.
    pub goid: u64,
    /// When it was first seen, in ns from the trace's start.
    pub start_ns: u64,
    /// How long it was seen, in ns: it took at least as long.
    pub at_least_ns: u64,
    /// How long it likely took at least, in ns, where that is longer: when the trace began its goroutine waited, and the stack
    /// that ended this wait ended one in the call too.
    pub likely_at_least_ns: Option<u64>,
    /// What it is called.
    pub root: SharedText,
    /// The function that matched, as [`MatchedFunction::function`](super::MatchedFunction::function) has it.
    pub matched: SharedText,
    /// What made a root of it, as [`MatchedFunction::by`](super::MatchedFunction::by) has it.
    pub by: &'static str,
    /// Whether it began before the part looked at.
    pub cut_start: bool,
    /// Whether it is not over at the end of that.
    pub cut_end: bool,
    /// Whether it may be several calls in a row: then no single one of them certainly took that long.
    pub may_be_several: bool,
    /// Whether it belongs to what `--only` and `--slowest` choose, however long it took in the end.
    pub is_chosen: bool,
}

/// How long cut requests were seen at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LongestSeen {
    /// How many.
    pub count: u64,
    /// The longest time that one was seen, in ns.
    pub at_least_ns: u64,
    /// The longest time that one likely took at least, in ns, where that is longer.
    pub likely_at_least_ns: Option<u64>,
}

impl LongestSeen {
    fn add(&mut self, at_least_ns: u64, likely_at_least_ns: Option<u64>) {
        self.at_least_ns = self.at_least_ns.max(at_least_ns);
        let likely = self.likely_at_least_ns.max(likely_at_least_ns);
        self.likely_at_least_ns = likely.filter(|likely| *likely > self.at_least_ns);
    }
}

/// How many are cut in one way, and how long they were seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CutCount {
    /// Certainly one call each: they took at least as long as they were seen.
    pub single: LongestSeen,
    /// They may be several calls in a row: how long they were seen together says nothing of a single one.
    pub several: LongestSeen,
}

impl CutCount {
    fn of(request: &CutRequest) -> Self {
        let CutRequest { at_least_ns, likely_at_least_ns, .. } = *request;
        let seen = LongestSeen { count: 1, at_least_ns, likely_at_least_ns };
        if request.may_be_several {
            Self { several: seen, ..Self::default() }
        } else {
            Self { single: seen, ..Self::default() }
        }
    }

    /// With others.
    fn with(mut self, other: Self) -> Self {
        for (sum, one) in [(&mut self.single, other.single), (&mut self.several, other.several)] {
            sum.count += one.count;
            sum.add(one.at_least_ns, one.likely_at_least_ns);
        }
        self
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.single.count + self.several.count
    }

    /// The longest time that one of them was seen, in ns.
    pub fn seen_ns(&self) -> u64 {
        self.single.at_least_ns.max(self.several.at_least_ns)
    }
}

/// Requests that are cut, by how. Each is in one of the three.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CutCounts {
    /// They began inside, and are not over at the end.
    pub open: CutCount,
    /// They began before.
    pub older: CutCount,
    /// They began before, and are not over at the end.
    pub throughout: CutCount,
}

impl CutCounts {
    /// Counts requests.
    pub fn of<'r>(list: impl IntoIterator<Item = &'r CutRequest>) -> Self {
        let mut counts = Self::default();
        for request in list {
            let how = match (request.cut_start, request.cut_end) {
                (true, true) => &mut counts.throughout,
                (true, false) => &mut counts.older,
                (false, _) => &mut counts.open,
            };
            *how = how.with(CutCount::of(request));
        }
        counts
    }

    /// All of them.
    pub fn all(&self) -> CutCount {
        self.open.with(self.older).with(self.throughout)
    }
}

/// The single call that was seen longest; of equal ones the first.
pub fn longest_cut(list: &[CutRequest]) -> Option<&CutRequest> {
    list.iter().rev().filter(|r| !r.may_be_several).max_by_key(|r| r.at_least_ns)
}

/// Marks those that `only` chooses for certain, however long they took in the end: it has no upper limit, and they were
/// seen for longer than its lower one. Where the lower limit is a percentile or a rank, they were seen for longer than any
/// whole request took.
pub(crate) fn choose_cut(list: &mut [CutRequest], only: Only, whole_ns: &[u64]) {
    let longest = whole_ns.iter().max().copied();
    for request in list {
        request.is_chosen = !request.may_be_several && only.takes_all_from(request.at_least_ns, longest);
    }
}

/// The cut requests that would count. One that may be several calls proves nothing of a single one.
pub(super) fn counting(cut: &[CutRequest]) -> impl Iterator<Item = &CutRequest> {
    cut.iter().filter(|c| c.is_chosen && !c.may_be_several)
}

/// These requests as if they had ended when they were last seen.
pub(super) fn as_last_seen<'c>(cut: impl Iterator<Item = &'c CutRequest>) -> Vec<RequestSpan> {
    let of = |c: &CutRequest| RequestSpan { trace: c.trace, start_ns: c.start_ns, dur_ns: c.at_least_ns };
    cut.map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Edge;

    #[test]
    fn a_choice_takes_in_what_is_beyond_its_lower_limit_for_sure() {
        let chosen = |only: Only| {
            let mut list = [5, 50, 100].map(|at_least_ns| CutRequest { at_least_ns, ..CutRequest::default() });
            choose_cut(&mut list, only, &[1, 49, 99]);
            list.map(|r| r.is_chosen)
        };
        let range = |from, to| Only::Range { from, to };
        assert_eq!(chosen(range(Some(Edge::Time(50)), None)), [false, true, true]);
        assert_eq!(chosen(range(None, None)), [true; 3]);
        assert_eq!(chosen(range(Some(Edge::Time(5)), Some(Edge::Time(90)))), [false; 3]);
        assert_eq!(chosen(range(Some(Edge::Percentile(95_000)), None)), [false, false, true]);
        assert_eq!(chosen(Only::Slowest(1)), [false, false, true]);
    }

    #[test]
    fn several_calls_in_a_row_prove_nothing_of_one() {
        let cut = |may_be_several| CutRequest { at_least_ns: 60, may_be_several, ..CutRequest::default() };
        let mut list = [false, true].map(cut);
        choose_cut(&mut list, Only::Range { from: Some(Edge::Time(50)), to: None }, &[1]);
        assert_eq!([list[0].is_chosen, list[1].is_chosen], [true, false]);
        list[1].is_chosen = true;
        assert_eq!(as_last_seen(counting(&list)).len(), 1);
    }

    #[test]
    fn each_is_counted_in_one_way() {
        let cut =
            |at_least_ns, cut_start, cut_end| CutRequest { at_least_ns, cut_start, cut_end, ..Default::default() };
        let list = [cut(3, true, false), cut(5, false, true), cut(4, false, true), cut(9, true, true)];
        let counts = CutCounts::of(&list);
        let of = |way: CutCount| (way.count(), way.single.at_least_ns);
        assert_eq!(
            [counts.older, counts.open, counts.throughout, counts.all()].map(of),
            [(1, 3), (2, 5), (1, 9), (4, 9)]
        );
        assert_eq!(longest_cut(&list), list.last());
    }
}
