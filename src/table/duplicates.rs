//! A request that is in several snapshots of one process counts once, by the rule of `docs/fleet.sql`: traces of one service,
//! host and version are of one process. There, `profile/same_seen.rs` says which of the requests of one goroutine count.

use super::collected::{Collected, TableRequest};
use super::schema::LABEL_COLUMNS;
use crate::profile::{SeenSpan, SharedText, counted_elsewhere};
use rustc_hash::FxHashMap;

/// Of each request, whether it counts in another trace.
pub(super) fn duplicates(collected: &Collected) -> Vec<bool> {
    let (processes, ranks) = (processes(collected), ranks(collected));
    let of_one = |request: &TableRequest| (processes[request.trace as usize], request.goid);
    let mut order: Vec<(usize, &TableRequest)> = collected.requests.iter().enumerate().collect();
    order.sort_by_key(|(at, request)| (of_one(request), request.clock_ns, *at));
    let mut dropped = vec![false; collected.requests.len()];
    for requests in order.chunk_by(|(_, a), (_, b)| of_one(a) == of_one(b)) {
        let spans: Vec<SeenSpan> = requests.iter().map(|(_, r)| span(r, ranks[r.trace as usize])).collect();
        for ((at, _), is_elsewhere) in requests.iter().zip(counted_elsewhere(&spans)) {
            dropped[*at] = is_elsewhere;
        }
    }
    dropped
}

fn span(request: &TableRequest, trace: u32) -> SeenSpan {
    let dur_ns = i64::try_from(request.dur_ns.unwrap_or(0)).unwrap_or(i64::MAX);
    // A table says that an edge cuts a request, and not which: one that is seen from the trace's start is cut there.
    let cut_start = request.partial && request.start_ns == 0;
    SeenSpan {
        trace,
        start_ns: request.clock_ns,
        end_ns: request.clock_ns.saturating_add(dur_ns),
        cut_start,
        cut_end: request.partial && !cut_start,
        is_inferred: request.inferred,
        is_named: !request.undecided,
    }
}

/// Of each trace, its place among all in the order of their recordings: engines know no other order.
fn ranks(collected: &Collected) -> Vec<u32> {
    let mut order: Vec<usize> = (0..collected.traces.len()).collect();
    let own = |at: usize| (collected.recordings[at].as_str(), collected.traces[at].name.as_str(), at);
    order.sort_by_key(|at| own(*at));
    let mut ranks = vec![0; order.len()];
    order.into_iter().zip(0..).for_each(|(at, rank)| ranks[at] = rank);
    ranks
}

/// Of each trace, the number of its process.
fn processes(collected: &Collected) -> Vec<u32> {
    // Equal texts of tables are one text: where it is tells it from others, however long it is.
    let place = |text: &SharedText| text.as_ptr() as usize;
    let mut known: FxHashMap<[Option<usize>; 3], u32> = FxHashMap::default();
    let mut processes = Vec::with_capacity(collected.traces.len());
    for trace in &collected.traces {
        let label = |name: &str| trace.labels.get(name).map(place);
        let next = known.len() as u32;
        processes.push(*known.entry(LABEL_COLUMNS.map(label)).or_insert(next));
    }
    processes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{SharedTexts, TraceInfo};

    /// Requests of one goroutine: trace, start, duration, and what is said of them. A cut one began before its trace.
    fn dropped(list: &[(u32, i64, u64, &str)], hosts: [&str; 3]) -> Vec<bool> {
        let mut texts = SharedTexts::default();
        let trace = |(i, host): (usize, &&str)| {
            let labels = [("host".into(), texts.share(host))].into();
            TraceInfo { name: i.to_string().into(), labels, ..TraceInfo::default() }
        };
        let mut collected = Collected::default();
        collected.traces = hosts.iter().enumerate().map(trace).collect();
        collected.recordings = vec![String::new(); collected.traces.len()];
        for &(trace, clock_ns, ns, is) in list {
            let mut request = TableRequest::default();
            (request.trace, request.goid, request.clock_ns, request.dur_ns) = (trace, 7, clock_ns, Some(ns));
            (request.partial, request.undecided, request.inferred) = (is == "cut", is == "undecided", is == "inferred");
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
        assert_eq!(of(&[(0, 0, 10, "cut"), (0, 5, 25, ""), (1, 25, 35, "")]), [false; 3]);
        assert_eq!(of(&[(0, 10, 10, ""), (0, 20, 10, ""), (1, 12, 18, "inferred")]), [false, false, true]);
        // The twin: another process.
        assert_eq!(dropped(&[(0, 10, 10, ""), (1, 10, 10, "")], ["a", "b", "b"]), [false, false]);
    }
}
