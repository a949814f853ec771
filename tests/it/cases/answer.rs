//! The first lines of the report.

use super::{Absent, Is, Row, Said, check, check_said};

const ANSWERS: &[Row] = &[
    // All three calls go through main.call.
    ("which-call", "-r main.Page$ after-1.27.3.trace", "answer / causes / 0 / place / function", Is("\"main.orders\"")),
    ("which-call", "-r main.Page$ after-1.27.3.trace", "answer / causes / 0 / place / line", Is("33")),
    (
        "rwmutex",
        "-r ^main.Read$ 1.27.3.trace",
        "answer / causes / 0 / waits_for / place / function",
        Is("\"main.scan\""),
    ),
    ("rwmutex", "-r ^main.Read$ 1.27.3.trace", "answer / causes / 0 / waits_for / holds_lock", Is("true")),
    (
        "own-contention",
        "-r main.write$ httprouter.trace",
        "answer / causes / 0 / waits_for / place / function",
        Is("\"main.write\""),
    ),
    // The driver below GOPATH is not the program's own.
    (
        "db-rows-alike",
        "-r CreateUser mux.trace",
        "answer / causes / 0 / place / function",
        Is("\"main.(*API).CreateUser\""),
    ),
    ("db-rows-alike", "-r CreateUser mux.trace", "answer / causes / 0 / waits_for / place", Absent),
    (
        "pool-crosses-requests",
        "-F -r viaDB pool.trace",
        "answer / causes / 0 / waits_for / place / function",
        Is("\"main.viaDB\""),
    ),
    ("pool-crosses-requests", "-F -r viaDB pool.trace", "answer / causes / 1 / place / function", Is("\"main.viaDB\"")),
];

const SAID: &[Said] = &[
    (
        "rwmutex",
        "--summary -r ^main.Read$ 1.27.3.trace",
        0,
        &["waits in main.Read (main.go:34) for a lock that main.scan holds while it sleeps (main.go:17)"],
        &["LATENCY", "main.tick"],
    ),
    (
        "which-call",
        "--summary -r main.Page$ --vs before-1.27.3.trace after-1.27.3.trace",
        0,
        &["Slower: the mean by", "main.orders"],
        &["main.users", "LATENCY"],
    ),
];

#[test]
fn the_function_that_decides_is_named() {
    check(ANSWERS);
}

#[test]
fn it_can_be_pasted_into_an_incident() {
    check_said(SAID);
}
