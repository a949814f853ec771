//! Tables of requests (`-o x.parquet`): what is in them is what the other outputs have.

use crate::common::{files, root};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Candidates, Only, Profile, Request};
use gotrace_slice::slice::{Selector, TimeRange};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// All requests of traces, each called by its endpoint.
pub(crate) fn endpoints(inputs: &[Input<'_>]) -> Profile {
    let options = Options { include_partial: true, request_stacks: true, undecided: true, ..Options::default() };
    pipeline::endpoints(inputs, Selector::builder(), options, None).expect("a sound trace")
}

/// Without `--root`, each row of HANDLERS has as many requests as the list says: whole ones, cut ones and undecided ones.
#[test]
fn every_request_of_the_list_is_in_the_table() {
    let (mut n_requests, mut n_timed) = (0, 0);
    for version in ["go1.19", "go1.21", "go1.22", "go1.23", "go1.25", "go1.26"] {
        for path in files(&root().join("testdata/traces").join(version), "trace") {
            let bytes = std::fs::read(&path).expect("a readable file");
            let inputs = [Input::new("test", &bytes)];
            let list = pipeline::candidates(&inputs, None, Options::default(), None).expect("a sound trace");
            let mut listed: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            for row in &list.handlers {
                let within = list.handlers.iter().filter(|inner| inner.within == row.function);
                let (mut whole, mut partial) = (row.took.count(), row.took.partial);
                for inner in within.filter(|inner| inner.protocol == row.protocol) {
                    whole -= inner.took.count();
                    partial -= inner.took.partial;
                }
                let of = listed.entry(&row.function).or_default();
                (of.0, of.1) = (of.0 + whole, of.1 + partial);
            }
            listed.retain(|_, of| *of != (0, 0));
            let profile = endpoints(&inputs);
            let requests = profile.requests.as_ref().expect("requests");
            let mut found: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            for request in &requests.list {
                let of = found.entry(&requests.roots[request.root as usize]).or_default();
                if request.partial { of.1 += 1 } else { of.0 += 1 }
            }
            assert_eq!(found, listed, "{}", path.display());
            assert_eq!(profile.selection.undecided.took, list.undecided.took, "{}", path.display());
            assert_eq!(profile.selection.undecided.list.len() as u64, list.undecided.count(), "{}", path.display());
            n_requests += requests.list.len();
            n_timed += requests.roots.iter().filter(|root| *root == "main.TooSlow").count();
        }
    }
    assert!(n_requests > 1000 && n_timed > 0, "{n_requests} requests, {n_timed} with a time limit");
}

pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.current_dir(folder).args(args).output().expect("the program runs")
}

type TableRow = BTreeMap<String, Field>;

fn table(path: &Path) -> Vec<TableRow> {
    let reader = SerializedFileReader::new(std::fs::File::open(path).expect("a table")).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| row.expect("a row").into_columns().into_iter().collect()).collect()
}

fn sum(rows: &[TableRow], column: &str) -> i64 {
    rows.iter().map(|row| if let Field::Long(ns) = row[column] { ns } else { 0 }).sum()
}

/// A folder with the server's trace as `in/h1/1.10/t`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("in/h1/1.10")).expect("a folder");
    let trace = root().join("testdata/traces/go1.26/server.trace");
    std::fs::copy(trace, folder.path().join("in/h1/1.10/t")).expect("a copy");
    folder
}

/// What the table has of whole requests is what JSON has; other outputs of the same run are as they are without it.
#[test]
fn a_table_has_what_json_has() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let alone = run(folder.path(), &["-q", "-r", "FanOut", "-o", "alone.json", "in/h1/1.10/t"]);
    assert!(alone.status.success(), "{alone:?}");
    let pattern = "(?<host>[^/]+)/(?<version>[^/]+)/[^/]+$";
    let args = ["-q", "-r", "FanOut", "-o", "x.parquet", "-o", "x.json", "--label-from-path", pattern, "in/h1/1.10/t"];
    let both = run(folder.path(), &[&args[..], &["--label", "zone=eu"]].concat());
    assert!(both.status.success(), "{both:?}");
    let json = std::fs::read(path("x.json")).expect("a report");
    assert!(json == std::fs::read(path("alone.json")).expect("a report"));
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let rows = table(&path("x.parquet"));
    let (undecided, decided): (Vec<TableRow>, Vec<TableRow>) =
        rows.into_iter().partition(|row| row["undecided"] == Field::Bool(true));
    let latency = &json["latency"];
    assert_eq!(sum(&decided, "dur_ns"), latency["total_ns"].as_i64().expect("a number"));
    assert_eq!(sum(&decided, "ns"), latency["total_ns"].as_i64().expect("a number"));
    let requests = decided.iter().filter(|row| row["dur_ns"] != Field::Null).count();
    assert_eq!(requests as u64, latency["count"].as_u64().expect("a number"));
    assert_eq!(undecided.len() as u64, json["selection"]["undecided"]["count"].as_u64().expect("a number"));
    let text = |text: &str| Field::Str(text.to_owned());
    assert_eq!((&decided[0]["host"], &decided[0]["version"]), (&text("h1"), &text("1.10")));
    let Field::MapInternal(labels) = &decided[0]["labels"] else { panic!("no map") };
    assert_eq!(labels.entries(), [(text("zone"), text("eu"))]);
}

/// The same trace gives the same bytes, with any number of threads; a trace without requests gives a table of none.
#[test]
fn a_table_can_be_made_again() {
    let folder = folder();
    let args = |name, threads| ["-q", "-j", threads, "-o", name, "in/h1/1.10/t"];
    for (name, threads) in [("a.parquet", "1"), ("b.parquet", "3")] {
        assert!(run(folder.path(), &args(name, threads)).status.success());
    }
    let read = |name| std::fs::read(folder.path().join(name)).expect("a table");
    assert!(read("a.parquet") == read("b.parquet"));
    assert_eq!(table(&folder.path().join("a.parquet")).iter().filter(|row| row["dur_ns"] != Field::Null).count(), 32);
    let none = root().join("testdata/traces/go1.26/waits.trace");
    let none = run(folder.path(), &["-q", "-o", "none.parquet", &none.display().to_string()]);
    assert!(none.status.success(), "{none:?}");
    assert!(table(&folder.path().join("none.parquet")).is_empty());
}

#[test]
fn what_a_table_cannot_have_is_said() {
    let folder = folder();
    let fails = |args: &[&str], part: &str| {
        let output = run(folder.path(), &[args, &["in/h1/1.10/t"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(part), "{said}");
        assert!(!folder.path().join("x.parquet").exists());
    };
    fails(&["-r", "FanOut", "--vs", "in/h1/1.10/t", "-o", "x.parquet"], "one side");
    fails(&["-r", "FanOut", "--metric", "goroutine", "-o", "x.parquet"], "--metric latency");
    fails(&["-r", "FanOut", "--label", "host=a"], "--label needs -o FILE.parquet");
    fails(&["-o", "x.parquet", "--label", "host"], "key=value");
    fails(&["-o", "x.parquet", "--label-from-path", "/(?<host>q[^/]+)/"], "does not match this path");
    fails(&["-o", "x.parquet", "--label-from-path", "/([^/]+)/"], "names no label");
}

/// The requests of traces that match, whole ones and cut ones, and what is said of several snapshots.
fn pooled(names: &[&str], pattern: &str, threads: usize) -> (usize, usize, Vec<String>) {
    let traces: Vec<Vec<u8>> = names.iter().map(|name| snapshot(name)).collect();
    let inputs: Vec<Input<'_>> = names.iter().zip(&traces).map(|(name, bytes)| Input::new(*name, bytes)).collect();
    let selector = Selector::builder().root(pattern).build().expect("a pattern");
    let options = Options { threads, ..Options::default() };
    let answer = pipeline::profile(&inputs, &selector, options, None).expect("sound traces");
    let Answer::Profile(profile) = answer else { panic!("no request matches") };
    let requests = profile.requests.as_ref().expect("requests");
    assert_eq!(profile.selection.roots, (requests.list.len() + requests.cut.len()) as u64);
    assert_eq!(profile.selection.roots_cut, requests.cut.len() as u64);
    let said = profile.warnings.iter().filter(|warning| warning.id == "snapshots");
    (requests.list.len(), requests.cut.len(), said.map(|warning| warning.message.clone()).collect())
}

fn snapshot(name: &str) -> Vec<u8> {
    trace(&format!("snapshot-{name}"))
}

fn trace(name: &str) -> Vec<u8> {
    std::fs::read(root().join(format!("testdata/traces/go1.26/{name}.trace"))).expect("a trace")
}

/// A list of what several snapshots have, and what is said of them.
fn list(names: &[&str]) -> (Candidates, Vec<String>) {
    let traces: Vec<Vec<u8>> = names.iter().map(|name| snapshot(name)).collect();
    let inputs: Vec<Input<'_>> = names.iter().zip(&traces).map(|(name, bytes)| Input::new(*name, bytes)).collect();
    let candidates = pipeline::candidates(&inputs, None, Options::default(), None).expect("sound traces");
    let said = candidates.warnings.iter().filter(|warning| warning.id == "snapshots");
    let said = said.map(|warning| warning.message.clone()).collect();
    (candidates, said)
}

/// How many whole requests of a handler a list has, and how many that an edge cuts.
fn took(candidates: &Candidates, handler: &str) -> (u64, u64) {
    let row = candidates.handlers.iter().find(|row| row.function == handler).expect("a row");
    (row.took.count(), row.took.partial)
}

/// The list counts once what `--root` counts once: requests, and goroutines by where they were created.
#[test]
fn the_list_counts_what_two_snapshots_have_once() {
    for order in [["a", "b"], ["b", "a"]] {
        let (candidates, said) = list(&order);
        let of = |name: &str| took(&candidates, name);
        assert_eq!([of("main.QuickHandler"), of("main.LongHandler")], [(95, 0), (1, 0)], "{order:?}");
        assert_eq!(said, ["33 requests are in several snapshots of one process, and are counted once"]);
        // Two clients, each with a connection; the server's reads one byte ahead in each request.
        for (entry, truth) in [("net/http.(*conn).serve", 2), ("net/http.(*connReader).backgroundRead", 95 + 1)] {
            let row = candidates.rows.iter().find(|row| row.entry == entry).expect("a row");
            let (whole, cut, _) = pooled(&order, &format!("^{}$", regex::escape(entry)), 1);
            assert_eq!((row.count, (whole + cut) as u64), (truth, truth), "{order:?}: {entry}");
        }
        // All that are older than one of them, and not created in the other.
        assert_eq!(candidates.older, list(&["a"]).0.older, "{order:?}");
    }
    // The twin: another process, in which ids and generations have the same numbers.
    let (candidates, said) = list(&["a", "other"]);
    assert_eq!((took(&candidates, "main.QuickHandler"), said.len()), ((140, 0), 0));
}

/// The program served 95 short requests until the second snapshot, of which both have some; and a long one, which the first
/// snapshot cuts. (`testdata/gen/snapshots`)
#[test]
fn a_request_of_two_snapshots_of_one_process_counts_once() {
    let (quick, long) = ("main.QuickHandler", "main.LongHandler");
    let none = Vec::<String>::new();
    assert_eq!([pooled(&["a"], quick, 0).0, pooled(&["b"], quick, 0).0], [70, 57]);
    assert_eq!([pooled(&["a"], long, 0), pooled(&["b"], long, 0)], [(0, 1, none.clone()), (1, 0, none.clone())]);
    for threads in [1, 3] {
        for order in [["a", "b"], ["b", "a"]] {
            let (whole, cut, said) = pooled(&order, quick, threads);
            assert_eq!((whole, cut), (95, 0), "{order:?}");
            assert_eq!(said, ["32 requests are in several snapshots of one process, and are counted once"]);
            let (whole, cut, said) = pooled(&order, long, threads);
            assert_eq!((whole, cut, said.len()), (1, 0, 1), "{order:?}");
        }
    }
    // Of one process and another, each request counts, though generations have the same numbers.
    assert_eq!(pooled(&["a", "other"], quick, 0), (140, 0, none));
}

/// The program served as many requests of a handler that leaves no stack as of `main.QuickHandler`, on another connection:
/// beside that and in the table, each is there once.
#[test]
fn an_undecided_request_of_two_snapshots_counts_once() {
    let undecided = |names: &[&str]| {
        let traces: Vec<Vec<u8>> = names.iter().map(|name| trace(&format!("silent-{name}"))).collect();
        let inputs: Vec<Input<'_>> = traces.iter().map(|bytes| Input::new("test", bytes)).collect();
        let selector = Selector::builder().root("main.QuickHandler").build().expect("a pattern");
        let answer = pipeline::profile(&inputs, &selector, Options::default(), None).expect("sound traces");
        let Answer::Profile(profile) = answer else { panic!("no request matches") };
        let of_table = endpoints(&inputs).selection.undecided;
        let selection = profile.selection;
        assert_eq!(of_table.list.len() as u64, selection.undecided.count());
        assert_eq!(of_table.connections, selection.undecided.connections);
        // All of the servers are the quick ones, the long one and these; the first snapshot cuts the long one.
        let requests = profile.requests.expect("requests").list.len() as u64;
        assert_eq!(
            selection.same_servers.count() + selection.same_servers.partial,
            requests + selection.undecided.count() + 1
        );
        let remark = profile.warnings.iter().find(|warning| warning.id == "snapshots");
        (selection.undecided.count(), selection.undecided.connections, remark.map(|warning| warning.message.clone()))
    };
    assert_eq!([undecided(&["a"]), undecided(&["b"])], [(70, 1, None), (54, 1, None)]);
    let said = "57 requests are in several snapshots of one process, and are counted once".to_owned();
    for order in [["a", "b"], ["b", "a"]] {
        assert_eq!(undecided(&order), (95, 1, Some(said.clone())), "{order:?}");
    }
}

/// The first 0.6 s of the two, which began 1 s after each other, have no request in common; the connection is the same.
#[test]
fn a_connection_of_two_snapshots_counts_once() {
    let connections = |names: &[&str]| {
        let traces: Vec<Vec<u8>> = names.iter().map(|name| trace(&format!("silent-{name}"))).collect();
        let inputs: Vec<Input<'_>> = traces.iter().map(|bytes| Input::new("test", bytes)).collect();
        let part = TimeRange { start: Some(0), end: Some(600_000_000) };
        let selector = Selector::builder().root("main.QuickHandler").time(part, "0s-600ms").build().expect("a pattern");
        let answer = pipeline::profile(&inputs, &selector, Options::default(), None).expect("sound traces");
        let Answer::Profile(profile) = answer else { panic!("no request matches") };
        assert!(profile.warnings.iter().all(|warning| warning.id != "snapshots"), "{:?}", profile.warnings);
        (profile.selection.undecided.count(), profile.selection.undecided.connections)
    };
    let (a, b) = (connections(&["a"]), connections(&["b"]));
    assert!(a.0 > 5 && b.0 > 5 && (a.1, b.1) == (1, 1), "{a:?} {b:?}");
    assert_eq!(connections(&["a", "b"]), (a.0 + b.0, 1));
}

/// The long request is not over in the first snapshot, and began before the second: the longer part counts.
#[test]
fn of_two_parts_of_a_request_the_longer_counts() {
    for order in [["a", "b"], ["b", "a"]] {
        let traces = order.map(|name| trace(&format!("held-{name}")));
        let inputs: Vec<Input<'_>> = traces.iter().map(|bytes| Input::new("test", bytes)).collect();
        let selector = Selector::builder().root("main.LongHandler").build().expect("a pattern");
        let answer = pipeline::profile(&inputs, &selector, Options::default(), None).expect("sound traces");
        let Answer::Profile(profile) = answer else { panic!("no request matches") };
        let requests = profile.requests.expect("requests");
        let [cut] = &requests.cut[..] else { panic!("{:?}", requests.cut) };
        assert_eq!((cut.cut_start, cut.cut_end, order[cut.trace as usize]), (false, true, "a"));
    }
}

/// The slowest of both are chosen among the requests that count.
#[test]
fn chosen_requests_count_once_too() {
    let traces = ["a", "b"].map(snapshot);
    let inputs: Vec<Input<'_>> = traces.iter().map(|bytes| Input::new("test", bytes)).collect();
    let selector = Selector::builder().root("main.QuickHandler").build().expect("a pattern");
    let options = Options { only: Some(Only::Slowest(20)), ..Options::default() };
    let answer = pipeline::profile(&inputs, &selector, options, None).expect("sound traces");
    let Answer::Profile(profile) = answer else { panic!("no request matches") };
    let requests = profile.requests.as_ref().expect("requests");
    assert_eq!((requests.list.len(), requests.before_only), (20, 95));
    let clock = |r: &Request| profile.traces[r.trace as usize].clock_start_ns + r.start_ns as i64;
    let mut starts: Vec<(u64, i64)> = requests.list.iter().map(|r| (r.goid, clock(r))).collect();
    starts.sort_unstable();
    starts.dedup();
    assert_eq!(starts.len(), 20);
    let table = endpoints(&inputs);
    assert_eq!(table.requests.as_ref().expect("requests").list.len(), 96);
}
