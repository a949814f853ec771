//! The fleet as a whole: distinct recordings of many hosts, one of which is bad, and of two versions, one of which is bad. The
//! answers of `docs/fleet.sql` name both, and are those of one command that reads all recordings.
//!
//! `GOTRACE_SLICE_FLEET` is how many recordings there are (24); 200 take three minutes.

use crate::fleet::run;
use crate::fleet_engines::ask;
use crate::go;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const BAD_HOST: &str = "host-2";
const BAD_VERSION: &str = "v2";

fn n_recordings() -> usize {
    std::env::var("GOTRACE_SLICE_FLEET").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

/// Records `n` traces below `folder/traces/HOST/VERSION`, and gives their paths below `folder`.
fn record(goroot: &Path, folder: &Path, n: usize) -> Vec<String> {
    let source = crate::common::root().join("testdata/gen/fleet/main.go");
    let program = folder.join("program");
    let _ = go::run(go::go(goroot).args(["build", "-trimpath", "-o"]).arg(&program).arg(source));
    let one = |i: usize| {
        let hosts = (n / 6).max(3);
        let version = if (i / hosts).is_multiple_of(2) { "v1" } else { BAD_VERSION };
        let host = format!("host-{}", i % hosts);
        let place = PathBuf::from("traces").join(&host).join(version);
        std::fs::create_dir_all(folder.join(&place)).expect("a folder");
        let path = place.join(format!("{i}.trace"));
        let mut command = Command::new(&program);
        command.args(["-seed", &(i + 1).to_string(), "-o"]).arg(folder.join(&path));
        command.args((host == BAD_HOST).then_some("-bad-host"));
        command.args((version == BAD_VERSION).then_some("-bad-version"));
        let _ = go::run(&mut command);
        path.display().to_string()
    };
    (0..n).map(one).collect()
}

/// A table of each recording, by the command of the documents.
fn map(folder: &Path, traces: &[String]) {
    std::fs::create_dir_all(folder.join("out")).expect("a folder");
    for (i, trace) in traces.iter().enumerate() {
        let pattern = "(?<host>[^/]+)/(?<version>[^/]+)/[^/]+$";
        let args = ["-q", "-j1", "--label-from-path", pattern, "-o", &format!("out/{i}.parquet"), trace];
        let made = run(folder, &args);
        assert!(made.status.success(), "{made:?}");
    }
}

fn rows<'a>(answers: &'a Value, question: &str) -> &'a [Value] {
    answers[question].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_bad_host_and_the_bad_version_are_found() {
    let Some(goroot) = go::toolchain(go::NEWEST) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let traces = record(&goroot, folder.path(), n_recordings());
    map(folder.path(), &traces);
    for engine in ["duckdb", "datafusion", "spark"] {
        let Some(answers) = ask(engine, &folder.path().join("out")) else { continue };
        check_hosts(folder.path(), &answers);
        check_change(&answers);
        check_against_one_command(folder.path(), &traces, &answers);
    }
}

/// The bad host is the first, far before the second; the command that is named beside it shows the lock, and who holds it.
fn check_hosts(folder: &Path, answers: &Value) {
    let hosts = rows(answers, "hosts");
    assert_eq!(hosts[0]["host"], BAD_HOST, "{hosts:?}");
    let share = |i: usize| hosts[i]["slow_share"].as_f64().expect("a number");
    assert!(share(0) > 2.0 * share(1), "{hosts:?}");
    let command = hosts[0]["worst"].as_str().expect("a command");
    let args: Vec<&str> = command.split(' ').skip(1).map(|arg| arg.trim_matches('\'')).collect();
    let shown = run(folder, &args);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("(*prices).refresh") && text.contains("for a lock"), "{command}\n{text}");
}

/// What a mean request of the bad version takes longer for, most of it, is the call that only that version has.
fn check_change(answers: &Value) {
    let change = rows(answers, "change");
    let first = change.first().expect("a difference");
    assert_eq!((first["root"].as_str(), first["before_ns"].as_u64()), (Some("main.Orders"), Some(0)), "{first}");
    assert!(first["stack"].as_str().expect("a stack").contains(";main.discount;time.Sleep"), "{first}");
    assert!(first["change_ns"].as_f64().expect("a number") > 2e6, "{first}");
}

/// Counts, quantiles and sums by endpoint and version are those of one command that reads all recordings of the version;
/// so are the states.
fn check_against_one_command(folder: &Path, traces: &[String], answers: &Value) {
    for root in ["main.Orders", "main.Items"] {
        let pattern = format!("^{}$", root.replace('.', "\\."));
        let pooled = |version: &str| -> Value {
            let of_version = traces.iter().map(String::as_str).filter(|path| path.contains(version));
            let args: Vec<&str> = ["-q", "-f", "json", "--root", &pattern].into_iter().chain(of_version).collect();
            serde_json::from_slice(&run(folder, &args).stdout).expect("JSON")
        };
        let sides = [pooled("/v1/"), pooled("/v2/")];
        for (version, json) in ["v1", "v2"].into_iter().zip(&sides) {
            let row = rows(answers, "endpoints").iter().find(|row| row["root"] == root && row["version"] == version);
            let (row, latency) = (row.expect("a row"), &json["latency"]);
            assert_eq!(row["requests"], latency["count"]);
            for column in ["total_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns"] {
                assert_eq!(row[column], latency[column], "{root} {version} {column}");
            }
        }
        for row in rows(answers, "states").iter().filter(|row| row["root"] == root) {
            let of = |json: &Value| -> u64 {
                let states = json["states"].as_array().expect("states").iter();
                states
                    .filter(|state| state["state"] == row["state"])
                    .filter_map(|state| state["latency_ns"].as_u64())
                    .sum()
            };
            assert_eq!(row["ns"].as_u64(), Some(sides.iter().map(of).sum()), "{root} {row}");
        }
    }
}
