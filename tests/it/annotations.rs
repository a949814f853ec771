//! User tasks and regions as roots: the program in `testdata/gen/tasks` says how many there are and how long each took,
//! measured inside and around its events, and so does the slice.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use crate::common::{self, corpus, files, root, root_by, selector};
use crate::go;
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Candidates, Metric, Profile, Request, Requests, Selection};
use gotrace_slice::slice::Selector;
use serde_json::Value;
use std::path::Path;

fn slice(bytes: &Vec<u8>, selector: &Selector, options: Options) -> Option<Profile> {
    let inputs = [Input { name: "test".into(), source: bytes, resolver: None }];
    match pipeline::profile(&inputs, selector, options, None) {
        Ok(Answer::Profile(profile)) => Some(*profile),
        _ => None,
    }
}

fn named(bytes: &Vec<u8>, by: &str, name: &str) -> Profile {
    let pattern = format!("^{}$", regex::escape(name));
    let options = Options { threads: 1, ..Options::default() };
    slice(bytes, &selector(&pattern, root_by(by)), options).unwrap_or_else(|| panic!("no {by} {name}"))
}

fn candidates(bytes: &Vec<u8>) -> Candidates {
    let inputs = [Input { name: "test".into(), source: bytes, resolver: None }];
    pipeline::candidates(&inputs, None, Options { threads: 1, ..Options::default() }, None).expect("a sound trace")
}

fn requests(profile: &Profile) -> &Requests {
    profile.requests.as_ref().expect("latency was asked for")
}

/// How long each took, ascending.
fn durations(profile: &Profile) -> Vec<u64> {
    let mut all: Vec<u64> = requests(profile).list.iter().map(|r| r.dur_ns).collect();
    all.sort_unstable();
    all
}

/// What the program measured, ascending.
fn said(spans: &Value, what: &str) -> Vec<u64> {
    let spans = spans.as_array().expect("a list");
    let mut all: Vec<u64> = spans.iter().map(|s| s[what].as_u64().unwrap_or(0)).collect();
    all.sort_unstable();
    all
}

/// The n-th longest of one is at least the n-th longest of the other.
fn assert_ranked(what: &str, shorter: &[u64], longer: &[u64]) {
    assert_eq!(shorter.len(), longer.len(), "{what}");
    // The clock of an old trace is as coarse as a microsecond.
    let fits = |(a, b): (&u64, &u64)| *a <= *b + 1_000;
    assert!(shorter.iter().zip(longer).all(fits), "{what}: {shorter:?} {longer:?}");
}

/// Σ states of each request = its duration, and Σ samples = Σ durations; the same for any number of threads and metric.
fn check_laws(what: &str, bytes: &Vec<u8>, selector: &Selector) {
    for include_partial in [false, true] {
        let options = Options { threads: 1, include_partial, ..Options::default() };
        let Some(profile) = slice(bytes, selector, options) else { return };
        let list = &requests(&profile).list;
        let sum = |r: &Request| r.states.iter().map(|(_, ns)| ns).sum::<u64>();
        for request in list {
            assert_eq!(sum(request), request.dur_ns, "{what}: goroutine {} at {}", request.goid, request.start_ns);
        }
        let total: u64 = list.iter().map(|r| r.dur_ns).sum();
        assert_eq!(profile.total.latency_ns, total, "{what}");
        // Every sample counts for the root whose requests it is about.
        for (i, name) in requests(&profile).roots.iter().enumerate() {
            let of_root: u64 = list.iter().filter(|r| r.root as usize == i).map(|r| r.dur_ns).sum();
            let samples = profile.samples.iter().filter(|s| s.root == *name);
            assert_eq!(samples.map(|s| s.weight.latency_ns).sum::<u64>(), of_root, "{what}: {name}");
        }
        let many = slice(bytes, selector, Options { threads: 3, ..options }).expect("the same");
        assert_eq!(common::digest(&profile), common::digest(&many), "{what}: threads change the result");
        assert_eq!(format!("{list:?}"), format!("{:?}", requests(&many).list), "{what}");
        for metric in [Metric::Goroutine, Metric::Events] {
            for threads in [1, 3] {
                let plain = slice(bytes, selector, Options { threads, metric, ..options }).expect("the same");
                assert_eq!(common::states(&profile), common::states(&plain), "{what}: {metric:?}, {threads} threads");
                // Only latency knows requests, and so what each function that matched gave.
                let matched = profile.selection.matched.clone();
                let plain = Selection { matched, ..plain.selection };
                assert_eq!(profile.selection, plain, "{what}: {metric:?}, {threads} threads");
            }
        }
    }
}

fn check_recording(path: &Path) {
    let bytes = std::fs::read(path).expect("a readable trace");
    let text = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
    let program: Value = serde_json::from_str(&text).expect("JSON");
    let listed = candidates(&bytes);
    let mut n = 0;
    for (by, all) in [("task", &program["tasks"]), ("region", &program["regions"])] {
        for (name, spans) in all.as_object().expect("names") {
            let what = format!("{} {by} {name}", path.display());
            let profile = named(&bytes, by, name);
            // Of regions of one name in each other, the outer one is the root.
            let outer = if name == "level" { 1 } else { spans.as_array().expect("a list").len() };
            let last = |list: Vec<u64>| list[list.len() - outer..].to_vec();
            assert_ranked(&what, &last(said(spans, "inside_ns")), &durations(&profile));
            assert_ranked(&what, &durations(&profile), &last(said(spans, "around_ns")));
            let found = if by == "task" { profile.selection.roots_by_task } else { profile.selection.roots_by_region };
            assert_eq!((found as usize, profile.selection.roots_cut), (outer, 0), "{what}");
            assert!(requests(&profile).list.iter().all(|r| !r.is_inferred()), "{what}");
            assert!(requests(&profile).roots.iter().all(|r| r == name), "{what}");
            let row = listed.annotations.iter().find(|a| a.kind == by && a.name == *name).expect("a row");
            assert_eq!((row.took.count() as usize, row.took.partial), (outer, 0), "{what}");
            check_laws(&what, &bytes, &selector(&format!("^{}$", regex::escape(name)), root_by(by)));
            n += 1;
        }
    }
    assert!(n > 0);
    for (by, pattern) in
        [("task", "."), ("region", "."), ("task,region", "."), ("creation,entry,stack,task,region", "p")]
    {
        check_laws(&format!("{} {by} {pattern}", path.display()), &bytes, &selector(pattern, root_by(by)));
        let whole = Selector { whole_life: true, ..selector(pattern, root_by(by)) };
        check_laws(&format!("{} {by} {pattern} --whole-life", path.display()), &bytes, &whole);
    }
}

fn is_of(path: &Path, program: &str) -> bool {
    path.file_stem().and_then(|name| name.to_str()).is_some_and(|name| name == program)
}

#[test]
fn tasks_and_regions_are_as_many_and_as_long_as_the_program_says() {
    let paths = files(&root().join("testdata/traces"), "trace");
    let (mut tasks, mut long) = (0, 0);
    for path in paths.iter().filter(|p| is_of(p, "tasks") || is_of(p, "tasks-long")) {
        check_recording(path);
        tasks += u32::from(is_of(path, "tasks"));
        long += u32::from(is_of(path, "tasks-long"));
    }
    assert!(tasks >= 5 && long >= 5, "{tasks} {long}");
}

#[test]
fn fresh_recordings_too() {
    for version in go::VERSIONS.iter().chain(&["1.21"]) {
        if go::toolchain(version).is_some() {
            let folder = tempfile::tempdir().expect("a folder");
            go::record(version, "tasks", None, folder.path());
            for name in ["tasks", "tasks-long"] {
                check_recording(&folder.path().join(format!("{name}-{version}.trace")));
            }
        }
    }
}

/// Who works in a task, and where its path leads.
#[test]
fn tasks_are_followed_from_hand_to_hand() {
    for path in files(&root().join("testdata/traces"), "trace").iter().filter(|p| is_of(p, "tasks")) {
        let bytes = std::fs::read(path).expect("a readable trace");
        let what = path.display();
        let below = |profile: &Profile, function: &str, foreign: bool| -> u64 {
            let is_foreign = |s| profile.tree.stack(s).any(|f| f.function == "[waiting for]");
            let has = |s| profile.tree.stack(s).any(|f| f.function.contains(function));
            let samples = profile.samples.iter().filter(|s| has(s.stack) && is_foreign(s.stack) == foreign);
            samples.map(|s| s.weight.latency_ns).sum()
        };
        // Goroutines that were made for a task belong to it, although they only end it.
        let handed = named(&bytes, "task", "handed");
        assert_eq!(handed.selection.goroutines, 4, "{what}");
        assert!(handed.total.goroutine_ns * 10 > handed.total.latency_ns * 9, "{what}");
        assert!(below(&handed, "main.finish", false) * 10 > handed.total.latency_ns * 9, "{what}");
        // Workers of a pool work for many; before they take a task, it waits for whoever began it.
        let pooled = named(&bytes, "task", "pooled");
        assert_eq!(pooled.selection.goroutines, 2, "{what}");
        let served = below(&pooled, "main.serve", false);
        assert!(served * 10 > pooled.total.goroutine_ns * 9, "{what}: {served}");
        assert!(below(&pooled, "main.main", true) > 0, "{what}");
        let goroutine_ns = requests(&pooled).goroutine_ns.expect("latency was asked for");
        assert!(goroutine_ns < pooled.total.latency_ns, "{what}: they wait in a queue");
        // A part of a task of a matching name is part of it.
        let nested = slice(&bytes, &selector("nested", root_by("task")), Options::default()).expect("a match");
        assert_eq!((nested.selection.roots, nested.selection.goroutines), (1, 3), "{what}");
        assert_eq!(requests(&nested).roots, ["nested"], "{what}");
    }
}

#[test]
fn mistakes_with_regions_are_taken_as_they_are() {
    let mut checked = 0;
    for path in files(&root().join("testdata/traces"), "trace").iter().filter(|p| is_of(p, "tasks-misuse")) {
        let bytes = std::fs::read(path).expect("a readable trace");
        let whole = |name: &str| {
            let profile = named(&bytes, "region", name);
            assert_eq!(profile.selection.roots, 1, "{}: {name}", path.display());
            (profile.selection.roots_cut == 0).then(|| durations(&profile)[0])
        };
        let (crossed, crossing) = (whole("crossed").expect("whole"), whole("crossing").expect("whole"));
        assert!(crossed >= 3_000_000 && crossing >= crossed + 3_000_000, "{}: {crossed} {crossing}", path.display());
        assert_eq!((whole("elsewhere"), whole("forgotten")), (None, None), "{}", path.display());
        check_laws(&path.display().to_string(), &bytes, &selector(".", root_by("task,region")));
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}

#[test]
fn edges_of_the_trace_cut_tasks_and_regions() {
    let mut checked = 0;
    for path in files(&root().join("testdata/traces"), "trace").iter().filter(|p| is_of(p, "annotations")) {
        let bytes = std::fs::read(path).expect("a readable trace");
        let found = |by: &str, name: &str| {
            let selection = named(&bytes, by, name).selection;
            (selection.roots, selection.roots_cut)
        };
        assert_eq!(found("task", "request"), (3, 0), "{}", path.display());
        assert_eq!(found("task", "query"), (6, 0), "{}", path.display());
        assert_eq!(found("task", "abandoned"), (1, 1), "{}", path.display());
        assert_eq!(found("region", "late"), (1, 1), "{}", path.display());
        assert_eq!(found("region", "early"), (1, 1), "{}", path.display());
        // The name of a task stands at its beginning alone.
        let early = slice(&bytes, &selector("early", root_by("task")), Options::default());
        assert!(early.is_none(), "{}", path.display());
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}

#[test]
fn laws_hold_on_the_corpus() {
    let Some(folder) = corpus() else { return };
    for path in files(&folder, "trace") {
        let bytes = std::fs::read(&path).expect("a readable file");
        if bytes.len() < 3_000_000 {
            for by in ["task", "region", "task,region,stack"] {
                check_laws(&format!("{} {by}", path.display()), &bytes, &selector(".", root_by(by)));
            }
        }
    }
}
