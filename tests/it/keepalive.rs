//! What a request waited for is what another one did for itself, not what its connection served before, in recordings of
//! a program that knows (`testdata/gen/keepalive`).

use crate::common::{profile, recordings, selector};
use gotrace_slice::profile::Profile;
use gotrace_slice::slice::RootBy;
use serde_json::Value;

/// The time on critical paths of samples with all these functions on their stack and in a state, in ns.
fn latency(profile: &Profile, functions: &[&str], state: &str) -> u64 {
    let has = |stack, function: &&str| profile.tree.stack(stack).any(|frame| frame.function == **function);
    let of_state = profile.samples.iter().filter(|sample| sample.state == state);
    let below = of_state.filter(|sample| functions.iter().all(|function| has(sample.stack, function)));
    below.map(|sample| sample.weight.latency_ns).sum()
}

fn all() -> Vec<(String, Vec<u8>, Value)> {
    let read = |path: &std::path::Path| std::fs::read(path).expect("a file");
    let all = recordings("keepalive").into_iter().map(|path| {
        let said = serde_json::from_slice(&read(&path.with_extension("json"))).expect("JSON");
        (path.display().to_string(), read(&path), said)
    });
    all.collect()
}

/// How long a kind of request waited, and how much of that the one slept that it waited for, in ns.
fn said(truth: &Value, function: &str) -> (u64, u64) {
    let number = |key: &str| truth[function][key].as_u64().expect("a number");
    (number("waited_ns"), number("slept_ns"))
}

#[test]
fn the_walk_into_another_request_ends_where_that_began() {
    for (name, trace, truth) in all() {
        for pattern in ["^main.Order$", "^main.(Order|Report|Use)$"] {
            let profile = profile(&trace, &selector(pattern, RootBy::default()));
            let (waited, slept) = said(&truth, "main.Order");
            let sleep = latency(&profile, &["main.Order", "main.Use"], "sleep");
            assert!(sleep.abs_diff(slept) < slept / 10, "{name} {pattern}: {sleep} of {slept}");
            assert_eq!(sleep, latency(&profile, &["main.Order"], "sleep"), "{name} {pattern}");
            let wait = latency(&profile, &["main.Order"], "chan receive");
            assert!(wait.abs_diff(waited - slept) < waited / 10, "{name} {pattern}: {wait} of {waited} - {slept}");
            assert_eq!(latency(&profile, &["main.Order"], "network"), 0, "{name} {pattern}");
        }
    }
}

#[test]
fn a_wait_that_began_later_is_all_replaced() {
    for (name, trace, truth) in all() {
        let profile = profile(&trace, &selector("^main.Early$", RootBy::default()));
        let (_, slept) = said(&truth, "main.Early");
        let sleep = latency(&profile, &["main.Early", "main.Use"], "sleep");
        assert!(sleep.abs_diff(slept) < slept / 10, "{name}: {sleep} of {slept}");
        let wait = latency(&profile, &["main.Early"], "chan receive");
        assert!(wait < slept / 20, "{name}: {wait}");
    }
}
