//! What the first lines say of requests that an edge of the recording cuts: alone, beside whole ones, several calls in a row,
//! and on a side of a comparison.

use crate::common::{cases, recordings, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit code and what the command writes, in one line.
fn run(args: &[&str], traces: &[&Path]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.args(args).args(traces).env("LANG", "C.UTF-8").env_remove("COLUMNS");
    let output = command.output().expect("a run");
    let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    (output.status.code(), said.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn json(args: &[&str], trace: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    let output = command.args(["-q", "-f", "json"]).args(args).arg(trace).output().expect("a run");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn case(name: &str, trace: &str) -> Option<PathBuf> {
    let path = cases()?.join(name).join(trace);
    path.exists().then_some(path)
}

/// Recordings of a handler that hangs from which it can be known: before Go 1.23 a goroutine that waits all the time has no
/// stack.
fn held() -> Vec<PathBuf> {
    let is_old = |path: &PathBuf| {
        let folder = path.parent();
        ["go1.21", "go1.22"].iter().any(|version| folder.is_some_and(|folder| folder.ends_with(version)))
    };
    let held: Vec<PathBuf> = recordings("cutoff").into_iter().filter(|path| !is_old(path)).collect();
    assert!(held.len() >= 4);
    held
}

/// Handlers that hang, and no whole request of theirs (`cutoff`): the answer says how long they were seen, in each format.
#[test]
fn an_answer_without_a_whole_request_says_what_was_seen() {
    for path in held() {
        let what = path.display();
        let root = ["-r", "^main.HeldHandler$"];
        let (code, said) = run(&[&["-q", "--summary"], &root[..]].concat(), &[&path]);
        assert_eq!(code, Some(0), "{what}");
        assert!(said.starts_with("main.HeldHandler: no request begins and ends in the trace. 1 "), "{what}: {said}");
        assert!(said.contains("≥ "), "{what}: {said}");
        let report = json(&root, &path);
        assert_eq!(
            (&report["answer"]["count"], &report["answer"]["p50_ns"]),
            (&Value::from(0), &Value::Null),
            "{what}"
        );
        assert_eq!(report["answer"]["cut"], 1, "{what}");
        assert!(report["answer"]["text"].as_str().is_some_and(|text| text.contains("≥ ")), "{what}");
        let (_, markdown) = run(&["-q", "-f", "md", "-r", "^main.HeldHandler$"], &[&path]);
        assert!(markdown.contains("no request begins and ends in the trace"), "{what}: {markdown}");
        // Counted nevertheless, it took at least as long as it certainly did.
        let (_, said) = run(&["-q", "--summary", "--include-partial", "-r", "^main.HeldHandler$"], &[&path]);
        assert!(said.starts_with("main.HeldHandler: at least ") && said.contains("(cut: it took longer)"), "{said}");
    }
}

/// On older versions the reason is said where nothing matches.
#[test]
fn a_goroutine_that_waits_all_the_time_may_be_what_was_asked_for() {
    for path in recordings("cutoff") {
        let (code, said) = run(&["-r", "main.HeldHandlerElsewhere"], &[&path]);
        assert_eq!(code, Some(1), "{}", path.display());
        let is_old = ["go1.21", "go1.22"].iter().any(|v| path.parent().is_some_and(|folder| folder.ends_with(v)));
        assert_eq!(said.contains("of one that waits all the time"), is_old, "{}: {said}", path.display());
    }
}

/// Calls back to back that nothing parts, cut by `--time`: how long they were seen says nothing of one of them.
#[test]
fn what_may_be_several_calls_has_no_lower_bound_in_words() {
    for path in recordings("compared-twice") {
        let what = path.display();
        let whole = json(&["-r", "^main.Take$"], &path);
        let list = whole["requests"].as_array().expect("a list");
        let twice = list.iter().find(|request| request["may_be_several"] == true).expect("two calls in a row");
        let ns = |of: &Value, field: &str| of[field].as_u64().expect("ns");
        // After the second wait.
        let range = format!("0-{}ns", ns(twice, "start_ns") + ns(twice, "dur_ns") * 4 / 5);
        let args = ["-r", "^main.Take$", "--time", &range];
        let cut = json(&args, &path);
        assert_eq!(cut["requests_cut"][0]["may_be_several"], true, "{what}");
        let (_, said) = run(&[&["-q", "--summary"], &args[..]].concat(), &[&path]);
        assert!(said.contains("1 not over at the end of --time: ≥ ") && said.contains("if it is one call"), "{said}");
        assert!(!said.contains("--include-partial"), "{what}: {said}");
        // The twin: one call is cut, and took at least as long.
        let once = list.iter().find(|request| request["may_be_several"] != true).expect("a single call");
        let range = format!("0-{}ns", ns(once, "start_ns") + ns(once, "dur_ns") * 4 / 5);
        let (_, said) = run(&["-q", "--summary", "-r", "^main.Take$", "--time", &range], &[&path]);
        assert!(said.contains("1 not over at the end of --time: ≥ ") && !said.contains("if it is one call"), "{said}");
    }
    if let (Some(gaps), Some(full)) = (case("busy-worker", "gaps.trace"), case("busy-worker", "full.trace")) {
        let (_, said) = run(&["-q", "-r", "main.Handle$", "--time", "0-50ms"], &[&gaps, &full]);
        assert!(said.contains("may be several calls") && !said.contains("took ≥ 48.8 ms"), "{said}");
    }
}

/// Requests that hang on one side alone: beside the verdict, and slow ones in the rate.
#[test]
fn a_comparison_says_which_side_has_requests_that_hang() {
    let Some(stuck) = case("stuck", "1.27.3.trace") else { return };
    let (_, said) = run(&["-q", "--summary", "-r", "main.(Stuck|Fine)", "--vs-root", "main.Fine"], &[&stuck]);
    assert!(said.contains("The new side has 4 more, cut by an edge: the longest ≥ 1.56 s."), "{said}");
    let compared = json(&["-r", "main.(Stuck|Fine)", "--vs-root", "main.Fine"], &stuck);
    let rate = &compared["diff"]["slow_rate"];
    let number = |field: &str| rate[field].as_u64().expect("a number");
    assert_eq!((number("new"), number("new_all")), (number("base") + 4, number("base_all") + 4), "{rate}");
    // The twin: nothing hangs.
    let (_, said) = run(&["-q", "--summary", "-r", "main.Fine", "--vs-root", "main.Fine"], &[&stuck]);
    assert!(!said.contains("cut by an edge"), "{said}");
}

/// The lower bound of the median counts exact requests as long as they were.
#[test]
fn the_least_median_is_not_above_the_median() {
    let mut inferred = 0;
    for (program, function) in [("grpc-workers", "main._Shop_Price_Handler"), ("stretches", "main.Job")] {
        for path in recordings(program) {
            let report = json(&["-r", &format!("^{function}$")], &path);
            let selection = &report["selection"];
            let least = selection["requests_inferred_at_least_p50_ns"].as_u64().expect("ns");
            let p50 = report["latency"]["p50_ns"].as_u64().expect("ns");
            let of = |request: &Value| {
                let ns = |field: &str| request[field].as_u64();
                if request["may_be_several"] == true { Some(0) } else { ns("at_least_ns").or(ns("dur_ns")) }
            };
            let mut all: Vec<u64> = report["requests"].as_array().expect("a list").iter().filter_map(of).collect();
            all.sort_unstable();
            assert_eq!(least, all[all.len().div_ceil(2) - 1], "{}", path.display());
            assert!(least <= p50, "{}: {least} {p50}", path.display());
            inferred += selection["requests_inferred"].as_u64().expect("a number");
        }
    }
    assert!(inferred > 0);
}

/// Traces read together are asked one question: requests on a server are the roots of all, wherever one has them.
#[test]
fn a_trace_without_a_server_adds_no_timers_to_requests() {
    let folder = root().join("testdata/traces/go1.26");
    let [with, without] = ["matching.trace", "matching-timers.trace"].map(|name| folder.join(name));
    let (_, alone) = run(&["-q", "--summary", "-r", "Price"], &[&with]);
    let (_, timers) = run(&["-q", "--summary", "-r", "Price"], &[&without]);
    assert!(!timers.contains("PriceHandler"), "{timers}");
    for order in [[&*with, &*without], [&*without, &*with]] {
        let (_, pooled) = run(&["-q", "--summary", "-r", "Price"], &order);
        assert_eq!(pooled, alone);
        let (_, report) = run(&["-q", "-r", "Price"], &order);
        assert!(report.contains("no request") && report.contains("main.flushPrice"), "{report}");
    }
}

/// Two sides that matched different functions are compared, and it is said.
#[test]
fn sides_that_matched_different_functions_are_told() {
    let folder = root().join("testdata/traces/go1.26");
    let [get, take] = ["compared-slow.trace", "compared-hardly.trace"].map(|name| folder.join(name));
    let vs = |base: &Path, new: &Path| {
        let base = base.to_str().expect("UTF-8");
        run(&["-q", "-r", "main.(Get|Take)", "--vs", base], &[new]).1
    };
    let said = vs(&get, &take);
    assert!(
        said.contains("No function matched on both sides: main.Get on the base, main.Take on the new side."),
        "{said}"
    );
    assert!(said.contains("matched: 40 by stack: main.Take"), "{said}");
    let same = vs(&get, &get);
    assert!(!same.contains("No function matched on both sides") && !same.contains("matched:"), "{same}");
}

/// Where one function gave the requests that count, and another one those that are cut, the answer is of what was asked for;
/// the head says which gave what. Its twins: each function alone.
#[test]
fn cut_requests_of_another_function_are_not_called_by_the_first() {
    for path in held() {
        let of = |pattern: &str| {
            let report = json(&["-r", pattern], &path);
            let root = report["answer"]["root"].as_str().expect("a name").to_owned();
            let row = |row: &Value| {
                let count = |key: &str| row[key].as_u64().expect("a count");
                (row["function"].as_str().expect("a name").to_owned(), count("requests"), count("cut"))
            };
            let matched: Vec<_> = report["selection"]["matched"].as_array().expect("rows").iter().map(row).collect();
            (root, matched)
        };
        let (quick, held) = (of("^main.QuickHandler$"), of("^main.HeldHandler$"));
        let (root, matched) = of("^main.(Quick|Held)Handler$");
        let what = path.display();
        assert_eq!((quick.0.as_str(), held.0.as_str()), ("main.QuickHandler", "main.HeldHandler"), "{what}");
        assert_eq!(root, "", "{what}");
        assert_eq!(matched, [quick.1, held.1].concat(), "{what}");
        let (_, said) = run(&["-q", "-r", "^main.(Quick|Held)Handler$"], &[&path]);
        assert!(said.starts_with("'^main.(Quick|Held)Handler$': p50 "), "{what}: {said}");
        assert!(said.contains("1 cut by stack: main.HeldHandler"), "{what}: {said}");
    }
}

/// With a part of the trace, it is that part in which no request begins and ends.
#[test]
fn what_a_part_of_the_trace_lacks_the_trace_may_have() {
    let path = root().join("testdata/traces/go1.26/problems.trace");
    let (_, said) = run(&["-q", "--summary", "-F", "-r", "(*server).Order", "--time", "20ms-24ms"], &[&path]);
    assert!(said.contains("no request begins and ends in that part of the trace"), "{said}");
}
