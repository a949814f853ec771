//! Calls that were under way when the recording began (`testdata/gen/older`): a wait before the first stack is no part of the
//! lower bound, and is told where it was likely in the call.

use crate::common::recordings;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// How long the first call of a function was at least, for certain and likely, in ns; all numbers of threads say the same.
fn at_least(trace: &Path, function: &str) -> (u64, Option<u64>) {
    let of = |threads: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let pattern = format!("^{function}$");
        let output = command.args(["-q", "-f", "json", "-j", threads, "-r", &pattern]).arg(trace).output();
        let report: Value = serde_json::from_slice(&output.expect("a report").stdout).expect("JSON");
        let cut = report["requests_cut"].as_array().expect("a list");
        assert!(cut.len() == 1 && cut[0]["cut_start"] == true, "{}: {function}: {cut:?}", trace.display());
        (cut[0]["at_least_ns"].as_u64().expect("ns"), cut[0]["likely_at_least_ns"].as_u64())
    };
    let seen = of("1");
    assert_eq!(seen, of("4"), "{}: {function}", trace.display());
    seen
}

#[test]
fn the_wait_in_which_the_trace_begins_is_told_where_it_is_likely_the_calls() {
    for trace in recordings("older") {
        let what = trace.display();
        let said = std::fs::read(trace.with_extension("json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&said).expect("JSON");
        let ns = |name: &str| truth[name].as_u64().expect("ns");
        let (certain, likely) = at_least(&trace, "main.Job");
        let (likely, recorded) = (likely.expect("the same sender before and after"), ns("job_recorded_ns"));
        assert!(likely.abs_diff(recorded) <= 1_000_000 && certain < likely, "{what}: {certain} {likely} {recorded}");
        // The twin: the worker's wait for work is not its call's.
        let (certain, likely) = at_least(&trace, "main.Work");
        let took = ns("work_ns");
        assert!(certain <= took + 100_000 && certain * 2 >= took, "{what}: {certain} of {took}");
        assert_eq!(likely, None, "{what}");
        assert!(ns("wait_ns") > 1_000_000, "{what}: else it would not matter");
    }
}

/// One line sends what a goroutine waits for and what its call waits for: what is certain is true, and what is likely is not.
#[test]
fn a_lower_bound_holds_where_one_line_feeds_the_worker_and_its_call() {
    for trace in recordings("older") {
        let said = std::fs::read(trace.with_extension("json")).expect("the truth");
        let took = serde_json::from_slice::<Value>(&said).expect("JSON")["body_ns"].as_u64().expect("ns");
        let (certain, likely) = at_least(&trace, "main.Body");
        let what = trace.display();
        assert!(certain <= took + 100_000 && certain * 3 >= took, "{what}: {certain} of {took}");
        assert!(likely.is_some_and(|likely| likely > took), "{what}: {likely:?} of {took}");
    }
}
