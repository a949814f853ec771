//! The corpus of real and adversarial traces: a report or a clear refusal of every file, and of those that Go's
//! own reader takes, a complete one. Skipped where the corpus is absent.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::{corpus, is_v2, root_by, selector, slice};
use gotrace_slice::pipeline::Answer;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// No promise, only a net for what hangs.
const HANGS: Duration = Duration::from_mins(1);

/// What came of a file.
enum Verdict {
    Complete,
    Incomplete(String),
    Refused(String),
    /// Nothing in it can be selected, so its events were never ordered.
    Empty,
}

fn read(bytes: &Vec<u8>, pattern: &str) -> Verdict {
    let (complete, warnings, text) = match slice(bytes, &selector(pattern, root_by("creation,entry,stack")), 1) {
        Ok(Answer::Profile(p)) => {
            let frames = p.tree.frames().iter().map(|f| format!("{} {}", f.function, f.file));
            let text = frames.chain(p.samples.iter().map(|s| s.state.to_string())).collect::<Vec<_>>().join("\n");
            (p.complete(), p.warnings, text)
        }
        Ok(Answer::NoMatch(c)) if c.rows.iter().all(|r| r.entry.is_empty()) => return Verdict::Empty,
        Ok(Answer::NoMatch(c)) => {
            let rows = c.rows.iter().map(|r| format!("{} {} {}", r.creation_site, r.file, r.entry));
            (c.traces.iter().all(|t| t.complete), c.warnings.clone(), rows.collect::<Vec<_>>().join("\n"))
        }
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    assert!(warnings.iter().all(|w| !w.message.is_empty() && w.message.len() < 1024), "{warnings:?}");
    let said: Vec<String> = warnings.iter().map(|w| w.message.clone()).collect();
    let text = format!("{}\n{text}", said.join("\n"));
    if complete { Verdict::Complete } else { Verdict::Incomplete(text) }
}

fn expectations(folder: &Path) -> Vec<HashMap<String, String>> {
    let table = std::fs::read_to_string(folder.join("expected.tsv")).expect("expected.tsv");
    let mut lines = table.lines().map(|l| l.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().expect("a header");
    lines.map(|row| names.iter().cloned().zip(row).collect()).collect()
}

#[test]
fn every_file_gets_a_report_or_a_refusal() {
    let Some(folder) = corpus() else { return };
    let (mut checked, mut wrong) = (0, Vec::new());
    for row in expectations(&folder) {
        let name = &row["name"];
        let path = folder.join(format!("{name}.trace"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let started = Instant::now();
        let verdict = read(&bytes, "main");
        assert!(started.elapsed() < HANGS, "{name} takes {:?}", started.elapsed());
        if !is_v2(&bytes) {
            // Old formats are read elsewhere; until then they are refused with their name.
            continue;
        }
        checked += 1;
        match (row["expect"].as_str(), verdict) {
            ("SUCCESS", Verdict::Incomplete(text) | Verdict::Refused(text)) => {
                wrong.push(format!("{name} ({}) is not complete: {text:.300}", row["what"]));
            }
            ("FAILURE", Verdict::Complete) => {
                wrong.push(format!("{name} is called complete; Go: {}", row["err_regex"]));
            }
            (_, Verdict::Refused(text)) if row["go_result"] == "ok" => wrong.push(format!("{name} is refused: {text}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 80, "only {checked} files of Go 1.22 and later");
}

/// Names in traces are anybody's text: what reaches a profile is text, and everything that is no printable text
/// is the renderers' to escape.
#[test]
fn hostile_names_stay_names() {
    let Some(folder) = corpus() else { return };
    let mut seen = 0;
    for row in expectations(&folder).iter().filter(|row| row["name"].contains("hostile")) {
        let bytes = std::fs::read(folder.join(format!("{}.trace", row["name"]))).expect("a readable trace");
        if !is_v2(&bytes) {
            continue;
        }
        for pattern in [".", "main", "^$"] {
            if let Verdict::Refused(text) = read(&bytes, pattern) {
                panic!("{}: {text}", row["name"]);
            }
        }
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} hostile traces");
}
