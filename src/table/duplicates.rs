//! A request that is in several snapshots of one process counts once, by the rule of `docs/fleet.sql`: of one service, host
//! and version, the goroutine and a moment at which it began or ended, on the machine's clock, tell that it is the same.

use super::collected::{Collected, TableRequest};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// Of each request, whether it counts in another trace.
pub(super) fn duplicates(collected: &Collected) -> Vec<bool> {
    let processes = processes(collected);
    let key = |request: &TableRequest, at: i64| (processes[request.trace as usize], request.goid, at);
    let start = |request: &TableRequest| request.clock_ns;
    let end = |request: &TableRequest| {
        request.clock_ns.saturating_add(i64::try_from(request.dur_ns.unwrap_or(0)).unwrap_or(i64::MAX))
    };
    let rank = |i: usize| {
        let request = &collected.requests[i];
        (request.partial, Reverse(request.dur_ns), &collected.traces[request.trace as usize].name, i)
    };
    let moments: [&dyn Fn(&TableRequest) -> i64; 2] = [&start, &end];
    let mut dropped = vec![false; collected.requests.len()];
    for moment in moments {
        let mut first: FxHashMap<(u32, u64, i64), usize> = FxHashMap::default();
        for (i, request) in collected.requests.iter().enumerate() {
            let known = first.entry(key(request, moment(request))).or_insert(i);
            *known = std::cmp::min_by_key(*known, i, |i| rank(*i));
        }
        for (i, request) in collected.requests.iter().enumerate() {
            let first = first[&key(request, moment(request))];
            // User tasks of one goroutine can begin at once.
            dropped[i] |= collected.requests[first].trace != request.trace;
        }
    }
    dropped
}

/// Of each trace, the number of its process.
fn processes(collected: &Collected) -> Vec<u32> {
    let mut known: FxHashMap<[&str; 3], u32> = FxHashMap::default();
    let mut processes = Vec::with_capacity(collected.traces.len());
    for trace in &collected.traces {
        let label = |name: &str| trace.labels.get(name).map_or("", String::as_str);
        let next = known.len() as u32;
        processes.push(*known.entry(super::schema::LABEL_COLUMNS.map(label)).or_insert(next));
    }
    processes
}
