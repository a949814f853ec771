//! `docs/fleet.sql` on DuckDB, DataFusion, Spark and ClickHouse: they answer as the traces' own profile does.
//!
//! Engines are used where Python has them (`GOTRACE_SLICE_PYTHON`, else `python3`); `GOTRACE_SLICE_REQUIRE_ENGINES=1` forbids
//! to skip any.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use crate::common::root;
use crate::fleet::{endpoints, run};
use gotrace_slice::pipeline::Input;
use gotrace_slice::profile::{Profile, Request};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Runs `docs/fleet.sql` on an engine; none where it is not installed.
pub(crate) fn ask(engine: &str, tables: &Path) -> Option<serde_json::Value> {
    script("fleet_sql.py", &[Path::new(engine), tables])
}

/// What a script of `testdata/gen` prints as JSON; none where what it needs is not installed.
pub(crate) fn script(name: &str, args: &[&Path]) -> Option<serde_json::Value> {
    let python = std::env::var("GOTRACE_SLICE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).arg(root().join("testdata/gen").join(name)).args(args).output();
    let required = std::env::var_os("GOTRACE_SLICE_REQUIRE_ENGINES").is_some();
    assert!(output.is_ok() || !required, "no Python: {output:?}");
    let output = output.ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) {
        assert!(!required, "{args:?}: {said}");
        println!("{args:?} is skipped: {said}");
        return None;
    }
    assert!(output.status.success(), "{args:?}: {said}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Traces of several programs, as of several hosts and of two versions.
pub(crate) const FLEET: [Recording; 17] = [
    ("go1.26/server", "h1", "v1"),
    ("go1.25/server", "h1", "v2"),
    ("go1.26/endpoints", "h2", "v1"),
    ("go1.25/endpoints", "h2", "v2"),
    ("go1.26/grpc-workers", "h3", "v1"),
    ("go1.26/kinds", "h3", "v1"),
    ("go1.25/kinds", "h4", "v2"),
    ("go1.26/cutoff", "h4", "v1"),
    ("go1.19/server", "h5", "v1"),
    ("go1.26/http1", "h5", "v2"),
    ("go1.26/snapshot-a", "h6", "v1"),
    ("go1.26/snapshot-b", "h6", "v1"),
    ("go1.26/snapshot-other", "h7", "v1"),
    ("go1.26/silent-a", "h8", "v1"),
    ("go1.26/silent-b", "h8", "v1"),
    ("go1.26/held-a", "h9", "v1"),
    ("go1.26/held-b", "h9", "v1"),
];

/// A recording, its host and its version.
type Recording = (&'static str, &'static str, &'static str);

fn path_of(name: &str) -> std::path::PathBuf {
    root().join("testdata/traces").join(name).with_extension("trace")
}

/// Writes a table of each trace of [`FLEET`], as the command of `docs/fleet.md` does, and gives the pooled profile of all.
pub(crate) fn map(folder: &Path) -> Profile {
    for (i, recording) in FLEET.iter().enumerate() {
        write_table(folder, i, *recording, &path_of(recording.0).display().to_string());
    }
    profile_of(&FLEET)
}

fn write_table(folder: &Path, i: usize, (_, host, version): Recording, path: &str) {
    let labels = ["--label", &format!("host={host}"), "--label", &format!("version={version}")];
    let output = format!("{i}.parquet");
    let made = run(folder, &[&["-q", "-o", &output], &labels[..], &[path]].concat());
    assert!(made.status.success(), "{made:?}");
}

fn profile_of(fleet: &[Recording]) -> Profile {
    let bytes: Vec<Vec<u8>> = fleet.iter().map(|(name, ..)| std::fs::read(path_of(name)).expect("a trace")).collect();
    let inputs: Vec<Input<'_>> = fleet.iter().zip(&bytes).map(|((name, ..), bytes)| Input::new(*name, bytes)).collect();
    endpoints(&inputs)
}

/// What our own pooled profile says to some of the questions, as the engines give it.
fn expected(profile: &Profile, fleet: &[Recording]) -> [serde_json::Value; 4] {
    let requests = profile.requests.as_ref().expect("requests");
    let stacks = requests.stacks.as_ref().expect("stacks");
    let version = |request: &Request| fleet[request.trace as usize].2;
    let whole: Vec<usize> = (0..requests.list.len()).filter(|i| !requests.list[*i].partial).collect();
    let name = |i: usize| requests.roots[requests.list[i].root as usize].as_str();

    let mut durations: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    let mut states: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut sides: BTreeMap<(&str, &str), [u64; 2]> = BTreeMap::new();
    for &i in &whole {
        let request = &requests.list[i];
        durations.entry((name(i), version(request))).or_default().push(request.dur_ns);
        for (sample, ns) in stacks.of(i) {
            let state = profile.samples[sample].state.as_str();
            *states.entry((name(i), state)).or_default() += ns;
            sides.entry((name(i), state)).or_default()[usize::from(version(request) == "v2")] += ns;
        }
    }
    let quantile = |sorted: &[u64], p: usize| sorted[(sorted.len() * p).div_ceil(100) - 1];
    let row = |((root, version), mut all): ((&str, &str), Vec<u64>)| {
        all.sort_unstable();
        let [p50, p95, p99] = [50, 95, 99].map(|p| quantile(&all, p));
        json!({"root": root, "version": version, "requests": all.len(), "total_ns": all.iter().sum::<u64>(),
            "p50_ns": p50, "p95_ns": p95, "p99_ns": p99, "max_ns": all.last()})
    };
    let both = |root: &str| ["v1", "v2"].iter().all(|version| durations.contains_key(&(root, *version)));
    let change = sides.iter().filter(|((root, _), _)| both(root));
    let change =
        change.map(|((root, state), ns)| json!({"root": root, "state": state, "before_ns": ns[0], "after_ns": ns[1]}));
    let change = change.collect();
    let states = states.iter().map(|((root, state), ns)| json!({"root": root, "state": state, "ns": ns})).collect();
    let mut slowest: Vec<u64> = whole.iter().map(|i| requests.list[*i].dur_ns).collect();
    slowest.sort_unstable_by_key(|ns| std::cmp::Reverse(*ns));
    let slow_ns: u64 = slowest[..slowest.len().div_ceil(20)].iter().sum();
    [durations.into_iter().map(row).collect(), states, change, json!(slow_ns)]
}

/// The rows of an answer, without its own order.
pub(crate) fn sorted(rows: &serde_json::Value) -> Vec<String> {
    let mut rows: Vec<String> = rows.as_array().expect("rows").iter().map(ToString::to_string).collect();
    rows.sort_unstable();
    rows
}

fn sum_of(rows: &serde_json::Value, column: &str) -> u64 {
    rows.as_array().expect("rows").iter().map(|row| row[column].as_u64().expect("a number")).sum()
}

/// The text of `docs/fleet.sql` gives the same on all engines, and that is what the traces' own profile has, to the
/// nanosecond. Requests of overlapping snapshots count once.
#[test]
fn engines_answer_as_the_profile_does() {
    let folder = tempfile::tempdir().expect("a folder");
    check_engines(folder.path(), &map(folder.path()), &FLEET);
}

/// Hosts whose recordings have the same path, and a host with three of one path, two of which overlap.
pub(crate) const ONE_PATH: [Recording; 6] = [
    ("go1.26/server", "h1", "v1"),
    ("go1.25/server", "h2", "v2"),
    ("go1.26/snapshot-a", "h3", "v1"),
    ("go1.26/snapshot-b", "h3", "v1"),
    ("go1.26/snapshot-other", "h3", "v1"),
    ("go1.26/silent-a", "h4", "v1"),
];

/// Writes a table of each trace of [`ONE_PATH`].
pub(crate) fn map_one_path(folder: &Path) {
    let trace = folder.join("t.trace");
    for (i, recording) in ONE_PATH.iter().enumerate() {
        let _ = std::fs::copy(path_of(recording.0), &trace).expect("a copy");
        write_table(folder, i, *recording, "t.trace");
    }
    // Some engines read all files of a folder.
    std::fs::remove_file(trace).expect("a trace");
}

/// Recordings are told apart by what they are, and not by their paths.
#[test]
fn recordings_of_one_path_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    map_one_path(folder);
    check_engines(folder, &profile_of(&ONE_PATH), &ONE_PATH);
    // One table of all has the same, and as many traces.
    let tables: Vec<String> = (0..ONE_PATH.len()).map(|i| format!("{i}.parquet")).collect();
    let run = |args: &[&str], tables: &[String]| {
        let output = run(folder, &args.iter().copied().chain(tables.iter().map(String::as_str)).collect::<Vec<_>>());
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let _ = run(&["-q", "-o", "joined.parquet"], &tables);
    let report = |tables: &[String]| -> serde_json::Value {
        serde_json::from_slice(&run(&["-q", "-r", ".", "-f", "json"], tables)).expect("JSON")
    };
    let (of_parts, of_joined) = (report(&tables), report(&["joined.parquet".to_owned()]));
    assert_eq!(of_parts["latency"], of_joined["latency"]);
    assert_eq!(of_parts["traces"].as_array().expect("traces").len(), ONE_PATH.len());
    assert_eq!(of_joined["traces"].as_array().expect("traces").len(), ONE_PATH.len());
}

/// The same bytes as of two hosts, under one path: each host's requests count, with their own time only.
#[test]
fn one_recording_of_two_hosts_counts_for_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let trace = path_of("go1.26/server").display().to_string();
    write_table(folder, 0, ("go1.26/server", "h1", "v1"), &trace);
    for engine in ["duckdb", "datafusion", "spark", "clickhouse"] {
        let _ = std::fs::remove_file(folder.join("1.parquet"));
        let Some(one) = ask(engine, folder) else { continue };
        write_table(folder, 1, ("go1.26/server", "h2", "v1"), &trace);
        let both = ask(engine, folder).expect("answers");
        for (question, column) in [("endpoints", "total_ns"), ("states", "ns"), ("hosts", "requests")] {
            assert_eq!(2 * sum_of(&one[question], column), sum_of(&both[question], column), "{engine} {question}");
        }
        assert!(sum_of(&one["states"], "ns") > 0);
        // A table again, with another name for the same recording of the same host: nothing changes.
        write_table(folder, 2, ("go1.26/server", "h2", "v1"), &trace.replace("/server", "/./server"));
        let again = ask(engine, folder).expect("answers");
        for question in ["endpoints", "states", "unknown"] {
            assert_eq!(both[question], again[question], "{engine} {question}");
        }
        std::fs::remove_file(folder.join("2.parquet")).expect("a table");
    }
}

/// Asks all engines, and compares their answers with the profile.
fn check_engines(folder: &Path, profile: &Profile, fleet: &[Recording]) {
    let [quantiles, states, change, slow_ns] = expected(profile, fleet);
    let requests = profile.requests.as_ref().expect("requests");
    let drawn = slowest_of_tables(folder, fleet.len());
    assert!(drawn.len() > 5, "{drawn:?}");
    let mut first: Option<serde_json::Value> = None;
    for engine in ["duckdb", "datafusion", "spark", "clickhouse"] {
        let Some(answers) = ask(engine, folder) else { continue };
        assert_eq!(sorted(&answers["endpoints"]), sorted(&quantiles), "{engine}");
        assert_eq!(sorted(&answers["states"]), sorted(&states), "{engine}");
        assert_eq!(json!(sum_of(&answers["slowest"], "ns")), slow_ns, "{engine}");
        let mut by_state: BTreeMap<(String, String), [u64; 2]> = BTreeMap::new();
        for row in answers["change"].as_array().expect("rows") {
            let text = |column: &str| row[column].as_str().expect("a text").to_owned();
            let of = by_state.entry((text("root"), text("state"))).or_default();
            for (sum, column) in of.iter_mut().zip(["before_ns", "after_ns"]) {
                *sum += row[column].as_u64().expect("a number");
            }
        }
        let by_state = by_state
            .into_iter()
            .map(|((root, state), ns)| json!({"root": root, "state": state, "before_ns": ns[0], "after_ns": ns[1]}));
        assert_eq!(sorted(&by_state.collect()), sorted(&change), "{engine}");
        let cut = requests.list.iter().filter(|request| request.partial).count();
        assert_eq!(sum_of(&answers["unknown"], "whole_requests") as usize, requests.list.len() - cut, "{engine}");
        assert_eq!(sum_of(&answers["unknown"], "cut_requests") as usize, cut, "{engine}");
        let undecided = profile.selection.undecided.count();
        assert!(cut > 0 && undecided > 0, "{cut} {undecided}");
        assert_eq!(sum_of(&answers["unknown"], "undecided_requests"), undecided, "{engine}");
        for row in answers["unknown"].as_array().expect("rows") {
            let [whole, cut, undecided] =
                ["whole", "cut", "undecided"].map(|of| row[format!("{of}_requests")].as_f64().expect("a number"));
            for (column, n) in [("cut_share", cut), ("undecided_share", undecided)] {
                let share = row[column].as_f64().expect("a number");
                assert!((share - n / (whole + cut + undecided)).abs() < 1e-12, "{engine} {row}");
            }
        }
        assert_eq!(sum_of(&answers["hosts"], "requests") as usize, requests.list.len() - cut, "{engine}");
        assert_eq!(by_stack(&answers["slowest"]), drawn, "{engine}");
        match &first {
            Some(first) => assert!(*first == answers, "{engine} answers otherwise than the first engine"),
            None => first = Some(answers),
        }
    }
}

/// The stacks of the slowest 5 % as the command of `docs/fleet.md` draws them, in ns.
fn slowest_of_tables(folder: &Path, n: usize) -> BTreeMap<String, u64> {
    let tables: Vec<String> = (0..n).map(|i| format!("{i}.parquet")).collect();
    let args = ["-q", "--root", ".", "--only", "p95..", "-f", "folded", "--unit", "ns"];
    let output = run(folder, &args.into_iter().chain(tables.iter().map(String::as_str)).collect::<Vec<_>>());
    let text = String::from_utf8(output.stdout).expect("text");
    let line = |line: &str| {
        let (stack, ns) = line.rsplit_once(' ').expect("a stack and its time");
        (stack.to_owned(), ns.parse().expect("a number"))
    };
    text.lines().map(line).collect()
}

fn by_stack(rows: &serde_json::Value) -> BTreeMap<String, u64> {
    let rows = rows.as_array().expect("rows").iter();
    let rows =
        rows.map(|row| (row["folded"].as_str().expect("a stack").to_owned(), row["ns"].as_u64().expect("a number")));
    rows.filter(|(_, ns)| *ns > 0).collect()
}

/// A shell runs the command that the answer names, whatever the recording is called.
#[cfg(unix)]
#[test]
fn a_shell_reads_the_command_of_the_worst_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let path = r#"it's $HOME "a" 
/t.trace"#;
    std::fs::create_dir_all(folder.join(path).parent().expect("a folder")).expect("a folder");
    let _ = std::fs::copy(root().join("testdata/traces/go1.26/server.trace"), folder.join(path)).expect("a copy");
    std::fs::create_dir(folder.join("out")).expect("a folder");
    assert!(run(folder, &["-q", "-o", "out/x.parquet", path]).status.success());
    let program = Path::new(env!("CARGO_BIN_EXE_gotrace-slice")).parent().expect("a folder");
    for engine in ["duckdb", "datafusion", "clickhouse", "spark"] {
        let Some(answers) = ask(engine, &folder.join("out")) else { continue };
        let command = answers["hosts"][0]["worst"].as_str().expect("a command").to_owned();
        let mut shell = Command::new("/bin/sh");
        let shown = shell.current_dir(folder).env("PATH", program).args(["-c", &command]).output().expect("a shell");
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.status.success() && text.contains("1 request"), "{engine}: {command} {shown:?}");
    }
}

/// The command that the answer names shows that request.
#[test]
fn the_worst_request_of_a_host_can_be_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let _ = map(folder.path());
    let Some(answers) = ask("duckdb", folder.path()) else { return };
    let worst: Vec<&str> =
        answers["hosts"].as_array().expect("rows").iter().filter_map(|row| row["worst"].as_str()).collect();
    assert!(worst.len() > 9);
    for command in worst {
        let args: Vec<String> = command.split(' ').skip(1).map(|arg| arg.trim_matches('\'').to_owned()).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let shown = run(folder.path(), &args);
        assert!(shown.status.success(), "{command}: {shown:?}");
    }
}
