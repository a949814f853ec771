//! What pooled goroutines were started for (`testdata/gen/started`), and tests (`testdata/gen/testing`).

use crate::common::{recordings, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::Candidates;
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::path::Path;

/// A recording, what the list says of it, and what the program said.
fn read(path: &Path) -> (Vec<u8>, Candidates, Value) {
    let trace = std::fs::read(path).expect("a trace");
    let said = std::fs::read(path.with_extension("json")).expect("the truth");
    let candidates = pipeline::candidates(&[input(&trace)], None, Options::default(), None).expect("a sound trace");
    (trace, candidates, serde_json::from_slice(&said).expect("JSON"))
}

fn input(trace: &Vec<u8>) -> Input<'_> {
    Input { name: "test".into(), source: trace, resolver: None }
}

/// What goroutines with an entry function ran, and how many each.
fn runs<'c>(candidates: &'c Candidates, entry: &str) -> Vec<(&'c str, u64)> {
    let rows = candidates.rows.iter().filter(|row| row.entry == entry);
    rows.map(|row| (row.runs.as_str(), row.count)).collect()
}

/// Goroutines of a pool are told apart by what they run. A worker that runs one thing after the other is one row.
#[test]
fn pooled_goroutines_are_told_apart_by_what_they_run() {
    for path in recordings("started") {
        let what = path.display();
        let (trace, candidates, truth) = read(&path);
        let counts = runs(&candidates, "main.(*group).Go.func1");
        for (function, count) in truth["pool"].as_object().expect("counts") {
            let row = (function.as_str(), count.as_u64().expect("a count"));
            assert!(counts.contains(&row), "{what}: {row:?} is not in {counts:?}");
        }
        assert_eq!(counts.len(), 3, "{what}: {counts:?}");
        let whole_program = selector("^main.main$", RootBy { stack: true, ..RootBy::NONE });
        let options = Options { include_partial: true, ..Options::default() };
        let Ok(Answer::Profile(profile)) = pipeline::profile(&[input(&trace)], &whole_program, options, None) else {
            panic!("{what}: no profile");
        };
        let lanes = &profile.requests.as_ref().expect("requests").slowest.as_ref().expect("a slowest request").lanes;
        let pool: Vec<&str> =
            lanes.iter().filter(|l| l.entry == "main.(*group).Go.func1").map(|l| l.runs.as_str()).collect();
        for function in ["main.users", "main.orders", "main.ads"] {
            assert!(pool.contains(&function), "{what}: no lane of {function} in {pool:?}");
        }
        assert!(lanes.iter().filter(|l| l.entry == "main.worker").all(|l| l.runs.is_empty()), "{what}");
        let worker = candidates.rows.iter().filter(|row| row.creation_site == "main.main");
        assert!(worker.clone().count() == 1 && worker.clone().all(|row| row.runs.is_empty()), "{what}");
    }
}

/// Tests are told apart by the test function, also one of Go's own packages. A pool that runs functions of these is one row.
#[test]
fn tests_are_told_apart_by_the_test_function() {
    for path in recordings("testing") {
        let what = path.display();
        let (_, candidates, truth) = read(&path);
        let mut counts = runs(&candidates, "testing.tRunner");
        for (function, count) in truth["tests"].as_object().expect("counts") {
            let row = (function.as_str(), count.as_u64().expect("a count"));
            let at = counts.iter().position(|found| *found == row);
            counts.remove(at.unwrap_or_else(|| panic!("{what}: {row:?} is not in {counts:?}")));
        }
        // The last one ends the recording.
        assert!(counts.iter().map(|(_, n)| n).sum::<u64>() == 1, "{what}: {counts:?}");
        let pool = truth["pool"].as_u64().expect("a count");
        assert_eq!(runs(&candidates, "main.(*group).Go.func1"), [("", pool)], "{what}");
    }
}
