//! Calls outside of a server's borders (`testdata/gen/stretches`): there are as many as the program made, and each took at
//! most as long as its stretch, and at least as long as the part of it that is certain.

use crate::common::{recordings, root_by, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options, Stacks};
use gotrace_slice::profile::{Profile, ProfileFrame, Request};
use serde_json::Value;
use std::path::Path;

/// Two clocks are read one after the other, and what a goroutine does around a call takes some time.
const SLACK_NS: u64 = 100_000;

struct Recording {
    name: String,
    trace: Vec<u8>,
    said: Value,
}

impl Recording {
    fn all() -> impl Iterator<Item = Self> {
        let all = ["stretches", "stretches-samples"].map(recordings).concat();
        all.into_iter().map(|path| Self::read(&path))
    }

    fn read(path: &Path) -> Self {
        let trace = std::fs::read(path).expect("a readable trace");
        let said = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
        let said = serde_json::from_str(&said).expect("JSON");
        Self { name: path.with_extension("").display().to_string(), trace, said }
    }

    fn slice(&self, function: &str, by: &str) -> Profile {
        let input = [Input { name: "test".into(), source: &self.trace, resolver: None }];
        let options = Options { stacks: Stacks::Own, include_partial: true, ..Options::default() };
        let selector = selector(&format!("^{}$", regex::escape(function)), root_by(by));
        match pipeline::profile(&input, &selector, options, None) {
            Ok(Answer::Profile(profile)) => *profile,
            other => panic!("{} {function}: {other:?}", self.name),
        }
    }

    fn requests(&self, function: &str, by: &str) -> Vec<Request> {
        self.slice(function, by).requests.expect("requests").list
    }

    /// How long each call of a function took, in their order.
    fn calls(&self, function: &str) -> Vec<u64> {
        let calls = self.said["calls"][function].as_array().expect("a list");
        calls.iter().map(|ns| ns.as_u64().expect("a number")).collect()
    }
}

/// Each call is one whole request, and took no less and no more than that says.
fn assert_bounds(what: &str, calls: &[u64], requests: &[Request]) {
    assert_eq!(requests.len(), calls.len(), "{what}");
    for (request, &call) in requests.iter().zip(calls) {
        assert!(!request.partial && !request.may_be_several, "{what}: {request:?}");
        let at_least_ns = request.at_least_ns.get().expect("an inferred request");
        assert!(at_least_ns <= call + SLACK_NS, "{what}: {call} ns, {request:?}");
        assert!(request.dur_ns + SLACK_NS / 10 >= call, "{what}: {call} ns, {request:?}");
        assert!(at_least_ns <= request.dur_ns, "{what}: {request:?}");
    }
    let median = |mut all: Vec<u64>| {
        all.sort_unstable();
        all[(all.len() - 1) / 2]
    };
    let (inferred, call) = (median(requests.iter().map(|r| r.dur_ns).collect()), median(calls.to_vec()));
    assert!(inferred <= call + call / 20 + SLACK_NS, "{what}: median {inferred} ns, of calls {call} ns");
}

#[test]
fn a_call_that_computes_after_its_last_wait_is_not_cut_short() {
    for recording in Recording::all() {
        for function in ["main.Compute", "main.TwoWaits"] {
            let what = format!("{} {function}", recording.name);
            assert_bounds(&what, &recording.calls(function), &recording.requests(function, "stack"));
        }
    }
}

/// Its preemptions have stacks without the function that matches, and so have some CPU samples.
#[test]
fn what_is_no_evidence_does_not_split_a_call() {
    for recording in Recording::all() {
        let calls = recording.calls("main.Preempted");
        assert!(calls.iter().all(|ns| *ns > 40_000_000), "{}: long enough to be preempted", recording.name);
        assert_bounds(&recording.name, &calls, &recording.requests("main.Preempted", "stack"));
    }
}

#[test]
fn the_time_after_the_last_stack_has_a_frame_of_its_own() {
    for recording in Recording::all().filter(|recording| !recording.name.ends_with("samples")) {
        let profile = recording.slice("main.Compute", "stack");
        let after = profile.samples.iter().filter(|sample| {
            let leaf = profile.tree.stack(sample.stack).next();
            leaf.is_some_and(|frame| frame.function == ProfileFrame::AFTER_LAST_STACK)
        });
        let after_ns: u64 = after.map(|sample| sample.weight.latency_ns).sum();
        let requests = profile.requests.expect("requests").list;
        let uncertain = |r: &Request| r.dur_ns - r.at_least_ns.get().unwrap_or(r.dur_ns);
        let uncertain_ns: u64 = requests.iter().map(uncertain).sum();
        assert!(after_ns > 10_000_000 && after_ns <= uncertain_ns, "{}: {after_ns} {uncertain_ns}", recording.name);
    }
}

#[test]
fn calls_back_to_back_may_be_several() {
    for recording in Recording::all() {
        let requests = recording.requests("main.Job", "stack");
        assert_eq!(recording.calls("main.Job").len(), 10);
        assert_eq!(requests.len(), 1, "{}", recording.name);
        assert!(requests[0].may_be_several, "{}", recording.name);
        let all: u64 = recording.calls("main.Job").iter().sum();
        assert!(requests[0].dur_ns + SLACK_NS >= all, "{}", recording.name);
    }
}

/// The twin of the jobs: nothing is between these calls either, but who calls is at another line.
#[test]
fn calls_from_different_lines_are_told_apart() {
    for recording in Recording::all() {
        let calls = recording.calls("main.Step");
        assert_eq!(calls.len(), 12);
        assert_bounds(&recording.name, &calls, &recording.requests("main.Step", "stack"));
    }
}

#[test]
fn a_call_that_may_be_older_than_the_trace_is_cut() {
    for recording in Recording::all() {
        let requests = recording.requests("main.Older", "stack");
        let [request] = requests.as_slice() else { panic!("{}: {requests:?}", recording.name) };
        assert!(request.partial && request.start_ns == 0, "{}: {request:?}", recording.name);
        let recorded = recording.said["older_recorded_ns"].as_u64().expect("a number");
        assert!(request.dur_ns.abs_diff(recorded) < 2_000_000, "{}: {recorded} ns, {request:?}", recording.name);
        // It is called four times on an older goroutine, which no stack shows outside before the first call.
        let requests = recording.requests("main.Later", "stack");
        let partial: Vec<bool> = requests.iter().map(|r| r.partial).collect();
        assert_eq!(partial, [true, false, false, false], "{}", recording.name);
        assert_bounds(&recording.name, &recording.calls("main.Later")[1..], &requests[1..]);
    }
}

#[test]
fn a_connection_that_was_taken_over_has_stretches() {
    for recording in Recording::all() {
        let calls = recording.calls("main.Message");
        assert_eq!(calls.len(), 8);
        for by in ["stack", "stretch"] {
            let what = format!("{} {by}", recording.name);
            assert_bounds(&what, &calls, &recording.requests("main.Message", by));
        }
        // The handler is the request.
        let requests = recording.requests("main.Chat", "stack");
        let [request] = requests.as_slice() else { panic!("{}: {requests:?}", recording.name) };
        assert!(!request.is_inferred() && !request.partial, "{}: {request:?}", recording.name);
        assert!(request.dur_ns > calls.iter().sum(), "{}: {request:?}", recording.name);
    }
}
