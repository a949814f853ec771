//! Answers of small profiles made by hand: which function is named, and what it waits for.

use super::*;
use crate::profile::{NodeIdx, Precision, ProfileFrame, Request, Sample, StackTree, Weight};

/// A profile of one request whose stacks are given as functions, outermost first, with the state of the request, the
/// state of the goroutine that worked if another one did, and how long.
fn profile(rows: &[(&str, &str, &str, u64)]) -> Profile {
    let mut profile = Profile::default();
    for (stack, waited_in, state, ns) in rows {
        let leaf = stack.split(' ').fold(StackTree::ROOT, |at, name| push(&mut profile.tree, at, name));
        profile.samples.push(Sample {
            stack: leaf,
            state: (*state).into(),
            detail: "",
            precision: Precision::Exact,
            root: "main.H".into(),
            waited_in: (*waited_in).into(),
            weight: Weight { latency_ns: *ns, ..Weight::default() },
        });
    }
    let dur_ns = rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.3));
    let list = vec![Request { dur_ns, ..Request::default() }];
    profile.requests = Some(Requests { list, roots: vec!["main.H".into()], ..Requests::default() });
    profile.finish();
    profile
}

fn push(tree: &mut StackTree, at: NodeIdx, name: &str) -> NodeIdx {
    let function = if name == "…" { ProfileFrame::WAITING_FOR.to_owned() } else { name.to_owned() };
    let line = name.len() as u32;
    let frame = tree.intern_frame(ProfileFrame { function: function.into(), file: file(name).into(), line });
    tree.push(at, frame)
}

/// Functions of `github.com/lib/pq` lie below GOPATH, all others beside the program.
fn file(name: &str) -> String {
    if name.starts_with("github.com/lib/pq.") { "/go/src/github.com/lib/pq/conn.go" } else { "main.go" }.to_owned()
}

fn answer(profile: &Profile) -> Option<Answer> {
    profile.requests.as_ref()?.answer.clone()
}

fn first(profile: &Profile) -> Cause {
    answer(profile).expect("an answer").causes.remove(0)
}

fn function(cause: &Cause) -> &str {
    cause.place.as_ref().map_or("", |place| &place.function)
}

#[test]
fn a_function_that_all_call_is_not_the_place() {
    let cause = first(&profile(&[
        ("main.H main.orders main.call net/http.Get", "", "network", 78),
        ("main.H main.users main.call net/http.Get", "", "network", 22),
    ]));
    assert_eq!((function(&cause), cause.ns, cause.waits_in.as_str()), ("main.orders", 78, "net/http.Get"));
    // Its twin: only one calls it.
    let cause = first(&profile(&[
        ("main.H main.orders main.call net/http.Get", "", "network", 78),
        ("main.H main.users net/http.Get", "", "network", 22),
    ]));
    assert_eq!(function(&cause), "main.call");
}

#[test]
fn the_same_below_two_callers_is_one_cause() {
    let both = answer(&profile(&[
        ("main.H time.Sleep", "", "sleep", 55),
        ("main.wrap main.H time.Sleep", "", "sleep", 30),
        ("main.wrap main.hash crypto.Sum", "", "running", 15),
    ]));
    let causes = both.expect("an answer").causes;
    assert_eq!(causes.iter().map(|c| (function(c), c.ns)).collect::<Vec<_>>(), [("main.H", 85), ("main.hash", 15)]);
    // Its twin: in another state.
    let twin =
        answer(&profile(&[("main.H time.Sleep", "", "sleep", 55), ("main.wrap main.H net.Read", "", "network", 45)]));
    assert_eq!(twin.expect("an answer").causes.len(), 2);
}

#[test]
fn rows_with_different_leaves_add_up() {
    let answer = answer(&profile(&[
        ("main.H main.save os.Create", "", "syscall", 30),
        ("main.H main.save os.Remove", "", "syscall", 30),
        ("main.H main.hash crypto.Sum", "", "running", 40),
    ]));
    let causes = answer.expect("an answer").causes;
    assert_eq!(causes.iter().map(|c| (function(c), c.ns)).collect::<Vec<_>>(), [("main.save", 60), ("main.hash", 40)]);
    assert_eq!(causes[0].waits_in, "");
}

#[test]
fn who_holds_a_lock_is_at_the_end_of_the_waits() {
    let read = "main.H main.Read sync.(*RWMutex).RLock";
    let chain = format!("{read} … main.tick sync.(*RWMutex).Lock … main.scan time.Sleep");
    let cause = first(&profile(&[(&chain, "sync", "sleep", 98), (read, "", "runnable", 2)]));
    let other = cause.waits_for.as_ref().expect("a goroutine");
    assert_eq!((function(&cause), cause.state.as_str(), cause.detail), ("main.Read", "sync", "rwmutex"));
    assert_eq!((other.place.as_ref().map(|p| p.function.as_str()), other.holds_lock), (Some("main.scan"), true));
    assert_eq!((other.by_way_of.as_str(), other.state.as_str()), ("main.tick", "sleep"));
    // Its twin: who waits for a channel itself may hold the lock, who ends that wait does not.
    let chain = format!("{read} … main.tick runtime.chanrecv1 … main.scan time.Sleep");
    let cause = first(&profile(&[(&chain, "sync", "sleep", 98), (read, "", "runnable", 2)]));
    assert!(!cause.waits_for.expect("a goroutine").holds_lock);
}

#[test]
fn no_request_is_no_answer() {
    assert_eq!(answer(&profile(&[])), None);
    assert_eq!(answer(&Profile::default()), None);
}

#[test]
fn a_driver_below_gopath_is_not_the_programs_own() {
    let cause = first(&profile(&[("main.H main.load github.com/lib/pq.Query net.Read", "", "network", 9)]));
    assert_eq!((function(&cause), cause.waits_in.as_str()), ("main.load", "github.com/lib/pq.Query"));
    // Its twin: a package of the program's own.
    let cause = first(&profile(&[("main.H main.load github.com/me/db.Query net.Read", "", "network", 9)]));
    assert_eq!((function(&cause), cause.waits_in.as_str()), ("github.com/me/db.Query", "net.Read"));
}

#[test]
fn how_deep_a_function_recurs_parts_no_stacks() {
    let deep =
        |times: usize| format!("main.H{} main.visit main.load net/http.Get", " main.walk main.visit".repeat(times));
    let rows: Vec<String> = (1..5).map(deep).collect();
    let answered = |rows: &[String]| {
        first(&profile(&rows.iter().map(|stack| (stack.as_str(), "", "network", 25)).collect::<Vec<_>>()))
    };
    let cause = answered(&rows);
    assert_eq!((function(&cause), cause.ns), ("main.load", 100));
    // Its twin: what they call in the end differs.
    let ends = ["main.load", "main.store", "main.send", "main.log"];
    let rows: Vec<String> = rows.iter().zip(ends).map(|(stack, end)| stack.replace("main.load", end)).collect();
    assert_eq!(function(&answered(&rows)), "main.visit");
}

/// As those of a damaged trace: releases check arithmetic too.
#[test]
fn times_as_long_as_numbers_go_have_an_answer() {
    let ns = u64::MAX / 2 + 1;
    let rows = [
        ("main.H sync.(*Mutex).Lock … main.work", "sync", "sleep", ns),
        ("main.H main.load", "", "running", ns),
        ("main.H main.store", "", "running", ns),
    ];
    for n in 1..=rows.len() {
        assert!(answer(&profile(&rows[..n])).is_some_and(|answer| !answer.causes.is_empty()));
    }
}
