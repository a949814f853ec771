//! The report's first lines name the function that decides, and what it waits for, in programs whose truth is known
//! (`testdata/gen/causes`, `critical`); their twins have another answer.

use crate::common::evil::{pairs, two_tasks_at_once};
use crate::common::{by_stack, profile, recordings, root, selector};
use gotrace_slice::profile::{Cause, CodePlace};
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A root; where most of its time is and in which state; whom it waits for, which does what; whether that holds a lock.
type Truth = (&'static str, &'static str, &'static str, Option<(&'static str, &'static str, bool)>);

const CRITICAL: &[Truth] = &[
    ("main.LockHandler", "main.LockHandler", "sync", Some(("main.refresh", "sleep", true))),
    ("main.PoolHandler", "main.PoolHandler", "chan receive", Some(("main.worker", "sleep", false))),
    ("main.ParallelHandler", "main.ParallelHandler", "sync", Some(("main.ParallelHandler.func2", "sleep", false))),
    ("main.OwnHandler", "main.OwnHandler", "sleep", None),
    // Five goroutines, none of which works half of the time.
    ("main.ChainHandler", "main.ChainHandler", "chan receive", None),
];

const CAUSES: &[Truth] = &[
    ("main.Answered", "main.Answered", "select", Some(("main.worker", "sleep", false))),
    ("main.Apart", "main.Apart", "sleep", None),
    ("main.Contend", "main.Contend", "sync", Some(("main.Contend", "sleep", true))),
    ("main.Pool", "main.Pool", "chan send", Some(("main.Pool", "sleep", false))),
    ("main.Enough", "main.Enough", "sleep", None),
    // One of three calls takes most; its twin's take as long as each other.
    ("main.Decide", "main.orders", "network", None),
    ("main.Even", "main.Even", "network", None),
    ("main.Expire", "main.Expire", "select", None),
    ("main.Sleep", "main.Sleep", "sleep", None),
];

/// A pattern that matches a wrapper of `net/http`, through which all endpoints go, and one that matches an endpoint.
#[test]
fn the_next_step_from_all_endpoints_is_to_choose_one() {
    for path in recordings("keepalive") {
        let next = |pattern: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
            let output = command.args(["-q", "-f", "json", "--root", pattern]).arg(&path).output().expect("it runs");
            let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            report["answer"]["next"].as_str().unwrap_or_default().to_owned()
        };
        assert!(next("ServeHTTP").contains("choose an endpoint"), "{}: {}", path.display(), next("ServeHTTP"));
        assert!(!next("main.Order").contains("choose an endpoint"), "{}", path.display());
    }
}

/// Four requests are too few for a finding, and their lock is what to look at nevertheless.
#[test]
fn the_next_step_of_few_requests_is_about_what_takes_their_time() {
    for path in recordings("problems") {
        let next = |root: &str, more: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
            let output = command.args(["-q", "-f", "json", "-F", "--root", root]).args(more).arg(&path).output();
            let report: Value = serde_json::from_slice(&output.expect("it runs").stdout).expect("JSON");
            assert!(report["latency"]["count"].as_u64().is_some_and(|n| n < 10), "{report}");
            report["answer"]["next"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(
            next("main.(*server).Price", &[]),
            "do the slow work before the lock is taken",
            "{}",
            path.display()
        );
        // The twin: three requests that wait for the network.
        let other = next("main.(*server).Page", &["--slowest", "3"]);
        assert!(!other.contains("lock"), "{}: {other}", path.display());
    }
}

fn function(place: Option<&CodePlace>) -> &str {
    place.map_or("", |place| &place.function)
}

fn first(bytes: &Vec<u8>, pattern: &str, root_by: RootBy) -> Cause {
    let profile = profile(bytes, &selector(pattern, root_by));
    profile.requests.expect("requests").answer.expect("an answer").causes.swap_remove(0)
}

fn check(path: &Path, root_by: RootBy, truths: &[Truth]) {
    let bytes = std::fs::read(path).expect("a trace");
    for &(root, place, state, other) in truths {
        let cause = first(&bytes, &format!("^{root}$"), root_by);
        let what = format!("{}: {root}: {cause:?}", path.display());
        assert_eq!((function(cause.place.as_ref()), cause.state.as_str()), (place, state), "{what}");
        assert!(cause.place.as_ref().is_some_and(|p| p.lines.first().is_some_and(|(line, _)| *line > 0)), "{what}");
        let waits_for = cause.waits_for.as_ref();
        let found = waits_for.map(|w| (function(w.place.as_ref()), w.state.as_str(), w.holds_lock));
        assert_eq!(found, other, "{what}");
    }
}

fn check_all(name: &str, root_by: RootBy, truths: &[Truth]) {
    for path in recordings(name) {
        check(&path, root_by, truths);
    }
}

#[test]
fn who_holds_a_lock_or_works_meanwhile_is_named() {
    check_all("critical", RootBy::default(), CRITICAL);
}

#[test]
fn the_cause_is_named_and_not_that_of_its_twin() {
    check_all("causes", by_stack(), CAUSES);
}

/// Of a server that computes, writes files and fans out, each endpoint has its own answer.
#[test]
fn each_endpoint_has_its_own_answer() {
    let truths: &[(&str, &str, &str)] = &[
        ("main.HashAndWriteHandler", "main.HashAndWriteHandler", "running"),
        ("main.WriteNoHashHandler", "main.writeData", "syscall"),
    ];
    let bytes = std::fs::read(root().join("testdata/traces/go1.26/server.trace")).expect("a trace");
    for &(root, place, state) in truths {
        let cause = first(&bytes, root, RootBy::default());
        assert_eq!((function(cause.place.as_ref()), cause.state.as_str()), (place, state), "{cause:?}");
    }
}

/// Where there are so many chains of waits that stacks show none, requests wait nevertheless; and a comparison has what both
/// sides do on both.
#[test]
fn waits_that_no_stack_shows_are_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = |n| {
        let path = folder.path().join(format!("{n}.trace"));
        std::fs::write(&path, pairs(n, n)).expect("a file");
        path
    };
    // Pairs of a wait and of what was done meanwhile: at most 65,536 are told by one wait.
    let (none, twin) = (trace(257), trace(20));
    let report = |args: &[&str], path: &Path| -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let output = command.args(["-q", "-n0", "-f", "json", "--root", "main.Handler"]).args(args).arg(path).output();
        serde_json::from_slice(&output.expect("it runs").stdout).expect("JSON")
    };
    for (path, waited_in, what) in
        [(&none, "unknown", " in [unknown]."), (&twin, "chan receive", " (main.go:1) to receive from a channel.")]
    {
        let report = report(&[], path);
        let said = report["answer"]["text"].as_str().expect("a text");
        assert!(said.contains(&format!("the time it waits in main.Handler{what}")), "{said}");
        assert_eq!(report["answer"]["causes"][0]["state"], waited_in);
        let elsewhere = report["stacks"].as_array().expect("stacks").iter().filter(|row| {
            row["frames"].as_array().expect("frames").iter().any(|frame| frame["function"] == "[waiting for]")
        });
        assert!(elsewhere.clone().count() >= 257 && elsewhere.clone().all(|row| row["waited_in"] == waited_in));
    }
    let compared = report(&["--vs", &twin.to_string_lossy()], &none);
    let marked = |mark| {
        let stacks = compared["diff"]["stacks"].as_array().expect("stacks").iter();
        let shown = stacks.filter(|row| row["mark"] == mark).flat_map(|row| row["frames"].as_array().expect("frames"));
        shown.filter(|frame| frame["function"].as_str().is_some_and(|name| name.starts_with("main.work"))).count()
    };
    assert_eq!((marked("gone"), marked("both") >= 20, marked("new") >= 237), (0, true, true));
}

/// What a goroutine does for tasks of two names at once is its own work for both: it waits for nobody.
#[test]
fn work_for_two_tasks_at_once_is_no_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tasks.trace");
    std::fs::write(&path, two_tasks_at_once(10)).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let args = ["-q", "-n0", "-f", "json", "--root", "checkout|audit", "--root-by", "task"];
    let output = command.args(args).arg(&path).output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let said = report["answer"]["text"].as_str().expect("a text");
    assert!(said.contains("computes in") && !said.contains("waits"), "{said}");
    let stacks = report["stacks"].as_array().expect("stacks");
    assert!(stacks.iter().all(|row| row["waited_in"] == "" && row["state"] == "running"), "{stacks:?}");
    let frames = stacks.iter().flat_map(|row| row["frames"].as_array().expect("frames"));
    assert!(frames.clone().all(|frame| frame["function"] != "[waiting for]"));
    assert!(frames.clone().any(|frame| frame["function"] == "audit"), "{stacks:?}");
}
