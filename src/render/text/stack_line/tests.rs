//! How stacks read on a line, at several widths.

use super::*;
use crate::profile::StackTree;
use crate::render::Options;
use crate::render::text::layout::{View, width};

fn frame(function: &str, line: u32) -> ProfileFrame {
    ProfileFrame { function: function.into(), file: format!("/src/f{line}.go").into(), line }
}

/// The line of a stack, all own code being that of its frames.
fn line(frames: &[ProfileFrame]) -> StackLine {
    let mut tree = StackTree::default();
    for frame in frames {
        tree.intern_frame(frame.clone());
    }
    let own = OwnCode::of(&tree, std::iter::empty());
    StackLine::new(&frames.iter().collect::<Vec<_>>(), &own, &LineNames::new(false))
}

fn chain(functions: &[&str], max: usize) -> (String, String) {
    let frames: Vec<ProfileFrame> = functions.iter().zip(1..).map(|(f, line)| frame(f, line)).collect();
    let options = Options::default();
    let chain = line(&frames);
    (chain.fit(&View::new(&options), max), chain.place)
}

#[test]
fn a_chain_begins_at_the_users_code_and_drops_the_parking_frames() {
    let stack = ["runtime.gopark", "sync.(*Mutex).Lock", "main.load", "main.H", "net/http.(*conn).serve"];
    assert_eq!(chain(&stack, 80), ("main.H → main.load → sync.(*Mutex).Lock".into(), "f3.go:3".into()));
    assert_eq!(chain(&stack, 32).0, "main.load → sync.(*Mutex).Lock");
    assert_eq!(chain(&stack, 22).0, "main.H → main.load → …");
    assert_eq!(chain(&stack, 15).0, "main.load → …");
    assert_eq!(chain(&stack, 6).0, "….load");
    let stack = ["time.Sleep", "main.FanOutHandler.func1.1"];
    assert_eq!(chain(&stack, 27).0, "….FanOutHandler.func1.1 → …");
}

#[test]
fn what_follows_the_last_stack_ends_with_a_pseudo_frame() {
    let stack = ["[after the last stack]", "main.loop", "main.worker"];
    assert_eq!(chain(&stack, 80), ("main.worker → main.loop → [after the last stack]".into(), "f2.go:2".into()));
    assert_eq!(chain(&stack, 40).0, "main.loop → [after the last stack]");
    assert_eq!(chain(&["[after the last stack]"], 40).0, "[after the last stack]");
}

#[test]
fn a_goroutine_without_user_code_names_its_creator() {
    let stack = ["internal/poll.(*FD).Read", "net/http.(*persistConn).readLoop", "[go]", "net/http.dial", "main.H"];
    let expected = "main.H → go http.(*persistConn).readLoop → poll.(*FD).Read";
    assert_eq!(chain(&stack, 80), (expected.into(), "f5.go:5".into()));
    assert_eq!(chain(&stack, 40).0, "go http.(*persistConn).readLoop → …");
}

#[test]
fn a_wait_for_another_goroutine_says_so() {
    let stack = ["internal/poll.(*FD).Read", "main.fill", "main.refresh", "[waiting for]", "main.H"];
    let expected = "main.H → waits for main.refresh → main.fill → poll.(*FD).Read";
    assert_eq!(chain(&stack, 80), (expected.into(), "f5.go:5".into()));
    // What it does says more than what it was started with.
    assert_eq!(chain(&stack, 46).0, "main.H → waits for main.fill → poll.(*FD).Read");
    assert_eq!(chain(&stack, 33).0, "main.H → waits for main.fill → …");
    assert_eq!(chain(&stack, 24).0, "main.H → …");
    assert_eq!(chain(&["runtime.gopark", "[waiting for]", "main.H"], 40).0, "main.H → waits for runtime.gopark");
    // Who waited, in which of its functions, and where that waited.
    let stack =
        ["time.Sleep", "main.nap", "[waiting for] ×3", "sync.(*Mutex).Lock", "main.get", "main.H", "net/http.F"];
    let expected = "main.H → main.get → sync.(*Mutex).Lock → waits for main.nap → time.Sleep";
    assert_eq!(chain(&stack, 80), (expected.into(), "f5.go:5".into()));
    assert_eq!(chain(&stack, 50).0, "main.get → … → waits for main.nap → time.Sleep");
    assert_eq!(chain(&stack, 40).0, "main.get → … → waits for main.nap → …");
    // Goroutines in between.
    let stack = ["time.Sleep", "main.c", "[waiting for]", "sync.F", "main.b", "[waiting for]", "main.H"];
    assert_eq!(chain(&stack, 80).0, "main.H → waits for main.b → waits for main.c → time.Sleep");
    assert_eq!(chain(&stack, 45).0, "main.H → … → waits for main.c → time.Sleep");
    // A server's own function is all that is known of who waited.
    let stack = ["time.Sleep", "main.nap", "main.worker", "[waiting for]", "net/http.serverHandler.ServeHTTP"];
    let expected = "http.serverHandler.ServeHTTP → waits for main.worker → main.nap → time.Sleep";
    assert_eq!(chain(&stack, 80).0, expected);
}

#[test]
fn what_does_not_fit_one_line_has_two() {
    let wrapped = |functions: &[&str], max| {
        let frames: Vec<ProfileFrame> = functions.iter().map(|f| frame(f, 1)).collect();
        line(&frames).wrap(&View::new(&Options::default()), max)
    };
    let stack = [
        "internal/poll.(*FD).Read",
        "bufio.Read",
        "main.recv",
        "[waiting for]",
        "database/sql.conn",
        "main.Order",
        "main.H",
    ];
    assert_eq!(wrapped(&stack, 64), "main.Order → … → waits for main.recv → … → poll.(*FD).Read");
    assert_eq!(wrapped(&stack, 48), "main.H → main.Order → sql.conn\n  → waits for main.recv → … → poll.(*FD).Read");
    assert_eq!(wrapped(&stack, 24), "main.Order → sql.conn\n  → waits for main.recv");
    let stack = ["internal/poll.(*FD).Read", "bufio.Read", "main.(*connection).QueryContext"];
    assert_eq!(wrapped(&stack, 48), "main.(*connection).QueryContext → bufio.Read\n  → poll.(*FD).Read");
    assert_eq!(wrapped(&["main.a"], 4), "…n.a");
}

#[test]
fn a_driver_is_not_the_users_own() {
    let file =
        |f: &str| if f.starts_with("github") { "/mod/github.com/lib/pq@v1.10.9/conn.go" } else { "/src/main.go" };
    let frames: Vec<ProfileFrame> = ["github.com/lib/pq.recv", "database/sql.F", "main.CreateUser", "net/http.F"]
        .into_iter()
        .map(|f| ProfileFrame { function: f.into(), file: file(f).into(), line: 88 })
        .collect();
    let line = line(&frames);
    assert_eq!((line.in_short().as_str(), line.place.as_str()), ("main.CreateUser", "main.go:88"));
}

#[test]
fn lines_that_read_the_same_are_told_apart_by_who_called() {
    let of = |caller: &str| {
        let frames =
            ["net.Read", "net/http.readLoop", "[waiting for]", "net/http.roundTrip", "main.call", caller, "main.H"];
        let frames: Vec<ProfileFrame> = frames.iter().map(|f| frame(f, 1)).collect();
        line(&frames)
    };
    let (orders, users) = (of("main.orders"), of("main.users"));
    assert_eq!(orders.in_short(), "main.call, waits for http.readLoop");
    let apart = orders.told_apart_from(&[&users]).expect("they differ");
    assert_eq!(apart.in_short(), "main.orders, waits for http.readLoop");
    // Who only carries what comes from the network is not who is waited for. Its twin: the program's own of that name.
    let carried = |entry: &str| {
        let stack = ["net.Read", entry, "[waiting for]", "net/http.(*persistConn).roundTrip", "main.call", "main.H"];
        line(&stack.map(|f| frame(f, 1))).in_short()
    };
    assert_eq!(carried("net/http.(*persistConn).readLoop"), "main.call, waits for the network");
    assert_eq!(carried("main.(*persistConn).readLoop"), "main.call, waits for main.(*persistConn).readLoop");
    assert!(orders.told_apart_from(&[&orders]).is_none() && apart.told_apart_from(&[&users]).is_none());
}

#[test]
fn further_goroutines_do_not_hide_who_waits() {
    let stack = ["time.Sleep", "main.rest", "[more]", "[waiting for]", "main.pass", "[waiting for] ×7", "main.relay"];
    let expected = "main.relay → waits for main.pass → waits for main.rest → time.Sleep";
    assert_eq!(chain(&stack, 100).0, expected);
}

#[test]
fn odd_stacks_have_a_text_too() {
    assert_eq!(chain(&[], 40).0, "(no stack recorded)");
    assert_eq!(chain(&["runtime.gopark"], 40), ("runtime.gopark".into(), "f1.go:1".into()));
    assert_eq!(chain(&["[go]", "main.main"], 40).0, "main.main");
    let deep = vec!["main.recurse"; 5000];
    assert!(width(&chain(&deep, 60).0) <= 60);
}
