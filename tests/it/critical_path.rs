//! Critical paths: the laws that hold on every trace, and programs that know their own paths.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use crate::common::{self, corpus, files, root, selector};
use crate::go;
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Metric, Profile, Requests};
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

fn requests_of(bytes: &Vec<u8>, pattern: &str, options: Options) -> Option<Profile> {
    let inputs = [Input { name: "test".into(), source: bytes, resolver: None }];
    match pipeline::profile(&inputs, &selector(pattern, RootBy::default()), options, None) {
        Ok(Answer::Profile(profile)) => Some(*profile),
        _ => None,
    }
}

fn requests(profile: &Profile) -> &Requests {
    profile.requests.as_ref().expect("latency was asked for")
}

/// Σ states of each request = its duration; Σ over states and over samples = Σ durations.
fn check_sums(name: &str, profile: &Profile) {
    let requests = requests(profile);
    let mut total = 0u64;
    let mut by_state: BTreeMap<&str, u64> = BTreeMap::new();
    for request in &requests.list {
        let sum: u64 = request.states.iter().map(|(_, ns)| ns).sum();
        assert_eq!(sum, request.dur_ns, "{name}: goroutine {} at {}", request.goid, request.start_ns);
        total += request.dur_ns;
        for (state, ns) in request.states.iter() {
            *by_state.entry(&requests.state_names[usize::from(state)]).or_default() += ns;
        }
    }
    assert_eq!(profile.total.latency_ns, total, "{name}");
    let of_samples: BTreeMap<&str, u64> = profile
        .states
        .iter()
        .filter(|s| s.weight.latency_ns > 0)
        .map(|s| (s.state.as_str(), s.weight.latency_ns))
        .collect();
    by_state.retain(|_, ns| *ns > 0);
    assert_eq!(of_samples, by_state, "{name}");
    if let Some(slowest) = &requests.slowest {
        let request = &requests.list[slowest.request];
        assert!(requests.list.iter().all(|r| r.dur_ns <= request.dur_ns), "{name}");
        if slowest.more_pieces == 0 {
            let mut at = 0;
            for piece in &slowest.path {
                assert_eq!(piece.start_ns, at, "{name}: a gap in the path");
                at += piece.dur_ns;
            }
            assert_eq!(at, request.dur_ns, "{name}");
        }
    }
}

fn digest(profile: &Profile) -> String {
    let requests = requests(profile);
    format!("{}\n{:?}\n{:?}\n{:?}", common::digest(profile), requests.list, requests.wakeups, requests.slowest)
}

fn check_laws(path: &Path) {
    let bytes = std::fs::read(path).expect("a readable file");
    let name = path.display().to_string();
    for pattern in ["main\\.", "Handler|ServeHTTP", "."] {
        for include_partial in [false, true] {
            let options = Options { threads: 1, include_partial, ..Options::default() };
            let Some(profile) = requests_of(&bytes, pattern, options) else { continue };
            check_sums(&format!("{name} {pattern} {include_partial}"), &profile);
            let many = requests_of(&bytes, pattern, Options { threads: 3, ..options }).expect("the same");
            assert!(digest(&profile) == digest(&many), "{name} {pattern}: threads change the result");
            let plain =
                requests_of(&bytes, pattern, Options { metric: Metric::Goroutine, ..options }).expect("the same");
            let goroutine = |p: &Profile| {
                let sums = p.states.iter().map(|s| (s.state.clone(), s.weight.goroutine_ns, s.weight.events));
                let mut sums: Vec<_> = sums.filter(|s| s.1 > 0).collect();
                sums.sort();
                sums
            };
            assert_eq!(goroutine(&profile), goroutine(&plain), "{name} {pattern}: paths change the sums");
        }
    }
}

#[test]
fn paths_add_up_on_the_traces_of_the_repository() {
    let paths = files(&root().join("testdata/traces"), "trace");
    assert!(paths.len() > 50);
    for path in paths {
        check_laws(&path);
    }
}

#[test]
fn paths_add_up_on_the_corpus() {
    let Some(folder) = corpus() else { return };
    for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path()) {
        if std::fs::metadata(&path).is_ok_and(|m| m.len() < 3_000_000) {
            check_laws(&path);
        }
    }
}

/// The pieces of a path that are not scheduling, in order, those of one goroutine and state joined.
fn main_pieces(profile: &Profile) -> Vec<(String, String, u64)> {
    let slowest = requests(profile).slowest.as_ref().expect("a request");
    let mut pieces: Vec<(String, String, u64)> = Vec::new();
    for piece in slowest.path.iter().filter(|p| p.dur_ns > 2_000_000) {
        let functions = profile.tree.stack(piece.stack).map(|f| f.function.to_string());
        let functions: Vec<String> = functions.collect();
        pieces.push((functions.join(" < "), piece.state.clone(), piece.dur_ns));
    }
    pieces
}

#[test]
fn programs_have_the_paths_that_they_were_written_to_have() {
    let mut checked = 0;
    for path in files(&root().join("testdata/traces"), "trace").iter().filter(|p| p.ends_with("critical.trace")) {
        let bytes = std::fs::read(path).expect("a trace");
        let said = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
        let said: Value = serde_json::from_str(&said).expect("JSON");
        for (name, known) in said["paths"].as_object().expect("paths") {
            let pattern = format!("^{}$", regex::escape(name));
            let profile = requests_of(&bytes, &pattern, Options::default()).expect("a match");
            check_sums(name, &profile);
            let latency = requests(&profile).list[0].dur_ns;
            let measured = known["latency_ns"].as_u64().unwrap();
            assert!(
                latency >= measured && latency < measured + 2_000_000,
                "{} {name}: {latency} {measured}",
                path.display()
            );
            let pieces = main_pieces(&profile);
            let expected = known["pieces"].as_array().expect("pieces");
            assert_eq!(pieces.len(), expected.len(), "{} {name}: {pieces:#?}", path.display());
            for ((stack, state, ns), expected) in pieces.iter().zip(expected) {
                let wanted = expected["expected_ns"].as_u64().unwrap();
                assert!(stack.contains(expected["function"].as_str().unwrap()), "{} {name}: {stack}", path.display());
                assert_eq!(state, expected["state"].as_str().unwrap(), "{} {name}", path.display());
                assert!(
                    (wanted * 9 / 10..wanted * 12 / 10 + 2_000_000).contains(ns),
                    "{} {name}: {ns}",
                    path.display()
                );
            }
            checked += 1;
        }
    }
    assert!(checked >= 30, "{checked}");
}

#[test]
fn a_queue_at_a_lock_waits_for_its_holder() {
    let n = 300;
    let bytes = common::evil::waiters(n);
    let profile = requests_of(&bytes, "^main.waiter$", Options::default()).expect("a match");
    check_sums("waiters", &profile);
    let requests = requests(&profile);
    assert_eq!(requests.list.len() as u64, n);
    // What the holder did while all waited counts for each of them.
    let stacks = profile.samples.iter().filter(|s| s.weight.latency_ns > 0);
    let of_holder: u64 = stacks
        .filter(|s| profile.tree.stack(s.stack).any(|f| f.function == "main.refresh"))
        .map(|s| s.weight.latency_ns)
        .sum();
    assert!(of_holder > n * n * 10 / 2, "{of_holder}");
    let handed_on =
        requests.wakeups.iter().find(|w| w.count == n - 1).unwrap_or_else(|| panic!("{:?}", requests.wakeups));
    assert_eq!(handed_on.detail, "mutex");
}

/// The same programs, recorded now by every version: the long pieces of their paths are the sleeps that they know.
#[test]
fn fresh_recordings_have_the_paths_that_they_were_written_to_have() {
    for version in go::VERSIONS.iter().chain(&["1.21"]) {
        if go::toolchain(version).is_none() {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        go::record(version, "critical", None, folder.path());
        let path = folder.path().join(format!("critical-{version}.trace"));
        let bytes = std::fs::read(&path).expect("a trace");
        let said = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
        let said: Value = serde_json::from_str(&said).expect("JSON");
        for (name, known) in said["paths"].as_object().expect("paths") {
            let profile = requests_of(&bytes, &format!("^{}$", regex::escape(name)), Options::default());
            let profile = profile.expect("a match");
            check_sums(name, &profile);
            let found = requests(&profile);
            let counts = (found.list.len(), &found.cut, &profile.selection.undecided, &profile.warnings);
            assert!(found.slowest.is_some(), "{version} {name}: {counts:#?}");
            // On a busy machine whatever is ready to run may wait for long, too.
            let sleeps: Vec<_> = main_pieces(&profile).into_iter().filter(|(_, state, _)| state == "sleep").collect();
            let expected = known["pieces"].as_array().expect("pieces");
            assert_eq!(sleeps.len(), expected.len(), "{version} {name}: {sleeps:#?}");
            for ((stack, _, ns), expected) in sleeps.iter().zip(expected) {
                assert!(stack.contains(expected["function"].as_str().unwrap()), "{version} {name}: {stack}");
                // Who sleeps may have begun before the request waits for it.
                assert!(*ns >= expected["expected_ns"].as_u64().unwrap() * 8 / 10, "{version} {name}: {ns}");
            }
        }
    }
}
