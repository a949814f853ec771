//! What a comparison concludes from traces that are made for one rule each, and from their twins: the rate of slow
//! requests, requests that may be several calls, and ends that can only be inferred.

use crate::common::{files, recordings, root};
use gotrace_slice::trace::testing::from_text;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// 1 ms in ns.
const MS: u64 = 1_000_000;
const STREAM: &str = "net/http.HandlerFunc.ServeHTTP < net/http.(*http2serverConn).runHandler";
const WORKER: &str = "main.worker";

/// A trace in which one goroutine after the other runs, by the program's own thread.
struct Made {
    text: String,
    now_ns: u64,
    goroutines: u64,
}

impl Made {
    fn new() -> Self {
        let head = "Trace Go1.22\nEventBatch gen=1 m=-1 time=0\nFrequency freq=1_000_000_000\nEventBatch gen=1 m=0 time=0\n\
                    ProcStatus at=1 p=0 pstatus=Running\n";
        Self { text: head.to_owned(), now_ns: 1_000, goroutines: 1 }
    }

    fn event(&mut self, event: &str, args: &str) {
        self.now_ns += 1_000;
        writeln!(self.text, "{event} at={} {args}", self.now_ns).expect("text");
    }

    /// A goroutine runs a function, whose calls sleep on `inner` for 1 ms, `sleeps` times, and then compute for so long.
    fn goroutine(&mut self, outer: &str, inner: &str, sleeps: u64, compute_ns: u64) {
        self.goroutines += 1;
        let (g, entry) = (self.goroutines, outer.rsplit(" < ").next().expect("a function"));
        self.event("GoCreate", &format!("new_g={g} new_stack=\"{entry}\" stack=\"main.main\""));
        self.event("GoStart", &format!("g={g} g_seq=1"));
        for i in 0..sleeps {
            self.event("GoBlock", &format!("reason_string=\"sleep\" stack=\"time.Sleep < {inner} < {outer}\""));
            self.now_ns += MS;
            self.event("GoUnblock", &format!("g={g} g_seq={}", 2 * i + 2));
            self.event("GoStart", &format!("g={g} g_seq={}", 2 * i + 3));
        }
        self.now_ns += compute_ns;
        // Only what is on no server leaves a stack that ends the call.
        if outer == WORKER {
            self.event("UserLog", &format!("stack=\"{outer}\""));
        }
        self.event("GoDestroy", "");
    }

    fn bytes(mut self) -> Vec<u8> {
        self.event("ProcStop", "");
        from_text(&self.text).expect("a trace")
    }
}

/// Requests on a server: slow ones of `main.Get`, and fast ones that leave no stack.
fn served(slow: u64, fast: u64) -> Vec<u8> {
    let mut made = Made::new();
    // All slow ones are equally slow: none is shorter than their median.
    (0..slow).for_each(|_| made.goroutine(STREAM, "main.Get", 1, 0));
    (0..fast).for_each(|_| made.goroutine(STREAM, "main.Get", 0, 0));
    made.bytes()
}

/// Calls of `main.Get` on no server that sleep and then compute for so long, and calls twice in a row, which cannot be told
/// from one that sleeps twice.
fn called(once: u64, twice: u64, compute_ns: u64) -> Vec<u8> {
    let mut made = Made::new();
    (0..once).for_each(|i| made.goroutine(WORKER, "main.Get", 1, compute_ns + i));
    (0..twice).for_each(|i| made.goroutine(WORKER, "main.Get", 2, compute_ns + i));
    made.bytes()
}

/// The exit code of a comparison with a rule, its JSON and what it says besides.
fn compare(base: &[u8], new: &[u8], rule: &str) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let [base, new] = [("base", base), ("new", new)].map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    });
    compare_files("^main.Get$", [&base, &new], rule)
}

/// The same of recordings.
fn compare_files(root: &str, [base, new]: [&Path; 2], rule: &str) -> (Option<i32>, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.args(["-f", "json", "-r", root, "--fail-if", rule, "--vs"]).arg(base).arg(new);
    let output = command.env("LANG", "C.UTF-8").output().expect("a run");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    (output.status.code(), json, said)
}

fn said(json: &Value) -> &str {
    json["answer"]["text"].as_str().expect("the first lines")
}

/// The verdict, and how many slow ones of how many there are on the new side.
fn verdict(json: &Value) -> (&str, Option<(u64, u64)>) {
    let rate = &json["diff"]["slow_rate"];
    let rate = rate["new"].as_u64().zip(rate["new_all"].as_u64());
    (json["diff"]["verdict"].as_str().expect("a verdict"), rate)
}

#[test]
fn a_fix_that_leaves_two_slow_requests_is_faster() {
    let base = served(40, 0);
    let (code, json, _) = compare(&base, &served(2, 39), "p50>+10%");
    assert_eq!((code, verdict(&json)), (Some(0), ("slow-rate", Some((2, 41)))), "{json}");
    assert!(said(&json).starts_with("Faster: 2 of 41 requests"), "{json}");
    // The same the other way round is slower.
    let (_, json, _) = compare(&served(2, 39), &base, "p50>+10%");
    assert!(said(&json).starts_with("Slower: "), "{json}");
}

#[test]
fn as_many_slow_requests_are_no_difference() {
    let (code, json, _) = compare(&served(40, 0), &served(40, 1), "p50>+10%");
    assert_eq!((code, verdict(&json).0), (Some(0), "not-significant"), "{json}");
    // On no server nobody knows how many there are.
    let (_, json, _) = compare(&called(40, 0, 0), &called(2, 0, 0), "p50>+10%");
    assert_eq!(verdict(&json), ("too-few-requests", None), "{json}");
}

#[test]
fn what_may_be_several_calls_is_not_called_slower() {
    let base = called(40, 0, 0);
    // 3 of 40 are more than 5 %.
    let (code, json, stderr) = compare(&base, &called(37, 3, 9 * MS), "mean>+10%");
    assert_eq!((code, verdict(&json).0), (Some(2), "may-be-several"), "{stderr}");
    assert!(json["diff"]["p"].is_null(), "{json}");
    assert!(stderr.contains("cannot be decided: too many requests may be several calls"), "{stderr}");
    assert!(!said(&json).contains("lower"), "{json}");
    // 2 of 40 are not.
    let (code, json, stderr) = compare(&base, &called(38, 2, 9 * MS), "mean>+10%");
    assert_eq!((code, verdict(&json).0), (Some(3), "significant"), "{stderr}");
    assert!(json["diff"]["p"].as_f64().is_some_and(|p| p < 0.001), "{json}");
    assert!(said(&json).starts_with("Slower: "), "{json}");
}

/// A call that sleeps for 1 ms and then computes is over at the next stack outside, as its rule has it.
#[test]
fn a_later_end_breaks_a_rule() {
    let (fast, slow) = (called(40, 0, 2 * MS), called(40, 0, 5 * MS));
    for (rule, base, new, code) in [
        ("mean>+50%", &fast, &slow, 3),
        ("mean>+50%", &slow, &slow, 0),
        ("mean>+50%", &slow, &fast, 0),
        ("p95>5ms", &fast, &slow, 3),
        ("p95>5ms", &slow, &fast, 0),
    ] {
        let (exit, json, said) = compare(base, new, rule);
        assert_eq!(exit, Some(code), "{rule}: {said}");
        assert_eq!(json["new"]["requests"], 40, "{rule}");
        assert!(json["new"]["latency"]["p50_ns"].as_u64().is_some_and(|ns| ns > 3 * MS), "{rule}: {json}");
    }
}

/// Two recordings of `testdata/gen/compared` of each version.
fn recorded(base: &str, new: &str) -> Vec<[std::path::PathBuf; 2]> {
    let [base, new] = [base, new].map(|side| recordings(&format!("compared-{side}")));
    assert_eq!(base.len(), new.len());
    base.into_iter().zip(new).map(|(base, new)| [base, new]).collect()
}

/// The same of programs: 40 slow requests, and two of 41.
#[test]
fn recorded_fixes_are_faster_by_their_rate() {
    for [base, new] in recorded("slow", "fixed") {
        let what = base.display();
        let (code, json, _) = compare_files("^main.Get$", [&base, &new], "p50>+10%");
        let (how, rate) = verdict(&json);
        assert_eq!((code, how), (Some(0), "slow-rate"), "{what}: {json}");
        // Slow is above the median of the base's, which either of the two can be.
        assert!(rate.is_some_and(|(slow, of)| slow <= 2 && of == 41), "{what}: {rate:?}");
        assert!(said(&json).starts_with("Faster: "), "{what}: {json}");
        // The median of the two that count hardly moved; the others are on a connection that served nothing else.
        assert!(said(&json).contains("likely are of the roots, the median goes from 3."), "{what}: {json}");
        // The twin: as many slow ones.
        let (_, json, _) = compare_files("^main.Get$", [&base, &base], "p50>+10%");
        assert_eq!(verdict(&json).0, "not-significant", "{what}");
        assert!(!said(&json).contains("likely"), "{what}: {json}");
    }
}

/// Calls that compute for 5 ms after their last wait, where they did for 1; of 40 goroutines 3, or 2, call twice in a row.
#[test]
fn recorded_calls_are_slower_unless_many_may_be_several() {
    for (new, code, how) in [("longer", 3, "significant"), ("hardly", 3, "significant"), ("twice", 2, "may-be-several")]
    {
        for [base, new] in recorded("called", new) {
            let (found, json, stderr) = compare_files("^main.Take$", [&base, &new], "mean>+100%");
            let what = new.display();
            assert_eq!((found, verdict(&json).0), (Some(code), how), "{what}: {stderr}");
            assert_eq!(said(&json).starts_with("Slower: "), code == 3, "{what}: {json}");
            // The other way round nothing is slower.
            let (found, _, stderr) = compare_files("^main.Take$", [&new, &base], "mean>+100%");
            assert_eq!(found, Some(if code == 3 { 0 } else { code }), "{what}: {stderr}");
        }
    }
}

/// A limit that undecided requests could keep decides nothing, also where requests are chosen by how long they took: with
/// these, others would be chosen. Its twin: no choice of them gets among the slowest, so these do break it.
#[test]
fn undecided_requests_can_be_chosen_too() {
    let traces = files(&root().join("testdata/traces"), "trace");
    for trace in traces.into_iter().filter(|path| path.ends_with("server.trace")) {
        for (choice, code) in
            [(&[][..], 2), (&["--only", "0ms.."], 2), (&["--only", "p50.."], 3), (&["--slowest", "8"], 3)]
        {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
            command.args(["--strict", "-r", "HashAndWriteHandler", "--fail-if", "p50>1ms"]).args(choice);
            let output = command.arg(&trace).output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{}: {choice:?}: {said}", trace.display());
            let text = String::from_utf8(output.stdout).expect("text");
            let text = text.replace('\n', " ");
            let others = text.contains("(with them ") && text.contains(" would be chosen, p50 ");
            let expected = choice.first() == Some(&"--only");
            assert_eq!(others, expected, "{}: {choice:?}: {text}", trace.display());
        }
    }
}
