//! The commands that the list without `--root` suggests: each selects something, none comes twice, none selects what serves
//! all requests. On all recordings of the repository, and on the corpus and the cases where they are present.

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

/// A handler whose requests all hang is shown as far as it was seen.
#[test]
fn what_hangs_is_suggested_with_what_the_edges_cut() {
    let Some(folder) = cases() else { return };
    let first = |case: &str| suggested(&folder.join(case)).expect("a list").first().cloned().unwrap_or_default();
    assert!(first("stuck/1.27.3.trace").starts_with("-F --include-partial --root main.Stuck "));
    assert!(first("flight/sync-1.27.3.trace").starts_with("-F --include-partial --root main.Guess "));
}
