//! Files for viewers have the report's numbers: what is pooled adds up to its total, and a path is the slowest request's.

use crate::common::root;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What the command writes to standard output.
fn written(format: &str, args: &[&str], trace: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"))
        .args(["-q", "-f", format])
        .args(args)
        .arg(trace)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn json_of(format: &str, args: &[&str], trace: &Path) -> Value {
    serde_json::from_slice(&written(format, args, trace)).expect("JSON")
}

const CASES: &[(&str, &[&str])] = &[
    ("go1.26/problems.trace", &["-F", "-r", "(*server).Order"]),
    ("go1.26/server.trace", &["-r", "Handler"]),
    ("go1.23/trees.trace", &["-r", "TreeHandler"]),
    ("go1.21/server.trace", &["-r", "Handler"]),
    ("go1.26/cutoff.trace", &["-r", "main.(Held|Early|Late)Handler"]),
];

/// The frames of a stack, outermost first.
fn names<'a>(file: &'a Value, stack: &Value) -> Vec<&'a str> {
    let frame = |i: &Value| file["shared"]["frames"][i.as_u64().unwrap() as usize]["name"].as_str().unwrap();
    stack.as_array().unwrap().iter().map(frame).collect()
}

fn weights(profile: &Value) -> Vec<u64> {
    profile["weights"].as_array().unwrap().iter().map(|w| w.as_u64().unwrap()).collect()
}

#[test]
fn speedscope_has_all_requests_and_the_paths_of_the_slowest() {
    for (trace, args) in CASES {
        let trace = root().join("testdata/traces").join(trace);
        let (file, report) = (json_of("speedscope", args, &trace), json_of("json", args, &trace));
        let profiles = file["profiles"].as_array().unwrap();
        assert_eq!(weights(&profiles[0]).iter().sum::<u64>(), report["total"]["latency_ns"], "{trace:?}");

        let mut took: Vec<u64> =
            report["requests"].as_array().unwrap().iter().map(|r| r["dur_ns"].as_u64().unwrap()).collect();
        took.sort_unstable_by(|a, b| b.cmp(a));
        let paths: Vec<u64> = profiles[1..].iter().map(|profile| weights(profile).iter().sum()).collect();
        assert_eq!(paths, took[..took.len().min(5)], "{trace:?}");

        // In the order of time, with the states that the report has.
        let path = report["slowest"]["path"].as_array().unwrap();
        let samples = profiles[1]["samples"].as_array().unwrap();
        for ((piece, sample), ns) in path.iter().zip(samples).zip(weights(&profiles[1])) {
            let state = format!("[{}]", piece["state"].as_str().unwrap());
            assert_eq!(names(&file, sample).last(), Some(&state.as_str()), "{trace:?}");
            assert_eq!(piece["dur_ns"], ns, "{trace:?}");
        }
        assert!(path.len() > 3 && samples.len() >= path.len(), "{trace:?}");
    }
}

/// The rows of a table, by name of column.
fn table(format: &str, args: &[&str], trace: &Path) -> Vec<BTreeMap<String, String>> {
    let bytes = written(format, args, trace);
    csv::Reader::from_reader(&bytes[..]).deserialize().map(|row| row.expect("a row")).collect()
}

#[test]
fn csv_has_the_numbers_of_json() {
    for (trace, args) in CASES {
        let trace = root().join("testdata/traces").join(trace);
        let report = json_of("json", args, &trace);
        let rows_of = |name: &str| report[name].as_array().unwrap();
        let (states, stacks) = (table("csv", args, &trace), table("csv-stacks", args, &trace));
        for (name, rows) in [("states", &states), ("stacks", &stacks)] {
            assert_eq!(rows.len(), rows_of(name).len(), "{trace:?} {name}");
            for (row, expected) in rows.iter().zip(rows_of(name)) {
                assert_eq!(expected["state"], row["state"]);
                for sum in ["latency_ns", "goroutine_ns", "events"] {
                    assert_eq!(expected[sum].to_string(), row[sum], "{trace:?} {row:?}");
                }
            }
        }
        let requests = table("csv-requests", args, &trace);
        let (requests, others) = requests.split_at(rows_of("requests").len());
        for (row, expected) in requests.iter().zip(rows_of("requests")) {
            for column in ["goid", "start_ns", "dur_ns"] {
                assert_eq!(expected[column].to_string(), row[column], "{trace:?} {row:?}");
            }
            for (column, ns) in row.iter().filter(|(column, _)| column.starts_with('[')) {
                let state = expected["states"].get(column.trim_matches(['[', ']'])).and_then(Value::as_u64);
                assert_eq!(state.unwrap_or(0).to_string(), *ns, "{trace:?} {column}");
            }
        }
        let (cut, undecided): (Vec<_>, Vec<_>) = others.iter().partition(|row| row["partial"] == "true");
        assert_eq!(cut.len(), rows_of("requests_cut").len(), "{trace:?}");
        for (row, expected) in cut.iter().zip(rows_of("requests_cut")) {
            assert_eq!((row["dur_ns"].as_str(), row["at_least_ns"].clone()), ("", expected["at_least_ns"].to_string()));
        }
        let total: u64 = undecided.iter().map(|row| row["dur_ns"].parse::<u64>().unwrap()).sum();
        let said = &report["selection"]["undecided"];
        assert_eq!((said["count"].as_u64(), said["total_ns"].as_u64()), (Some(undecided.len() as u64), Some(total)));
        assert!(undecided.iter().all(|row| row["undecided"] == "true" && row["root"].is_empty()), "{trace:?}");
    }
}

#[test]
fn a_table_of_requests_has_one_side() {
    let trace = root().join("testdata/traces/go1.26/server.trace");
    for (args, reason) in [
        (&["--vs-root", "WriteNoHash"][..], "do not go with it"),
        (&["--metric", "goroutine"], "csv-requests needs --metric latency"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let output =
            command.args(["-f", "csv-requests", "-r", "HashAndWrite"]).args(args).arg(&trace).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(reason), "{said}");
    }
}

/// Requests are what they are, whichever stacks are shown.
#[test]
fn a_filter_leaves_all_but_stacks_as_it_is() {
    let trace = root().join("testdata/traces/go1.26/server.trace");
    let all = ["-r", "HashAndWrite"];
    let some = ["-r", "HashAndWrite", "--focus", r"os\.", "--hide", "^net/http"];
    let (whole, mut part) = (json_of("json", &all, &trace), json_of("json", &some, &trace));
    assert_eq!(part["filter"]["whole"], whole["total"]);
    assert_eq!(part["filter"]["focus"], r"os\.");
    assert!(part["total"]["latency_ns"].as_u64() < whole["total"]["latency_ns"].as_u64());
    part.as_object_mut().unwrap().remove("filter");
    for name in ["total", "states", "stacks"] {
        assert_ne!(part[name], whole[name], "{name}");
        part[name] = whole[name].clone();
    }
    assert_eq!(part, whole);

    let text = |args: &[&str]| String::from_utf8(written("text", args, &trace)).unwrap();
    let sections = |text: &str| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    let (whole, part) = (sections(&text(&all)), sections(&text(&some)));
    let differ: Vec<&str> = whole.iter().zip(&part).filter(|(a, b)| a != b).map(|(_, b)| b.as_str()).collect();
    assert_eq!(whole.len(), part.len());
    let is_told = |section: &str| section.contains(r"--focus 'os\.' --hide '^net/http'");
    assert!(matches!(differ[..], [stacks, read] if stacks.starts_with("TOP STACKS") && is_told(read)), "{differ:?}");
}

/// A comparison says which part of the change the stacks have that are left; all else of it is as without a filter.
#[test]
fn a_filter_of_a_comparison_chooses_its_stacks_alone() {
    let trace = root().join("testdata/traces/go1.26/server.trace");
    let all = ["-r", "HashAndWrite", "--vs-root", "WriteNoHash"];
    let some = [&all[..], &["--focus", r"os\."]].concat();
    let json = json_of("json", &some, &trace);
    let stacks = json["diff"]["stacks"].as_array().unwrap();
    let delta = |row: &serde_json::Value| row["delta_ns"].as_i64().unwrap();
    assert_eq!(stacks.iter().map(delta).sum::<i64>(), delta(&json["diff"]["filter"]["shown"]));
    let is_focused = |row: &serde_json::Value| row["frames"].to_string().contains("\"os.");
    assert!(!stacks.is_empty() && stacks.iter().all(is_focused));
    let text = |args: &[&str]| String::from_utf8(written("text", args, &trace)).unwrap();
    let sections = |text: &str| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    let (whole, part) = (sections(&text(&all)), sections(&text(&some)));
    let differ: Vec<&str> = whole.iter().zip(&part).filter(|(a, b)| a != b).map(|(_, b)| b.as_str()).collect();
    assert!(
        matches!(differ[..], [head, stacks] if head.contains("stacks of --focus 'os\\.': ") && stacks.starts_with("STACKS")),
        "{differ:?}"
    );
    let markdown = String::from_utf8(written("md", &some, &trace)).unwrap();
    assert!(markdown.contains("**Stacks that changed**, `--focus 'os\\.'`: "), "{markdown}");
}

#[test]
fn a_filter_is_refused_where_all_stacks_are_shown() {
    let trace = root().join("testdata/traces/go1.26/server.trace");
    for (args, code, said) in [
        (&["-r", "Handler", "--hide", "x", "-f", "parquet"][..], 2, "--hide does not go with parquet: the states of"),
        (&["--ignore", "x"], 2, "--ignore needs --root"),
        (&["-r", "HashAndWrite", "--vs-root", "WriteNoHash", "--focus", "hashData"], 0, ""),
        (&["-r", "HashAndWrite", "--vs-root", "WriteNoHash", "--focus", "nowhere"], 0, "--focus matches no frame"),
        (&["-r", "Handler", "--show-from", "("], 2, "unclosed group"),
        (&["-r", "Handler", "--show-from", "nowhere"], 0, "--show-from matches no frame"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_gotrace-slice")).args(args).arg(&trace).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && stderr.contains(said), "{args:?}: {stderr}");
    }
}
