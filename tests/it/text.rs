//! Traces as text: each file of `testdata/text` is one scenario with what it must come to; and the text form
//! loses nothing.
//!
//! ```text
//! # What happens, in prose.
//! run --root main.handler --root-by stack     what is asked, as on the command line (times in ns)
//!   selected roots=1 goroutines=2             counts of the selection; those not named are not checked
//!   state chan receive 100/1                  nanoseconds/intervals; all states, and no others
//!   stack running 40 main.main;main.handler   nanoseconds on one stack, root first
//!   detail sweep 15                           nanoseconds with this detail, whatever the state
//!   warnings recording                        the ids of all warnings; none when left out
//!   incomplete                                data is missing; else the trace was read whole
//!   no match                                  nothing was selected
//! Trace Go1.22                                the events, see `format::text`
//! ```

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::{self, files, is_v2, root, selector};
use gotrace_slice::pipeline::Answer;
use gotrace_slice::profile::{Profile, Selection};
use gotrace_slice::slice::TimeRange;
use gotrace_slice::slice::{PatternSyntax, Patterns, RootBy, Selector};
use gotrace_slice::trace::ids::GoId;
use gotrace_slice::trace::testing::{from_text, to_text};

/// One question to a scenario, and its answer as lines.
struct Run {
    selector: Selector,
    /// Names in `selected` that are checked.
    checked: Vec<String>,
    /// In the order in which [`answer`] gives them.
    expected: Vec<String>,
}

fn parse_run(line: &str) -> Run {
    let mut s = selector("", RootBy::default());
    let mut words = line.split_whitespace().skip(1);
    let patterns =
        |text: &str| Patterns::new("--root", &[text.to_owned()], PatternSyntax::default()).expect("a valid pattern");
    while let Some(flag) = words.next() {
        if flag == "--whole-life" {
            s.whole_life = true;
            continue;
        }
        let value = words.next().expect("a value");
        match flag {
            "--root" => s.roots = patterns(value),
            "--exclude" => s.exclude = Some(patterns(value)),
            "--goid" => s.goids.push(GoId(value.parse().expect("an id"))),
            "--root-by" => {
                s.root_by = common::root_by(value);
            }
            "--time" => {
                let (start, end) = value.split_once("..").expect("A..B");
                s.time = Some(TimeRange { start: start.parse().ok(), end: end.parse().ok() });
            }
            _ => panic!("unknown flag {flag}"),
        }
    }
    Run { selector: s, checked: Vec::new(), expected: Vec::new() }
}

/// Prose aside, the questions of a scenario.
fn parse_runs(head: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for line in head.lines().map(|l| l.split('#').next().unwrap_or("").trim()).filter(|l| !l.is_empty()) {
        if line.starts_with("run ") {
            runs.push(parse_run(line));
            continue;
        }
        let run = runs.last_mut().expect("a run before its expectations");
        if let Some(counts) = line.strip_prefix("selected ") {
            run.checked.extend(counts.split_whitespace().map(|c| c.split('=').next().unwrap_or(c).to_owned()));
        }
        run.expected.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    runs
}

fn count(selection: &Selection, name: &str) -> u64 {
    match name {
        "roots" => selection.roots,
        "by_creation" => selection.roots_by_creation,
        "by_entry" => selection.roots_by_entry,
        "by_stack" => selection.roots_by_stack,
        "by_task" => selection.roots_by_task,
        "by_region" => selection.roots_by_region,
        "cut" => selection.roots_cut,
        "goroutines" => selection.goroutines,
        "depth" => u64::from(selection.max_depth),
        "excluded" => selection.excluded,
        "recording" => selection.recording,
        "runtime" => selection.runtime,
        "outlived" => selection.outlived,
        _ => panic!("nothing is called {name}"),
    }
}

fn stack_lines(profile: &Profile, expected: &[String]) -> Vec<String> {
    let mut by_stack = std::collections::BTreeMap::<String, u64>::new();
    for sample in &profile.samples {
        let mut frames: Vec<&str> = profile.tree.stack(sample.stack).map(|f| f.function.as_str()).collect();
        frames.reverse();
        *by_stack.entry(format!("{} ? {}", sample.state, frames.join(";"))).or_default() += sample.weight.goroutine_ns;
    }
    // Only the stacks that the scenario speaks of, in its order.
    let wanted = expected.iter().filter_map(|l| l.strip_prefix("stack "));
    wanted
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let at = words.iter().position(|w| w.parse::<u64>().is_ok()).expect("nanoseconds");
            let key = format!("{} ? {}", words[..at].join(" "), words[at + 1..].join(" "));
            let found = by_stack.get(key.trim_end()).or_else(|| by_stack.get(&key)).copied().unwrap_or(0);
            let text = format!("stack {} {found} {}", words[..at].join(" "), words[at + 1..].join(" "));
            text.trim_end().to_owned()
        })
        .collect()
}

fn detail_lines(profile: &Profile, expected: &[String]) -> Vec<String> {
    let wanted = expected.iter().filter_map(|l| l.strip_prefix("detail ")?.rsplit_once(' '));
    let ns = |detail| profile.samples.iter().filter(|s| s.detail == detail).map(|s| s.weight.goroutine_ns).sum::<u64>();
    wanted.map(|(detail, _)| format!("detail {detail} {}", ns(detail))).collect()
}

/// What the pipeline says, in the words of the expectation and in its order.
fn answer(bytes: &Vec<u8>, run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    let answer = match common::slice(bytes, &run.selector, 1) {
        Ok(answer) => answer,
        Err(error) => return vec![format!("error {error}")],
    };
    let (warnings, complete) = match &answer {
        Answer::NoMatch(candidates) => {
            lines.push("no match".to_owned());
            (&candidates.warnings, candidates.traces.iter().all(|t| t.complete))
        }
        Answer::Profile(profile) => {
            if !run.checked.is_empty() {
                let counts: Vec<String> =
                    run.checked.iter().map(|name| format!("{name}={}", count(&profile.selection, name))).collect();
                lines.push(format!("selected {}", counts.join(" ")));
            }
            let mut states: Vec<String> =
                common::states(profile).iter().map(|(s, (ns, n))| format!("state {s} {ns}/{n}")).collect();
            // In the scenario's order where it names them.
            states.sort_by_key(|l| run.expected.iter().position(|e| e == l).unwrap_or(usize::MAX));
            lines.extend(states);
            lines.extend(stack_lines(profile, &run.expected));
            lines.extend(detail_lines(profile, &run.expected));
            (&profile.warnings, profile.complete())
        }
    };
    if !warnings.is_empty() {
        let ids: Vec<&str> = warnings.iter().map(|w| w.id).collect();
        lines.push(format!("warnings {}", ids.join(" ")));
    }
    if !complete {
        lines.push("incomplete".into());
    }
    lines
}

#[test]
fn scenarios() {
    let (mut failures, mut checked) = (Vec::new(), 0);
    for path in files(&root().join("testdata/text"), "txt") {
        let text = std::fs::read_to_string(&path).expect("a readable scenario");
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let start = text.find("\nTrace Go").unwrap_or_else(|| panic!("{name} has no trace")) + 1;
        // The events keep their line numbers in the file.
        let blank: String = text[..start].chars().filter(|c| *c == '\n').collect();
        let bytes = from_text(&(blank + &text[start..])).unwrap_or_else(|e| panic!("{name}: {e}"));
        let printed = to_text(&bytes).expect("a trace");
        assert_eq!(from_text(&printed).as_ref(), Ok(&bytes), "{name}: the text form is not faithful");
        let runs = parse_runs(&text[..start]);
        assert!(!runs.is_empty(), "{name} asks nothing");
        for (i, run) in runs.iter().enumerate() {
            checked += 1;
            let found = answer(&bytes, run);
            if found != run.expected {
                let question = text[..start].lines().filter(|l| l.starts_with("run ")).nth(i).unwrap_or("");
                failures.push(format!(
                    "{name}: {question}\n  expected\n    {}\n  found\n    {}",
                    run.expected.join("\n    "),
                    found.join("\n    ")
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {checked} answers are wrong\n{}", failures.len(), failures.join("\n"));
    assert!(checked >= 40, "only {checked} answers were checked");
}

#[test]
fn text_keeps_every_byte_of_real_traces() {
    let mut checked = 0;
    for path in files(&root().join("testdata/traces"), "trace") {
        let bytes = std::fs::read(&path).expect("a readable trace");
        if is_v2(&bytes) {
            let text = to_text(&bytes).expect("a trace");
            assert!(!text.contains("\nForeign ") && !text.contains("\nBytes "), "{} is not understood", path.display());
            assert!(from_text(&text).as_ref() == Ok(&bytes), "{} changes as text", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 30, "only {checked} traces");
}
