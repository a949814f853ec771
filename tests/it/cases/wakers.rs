//! Who ended the waits, and whether that is a finding.

use super::{Absent, In, Is, Len, Row, check, json, run};
use serde_json::Value;

const OF_TIMERS: &[Row] = &[
    ("ctx-timeout", "-r main.ByContext$ 1.27.3.trace", "wakeups / waker=timer / count", Is("12")),
    ("ctx-timeout", "-r main.ByContext$ 1.27.3.trace", "wakeups", Len(1)),
    ("ctx-timeout", "-r main.ByContext$ 1.27.3.trace", "findings", Len(1)),
    ("ctx-timeout", "-r main.ByContext$ 1.27.3.trace", "findings / 0 / id", Is("\"timeout\"")),
    ("ctx-timeout", "-r main.ByAfter$ 1.27.3.trace", "wakeups / waker=timer / count", Is("12")),
    ("ctx-timeout", "-r main.ByTicker$ 1.27.3.trace", "wakeups / waker=timer / count", Is("12")),
    ("ctx-timeout", "-r main.ByDone$ 1.27.3.trace", "wakeups / waker=timer / count", Is("12")),
    ("ctx-timeout", "-r main.ByContext$ 1.21.13.trace", "wakeups / waker=timer / count", Is("12")),
    ("ctx-timeout", "-r main.ByAfter$ 1.21.13.trace", "wakeups / waker=timer / count", Is("12")),
    ("ctx-timeout", "-r main.ByTicker$ 1.21.13.trace", "wakeups / waker=timer / count", Is("12")),
    ("ctx-timeout", "-r main.ByDone$ 1.21.13.trace", "wakeups / waker=timer / count", Is("12")),
    // The trace names nobody for a deadline that was set beforehand.
    ("deadline-wake", "-r main.main.func2$ watch.trace", "wakeups / state=network&waker=inside / count", Is("12")),
    ("deadline-wake", "-r main.main.func2$ deadline.trace", "wakeups / waker=network / count", Is("12")),
    ("deadline-wake", "-r main.main.func2$ deadline.trace", "wakeups / waker=inside", Absent),
];

const OF_OTHERS: &[Row] = &[
    ("collector-is-unknown", "-r fetchShard t.trace", "wakeups / state=preempted / waker", Is("\"runtime\"")),
    ("collector-is-unknown", "-r fetchShard t.trace", "wakeups / waker=unknown", Absent),
    ("sibling-by-goroutine", "-r ^main.Get$ separate-1.27.3.trace", "wakeups / waker=outside / count", Is("12")),
    ("sibling-by-goroutine", "-r ^main.Get$ separate-1.27.3.trace", "findings / 0 / id", Is("\"lock-holder\"")),
    ("sibling-by-goroutine", "-r ^main.Get$ shared-1.27.3.trace", "wakeups / waker=outside / count", Is("12")),
    ("sibling-by-goroutine", "-r ^main.Get$ shared-1.27.3.trace", "wakeups / waker=sibling", Absent),
    ("sibling-by-goroutine", "-r ^main.Get$ shared-1.27.3.trace", "findings / 0 / id", Is("\"lock-holder\"")),
    ("same-goroutine-sibling", "-r LazyHandler t.trace", "wakeups / state=chan receive&waker=inside / count", Is("1")),
    (
        "same-goroutine-sibling",
        "-r LazyHandler t.trace",
        "wakeups / state=chan receive&waker=sibling / count",
        Is("11"),
    ),
    (
        "only-makes-outside",
        "-r ContendHandler --only p50.. t.trace",
        "wakeups / state=sync&waker=sibling / count",
        In(36, 37),
    ),
    ("only-makes-outside", "-r ContendHandler --only p50.. t.trace", "wakeups / waker=outside", Absent),
    ("only-makes-outside", "-r ContendHandler --only p50.. t.trace", "findings / id=lock-holder", Absent),
    (
        "only-makes-outside",
        "-r ContendHandler --only p50.. t.trace",
        "findings / id=contention / important",
        Is("true"),
    ),
];

#[test]
fn waits_that_timers_and_deadlines_end() {
    check(OF_TIMERS);
}

#[test]
fn whose_work_the_waker_did_at_that_moment() {
    check(OF_OTHERS);
}

/// The watcher that sets the deadline is named.
#[test]
fn who_sets_a_deadline_ends_the_wait() {
    let Some(answer) = json("deadline-wake", "-r main.main.func2$ watch.trace") else { return };
    let all = answer["wakeups"].as_array().expect("wakeups");
    let of = all.iter().find(|w| w["state"] == "network" && w["waker"] == "inside").expect("a row");
    assert!(frames(of, "waker_frames").any(|f| f == "main.watch"), "{of}");
}

/// A lock of the runtime's own is nobody's: who releases it is not who is waited for.
#[test]
fn the_runtimes_locks_are_not_followed() {
    let Some(output) = run("runtime-lock", &["-q", "-f", "json", "-F", "-r", "svc).Shared", "echo.trace.gz"]) else {
        return;
    };
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of_runtime = |w: &&Value| w["detail"] == "runtime";
    let wakeups: Vec<&Value> = answer["wakeups"].as_array().expect("wakeups").iter().filter(of_runtime).collect();
    assert!(!wakeups.is_empty() && wakeups.iter().all(|w| w["waker"] == "runtime"), "{wakeups:?}");
    let stacks = answer["stacks"].as_array().expect("stacks");
    // Nothing of the other endpoints is on the path of this one.
    let foreign = stacks.iter().find(|s| frames(s, "frames").any(|f| f == "main.(*svc).CPU" || f == "main.(*svc).Fan"));
    assert!(foreign.is_none(), "{foreign:?}");
}

fn frames<'v>(row: &'v Value, list: &str) -> impl Iterator<Item = &'v str> {
    row[list].as_array().into_iter().flatten().filter_map(|frame| frame["function"].as_str())
}

#[test]
fn the_walk_into_another_connection_goes_back_to_its_request() {
    let Some(answer) = json("pool-crosses-requests", "-n 0 -r viaDB pool.trace") else { return };
    let text = answer.to_string();
    for other in ["main.(*batch).serve", "(*conn).readRequest", "(*TCPListener).Accept"] {
        assert!(!text.contains(other), "{other}");
    }
}

#[test]
fn what_is_shown_of_computing_and_pipes_is_known() {
    let Some(answer) = json("pipe-network", "-r main.main.func1$ 1.27.3.trace") else { return };
    assert!(!answer.to_string().contains("\"network\""));
    let Some(output) = run("line-after-last", &["-n", "0", "-r", "main.First|main.Last", "t.trace"]) else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().find(|line| line.contains("running") && line.contains("main.Last (or below)"));
    assert!(last.is_some_and(|line| line.trim_end().ends_with("main.go")), "{text}");
    let Some(output) = run("bracketed-loop", &["-n", "0", "-r", "RangeWorker|SleepLoop", "t.trace"]) else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for blocking in ["time.Sleep (or below)", "chanrecv2 (or below)"] {
        assert!(!text.contains(blocking), "{text}");
    }
}

#[test]
fn a_wait_older_than_the_trace_has_the_stack_of_one_inside() {
    for trace in ["1.23.9.trace", "1.27.3.trace"] {
        for function in ["Lock", "Once", "Empty", "Recv", "Select", "Sleep"] {
            let root = format!("^main.{function}$");
            let options = ["-q", "-r", &root, "--metric", "goroutine", "-n", "0", "-f", "folded", trace];
            let Some(output) = run("status-stacks", &options) else { return };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let waits = text.lines().filter(|line| !line.contains(";[run"));
            let own = waits.filter_map(|line| Some(line.rsplit_once(";[")?.0.rsplit("[go];").next()?.to_owned()));
            let stacks: std::collections::BTreeSet<String> = own.collect();
            assert_eq!(stacks.len(), 1, "{trace} {function}: {text}");
        }
    }
}
