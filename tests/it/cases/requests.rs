//! Which requests there are, how long they took, and what is said of those that do not count.

use super::{In, Is, Len, MS, Row, Said, check, check_said, json};

/// Requests whose stacks end in a middleware, or that leave none, may be of the roots too.
const UNDECIDED: &[Row] = &[
    ("survivors-only", "-r main.read$ httprouter.trace", "selection / requests", Is("74")),
    ("survivors-only", "-r main.read$ httprouter.trace", "selection / undecided / count", Is("286")),
    ("survivors-only", "-r main.read$ httprouter.trace", "selection / undecided / max_ns", In(1, 2 * MS)),
    ("survivors-only", "-r main.read$ httprouter.trace", "selection / same_servers / count", Is("400")),
    ("survivors-only", "-r main.write$ httprouter.trace", "selection / requests", Is("40")),
    ("cpu-only-handler", "1.27.3.trace", "undecided / count", Is("40")),
    ("cpu-only-handler", "1.27.3.trace", "handlers / function=main.Read / count", Is("20")),
    // On stream workers and on goroutines of their own.
    ("grpc-stream-workers", "-r _Health_Check_Handler grpc.trace", "selection / roots", Is("120")),
    ("grpc-stream-workers", "-r _Health_Watch_Handler grpc.trace", "selection / roots", Is("40")),
    ("grpc-stream-workers", "-r _Echo_Say_Handler grpc.trace", "selection / roots", Is("40")),
    ("grpc-stream-workers", "-r _Echo_Chat_Handler grpc.trace", "selection / roots", Is("40")),
    ("grpc-stream-workers", "-r _Echo_Chat_Handler grpc.trace", "selection / others", Len(0)),
    ("grpc-stream-workers", r"-r main.\(\*hs\).Check grpc.trace", "selection / roots", Is("80")),
    ("grpc-stream-workers", r"-r main.\(\*hs\).Check grpc.trace", "selection / undecided / count", Is("40")),
];

/// What an edge of the recording cuts has a lower bound.
const CUT: &[Row] = &[
    ("stretch-older-than-trace", "-r main.Job$ 1.27.3.trace", "selection / requests", Is("0")),
    ("stretch-older-than-trace", "-r main.Job$ 1.27.3.trace", "requests_cut / 0 / cut_start", Is("true")),
    ("stretch-older-than-trace", "-r main.Job$ 1.27.3.trace", "requests_cut / 0 / at_least_ns", In(600 * MS, 653 * MS)),
    (
        "stretch-older-than-trace",
        "-r main.Job$ 1.27.3.trace",
        "requests_cut / 0 / likely_at_least_ns",
        In(651 * MS, 653 * MS),
    ),
    (
        "stretch-older-than-trace",
        "-r main.Job$ 1.21.13.trace",
        "requests_cut / 0 / likely_at_least_ns",
        In(650 * MS, 653 * MS),
    ),
    ("stretch-older-than-trace", "-r main.Job$ 1.21.13.trace", "selection / requests", Is("0")),
    ("stretch-older-than-trace", "-r main.Job$ 1.21.13.trace", "requests_cut", Len(1)),
    ("older-call-is-whole", "-r TwoNapsHandler t.trace", "requests", Len(0)),
    // The first calls of four goroutines, which began before, and their second ones, which are not over.
    ("older-call-is-whole", "-r TwoNapsHandler t.trace", "requests_cut", Len(8)),
    ("older-call-is-whole", "-r TwoNapsHandler t.trace", "requests_cut / 3 / cut_start", Is("true")),
    ("older-call-is-whole", "-r TwoNapsHandler t.trace", "requests_cut / 4 / cut_start", Is("false")),
    ("flight", "-r main.Guess sync-1.27.3.trace", "requests_cut / 0 / at_least_ns", In(59_800_000, 62 * MS)),
    ("flight", "-r main.Guess sync-1.27.3.trace", "latency_at_least / max_ns", In(59_800_000, 62 * MS)),
    ("stuck", "1.27.3.trace", "handlers / 0 / function", Is("\"main.Stuck\"")),
    ("stuck", "1.27.3.trace", "handlers / 0 / partial", Is("4")),
    ("stuck", "1.27.3.trace", "handlers / 0 / hangs", Is("true")),
    ("stuck", "1.27.3.trace", "handlers / 0 / open_max_ns", In(1500 * MS, 1600 * MS)),
];

/// Where calls outside of a server begin and end.
const STRETCHES: &[Row] = &[
    ("inferred-end-loses-computing", "-r WorkHandler t.trace", "latency / count", Is("30")),
    ("inferred-end-loses-computing", "-r WorkHandler t.trace", "latency / p50_ns", In(6 * MS, 6_500_000)),
    ("inferred-end-loses-computing", "-r WorkHandler base.trace", "latency / p50_ns", In(3 * MS, 3_300_000)),
    ("cpu-sample-splits", "-r SpinHandler t.trace", "requests", Len(20)),
    ("cpu-sample-splits", "-r SpinHandler t.trace", "latency / min_ns", In(41 * MS, 60 * MS)),
    ("busy-worker", "-r main.Handle$ gaps.trace", "latency / count", Is("200")),
    ("busy-worker", "-r main.Handle$ gaps.trace", "latency / p50_ns", In(5 * MS, 5_400_000)),
    ("busy-worker", "-r main.Handle$ gaps.trace", "selection / requests_may_be_several", Is("0")),
    ("busy-worker", "-r main.Handle$ full.trace", "selection / requests_may_be_several", Is("10")),
    ("busy-worker", "-r main.Handle$ --vs gaps.trace full.trace", "diff / verdict", Is("\"may-be-several\"")),
    ("busy-worker", "-r main.Handle$ --vs gaps.trace full.trace", "diff / p", Is("null")),
    ("websocket", "-r main.handleMsg ws.trace", "latency / count", Is("60")),
    ("websocket", "-r main.handleMsg ws.trace", "latency / p50_ns", In(MS, 1_300_000)),
];

/// User regions, and goroutines by id.
const OTHERS: &[Row] = &[
    ("double-end", "--root-by region -r ^query$ 1.27.3.trace", "latency / count", Is("7")),
    ("double-end", "--root-by region -r ^query$ 1.27.3.trace", "latency / max_ns", In(2 * MS, 3_310_000)),
    ("double-end", "--root-by region -r ^query$ 1.27.3.trace", "selection / requests_inferred", Is("7")),
    ("double-end", "--root-by region -r ^load$ 1.27.3.trace", "latency / count", Is("7")),
    ("double-end", "--root-by region -r ^load$ 1.27.3.trace", "latency / p50_ns", In(4_100_000, 4_300_000)),
    ("double-end", "--root-by region -r ^req$ 1.27.3.trace", "latency / min_ns", In(13_500_000, 13_900_000)),
    ("double-end", "--root-by region -r ^req$ 1.27.3.trace", "latency / max_ns", In(13_500_000, 13_900_000)),
    ("double-end", "1.27.3.trace", "annotations / name=query / count", Is("7")),
    ("double-end", "1.27.3.trace", "annotations / name=query / partial", Is("0")),
    ("batch-regions", "--root-by region -r tsoSend task-1.27.3.trace", "latency / count", Is("6")),
    ("batch-regions", "--root-by region -r tsoSend task-1.27.3.trace", "latency / min_ns", In(19_600_000, 19_700_000)),
    ("batch-regions", "--root-by region -r tsoSend task-1.27.3.trace", "latency / max_ns", In(21_800_000, 21_900_000)),
    ("batch-regions", "task-1.27.3.trace", "annotations / name=tsoSend / count", Is("6")),
    // Without a task nothing parts those that overlap; how many are inside is said, and both ways count alike.
    ("batch-regions", "--root-by region -r tsoSend bg-1.27.3.trace", "latency / count", Is("2")),
    ("batch-regions", "--root-by region -r tsoSend bg-1.27.3.trace", "selection / regions_inside", Is("4")),
    ("batch-regions", "bg-1.27.3.trace", "annotations / name=tsoSend / count", Is("2")),
    ("batch-regions", "bg-1.27.3.trace", "annotations / name=tsoSend / inside", Is("4")),
    ("goid-alone", "--metric goroutine --goid 20 t.trace", "total / goroutine_ns", Is("969156032")),
    ("goid-alone", "--metric goroutine --goid 20 t.trace", "trace / duration_ns", Is("969156032")),
    ("caddy-timers-as-requests", "-r reverseproxy caddy.trace", "latency / count", Is("75")),
    ("caddy-timers-as-requests", "-r reverseproxy caddy.trace", "selection / others / 0 / requests", Is("74")),
    ("etcd-post-new-connections", "-F -r accessController etcd.trace", "latency / count", Is("20")),
];

/// What the head, messages and exit codes say of it.
const SAID: &[Said] = &[
    (
        "survivors-only",
        "-r main.read$ httprouter.trace",
        0,
        &["286 more requests may be of these roots too", "the fast ones leave no stack", "of the slow 74 of up to 360"],
        &[],
    ),
    ("survivors-only", "-r main.read$ --summary httprouter.trace", 0, &["of the slow 74 of up to 360"], &[]),
    // Some of the undecided ones would keep the rule, others break one that is kept.
    (
        "cpu-only-handler",
        "-q -r main.Read --fail-if p50>1ms 1.27.3.trace",
        0,
        &["p50 is 2.16 ms without them, 54.8 µs with some of them"],
        &[],
    ),
    (
        "cpu-only-handler",
        "-q -r main.Read --strict --fail-if p95>6.5ms 1.27.3.trace",
        2,
        &["p95 is 2.18 ms without them, 7.77 ms with some of them"],
        &[],
    ),
    // Half of the undecided ones are faster than each that counts, and half are slower: nothing is inferred.
    (
        "cpu-only-handler",
        "-r main.Read 1.27.3.trace",
        0,
        &["40 undecided (p50 is of 20 of up to 60)"],
        &["likely", "the fast ones", "slow ones"],
    ),
    (
        "double-end",
        "--root-by region -r ^query$ 1.27.3.trace",
        0,
        &["7 with inferred edges: at most as long as shown"],
        &["at least 0 ns"],
    ),
    ("grpc-stream-workers", "grpc.trace", 0, &["107 requests on gRPC's stream workers"], &[]),
    (
        "cpu-only-handler",
        "-r main.Encode 1.27.3.trace",
        1,
        &["the handler of 40 requests left no stack", "CPU profile"],
        &[],
    ),
    ("flight", "-r main.Guess sync-1.27.3.trace", 0, &["1 not over at the end: ≥ 60.0 ms"], &[]),
    ("flight", "-r main.Guess --only 50ms.. sync-1.27.3.trace", 0, &["60.0 ms"], &["No request took as long"]),
    ("flight", "-r main.Guess --fail-if max>50ms sync-1.27.3.trace", 3, &["max is at least 60.0 ms"], &[]),
    (
        "stretch-older-than-trace",
        "-r main.Job$ 1.27.3.trace",
        0,
        &["began before the recording: ≥ 60", "likely ≥ 65", "if it is one call"],
        &["1 whole"],
    ),
    (
        "inferred-end-loses-computing",
        "-q -r WorkHandler --vs base.trace --fail-if p50>+50% t.trace",
        3,
        &["p50 went from 3.12 ms to 6.21 ms"],
        &[],
    ),
    (
        "survivors-only",
        "-r main.write$ --vs-root main.read$ httprouter.trace",
        0,
        &[
            "286 undecided requests of the base and 286 of the new side could change that",
            "25 of 400 requests of these servers are slow ones of the roots",
        ],
        &[],
    ),
    (
        "busy-worker",
        "-r main.Handle$ --vs gaps.trace --fail-if p95>+10% full.trace",
        2,
        &["may be several calls in a row", "A region or a task around each call would tell", "no p: how long"],
        &["Slower", "Mann-Whitney"],
    ),
    (
        "flight",
        "-r main.Guess --summary sync-1.27.3.trace",
        0,
        &[
            "38 requests counted, 1 not over at the end: ≥ 60.0 ms.",
            "next: gotrace-slice --root main.Guess --include-partial",
        ],
        &[],
    ),
    (
        "flight",
        "-r main.Guess --include-partial --slowest 1 --summary sync-1.27.3.trace",
        0,
        &["at least 60.0 ms."],
        &[],
    ),
    (
        "flight",
        "-r main.Guess --only ..p95 --summary sync-1.27.3.trace",
        0,
        &["requests counted"],
        &["at least", "--include-partial"],
    ),
    // The driver is on both sides; what the handler calls of it is not.
    (
        "db-rows-alike",
        "-r CreateUser --vs-root GetUser --summary mux.trace",
        0,
        &["(root), where the call of sql.(*Tx).Commit is new"],
        &["recvMessage", "(root), which is new"],
    ),
    ("busy-worker", "-r main.Handle$ --vs gaps.trace -f md full.trace", 0, &["no p: how long"], &["**+", "p <", "p ="]),
];

#[test]
fn undecided_requests_are_said() {
    check(UNDECIDED);
}

#[test]
fn what_an_edge_cuts_has_a_lower_bound() {
    check(CUT);
}

#[test]
fn stretches_are_as_many_and_as_long_as_the_calls() {
    check(STRETCHES);
}

#[test]
fn regions_goroutines_and_matches_are_what_the_program_says() {
    check(OTHERS);
}

#[test]
fn reports_and_exit_codes_say_it() {
    check_said(SAID);
}

/// A sample's outermost frame, `runtime.goexit`, makes no tower of its own.
#[test]
fn all_stacks_begin_alike() {
    let Some(answer) = json("cpu-sample-goexit", "-r SpinHandler t.trace") else { return };
    let stacks = answer["stacks"].as_array().expect("stacks");
    let outermost = |stack: &serde_json::Value| stack["frames"].as_array().and_then(|f| f.last().cloned());
    assert!(stacks.iter().all(|s| outermost(s).is_some_and(|f| f["function"] == "main.main.func1")), "{stacks:?}");
}
