//! Of what several snapshots of one process show, which one counts. This knows no traces and no tables: `docs/fleet.sql` has the
//! same rule for engines.
//!
//! ```text
//!  snapshot A   ├─── r ───┤├── s ──             r: is in both, and counts in A
//!  snapshot B   ├─── r ───┤ ── s ────┤          s: an edge cuts it in both; it counts in B, where it is longer
//! ```
//!
//! A goroutine serves one request after the other, so two that overlap are the same. User tasks of one goroutine can overlap
//! and are several: so whole ones are the same only if both edges are.

use crate::trace::error::Warning;
use rustc_hash::FxHashMap;

/// Something that a trace shows of a goroutine, on the clock of its process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenSpan {
    /// Which trace shows it. Where there is nothing else to choose by, the lowest counts.
    pub(crate) trace: u32,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    /// Whether it began before the trace.
    pub(crate) cut_start: bool,
    /// Whether it is not over at the trace's end.
    pub(crate) cut_end: bool,
    /// Whether its edges are inferred: then they depend on what else a trace shows.
    pub(crate) is_inferred: bool,
    /// Whether the trace has what names it: without that another trace's counts.
    pub(crate) is_named: bool,
}

/// What is known of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    /// Its name and both edges.
    Sure,
    /// Its name; its edges are inferred.
    Inferred,
    /// Its name; an edge of the trace cuts it.
    Cut,
    /// Not its name.
    Unnamed,
}

impl SeenSpan {
    fn class(&self) -> Class {
        match (self.is_named, self.cut_start || self.cut_end, self.is_inferred) {
            (false, ..) => Class::Unnamed,
            (true, true, _) => Class::Cut,
            (true, false, true) => Class::Inferred,
            (true, false, false) => Class::Sure,
        }
    }

    fn ns(&self) -> i128 {
        i128::from(self.end_ns) - i128::from(self.start_ns)
    }
}

/// Of each of the spans of one goroutine, in the order of their starts, whether it counts in another trace.
pub(crate) fn counted_elsewhere(spans: &[SeenSpan]) -> Vec<bool> {
    debug_assert!(spans.is_sorted_by_key(|span| span.start_ns));
    // Nearly all goroutines are in one trace.
    if spans.iter().all(|span| span.trace == spans[0].trace) {
        return vec![false; spans.len()];
    }
    let mut dropped = rivals(spans);
    drop_parts(spans, &mut dropped);
    dropped
}

/// Marks all that give way to something else than a longer part of the same.
fn rivals(spans: &[SeenSpan]) -> Vec<bool> {
    let sure = first_traces(spans.iter().filter(|s| s.class() == Class::Sure), |s| (s.start_ns, s.end_ns));
    let mut dropped = vec![false; spans.len()];
    let mut before = Classes::default();
    for_each_start(spans, |first, peers| {
        let firsts = |class: Class| peers.iter().filter(|s| s.class() == class).map(|s| s.trace).min();
        let (inferred, unnamed) = (firsts(Class::Inferred), firsts(Class::Unnamed));
        let whole = peers.iter().filter(|s| matches!(s.class(), Class::Sure | Class::Inferred)).collect::<Vec<_>>();
        let whole = [whole.iter().map(|s| s.trace).min(), whole.iter().map(|s| s.trace).max()];
        for (span, dropped) in peers.iter().zip(&mut dropped[first..]) {
            let open = |reach: &Reach| reach.of_others(span.trace) > i128::from(span.start_ns);
            *dropped = match span.class() {
                Class::Sure => sure[&(span.start_ns, span.end_ns)] != span.trace,
                Class::Inferred => inferred != Some(span.trace) || open(&before.sure) || open(&before.inferred),
                Class::Unnamed => {
                    let named = [&before.sure, &before.inferred, &before.cut];
                    unnamed != Some(span.trace) || open(&before.unnamed) || named.into_iter().any(open)
                }
                Class::Cut => {
                    let is_there = whole.iter().any(|of| of.is_some_and(|of| of != span.trace));
                    let is_open = span.cut_start && open(&before.sure);
                    is_there || is_open || open(&before.inferred)
                }
            };
        }
        for span in peers {
            before.of(span.class()).add(span.trace, i128::from(span.end_ns));
        }
    });
    drop_by_later(spans, &mut dropped);
    dropped
}

/// Marks what something of another trace begins in that counts before it.
fn drop_by_later(spans: &[SeenSpan], dropped: &mut [bool]) {
    // The nearest start is the farthest one on a clock that runs backward.
    let mut after = Classes::default();
    let mut groups = Vec::new();
    for_each_start(spans, |first, peers| groups.push((first, peers)));
    for (first, peers) in groups.into_iter().rev() {
        for span in peers {
            after.of(span.class()).add(span.trace, -i128::from(span.start_ns));
        }
        for (span, dropped) in peers.iter().zip(&mut dropped[first..]) {
            let begins_inside = |reach: &Reach| -reach.of_others(span.trace) < i128::from(span.end_ns);
            *dropped |= match span.class() {
                Class::Sure => false,
                Class::Inferred => begins_inside(&after.sure),
                Class::Cut => begins_inside(&after.inferred),
                Class::Unnamed => [&after.sure, &after.inferred, &after.cut].into_iter().any(begins_inside),
            };
        }
    }
}

/// Marks all but the longest of the parts that traces have of one thing that goes on through them. Where nothing names a part, it
/// tells as well that the thing went on.
fn drop_parts(spans: &[SeenSpan], dropped: &mut [bool]) {
    let mut before = Reach::default();
    let mut best: Option<usize> = None;
    for_each_start(spans, |first, peers| {
        let parts = (first..).zip(peers).filter(|(_, s)| matches!(s.class(), Class::Cut | Class::Unnamed));
        let mut parts: Vec<(usize, &SeenSpan)> = parts.collect();
        parts.sort_by_key(|(_, span)| (span.trace, span.end_ns));
        let first_trace = parts.first().map(|(_, span)| span.trace);
        for &(at, span) in &parts {
            if dropped[at] && span.class() == Class::Cut {
                continue;
            }
            let has_begun = span.cut_start || span.class() == Class::Unnamed;
            let goes_on = has_begun && before.of_others(span.trace) > i128::from(span.start_ns);
            if !goes_on && first_trace == Some(span.trace) {
                best = None;
            }
            if span.class() == Class::Unnamed {
                continue;
            }
            let rank = |at: usize| (-spans[at].ns(), spans[at].trace);
            let known = best.unwrap_or(at);
            let (kept, other) = if rank(known) <= rank(at) { (known, at) } else { (at, known) };
            dropped[other] |= other != kept;
            best = Some(kept);
        }
        for (_, span) in parts {
            before.add(span.trace, i128::from(span.end_ns));
        }
    });
}

/// Calls with those that begin at one moment, and the position of the first, one moment after the other.
fn for_each_start<'s>(spans: &'s [SeenSpan], mut each: impl FnMut(usize, &'s [SeenSpan])) {
    let mut first = 0;
    for peers in spans.chunk_by(|a, b| a.start_ns == b.start_ns) {
        each(first, peers);
        first += peers.len();
    }
}

/// By a key, the lowest trace of those that have it.
fn first_traces<'s>(
    spans: impl Iterator<Item = &'s SeenSpan>,
    key: impl Fn(&SeenSpan) -> (i64, i64),
) -> FxHashMap<(i64, i64), u32> {
    let mut first = FxHashMap::default();
    for span in spans {
        let known = first.entry(key(span)).or_insert(span.trace);
        *known = span.trace.min(*known);
    }
    first
}

/// How far those of each class reach.
#[derive(Default)]
struct Classes {
    sure: Reach,
    inferred: Reach,
    cut: Reach,
    unnamed: Reach,
}

impl Classes {
    fn of(&mut self, class: Class) -> &mut Reach {
        match class {
            Class::Sure => &mut self.sure,
            Class::Inferred => &mut self.inferred,
            Class::Cut => &mut self.cut,
            Class::Unnamed => &mut self.unnamed,
        }
    }
}

/// The farthest moment that spans reach, in some trace and in the others.
struct Reach {
    trace: u32,
    far: i128,
    others: i128,
}

impl Default for Reach {
    fn default() -> Self {
        Self { trace: u32::MAX, far: i128::MIN + 1, others: i128::MIN + 1 }
    }
}

impl Reach {
    fn add(&mut self, trace: u32, to: i128) {
        if trace == self.trace {
            self.far = self.far.max(to);
        } else if to > self.far {
            *self = Self { trace, far: to, others: self.far };
        } else {
            self.others = self.others.max(to);
        }
    }

    /// In all traces but one.
    fn of_others(&self, trace: u32) -> i128 {
        if trace == self.trace { self.others } else { self.far }
    }
}

/// A remark about requests that are in several snapshots of one process.
pub(crate) fn in_several_snapshots(n: usize) -> Option<Warning> {
    let message = match n {
        0 => return None,
        1 => "1 request is in two snapshots of one process, and is counted once".to_owned(),
        n => format!("{n} requests are in several snapshots of one process, and are counted once"),
    };
    Some(Warning::note("snapshots", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `<` and `>`: cut at its start, at its end; `~`: inferred; `?`: not named.
    fn seen(trace: u32, (start_ns, end_ns): (i64, i64), is: &str) -> SeenSpan {
        let [cut_start, cut_end, is_inferred, unnamed] = ['<', '>', '~', '?'].map(|of| is.contains(of));
        SeenSpan { trace, start_ns, end_ns, cut_start, cut_end, is_inferred, is_named: !unnamed }
    }

    fn dropped(list: &[SeenSpan]) -> Vec<(u32, i64)> {
        let mut list = list.to_vec();
        list.sort_by_key(|of| (of.start_ns, of.trace));
        let dropped = counted_elsewhere(&list);
        let mut dropped: Vec<_> =
            list.iter().zip(dropped).filter(|(_, is)| *is).map(|(of, _)| (of.trace, of.start_ns)).collect();
        dropped.sort_unstable();
        dropped
    }

    #[test]
    fn a_request_of_two_snapshots_counts_once() {
        let both = [seen(0, (10, 20), ""), seen(1, (10, 20), "")];
        assert_eq!(dropped(&both), [(1, 10)]);
        // Its twins: at another time, of the same trace.
        assert_eq!(dropped(&[both[0], seen(1, (20, 30), "")]), []);
        assert_eq!(dropped(&[both[0], seen(0, (10, 20), "")]), []);
    }

    #[test]
    fn the_whole_one_counts_and_of_cut_ones_the_longer() {
        let cut = seen(0, (10, 15), ">");
        assert_eq!(dropped(&[cut, seen(1, (10, 20), "")]), [(0, 10)]);
        assert_eq!(dropped(&[cut, seen(1, (9, 20), "~")]), [(0, 10)]);
        assert_eq!(dropped(&[cut, seen(1, (11, 20), "~")]), [(0, 10)]);
        assert_eq!(dropped(&[cut, seen(1, (12, 30), "<")]), [(0, 10)]);
        assert_eq!(dropped(&[cut, seen(1, (12, 16), "<>")]), [(1, 12)]);
        assert_eq!(dropped(&[cut, seen(1, (15, 16), "<")]), [], "they do not overlap");
        assert_eq!(dropped(&[cut, seen(1, (12, 30), "<?")]), [(1, 12)], "nothing names the longer one");
        assert_eq!(dropped(&[seen(0, (12, 20), "<"), seen(1, (10, 20), "")]), [(0, 12)]);
    }

    #[test]
    fn one_that_goes_on_through_many_snapshots_counts_once() {
        let snapshots = [seen(0, (10, 70), ">"), seen(1, (60, 110), "<>"), seen(3, (100, 155), "<")];
        assert_eq!(dropped(&snapshots), [(1, 60), (3, 100)]);
    }

    /// What overlaps something else of its own trace is another thing, and what nobody else shows counts.
    #[test]
    fn what_no_other_trace_shows_counts() {
        let mut list = vec![seen(0, (0, 10), "<"), seen(0, (5, 30), ""), seen(1, (25, 60), "")];
        assert_eq!(dropped(&list), []);
        list[2] = seen(1, (8, 30), "<");
        assert_eq!(dropped(&list), [(1, 8)], "the twin: it goes on in the other trace");
        assert_eq!(dropped(&[seen(0, (0, 10), "<"), seen(0, (5, 30), ">"), seen(1, (25, 60), "<")]), [(0, 5)]);
        assert_eq!(dropped(&[seen(0, (0, 10), "<"), seen(0, (0, 30), "<>"), seen(1, (25, 60), "<")]), [(0, 0)]);
    }

    #[test]
    fn what_one_trace_cannot_tell_apart_another_can() {
        let apart = [seen(0, (10, 20), ""), seen(0, (20, 30), "")];
        assert_eq!(dropped(&[&apart[..], &[seen(1, (12, 30), "~")]].concat()), [(1, 12)]);
        assert_eq!(dropped(&[&apart[..], &[seen(1, (9, 12), "~")]].concat()), [(1, 9)]);
        assert_eq!(dropped(&[&apart[..], &[seen(1, (30, 32), "~")]].concat()), []);
        assert_eq!(dropped(&[seen(0, (10, 20), "~"), seen(1, (9, 20), "~")]), [(0, 10)]);
        assert_eq!(dropped(&[seen(0, (10, 20), "~"), seen(1, (10, 25), "~")]), [(1, 10)]);
    }

    #[test]
    fn what_one_trace_decides_is_decided() {
        assert_eq!(dropped(&[seen(0, (10, 30), "?>"), seen(1, (20, 35), "<")]), [(0, 10)]);
        assert_eq!(dropped(&[seen(0, (10, 30), "?"), seen(1, (10, 30), "?")]), [(1, 10)]);
        assert_eq!(dropped(&[seen(0, (10, 30), "?"), seen(1, (30, 40), "")]), []);
        assert_eq!(dropped(&[seen(0, (10, 30), "?"), seen(0, (10, 40), "")]), [], "both are of one trace");
        let three = [seen(0, (10, 50), ">"), seen(1, (10, 90), "?"), seen(2, (60, 90), "<")];
        assert_eq!(dropped(&three), [(1, 10), (2, 60)]);
    }

    #[test]
    fn tasks_of_one_goroutine_may_overlap() {
        let a = [seen(0, (10, 20), ""), seen(0, (15, 30), "")];
        let b = [seen(1, (10, 20), ""), seen(1, (15, 30), "")];
        assert_eq!(dropped(&[a[0], b[1]]), []);
        assert_eq!(dropped(&[a, b].concat()), [(1, 10), (1, 15)]);
        let cut = [seen(0, (10, 50), ">"), seen(0, (20, 50), ">"), seen(1, (40, 60), "<"), seen(1, (40, 70), "<")];
        assert_eq!(dropped(&cut).len(), 2);
    }

    /// All that two snapshots have of a goroutine can be open at once.
    #[test]
    fn very_many_open_at_once_take_no_time() {
        let list: Vec<SeenSpan> = (0..200_000).map(|i| seen(i % 2, (i64::from(i / 2), 1 << 30), ">")).collect();
        let start = std::time::Instant::now();
        assert_eq!(dropped(&list).len(), 100_000);
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
