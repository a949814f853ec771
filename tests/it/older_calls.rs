//! Calls that were under way when the recording began (`testdata/gen/older`): a wait before the first stack counts where it
//! was certainly in the call.

use crate::common::recordings;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// How long the first call of a function was seen, in ns; all numbers of threads say the same.
fn at_least(trace: &Path, function: &str) -> u64 {
    let of = |threads: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let pattern = format!("^{function}$");
        let output = command.args(["-q", "-f", "json", "-j", threads, "-r", &pattern]).arg(trace).output();
        let report: Value = serde_json::from_slice(&output.expect("a report").stdout).expect("JSON");
        let cut = report["requests_cut"].as_array().expect("a list");
        assert!(cut.len() == 1 && cut[0]["cut_start"] == true, "{}: {function}: {cut:?}", trace.display());
        cut[0]["at_least_ns"].as_u64().expect("ns")
    };
    let seen = of("1");
    assert_eq!(seen, of("4"), "{}: {function}", trace.display());
    seen
}

#[test]
fn the_wait_in_which_the_trace_begins_counts_where_it_is_the_calls() {
    for trace in recordings("older") {
        let what = trace.display();
        let said = std::fs::read(trace.with_extension("json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&said).expect("JSON");
        let ns = |name: &str| truth[name].as_u64().expect("ns");
        let (seen, recorded) = (at_least(&trace, "main.Job"), ns("job_recorded_ns"));
        assert!(seen + 1_000_000 >= recorded && seen <= recorded + 1_000_000, "{what}: {seen} of {recorded}");
        // The worker's wait for work is not its call's.
        let (seen, took) = (at_least(&trace, "main.Work"), ns("work_ns"));
        assert!(seen <= took + 100_000 && seen * 2 >= took, "{what}: {seen} of {took}");
        assert!(ns("wait_ns") > 1_000_000, "{what}: else it would not matter");
    }
}
