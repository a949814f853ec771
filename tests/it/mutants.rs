//! Very many damaged traces, small ones: none panics, none takes a second of CPU time, and threads change nothing.
//!
//! `GOTRACE_SLICE_MUTANTS` says how many (2 000; 100 000 in `.ci/run`). The seed is another one in each run, and printed;
//! `GOTRACE_SLICE_MUTANTS_SEED` repeats a run. What fails is saved in Cargo's temporary folder under `target`.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::mutate::Mutator;
use crate::common::{every_byte_counts_once, root_by, selector, slice, whole_life};
use crate::fuzz::{number, seeds};
use gotrace_slice::pipeline::Answer;
use gotrace_slice::slice::Selector;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Threads that try mutants, each its own.
const WORKERS: u64 = 2;
/// Bytes of a seed at most: many small traces meet more rules than few large ones.
const LARGEST: usize = 4_000;
/// CPU time that any mutant may take.
const MOST: Duration = Duration::from_secs(1);

/// CPU time of this thread so far. Zero where the system does not say.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// What holds for each of them.
fn check(bytes: &Vec<u8>, selector: &Selector) {
    let started = (cpu_time(), Instant::now());
    let answer = slice(bytes, selector, 1);
    if started.1.elapsed() > MOST {
        let spent = cpu_time().saturating_sub(started.0);
        assert!(spent <= MOST, "takes {spent:?} of CPU time");
    }
    assert!(format!("{answer:?}") == format!("{:?}", slice(bytes, selector, 3)), "threads matter");
    match &answer {
        Ok(Answer::Profile(profile)) => every_byte_counts_once(bytes, &profile.traces, &profile.warnings),
        Ok(Answer::NoMatch(candidates)) => every_byte_counts_once(bytes, &candidates.traces, &candidates.warnings),
        Err(_) => {}
    }
}

/// Tries so many mutants. Gives those that failed.
fn try_mutants(seed: u64, n: u64, seeds: Vec<Vec<u8>>) -> Vec<String> {
    let selectors = [selector(".", root_by("creation,entry,stack")), whole_life("main")];
    let mut mutator = Mutator::new(seed, seeds);
    let mut failed = Vec::new();
    for i in 0..n {
        let (bytes, damage) = mutator.next(4);
        let selector = &selectors[(i % 2) as usize];
        if catch_unwind(AssertUnwindSafe(|| check(&bytes, selector))).is_err() {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutant-{seed}-{i}.trace"));
            std::fs::write(&path, &bytes).expect("a writable folder");
            failed.push(format!("{damage:?}: saved as {}", path.display()));
        }
    }
    failed
}

#[test]
fn no_mutant_panics_takes_long_or_depends_on_threads() {
    let n = number("GOTRACE_SLICE_MUTANTS", 2_000);
    let seed = number("GOTRACE_SLICE_MUTANTS_SEED", RandomState::new().hash_one(0) >> 16);
    println!("GOTRACE_SLICE_MUTANTS={n} GOTRACE_SLICE_MUTANTS_SEED={seed}");
    let mut small = seeds();
    small.retain(|bytes| bytes.len() <= LARGEST);
    let started = Instant::now();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let start = |worker| {
            let small = small.clone();
            scope.spawn(move || try_mutants(seed.wrapping_add(worker * 2), n.div_ceil(WORKERS), small))
        };
        let workers: Vec<_> = (0..WORKERS).map(start).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("panics are caught")).collect()
    });
    println!("{n} mutants of {} traces in {:?}", small.len(), started.elapsed());
    assert!(failed.is_empty(), "{} of {n} failed, seed {seed}: {failed:#?}", failed.len());
}
