//! `--anonymize`: the same events with other names. Each recording gives the same report, names mapped; no name of the program
//! is left; Go's own reader reads the result.

use crate::common::{files, recordings, root};
use crate::go;
use gotrace_slice::pipeline::{Renamer, anonymize};
use gotrace_slice::profile::is_std;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn renamer() -> Renamer {
    Renamer::with_key([42; 32])
}

/// The trace with other names.
fn renamed(path: &Path) -> Vec<u8> {
    let (bytes, mut out) = (fs::read(path).expect("a trace"), Vec::new());
    anonymize("it", &bytes, &renamer(), &mut out).expect("it can be read");
    out
}

fn json(path: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = command.args(["-q", "-f", "json"]).args(arguments).arg(path).output().expect("it runs");
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// What a report has but for names and the place of the file: the stacks by state, times, and functions, which `rename` gives
/// their other names.
fn figures(report: &Value, rename: impl Fn(&str) -> String) -> Vec<String> {
    let stacks = report["stacks"].as_array().map_or(&[][..], |stacks| stacks);
    let of_stack = |stack: &Value| {
        let frames = stack["frames"].as_array().expect("frames").iter();
        let names =
            frames.map(|frame| format!("{}:{}", rename(frame["function"].as_str().expect("a name")), frame["line"]));
        let figures = ["state", "detail", "precision", "waited_in", "latency_ns", "goroutine_ns", "events"];
        let figures = figures.map(|name| stack[name].to_string());
        format!("{figures:?} {:?}", names.collect::<Vec<_>>())
    };
    let mut all: Vec<String> = stacks.iter().map(of_stack).collect();
    all.extend(
        ["complete", "total", "latency", "states", "tail", "overlap", "cpu"].map(|name| report[name].to_string()),
    );
    all.extend(report["requests"].as_array().into_iter().flatten().map(|request| request["dur_ns"].to_string()));
    all.sort();
    all
}

#[test]
fn the_report_is_the_same_but_for_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other.trace");
    let mut selected = 0;
    for path in files(&root().join("testdata/traces"), "trace") {
        fs::write(&other, renamed(&path)).expect("written");
        // Functions of package main keep its name.
        let arguments = ["--root", r"^main\."];
        let (before, after) = (json(&path, &arguments), json(&other, &arguments));
        let is_pseudo = |name: &str| name.starts_with('[') || name.starts_with('(') || name.starts_with("0x");
        let rename = |name: &str| if is_pseudo(name) { name.to_owned() } else { renamer().function(name) };
        assert_eq!(figures(&before, rename), figures(&after, str::to_owned), "{}", path.display());
        selected += usize::from(!before.is_null());
        let list = |path: &Path| {
            let list = json(path, &[]);
            let row =
                |row: &Value| ["count", "p50_ns", "total_ns", "undecided"].map(|name| row[name].to_string()).concat();
            let rows = list["handlers"].as_array().expect("handlers").iter().map(row);
            (rows.collect::<BTreeSet<_>>(), list["trace"]["events"].clone(), list["complete"].clone())
        };
        assert_eq!(list(&path), list(&other), "{}", path.display());
    }
    assert!(selected > 100, "{selected}");
}

/// Words of functions that are the program's own, and what it wrote.
fn own_words(path: &Path) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let report = json(path, &["--root", r"^main\."]);
    let functions =
        report["stacks"].as_array().into_iter().flatten().flat_map(|s| s["frames"].as_array().expect("frames"));
    for function in functions.filter_map(|frame| frame["function"].as_str()).filter(|name| !is_std(name)) {
        words.extend(function.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 10).map(str::to_owned));
    }
    let annotations = json(path, &[])["annotations"].as_array().cloned().unwrap_or_default();
    words
        .extend(annotations.iter().filter_map(|a| a["name"].as_str()).filter(|name| name.len() > 5).map(str::to_owned));
    // What Go's own functions are called too is no secret.
    for common in ["google", "golang", "ServeHTTP", "RoundTrip", "QueryContext", "interface"] {
        words.remove(common);
    }
    words
}

#[test]
fn no_word_of_the_program_is_left() {
    let mut seen = 0;
    for name in ["server", "tasks", "problems", "routed"] {
        for path in
            files(&root().join("testdata/traces"), "trace").into_iter().filter(|p| p.ends_with(format!("{name}.trace")))
        {
            let bytes = renamed(&path);
            for word in own_words(&path) {
                let is_left = bytes.windows(word.len()).any(|window| window == word.as_bytes());
                assert!(!is_left, "{}: {word}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn gos_own_reader_reads_it() {
    let Some(newest) = go::toolchain(go::NEWEST) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (reader, other) = (go::streamref(&newest, folder.path()), folder.path().join("other.trace"));
    let states = |path: &Path| {
        let output = Command::new(&reader).arg("-mode=states").arg(path).output().expect("it runs");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for path in ["server", "annotations", "endpoints", "findings"].into_iter().flat_map(recordings_or_fewer) {
        fs::write(&other, renamed(&path)).expect("written");
        let (before, after) = (states(&path), states(&other));
        assert_eq!(before.is_some(), after.is_some(), "{}", path.display());
        assert_eq!(
            before.map(|text| text.lines().count()),
            after.map(|text| text.lines().count()),
            "{}",
            path.display()
        );
    }
}

/// All recordings of a program that is not recorded with all versions.
fn recordings_or_fewer(name: &'static str) -> Vec<std::path::PathBuf> {
    if matches!(name, "endpoints" | "findings") {
        recordings(name)
    } else {
        let all = files(&root().join("testdata/traces"), "trace");
        all.into_iter().filter(|path| path.file_stem().is_some_and(|stem| stem == name)).collect()
    }
}

#[test]
fn the_command_writes_one_file_and_refuses_the_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, other) = (folder.path().join("in.trace"), folder.path().join("out.trace"));
    fs::copy(root().join("testdata/traces/go1.26/server.trace"), &input).expect("copied");
    let run = |arguments: &[&Path]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let output = command.arg("--anonymize").args(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run(&[&other, &input]).0, Some(0));
    assert_eq!(json(&other, &[])["trace"]["events"], json(&input, &[])["trace"]["events"]);
    let first = fs::read(&other).expect("written");
    assert_eq!(run(&[&other, &input]).0, Some(0));
    assert_ne!(first, fs::read(&other).expect("written"), "each time another key");
    let (code, said) = run(&[&input, &input]);
    assert_eq!(code, Some(2));
    assert!(said.contains("is one of the traces to read"), "{said}");
    let (code, said) = run(&[&other, &root().join("Cargo.toml")]);
    assert_eq!(code, Some(2));
    assert!(said.contains("not a") || said.contains("no trace"), "{said}");
    assert!(run(&[&other, &input, &input]).1.contains("takes one trace"));
    let table = folder.path().join("x.parquet");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    assert!(command.args(["-q", "-o"]).args([&table, &input]).status().expect("it runs").success());
    let (code, said) = run(&[&other, &table]);
    assert_eq!(code, Some(2));
    assert!(said.contains("takes a trace") && said.contains("is a table of requests"), "{said}");
}
