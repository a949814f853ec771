//! Damaged traces, as Go's own reader sees them and as we do.
//!
//! What Go's reader accepts has the same sums here. What it refuses is not complete here. Each kind of exception is a row
//! of the table "Where we mean to differ" in `docs/go-reader.md`, which this test reads.
//!
//! `GOTRACE_SLICE_DIFFERENTIAL` says how many mutants (200; 5 000 where Go is required), `GOTRACE_SLICE_FUZZ_SEED` where
//! to start.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they compared")]

use crate::common::mutate::Mutator;
use crate::common::{GoVerdict, States, files, is_v2, root, slice, states, whole_life};
use crate::go;
use gotrace_slice::pipeline::Answer;
use gotrace_slice::trace::testing::from_text;
use regex::Regex;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Go's reader in a process of its own, which reads one trace after the other.
pub(crate) struct Judge {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Judge {
    pub(crate) fn start(streamref: &Path) -> Self {
        let mut command = Command::new(streamref);
        let mut child =
            command.arg("-mode=judge").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let (to, from) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Self { child, to, from: BufReader::new(from) }
    }

    pub(crate) fn ask(&mut self, bytes: &[u8]) -> GoAnswer {
        let to = self.to.as_mut().expect("it runs");
        to.write_all(&(bytes.len() as u32).to_le_bytes()).expect("it reads");
        to.write_all(bytes).expect("it reads");
        let mut said = Vec::new();
        while !said.ends_with(b"#done\n") {
            assert!(self.from.read_until(b'\n', &mut said).expect("it answers") > 0, "Go's reader died");
        }
        let said = String::from_utf8_lossy(&said);
        let error = said.lines().find_map(|line| line.strip_prefix("#error\t")).map(str::to_owned);
        let (states, goroutines) = GoVerdict::parse(&said).closure(".");
        GoAnswer { error, states: comparable(states), goroutines }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.to = None;
        let _ = self.child.wait();
    }
}

/// What Go's reader says of a trace.
pub(crate) struct GoAnswer {
    /// Why it gave up; `None` if it did not.
    pub(crate) error: Option<String>,
    states: States,
    goroutines: u64,
}

/// What we say of a trace.
struct OurAnswer {
    complete: bool,
    states: States,
    goroutines: u64,
    /// The ids of the warnings about lost data.
    lost: Vec<String>,
}

fn our_answer(bytes: &Vec<u8>) -> OurAnswer {
    let (states, goroutines, complete, warnings) = match slice(bytes, &whole_life("."), 1) {
        Ok(Answer::Profile(p)) => (states(&p), p.selection.goroutines, p.complete(), p.warnings),
        Ok(Answer::NoMatch(c)) => (States::new(), 0, c.traces.iter().all(|t| t.complete), c.warnings),
        Err(_) => (States::new(), 0, false, Vec::new()),
    };
    let lost = warnings.iter().filter(|w| w.data_lost).map(|w| w.id.to_owned()).collect();
    OurAnswer { complete, states: comparable(states), goroutines, lost }
}

/// Sums under names that both print alike: bytes that are no text are left out, control characters are spaces.
fn comparable(states: States) -> States {
    let escape = Regex::new(r"\\x[0-9A-F]{2}|\x{FFFD}").expect("a pattern");
    let mut all = States::new();
    for (name, (ns, events)) in states {
        let name: String = escape.replace_all(&name, "").chars().map(|c| if c < ' ' { ' ' } else { c }).collect();
        let sum = all.entry(name).or_default();
        *sum = (sum.0.saturating_add(ns), sum.1 + events);
    }
    all
}

/// How the two may differ: a row of the table.
struct Allowed {
    /// Whether Go's reader refuses the trace that we call complete; if not, it accepts one of which we have other sums.
    refuses: bool,
    /// What Go's reader says, or the id of our warning; `complete` for no warning.
    pattern: Regex,
}

const TABLE: &str = "## Where we mean to differ";

fn allowed() -> Vec<Allowed> {
    let text = std::fs::read_to_string(root().join("docs/go-reader.md")).expect("the page");
    let table = &text[text.find(TABLE).expect("the table")..];
    let rows = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|l| l.starts_with('|'));
    let all: Vec<Allowed> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`'])).collect();
            assert!(cells.len() == 4 && ["refuses", "accepts"].contains(&cells[0]), "{row}");
            Allowed { refuses: cells[0] == "refuses", pattern: Regex::new(cells[1]).expect("a pattern") }
        })
        .collect();
    assert!((1..=15).contains(&all.len()), "{} rows", all.len());
    all
}

/// The number of the row that allows what the two say of a trace; `None` if they agree. An error says how they differ.
fn judge(go: &GoAnswer, ours: &OurAnswer, allowed: &[Allowed]) -> Result<Option<usize>, String> {
    let row = |refuses: bool, text: &str| allowed.iter().position(|a| a.refuses == refuses && a.pattern.is_match(text));
    match &go.error {
        Some(error) if ours.complete => row(true, error).map(Some).ok_or(format!("Go refuses it: {error}")),
        None if !same_sums(go, ours) => {
            let said = if ours.lost.is_empty() { "complete".to_owned() } else { ours.lost.join(" ") };
            let (theirs, our_states) = (&go.states, &ours.states);
            row(false, &said).map(Some).ok_or(format!("Go accepts it; {said}: {theirs:?}, not {our_states:?}"))
        }
        _ => Ok(None),
    }
}

/// Whether both have the same goroutines and the same time in each state. An interval that begins with the trace's last
/// event has no time; only one of the two may count it.
fn same_sums(go: &GoAnswer, ours: &OurAnswer) -> bool {
    let (ours_n, mine, theirs) = (ours.goroutines, &ours.states, &go.states);
    let alike = |(name, sum): (&String, &(u64, u64))| {
        theirs.get(name).is_some_and(|other| other.0 == sum.0 && other.1.abs_diff(sum.1) <= 1)
    };
    go.goroutines == ours_n && mine.len() == theirs.len() && mine.iter().all(alike)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// The programs whose recordings are damaged. Always the same, so that a recording more changes no mutant.
const PROGRAMS: [&str; 10] =
    ["annotations", "waits", "trees", "iterators", "critical", "cpuprof", "tasks", "pools", "cutoff", "spans"];

/// The recordings up to this size that Go's reader accepts, of the new formats or of the old ones.
fn seeds(judge: &mut Judge, new: bool) -> Vec<Vec<u8>> {
    let mut all = files(&root().join("testdata/traces"), "trace");
    all.retain(|path| PROGRAMS.iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name)));
    let bytes = all.iter().map(|path| std::fs::read(path).expect("a trace"));
    bytes.filter(|b| b.len() < 14_000 && is_v2(b) == new && judge.ask(b).error.is_none()).collect()
}

#[test]
fn damage_is_seen_as_by_gos_reader() {
    let Some(newest) = go::toolchain(go::NEWEST) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut reader = Judge::start(&go::streamref(&newest, folder.path()));
    let allowed = allowed();
    let n = number("GOTRACE_SLICE_DIFFERENTIAL", if go::required() { 5_000 } else { 200 });
    let seed = number("GOTRACE_SLICE_FUZZ_SEED", 0x60d1f);
    let (mut used, mut refused, mut wrong) = (BTreeMap::new(), 0, Vec::new());
    for (new, share) in [(true, n - n / 4), (false, n / 4)] {
        let mut mutator = Mutator::new(seed, seeds(&mut reader, new));
        for i in 0..share {
            let (bytes, damage) = mutator.next(if i % 3 == 0 { 3 } else { 1 });
            let (go, ours) = (reader.ask(&bytes), our_answer(&bytes));
            refused += u64::from(go.error.is_some());
            match judge(&go, &ours, &allowed) {
                Ok(None) => {}
                Ok(Some(row)) => *used.entry(row).or_insert(0) += 1,
                Err(how) => {
                    let name = format!("differential-{seed:x}-{new}-{i}.trace");
                    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
                    std::fs::write(&path, &bytes).expect("a writable folder");
                    wrong.push(format!("{} ({damage:?}): {how}", path.display()));
                }
            }
        }
    }
    println!(
        "seed {seed}: {n} mutants, of which Go's reader refuses {refused}; rows of the table that were used: {used:?}"
    );
    assert!(wrong.is_empty(), "{} mutants differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused > n / 5 && refused < n, "{refused} of {n} refused");
}

/// What begins a line of a scenario that says why Go's reader gives up.
const GOS_READER: &str = "# Go's reader: ";

/// Scenarios that say why Go's reader gives up are right about that.
#[test]
fn scenarios_say_what_gos_reader_says() {
    let Some(newest) = go::toolchain(go::NEWEST) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut reader = Judge::start(&go::streamref(&newest, folder.path()));
    let (mut compared, mut wrong) = (0, Vec::new());
    let page = std::fs::read_to_string(root().join("docs/go-reader.md")).expect("the page");
    for path in files(&root().join("testdata/text"), "txt") {
        let text = std::fs::read_to_string(&path).expect("a scenario");
        let Some(expected) = text.lines().find_map(|line| line.strip_prefix(GOS_READER)) else { continue };
        let bytes = from_text(&text[text.find("\nTrace Go").expect("events") + 1..]).expect("a trace");
        let said = reader.ask(&bytes).error.unwrap_or_default();
        let name = path.strip_prefix(root().join("testdata/text")).expect("below it").with_extension("");
        assert!(page.contains(&format!("| `{}` |", name.display())), "{}: not in docs/go-reader.md", path.display());
        if !said.starts_with(expected) {
            wrong.push(format!("{}: {said}", path.display()));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 50, "only {compared} scenarios");
}
