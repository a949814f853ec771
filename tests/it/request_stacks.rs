//! Request × stack: each request's time by sample adds up to the request and to the sample, whatever was asked for.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]

use crate::common::{self, files, root, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options, Stacks};
use gotrace_slice::profile::{Only, Profile, Requests};
use gotrace_slice::slice::RootBy;
use std::collections::BTreeMap;
use std::path::Path;

fn profile_of(traces: &[(&str, &Vec<u8>)], pattern: &str, options: Options) -> Option<Profile> {
    let inputs: Vec<Input<'_>> = traces.iter().map(|(name, bytes)| Input::new(*name, *bytes)).collect();
    match pipeline::profile(&inputs, &selector(pattern, RootBy::default()), options, None) {
        Ok(Answer::Profile(profile)) => Some(*profile),
        _ => None,
    }
}

fn requests(profile: &Profile) -> &Requests {
    profile.requests.as_ref().expect("latency was asked for")
}

const WANTED: Options = Options {
    stacks: Stacks::Joined,
    threads: 1,
    metric: gotrace_slice::profile::Metric::Latency,
    only: None,
    include_partial: false,
    request_stacks: true,
    undecided: true,
    exemplars: false,
};

/// Per request, its rows add up to it, state by state; per sample, the rows of all requests add up to its latency.
fn check_sums(what: &str, profile: &Profile) -> usize {
    let requests = requests(profile);
    let stacks = requests.stacks.as_ref().expect("they were asked for");
    assert_eq!(stacks.len(), requests.list.len(), "{what}");
    assert!(stacks.more().is_empty(), "{what}");
    let mut of_samples = vec![0; profile.samples.len()];
    let (mut goroutine_ns, mut rows) = (0, 0);
    for (i, request) in requests.list.iter().enumerate() {
        let mut by_state: BTreeMap<&str, u64> = BTreeMap::new();
        let mut last = None;
        for (sample, ns) in stacks.of(i) {
            assert!(ns > 0 && last.is_none_or(|last| last < sample), "{what}: rows ascend, without zeros");
            last = Some(sample);
            *by_state.entry(&profile.samples[sample].state).or_default() += ns;
            of_samples[sample] += ns;
            rows += 1;
        }
        assert_eq!(by_state.values().sum::<u64>(), request.dur_ns, "{what}: goroutine {}", request.goid);
        let states = request.states.iter().map(|(state, ns)| (requests.state_names[usize::from(state)].as_str(), ns));
        assert_eq!(by_state, states.collect(), "{what}: goroutine {}", request.goid);
        goroutine_ns += stacks.totals(i).goroutine_ns;
    }
    let latencies: Vec<u64> = profile.samples.iter().map(|sample| sample.weight.latency_ns).collect();
    assert!(of_samples == latencies, "{what}: requests and samples differ");
    assert_eq!(Some(goroutine_ns), requests.goroutine_ns, "{what}");
    let totals = (0..stacks.len()).map(|i| stacks.totals(i));
    let (gc_ns, stw_ns) = totals.fold((0, 0), |(gc, stw), of| (gc + of.gc_ns, stw + of.stw_ns));
    assert_eq!((gc_ns, stw_ns), (requests.overlap.gc_ns, requests.overlap.stw_ns), "{what}");
    rows
}

fn check(path: &Path) -> usize {
    let bytes = std::fs::read(path).expect("a readable file");
    let mut rows = 0;
    for pattern in ["main\\.", "Handler|ServeHTTP", "."] {
        let name = format!("{} {pattern}", path.display());
        let inputs = [("a", &bytes)];
        for options in [
            WANTED,
            Options { include_partial: true, ..WANTED },
            Options { stacks: Stacks::Own, ..WANTED },
            Options { only: Some(Only::Slowest(3)), ..WANTED },
        ] {
            let Some(mut profile) = profile_of(&inputs, pattern, options) else { continue };
            rows += check_sums(&format!("{name} {options:?}"), &profile);
            let three = profile_of(&inputs, pattern, Options { threads: 3, ..options }).expect("the same");
            assert!(requests(&three).stacks == requests(&profile).stacks, "{name}: threads change the result");
            let plain = profile_of(&inputs, pattern, Options { request_stacks: false, undecided: false, ..options })
                .expect("the same");
            assert!(requests(&plain).stacks.is_none());
            profile.selection.undecided.list.clear();
            assert!(common::digest(&plain) == common::digest(&profile), "{name}: the profile changes");
        }
    }
    rows
}

#[test]
fn rows_add_up_to_requests_and_to_samples() {
    let mut rows = 0;
    for version in ["go1.19", "go1.22", "go1.26"] {
        for path in files(&root().join("testdata/traces").join(version), "trace") {
            // The long ones would take as long as all others together.
            if std::fs::metadata(&path).expect("a file").len() < 60_000 {
                rows += check(&path);
            }
        }
    }
    assert!(rows > 10_000, "{rows}");
}

/// Traces of one program: samples merge by name, requests stay apart.
#[test]
fn traces_are_added_up_by_name() {
    let read = |name: &str| std::fs::read(root().join("testdata/traces").join(name)).expect("a trace");
    let traces = ["go1.19/server.trace", "go1.26/server.trace", "go1.25/server.trace"].map(read);
    let alone = |bytes| profile_of(&[("a", bytes)], "Handler", WANTED).expect("requests");
    let inputs: Vec<(&str, &Vec<u8>)> = ["a", "b", "c"].into_iter().zip(&traces).collect();
    let all = profile_of(&inputs, "Handler", WANTED).expect("requests");
    check_sums("all", &all);
    let mut first = 0;
    for trace in &traces {
        let alone = alone(trace);
        let stacks = |profile: &Profile| requests(profile).stacks.clone().expect("stacks");
        for i in 0..requests(&alone).list.len() {
            // Positions differ; what they stand for does not.
            let named = |profile: &Profile, request: usize| -> BTreeMap<(String, String), u64> {
                let of = |(sample, ns): (usize, u64)| {
                    let sample = &profile.samples[sample];
                    let functions =
                        profile.tree.frame_indexes(sample.stack).map(|i| &profile.tree.frames()[i as usize]);
                    let stack = functions.map(|f| format!("{}:{}", f.function, f.line)).collect::<Vec<_>>().join(";");
                    ((format!("{} {:?} {}", sample.state, sample.precision, sample.detail), stack), ns)
                };
                stacks(profile).of(request).map(of).collect()
            };
            assert_eq!(named(&all, first + i), named(&alone, i));
            assert_eq!(stacks(&all).totals(first + i), stacks(&alone).totals(i));
        }
        first += requests(&alone).list.len();
    }
    assert_eq!(first, requests(&all).list.len());
}

/// Undecided requests are listed where that is asked for, and each is one of those that are counted.
#[test]
fn undecided_requests_are_listed() {
    let bytes = std::fs::read(root().join("testdata/traces/go1.26/http1.trace")).expect("a trace");
    let older = std::fs::read(root().join("testdata/traces/go1.25/http1.trace")).expect("a trace");
    let inputs = [("a", &bytes), ("b", &older)];
    let profile = profile_of(&inputs, "main.NoBodyHandler", WANTED).expect("requests");
    let undecided = &profile.selection.undecided;
    let mut durations: Vec<u64> = undecided.list.iter().map(|request| request.dur_ns).collect();
    let mut counted = undecided.took.durations_ns.clone();
    durations.sort_unstable();
    counted.sort_unstable();
    assert!(!durations.is_empty() && durations == counted);
    assert_eq!(undecided.list.iter().filter(|r| r.is_likely).count() as u64, undecided.likely.count());
    assert!((0..2).all(|trace| undecided.list.iter().any(|r| r.trace == trace)));
    let plain = Options { request_stacks: false, undecided: false, ..WANTED };
    assert!(profile_of(&inputs, "main.NoBodyHandler", plain).expect("requests").selection.undecided.list.is_empty());
}
