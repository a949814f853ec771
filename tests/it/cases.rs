//! The situations of `../shared/cases` in which the answer once was wrong or misleading: small traces of real programs,
//! each with the right value and how it is known (`expect.txt`). Not committed; without the folder these tests are
//! skipped. What is to last is tested on programs of our own (`testdata/gen`).
//!
//! A table has one row for each question and value. A question is a case and the options, as in its `cmd.txt`; a value
//! is found by a path into the JSON report.

mod answer;
mod damage;
mod findings;
mod lists;
mod requests;
mod wakers;

use crate::common::cases;
use serde_json::Value;
use std::process::{Command, Output};

/// What the right value is.
#[derive(Clone, Copy)]
enum Right {
    /// This, as JSON.
    Is(&'static str),
    /// A number between these, inclusive.
    In(u64, u64),
    /// So many entries, or characters.
    Len(usize),
    /// No such entry.
    Absent,
}

use Right::{Absent, In, Is, Len};

/// A question's case and options, a path into the answer, and the right value there.
type Row = (&'static str, &'static str, &'static str, Right);

/// An answer in words: case, options, exit code, what it says, and what it does not say.
type Said = (&'static str, &'static str, i32, &'static [&'static str], &'static [&'static str]);

/// 1 ms in ns.
const MS: u64 = 1_000_000;

/// Runs the command inside a case's folder; none without the cases.
fn run(case: &str, options: &[&str]) -> Option<Output> {
    let folder = cases()?.join(case);
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
    command.current_dir(folder).env("LANG", "C.UTF-8").env_remove("COLUMNS").args(options);
    Some(command.output().expect("it runs"))
}

/// The JSON report.
fn json(case: &str, options: &str) -> Option<Value> {
    let options: Vec<&str> = ["-q", "-f", "json"].into_iter().chain(options.split_whitespace()).collect();
    let output = run(case, &options)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{case} {options:?}: {e}: {said}")))
}

/// The value at a path. A step is a key, a position, or `key=value&key=value`: the first entry of a list with these.
fn at<'v>(json: &'v Value, path: &str) -> Option<&'v Value> {
    path.split(" / ").filter(|step| !step.is_empty()).try_fold(json, |value, step| match value {
        Value::Array(list) => match step.parse::<usize>() {
            Ok(position) => list.get(position),
            Err(_) => list.iter().find(|entry| step.split('&').all(|field| has(entry, field))),
        },
        _ => value.get(step),
    })
}

/// Whether an entry has a field, `key=value`; `key~value` is the end of the value.
fn has(entry: &Value, field: &str) -> bool {
    let (key, wanted, is_end) = match (field.split_once('='), field.split_once('~')) {
        (_, Some((key, end))) => (key, end, true),
        (Some((key, value)), None) => (key, value, false),
        _ => panic!("{field} is no field"),
    };
    let found = entry.get(key).and_then(Value::as_str).unwrap_or_default();
    if is_end { found.ends_with(wanted) } else { found == wanted }
}

fn is_right(found: Option<&Value>, right: Right) -> bool {
    match right {
        Is(text) => found == Some(&serde_json::from_str(text).expect("JSON")),
        In(low, high) => found.and_then(Value::as_u64).is_some_and(|n| low <= n && n <= high),
        Len(n) => found.is_some_and(|v| v.as_array().map(Vec::len).or(v.as_str().map(str::len)) == Some(n)),
        Absent => found.is_none(),
    }
}

/// Asks each question once.
fn check(rows: &[Row]) {
    let mut answers: Vec<(&str, &str, Value)> = Vec::new();
    for &(case, options, path, right) in rows {
        if !answers.iter().any(|(c, o, _)| (*c, *o) == (case, options)) {
            let Some(answer) = json(case, options) else { return };
            answers.push((case, options, answer));
        }
        let (_, _, answer) = answers.iter().find(|(c, o, _)| (*c, *o) == (case, options)).expect("an answer");
        let found = at(answer, path);
        assert!(is_right(found, right), "{case} {options}: {path} is {found:?}");
    }
}

/// Runs each command for people.
fn check_said(rows: &[Said]) {
    for &(case, options, code, says, does_not_say) in rows {
        let options: Vec<&str> = options.split_whitespace().collect();
        let Some(output) = run(case, &options) else { return };
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        // Lines are wrapped anywhere.
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(code), "{case} {options:?}: {text}");
        let missing: Vec<_> = says.iter().filter(|part| !words.contains(**part)).collect();
        let wrong: Vec<_> = does_not_say.iter().filter(|part| words.contains(**part)).collect();
        assert!(missing.is_empty() && wrong.is_empty(), "{case} {options:?}: {missing:?} {wrong:?}: {text}");
    }
}
