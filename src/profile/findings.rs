//! What stands out in the requests, where the numbers prove it; `docs/semantics.md` lists the ids and their thresholds.
//!
//! A finding holds facts; `render/findings.rs` makes the sentence.

use super::latency::TAIL_MIN_REQUESTS;
use super::{Finding, FindingEvidence, NodeIdx, Requests, WakerKind, Wakeup};
use std::collections::BTreeMap;

/// Most findings of a report: more would not be read.
const MAX: usize = 3;
/// With fewer requests, only waits that repeat inside one request are found.
const MIN_REQUESTS: u64 = 10;
/// Fewest waits one after the other that are a finding.
const MIN_REPEATS: u64 = 5;

/// The findings: the important ones first, then by time.
pub(super) fn find(requests: &Requests) -> Vec<Finding> {
    let Some(latency) = requests.latency.as_ref().filter(|l| l.total_ns > 0) else { return Vec::new() };
    let mut found: Vec<(u64, Finding)> = Vec::new();
    let total = latency.total_ns;
    if latency.count >= MIN_REQUESTS {
        let tail = slow_tail(requests);
        let blocker = match &tail {
            Some(Finding { evidence: FindingEvidence::Tail { blocker, .. }, .. }) => *blocker,
            _ => None,
        };
        // First, since why the slow requests are slow is what most people look for.
        found.extend(tail.map(|f| (u64::MAX, f)));
        found.extend(outside_waker(requests, total, blocker));
        found.extend(large_parts(requests, total));
    }
    found.extend(repeats(requests));
    found.sort_by_key(|(ns, f)| (!f.important, std::cmp::Reverse(*ns)));
    found.truncate(MAX);
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// Whether `part` is at least so many percent of `whole`.
fn reaches(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

/// The state that explains at least half of what the slowest requests take beyond as many average ones; `None` if there
/// is no tail, or no such state.
fn slow_tail(requests: &Requests) -> Option<Finding> {
    let latency = requests.latency.as_ref()?;
    if latency.count < TAIL_MIN_REQUESTS {
        return None;
    }
    let (n, n_slow) = (i128::from(latency.count), i128::from(latency.slow_count));
    // What the slowest take longer than as many average ones, times the number of requests.
    let excess = |all: u64, slow: u64| i128::from(slow) * n - i128::from(all) * n_slow;
    let sum = |of: fn(&super::TailRow) -> u64| requests.tail.iter().map(|r| i128::from(of(r))).sum::<i128>();
    let (all, slow) = (sum(|r| r.all_ns), sum(|r| r.slow_ns));
    // No tail where the slowest are not half as slow again as the mean.
    if slow * n * 2 < all * n_slow * 3 {
        return None;
    }
    let candidates = requests.tail.iter().enumerate().filter(|(_, r)| r.stands_out);
    let (row, tail) = candidates.max_by_key(|(i, r)| (excess(r.all_ns, r.slow_ns), std::cmp::Reverse(*i)))?;
    if excess(tail.all_ns, tail.slow_ns) * 2 < slow * n - all * n_slow {
        return None;
    }
    let blocker = blocker(requests, latency.slow_from_ns);
    Some(Finding { id: tail_id(&tail.state), important: true, evidence: FindingEvidence::Tail { row, blocker } })
}

/// The row of wake-ups with the longest wait that another request's goroutine, or one outside, ended; `None` if that wait
/// is shorter than half of a slow request.
fn blocker(requests: &Requests, slow_from_ns: u64) -> Option<usize> {
    let named = |w: &Wakeup| matches!(w.waker, WakerKind::Sibling | WakerKind::Outside);
    let long = |w: &Wakeup| reaches(w.max_ns, 50, slow_from_ns);
    let rows = requests.wakeups.iter().enumerate().filter(|(_, w)| named(w) && long(w));
    rows.max_by_key(|(i, w)| (w.max_ns, std::cmp::Reverse(*i))).map(|(i, _)| i)
}

fn tail_id(state: &str) -> &'static str {
    match state {
        "running" => "running-tail",
        "runnable" => "runnable-tail",
        "syscall" => "syscall-tail",
        "network" => "network-tail",
        "sync" => "sync-tail",
        "sleep" => "sleep-tail",
        _ if state.starts_with("chan ") => "chan-tail",
        _ if state.starts_with("select") => "select-tail",
        _ if state.starts_with("sync.(*Cond)") => "cond-tail",
        _ if state.starts_with("GC ") => "gc-tail",
        _ => "wait-tail",
    }
}

/// The waits that goroutines outside the requests ended, if a row of them is a quarter of all time. `blocker` is the row
/// that another finding names already.
fn outside_waker(requests: &Requests, total: u64, blocker: Option<usize>) -> Option<(u64, Finding)> {
    let (i, wakeup) = requests.wakeups.iter().enumerate().find(|(_, w)| w.waker == WakerKind::Outside)?;
    if blocker == Some(i) || !reaches(wakeup.wait_ns, 25, total) {
        return None;
    }
    let id = if wakeup.is_lock() {
        "lock-holder"
    } else if wakeup.state.starts_with("chan ") || wakeup.state.starts_with("select") {
        "outside-worker"
    } else {
        return None;
    };
    Some((wakeup.wait_ns, Finding { id, important: true, evidence: FindingEvidence::Wakeup(i) }))
}

/// The parts of all time that are unusually large.
fn large_parts(requests: &Requests, total: u64) -> Vec<(u64, Finding)> {
    let state = |name: &str| requests.tail.iter().find(|r| r.state == name).map_or(0, |r| r.all_ns);
    let overlap = &requests.overlap;
    let tail_is_runnable = requests.tail.iter().any(|r| r.state == "runnable" && r.stands_out);
    [
        ("scheduler", !tail_is_runnable, state("runnable"), 15),
        ("gc-assist", false, overlap.mark_assist_ns, 5),
        ("stw", false, overlap.stw_ns, 2),
        ("cpu-bound", false, state("running"), 60),
    ]
    .into_iter()
    .filter(|&(_, _, ns, percent)| reaches(ns, percent, total))
    .map(|(id, important, ns, _)| (ns, Finding { id, important, evidence: FindingEvidence::Part { ns } }))
    .collect()
}

/// Waits for the network on one stack, one after the other, that are half of the slowest request.
fn repeats(requests: &Requests) -> Option<(u64, Finding)> {
    let slowest = requests.slowest.as_ref()?;
    let mut by_stack: BTreeMap<(u64, NodeIdx), (u64, u64)> = BTreeMap::new();
    for piece in slowest.path.iter().filter(|p| p.state == "network") {
        let (count, ns) = by_stack.entry((piece.goid, piece.stack)).or_default();
        *count += 1;
        *ns = ns.saturating_add(piece.dur_ns);
    }
    let dur_ns = requests.list.get(slowest.request)?.dur_ns;
    let ((_, stack), (count, ns)) = by_stack.into_iter().max_by_key(|&(key, (_, ns))| (ns, std::cmp::Reverse(key)))?;
    let worth = count >= MIN_REPEATS && reaches(ns, 50, dur_ns);
    let evidence = FindingEvidence::Repeats { stack, count, ns };
    worth.then_some((ns, Finding { id: "serial-waits", important: false, evidence }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Overlap, PathPiece, Request, Slowest};

    const STATES: [&str; 4] = ["running", "runnable", "network", "sync"];

    /// So many requests of each kind, a kind being the time in each of `STATES`.
    fn requests(kinds: &[(usize, [u64; 4])]) -> Requests {
        let mut list = Vec::new();
        for &(n, times) in kinds {
            let states: Box<[(u16, u64)]> = (0..).zip(times).filter(|s| s.1 > 0).collect();
            let request = Request { dur_ns: times.iter().sum(), states, ..Request::default() };
            list.extend(std::iter::repeat_n(request, n));
        }
        Requests { list, state_names: STATES.map(String::from).to_vec(), ..Requests::default() }
    }

    fn lock(waker: WakerKind, wait_ns: u64) -> Wakeup {
        Wakeup { state: "sync".into(), detail: "mutex", waker, wait_ns, max_ns: wait_ns / 2, ..Wakeup::default() }
    }

    fn ids(mut requests: Requests) -> Vec<&'static str> {
        requests.finish(&[]);
        requests.findings.iter().map(|f| f.id).collect()
    }

    #[test]
    fn the_state_behind_the_tail_is_named() {
        let mut with_tail = requests(&[(38, [4, 0, 6, 0]), (2, [4, 0, 6, 90])]);
        assert_eq!(ids(with_tail.clone()), ["sync-tail"]);
        with_tail.wakeups = vec![lock(WakerKind::Network, 180), lock(WakerKind::Outside, 180)];
        with_tail.finish(&[]);
        // The same lock is not reported twice.
        assert_eq!(with_tail.findings.len(), 1);
        assert!(matches!(with_tail.findings[0].evidence, FindingEvidence::Tail { blocker: Some(1), .. }));
    }

    #[test]
    fn few_requests_and_even_ones_have_no_tail() {
        assert_eq!(ids(requests(&[(37, [4, 0, 6, 0]), (2, [4, 0, 6, 90])])), [""; 0]);
        assert_eq!(ids(requests(&[(40, [4, 0, 6, 0])])), [""; 0]);
        // Slow in every way at once: no single state says why.
        assert_eq!(ids(requests(&[(38, [3, 1, 3, 3]), (2, [30, 10, 30, 30])])), [""; 0]);
    }

    #[test]
    fn an_outsiders_lock_is_named() {
        let with = |waker, wait_ns| Requests { wakeups: vec![lock(waker, wait_ns)], ..requests(&[(10, [5, 0, 2, 3])]) };
        assert_eq!(ids(with(WakerKind::Outside, 25)), ["lock-holder"]);
        assert_eq!(ids(with(WakerKind::Outside, 24)), [""; 0]);
        assert_eq!(ids(with(WakerKind::Sibling, 30)), [""; 0]);
        let mut worker = with(WakerKind::Outside, 30);
        (worker.wakeups[0].state, worker.wakeups[0].detail) = ("chan receive".into(), "");
        assert_eq!(ids(worker), ["outside-worker"]);
        assert_eq!(
            ids(Requests { wakeups: vec![lock(WakerKind::Outside, 9)], ..requests(&[(9, [5, 0, 2, 3])]) }),
            [""; 0]
        );
    }

    #[test]
    fn at_most_three_large_parts_in_order() {
        let all = Overlap { mark_assist_ns: 5, stw_ns: 2, ..Overlap::default() };
        let busy = Requests { overlap: all, ..requests(&[(10, [8, 2, 0, 0])]) };
        assert_eq!(ids(busy), ["scheduler", "cpu-bound", "gc-assist"]);
        let less = Overlap { mark_assist_ns: 4, stw_ns: 1, ..Overlap::default() };
        assert_eq!(ids(Requests { overlap: less, ..requests(&[(10, [5, 1, 4, 0])]) }), [""; 0]);
    }

    #[test]
    fn waits_in_a_row_are_found_in_a_single_request() {
        let path = |n: u64, each: u64| {
            (0..n).map(move |i| PathPiece {
                start_ns: i * each,
                dur_ns: each,
                state: "network".into(),
                ..PathPiece::default()
            })
        };
        let with = |n, each| Requests {
            slowest: Some(Slowest { path: path(n, each).collect(), ..Slowest::default() }),
            ..requests(&[(1, [50, 0, 50, 0])])
        };
        assert_eq!(ids(with(5, 10)), ["serial-waits"]);
        assert_eq!(ids(with(4, 20)), [""; 0]);
        assert_eq!(ids(with(5, 9)), [""; 0]);
    }
}
