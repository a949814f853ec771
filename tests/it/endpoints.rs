//! Endpoints behind a router and a middleware, and gRPC's methods: what is counted, undecided and told of their latency,
//! against what the servers say (`testdata/gen/endpoints`, `testdata/gen/grpc`).

use crate::common::{by_stack, recordings, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Candidates, Handler, Profile};
use gotrace_slice::render::{self, Format};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A recording, and what its server says.
struct Recording {
    path: PathBuf,
    trace: Vec<u8>,
    truth: Value,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let truth = std::fs::read(path.with_extension("json")).expect("the truth");
        let truth = serde_json::from_slice(&truth).expect("JSON");
        Self { path: path.to_owned(), trace: std::fs::read(path).expect("a trace"), truth }
    }

    /// All recordings of a program, of every version.
    fn all(name: &str) -> Vec<Self> {
        recordings(name).iter().map(|path| Self::read(path)).collect()
    }

    fn inputs(&self) -> [Input<'_>; 1] {
        [Input { name: "test".into(), source: &self.trace, resolver: None }]
    }

    fn profile(&self, pattern: &str) -> Option<Profile> {
        match pipeline::profile(&self.inputs(), &selector(pattern, by_stack()), Options::default(), None) {
            Ok(Answer::Profile(profile)) => Some(*profile),
            _ => None,
        }
    }

    fn candidates(&self) -> Candidates {
        pipeline::candidates(&self.inputs(), None, Options::default(), None).expect("a sound trace")
    }

    /// How long a function's calls took in the server, ascending, in ns.
    fn took(&self, list: &str, function: &str) -> Vec<u64> {
        let took = self.truth[list][function]["handler_ns"].as_array().expect("durations");
        let mut took: Vec<u64> = took.iter().map(|ns| ns.as_u64().expect("ns")).collect();
        took.sort_unstable();
        took
    }
}

/// The least duration that this many per cent do not exceed.
fn percentile(sorted: &[u64], per_cent: usize) -> u64 {
    sorted[(sorted.len() * per_cent).div_ceil(100).max(1) - 1]
}

/// A report as JSON: what is told.
fn told(profile: &Profile) -> Value {
    let mut json = Vec::new();
    let format = Format::by_name("json").expect("json");
    (format.profile)(profile, &render::Options::default(), &mut json).expect("written");
    serde_json::from_slice(&json).expect("JSON")
}

/// The same of the list without `--root`.
fn told_of_list(candidates: &Candidates) -> Value {
    let mut json = Vec::new();
    let format = Format::by_name("json").expect("json");
    (format.candidates.expect("a list"))(candidates, &render::Options::default(), &mut json).expect("written");
    serde_json::from_slice(&json).expect("JSON")
}

fn number(of: &Value, field: &str) -> u64 {
    of[field].as_u64().unwrap_or_else(|| panic!("no {field} in {of}"))
}

/// A quantile in the server lies between the bounds that are told, with 5 % and 0.1 ms.
fn assert_within(what: &str, truth: u64, (least, most): (u64, u64)) {
    let (low, high) = (least * 95 / 100, most * 105 / 100 + 100_000);
    assert!(low <= truth + 100_000 && truth <= high, "{what}: {truth} is not within {least} to {most}");
}

/// The bounds of a quantile: of the requests that count, with any undecided ones, and with those that are cut as long as
/// they were seen.
fn bounds(report: &Value, quantile: &str) -> (u64, u64) {
    let counted = number(&report["latency"], &format!("{quantile}_ns"));
    let (mut least, mut most) = (counted, counted);
    let with_undecided = &report["selection"]["requests_with_undecided"];
    if with_undecided.is_object() {
        least = number(with_undecided, &format!("{quantile}_at_least_ns"));
        most = number(with_undecided, &format!("{quantile}_at_most_ns"));
    }
    let cut = report["latency_at_least"].get(format!("{quantile}_ns")).and_then(Value::as_u64).unwrap_or(counted);
    (least.min(cut), most.max(cut))
}

/// No request of an endpoint is lost, and its quantiles lie where the report says that they can.
fn check(recording: &Recording, list: &str, function: &str) {
    check_root(recording, list, function, function);
}

/// The same where the requests are found by another name.
fn check_root(recording: &Recording, list: &str, function: &str, root: &str) {
    let what = format!("{} {function} by {root}", recording.path.display());
    let truth = recording.took(list, function);
    let Some(profile) = recording.profile(&format!("^{}$", regex::escape(root))) else {
        return check_undecided(recording, &what, &truth);
    };
    let report = told(&profile);
    let selection = &report["selection"];
    let (n, counted) = (truth.len() as u64, number(selection, "requests"));
    let known = counted + number(&selection["undecided"], "count");
    assert!(counted <= n && n <= known, "{what}: {counted} are counted, {known} known, of {n}");
    for (quantile, per_cent) in [("p50", 50), ("p95", 95)] {
        assert_within(&format!("{what}: {quantile}"), percentile(&truth, per_cent), bounds(&report, quantile));
    }
}

/// Nothing matches where no request left a stack in the function. The list says of how many requests the middleware
/// alone is known, and how long these took; no other endpoint of the program leaves such ones.
fn check_undecided(recording: &Recording, what: &str, truth: &[u64]) {
    let list = told_of_list(&recording.candidates());
    let rows = list["handlers"].as_array().expect("rows").iter().filter(|row| number(row, "undecided") > 0);
    let rows: Vec<&Value> = rows.collect();
    assert_eq!(rows.len(), 1, "{what}: {rows:?}");
    assert_eq!(number(rows[0], "undecided"), truth.len() as u64, "{what}");
    for (quantile, per_cent) in [("p50", 50), ("p95", 95)] {
        let told = number(rows[0], &format!("undecided_{quantile}_ns"));
        assert_within(&format!("{what}: {quantile}"), percentile(truth, per_cent), (told, told));
    }
}

fn row<'c>(candidates: &'c Candidates, function: &str) -> Option<&'c Handler> {
    candidates.handlers.iter().find(|handler| handler.function == function)
}

#[test]
fn no_request_of_an_endpoint_is_lost() {
    for name in ["endpoints", "endpoints-h2"] {
        for recording in Recording::all(name) {
            for function in ["main.Sleep", "main.Compute", "main.Cached", "main.Stores"] {
                check(&recording, "endpoints", function);
            }
        }
    }
}

#[test]
fn no_call_of_a_grpc_method_is_lost() {
    for recording in Recording::all("grpc") {
        for function in ["main.Price", "main.Order"] {
            check(&recording, "methods", function);
        }
        check_row(&recording, "methods", "main.Hash", "main._Shop_Hash_Handler");
    }
}

/// What computes leaves the generated method's name, as the interceptor below it writes a line: its row has them all. The
/// row's quantiles are of whole requests; where some are cut, those of the report say how far these can move them.
fn check_row(recording: &Recording, list: &str, function: &str, handler: &str) {
    let what = format!("{} {function}", recording.path.display());
    let (truth, told) = (recording.took(list, function), told_of_list(&recording.candidates()));
    let mut rows = told["handlers"].as_array().expect("rows").iter();
    let row = rows.find(|row| row["function"] == handler).unwrap_or_else(|| panic!("{what}: no row"));
    assert_eq!(number(row, "count") + number(row, "partial"), truth.len() as u64, "{what}");
    check_root(recording, list, function, handler);
    let whole = number(row, "partial") == 0;
    for (quantile, per_cent) in [("p50", 50), ("p95", 95)].into_iter().filter(|_| whole) {
        let told = number(row, &format!("{quantile}_ns"));
        assert_within(&format!("{what}: {quantile}"), percentile(&truth, per_cent), (told, told));
    }
}

/// Calls on stream workers are requests as much as those that have a goroutine of their own, as some have when all
/// workers are busy. (A function on no server stays apart: `matched.rs`.)
#[test]
fn calls_on_stream_workers_count() {
    for recording in Recording::all("grpc-workers") {
        for (method, handler) in
            [("main.Price", "main._Shop_Price_Handler"), ("main.Order", "main._Shop_Order_Handler")]
        {
            let what = format!("{} {method}", recording.path.display());
            let profile = recording.profile(&format!("^{}$", regex::escape(handler))).expect("requests");
            let requests = profile.requests.expect("requests");
            let all = requests.list.len() as u64 + requests.partial;
            assert_eq!(all, recording.took("methods", method).len() as u64, "{what}");
            assert!(profile.selection.others.is_empty(), "{what}: {:?}", profile.selection.others);
            check_row(&recording, "methods", method, handler);
        }
        check_row(&recording, "methods", "main.Hash", "main._Shop_Hash_Handler");
    }
}

/// A call on a stream worker whose stacks end in the interceptor is undecided; one in another method's handler is not.
#[test]
fn no_call_on_a_stream_worker_is_lost() {
    for recording in Recording::all("grpc-workers") {
        let truth = |method| recording.took("methods", method).len() as u64;
        // Every fourth call of Price sleeps, the others leave the interceptor's line alone.
        for (method, undecided) in [("main.Price", truth("main.Price") * 3 / 4), ("main.Order", 0)] {
            check(&recording, "methods", method);
            let what = format!("{} {method}", recording.path.display());
            let profile = recording.profile(&format!("^{}$", regex::escape(method))).expect("requests");
            assert_eq!(profile.selection.undecided.count(), undecided, "{what}");
            let all = &profile.selection.same_servers;
            let all_methods = ["main.Price", "main.Order", "main.Hash"].map(truth).iter().sum::<u64>();
            assert_eq!(all.count() + all.partial, all_methods, "{what}");
        }
    }
}

/// The list has as many requests of each row as `--root` finds by its name, on goroutines of their own and on workers; or
/// it says how many more there are, and in which row.
#[test]
fn a_row_has_as_many_requests_as_its_root() {
    for recording in
        ["endpoints", "endpoints-h2", "grpc", "grpc-workers", "dispatch", "likely", "routed"].map(Recording::all)
    {
        for recording in recording {
            let candidates = recording.candidates();
            assert!(!candidates.handlers.is_empty());
            for row in &candidates.handlers {
                let what = format!("{} {}", recording.path.display(), row.function);
                let profile = recording.profile(&format!("^{}$", regex::escape(&row.function))).expect("requests");
                let requests = profile.requests.expect("requests");
                let of_root = (requests.list.len() as u64, requests.partial);
                let elsewhere: u64 = row.elsewhere.iter().map(|row| row.count).sum();
                assert_eq!((row.took.count() + elsewhere, row.took.partial), of_root, "{what}");
                assert!(elsewhere == 0 || row.function == "main.Direct", "{what}: {:?}", row.elsewhere);
            }
        }
    }
}

/// What the middleware hands on to is told apart; what an endpoint calls in turn, or instead of each other, is not made
/// into endpoints.
#[test]
fn endpoints_behind_a_middleware_are_rows_of_their_own() {
    for name in ["endpoints", "endpoints-h2"] {
        for recording in Recording::all(name) {
            let (what, candidates) = (recording.path.display(), recording.candidates());
            for function in ["main.Sleep", "main.Cached", "main.Stores"] {
                let row = row(&candidates, function).unwrap_or_else(|| panic!("{what}: no row for {function}"));
                let counted = recording.took("endpoints", function).len() as u64;
                assert_eq!(row.took.count(), counted, "{what}: {function}");
            }
            for callee in ["main.first", "main.second", "main.hit", "main.load"] {
                assert!(row(&candidates, callee).is_none(), "{what}: {callee} is no endpoint");
            }
        }
    }
}

/// What one line of a wrapper calls are endpoints, whatever the wrapper does beside them. What a handler calls at several
/// lines, or in turn, is its own work.
#[test]
fn endpoints_that_a_wrapper_calls_at_one_line_are_rows_within_it() {
    for recording in Recording::all("dispatch") {
        let (what, candidates) = (recording.path.display(), recording.candidates());
        let truth = |name: &str| recording.truth["endpoints"][name].as_u64().expect("a count");
        let expected = [
            ("main.list", "main.wrap.func1"),
            ("main.query", "main.ready.func1"),
            ("main.queryRange", "main.ready.func1"),
            ("main.slow", "main.traced.func1"),
            ("main.Cached", ""),
            ("main.Stores", ""),
            ("main.Admin", ""),
        ];
        for (function, within) in expected {
            let row = row(&candidates, function).unwrap_or_else(|| panic!("{what}: no row for {function}"));
            assert_eq!((row.took.count(), row.within.as_str()), (truth(function), within), "{what}: {function}");
            let profile = recording.profile(&format!("^{}$", regex::escape(function))).expect("requests");
            assert_eq!(profile.requests.expect("requests").list.len() as u64, truth(function), "{what}: {function}");
        }
        let wrap = row(&candidates, "main.wrap.func1").expect("the coarser row");
        let inside = ["main.list", "main.query", "main.queryRange"].map(truth).iter().sum::<u64>();
        assert_eq!(
            (wrap.took.count(), wrap.undecided.count()),
            (inside + truth("main.quick"), truth("main.quick")),
            "{what}"
        );
        // What the list tells apart is not undecided for a selection.
        for function in ["main.list", "main.query", "main.queryRange"] {
            let profile = recording.profile(&format!("^{}$", regex::escape(function))).expect("requests");
            assert_eq!(profile.selection.undecided.count(), truth("main.quick"), "{what}: {function}");
        }
        assert_eq!(
            row(&candidates, "main.traced.func1").expect("a row").undecided.count(),
            truth("main.fast"),
            "{what}"
        );
        assert_eq!(candidates.handlers.len(), expected.len() + 4, "{what}: {:?}", candidates.handlers);
    }
}

/// A router of another package calls values: endpoints, also where a server has one alone. A store that an endpoint calls,
/// and that calls the program back, is none.
#[test]
fn what_a_router_of_another_package_was_given_is_an_endpoint() {
    for recording in Recording::all("routed") {
        let (what, candidates) = (recording.path.display(), recording.candidates());
        let truth = recording.truth["endpoints"].as_object().expect("counts");
        let mut expected: Vec<_> =
            truth.iter().map(|(name, n)| (name.as_str(), n.as_u64().expect("a count"))).collect();
        let row = |row: &'_ Handler| (row.function.clone(), row.took.count());
        let mut rows: Vec<_> = candidates.handlers.iter().map(row).collect();
        expected.sort_unstable();
        rows.sort_unstable();
        let rows: Vec<_> = rows.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        assert_eq!(rows, expected, "{what}");
    }
}

/// A handler that another one calls too: the row counts the requests that it served itself, and says where the others are.
#[test]
fn a_row_says_which_rows_have_more_of_its_requests() {
    for recording in Recording::all("dispatch") {
        let (what, candidates) = (recording.path.display(), recording.candidates());
        let truth = |name: &str| recording.truth["endpoints"][name].as_u64().expect("a count");
        let direct = row(&candidates, "main.Direct").expect("a row");
        assert_eq!(direct.took.count(), truth("main.Direct"), "{what}");
        let elsewhere: Vec<_> = direct.elsewhere.iter().map(|row| (row.function.as_str(), row.count)).collect();
        assert_eq!(elsewhere, [("main.Admin", truth("main.Admin"))], "{what}");
    }
}

#[test]
fn the_head_says_what_it_does_not_count() {
    for recording in Recording::all("endpoints") {
        let profile = recording.profile("^main.Sleep$").expect("requests");
        let computing = recording.took("endpoints", "main.Compute").len() as u64;
        assert_eq!(profile.selection.undecided.count(), computing, "{}", recording.path.display());
        let known = profile.requests.expect("requests").list.len() as u64;
        assert!(profile.selection.same_servers.count() >= known + computing, "{}", recording.path.display());
    }
}

/// Of the requests that leave no stack, those are likely of an endpoint whose connection, or whose middleware, served
/// nothing else that is known; twins on a connection, or below a middleware, with two endpoints are not.
#[test]
fn likely_requests_are_those_that_the_trace_lets_infer() {
    for recording in ["likely", "likely-h2"].into_iter().flat_map(Recording::all) {
        let said = |endpoint: &str, what: &str| recording.truth["endpoints"][endpoint][what].as_u64().expect("a count");
        let quick = |endpoint| said(endpoint, "alone") + said(endpoint, "shared");
        let without_middleware = quick("main.Item") + quick("main.List");
        for (endpoint, undecided, likely) in [
            ("main.Item", without_middleware, said("main.Item", "alone")),
            ("main.List", without_middleware, 0),
            ("main.Report", without_middleware + quick("main.Report"), quick("main.Report")),
            ("main.Alpha", without_middleware + quick("main.Alpha") + quick("main.Beta"), 0),
            ("main.Beta", without_middleware + quick("main.Alpha") + quick("main.Beta"), 0),
            // Of those on its connection that leave no stack, each took longer than most of its own.
            ("main.Read", quick("main.Encode"), 0),
        ] {
            let what = format!("{} {endpoint}", recording.path.display());
            let profile = recording.profile(&format!("^{}$", regex::escape(endpoint))).expect("requests");
            let requests = profile.requests.as_ref().expect("requests");
            let of = &profile.selection.undecided;
            assert_eq!(requests.list.len() as u64, said(endpoint, "blocked"), "{what}");
            assert_eq!((of.count(), of.likely.count()), (undecided, likely), "{what}");
            // Of the requests without a stack, those on the connection of `Item` alone are not of the others.
            let others =
                if endpoint == "main.Item" || endpoint == "main.Read" { 0 } else { said("main.Item", "alone") };
            assert!(of.likely_others >= others, "{what}: {}", of.likely_others);
            assert!(endpoint != "main.Item" || of.likely_others == 0, "{what}: {}", of.likely_others);
            let with_likely = requests.with_likely.as_ref().map(|with| with.count);
            assert_eq!(with_likely, (likely > 0).then_some(said(endpoint, "blocked") + likely), "{what}");
        }
    }
}
