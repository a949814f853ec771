//! Traces built to be slow to read, and their doubled versions. That they are read at all within the test's
//! patience is the test; what doubling costs is printed by
//! `cargo test --release --test scale -- --ignored --nocapture`, and should be about 2.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

mod common;

use common::evil::{KINDS, Kind};
use common::{root_by, selector, slice};
use gotrace_slice::pipeline::{self, Answer, Input, Options, Stacks};
use std::time::{Duration, Instant};

/// Lists what could be selected, selects by everything, and by creation with whole lives.
fn work(bytes: &Vec<u8>) -> u64 {
    let inputs = [Input { name: "test".into(), source: bytes }];
    let options = Options { stacks: Stacks::Joined, threads: 1 };
    let listed = pipeline::candidates(&inputs, options, &|_| {}).expect("candidates");
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
        assert!(started.elapsed() < Duration::from_secs(60), "{name} takes {:?}", started.elapsed());
    }
}

fn best_of_three(bytes: &Vec<u8>) -> Duration {
    let time = || {
        let started = Instant::now();
        work(bytes);
        started.elapsed()
    };
    (0..3).map(|_| time()).min().expect("three times")
}

#[test]
#[ignore = "measures; run it in release"]
fn what_doubling_costs() {
    let measure = |(name, n, make): Kind| {
        let (once, twice) = (best_of_three(&make(n)), best_of_three(&make(n * 2)));
        let ratio = twice.as_secs_f64() / once.as_secs_f64();
        println!("{name:40} {n:>8} {once:>12.1?}   {:>8} {twice:>12.1?}   {ratio:.2}", n * 2);
    };
    KINDS.into_iter().for_each(measure);
}
