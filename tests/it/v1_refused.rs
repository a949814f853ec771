//! What Go's reader refuses in old traces, as text scenarios (`testdata/old`): each says what that reader says, or that it says
//! nothing, and what we warn of. What contradicts itself is never complete, but for what `docs/go-reader.md` says.
#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use crate::common::{every_byte_counts_once, files, root, slice, whole_life};
use crate::differential::Judge;
use crate::go;
use crate::v1::text::from_text;
use gotrace_slice::pipeline::Answer;
use std::collections::BTreeSet;

/// What begins a line of a scenario that says why Go's reader gives up.
const GOS_READER: &str = "# Go's reader: ";

struct Scenario {
    name: String,
    gos_reader: String,
    /// Ids of the warnings about lost data; none where the trace is complete.
    warnings: BTreeSet<String>,
    bytes: Vec<u8>,
}

fn scenarios() -> Vec<Scenario> {
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a scenario");
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
        Scenario {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            gos_reader: line(GOS_READER).expect("what Go's reader says"),
            warnings: line("warnings ").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            bytes: from_text(&text[text.find("\nTrace Go").expect("events") + 1..]),
        }
    };
    let all: Vec<Scenario> = files(&root().join("testdata/old"), "txt").iter().map(read).collect();
    assert!(all.len() >= 30, "{} scenarios", all.len());
    all
}

#[test]
fn what_contradicts_itself_is_said() {
    let mut wrong = Vec::new();
    for Scenario { name, warnings, bytes, .. } in scenarios() {
        let (traces, found) = match slice(&bytes, &whole_life("."), 1).expect("something usable") {
            Answer::Profile(profile) => (profile.traces, profile.warnings),
            Answer::NoMatch(none) => (none.traces, none.warnings),
        };
        every_byte_counts_once(&bytes, &traces, &found);
        let lost: BTreeSet<String> = found.iter().filter(|w| w.data_lost).map(|w| w.id.to_owned()).collect();
        let complete = traces.iter().all(|trace| trace.complete);
        if lost != warnings || complete != warnings.is_empty() {
            wrong.push(format!("{name}: {lost:?}, complete: {complete}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scenarios_say_what_gos_reader_says() {
    let Some(newest) = go::toolchain(go::NEWEST) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut reader = Judge::start(&go::streamref(&newest, folder.path()));
    let page = std::fs::read_to_string(root().join("docs/go-reader.md")).expect("the page");
    let mut wrong = Vec::new();
    for Scenario { name, gos_reader, warnings, bytes } in scenarios() {
        let said = reader.ask(&bytes).error.unwrap_or_else(|| "nothing".to_owned());
        let warnings: Vec<&str> = warnings.iter().map(String::as_str).collect();
        if gos_reader == "nothing" && said == gos_reader {
            continue;
        }
        if !said.starts_with(&gos_reader) || gos_reader.is_empty() {
            wrong.push(format!("{name}: {said}"));
        } else if !page.lines().any(|line| {
            line.contains(&format!("| `{name}` |"))
                && line.contains(&format!("`{gos_reader}`"))
                && warnings.iter().all(|id| line.contains(id))
        }) {
            wrong.push(format!(
                "| `{gos_reader}` | {} | `{name}` |",
                if warnings.is_empty() { "none".to_owned() } else { format!("`{}`", warnings.join("`, `")) }
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
