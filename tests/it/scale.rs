//! Traces built to be slow to read. That they are read at all within the test's patience is the test; what doubling them costs
//! is in `doubling.rs`. And threads that share a trace change nothing.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::evil::{KINDS, old, server};
use crate::common::{self, root_by, selector, slice};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::slice::Selector;
use std::time::{Duration, Instant};

/// Lists what could be selected, selects by everything, and by creation with whole lives.
fn work(bytes: &Vec<u8>) -> u64 {
    let inputs = [Input { name: "test".into(), source: bytes, resolver: None }];
    let options = Options { threads: 1, ..Options::default() };
    let listed = pipeline::candidates(&inputs, None, options, None).expect("candidates");
    let mut events = listed.traces[0].events;
    for selector in [selector("main", root_by("creation,entry,stack")), common::whole_life("main")] {
        events += match slice(bytes, &selector, 1).expect("an answer") {
            Answer::Profile(profile) => profile.traces[0].events,
            Answer::NoMatch(candidates) => candidates.traces[0].events,
        };
    }
    events
}

#[test]
fn evil_traces_are_read() {
    for (name, n, make) in KINDS {
        let started = Instant::now();
        let events = work(&make(n));
        assert!(events >= n, "{name}: {events} events");
        // A net for what is quadratic, far above what any machine needs.
        assert!(started.elapsed() < Duration::from_mins(1), "{name} takes {:?}", started.elapsed());
    }
}

/// Processor time of this process, its finished threads included, and of others that it ran to their end, in ms. Other
/// programs do not disturb it.
pub(crate) fn processor_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |i: usize| fields[i].parse::<u64>().expect("a number");
    (11..=14).map(ticks).sum::<u64>() * 10
}

/// Every thread's event is next in its turn: nothing is missing, nothing contradicts.
#[test]
fn a_server_with_many_threads_is_sound() {
    let selector = selector("main", root_by("creation"));
    let Answer::Profile(profile) = slice(&server(128, 20_000), &selector, 1).expect("an answer") else {
        panic!("no match")
    };
    assert_eq!(profile.warnings, []);
    assert_eq!(profile.selection.roots, 128);
}

fn digest_with(threads: usize, bytes: &Vec<u8>) -> String {
    digest_of(threads, bytes, &selector("main", root_by("creation,entry,stack")))
}

fn digest_of(threads: usize, bytes: &Vec<u8>, selector: &Selector) -> String {
    match slice(bytes, selector, threads).expect("an answer") {
        Answer::Profile(profile) => common::digest(&profile),
        Answer::NoMatch(candidates) => format!("{:?}", candidates.warnings),
    }
}

/// Threads share large generations: what comes of it is the same, also where something is damaged.
#[test]
fn threads_share_a_generation() {
    let sound = server(8, 500_000);
    let damaged_at = |place: usize| {
        let mut bytes = sound.clone();
        bytes[place..place + 40].fill(0xff);
        bytes
    };
    let mut traces = vec![damaged_at(sound.len() / 3), damaged_at(sound.len() / 5 * 4), sound];
    traces.extend(KINDS.map(|(_, n, make)| make(2 * n)));
    for (i, bytes) in traces.iter().enumerate() {
        let alone = digest_with(1, bytes);
        for threads in [2, 8] {
            assert!(digest_with(threads, bytes) == alone, "trace {i}, {threads} threads");
        }
    }
}

/// Where more waits end at a moment than a list has room for, which of them are told depends on which paths are walked together.
/// That does not depend on threads, in old traces either.
#[test]
fn threads_change_nothing_in_a_crowded_old_trace() {
    let bytes = old::crowded(16_000);
    let requests = selector("main", root_by("creation"));
    let alone = digest_of(1, &bytes, &requests);
    assert!(alone.contains("[more]"), "not crowded");
    for threads in [2, 3, 8] {
        assert!(digest_of(threads, &bytes, &requests) == alone, "{threads} threads");
    }
}

/// What a server with many cores does to the merge: as many events on more and more threads, each thread's next event
/// after those of all others.
#[test]
#[ignore = "measures; run it in release"]
fn what_threads_cost() {
    let selector = selector("main", root_by("creation"));
    for threads in [2, 8, 32, 128, 512] {
        let bytes = server(threads, 3_000_000);
        let (started, mut events) = (processor_ms(), 0);
        while processor_ms() - started < 2_000 {
            let Answer::Profile(profile) = slice(&bytes, &selector, 1).expect("an answer") else { panic!("no match") };
            events += profile.traces[0].events;
        }
        let ns = (processor_ms() - started) as f64 * 1e6 / events as f64;
        println!("{threads:>4} threads {:>6.1} MB {ns:>7.1} ns per event", bytes.len() as f64 / 1e6);
    }
}
