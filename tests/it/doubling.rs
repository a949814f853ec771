//! Time that traces which are built to be slow cost: doubled, at most 2.3 times the instructions; in any megabyte, at most a
//! second of processor time. Instructions are counted by valgrind: caches and other programs do not change them.
//!
//! ```sh
//! cargo test --release --test it doubling:: -- --ignored --nocapture
//! ```
//!
//! `GOTRACE_SLICE_KIND` says which kinds, by a part of their name; `GOTRACE_SLICE_PROGRAM` which program, if not the one that
//! Cargo builds for the test; `GOTRACE_SLICE_KEEP` a folder for the last trace of each kind.

#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::evil::KINDS;
use crate::scale::processor_ms;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// How many times the instructions a doubled trace may cost.
const MOST: f64 = 2.3;
/// Bytes of a trace of which processor time is measured, at most.
const MEGABYTE: usize = 1_000_000;
/// One test at a time: the processor time of what one runs would be the other's too.
static MEASURES: Mutex<()> = Mutex::new(());
/// The least measured of instructions: what a start of the program costs hides no doubling then.
const LEAST: u64 = 30_000_000;

/// What is asked: a list of candidates, a selection without critical paths, one with them, and one with each request's stacks.
const ASKED: [(&str, &[&str]); 4] = [
    ("list", &[]),
    ("states", &["--root", "main", "--root-by", "creation,entry,stack", "--metric", "goroutine"]),
    ("paths", &["--root", "main", "--root-by", "creation,entry,stack"]),
    ("all", &["--root", "main", "--root-by", "creation,entry,stack,task,region", "-f", "html"]),
];

fn program() -> String {
    std::env::var("GOTRACE_SLICE_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_gotrace-slice").to_owned())
}

/// Runs the program, by itself or under another one; gives what that says.
fn run(mut command: Command, asked: &[&str], file: &Path) -> String {
    command.args(["--no-progress", "-q", "-j", "1"]).args(asked).arg(file);
    let output = command.stdout(Stdio::null()).output().expect("a program to run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Done, or nothing matches.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{asked:?} {}: {said}", file.display());
    said
}

/// Instructions that the program takes.
fn instructions(asked: &[&str], file: &Path) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]).arg(program());
    let said = run(valgrind, asked, file);
    let line = said.lines().find_map(|line| line.split_once("I   refs:").or(line.split_once("I refs:")));
    let number: String = line.expect("a count").1.chars().filter(char::is_ascii_digit).collect();
    number.parse().expect("a number")
}

/// Kinds that are wanted, with a file to write each to.
fn each_kind(mut measure: impl FnMut(&str, u64, &dyn Fn(u64) -> Vec<u8>, &Path)) {
    let _alone = MEASURES.lock().unwrap_or_else(PoisonError::into_inner);
    let passing = tempfile::tempdir().expect("a folder");
    let keep = std::env::var_os("GOTRACE_SLICE_KEEP").map(PathBuf::from);
    let wanted = std::env::var("GOTRACE_SLICE_KIND").unwrap_or_default();
    for (name, n, make) in KINDS.into_iter().filter(|(name, ..)| name.contains(&wanted)) {
        let file = keep.as_deref().unwrap_or(passing.path()).join(format!("{}.trace", name.replace(' ', "-")));
        measure(name, n, &make, &file);
    }
}

#[test]
#[ignore = "takes minutes, and needs valgrind"]
fn doubling_costs_no_more_than_twice() {
    let mut wrong = Vec::new();
    each_kind(|name, mut n, make, file| {
        let cost = |n: u64| {
            std::fs::write(file, make(n)).expect("a folder to write to");
            ASKED.map(|(_, asked)| instructions(asked, file))
        };
        let mut once = cost(n);
        while once.iter().any(|count| *count < LEAST) {
            n *= 4;
            once = cost(n);
        }
        let twice = cost(2 * n);
        let ratios: Vec<f64> = once.iter().zip(twice).map(|(once, twice)| twice as f64 / *once as f64).collect();
        let told: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:5.2}")).collect();
        println!("| {name} | {n} | {} |", told.join(" | "));
        if ratios.iter().any(|ratio| *ratio > MOST) {
            wrong.push(name.to_owned());
        }
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
#[ignore = "measures; run it in release"]
fn a_megabyte_takes_a_second_at_most() {
    let mut wrong = Vec::new();
    each_kind(|name, n, make, file| {
        // Ids take more bytes in longer traces.
        let mut n = n * MEGABYTE as u64 / make(n).len() as u64;
        while make(n).len() > MEGABYTE {
            n -= n / 50 + 1;
        }
        let bytes = make(n);
        std::fs::write(file, &bytes).expect("a folder to write to");
        let took = ASKED.map(|(_, asked)| {
            let before = processor_ms();
            run(Command::new(program()), asked, file);
            processor_ms() - before
        });
        println!("| {name} | {n} | {} | {} |", bytes.len(), took.map(|ms| format!("{ms} ms")).join(" | "));
        if took.iter().any(|ms| *ms > 1_000) {
            wrong.push(name.to_owned());
        }
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}
