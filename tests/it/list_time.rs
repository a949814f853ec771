//! The list and the message of no match are about the part of the trace that `--time` asks for, as reports are.

use crate::common::{by_stack, recordings, root_by, selector, slice};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Candidates, Profile};
use gotrace_slice::slice::{RootBy, Selector, TimeRange};
use std::path::PathBuf;

/// A recording and a part of it.
struct Part {
    path: PathBuf,
    trace: Vec<u8>,
    time: Option<TimeRange>,
}

impl Part {
    /// The two halves of the recordings of a program.
    fn halves(program: &str) -> Vec<Self> {
        let mut parts = Vec::new();
        for path in recordings(program) {
            let trace = std::fs::read(&path).expect("a trace");
            let whole = Self { path, trace, time: None };
            let middle = Some(whole.candidates().traces[0].duration_ns as i64 / 2);
            let ranges = [TimeRange { start: None, end: middle }, TimeRange { start: middle, end: None }];
            let half = |time| Self { path: whole.path.clone(), trace: whole.trace.clone(), time: Some(time) };
            parts.extend(ranges.map(half));
        }
        assert!(!parts.is_empty(), "{program}");
        parts
    }

    fn candidates(&self) -> Candidates {
        let inputs = [Input { name: "test".into(), source: &self.trace, resolver: None }];
        pipeline::candidates(&inputs, self.time, Options::default(), None).expect("a sound trace")
    }

    fn answer(&self, name: &str, root_by: RootBy) -> Answer {
        let pattern = format!("^{}$", regex::escape(name));
        slice(&self.trace, &Selector { time: self.time, ..selector(&pattern, root_by) }, 1).expect("a sound trace")
    }

    /// How many requests are whole and cut.
    fn counts(&self, name: &str, root_by: RootBy) -> (u64, u64) {
        let requests = |profile: Box<Profile>| profile.requests.expect("requests");
        match self.answer(name, root_by) {
            Answer::Profile(profile) => Some(requests(profile)).map(|r| (r.list.len() as u64, r.partial)),
            Answer::NoMatch(_) => None,
        }
        .unwrap_or_default()
    }
}

#[test]
fn handlers_are_those_of_the_part() {
    let mut whole = 0;
    for part in ["dispatch", "endpoints", "endpoints-h2", "grpc"].into_iter().flat_map(Part::halves) {
        let list = part.candidates();
        for row in &list.handlers {
            let elsewhere: u64 = row.elsewhere.iter().map(|row| row.count).sum();
            let listed = (row.took.count() + elsewhere, row.took.partial);
            let what = format!("{} {:?} {}", part.path.display(), part.time, row.function);
            assert_eq!(listed, part.counts(&row.function, by_stack()), "{what}");
            whole += row.took.count();
        }
    }
    assert!(whole > 1_000, "{whole}");
}

#[test]
fn tasks_and_regions_are_those_of_the_part() {
    for part in Part::halves("spans") {
        for row in part.candidates().annotations.iter().filter(|row| row.group.is_none()) {
            let what = format!("{} {:?} {}", part.path.display(), part.time, row.name);
            assert_eq!((row.took.count(), row.took.partial), part.counts(&row.name, root_by(row.kind)), "{what}");
        }
    }
}

/// Requests whose handler left no stack, and those whose stacks end in a middleware: in the message of no match, and in the
/// list.
#[test]
fn undecided_requests_are_those_of_the_part() {
    for (program, computing) in [("likely", "main.Nowhere"), ("endpoints", "main.Compute")] {
        for halves in Part::halves(program).chunks(2) {
            let whole = Part { path: halves[0].path.clone(), trace: halves[0].trace.clone(), time: None };
            let undecided = |part: &Part| {
                let Answer::NoMatch(list) = part.answer(computing, by_stack()) else {
                    panic!("{}: nothing has the name", part.path.display())
                };
                assert_eq!(list.undecided.count(), part.candidates().undecided.count());
                let rows = list.handlers.iter().filter(|row| row.within.is_empty());
                list.undecided.count() + rows.map(|row| row.undecided.count()).sum::<u64>()
            };
            let (all, of_halves) = (undecided(&whole), [undecided(&halves[0]), undecided(&halves[1])]);
            // The middle cuts what is under way there; each connection has one at most.
            let sum: u64 = of_halves.iter().sum();
            assert!(sum <= all && sum + 8 >= all && of_halves.iter().all(|n| *n < all), "{of_halves:?} of {all}");
        }
    }
}

#[test]
fn goroutines_are_those_that_lived_in_the_part() {
    for halves in Part::halves("started").chunks(2) {
        let whole = Part { path: halves[0].path.clone(), trace: halves[0].trace.clone(), time: None };
        let sums = |part: &Part| {
            let rows = part.candidates().rows;
            (rows.iter().map(|row| row.count).sum::<u64>(), rows.iter().map(|row| row.total_ns).sum::<u64>())
        };
        let ((count, ns), [a, b]) = (sums(&whole), [sums(&halves[0]), sums(&halves[1])]);
        assert!(a.0 < count && a.0 + b.0 >= count, "{a:?} {b:?} {count}");
        // Lives are exact to a few ns.
        assert!((a.1 + b.1).abs_diff(ns) <= 4 * count, "{a:?} {b:?} {ns}");
    }
}

/// An undecided request that `--time` cuts is no whole one, and is told with how long it was seen.
#[test]
fn undecided_requests_that_are_cut_are_told() {
    for path in recordings("endpoints") {
        let trace = std::fs::read(&path).expect("a trace");
        let options = Options { request_stacks: true, undecided: true, threads: 1, ..Options::default() };
        let ask = |time| {
            let inputs = [Input { name: "test".into(), source: &trace, resolver: None }];
            let selector = Selector { time, ..selector("^main.Sleep$", by_stack()) };
            match pipeline::profile(&inputs, &selector, options, None) {
                Ok(Answer::Profile(profile)) => profile.selection.undecided,
                other => panic!("{}: {other:?}", path.display()),
            }
        };
        let all = ask(None);
        let what = path.display();
        assert_eq!(all.took.partial, 0, "{what}");
        let last = all.list.last().expect("requests that leave no stack");
        let middle = (last.start_ns + last.dur_ns / 2) as i64;
        let cut = ask(Some(TimeRange { start: None, end: Some(middle) }));
        assert_eq!((cut.count(), cut.took.partial), (all.count() - 1, 1), "{what}");
        assert!(cut.took.cut_max_ns.abs_diff(last.dur_ns / 2) <= 2_000, "{what}: {} of {last:?}", cut.took.cut_max_ns);
    }
}
