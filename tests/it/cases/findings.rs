//! Findings, and where what a call waits for is counted.

use super::{Absent, In, Is, Row};
use super::{MS, check, json};
use serde_json::Value;

const FINDINGS: &[Row] = &[
    ("which-call", "-r main.Page$ after-1.27.3.trace", "findings / 0 / id", Is("\"slow-call\"")),
    ("which-call", "-r main.Page$ before-1.27.3.trace", "findings / id=serial", Absent),
    ("own-contention", "-r main.write$ httprouter.trace", "findings / 0 / id", Is("\"contention\"")),
    ("ctx-timeout", "-r main.ByContext$ 1.27.3.trace", "findings / 0 / id", Is("\"timeout\"")),
    ("ctx-timeout", "-r main.ByDone$ 1.27.3.trace", "findings / 0 / id", Is("\"timeout\"")),
    ("deadline-wake", "-r main.main.func2$ watch.trace", "findings / 0 / id", Is("\"timeout\"")),
    ("pool-crosses-requests", "-F -r viaDB pool.trace", "findings / id=pool / important", Is("true")),
    ("sweep-assist", "-r main.main.func1 1.27.3.trace", "overlap / sweep_ns", Is("2183232")),
    ("sweep-assist", "-r main.main.func1 --goid 9 1.27.3.trace", "overlap / sweep_ns", In(772_000, 774_000)),
    ("sweep-assist", "-r main.main.func1 1.27.3.trace", "findings / id=cpu-bound", Absent),
    ("sweep-assist", "-r main.main.func1 1.27.3.trace", "findings / 0 / id", Is("\"collector\"")),
    ("oversubscribed", "-r ^main.main.func1$ 1.27.3-samples.trace", "findings / 0 / id", Is("\"no-cpu\"")),
    ("oversubscribed", "-r ^main.main.func1$ 1.27.3-samples.trace", "cpu / on_cpu_at_least_ns", In(0, 240_500_000)),
    (
        "oversubscribed",
        "-r ^main.main.func1$ 1.27.3-samples.trace",
        "cpu / on_cpu_at_most_ns",
        In(240_500_000, 400_000_000),
    ),
    ("oversubscribed", "-r ^main.main.func1$ 1.27.3.trace", "findings / 0 / id", Is("\"no-cpu\"")),
    ("oversubscribed", "-r ^main.main.func1$ 1.27.3.trace", "findings / id=cpu-bound", Absent),
    ("rwmutex", "-r ^main.Read$ 1.27.3.trace", "findings / 0 / id", Is("\"lock-holder\"")),
    ("tail-network", "-r main.main.func2$ 1.27.3.trace", "findings / 0 / id", Is("\"network-tail\"")),
    ("tail-network", "-r main.main.func2$ 1.27.3.trace", "tail / state=network / stands_out", Is("true")),
];

const TASK: &str = "--root-by task -r ^pooled$ t.trace";
const STATES: &[Row] = &[
    ("task-wait-not-over", TASK, "requests / 0 / states / chan send", Is("11264")),
    ("task-wait-not-over", TASK, "requests / 0 / states / runnable", Is("9856")),
    ("task-wait-not-over", TASK, "requests / 0 / states / running", Is("324032")),
    ("task-wait-not-over", TASK, "requests / 0 / states / sleep", Is("3557440")),
];

#[test]
fn a_wait_that_outlasts_a_task_is_its_wait() {
    check(STATES);
}

#[test]
fn what_stands_out_is_found() {
    check(FINDINGS);
}

/// Time with a detail, of goroutines, in ns.
fn with_detail(answer: &Value, detail: &str) -> u64 {
    let stacks = answer["stacks"].as_array().expect("stacks");
    let rows = stacks.iter().filter(|stack| stack["detail"] == detail);
    rows.map(|stack| stack["goroutine_ns"].as_u64().expect("ns")).sum()
}

/// What Go's reader says of each goroutine. Others wake two of these at the start of the generation, and write their
/// status.
#[test]
fn an_assist_is_the_goroutines_that_the_event_names() {
    for (goid, ns) in [(53, 2496), (65, 309_184), (64, 91_712), (8, 21_568), (24, 4416), (14, 2816), (76, 167_040)] {
        let options = format!("--goid {goid} --include-partial t.trace");
        let Some(answer) = json("assist-active-goroutine", &options) else { return };
        assert_eq!(with_detail(&answer, "mark assist"), ns, "goroutine {goid}");
    }
}

#[test]
fn who_is_waited_for_is_named_not_only_who_lets_go() {
    let Some(answer) = json("rwmutex", "-r ^main.Read$ 1.27.3.trace") else { return };
    let text = answer["findings"][0]["text"].as_str().expect("a text");
    assert!(text.contains("main.tick") && text.contains("main.scan"), "{text}");
}

/// Latency below a function, in ns.
fn below(answer: &Value, function: &str) -> u64 {
    let stacks = answer["stacks"].as_array().expect("stacks");
    let has = |stack: &&Value| stack["frames"].as_array().expect("frames").iter().any(|f| f["function"] == function);
    stacks.iter().filter(has).map(|stack| stack["latency_ns"].as_u64().expect("ns")).sum()
}

/// The program measured its calls: 46.57, 8.80 and 4.44 ms a request, ten of them.
#[test]
fn what_a_call_waits_for_is_below_it() {
    let Some(answer) = json("which-call", "-r main.Page$ after-1.27.3.trace") else { return };
    for (function, ms) in [("main.orders", 465), ("main.users", 88), ("main.ads", 44)] {
        let ns = below(&answer, function);
        assert!(ns.abs_diff(ms * MS) <= 3 * MS, "{function}: {ns}");
    }
    let (Some(before), Some(after)) = (
        json("which-call", "-r main.Page$ before-1.27.3.trace"),
        json("which-call", "-r main.Page$ after-1.27.3.trace"),
    ) else {
        return;
    };
    // The change of 30 ms a request is in orders alone.
    let change = |function| below(&after, function).abs_diff(below(&before, function));
    assert!(change("main.orders") > 290 * MS && change("main.users") < 10 * MS, "{}", change("main.orders"));
}

/// A lock's waiters queue: all of the time is below the function that waits, and the state of its own wait is kept.
#[test]
fn the_state_that_was_waited_in_is_kept() {
    let Some(answer) = json("own-contention", "-r main.write$ httprouter.trace") else { return };
    let stacks = answer["stacks"].as_array().expect("stacks");
    let waited = stacks.iter().filter(|s| s["waited_in"] == "sync").map(|s| s["latency_ns"].as_u64().expect("ns"));
    let (waited, total) = (waited.sum::<u64>(), answer["latency"]["total_ns"].as_u64().expect("ns"));
    assert!((78..=86).contains(&(waited * 100 / total)), "{waited} of {total}");
}
