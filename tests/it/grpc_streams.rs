//! Streams that last longer than the recording (`testdata/gen/grpc -streams`): a row that has no zeros, and a remark.

use crate::common::recordings;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn list(trace: &Path, format: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = command
        .args(["-q", "--width", "200", "-f", format])
        .arg(trace)
        .env("LANG", "C.UTF-8")
        .output()
        .expect("a list");
    assert!(output.status.success(), "{}", trace.display());
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A method's row; none if it has none.
fn row<'l>(list: &'l Value, function: &str) -> Option<&'l Value> {
    list["handlers"].as_array()?.iter().find(|row| row["function"] == function)
}

const REMARK: &str = "none begins and ends in the trace";

#[test]
fn streams_without_an_edge_in_the_trace_are_a_row_and_a_remark() {
    for trace in recordings("grpc-streams") {
        let what = trace.display();
        let said = std::fs::read(trace.with_extension("json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&said).expect("JSON");
        let json: Value = serde_json::from_str(&list(&trace, "json")).expect("JSON");
        let watch = row(&json, "main._Shop_Watch_Handler").unwrap_or_else(|| panic!("{what}: no row"));
        assert_eq!((&watch["count"], &watch["partial"]), (&Value::from(0), &truth["streams"]), "{what}");
        // They were seen from the beginning to the end.
        let seen = watch["cut_max_ns"].as_u64().expect("ns");
        assert!(seen * 100 >= json["trace"]["duration_ns"].as_u64().expect("ns") * 95, "{what}: {seen}");
        let text = list(&trace, "text");
        let line = text.lines().find(|line| line.ends_with("gRPC  main._Shop_Watch_Handler")).expect("a line");
        assert!(line.contains('≥') && !line.contains(" 0 "), "{what}: {line}");
        let remark = format!("{} streams of main._Shop_Watch_Handler: {REMARK}", truth["streams"]);
        assert!(text.contains(&remark), "{what}: {text}");
        assert!(text.contains("-F --include-partial --root main._Shop_Watch_Handler "), "{what}: {text}");
    }
}

/// Each method of the other recordings has its row, with as many calls as the server says, and nothing is remarked.
#[test]
fn methods_have_a_row_each_with_its_number() {
    for trace in ["grpc", "grpc-workers"].into_iter().flat_map(recordings) {
        let what = trace.display();
        let said = std::fs::read(trace.with_extension("json")).expect("the truth");
        let truth: Value = serde_json::from_slice(&said).expect("JSON");
        let json: Value = serde_json::from_str(&list(&trace, "json")).expect("JSON");
        let text = list(&trace, "text");
        for method in ["Price", "Order", "Hash"] {
            let function = format!("main._Shop_{method}_Handler");
            let row = row(&json, &function).unwrap_or_else(|| panic!("{what}: no row for {method}"));
            assert_eq!(row["partial"], 0, "{what}: {method}");
            assert_eq!(row["count"], truth["methods"][format!("main.{method}")]["count"], "{what}: {method}");
            assert!(text.contains(&format!("-F --root {function} ")), "{what}: {text}");
        }
        assert!(!text.contains(REMARK), "{what}: {text}");
    }
}

/// The report of one method, as JSON.
fn report(trace: &Path, function: &str) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let pattern = format!("^{function}$");
    let output = command.args(["-q", "-f", "json", "--root", &pattern]).arg(trace).output().expect("a report");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The least that a quantile can be, of the requests of a report.
fn at_least(report: &Value, per_cent: usize) -> u64 {
    let least = |request: &Value| match request["may_be_several"].as_bool() {
        Some(true) => 0,
        _ => request["at_least_ns"].as_u64().or(request["dur_ns"].as_u64()).expect("ns"),
    };
    let mut all: Vec<u64> = report["requests"].as_array().expect("requests").iter().map(least).collect();
    all.sort_unstable();
    all[(all.len() * per_cent).div_ceil(100).max(1) - 1]
}

/// The list says of calls on stream workers how long they took at least, as the report of each method does; of calls with
/// borders of the server's own there is nothing to say.
#[test]
fn calls_of_stream_workers_have_a_lower_bound_in_the_list() {
    for trace in recordings("grpc-workers") {
        let (json, text) = (serde_json::from_str::<Value>(&list(&trace, "json")).expect("JSON"), list(&trace, "text"));
        for row in json["handlers"].as_array().expect("rows") {
            let function = row["function"].as_str().expect("a name");
            let report = report(&trace, function);
            let expected = [50, 95].map(|per_cent| Value::from(at_least(&report, per_cent)));
            let got = [&row["p50_at_least_ns"], &row["p95_at_least_ns"]];
            assert_eq!(got, expected.each_ref(), "{}: {function}", trace.display());
            assert!(row["p50_at_least_ns"].as_u64() <= row["p50_ns"].as_u64(), "{}: {function}", trace.display());
            // No bound at all is not worth a word.
            let is_bounded = row["p50_at_least_ns"].as_u64() > Some(0);
            assert_eq!(text.contains(&format!("{function} (p50 at least ")), is_bounded, "{text}");
        }
    }
    for trace in recordings("grpc") {
        let json: Value = serde_json::from_str(&list(&trace, "json")).expect("JSON");
        let rows = json["handlers"].as_array().expect("rows");
        assert!(rows.iter().all(|row| row["p50_at_least_ns"].is_null()), "{}", trace.display());
        assert!(!list(&trace, "text").contains("at least "), "{}", trace.display());
    }
}
