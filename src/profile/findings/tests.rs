//! Findings of small profiles made by hand: each at its threshold and just below.

use super::*;
use crate::profile::{Metric, ProfileFrame, Request, Sample, StackTree, Weight};

const STATES: [&str; 4] = ["running", "runnable", "network", "sync"];

/// So many requests of each kind, a kind being the time in each of `STATES`.
fn requests(kinds: &[(usize, [u64; 4])]) -> Requests {
    let mut list = Vec::new();
    for &(n, times) in kinds {
        let states = (0..).zip(times).filter(|s| s.1 > 0).collect();
        let request = Request { dur_ns: times.iter().sum(), states, ..Request::default() };
        list.extend(std::iter::repeat_n(request, n));
    }
    Requests { list, state_names: STATES.map(String::from).to_vec(), ..Requests::default() }
}

fn lock(waker: WakerKind, wait_ns: u64) -> Wakeup {
    Wakeup { state: "sync".into(), detail: "mutex", waker, wait_ns, max_ns: wait_ns / 2, ..Wakeup::default() }
}

fn finished(requests: Requests) -> Profile {
    let mut profile = Profile { metric: Metric::Latency, requests: Some(requests), ..Profile::default() };
    profile.finish();
    profile
}

fn findings(profile: Profile) -> Vec<Finding> {
    profile.requests.expect("requests").findings
}

fn ids(requests: Requests) -> Vec<&'static str> {
    findings(finished(requests)).iter().map(|f| f.id).collect()
}

#[test]
fn the_state_behind_the_tail_is_named() {
    let mut with_tail = requests(&[(38, [4, 0, 6, 0]), (2, [4, 0, 6, 90])]);
    assert_eq!(ids(with_tail.clone()), ["sync-tail"]);
    with_tail.wakeups = vec![lock(WakerKind::Network, 180), lock(WakerKind::Outside, 180)];
    let found = findings(finished(with_tail));
    // The same lock is not reported twice.
    assert_eq!(found.len(), 1);
    assert!(matches!(found[0].evidence, FindingEvidence::Tail { blocker: Some(1), .. }));
    // A state that is most of all time anyway, but the slowest wait ten times as long in it.
    assert_eq!(ids(requests(&[(57, [1, 0, 40, 0]), (3, [1, 0, 800, 0])])), ["network-tail"]);
    assert_eq!(ids(requests(&[(57, [1, 0, 40, 0]), (3, [1, 0, 50, 0])])), [""; 0]);
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
    let mut worker = with(WakerKind::Outside, 30);
    (worker.wakeups[0].state, worker.wakeups[0].detail) = ("chan receive".into(), "");
    assert_eq!(ids(worker), ["outside-worker"]);
    assert_eq!(ids(Requests { wakeups: vec![lock(WakerKind::Outside, 9)], ..requests(&[(9, [5, 0, 2, 3])]) }), [""; 0]);
}

#[test]
fn large_parts_come_in_order() {
    let all = Overlap { mark_assist_ns: 5, stw_ns: 2, ..Overlap::default() };
    let busy = Requests { overlap: all, ..requests(&[(10, [8, 2, 0, 0])]) };
    assert_eq!(ids(busy), ["cpu-bound", "scheduler", "collector", "stw"]);
    let less = Overlap { mark_assist_ns: 4, stw_ns: 1, ..Overlap::default() };
    assert_eq!(ids(Requests { overlap: less, ..requests(&[(10, [5, 1, 4, 0])]) }), [""; 0]);
}

#[test]
fn work_for_the_collector_is_not_computing() {
    let sweeps = Overlap { mark_assist_ns: 10, sweep_ns: 20, ..Overlap::default() };
    let with = |overlap| Requests { overlap, ..requests(&[(10, [8, 0, 2, 0])]) };
    assert_eq!(ids(with(sweeps)), ["collector"]);
    assert_eq!(ids(with(Overlap::default())), ["cpu-bound"]);
}

#[test]
fn the_collector_is_what_requests_do_for_it_and_wait_for() {
    let mut requests = requests(&[(10, [90, 0, 10, 0])]);
    requests.state_names[2] = "GC assist wait".into();
    assert_eq!(ids(requests), ["cpu-bound", "collector"]);
}

#[test]
fn requests_that_wait_for_each_other_are_found() {
    let with = |waker, wait_ns| Requests { wakeups: vec![lock(waker, wait_ns)], ..requests(&[(10, [5, 0, 2, 3])]) };
    assert_eq!(ids(with(WakerKind::Sibling, 25)), ["contention"]);
    assert_eq!(ids(with(WakerKind::Sibling, 24)), [""; 0]);
    let channel = |waker, state: &str| {
        let mut requests = with(waker, 30);
        (requests.wakeups[0].state, requests.wakeups[0].detail) = (state.into(), "");
        requests
    };
    assert_eq!(ids(channel(WakerKind::Sibling, "chan send")), ["pool"]);
    assert_eq!(ids(channel(WakerKind::Inside, "chan send")), [""; 0]);
    assert_eq!(ids(channel(WakerKind::Timer, "select")), ["timeout"]);
    assert_eq!(ids(channel(WakerKind::Timer, "sleep")), [""; 0]);
    // A timer's channel alone, and what a timer ends twice a request.
    assert_eq!(ids(channel(WakerKind::Timer, "chan receive")), [""; 0]);
    let mut ticks = channel(WakerKind::Timer, "select");
    ticks.wakeups[0].count = 20;
    assert_eq!(ids(ticks), [""; 0]);
}

#[test]
fn calls_one_after_the_other_are_found_over_all_requests() {
    let with = |count, wait_ns| {
        let call = Wakeup { state: "network".into(), waker: WakerKind::Network, count, wait_ns, ..Wakeup::default() };
        Requests { wakeups: vec![call], ..requests(&[(2, [50, 0, 50, 0])]) }
    };
    assert_eq!(ids(with(10, 100)), ["serial"]);
    assert_eq!(ids(with(9, 100)), [""; 0]);
    assert_eq!(ids(with(10, 99)), [""; 0]);
}

/// Ten requests that call `main.orders` and `main.users`, each so long, and compute a while.
fn calling(orders_ns: u64, users_ns: u64, waited_in: &str) -> Profile {
    let total = (orders_ns + users_ns + 10) / 10;
    let mut profile = Profile {
        metric: Metric::Latency,
        requests: Some(requests(&[(10, [1, 0, total - 1, 0])])),
        ..Profile::default()
    };
    let mut push = |stack: &[&str], state: &str, waited_in: &str, latency_ns| {
        let frame = |f: &str| ProfileFrame { function: f.into(), file: "main.go".into(), line: 1 };
        let push = |node, f: &&str| {
            let frame = profile.tree.intern_frame(frame(f));
            profile.tree.push(node, frame)
        };
        let stack = stack.iter().fold(StackTree::ROOT, push);
        let weight = Weight { latency_ns, ..Weight::default() };
        let (state, waited_in) = (state.into(), waited_in.into());
        profile.samples.push(Sample { stack, state, waited_in, weight, ..Sample::default() });
    };
    push(&["main.Page"], "running", "", 10);
    for (call, ns) in [("main.orders", orders_ns), ("main.users", users_ns)] {
        let stack = ["main.Page", call, "main.get", "net/http.roundTrip", "[waiting for]", "net/http.readLoop"];
        push(&stack, "network", waited_in, ns);
    }
    profile.finish();
    profile
}

#[test]
fn the_call_that_decides_is_told_by_who_calls() {
    let of = |orders, users, waited_in| {
        findings(calling(orders, users, waited_in)).iter().filter(|f| f.id == "slow-call").map(|f| f.evidence).next()
    };
    let Some(FindingEvidence::Call { n_frames, ns, .. }) = of(800, 190, "select") else { panic!("a slow call") };
    assert_eq!((n_frames, ns), (2, 800));
    assert!(of(490, 490, "select").is_none() && of(990, 10, "select").is_none());
    // A lock is no call.
    assert!(of(800, 190, "sync").is_none());
}
