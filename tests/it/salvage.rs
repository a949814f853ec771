//! How much of a damaged recording of a busy server is used, here and by Go's own reader: the table of `docs/salvage.md`.
//!
//! The recording is made anew each time, so figures differ a little: each must be as good as the table's, but for some
//! points. `BLESS=1 GOTRACE_SLICE_REQUIRE_GO=1 cargo test salvage::` writes those of this run into the table.

#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::mutate::Mutator;
use crate::common::{GoVerdict, root, root_by, selector, slice};
use crate::go;
use gotrace_slice::pipeline::Answer;
use gotrace_slice::trace::testing::{Index, code, read_index};
use gotrace_slice::trace::version::{Dialect, HEADER_SIZE, Header, read_header};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Each request is a goroutine that begins in this function.
const ROOT: &str = r"^main\.Handler$";
/// By how many points a share of events may be lower than in the table. Measured in four recordings: 1.0.
const TOLERANCE: f64 = 1.5;
/// The same where several batches are lost: 16.4, depending on how long what was going on in them goes on.
const SEVERAL_BATCHES: (&str, f64) = ("256 KiB are missing", 20.0);
/// The same for requests where the table has all of them: 7.3. How many are left else depends on the generation that is hit, and
/// on when it began in this recording: these shares are told, and not compared.
const REQUESTS: f64 = 12.0;

/// What was found in a trace.
#[derive(Clone, Copy, Default, Debug)]
struct Found {
    events: u64,
    /// Requests of which the start and the end are known; for Go's reader those of which it saw the start.
    requests: u64,
}

fn ours(bytes: &Vec<u8>) -> Found {
    let (traces, requests) = match slice(bytes, &selector(ROOT, root_by("entry")), 2) {
        Ok(Answer::Profile(p)) => (p.traces, p.selection.roots - p.selection.roots_cut),
        Ok(Answer::NoMatch(none)) => (none.traces, 0),
        Err(_) => return Found::default(),
    };
    Found { events: traces.iter().map(|t| t.events).sum(), requests }
}

fn gos(bytes: &[u8], streamref: &Path, folder: &Path) -> Found {
    let file = folder.join("damaged.trace");
    std::fs::write(&file, bytes).expect("a file");
    let output = Command::new(streamref).args(["-mode=states", "-stacks"]).arg(&file).output().expect("it runs");
    let verdict = GoVerdict::parse(&String::from_utf8_lossy(&output.stdout));
    let requests = verdict.goroutines.iter().filter(|g| g.created && g.entry == "main.Handler").count() as u64;
    let events = verdict.numbers.get("events").copied().unwrap_or_default();
    Found { events: events as u64, requests }
}

/// A recording with its batches.
struct Recording {
    bytes: Vec<u8>,
    index: Index,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("a recording");
        let Header::Known(version) = read_header(&bytes) else { panic!("not a trace") };
        let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
        let index = read_index(&bytes, row, 0).expect("memory never fails");
        Self { bytes, index }
    }

    /// Where the batch begins in which the byte at a share of the file is, and where it ends.
    fn batch_at(&self, percent: usize) -> (usize, usize) {
        let at = (self.bytes.len() * percent / 100) as u64;
        let mut batches = self.index.generations.iter().flat_map(|g| &g.batches);
        let batch = batches.find(|b| b.offset + u64::from(b.size) > at).expect("a batch there");
        let start = (0..).map(|back| batch.offset as usize - back).skip(5);
        let start = start.take(40).find(|&s| self.is_header(s, batch.offset as usize));
        (start.expect("its header"), batch.offset as usize + batch.size as usize)
    }

    /// Whether a batch's header begins and ends there: its code, and the generation, the thread, the time and the size.
    fn is_header(&self, start: usize, end: usize) -> bool {
        let mut at = start + 1;
        for _ in 0..4 {
            at += self.bytes[at..end].iter().take_while(|byte| **byte >= 0x80).count() + 1;
            if at > end {
                return false;
            }
        }
        self.bytes[start] == code::EVENT_BATCH && at == end
    }

    fn inserted(&self, at: usize, foreign: &[u8]) -> Vec<u8> {
        [&self.bytes[..at], foreign, &self.bytes[at..]].concat()
    }

    fn lost(&self, at: usize, n: usize) -> Vec<u8> {
        [&self.bytes[..at], &self.bytes[at + n..]].concat()
    }

    fn zeroed(&self, at: usize, n: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[at..at + n].fill(0);
        bytes
    }

    /// The batches of each generation in another order.
    fn shuffled(&self) -> Vec<u8> {
        let (mut bytes, mut random) = (self.bytes[..HEADER_SIZE].to_vec(), Mutator::new(1, vec![vec![0]]));
        for generation in &self.index.generations {
            let mut ends = vec![generation.start as usize];
            ends.extend(generation.batches.iter().map(|b| b.offset as usize + b.size as usize));
            let mut batches: Vec<&[u8]> = ends.windows(2).map(|two| &self.bytes[two[0]..two[1]]).collect();
            for i in (1..batches.len()).rev() {
                batches.swap(i, random.below(i + 1));
            }
            bytes.extend(batches.concat());
            bytes.extend(&self.bytes[ends[ends.len() - 1]..generation.end as usize]);
        }
        assert_eq!(bytes.len(), self.bytes.len());
        bytes
    }

    /// Each kind of damage.
    fn damaged(&self, other: &Self) -> Vec<(&'static str, Vec<u8>)> {
        const TEXT: &[u8] = b"2026/11/29 12:00:00 listening on :8080\n";
        let (size, (start, end)) = (self.bytes.len(), self.batch_at(40));
        let middle = start + (end - start) / 2;
        // Inside of one batch: across a border two are lost.
        let page = middle / 4096 * 4096;
        assert!(start < page && page + 4096 < end, "{start} {page} {end}");
        vec![
            ("the last 1 % is missing", self.bytes[..size * 99 / 100].to_vec()),
            ("half of it is missing", self.bytes[..size / 2].to_vec()),
            ("one bit is wrong in a batch", {
                let mut bytes = self.bytes.clone();
                bytes[middle] ^= 0x80;
                bytes
            }),
            ("a line of text stands between two batches", self.inserted(start, TEXT)),
            ("a line of text stands inside a batch", self.inserted(middle, TEXT)),
            ("a page of 4 KiB is zero", self.zeroed(page, 4096)),
            ("4 KiB are missing", self.lost(page, 4096)),
            ("256 KiB are missing", self.lost(page, 256 << 10)),
            ("the batches of each generation are in another order", self.shuffled()),
            ("two recordings are one file", [&self.bytes[..], &other.bytes].concat()),
        ]
    }
}

/// The program that records, as a command that writes so many megabytes into a file.
fn program(folder: &Path, megabytes: &str, file: &Path) -> Command {
    let mut command = Command::new(folder.join("load"));
    command.args(["-kind", "entry", "-pause", "400ms", "-mb", megabytes, "-o"]).arg(file).stdout(Stdio::null());
    command
}

/// A recording of a program that was killed.
fn killed(folder: &Path) -> Vec<u8> {
    let file = folder.join("killed.trace");
    let mut command = program(folder, "400", &file);
    let mut child = command.spawn().expect("it runs");
    let (begun, size) = (Instant::now(), || std::fs::metadata(&file).map_or(0, |m| m.len()));
    while size() < 2_500_000 && begun.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("it is killed");
    let _ = child.wait();
    std::fs::read(&file).expect("a recording")
}

fn percent(part: u64, of: u64) -> f64 {
    100.0 * part as f64 / of.max(1) as f64
}

/// A row of the table: what was damaged, and four shares in percent.
struct Row {
    damage: String,
    shares: [f64; 4],
}

impl Row {
    fn new(damage: &str, [ours, all, gos, all_of_go]: [Found; 4]) -> Self {
        let shares = [
            percent(ours.events, all.events),
            percent(ours.requests, all.requests),
            percent(gos.events, all_of_go.events),
            percent(gos.requests, all_of_go.requests),
        ];
        Self { damage: damage.into(), shares }
    }

    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.split('|').map(str::trim).collect();
        let shares: Vec<f64> =
            cells.get(1..5)?.iter().filter_map(|cell| cell.strip_suffix(" %")?.parse().ok()).collect();
        Some(Self { damage: cells[0].into(), shares: shares.try_into().ok()? })
    }

    fn text(&self) -> String {
        let cells: Vec<String> = self.shares.iter().map(|share| format!("{share:.1} %")).collect();
        format!("| {} | {} |", self.damage, cells.join(" | "))
    }
}

#[test]
fn damaged_recordings_keep_what_the_table_says() {
    let Some(goroot) = go::toolchain("1.27") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let streamref = go::streamref(&goroot, folder.path());
    let source = root().join("testdata/gen/load/main.go");
    go::run(go::go(&goroot).args(["build", "-o"]).arg(folder.path().join("load")).arg(source));
    let record = || {
        let file = folder.path().join("load.trace");
        go::run(&mut program(folder.path(), "3", &file));
        Recording::read(&file)
    };
    let (recording, other) = (record(), record());
    let read = |bytes: &Vec<u8>| (ours(bytes), gos(bytes, &streamref, folder.path()));
    let (all, all_of_go) = read(&recording.bytes);
    assert!(all.requests > 100 && all_of_go.requests >= all.requests, "{all:?} {all_of_go:?}");
    let mut rows = Vec::new();
    for (damage, bytes) in recording.damaged(&other) {
        let (here, there) = read(&bytes);
        let (mut all, mut all_of_go) = (all, all_of_go);
        if damage.starts_with("two") {
            let (second, second_of_go) = read(&other.bytes);
            all = Found { events: all.events + second.events, requests: all.requests + second.requests };
            let requests = all_of_go.requests + second_of_go.requests;
            all_of_go = Found { events: all_of_go.events + second_of_go.events, requests };
        }
        rows.push(Row::new(damage, [here, all, there, all_of_go]));
    }
    // Nobody knows what a killed program had still to write: the shares are of what we find.
    let (here, there) = read(&killed(folder.path()));
    assert!(here.requests > 100, "killed: {here:?}");
    rows.push(Row::new("the program is killed (`kill -9`)", [here, here, there, here]));
    compare(&rows);
}

/// Compares with the table of the document, or writes it.
fn compare(rows: &[Row]) {
    let path = root().join("docs/salvage.md");
    let document = std::fs::read_to_string(&path).expect("a document");
    let table: Vec<Row> = document.lines().filter_map(Row::parse).collect();
    for row in rows {
        println!("{}", row.text());
    }
    if std::env::var_os("BLESS").is_some() {
        let is_row = |line: &&str| Row::parse(line).is_some();
        let mut lines: Vec<String> = document.lines().filter(|line| !is_row(line)).map(str::to_owned).collect();
        let rule = lines.iter().position(|line| line.starts_with("|---")).expect("a table");
        lines.splice((rule + 1)..=rule, rows.iter().map(Row::text));
        std::fs::write(&path, lines.join("\n") + "\n").expect("a writable document");
        return;
    }
    assert_eq!(table.len(), rows.len(), "rows of docs/salvage.md");
    for (said, row) in table.iter().zip(rows) {
        assert_eq!(said.damage, row.damage);
        let [events, requests, events_of_go, _] = row.shares;
        let (several, most) = SEVERAL_BATCHES;
        let tolerance = if said.damage == several { most } else { TOLERANCE };
        assert!(events >= said.shares[0] - tolerance, "{}, not {}", row.text(), said.text());
        assert!(events >= events_of_go - TOLERANCE, "Go's reader has more: {}", row.text());
        assert!(requests > 0.0, "no request is left: {}", row.text());
        let has_all = said.shares[1] >= 100.0;
        assert!(!has_all || requests >= 100.0 - REQUESTS, "requests are missing: {}", row.text());
    }
}
