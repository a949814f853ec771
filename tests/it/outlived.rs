//! Goroutines that outlive their requests, and calls of which nobody knows how many there were (`testdata/gen/compared`).

use crate::common::{recordings, root_by, selector, slice};
use gotrace_slice::pipeline::Answer;
use gotrace_slice::profile::Profile;
use gotrace_slice::slice::{Selector, TimeRange};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn profile(trace: &Vec<u8>, function: &str, time: Option<TimeRange>) -> Option<Profile> {
    let selector = Selector { time, ..selector(&format!("^{function}$"), root_by("stack")) };
    match slice(trace, &selector, 1).expect("a sound trace") {
        Answer::Profile(profile) => Some(*profile),
        Answer::NoMatch(_) => None,
    }
}

/// Each request of `After` starts a goroutine that lives for 3 ms more. With `--time`, those count whose request ended in that
/// part.
#[test]
fn goroutines_that_outlive_their_requests_are_those_of_the_part() {
    for path in recordings("compared-called") {
        let trace = std::fs::read(&path).expect("a trace");
        let said = std::fs::read(path.with_extension("json")).expect("the truth");
        let n = serde_json::from_slice::<Value>(&said).expect("JSON")["after"].as_u64().expect("a count");
        let what = path.display();
        let whole = profile(&trace, "main.After", None).expect("requests");
        assert_eq!(whole.selection.outlived, n, "{what}");
        let list = whole.requests.expect("requests").list;
        let mut ends: Vec<i64> = list.iter().map(|r| (r.start_ns + r.dur_ns) as i64).collect();
        ends.sort_unstable();
        assert_eq!(ends.len() as u64, n, "{what}");
        for (before, end) in ends.iter().enumerate() {
            let outlived = |to: i64| {
                let part = profile(&trace, "main.After", Some(TimeRange { start: None, end: Some(to) }));
                part.map_or(0, |profile| profile.selection.outlived)
            };
            // Just before a request ends its goroutine has not outlived it; shortly after it has.
            assert_eq!(outlived(end - 100_000), before as u64, "{what}: {end}");
            assert_eq!(outlived(end + 500_000), before as u64 + 1, "{what}: {end}");
        }
    }
}

fn head(path: &Path, function: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.args(["-q", "-r", &format!("^{function}$")]).arg(path).env("LANG", "C.UTF-8").env_remove("COLUMNS");
    String::from_utf8(command.output().expect("a run").stdout).expect("UTF-8")
}

/// On no server nobody knows how many calls left no stack; on one, each request is known.
#[test]
fn the_head_says_where_calls_without_a_stack_are_not_seen() {
    for path in recordings("compared-called") {
        let (called, served) = (head(&path, "main.Take"), head(&path, "main.After"));
        let unknown = "how many calls left no stack: these are not seen";
        assert!(called.contains(unknown), "{}: {called}", path.display());
        assert!(served.contains("requests") && !served.contains(unknown), "{}: {served}", path.display());
    }
}
