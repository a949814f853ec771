//! Each finding on requests that it is true of, and its absence on twins that look alike (`testdata/gen/findings`; those about
//! the slowest requests: `testdata/gen/tails`).

use crate::common::{recordings, root};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The report of one of the program's functions, as JSON.
fn report(path: &Path, function: &str) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let pattern = format!(r"^main\.{function}$");
    let output = command.current_dir(root()).args(["-q", "-f", "json", "--root", &pattern]).arg(path).output();
    let output = output.expect("it runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}: {function}: {output:?}", path.display()))
}

/// What the program says of each finding, the functions that must have it and those that must not; and how many requests of
/// each function there are.
fn truth(path: &Path) -> (Vec<Value>, u64) {
    let said = std::fs::read(path.with_extension("json")).expect("what the program said");
    let truth: Value = serde_json::from_slice(&said).expect("JSON");
    let pairs = truth["pairs"].as_array().expect("pairs").clone();
    assert!(!pairs.is_empty(), "{}", path.display());
    (pairs, truth["requests"].as_u64().unwrap_or(12))
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name"))
}

#[test]
fn each_finding_is_raised_by_its_requests_and_not_by_their_twins() {
    for path in recordings("findings").into_iter().chain(recordings("tails")) {
        let (pairs, requests) = truth(&path);
        let mut reports: FxHashMap<String, Value> = FxHashMap::default();
        let mut has = |function: &str, finding: &str| {
            let report = reports.entry(function.to_owned()).or_insert_with(|| report(&path, function));
            assert_eq!(report["latency"]["count"], requests, "{}: {function}", path.display());
            report["findings"].as_array().expect("findings").iter().any(|found| found["id"] == finding)
        };
        for pair in pairs {
            let finding = pair["finding"].as_str().expect("a finding");
            // Before Go 1.21 only the collector's stops are in a trace.
            if finding == "stw" && path.to_string_lossy().contains("go1.19") {
                continue;
            }
            for function in names(&pair["with"]) {
                assert!(has(function, finding), "{}: {function} lacks {finding}", path.display());
            }
            for function in names(&pair["without"]) {
                assert!(!has(function, finding), "{}: {function} has {finding}", path.display());
            }
        }
    }
}

#[test]
fn findings_and_answers_say_who_and_what() {
    let findings = [
        ("Locked", "main.(*prices).refresh"),
        ("Hosted", "until a connection to the host is free (MaxConnsPerHost)"),
        ("Admitted", "until the semaphore has room"),
        ("Handed", "until another request, or a worker, is free"),
        ("Handed", "of that main.work (main.go:"),
        ("Handed", " at once on average while requests are under way. For "),
        ("Cancelled", "that a cancellation by main.record.func2"),
        ("Deadlined", "that a deadline or a timeout ended"),
        ("SpokenOften", "make about 8 calls one after the other in main.ask"),
    ];
    let answers = [
        ("Locked", "for a lock that main.(*prices).refresh holds while it sleeps"),
        ("Hosted", "in http.(*Client).Get, for a connection to the host."),
        ("Cancelled", "in a select, until main.record.func2 cancels it"),
        ("Deadlined", "in a select, until its deadline."),
        ("SpokenOften", "waits 8 times in main.ask"),
        ("FetchedOften", "waits 8 times in main.fetch"),
        ("Fetched", "waits in main.fetch"),
    ];
    for path in recordings("findings") {
        for (function, words) in findings {
            let report = report(&path, function);
            let texts = report["findings"].as_array().expect("findings").iter().map(|found| found["text"].to_string());
            assert!(texts.clone().any(|text| text.contains(words)), "{}: {function}: {report}", path.display());
        }
        for (function, words) in answers {
            let answer = report(&path, function)["answer"]["text"].to_string();
            assert!(answer.contains(words), "{}: {function}: {answer}", path.display());
        }
    }
}

/// As many requests do not wait as the pool has places.
#[test]
fn the_finding_pool_says_how_many_places_are_taken() {
    for path in recordings("findings") {
        for (function, places) in [("Hosted", 0.9..1.5), ("Admitted", 1.7..2.3)] {
            let report = report(&path, function);
            let texts = report["findings"].as_array().expect("findings").iter().map(|found| found["text"].as_str());
            let text = texts.flatten().find(|text| text.contains(" wait for it, ")).expect("the finding");
            let (_, rest) = text.split_once(" wait for it, ").expect("it was found");
            let taken: f64 = rest.split_once(" do not.").and_then(|(n, _)| n.parse().ok()).expect("a number");
            assert!(places.contains(&taken), "{}: {function}: {text}", path.display());
        }
    }
}
