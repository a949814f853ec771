//! What findings and tables say, and what they must not: order, next steps, and words that a trace does not bear out.

use crate::common::{cases, recordings, root};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(args: &[&str], trace: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = command.arg("-q").args(args).arg(trace).env("LANG", "C.UTF-8").env_remove("COLUMNS").output();
    String::from_utf8(output.expect("a run").stdout).expect("UTF-8")
}

fn findings(root: &str, trace: &Path) -> Vec<Value> {
    let report: Value = serde_json::from_str(&run(&["-f", "json", "-r", root], trace)).expect("JSON");
    report["findings"].as_array().expect("a list").clone()
}

fn ids(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["id"].as_str().expect("an id")).collect()
}

fn case(name: &str, trace: &str) -> Option<PathBuf> {
    let path = cases()?.join(name).join(trace);
    path.exists().then_some(path)
}

/// Markdown has the rows of the text report, most time first: also those of other goroutines.
#[test]
fn rows_of_markdown_are_in_the_order_of_their_time() {
    for path in recordings("problems") {
        let report = run(&["-f", "md", "-r", "server..Order"], &path);
        let rows = report.split("**Top stacks**").nth(1).expect("a table").lines().filter(|line| line.contains("% |"));
        let share = |row: &str| row.split(['|', '%']).nth(1).and_then(|n| n.trim().parse::<f64>().ok());
        let shares: Vec<f64> = rows.filter_map(share).collect();
        assert!(shares.len() > 3 && shares.is_sorted_by(|a, b| a >= b), "{}: {shares:?}", path.display());
        assert!(shares[0] > 30.0, "{}: {shares:?}", path.display());
    }
}

/// What explains most time comes first, and each finding says what to do next.
#[test]
fn findings_are_in_the_order_of_the_time_that_they_explain() {
    for path in recordings("problems") {
        let found = findings("server..Order", &path);
        let first = ids(&found).first().copied();
        assert!(first == Some("pool"), "{}: {:?}", path.display(), ids(&found));
        for finding in &found {
            assert!(finding["next"].as_str().is_some_and(|next| next.len() > 10), "{finding}");
        }
        assert!(run(&["-r", "server..Order"], &path).contains("Next: "), "{}", path.display());
    }
}

/// Before Go 1.22 system calls that do not block have no length: they may be what "running" is.
#[test]
fn old_traces_do_not_tell_computing_from_system_calls() {
    let mut told = 0;
    for path in recordings("causes") {
        let said = run(&["-r", "^main.Block$"], &path).split_whitespace().collect::<Vec<_>>().join(" ");
        let is_old = path.parent().is_some_and(|folder| folder.ends_with("go1.21"));
        let computing = said.contains("Requests compute");
        assert_eq!(computing, is_old, "{}: {said}", path.display());
        assert_eq!(said.contains(", or are in system calls (traces of Go 1.21 do not tell)"), is_old, "{said}");
        told += u64::from(is_old);
    }
    assert_eq!(told, 1);
}

/// A worker that does one request's job at a time, with no other request under way, is no pool that is full.
#[test]
fn a_worker_for_one_request_alone_is_no_pool() {
    let full = root().join("testdata/traces/go1.26/causes.trace");
    assert!(ids(&findings("^main.Pool$", &full)).contains(&"pool"));
    let Some(alone) = case("same-goroutine-sibling", "t.trace") else { return };
    assert!(!ids(&findings("LazyHandler", &alone)).contains(&"pool"));
}

/// Who closes a connection, or sets its deadline, is told as that.
#[test]
fn a_network_wait_that_a_goroutine_ended_says_so() {
    if let Some(watched) = case("deadline-wake", "watch.trace") {
        let said = run(&["--summary", "-r", "main.main.func2"], &watched);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("for the network, until main.watch ended that"), "{said}");
    }
}

/// Rows that read the same are added up, each with the line of the program's own code.
#[test]
fn no_two_rows_of_who_ended_the_wait_read_the_same() {
    let mut traces: Vec<(PathBuf, &str)> =
        recordings("problems").into_iter().map(|path| (path, "server..Order")).collect();
    let alike = cases().map(|cases| cases.join("db-rows-alike"));
    let files = alike.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    traces.extend(
        files.map(|f| f.path()).filter(|p| p.extension().is_some_and(|e| e == "trace")).map(|p| (p, "CreateUser")),
    );
    for (path, function) in traces {
        for width in ["80", "120"] {
            let said = run(&["--width", width, "-r", function], &path);
            let table = said.split("WHO ENDED THE WAIT").nth(1).and_then(|rest| rest.split("TOP STACKS").next());
            let table = table.unwrap_or_else(|| panic!("{}: {said}", path.display()));
            // Each row ends with who ended the wait. Its numbers are not what tells it apart.
            let mut rows: Vec<String> = vec![String::new()];
            for line in table.lines().skip(2).filter(|line| line.starts_with("  ") && !line.contains("more row")) {
                let words = line.split_whitespace().skip_while(|word| {
                    word.starts_with(|c: char| c.is_ascii_digit()) || ["ns", "µs", "ms", "s"].contains(word)
                });
                let row = rows.last_mut().expect("one");
                row.extend(words.flat_map(|word| [word, " "]));
                if line.contains('←') {
                    rows.push(String::new());
                }
            }
            rows.pop();
            assert!(!rows.is_empty() && rows.iter().all(|row| row.contains(".go:")), "{}: {rows:?}", path.display());
            let unique: HashSet<&String> = rows.iter().collect();
            assert_eq!(unique.len(), rows.len(), "{} at {width}: {rows:#?}", path.display());
        }
    }
}

/// A verdict says what requests waited in, where other goroutines did what took longer; and nothing of that where they did it
/// themselves.
#[test]
fn a_verdict_says_what_requests_waited_in() {
    let one_line = |said: String| said.split_whitespace().collect::<Vec<_>>().join(" ");
    for path in recordings("causes") {
        let said = one_line(run(&["--summary", "-r", "^main.Contend$", "--vs-root", "^main.Apart$"], &path));
        let expected = "[sleep] of other goroutines while requests waited in [sync]";
        assert!(said.starts_with("Slower: ") && said.contains(expected), "{}: {said}", path.display());
    }
    for (base, new) in recordings("compared-called").into_iter().zip(recordings("compared-longer")) {
        let base = base.to_str().expect("UTF-8").to_owned();
        let said = one_line(run(&["--summary", "-r", "^main.Take$", "--vs", &base], &new));
        assert!(said.starts_with("Slower: ") && !said.contains("of other goroutines"), "{}: {said}", new.display());
    }
}
