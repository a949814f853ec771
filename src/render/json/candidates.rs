//! The JSON of a trace given without `--root`.

use super::requests::UndecidedJson;
use super::{DocumentHead, FrameRow, TracesRead, Warned, document, warnings};
use crate::profile::{AnnotationCandidate, Candidate, Candidates, DurationList, Handler};
use crate::render::Options;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Schema of a list of candidates.
const SCHEMA: &str = "gotrace-slice/candidates/2";

/// Writes the candidates.
pub(in crate::render) fn write(candidates: &Candidates, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let report = CandidatesDocument {
        head: DocumentHead::new(SCHEMA, candidates.traces.iter().all(|t| t.complete)),
        read: TracesRead::new(&candidates.traces),
        time: candidates.time.as_deref(),
        handlers: candidates.handlers.iter().map(HandlerRow::new).collect(),
        annotations: candidates.annotations.iter().map(AnnotationRow::new).collect(),
        older_tasks: candidates.older_tasks,
        undecided: UndecidedJson(&candidates.undecided),
        older: candidates.older,
        candidates: CandidateRows(&candidates.rows),
        warnings: warnings(&candidates.warnings),
    };
    document(&report, out)
}

#[derive(Serialize)]
struct CandidatesDocument<'a> {
    #[serde(flatten)]
    head: DocumentHead,
    #[serde(flatten)]
    read: TracesRead<'a>,
    time: Option<&'a str>,
    handlers: Vec<HandlerRow<'a>>,
    annotations: Vec<AnnotationRow<'a>>,
    older_tasks: u64,
    undecided: UndecidedJson<'a>,
    older: u64,
    candidates: CandidateRows<'a>,
    warnings: Vec<Warned<'a>>,
}

/// How long things of one name took.
#[derive(Serialize)]
struct DurationSummary {
    count: u64,
    p50_ns: u64,
    p95_ns: u64,
    p99_ns: u64,
    max_ns: u64,
    total_ns: u64,
    partial: u64,
    cut_max_ns: u64,
    cut_total_ns: u64,
    open_max_ns: u64,
    hangs: bool,
}

impl DurationSummary {
    fn new(took: &DurationList) -> Self {
        Self {
            count: took.count(),
            p50_ns: took.percentile_ns(50),
            p95_ns: took.percentile_ns(95),
            p99_ns: took.percentile_ns(99),
            max_ns: took.max_ns(),
            total_ns: took.total_ns(),
            partial: took.partial,
            cut_max_ns: took.cut_max_ns,
            cut_total_ns: took.cut_total_ns,
            open_max_ns: took.open_max_ns,
            hangs: took.hangs,
        }
    }
}

/// A handler.
#[derive(Serialize)]
struct HandlerRow<'a> {
    function: &'a str,
    protocol: &'static str,
    within: &'a str,
    undecided: u64,
    undecided_p50_ns: u64,
    undecided_p95_ns: u64,
    undecided_max_ns: u64,
    inferred: u64,
    p50_at_least_ns: Option<u64>,
    p95_at_least_ns: Option<u64>,
    #[serde(flatten)]
    took: DurationSummary,
    elsewhere: Vec<ElsewhereRow<'a>>,
}

/// Requests of one row that go through the function of another.
#[derive(Serialize)]
struct ElsewhereRow<'a> {
    function: &'a str,
    protocol: &'static str,
    count: u64,
}

impl<'a> HandlerRow<'a> {
    fn new(handler: &'a Handler) -> Self {
        Self {
            function: &handler.function,
            protocol: handler.protocol,
            within: &handler.within,
            undecided: handler.undecided.count(),
            undecided_p50_ns: handler.undecided.percentile_ns(50),
            undecided_p95_ns: handler.undecided.percentile_ns(95),
            undecided_max_ns: handler.undecided.max_ns(),
            inferred: handler.took.inferred.len() as u64,
            p50_at_least_ns: handler.took.percentile_at_least_ns(50),
            p95_at_least_ns: handler.took.percentile_at_least_ns(95),
            took: DurationSummary::new(&handler.took),
            elsewhere: handler
                .elsewhere
                .iter()
                .map(|row| ElsewhereRow { function: &row.function, protocol: row.protocol, count: row.count })
                .collect(),
        }
    }
}

/// A type of user tasks or regions.
#[derive(Serialize)]
struct AnnotationRow<'a> {
    kind: &'static str,
    name: &'a str,
    /// How many names the row stands for, and what matches all of them; none for one name.
    names: u64,
    pattern: Option<&'a str>,
    #[serde(flatten)]
    took: DurationSummary,
    inferred: u64,
    inside: u64,
}

impl<'a> AnnotationRow<'a> {
    fn new(annotation: &'a AnnotationCandidate) -> Self {
        let AnnotationCandidate { kind, ref name, ref took, inferred, inside, ref group } = *annotation;
        let names = group.as_ref().map_or(1, |group| group.names);
        let pattern = group.as_ref().map(|group| group.pattern.as_str());
        Self { kind, name, names, pattern, took: DurationSummary::new(took), inferred, inside }
    }
}

struct CandidateRows<'a>(&'a [Candidate]);

impl Serialize for CandidateRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for row in self.0 {
            seq.serialize_element(&CandidateRow(row))?;
        }
        seq.end()
    }
}

struct CandidateRow<'a>(&'a Candidate);

impl Serialize for CandidateRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let c = self.0;
        let mut map = serializer.serialize_map(None)?;
        let site = FrameRow { function: &c.creation_site, file: &c.file, line: c.line };
        map.serialize_entry("created_by", &site)?;
        map.serialize_entry("entry", &c.entry)?;
        map.serialize_entry("runs", &c.runs)?;
        map.serialize_entry("count", &c.count)?;
        map.serialize_entry("total_ns", &c.total_ns)?;
        map.serialize_entry("max_ns", &c.max_ns)?;
        map.serialize_entry("children", &c.children)?;
        map.serialize_entry("alive", &c.alive)?;
        map.end()
    }
}
