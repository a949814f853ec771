//! Requests are told apart and bounded by what the server itself does around them: each endpoint of the programs in
//! `testdata/gen` has exactly as many as the program says, and each is as long as its handler and not longer than
//! its client saw.

use crate::common::{root, root_by, selector};
use crate::go;
use gotrace_slice::pipeline::{self, Answer, Input, Options, Stacks};
use gotrace_slice::profile::{Candidates, Profile};
use gotrace_slice::slice::{PatternSyntax, Patterns, Selector};
use gotrace_slice::trace::testing::{CpuSample, NameTable, TimedEvent, TraceWriter, code};
use serde_json::Value;
use std::path::{Path, PathBuf};

const VERSIONS: [&str; 6] = ["go1.19", "go1.21", "go1.22", "go1.23", "go1.25", "go1.26"];

/// A recording and what its program said.
struct Recording {
    path: PathBuf,
    trace: Vec<u8>,
    said: Value,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let trace = std::fs::read(path).expect("a readable trace");
        let said = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
        Self { path: path.to_owned(), trace, said: serde_json::from_str(&said).expect("JSON") }
    }

    fn all(program: &str) -> Vec<Self> {
        let file = |version| root().join("testdata/traces").join(version).join(program).with_extension("trace");
        VERSIONS.iter().map(file).filter(|path| path.exists()).map(|path| Self::read(&path)).collect()
    }

    fn input(&self) -> [Input<'_>; 1] {
        [Input { name: "test".into(), source: &self.trace, resolver: None }]
    }

    /// The roots' own goroutines without any child: a sum of durations.
    fn own(&self, pattern: &str, by: &str) -> Profile {
        let exclude = Patterns::new("--exclude", &[".".to_owned()], PatternSyntax::default()).expect("a pattern");
        let pattern = format!("^{}$", regex::escape(pattern));
        self.slice(&Selector { exclude: Some(exclude), ..selector(&pattern, root_by(by)) })
    }

    fn slice(&self, selector: &Selector) -> Profile {
        match pipeline::profile(
            &self.input(),
            selector,
            Options { stacks: Stacks::Own, threads: 1, ..Options::default() },
            None,
        ) {
            Ok(Answer::Profile(profile)) => *profile,
            other => panic!("{self}: {:?}: {other:?}", selector.roots),
        }
    }

    fn candidates(&self) -> Candidates {
        let options = Options { stacks: Stacks::Own, threads: 1, ..Options::default() };
        pipeline::candidates(&self.input(), None, options, None).expect("a sound trace")
    }
}

impl std::fmt::Display for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number")).collect()
}

/// What the client measured: from what it sent until it had the answer. Of pipelined requests each client time
/// starts at the first, and only one is at work at a time.
fn upper_bound(handler: &str, said: &Value) -> Option<u64> {
    let client = numbers(&said["client_ns"]);
    match handler {
        // It answers before its handler ends.
        "main.HijackHandler" => None,
        "main.PipelinedHandler" => client.iter().max().copied(),
        _ => Some(client.iter().sum()),
    }
}

fn each_handler(recording: &Recording, mut check: impl FnMut(&str, &Value)) {
    let handlers = recording.said["handlers"].as_object().expect("handlers");
    assert!(handlers.len() >= 3);
    for (handler, said) in handlers {
        check(handler, said);
    }
}

#[test]
fn http1_counts_and_durations_are_the_programs() {
    for recording in Recording::all("http1") {
        each_handler(&recording, |handler, said| {
            if handler == "main.QuickHandler" {
                return;
            }
            let profile = recording.own(handler, "stack");
            let what = format!("{recording} {handler}");
            assert_eq!(profile.selection.roots, said["count"], "{what}");
            assert_eq!(profile.selection.roots_cut, 0, "{what}");
            let took = profile.total.goroutine_ns;
            assert!(upper_bound(handler, said).is_none_or(|most| took <= most), "{what}: {took} ns, {said}");
            let requests = &profile.requests.as_ref().expect("requests").list;
            assert!(requests.iter().all(|r| !r.is_inferred() && !r.partial), "{what}");
            let durations: Vec<u64> = requests.iter().map(|r| r.dur_ns).collect();
            assert_eq!(durations.iter().sum::<u64>(), took, "{what}");
            assert_ranked(&what, &numbers(&said["handler_ns"]), &durations);
            if upper_bound(handler, said).is_some() {
                assert_ranked(&what, &durations, &numbers(&said["client_ns"]));
            }
        });
    }
}

#[test]
fn requests_whose_handler_leaves_no_name_are_counted() {
    for recording in Recording::all("http1") {
        let profile = recording.own("main.NoBodyHandler", "stack");
        let unknown = &profile.selection.undecided;
        let quick = &recording.said["handlers"]["main.QuickHandler"];
        assert_eq!(unknown.count(), quick["count"], "{recording}");
        assert!(
            unknown.total_ns() > 0 && unknown.total_ns() <= numbers(&quick["client_ns"]).iter().sum(),
            "{recording}"
        );
        assert_eq!(unknown.connections, recording.said["clients"], "{recording}");
    }
}

#[test]
fn endpoints_of_a_shared_connection_do_not_mix() {
    for recording in Recording::all("server") {
        check_endpoints(&recording);
    }
}

/// The talk's server with 4 clients of 10 requests to each endpoint, on connections that are kept alive, recorded now.
#[test]
fn forty_requests_are_forty() {
    for version in go::VERSIONS.iter().chain(&["1.21"]) {
        if go::toolchain(version).is_none() {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        go::record(version, "server", None, folder.path());
        let recording = Recording::read(&folder.path().join(format!("server-warm-{version}.trace")));
        for endpoint in recording.said["endpoints"].as_object().expect("endpoints").values() {
            assert_eq!(endpoint["count"], 40, "{recording}");
        }
        check_endpoints(&recording);
    }
}

fn check_endpoints(recording: &Recording) {
    let mut quick = 0;
    for endpoint in recording.said["endpoints"].as_object().expect("endpoints").values() {
        let handler = endpoint["handler"].as_str().expect("a name");
        if handler == "main.QuickHandler" {
            quick = endpoint["count"].as_u64().expect("a number");
            continue;
        }
        let profile = recording.own(handler, "stack");
        let what = format!("{recording} {handler}");
        assert_eq!(profile.selection.roots, endpoint["count"], "{what}");
        assert_eq!(profile.selection.roots_cut, 0, "{what}");
        let took = profile.total.goroutine_ns;
        let requests = &profile.requests.as_ref().expect("requests").list;
        let durations: Vec<u64> = requests.iter().map(|r| r.dur_ns).collect();
        assert_ranked(&what, &durations, &numbers(&endpoint["latency_ns"]));
        let waited = endpoint["wait"]["ns"].as_u64().expect("a number");
        assert!(took >= waited, "{what}: {took} ns");
    }
    let profile = recording.own("main.FanOutHandler", "stack");
    assert_eq!(profile.selection.undecided.count(), quick, "{recording}");
    assert_eq!(profile.selection.undecided.connections, recording.said["clients"], "{recording}");
}

const SERVE: &str = "net/http.(*conn).serve";
const STARTER: &str = "net/http.(*connReader).startBackgroundRead";
const FINISHER: &str = "net/http.(*response).finishRequest";

/// The one request of a trace, when it started after the trace did, how long it took, and how many had no handler.
fn only_request(bytes: &Vec<u8>) -> (u64, u64, u64) {
    let inputs = [Input { name: "test".into(), source: bytes, resolver: None }];
    let selector = selector("^main.Handler$", root_by("stack"));
    let answer = pipeline::profile(&inputs, &selector, Options::default(), None).expect("a sound trace");
    let Answer::Profile(profile) = answer else { panic!("no request") };
    let [request] = &profile.requests.as_ref().expect("requests").list[..] else { panic!("not one request") };
    (request.start_ns, request.dur_ns, profile.selection.undecided.count())
}

/// A connection that is stopped and sampled on both sides of the creation of its background reader: that creation
/// alone starts the request.
#[test]
fn a_stop_beside_the_readers_creation_starts_nothing() {
    let mut names = NameTable::default();
    let mut stack = |leaf_first: &[&str]| names.stack(leaf_first);
    let starting = stack(&[STARTER, SERVE]);
    let [handling, finishing] =
        [stack(&["main.Handler", "net/http.serverHandler.ServeHTTP", SERVE]), stack(&[FINISHER, SERVE])];
    let reader = stack(&["net/http.(*connReader).backgroundRead"]);
    let [preempted, sleep] = [names.string(b"preempted"), names.string(b"sleep")];
    let events = [
        (0, code::PROC_STATUS, &[0, 1][..]),
        (1, code::GO_STATUS, &[7, 1, 2]),
        (10, code::GO_STOP, &[preempted, starting]),
        (20, code::GO_START, &[7, 1]),
        (30, code::GO_CREATE, &[8, reader, starting]),
        (40, code::GO_STOP, &[preempted, starting]),
        (50, code::GO_START, &[7, 2]),
        (60, code::GO_BLOCK, &[sleep, handling]),
        (70, code::GO_UNBLOCK, &[7, 3, 0]),
        (71, code::GO_START, &[7, 4]),
        (80, code::GO_BLOCK, &[sleep, finishing]),
    ];
    let events: Vec<_> = events.iter().map(|(ticks, code, args)| TimedEvent::new(*ticks, *code, args)).collect();
    let sample = |ticks| CpuSample { ticks, thread: 1, proc: 0, goroutine: 7, stack: starting };
    let mut writer = TraceWriter::new("1.23").expect("a version");
    writer.sync(1, 0, 1_000_000_000, (0, 0));
    writer.events(1, 1, &events);
    writer.samples(1, 0, &[sample(25), sample(35), sample(55)]);
    writer.names(1, 0, &names);
    assert_eq!(only_request(&writer.finish()), (30, 50, 0));
}

/// The same before Go 1.22.
#[test]
fn a_stop_beside_the_readers_creation_starts_nothing_in_old_traces() {
    use crate::v1::builder as v1;
    use v1::ev;
    let mut trace = v1::Builder::new(21);
    trace.start().event(ev::GO_SCHED, 5, &[3]).event(ev::GO_START, 10, &[1, 2]);
    trace.event(ev::GO_CREATE, 10, &[8, 6, 3]).event(ev::GO_SCHED, 10, &[3]).event(ev::GO_START, 10, &[1, 3]);
    trace.event(ev::GO_SCHED, 10, &[4]).event(ev::GO_START, 10, &[1, 4]).event(ev::GO_SCHED, 10, &[5]);
    trace.end();
    let names = [STARTER, SERVE, "main.Handler", "net/http.serverHandler.ServeHTTP", FINISHER, "main.reader"];
    for (id, name) in (11..).zip(names) {
        trace.string(id, name.as_bytes());
    }
    let frame = |name: u64| [0x3000 + name, name, 3, 1];
    trace.stack(3, &[frame(11), frame(12)]).stack(4, &[frame(13), frame(14), frame(12)]);
    trace.stack(5, &[frame(15), frame(12)]).stack(6, &[frame(16)]);
    // An old trace starts 1 ns before its first event.
    assert_eq!(only_request(&trace.bytes), (31, 50, 0));
}

#[test]
fn a_goroutine_of_its_own_is_a_request() {
    for recording in Recording::all("http2") {
        each_handler(&recording, |handler, said| {
            let profile = recording.own(handler, "stack");
            let what = format!("{recording} {handler}");
            assert_eq!(profile.selection.roots, said["count"], "{what}");
            assert_eq!(profile.selection.roots_by_stack, said["count"], "{what}");
            // The program stops its recording when it has the last answer; the goroutine may take longer.
            assert!(profile.selection.roots_cut <= 1, "{what}");
            assert_eq!(profile.selection.undecided.count(), 0, "{what}");
            let took = profile.total.goroutine_ns;
            assert!(took >= numbers(&said["handler_ns"]).iter().sum(), "{what}: {took} ns, {said}");
            assert!(took <= numbers(&said["client_ns"]).iter().sum(), "{what}: {took} ns, {said}");
        });
    }
}

/// Each duration against its own measurement: the n-th longest of one is at least the n-th longest of the other.
fn assert_ranked(what: &str, shorter: &[u64], longer: &[u64]) {
    let sorted = |list: &[u64]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    for (a, b) in sorted(shorter).iter().zip(sorted(longer)) {
        assert!(*a <= b, "{what}: {shorter:?} {longer:?}");
    }
}

#[test]
fn handlers_are_listed_with_their_durations() {
    for (program, protocol) in [("http1", "HTTP/1"), ("http2", "HTTP/2")] {
        for recording in Recording::all(program) {
            let candidates = recording.candidates();
            each_handler(&recording, |name, said| {
                let what = format!("{recording} {name}");
                let handler = candidates.handlers.iter().find(|h| h.function == name && h.protocol == protocol);
                if name == "main.QuickHandler" {
                    assert!(handler.is_none(), "{what}");
                    assert_eq!(candidates.undecided.count(), said["count"], "{what}");
                    return;
                }
                let handler = handler.unwrap_or_else(|| panic!("{what}: {:?}", candidates.handlers));
                assert_eq!(
                    handler.took.count() + handler.took.partial,
                    said["count"].as_u64().expect("a number"),
                    "{what}"
                );
                // The program stops its recording when it has the last answer.
                assert!(handler.took.partial <= u64::from(program == "http2"), "{what}");
                if handler.took.partial == 0 {
                    assert_ranked(&what, &numbers(&said["handler_ns"]), &handler.took.durations_ns);
                    // A stream's goroutine ends a little after its client has the answer.
                    if program == "http1" && upper_bound(name, said).is_some() {
                        assert_ranked(&what, &handler.took.durations_ns, &numbers(&said["client_ns"]));
                    }
                }
            });
        }
    }
}

#[test]
fn shared_goroutines_are_left_out_of_requests() {
    for recording in Recording::all("pools") {
        let selector = selector("^main.PoolHandler$", root_by("creation,entry,stack"));
        let profile = recording.slice(&selector);
        let what = format!("{recording}: {:?}", profile.selection);
        let requests = recording.said["requests"].as_u64().expect("a number");
        assert_eq!(profile.selection.roots, requests, "{what}");
        assert!(profile.selection.shared >= requests, "{what}");
        assert_eq!(
            profile.selection.no_creator,
            recording.said["timers"]["count"].as_u64().expect("a number"),
            "{what}"
        );
        // A critical path may lead through what is left out; the sum over goroutines may not.
        let summed = profile.samples.iter().filter(|s| s.weight.goroutine_ns > 0);
        let mut functions = summed.flat_map(|s| profile.tree.stack(s.stack)).map(|f| f.function.as_str());
        assert!(!functions.any(|f| f.contains("backgroundRead") || f.contains("writeLoop")), "{what}");
        let whole = recording.slice(&Selector { whole_life: true, ..selector });
        assert_eq!(whole.selection.shared, 0, "{what}");
    }
}

/// Nothing names a handler that only computes: what finds nothing says that it may be among those requests.
#[test]
fn no_match_says_that_handlers_left_no_stack() {
    for recording in Recording::all("http1") {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gotrace-slice"))
            .args(["--root", "main.QuickHandler"])
            .arg(&recording.path)
            .output()
            .expect("a run");
        let message = String::from_utf8_lossy(&output.stderr);
        let quick = &recording.said["handlers"]["main.QuickHandler"]["count"];
        assert!(message.contains(&format!("the handler of {quick} request")), "{recording}: {message}");
        assert!(message.contains("CPU profile"), "{recording}: {message}");
    }
}

fn said_of_no_match(recording: &Recording, pattern: &str) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = command.args(["--root", pattern]).arg(&recording.path).output().expect("a run");
    assert_eq!(output.status.code(), Some(1), "{recording} {pattern}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The same where a middleware leaves a stack; and nothing is said where every request is of a handler that is known.
#[test]
fn no_match_says_that_stacks_end_in_a_middleware() {
    for recording in Recording::all("endpoints").iter().chain(&Recording::all("endpoints-h2")) {
        let computing = &recording.said["endpoints"]["main.Compute"]["count"];
        let message = said_of_no_match(recording, "main.Compute");
        let said = format!("the stacks of {computing} requests (the longest took ");
        assert!(message.contains(&said) && message.contains("end above the handlers"), "{recording}: {message}");
    }
    for recording in Recording::all("http2") {
        let message = said_of_no_match(&recording, "main.Nowhere");
        assert!(!message.contains("it may be among these"), "{recording}: {message}");
    }
}
