//! A server with four slow endpoints, each for one reason (`testdata/gen/problems`): the first three lines of each one's
//! report name its own line and what it waits for.

use crate::common::{recordings, root};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// An endpoint, and the words that its cause has.
const ENDPOINTS: &[(&str, &str)] = &[
    ("Price", "for a lock that main.(*PriceCache).refresher holds while it sleeps"),
    ("Order", "for a free connection of the database's pool"),
    ("Page", "in http.Get, for the network"),
    ("Save", "in system calls"),
];

/// The report's first three lines at 80 columns, as one.
fn first_lines(path: &Path, endpoint: &str) -> String {
    let pattern = format!(r"^main\.\(\*server\)\.{endpoint}$");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = command.current_dir(root()).args(["-q", "--width", "80", "--root", &pattern]).arg(path).output();
    let text = String::from_utf8(output.expect("it runs").stdout).expect("text");
    text.lines().take(3).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_first_three_lines_name_the_cause_and_its_own_line() {
    for path in recordings("problems") {
        let said = std::fs::read(path.with_extension("json")).expect("what the program said");
        let truth: Value = serde_json::from_slice(&said).expect("JSON");
        for (endpoint, words) in ENDPOINTS {
            if *endpoint == "Save" && path.to_string_lossy().contains("go1.21") {
                // A system call that did not block has no end in the trace, which is said.
                let text = first_lines(&path, endpoint);
                let words = "computes, or is in system calls (traces of Go 1.21 do not tell), in main.(*server).Save";
                assert!(text.contains(words), "{text}");
                continue;
            }
            let cause = &truth["causes"][format!("main.{endpoint}")];
            let (function, line) = (cause["function"].as_str().expect("a function"), &cause["line"]);
            let text = first_lines(&path, endpoint);
            let what = format!("{}: {endpoint}: {text}", path.display());
            assert!(text.contains(function) && text.contains(&format!(" (main.go:{line}")), "{what}");
            assert!(text.contains(words), "{what}");
        }
    }
}

/// The report of the slowest request alone, by its goroutine, calls other requests that.
#[test]
fn requests_on_other_goroutines_than_asked_for_stay_requests() {
    for path in recordings("problems") {
        let wakers = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
            let command = command.args(["-q", "-f", "json", "-F", "-r", "main.(*server).Order"]).args(args);
            let output = command.arg(&path).output().expect("it runs");
            let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let of = |row: &Value| row["waker"].as_str().expect("a waker").to_owned();
            let wakers: Vec<String> = report["wakeups"].as_array().expect("rows").iter().map(of).collect();
            (wakers, report)
        };
        let (of_all, report) = wakers(&[]);
        let slowest = report["slowest"]["request"].as_u64().expect("a position") as usize;
        let goid = report["requests"][slowest]["goid"].to_string();
        let (of_one, report) = wakers(&["--goid", &goid, "--slowest", "1"]);
        let is_there = |wakers: &[String], kind: &str| wakers.iter().any(|waker| waker == kind);
        let what = path.display();
        assert!(is_there(&of_all, "sibling") && is_there(&of_one, "sibling"), "{what}: {of_one:?}");
        assert!(!is_there(&of_all, "outside") && !is_there(&of_one, "outside"), "{what}: {of_one:?}");
        assert_eq!(report["requests"].as_array().expect("rows").len(), 1, "{what}");
        let lanes = report["slowest"]["lanes"].as_array().expect("lanes");
        assert!(lanes.iter().any(|lane| lane["kind"] == "sibling"), "{what}: {lanes:?}");
    }
}

/// How often each endpoint of one recording was called makes none of them slower.
#[test]
fn endpoints_of_one_recording_are_not_compared_by_how_often_they_were_called() {
    for path in recordings("problems") {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let roots = ["-q", "-f", "json", "-F", "-r", "(*server).Order", "--vs-root", "(*server).Page"];
        let output = command.args(roots).arg(&path).output().expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_ne!(report["verdict"], "slow-rate", "{}", path.display());
    }
}

/// The path of the slowest request: what another goroutine did stands below the own call that waited meanwhile.
#[test]
fn pieces_of_other_goroutines_are_below_the_call_that_waited() {
    for path in recordings("problems") {
        let run = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
            let command = command.args(["-q", "--width", "80", "-F", "-r", "main.(*server).Price"]).args(args);
            command.arg(&path).output().expect("it runs").stdout
        };
        let report: Value = serde_json::from_slice(&run(&["-f", "json"])).expect("JSON");
        let pieces = report["slowest"]["path"].as_array().expect("a path");
        let own = &report["slowest"]["lanes"][0]["goid"];
        let (of_own, of_others): (Vec<&Value>, Vec<&Value>) = pieces.iter().partition(|piece| piece["goid"] == *own);
        assert!(!of_own.is_empty() && !of_others.is_empty(), "{}", path.display());
        for piece in of_others {
            let waiting = piece["waiting"].as_array().expect("frames");
            assert!(waiting.iter().any(|frame| frame["function"] == "main.(*PriceCache).Get"), "{piece}");
        }
        assert!(of_own.iter().all(|piece| piece["waiting"].is_null()), "{}", path.display());

        let text = String::from_utf8(run(&[])).expect("text");
        let (_, rows) =
            text.split_once("critical path\n").and_then(|(_, rest)| rest.split_once("critical path\n")).expect("rows");
        let sleeps: Vec<&str> = rows.lines().skip_while(|line| !line.contains(" sleep ")).take(2).collect();
        assert!(sleeps[0].contains("main.(*PriceCache).Get") && sleeps[1].contains("waits for "), "{text}");
    }
}
