//! The sample profiles that all renderers are tested with, and their goldens.
//!
//! `BLESS=1 cargo test` rewrites the goldens in `testdata/golden`.

mod requests;

pub(crate) use requests::{sample_comparison, sample_requests};

use super::differential::{Differential, DifferentialLabels};
use super::folded_stacks::FoldedBuilder;
use super::{Format, Options};
use crate::compare::Comparison;
use crate::profile::{
    AnnotationCandidate, ByteCount, Candidate, Candidates, DurationList, Handler, Metric, NodeIdx, Precision, Profile,
    ProfileFrame, Sample, Selection, StackTree, TraceInfo, Undecided, Weight,
};
use crate::trace::error::Warning;
use std::path::Path;

/// The bytes that a format gives.
pub(crate) fn render(format: &str, profile: &Profile, options: &Options) -> Vec<u8> {
    let mut out = Vec::new();
    (Format::by_name(format).unwrap().profile)(profile, options, &mut out).unwrap();
    out
}

/// The bytes that a format gives of a comparison.
pub(crate) fn render_comparison(format: &str, comparison: &Comparison, options: &Options) -> Vec<u8> {
    let mut out = Vec::new();
    (Format::by_name(format).unwrap().comparison.unwrap())(comparison, options, &mut out).unwrap();
    out
}

/// Compares with `testdata/golden/<name>`.
pub(crate) fn check_golden(name: &str, actual: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "output differs from testdata/golden/{name}; BLESS=1 cargo test rewrites it\n{}",
        String::from_utf8_lossy(actual)
    );
}

fn trace() -> TraceInfo {
    TraceInfo {
        name: "dir/trace.out".into(),
        version: "1.26".into(),
        bytes: ByteCount { total: 41_943_040, used: 41_942_528, skipped: 512, unknown: 0 },
        duration_ns: 5_003_000_000,
        wall_start_ns: Some(1_763_881_200_000_000_000),
        events: 4_812_334,
        goroutines: 61_204,
        generations: 6,
        gomaxprocs: Some(8),
        complete: false,
        ..TraceInfo::default()
    }
}

fn stack(tree: &mut StackTree, outermost_first: &[(&str, &str, u32)]) -> NodeIdx {
    outermost_first.iter().fold(StackTree::ROOT, |at, &(function, file, line)| {
        let frame = tree.intern_frame(ProfileFrame { function: function.into(), file: file.into(), line });
        tree.push(at, frame)
    })
}

/// A slice of a web server: joined children, awkward state names, equal stacks under two roots, a hostile name.
pub(crate) fn sample() -> Profile {
    let mut tree = StackTree::default();
    let conn = ("net/http.(*conn).serve", "/go/src/net/http/server.go", 2102);
    let handler = ("main.(*Server).Handler", "/app/server.go", 33);
    let go = (ProfileFrame::GO, "go statement", 0);
    let child = ("main.(*Server).Handler.func1", "/app/server.go", 40);
    let fetch = ("main.fetchUser", "/app/user.go", 12);
    let read = [
        ("net/http.(*Client).Do", "/go/src/net/http/client.go", 590),
        ("net.(*conn).Read", "/go/src/net/net.go", 179),
        ("internal/poll.(*FD).Read", "/go/src/internal/poll/fd_unix.go", 165),
    ];
    let network = stack(&mut tree, &[&[conn, handler, go, child, fetch][..], &read].concat());
    let lock = ("sync.(*Mutex).Lock", "/go/src/sync/mutex.go", 46);
    let cart = ("github.com/shop/cart.load[...]", "/app/cart/cart.go", 30);
    let sync = stack(&mut tree, &[conn, handler, cart, lock, ("runtime.gopark", "/go/src/runtime/proc.go", 1)]);
    let wait = stack(&mut tree, &[conn, handler, ("sync.(*Cond).Wait", "/go/src/sync/cond.go", 70)]);
    let render = stack(&mut tree, &[conn, handler, ("main.render", "/app/render.go", 77)]);
    let hostile = stack(&mut tree, &[conn, handler, ("main.\x1b[31mred;\u{202e}x", "/app/\x1b.go", 1)]);
    let loops = stack(
        &mut tree,
        &[conn, handler, go, ("net/http.(*persistConn).readLoop", "/go/src/net/http/t.go", 9), read[2]],
    );
    let rows = [
        (network, "network", "", Precision::Exact, "main.(*Server).Handler", 214, 3_900_000_000),
        (network, "network", "", Precision::Exact, "main.Other", 10, 100_000_000),
        (sync, "sync", "", Precision::Exact, "main.(*Server).Handler", 90, 1_190_000_001),
        (render, "running", "", Precision::Bracketed, "main.(*Server).Handler", 800, 520_000_000),
        (render, "runnable", "", Precision::Exact, "main.(*Server).Handler", 800, 190_000_400),
        (wait, "sync.(*Cond).Wait", "", Precision::Exact, "main.(*Server).Handler", 3, 80_000_000),
        (render, "running", "mark assist", Precision::Sampled, "main.(*Server).Handler", 7, 61_000_000),
        (hostile, "syscall", "cgo", Precision::Exact, "main.(*Server).Handler", 5, 9_000_000),
        (loops, "select", "", Precision::Exact, "main.(*Server).Handler", 2, 8_000_499),
        (StackTree::ROOT, "unknown", "", Precision::Exact, "main.(*Server).Handler", 1, 1_500),
        (StackTree::ROOT, "evil\x1b]0;x\x07", "", Precision::Exact, "main.(*Server).Handler", 1, 400),
    ];
    let samples = rows
        .into_iter()
        .map(|(stack, state, detail, precision, root, events, goroutine_ns)| Sample {
            stack,
            state: state.into(),
            detail,
            precision,
            root: root.into(),
            waited_in: "".into(),
            weight: Weight { events, goroutine_ns, latency_ns: 0 },
        })
        .collect();
    let mut profile = Profile {
        traces: vec![trace()],
        selection: selection(),
        metric: Metric::Goroutine,
        tree,
        samples,
        ..Profile::default()
    };
    profile.warnings =
        vec![Warning::lost("truncated", "ends in the middle of a batch", 41_943_040, 512).in_generation(6)];
    profile.finish();
    profile
}

fn selection() -> Selection {
    Selection {
        patterns: vec!["Handler".into(), "Other".into()],
        root_by: vec!["creation".into(), "entry".into(), "stack".into()],
        roots: 214,
        roots_by_creation: 200,
        roots_by_stack: 14,
        roots_cut: 3,
        goroutines: 1_926,
        max_depth: 4,
        outlived: 12,
        recording: 1,
        ..Selection::default()
    }
}

/// A slice in which nothing happened.
pub(crate) fn empty() -> Profile {
    let metric = Metric::Goroutine;
    let mut profile = Profile { traces: vec![trace()], selection: selection(), metric, ..Profile::default() };
    profile.finish();
    profile
}

/// The server before and after: a lock that is new, a sleep that is gone, a little more of the same, a hostile name.
pub(crate) fn differential() -> Differential {
    let labels = DifferentialLabels {
        title: "Handler · before.out → after.out".into(),
        base: "before.out".into(),
        new: "after.out".into(),
        metric: "latency per request".into(),
    };
    let mut stacks = FoldedBuilder::default();
    let serve = ["net/http.(*conn).serve", "main.(*Server).Handler"];
    let rows: [(&[&str], &str, u64, u64); 7] = [
        (&["main.loadCart", "sync.(*Mutex).Lock"], "sync", 0, 5_300_000),
        (&["main.render"], "running", 1_000_000, 3_100_000),
        (&["main.render"], "runnable", 0, 0),
        (&["main.warmup", "time.Sleep"], "sleep", 100_000, 0),
        (&["main.fetchUser", "net/http.(*Client).Do"], "network", 17_900_000, 17_900_000),
        (&["main.\x1b[31mred;\u{202e}x</title>"], "syscall", 400, 300),
        (&["main.[...]"], "chan receive", 0, 499),
    ];
    for (functions, state, base_ns, new_ns) in rows {
        stacks.add_stack(serve.iter().chain(functions).copied(), state, [base_ns, new_ns]);
    }
    Differential { labels, stacks: stacks.finish() }
}

/// Candidates of the same server.
pub(crate) fn sample_candidates() -> Candidates {
    let row = |site: &str, place: (&str, u32), entry: &str, count, total_ns, max_ns, children| Candidate {
        creation_site: site.into(),
        file: place.0.into(),
        line: place.1,
        entry: entry.into(),
        runs: String::new(),
        count,
        total_ns,
        max_ns,
        children,
        alive: 0,
        is_gos_own: entry == "runtime.bgsweep",
    };
    let handler = "main.(*Server).Handler";
    let took = |durations_ns: &[u64], cut: &[(u64, bool)]| {
        let mut took = DurationList { durations_ns: durations_ns.to_vec(), ..DurationList::default() };
        for &(ns, is_open) in cut {
            took.add_cut(ns, is_open);
        }
        took
    };
    let served = |function: &str, protocol, durations_ns: &[u64], cut: &[(u64, bool)]| Handler {
        function: function.into(),
        protocol,
        took: took(durations_ns, cut),
        ..Handler::default()
    };
    let annotated = |kind, name: &str, durations_ns: &[u64], cut: &[(u64, bool)]| AnnotationCandidate {
        kind,
        name: name.into(),
        took: took(durations_ns, cut),
        ..AnnotationCandidate::default()
    };
    let serve = "net/http.(*Server).Serve";
    Candidates {
        traces: vec![trace()],
        handlers: vec![
            served(handler, "HTTP/1", &[1_200_000, 1_400_000, 2_000_000, 214_000_000], &[(3_100_000, false)]),
            served("github.com/shop/api.(*Orders).ServeHTTP", "HTTP/2", &[900_000], &[]),
            Handler {
                took: DurationList { hangs: true, ..took(&[], &[(5_003_000_000, true), (120_000, true)]) },
                ..served("shop/pb._Orders_Get_Handler", "gRPC", &[], &[])
            },
        ],
        annotations: vec![
            annotated("task", "GET /orders", &[2_000_000, 3_000_000, 9_000_000], &[(500_000, true)]),
            annotated("region", "db.query", &[700_000; 12], &[]),
        ],
        undecided: undecided(1_300_000, 90_000),
        rows: vec![
            row(
                serve,
                ("/go/src/net/http/server.go", 3454),
                "net/http.(*conn).serve",
                209,
                60_310_000_000,
                5_003_000_000,
                1_712,
            ),
            row(handler, ("/app/server.go", 40), "main.(*Server).Handler.func1", 214, 6_300_000_000, 213_000_000, 17),
            row(
                "runtime.gcenable",
                ("/go/src/runtime/mgc.go", 200),
                "runtime.bgsweep",
                1,
                5_003_000_000,
                5_003_000_000,
                0,
            ),
            row(
                "main.main",
                ("/app/main.go", 9),
                "github.com/shop/a/very/long/path/worker.(*Pool[...]).backgroundRefreshLoop.func2.1",
                8,
                900,
                300,
                0,
            ),
            row("", ("", 0), "main.\x1b[2J", 1, 12, 12, 0),
        ],
        older: 17,
        ..Candidates::default()
    }
}

/// Forty undecided requests on four connections, of a total and a longest time in ns.
fn undecided(total_ns: u64, max_ns: u64) -> Undecided {
    let of_others = total_ns - max_ns;
    let mut durations_ns = vec![of_others / 39; 39];
    durations_ns[0] += of_others % 39;
    durations_ns.push(max_ns);
    Undecided { took: DurationList { durations_ns, ..DurationList::default() }, connections: 4, ..Undecided::default() }
}
