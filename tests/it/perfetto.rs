//! `-f perfetto`, decoded with Perfetto's own protobufs: nothing that trace processor would count as an error, and tracks that
//! add up to the report's requests.
//!
//! Python with the package `perfetto` is used where it is (`GOTRACE_SLICE_PYTHON`, else `python3`);
//! `GOTRACE_SLICE_REQUIRE_ENGINES=1` forbids to skip.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use crate::common::root;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// What Perfetto's protobufs and the lint say of a file; none where they are not installed.
fn lint(file: &Path) -> Option<Output> {
    let python = std::env::var("GOTRACE_SLICE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).arg(root().join("testdata/gen/perfetto_lint.py")).arg(file).output();
    let required = std::env::var_os("GOTRACE_SLICE_REQUIRE_ENGINES").is_some();
    assert!(output.is_ok() || !required, "no Python: {output:?}");
    let output = output.ok()?;
    let skipped = output.status.code() == Some(77);
    assert!(!skipped || !required, "{}", String::from_utf8_lossy(&output.stderr));
    if skipped {
        println!("skipped: {}", String::from_utf8_lossy(&output.stderr));
    }
    (!skipped).then_some(output)
}

/// Writes a file, and gives the JSON report of the same run.
fn write(args: &[&str], trace: &str, file: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"))
        .current_dir(root().join("testdata/traces"))
        .args(["-f", "json", "-o"])
        .arg(file)
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
    ("go1.23/trees.trace", &["-r", "TreeHandler", "--focus", "link"]),
    ("go1.21/server.trace", &["-r", "Handler", "--include-partial"]),
    ("go1.26/server.trace", &["-r", "nothing at all|main.main"]),
];

fn sum(track: &Value) -> u64 {
    track["slices"].as_array().unwrap().iter().map(|slice| slice["dur_ns"].as_u64().unwrap()).sum()
}

/// Time by name of slice.
fn by_name(track: &Value) -> BTreeMap<&str, u64> {
    let mut sums = BTreeMap::new();
    for slice in track["slices"].as_array().unwrap() {
        *sums.entry(slice["name"].as_str().unwrap()).or_default() += slice["dur_ns"].as_u64().unwrap();
    }
    sums
}

/// Each request has a track as long as it took; below it are its critical path and its own goroutine, as long as it is.
fn check(what: &str, file: &Value, report: &Value) {
    let tracks = file["tracks"].as_array().unwrap();
    let group = tracks.iter().find(|track| track["parent"] == 0).expect("a group");
    let below =
        |parent: &Value| tracks.iter().filter(move |track| track["parent"] == parent["uuid"]).collect::<Vec<_>>();
    let of_group = below(group);
    assert_eq!([&of_group[0]["name"], &of_group[1]["name"]], ["garbage collector", "stopped world"], "{what}");

    let mut requests: Vec<&Value> = report["requests"].as_array().unwrap().iter().collect();
    requests.sort_by_key(|request| std::cmp::Reverse(request["dur_ns"].as_u64()));
    assert_eq!(of_group.len() - 2, requests.len(), "{what}");
    for (track, request) in of_group[2..].iter().zip(&requests) {
        assert_eq!(request["dur_ns"], sum(track), "{what} {}", track["name"]);
        let children = below(track);
        let Some((path, goroutines)) = children.split_first() else { continue };
        assert_eq!((&path["name"], sum(path)), (&"critical path".into(), sum(track)), "{what}");
        assert_eq!(sum(goroutines[0]), sum(track), "{what}: {}", goroutines[0]["name"]);
        // The path in Go's words, state by state.
        let mut states: BTreeMap<&str, u64> = BTreeMap::new();
        for slice in path["slices"].as_array().unwrap() {
            let state = slice["stack"].as_array().unwrap().last().map_or("", |leaf| leaf.as_str().unwrap());
            *states.entry(state.trim_matches(['[', ']'])).or_default() += slice["dur_ns"].as_u64().unwrap();
        }
        let said = request["states"].as_object().unwrap().iter();
        let said: BTreeMap<&str, u64> = said.map(|(state, ns)| (state.as_str(), ns.as_u64().unwrap())).collect();
        assert_eq!(states, said, "{what} {}", track["name"]);
    }
    if let Some(slowest) = of_group.get(2) {
        check_slowest(what, &below(slowest), &report["slowest"]);
    }
}

/// The lanes of the slowest request are those of the report, as far as it shows them.
fn check_slowest(what: &str, tracks: &[&Value], slowest: &Value) {
    for (lane, track) in slowest["lanes"].as_array().unwrap().iter().zip(&tracks[1..]) {
        let name = format!("goroutine {} {}", lane["goid"], lane["entry"].as_str().unwrap());
        assert_eq!(track["name"], name, "{what}");
        if lane["more_pieces"] == 0 {
            let mut states: BTreeMap<&str, u64> = BTreeMap::new();
            for piece in lane["pieces"].as_array().unwrap() {
                *states.entry(piece["state"].as_str().unwrap()).or_default() += piece["dur_ns"].as_u64().unwrap();
            }
            assert_eq!(by_name(track), states, "{what} {name}");
        }
    }
}

#[test]
fn perfettos_own_protobufs_find_the_reports_requests_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pftrace");
    let mut flows = 0;
    for (trace, args) in CASES {
        let what = format!("{trace} {args:?}");
        let report = write(args, trace, &path);
        let Some(output) = lint(&path) else { return };
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        let file: Value = serde_json::from_slice(&output.stdout).unwrap();
        check(&what, &file, &report);
        flows += file["flows"].as_u64().unwrap();
    }
    assert!(flows > 50, "{flows} arrows");
}

/// Where the packets of a file begin: each is field 1 of the whole.
fn packets(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    while at < bytes.len() {
        assert_eq!(bytes[at], 0x0A);
        at += 1;
        let (mut len, mut shift) = (0, 0);
        loop {
            let byte = bytes[at];
            at += 1;
            len |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        at += len;
        starts.push(at);
    }
    starts
}

/// The lint finds a file that lacks any one packet of these.
#[test]
fn a_file_without_one_of_its_packets_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pftrace");
    write(&["-r", "HashAndWrite"], "go1.26/server.trace", &path);
    let bytes = std::fs::read(&path).unwrap();
    let starts = packets(&bytes);
    let n = starts.len() - 1;
    // The group; the beginning of a slice; its end; the last end.
    let first_event = (0..n).find(|&i| bytes[starts[i]..starts[i + 1]].windows(7).any(|w| w == b"request")).unwrap();
    for missing in [0, first_event, first_event + 1, n - 1] {
        let damaged = [&bytes[..starts[missing]], &bytes[starts[missing + 1]..]].concat();
        std::fs::write(&path, damaged).unwrap();
        let Some(output) = lint(&path) else { return };
        assert_eq!(output.status.code(), Some(1), "without packet {missing} of {n}");
    }
}
