//! Comparisons through the binary: the laws that hold for every pair of sides, what the servers of our own traces
//! measured themselves, and the exit codes of `--fail-if`.

use crate::common::{files, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const HASH: &str = "HashAndWriteHandler";
const WRITE: &str = "WriteNoHashHandler";
const SERVER: &str = "testdata/traces/go1.26/server.trace";

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"))
        .current_dir(root())
        .env("LANG", "C.UTF-8")
        .env_remove("COLUMNS")
        .args(args)
        .output()
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// The JSON of a comparison; none when a side has no request.
fn compare(args: &[&str]) -> Option<Value> {
    let ran = run(&[args, &["-q", "-f", "json"]].concat());
    match ran.code {
        Some(0) => Some(serde_json::from_str(&ran.stdout).expect("JSON")),
        Some(1) => None,
        _ => panic!("{args:?}: {}", ran.stderr),
    }
}

fn servers() -> Vec<PathBuf> {
    let mut traces = files(&root().join("testdata/traces"), "trace");
    traces.retain(|p| p.file_name().is_some_and(|n| n == "server.trace"));
    assert!(traces.len() >= 6, "{traces:?}");
    traces
}

fn rows<'a>(json: &'a Value, list: &str) -> &'a Vec<Value> {
    json["diff"][list].as_array().expect("a list")
}

fn int(value: &Value) -> i64 {
    value.as_i64().expect("an integer")
}

/// The other side's view: what a comparison must be when its sides are swapped.
fn mirrored(mut json: Value) -> Value {
    fn swap(value: &mut Value, a: &str, b: &str) {
        let map = value.as_object_mut().expect("an object");
        let (x, y) = (map.remove(a), map.remove(b));
        map.extend(y.map(|y| (a.to_owned(), y)));
        map.extend(x.map(|x| (b.to_owned(), x)));
    }
    fn negate(value: &mut Value, field: &str) {
        value[field] = Value::from(-int(&value[field]));
    }
    swap(&mut json, "base", "new");
    let diff = &mut json["diff"];
    negate(diff, "mean_delta_ns");
    let mut figures = vec![diff["mean"].take()];
    figures.extend(["p50", "p90", "p95", "p99"].map(|q| diff["quantiles"][q].take()));
    for figure in &mut figures {
        swap(figure, "low_ns", "high_ns");
        negate(figure, "low_ns");
        negate(figure, "high_ns");
    }
    let mut figures = figures.into_iter();
    diff["mean"] = figures.next().expect("the mean");
    for quantile in ["p50", "p90", "p95", "p99"] {
        diff["quantiles"][quantile] = figures.next().expect("a quantile");
    }
    let each = |value: &mut Value| {
        swap(value, "base_ns", "new_ns");
        negate(value, "delta_ns");
    };
    each(diff);
    each(&mut diff["mean"]);
    for quantile in ["p50", "p90", "p95", "p99"] {
        each(&mut diff["quantiles"][quantile]);
    }
    for list in ["states", "stacks"] {
        diff[list].as_array_mut().expect("a list").iter_mut().for_each(each);
    }
    for stack in diff["stacks"].as_array_mut().expect("a list") {
        let mark = match stack["mark"].as_str() {
            Some("new") => "gone",
            Some("gone") => "new",
            _ => "both",
        };
        stack["mark"] = Value::from(mark);
    }
    json
}

/// Sums of the parts are the change of the whole, and those of each side its own.
fn check_sums(json: &Value, what: &str) {
    for list in ["states", "stacks"] {
        for field in ["base_ns", "new_ns", "delta_ns"] {
            let sum: i64 = rows(json, list).iter().map(|r| int(&r[field])).sum();
            assert_eq!(sum, int(&json["diff"][field]), "{what}: {field} of {list}");
        }
    }
    if json["diff"]["per"] == "request" {
        let mean = &json["diff"]["mean"];
        for field in ["base_ns", "new_ns", "delta_ns"] {
            assert_eq!(mean[field], json["diff"][field], "{what}: {field} of the mean");
        }
    }
}

/// Without the rate of slow requests: what is slow, the base alone says. And without words, which differ.
fn without_rate(mut json: Value) -> Value {
    json["diff"]["slow_rate"].take();
    json["answer"].take();
    json
}

#[test]
fn parts_add_up_and_swapping_the_sides_mirrors_all() {
    let handlers = [HASH, WRITE, "FanOutHandler", "QuickHandler"];
    let mut compared = 0;
    for trace in servers() {
        let path = trace.to_str().expect("text");
        for (i, new) in handlers.iter().enumerate() {
            for base in &handlers[i + 1..] {
                for more in [&[][..], &["--total", "--by", "line"]] {
                    let ask = |new, base| compare(&[&["--root", new, "--vs-root", base, path], more].concat());
                    let (Some(there), Some(back)) = (ask(new, base), ask(base, new)) else { continue };
                    let what = format!("{path}: {new} and {base} {more:?}");
                    check_sums(&there, &what);
                    // Roots of both sides are in one trace, so its warnings are the same.
                    assert_eq!(without_rate(mirrored(there)), without_rate(back), "{what}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared >= 36, "only {compared} pairs");
}

#[test]
fn two_recordings_compare_like_two_endpoints() {
    let traces = servers();
    for pair in traces.windows(2) {
        let [a, b] = [&pair[0], &pair[1]].map(|p| p.to_str().expect("text"));
        let there = compare(&["--root", HASH, "--vs", a, b]).expect("a comparison");
        let back = compare(&["--root", HASH, "--vs", b, a]).expect("a comparison");
        check_sums(&there, b);
        let without_warnings = |mut json: Value| {
            json["warnings"].take();
            without_rate(json)
        };
        assert_eq!(without_warnings(mirrored(there)), without_warnings(back), "{a} {b}");
    }
}

#[test]
fn a_trace_does_not_differ_from_itself() {
    for trace in servers() {
        let path = trace.to_str().expect("text");
        let json = compare(&["--root", HASH, "--vs", path, path]).expect("a comparison");
        for figure in
            std::iter::once(&json["diff"]["mean"]).chain(json["diff"]["quantiles"].as_object().unwrap().values())
        {
            assert_eq!((int(&figure["delta_ns"]), &figure["significant"]), (0, &Value::from(false)), "{path}");
            assert!(int(&figure["low_ns"]) == 0 && int(&figure["high_ns"]) == 0, "{path}: {figure}");
        }
        for row in rows(&json, "states").iter().chain(rows(&json, "stacks")) {
            assert!(int(&row["delta_ns"]) == 0 && row["base_ns"] == row["new_ns"], "{path}: {row}");
        }
        assert!(rows(&json, "stacks").iter().all(|s| s["mark"] == "both"), "{path}");
        assert_eq!((&json["diff"]["p"], &json["diff"]["verdict"]), (&Value::from(1.0), &"not-significant".into()));
        let text = run(&["--root", HASH, "--vs", path, path]).stdout;
        assert!(text.contains("WHAT EXPLAINS THE 0 ns") && !text.contains("STACKS THAT CHANGED"), "{text}");
        for line in run(&["--root", HASH, "--vs", path, "-f", "folded", path]).stdout.lines() {
            let columns: Vec<&str> = line.rsplitn(3, ' ').collect();
            assert_eq!(columns[0], columns[1], "{line}");
        }
    }
}

/// The talk's question: why is one endpoint slower than the other? The server says how long it hashed.
#[test]
fn hashing_is_what_makes_the_difference() {
    for trace in servers() {
        let path = trace.to_str().expect("text");
        let json = compare(&["--root", HASH, "--vs-root", WRITE, path]).expect("a comparison");
        let measured: Value =
            serde_json::from_str(&std::fs::read_to_string(trace.with_extension("json")).expect("a file"))
                .expect("JSON");
        let endpoint = &measured["endpoints"]["/hash-and-write"];
        let hashing = int(&endpoint["hash"]["ns"]) / int(&endpoint["count"]);
        // The endpoint that writes hashes nothing: what its requests run is far below.
        let delta = |name: &str| {
            let of = rows(&json, "states").iter().filter(|s| s["state"] == name);
            of.map(|s| int(&s["delta_ns"])).sum::<i64>()
        };
        let found = delta("running");
        assert!((found - hashing).abs() * 20 < hashing, "{path}: hashing took {hashing} ns, the difference is {found}");
        // A trace has no stack of what only computes; where hashing was stopped, it has.
        let hashes =
            |s: &&Value| s["frames"].as_array().expect("frames").iter().any(|f| f["function"] == "main.hashData");
        let mut stacks = rows(&json, "stacks").iter().filter(hashes);
        assert!(stacks.next().is_some() && stacks.all(|s| s["mark"] == "new"), "{path}");
        let first = &rows(&json, "states")[0];
        assert_eq!(first["state"], "running", "{path}");
        let stack = &rows(&json, "stacks")[0];
        assert_eq!(stack["state"], "running", "{path}: {stack}");
    }
}

#[test]
fn sides_are_pooled() {
    let other = "testdata/traces/go1.25/server.trace";
    let json = compare(&["--root", HASH, "--vs", SERVER, "--vs", other, SERVER, other]).expect("a comparison");
    for side in ["base", "new"] {
        assert_eq!(json[side]["traces"].as_array().expect("traces").len(), 2);
        assert_eq!(json[side]["requests"], 16);
    }
    assert_eq!(json["diff"]["mean_delta_ns"], 0);
    let both = compare(&["--root", HASH, "--vs-root", WRITE, "--vs", other, SERVER]).expect("a comparison");
    assert_eq!(both["base"]["selection"]["patterns"][0], WRITE);
    assert_eq!(both["base"]["traces"][0]["name"], other);
}

#[test]
fn rules_decide_the_exit_code() {
    let hash = |rule: &str| run(&["--root", HASH, "--vs-root", WRITE, "-q", "-o", "-", "--fail-if", rule, SERVER]);
    for (rule, code) in [
        ("mean>+10%", 3),
        ("mean>+2ms", 3),
        // Broken without the undecided requests, and kept if all of them are of the new side's roots: a warning.
        ("mean>+4ms", 0),
        ("mean>+1s", 0),
        ("mean>+1000%", 0),
        ("p99>1ms", 3),
        ("p99>10s", 0),
        ("max>1ms", 3),
        ("mean>10%", 2),
        ("fast", 2),
    ] {
        assert_eq!(hash(rule).code, Some(code), "{rule}: {}", hash(rule).stderr);
    }
    let fired = hash("mean>+10%").stderr;
    assert!(fired.contains("--fail-if mean>+10%: mean went from 5.34 ms to 15.1 ms"), "{fired}");
    // What chance may explain does not count, and that is said.
    let other = "testdata/traces/go1.25/server.trace";
    let unsure = run(&["--root", WRITE, "--vs", SERVER, "--fail-if", "mean>+0", other]);
    assert_eq!(unsure.code, Some(0), "{}", unsure.stderr);
    let said = "--fail-if mean>+0 does not count, chance may explain it: mean went from 5.34 ms to 5.76 ms";
    assert!(unsure.stderr.contains(said), "{}", unsure.stderr);
    // Without a base.
    let alone = |rule: &str| run(&["--root", HASH, "--fail-if", rule, SERVER]);
    assert_eq!(alone("p95>1ms").code, Some(3));
    assert_eq!(alone("p95>1s").code, Some(0));
    let usage = alone("p95>+10%");
    assert_eq!(usage.code, Some(2));
    assert!(usage.stderr.contains("needs a base"), "{}", usage.stderr);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--root", HASH, "--vs-root", "Nowhere", SERVER], 1, "base: nothing matches 'Nowhere'"),
        (&["--root", "Nowhere", "--vs-root", HASH, SERVER], 1, "new side: nothing matches 'Nowhere'"),
        (&["--vs", SERVER, SERVER], 2, "--vs needs --root"),
        (&["--root", HASH, "--vs", SERVER, "--metric", "goroutine", SERVER], 2, "--metric latency"),
        (&["--root", HASH, "--by", "line", SERVER], 2, "--by needs"),
        (&["--root", HASH, "--vs", "missing.trace", SERVER], 2, "missing.trace"),
        (&["--root", HASH, "--vs-root", "(", SERVER], 2, "--vs-root is not a valid"),
        (&["--root", HASH, "--vs-root", WRITE, "--time", "0s-1us", SERVER], 1, "new side: "),
    ];
    for (args, code, part) in cases {
        let ran = run(args);
        assert_eq!(ran.code, Some(*code), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn few_requests_get_no_verdict() {
    let json = compare(&["--root", HASH, "--vs-root", WRITE, "--slowest", "7", SERVER]).expect("a comparison");
    assert_eq!(json["diff"]["verdict"], "too-few-requests");
    let text = run(&["--root", HASH, "--vs-root", WRITE, "--slowest", "7", SERVER]).stdout;
    assert!(text.contains("7 and 7 requests are too few"), "{text}");
}

#[test]
fn every_format_has_a_comparison() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let names = ["d.json", "d.pb.gz", "d.folded", "d.svg", "d.md"].map(place);
    let mut args = vec!["--root", HASH, "--vs-root", WRITE, "-q"];
    for name in &names {
        args.extend(["-o", name.as_str()]);
    }
    let ran = run(&[&args[..], &[SERVER]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(names.iter().all(|name| Path::new(name).metadata().is_ok_and(|m| m.len() > 200)));
}

/// Computing leaves no stack, but what was stopped in it does: the verdict names it.
#[test]
fn the_verdict_names_the_hashing() {
    for version in ["go1.22", "go1.23", "go1.25", "go1.26"] {
        let trace = format!("testdata/traces/{version}/server.trace");
        let said = run(&["--root", HASH, "--vs-root", WRITE, "--width", "200", &trace]).stdout;
        assert!(said.contains("most in (root) (or below), below which main.hashData is new."), "{version}: {said}");
    }
}
