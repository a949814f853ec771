//! Running time that belongs to the collector is not computing (`testdata/gen/collector`).

use crate::common::{files, profile_of, recordings, root};
use gotrace_slice::profile::{Profile, Requests};
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::path::Path;

fn check(path: &Path, function: &str, finding: &str) {
    let what = format!("{}: {function}", path.display());
    let profile = profile_of(&std::fs::read(path).expect("a trace"), function, RootBy::default());
    let requests = profile.requests.as_ref().expect("requests");
    let ids: Vec<&str> = requests.findings.iter().map(|f| f.id).collect();
    let both = ["collector", "cpu-bound"];
    assert_eq!(ids.into_iter().filter(|id| both.contains(id)).collect::<Vec<_>>(), [finding], "{what}");
    let total = requests.latency.as_ref().expect("latency").total_ns;
    let share = swept(&profile, requests) * 100 / total;
    let right = if finding == "collector" { 40..100 } else { 0..1 };
    assert!(right.contains(&share), "{what}: {share} %");
}

/// Latency in which requests swept, in ns: the same in the sum and in the stacks.
fn swept(profile: &Profile, requests: &Requests) -> u64 {
    let sweeps = profile.samples.iter().filter(|sample| sample.detail == "sweep");
    let ns = sweeps.map(|sample| sample.weight.latency_ns).sum();
    assert_eq!(requests.overlap.sweep_ns, ns);
    ns
}

#[test]
fn sweeping_is_the_collectors_and_computing_is_not() {
    let all = files(&root().join("testdata/traces"), "trace");
    let recordings: Vec<_> = all.iter().filter(|path| path.ends_with("collector.trace")).collect();
    assert!(recordings.len() >= 5);
    for path in recordings {
        let truth = std::fs::read(path.with_extension("json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&truth).expect("JSON");
        for (function, finding) in truth["findings"].as_object().expect("functions") {
            check(path, function, finding.as_str().expect("an id"));
        }
    }
}

/// As the program's own statistics say.
#[test]
fn collections_and_the_heaps_goal_are_the_programs() {
    for path in recordings("collector") {
        let said = std::fs::read(path.with_extension("json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&said).expect("JSON");
        let number = |name: &str| truth[name].as_u64().expect("a number");
        let what = path.display();
        let profile = profile_of(&std::fs::read(&path).expect("a trace"), "main.Sweep", RootBy::default());
        let overlap = profile.requests.expect("requests").overlap;
        assert_eq!(overlap.gc_count, number("collections"), "{what}");
        let goals = overlap.heap_goals.expect("goals");
        // While it collects the goal is what is there; the last is the one that holds at the end.
        assert!(goals.min_bytes > 0 && goals.min_bytes <= goals.max_bytes, "{what}: {goals:?}");
        assert_eq!(goals.max_bytes, number("goal_bytes"), "{what}: {goals:?}");
    }
}
