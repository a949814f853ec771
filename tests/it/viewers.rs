//! Files for viewers have the report's numbers: what is pooled adds up to its total, and a path is the slowest request's.

use crate::common::root;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What the command writes to standard output, as JSON.
fn json_of(format: &str, args: &[&str], trace: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"))
        .args(["-q", "-f", format])
        .args(args)
        .arg(trace)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

const CASES: &[(&str, &[&str])] = &[
    ("go1.26/problems.trace", &["-F", "-r", "(*server).Order"]),
    ("go1.26/server.trace", &["-r", "Handler"]),
    ("go1.23/trees.trace", &["-r", "TreeHandler"]),
    ("go1.21/server.trace", &["-r", "Handler"]),
];

/// The frames of a stack, outermost first.
fn names<'a>(file: &'a Value, stack: &Value) -> Vec<&'a str> {
    let frame = |i: &Value| file["shared"]["frames"][i.as_u64().unwrap() as usize]["name"].as_str().unwrap();
    stack.as_array().unwrap().iter().map(frame).collect()
}

fn weights(profile: &Value) -> Vec<u64> {
    profile["weights"].as_array().unwrap().iter().map(|w| w.as_u64().unwrap()).collect()
}

#[test]
fn speedscope_has_all_requests_and_the_paths_of_the_slowest() {
    for (trace, args) in CASES {
        let trace = root().join("testdata/traces").join(trace);
        let (file, report) = (json_of("speedscope", args, &trace), json_of("json", args, &trace));
        let profiles = file["profiles"].as_array().unwrap();
        assert_eq!(weights(&profiles[0]).iter().sum::<u64>(), report["total"]["latency_ns"], "{trace:?}");

        let mut took: Vec<u64> =
            report["requests"].as_array().unwrap().iter().map(|r| r["dur_ns"].as_u64().unwrap()).collect();
        took.sort_unstable_by(|a, b| b.cmp(a));
        let paths: Vec<u64> = profiles[1..].iter().map(|profile| weights(profile).iter().sum()).collect();
        assert_eq!(paths, took[..took.len().min(5)], "{trace:?}");

        // In the order of time, with the states that the report has.
        let path = report["slowest"]["path"].as_array().unwrap();
        let samples = profiles[1]["samples"].as_array().unwrap();
        for ((piece, sample), ns) in path.iter().zip(samples).zip(weights(&profiles[1])) {
            let state = format!("[{}]", piece["state"].as_str().unwrap());
            assert_eq!(names(&file, sample).last(), Some(&state.as_str()), "{trace:?}");
            assert_eq!(piece["dur_ns"], ns, "{trace:?}");
        }
        assert!(path.len() > 3 && samples.len() >= path.len(), "{trace:?}");
    }
}
