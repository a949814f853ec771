//! Fuzzing on stable Rust: seeds are the traces of the repository and made-up ones, damage is
//! that of `common/mutate.rs`. `GOTRACE_SLICE_FUZZ_SECONDS` says how long (2 by default, 60 in CI), `GOTRACE_SLICE_FUZZ_SEED` where to
//! start. An input that panics is saved in Cargo's temporary folder under `target`, and its path is printed.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::mutate::Mutator;
use crate::common::sim::{Plan, simulate};
use crate::common::{self, every_byte_counts_once, files, root, root_by, selector, slice, whole_life};
use gotrace_slice::pipeline::Answer;
use gotrace_slice::slice::Selector;
use gotrace_slice::slice::TimeRange;
use gotrace_slice::trace::testing::{from_text, to_text};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let real = files(&root().join("testdata/traces"), "trace").into_iter().map(|p| std::fs::read(p).expect("a trace"));
    let texts = files(&root().join("testdata/text"), "txt").into_iter().map(|path| {
        let text = std::fs::read_to_string(path).expect("a scenario");
        from_text(&text[text.find("\nTrace Go").expect("events") + 1..]).expect("a trace")
    });
    let made_up = (0..24).map(|seed| {
        let version = ["1.22", "1.23", "1.25", "1.26"][seed as usize % 4];
        simulate(Plan { seed: seed * 77 + 5, steps: 60, threads: 3, generations: 3, version }).bytes
    });
    real.filter(|bytes| bytes.len() < 12_000).chain(texts).chain(made_up).collect()
}

fn selectors() -> Vec<Selector> {
    let mut ranged = selector("main", root_by("creation,entry,stack"));
    ranged.time = Some(TimeRange { start: Some(100), end: Some(5_000) });
    vec![
        whole_life("."),
        selector(".", root_by("stack")),
        selector("main.h|f1", root_by("creation,entry,stack")),
        ranged,
    ]
}

/// What must hold for any bytes.
fn check(bytes: &Vec<u8>, selector: &Selector) {
    let answer = slice(bytes, selector, 1);
    assert_eq!(format!("{answer:?}"), format!("{:?}", slice(bytes, selector, 2)), "threads matter");
    match &answer {
        Ok(Answer::Profile(profile)) => every_byte_counts_once(bytes, &profile.traces, &profile.warnings),
        Ok(Answer::NoMatch(candidates)) => every_byte_counts_once(bytes, &candidates.traces, &candidates.warnings),
        Err(_) => {}
    }
    if let Ok(Answer::Profile(profile)) = answer {
        let total = profile.samples.iter().fold(0u64, |sum, s| sum.saturating_add(s.weight.goroutine_ns));
        assert_eq!(total, profile.total.goroutine_ns, "samples and total differ");
        // An interval lies inside the trace, and no goroutine is in two at once.
        let lives = u128::from(profile.selection.goroutines)
            * profile.traces.iter().map(|t| u128::from(t.duration_ns)).sum::<u128>();
        assert!(u128::from(total) <= lives || total == u64::MAX, "{total} ns of {lives} possible");
    }
    if let Ok(text) = to_text(bytes) {
        assert!(from_text(&text).as_ref() == Ok(bytes), "the text form is not faithful");
    }
}

#[test]
fn nothing_panics() {
    let seconds = number("GOTRACE_SLICE_FUZZ_SECONDS", 2);
    let seed = number("GOTRACE_SLICE_FUZZ_SEED", 0x5eed) | 1;
    let mut mutator = Mutator::new(seed, seeds());
    let selectors = selectors();
    let started = Instant::now();
    let mut executions = 0u64;
    let mut slowest = Duration::ZERO;
    while started.elapsed() < Duration::from_secs(seconds) {
        let (bytes, _) = mutator.next(4);
        let one = Instant::now();
        let selector = &selectors[executions as usize % selectors.len()];
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&bytes, selector)));
        slowest = slowest.max(one.elapsed());
        executions += 1;
        if outcome.is_err() {
            let path =
                std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{seed:x}-{executions}.trace"));
            std::fs::write(&path, &bytes).expect("a writable folder");
            panic!("execution {executions}, question {}: saved as {}", (executions - 1) % 4, path.display());
        }
    }
    println!("{executions} executions in {seconds} s, the slowest took {slowest:?}");
    assert!(executions > 20);
}

/// What the fuzzer found before.
#[test]
fn known_findings() {
    let found = common::files(&common::root().join("testdata/corrupt"), "trace");
    assert!(!found.is_empty());
    for path in found {
        let bytes = std::fs::read(&path).expect("a readable file");
        for selector in &selectors() {
            check(&bytes, selector);
        }
    }
}
