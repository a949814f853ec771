//! What is found of requests that are slow for one known reason each, and of their twins (`testdata/gen/causes`).

use crate::common::{by_stack, profile_of, recordings};
use gotrace_slice::profile::{Profile, Sample};
use gotrace_slice::render::{self, Format};
use serde_json::Value;
use std::path::Path;

/// The findings whose cause the program has, or has not.
const KNOWN: &[&str] = &[
    "contention",
    "pool",
    "serial",
    "slow-call",
    "timeout",
    "outside-worker",
    "syscall",
    "network-tail",
    "lock-holder",
];

/// The findings of [`KNOWN`], as id and text.
fn found(profile: &Profile) -> Vec<(String, String)> {
    let mut json = Vec::new();
    let format = Format::by_name("json").expect("json");
    (format.profile)(profile, &render::Options::default(), &mut json).expect("written");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let all = json["findings"].as_array().expect("findings").iter().map(|f| (text(&f["id"]), text(&f["text"])));
    all.filter(|(id, _)| KNOWN.contains(&id.as_str())).collect()
}

fn check(path: &Path) {
    let trace = std::fs::read(path).expect("a trace");
    let truth = std::fs::read(path.with_extension("json")).expect("the truth");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    for (function, cause) in truth["causes"].as_object().expect("functions") {
        // Before Go 1.22 a system call that keeps its proc has no end in the trace.
        if cause["finding"] == "syscall" && path.to_string_lossy().contains("go1.21") {
            continue;
        }
        let what = format!("{}: {function}", path.display());
        let profile = profile_of(&trace, function, by_stack());
        let found = found(&profile);
        let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        match cause["finding"].as_str() {
            None => assert!(found.is_empty(), "{what}: {found:?}"),
            Some(id) => assert!(ids.first() == Some(&id), "{what}: {found:?}"),
        }
        if let Some(name) = cause["names"].as_str() {
            assert!(found[0].1.contains(name), "{what}: {found:?}");
        }
    }
}

#[test]
fn causes_are_found_and_their_twins_raise_nothing() {
    for path in recordings("causes") {
        check(&path);
    }
}

/// What other goroutines did stands below the function that waited, and the state of its own wait is kept.
#[test]
fn what_was_waited_for_is_below_the_function_that_waited() {
    for path in recordings("causes") {
        let trace = std::fs::read(&path).expect("a trace");
        // One in twelve waits for nobody; a worker answers all.
        for (function, waited_in, percent) in
            [("main.Contend", "sync", 80..96), ("main.Pool", "chan send", 60..96), ("main.Answered", "select", 90..101)]
        {
            let profile = profile_of(&trace, function, by_stack());
            let total = profile.total.latency_ns;
            let below = |sample: &&Sample| profile.tree.stack(sample.stack).any(|frame| frame.function == function);
            let elsewhere = |sample: &&Sample| sample.waited_in == waited_in;
            let samples = || profile.samples.iter().filter(|sample| !sample.waited_in.is_empty());
            let sum = |samples: &mut dyn Iterator<Item = &Sample>| samples.map(|s| s.weight.latency_ns).sum::<u64>();
            let what = format!("{}: {function}", path.display());
            assert_eq!(sum(&mut samples().filter(below)), sum(&mut samples()), "{what}");
            let share = sum(&mut samples().filter(elsewhere)) * 100 / total;
            assert!(percent.contains(&share), "{what}: {share} % waited in {waited_in}");
        }
        // The twin waits for nobody.
        let apart = profile_of(&trace, "main.Apart", by_stack());
        assert!(apart.samples.iter().all(|sample| sample.waited_in.is_empty()), "{}", path.display());
    }
}

/// The worker is older than the trace, which does not say what it was started with.
#[test]
fn a_goroutine_older_than_the_trace_is_called_by_its_outermost_function() {
    for path in recordings("causes") {
        let profile = profile_of(&std::fs::read(&path).expect("a trace"), "main.Answered", by_stack());
        let slowest = profile.requests.expect("requests").slowest.expect("a slowest one");
        let entries: Vec<&str> = slowest.lanes.iter().map(|lane| lane.entry.as_str()).collect();
        assert_eq!(entries, ["main.run", "main.worker"], "{}", path.display());
    }
}
