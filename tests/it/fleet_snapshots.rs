//! Snapshots of made-up processes whose truth is known: a table that is read again and `docs/fleet.sql` count each request once,
//! and say the same.

use crate::fleet_engines::ask;
use gotrace_slice::table::{self, Input};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

const SCHEMA: &str = "message requests {
    required binary trace (STRING); required binary recording (STRING); required binary go (STRING); required binary service (STRING);
    required binary host (STRING); required binary version (STRING); required binary root (STRING);
    required int64 request; required int64 goid; required int64 start_ns; required int64 clock_ns;
    required int64 wall_ns; required int64 dur_ns; required int64 goroutine_ns; required int64 gc_ns; required int64 stw_ns;
    required boolean partial; required boolean inferred; required boolean undecided;
    required binary state (STRING); required binary detail (STRING); required binary precision (STRING);
    required binary waited_in (STRING); required binary stack (STRING); required binary lines (STRING);
    required int64 ns; }";

/// What a snapshot shows of a request.
#[derive(Clone, Default)]
struct Shown {
    trace: String,
    host: String,
    goid: i64,
    start_ns: i64,
    clock_ns: i64,
    dur_ns: i64,
    partial: bool,
    inferred: bool,
    undecided: bool,
}

impl Shown {
    fn number(&self, column: &str, at: i64) -> i64 {
        match column {
            "request" => at,
            "goid" => self.goid,
            "start_ns" => self.start_ns,
            "clock_ns" => self.clock_ns,
            "dur_ns" | "ns" => self.dur_ns,
            _ => 0,
        }
    }

    fn flag(&self, column: &str) -> bool {
        match column {
            "partial" => self.partial,
            "inferred" => self.inferred,
            _ => self.undecided,
        }
    }

    fn text(&self, column: &str) -> &str {
        match column {
            "trace" | "recording" => &self.trace,
            "host" => &self.host,
            // The answers by endpoint are those by process.
            "root" if !self.undecided => &self.host,
            "state" => "running",
            _ => "",
        }
    }
}

/// A table with one row for each.
fn file(shown: &[Shown]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("memory");
    let mut group = writer.next_row_group().expect("a group");
    while let Some(mut column) = group.next_column().expect("a column") {
        match column.untyped() {
            ColumnWriter::Int64ColumnWriter(of) => {
                let name = of.get_descriptor().name().to_owned();
                let values: Vec<i64> = shown.iter().zip(0..).map(|(one, at)| one.number(&name, at)).collect();
                let _ = of.write_batch(&values, None, None).expect("values");
            }
            ColumnWriter::BoolColumnWriter(of) => {
                let name = of.get_descriptor().name().to_owned();
                let values: Vec<bool> = shown.iter().map(|one| one.flag(&name)).collect();
                let _ = of.write_batch(&values, None, None).expect("values");
            }
            ColumnWriter::ByteArrayColumnWriter(of) => {
                let name = of.get_descriptor().name().to_owned();
                let values: Vec<ByteArray> = shown.iter().map(|one| ByteArray::from(one.text(&name))).collect();
                let _ = of.write_batch(&values, None, None).expect("values");
            }
            _ => panic!("no such column"),
        }
        column.close().expect("a column");
    }
    let _ = group.close().expect("a group");
    writer.into_inner().expect("a file")
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % n
    }
}

/// How the requests of a goroutine are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One after the other, between borders of a server.
    Served,
    /// The same, with inferred edges.
    Worker,
    /// User tasks, which can overlap.
    Tasks,
}

/// How many requests count: whole, cut and undecided ones.
type Counts = [i64; 3];

/// One process with three snapshots.
struct Process {
    host: String,
    windows: Vec<Range<i64>>,
    shown: Vec<Shown>,
    truth: Counts,
}

impl Process {
    fn new(host: usize, random: &mut Random) -> Self {
        let mut windows = Vec::new();
        let mut start = 1 + random.below(60);
        for _ in 0..3 {
            let length = 20 + random.below(100);
            windows.push(start..start + length);
            // Between snapshots that do not overlap, nothing tells that a request went on.
            start += 1 + random.below(length - 1);
        }
        Self { host: format!("h{host}"), windows, shown: Vec::new(), truth: [0; 3] }
    }

    /// The requests of a goroutine, as all snapshots show them.
    fn serve(&mut self, goid: i64, kind: Kind, random: &mut Random) {
        let mut at = random.below(10);
        while at < 300 {
            let longest = if random.below(4) == 0 { 120 } else { 20 };
            let took = 1 + random.below(longest);
            self.request(goid, kind, at..at + took, random);
            at += if kind == Kind::Tasks { 1 + random.below(40) } else { took + 2 + random.below(5) };
        }
    }

    fn request(&mut self, goid: i64, kind: Kind, of: Range<i64>, random: &mut Random) {
        let mut seen = [false; 3];
        for (i, window) in self.windows.iter().enumerate() {
            if of.start >= window.end || of.end <= window.start {
                continue;
            }
            let whole = window.start < of.start && of.end < window.end;
            let undecided = kind == Kind::Served && whole && random.below(6) == 0;
            seen[if undecided { 2 } else { usize::from(!whole) }] = true;
            let inferred = kind == Kind::Worker && whole;
            let mut span = of.start.max(window.start)..of.end.min(window.end);
            if inferred {
                // What a trace shows of it may end where the next one begins.
                span =
                    (span.start - random.below(2)).max(window.start + 1)..(span.end + random.below(2)).min(window.end);
            }
            self.shown.push(Shown {
                trace: format!("{}-{i}", self.host),
                host: self.host.clone(),
                goid,
                start_ns: span.start - window.start,
                clock_ns: span.start,
                dur_ns: span.end - span.start,
                partial: !whole,
                inferred,
                undecided,
            });
        }
        if let Some(counts) = seen.iter().position(|seen| *seen) {
            self.truth[counts] += 1;
        }
    }
}

#[test]
fn each_request_of_overlapping_snapshots_counts_once() {
    let mut random = Random(7);
    let mut processes: Vec<Process> = (0..400).map(|host| Process::new(host, &mut random)).collect();
    for process in &mut processes {
        process.serve(7, Kind::Served, &mut random);
        process.serve(8, Kind::Tasks, &mut random);
        process.serve(9, Kind::Worker, &mut random);
    }
    let shown: Vec<Shown> = processes.iter().flat_map(|process| process.shown.clone()).collect();
    let bytes = file(&shown);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("x.parquet"), &bytes).expect("a file");

    let list = table::candidates(&[Input { name: "x".to_owned(), source: Arc::new(bytes) }]).expect("a table");
    let rows = list.handlers.iter().map(|row| {
        let took = &row.took;
        (row.function.clone(), [took.count() as i64, took.partial as i64, took.durations_ns.iter().sum::<u64>() as i64])
    });
    let read: BTreeMap<String, [i64; 3]> = rows.collect();
    let truth: Counts = [0, 1, 2].map(|i| processes.iter().map(|process| process.truth[i]).sum());
    assert!(truth.iter().all(|n| *n > 100), "{truth:?}");
    for process in &processes {
        let [whole, cut, _] = read[&process.host];
        assert_eq!([whole, cut], process.truth[..2], "{}", process.host);
    }
    assert_eq!(list.undecided.count() as i64, truth[2]);

    for engine in ["duckdb", "datafusion", "clickhouse"] {
        let Some(answers) = ask(engine, folder.path()) else { continue };
        let rows = |question: &str| answers[question].as_array().expect("rows").clone();
        let number = |row: &serde_json::Value, column: &str| row[column].as_i64().expect("a number");
        let name = |row: &serde_json::Value, column: &str| row[column].as_str().expect("a name").to_owned();
        let mut asked: BTreeMap<String, [i64; 3]> = rows("endpoints")
            .iter()
            .map(|row| (name(row, "root"), [number(row, "requests"), 0, number(row, "total_ns")]))
            .collect();
        let mut undecided = 0;
        for row in rows("unknown") {
            let of = asked.entry(name(&row, "host")).or_default();
            assert_eq!(of[0], number(&row, "whole_requests"), "{engine}: {row}");
            of[1] = number(&row, "cut_requests");
            undecided += number(&row, "undecided_requests");
        }
        assert_eq!((&asked, undecided), (&read, truth[2]), "{engine}");
    }
}
