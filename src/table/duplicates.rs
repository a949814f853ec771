//! A request that is in several snapshots of one process counts once, by the rule of `docs/fleet.sql`: traces of one service,
//! host and version are of one process. There, of one goroutine, requests are the same that begin or end at one moment of the
//! machine's clock; of those that an edge cuts, it is enough that they overlap.
//!
//! ```text
//!  trace A   ├─── r ───┤├── s ──
//!  trace B        ── r ─┤ ── s ────┤     r: counts in A, where it is whole; s: in B, where it is longer
//! ```

use super::collected::{Collected, TableRequest};
use super::schema::LABEL_COLUMNS;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// Of each request, whether it counts in another trace.
pub(super) fn duplicates(collected: &Collected) -> Vec<bool> {
    let processes = processes(collected);
    let process = |of: &Seen<'_>| (processes[of.request.trace as usize], of.request.goid);
    let trace = |request: &TableRequest| collected.traces[request.trace as usize].name.as_str();
    let requests = collected.requests.iter().enumerate();
    let mut seen: Vec<Seen<'_>> = requests.map(|(at, request)| Seen { at, request, trace: trace(request) }).collect();
    seen.sort_by_key(|of| (process(of), of.request.clock_ns, of.at));
    let mut dropped = vec![false; collected.requests.len()];
    for of_goroutine in seen.chunk_by(|a, b| process(a) == process(b)) {
        // Nearly all goroutines are in one trace.
        if of_goroutine.iter().any(|of| of.request.trace != of_goroutine[0].request.trace) {
            drop_duplicates(of_goroutine, &mut dropped);
        }
    }
    dropped
}

/// A request, with the name of its trace.
#[derive(Clone, Copy)]
struct Seen<'c> {
    /// Its position.
    at: usize,
    request: &'c TableRequest,
    trace: &'c str,
}

impl<'c> Seen<'c> {
    fn end_ns(&self) -> i64 {
        let dur_ns = i64::try_from(self.request.dur_ns.unwrap_or(0)).unwrap_or(i64::MAX);
        self.request.clock_ns.saturating_add(dur_ns)
    }

    /// The least of those that are the same counts.
    fn rank(&self) -> (bool, bool, Reverse<Option<u64>>, &'c str, u32) {
        let TableRequest { undecided, partial, dur_ns, trace, .. } = *self.request;
        (undecided, partial, Reverse(dur_ns), self.trace, trace)
    }

    fn is_of(&self, trace: Option<u32>) -> bool {
        trace == Some(self.request.trace)
    }
}

/// Marks duplicates among the requests of one goroutine, which are in order of their starts. User tasks can overlap and begin at
/// once: of one trace, all count.
fn drop_duplicates(seen: &[Seen<'_>], dropped: &mut [bool]) {
    let (starts, ends) = (counting(seen, |of| of.request.clock_ns), counting(seen, Seen::end_ns));
    for overlapping in overlapping(seen) {
        let best = overlapping.iter().min_by_key(|of| of.rank()).map(|of| of.request.trace);
        for of in overlapping {
            let is_first =
                of.is_of(starts.get(&of.request.clock_ns).copied()) && of.is_of(ends.get(&of.end_ns()).copied());
            dropped[of.at] = !is_first || of.request.partial && !of.is_of(best);
        }
    }
}

/// By a moment, the trace of the request that counts of those that have it.
fn counting<'c>(seen: &[Seen<'c>], moment: impl Fn(&Seen<'c>) -> i64) -> FxHashMap<i64, u32> {
    let mut best: FxHashMap<i64, &Seen<'c>> = FxHashMap::default();
    for of in seen {
        let known = best.entry(moment(of)).or_insert(of);
        *known = std::cmp::min_by_key(*known, of, |of| of.rank());
    }
    best.into_iter().map(|(at, of)| (at, of.request.trace)).collect()
}

/// The requests of each stretch of time that they cover without a gap.
fn overlapping<'s, 'c>(seen: &'s [Seen<'c>]) -> Vec<&'s [Seen<'c>]> {
    let mut until = i64::MIN;
    let mut parts = Vec::new();
    let mut first = 0;
    for (i, of) in seen.iter().enumerate() {
        if i > first && of.request.clock_ns >= until {
            parts.push(&seen[first..i]);
            first = i;
        }
        until = until.max(of.end_ns());
    }
    parts.push(&seen[first..]);
    parts
}

/// Of each trace, the number of its process.
fn processes(collected: &Collected) -> Vec<u32> {
    let mut known: FxHashMap<[&str; 3], u32> = FxHashMap::default();
    let mut processes = Vec::with_capacity(collected.traces.len());
    for trace in &collected.traces {
        let label = |name: &str| trace.labels.get(name).map_or("", String::as_str);
        let next = known.len() as u32;
        processes.push(*known.entry(LABEL_COLUMNS.map(label)).or_insert(next));
    }
    processes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::TraceInfo;

    /// Requests of one goroutine: trace, start, duration, and what is said of them.
    fn dropped(list: &[(u32, i64, u64, &str)], hosts: [&str; 3]) -> Vec<bool> {
        let trace = |(i, host): (usize, &&str)| {
            let labels = [("host".to_owned(), (*host).to_owned())].into();
            TraceInfo { name: i.to_string(), labels, ..TraceInfo::default() }
        };
        let mut collected = Collected::default();
        collected.traces = hosts.iter().enumerate().map(trace).collect();
        for &(trace, clock_ns, ns, is) in list {
            let mut request = TableRequest::default();
            (request.trace, request.goid, request.clock_ns, request.dur_ns) = (trace, 7, clock_ns, Some(ns));
            (request.partial, request.undecided) = (is == "cut", is == "undecided");
            collected.requests.push(request);
        }
        duplicates(&collected)
    }

    #[test]
    fn one_of_the_same_counts() {
        let of = |list: &[(u32, i64, u64, &str)]| dropped(list, ["a", "a", "a"]);
        assert_eq!(of(&[(0, 10, 10, ""), (1, 10, 10, "")]), [false, true]);
        assert_eq!(of(&[(0, 10, 10, ""), (1, 20, 10, "")]), [false, false]);
        assert_eq!(of(&[(0, 10, 5, "cut"), (1, 10, 10, "")]), [true, false]);
        assert_eq!(of(&[(0, 12, 5, "cut"), (1, 10, 10, "")]), [true, false]);
        // Of cut ones the longer, through any number of snapshots.
        assert_eq!(of(&[(0, 10, 60, "cut"), (1, 60, 50, "cut"), (2, 100, 55, "cut")]), [false, true, true]);
        assert_eq!(of(&[(0, 10, 10, "undecided"), (1, 10, 10, "")]), [true, false]);
        // User tasks.
        assert_eq!(of(&[(0, 10, 10, ""), (0, 10, 20, ""), (1, 15, 40, "")]), [false; 3]);
        // The twin: another process.
        assert_eq!(dropped(&[(0, 10, 10, ""), (1, 10, 10, "")], ["a", "b", "b"]), [false, false]);
    }
}
