//! The commands that reports show. The list without `--root` suggests some: each selects something, none comes twice, none
//! selects what serves all requests. A report whose roots are requests on a server shows those for what else matches: they
//! give exactly that. On all recordings of the repository, and on the corpus and the cases where they are present.

use crate::common::evil::gos_own;
use crate::common::{cases, corpus, files, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs a command line as a shell does, in a folder.
fn shell(line: &str, folder: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let mut paths = vec![program.parent().expect("a folder").to_owned()];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(paths).expect("a PATH");
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", path).env("LANG", "C.UTF-8").env_remove("COLUMNS");
    command.output().expect("a shell")
}

/// What the list suggests; none where the trace cannot be read.
fn suggested(trace: &Path) -> Option<Vec<String>> {
    let (folder, name) = (trace.parent()?, trace.file_name()?.to_str()?);
    let output = shell(&format!("gotrace-slice -q '{name}'"), folder);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let list = text.split_once("\nTRY").map_or("", |(_, list)| list);
    let commands = list.lines().filter_map(|line| line.strip_prefix("  gotrace-slice "));
    output.status.success().then(|| commands.map(str::to_owned).collect())
}

/// Runs what the list of a trace suggests; gives how many commands that were.
fn check(trace: &Path) -> usize {
    let what = trace.display();
    let suggested = suggested(trace).unwrap_or_default();
    let mut unique = suggested.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), suggested.len(), "{what}: {suggested:?}");
    for options in &suggested {
        let serves_all = ["persistConn", "conn).serve", "HandlerFunc.ServeHTTP", "--root runtime", "pprof.Trace"];
        assert!(!serves_all.iter().any(|name| options.contains(name)), "{what}: {options}");
        let output = shell(&format!("gotrace-slice -q -f json {options}"), trace.parent().expect("a folder"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{what}: {options}: {said}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let shown = report["requests"].as_array().map_or(0, Vec::len);
        assert!(shown > 0, "{what}: {options} shows no request");
    }
    suggested.len()
}

fn check_all(traces: &[PathBuf]) -> usize {
    traces.iter().map(|trace| check(trace)).sum()
}

#[test]
fn every_suggestion_selects_something() {
    assert!(check_all(&files(&root().join("testdata/traces"), "trace")) > 200);
}

#[test]
fn every_suggestion_for_foreign_traces_selects_something() {
    for folder in [corpus(), cases()].into_iter().flatten() {
        check_all(&files(&folder, "trace"));
    }
}

/// Goroutines of the runtime and of the recording are the last of the list, however long they ran, and are not offered. Those of the
/// program are, also of a function that is called like the runtime's.
#[test]
fn goroutines_of_gos_own_are_not_suggested() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("own.trace");
    std::fs::write(&trace, gos_own()).expect("a file");
    assert_eq!(suggested(&trace).expect("a list"), ["-F --root main.runtime_worker own.trace"]);
    let list = shell("gotrace-slice -q own.trace", folder.path()).stdout;
    let list = String::from_utf8(list).expect("UTF-8");
    let at = |what: &str| list.find(what).unwrap_or_else(|| panic!("no {what} in {list}"));
    let last =
        ["main.runtime_worker", "main.export", "runtime.bgsweep", "the last 2 are of the recording or the runtime"];
    assert!(last.map(at).is_sorted(), "{list}");
}

/// A handler whose requests all hang is shown as far as it was seen.
#[test]
fn what_hangs_is_suggested_with_what_the_edges_cut() {
    let Some(folder) = cases() else { return };
    let first = |case: &str| suggested(&folder.join(case)).expect("a list").first().cloned().unwrap_or_default();
    assert!(first("stuck/1.27.3.trace").starts_with("-F --include-partial --root main.Stuck "));
    assert!(first("flight/sync-1.27.3.trace").starts_with("-F --include-partial --root main.Guess "));
}

/// The report about a pattern as JSON; none where nothing matches.
fn report(options: &str, folder: &Path) -> Option<Value> {
    let output = shell(&format!("gotrace-slice -q -f json {options}"), folder);
    output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// How many roots of a kind a report has set apart.
fn set_apart(report: &Value, kind: &str) -> u64 {
    let others = report["selection"]["others"].as_array().expect("a list").iter();
    let of_kind = others.filter(|other| (other["by"] == "stack") == (kind == "stretches"));
    of_kind.map(|other| other["requests"].as_u64().expect("a count")).sum()
}

/// Runs the commands for what a report sets apart; gives how many those were.
fn check_apart(options: &str, trace: &Path) -> usize {
    let (folder, name) = (trace.parent().expect("a folder"), trace.file_name().expect("a name").to_string_lossy());
    let asked = format!("{options} '{name}'");
    let text = String::from_utf8(shell(&format!("gotrace-slice -q {asked}"), folder).stdout).expect("UTF-8");
    let shown = text.lines().filter_map(|line| line.strip_prefix("  these ")?.split_once(" alone: gotrace-slice "));
    let shown: Vec<(&str, &str)> = shown.collect();
    for (kind, command) in &shown {
        let what = format!("{}: {options}: {command}", trace.display());
        let apart = set_apart(&report(&asked, folder).expect("a report"), kind);
        let alone = report(command, folder).unwrap_or_else(|| panic!("{what} fails"));
        assert_eq!(alone["selection"]["roots"].as_u64(), Some(apart), "{what}");
        assert!(set_apart(&alone, kind) == 0 && apart > 0, "{what}");
    }
    shown.len()
}

#[test]
fn what_is_set_apart_has_commands_that_give_exactly_that() {
    let traces = files(&root().join("testdata/traces"), "trace");
    let mut shown = 0;
    for trace in traces.iter().filter(|trace| !trace.ends_with("waits-long.trace")) {
        shown += check_apart("--root 'main[.]'", trace) + check_apart("-i -F --root FUNC1 --root price", trace);
        if trace.ends_with("matching.trace") {
            assert_eq!(check_apart("--exclude 'net/http' --root Price", trace), 1, "{}", trace.display());
        }
    }
    assert!(shown > 20, "{shown}");
    if let Some(folder) = cases() {
        assert_eq!(check_apart("-r reverseproxy", &folder.join("caddy-timers-as-requests/caddy.trace")), 1);
    }
}
