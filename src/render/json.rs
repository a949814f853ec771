//! The report for programs, documented in `docs/json.md`. Times are integers in nanoseconds.
//!
//! Fields may be added within a schema version; none changes its meaning.

use super::{Options, clean, frames};
use crate::error::Warning;
use crate::profile::{
    Candidate, Candidates, Handler, Precision, Profile, ProfileFrame, Sample, Selection, TraceInfo, UnknownRequests,
};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Schema of a profile.
pub(super) const REPORT_SCHEMA: &str = "gotrace-slice/report/1";
/// Schema of a list of candidates.
pub(super) const CANDIDATES_SCHEMA: &str = "gotrace-slice/candidates/1";

/// Writes the profile.
pub(super) fn write(profile: &Profile, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let report = Report {
        schema: REPORT_SCHEMA,
        tool: env!("CARGO_PKG_VERSION"),
        complete: profile.complete(),
        trace: profile.traces.first().map(Trace),
        traces: profile.traces.iter().map(Trace).collect(),
        selection: Selected(&profile.selection),
        total: Measured { goroutine_ns: profile.total.goroutine_ns, events: profile.total.events },
        states: profile
            .states
            .iter()
            .map(|s| Total { state: &s.state, goroutine_ns: s.weight.goroutine_ns, events: s.weight.events })
            .collect(),
        stacks: Stacks(profile),
        warnings: warnings(&profile.warnings),
    };
    document(&report, out)
}

/// Writes the candidates.
pub(super) fn write_candidates(candidates: &Candidates, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let report = CandidatesReport {
        schema: CANDIDATES_SCHEMA,
        tool: env!("CARGO_PKG_VERSION"),
        complete: candidates.traces.iter().all(|t| t.complete),
        trace: candidates.traces.first().map(Trace),
        traces: candidates.traces.iter().map(Trace).collect(),
        handlers: candidates.handlers.iter().map(Served::new).collect(),
        unknown_handler: Unknown::new(candidates.unknown_handler),
        older: candidates.older,
        candidates: Rows(&candidates.rows),
        warnings: warnings(&candidates.warnings),
    };
    document(&report, out)
}

fn document(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Visible);
    report.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    tool: &'static str,
    complete: bool,
    trace: Option<Trace<'a>>,
    traces: Vec<Trace<'a>>,
    selection: Selected<'a>,
    total: Measured,
    states: Vec<Total<'a>>,
    stacks: Stacks<'a>,
    warnings: Vec<Warned<'a>>,
}

#[derive(Serialize)]
struct CandidatesReport<'a> {
    schema: &'static str,
    tool: &'static str,
    complete: bool,
    trace: Option<Trace<'a>>,
    traces: Vec<Trace<'a>>,
    handlers: Vec<Served<'a>>,
    unknown_handler: Unknown,
    older: u64,
    candidates: Rows<'a>,
    warnings: Vec<Warned<'a>>,
}

/// A handler.
#[derive(Serialize)]
struct Served<'a> {
    function: &'a str,
    protocol: &'static str,
    count: u64,
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
    total_ns: u64,
    partial: u64,
}

impl<'a> Served<'a> {
    fn new(handler: &'a Handler) -> Self {
        Self {
            function: &handler.function,
            protocol: handler.protocol,
            count: handler.count(),
            p50_ns: handler.percentile_ns(50),
            p99_ns: handler.percentile_ns(99),
            max_ns: handler.max_ns(),
            total_ns: handler.total_ns(),
            partial: handler.partial,
        }
    }
}

/// Requests whose handler left no stack.
#[derive(Serialize)]
struct Unknown {
    count: u64,
    total_ns: u64,
    max_ns: u64,
    connections: u64,
}

impl Unknown {
    fn new(requests: UnknownRequests) -> Self {
        let UnknownRequests { count, total_ns, max_ns, connections } = requests;
        Self { count, total_ns, max_ns, connections }
    }
}

#[derive(Serialize)]
struct Measured {
    goroutine_ns: u64,
    events: u64,
}

#[derive(Serialize)]
struct Total<'a> {
    state: &'a str,
    goroutine_ns: u64,
    events: u64,
}

#[derive(Serialize)]
struct Frame<'a> {
    function: &'a str,
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct Warned<'a> {
    id: &'a str,
    message: &'a str,
    data_lost: bool,
    offset: Option<u64>,
    bytes: u64,
    generation: Option<u64>,
    trace: Option<usize>,
}

fn warnings(list: &[Warning]) -> Vec<Warned<'_>> {
    list.iter()
        .map(|w| Warned {
            id: w.id,
            message: &w.message,
            data_lost: w.data_lost,
            offset: w.offset,
            bytes: w.bytes,
            generation: w.generation,
            trace: w.trace,
        })
        .collect()
}

struct Trace<'a>(&'a TraceInfo);

impl Serialize for Trace<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let t = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &t.name)?;
        map.serialize_entry("version", &t.version)?;
        map.serialize_entry("bytes", &t.bytes)?;
        map.serialize_entry("duration_ns", &t.duration_ns)?;
        map.serialize_entry("window_ns", &t.window_ns.unwrap_or(t.duration_ns))?;
        map.serialize_entry("wall_start_ns", &t.wall_start_ns)?;
        map.serialize_entry("events", &t.events)?;
        map.serialize_entry("goroutines", &t.goroutines)?;
        map.serialize_entry("generations", &t.generations)?;
        map.serialize_entry("gomaxprocs", &t.gomaxprocs)?;
        map.serialize_entry("complete", &t.complete)?;
        map.end()
    }
}

struct Selected<'a>(&'a Selection);

impl Serialize for Selected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let s = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("patterns", &s.patterns)?;
        map.serialize_entry("root_by", &s.root_by)?;
        map.serialize_entry("exclude", &s.exclude)?;
        map.serialize_entry("goids", &s.goids)?;
        map.serialize_entry("time", &s.time)?;
        map.serialize_entry("whole_life", &s.whole_life)?;
        map.serialize_entry("roots", &s.roots)?;
        map.serialize_entry("roots_by_creation", &s.roots_by_creation)?;
        map.serialize_entry("roots_by_entry", &s.roots_by_entry)?;
        map.serialize_entry("roots_by_stack", &s.roots_by_stack)?;
        map.serialize_entry("roots_cut", &s.roots_cut)?;
        map.serialize_entry("goroutines", &s.goroutines)?;
        map.serialize_entry("max_depth", &s.max_depth)?;
        map.serialize_entry("excluded", &s.excluded)?;
        map.serialize_entry("recording", &s.recording)?;
        map.serialize_entry("runtime", &s.runtime)?;
        map.serialize_entry("outlived", &s.outlived)?;
        map.end()
    }
}

/// The samples, written one at a time: their stacks are never all in memory as text.
struct Stacks<'a>(&'a Profile);

impl Serialize for Stacks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for sample in &self.0.samples {
            seq.serialize_element(&Stack(self.0, sample))?;
        }
        seq.end()
    }
}

struct Stack<'a>(&'a Profile, &'a Sample);

impl Serialize for Stack<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (profile, sample) = (self.0, self.1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", &sample.state)?;
        map.serialize_entry("detail", sample.detail)?;
        map.serialize_entry("precision", precision(sample.precision))?;
        map.serialize_entry("root", &sample.root)?;
        map.serialize_entry("goroutine_ns", &sample.weight.goroutine_ns)?;
        map.serialize_entry("events", &sample.weight.events)?;
        let (indexes, cut) = frames::leaf_first(&profile.tree, sample.stack);
        let all = profile.tree.frames();
        let mut list: Vec<Frame<'_>> = indexes.iter().map(|&i| frame(&all[i as usize])).collect();
        if cut {
            list.push(Frame { function: frames::CUT, file: frames::CUT_FILE, line: 0 });
        }
        map.serialize_entry("frames", &list)?;
        map.end()
    }
}

fn frame(frame: &ProfileFrame) -> Frame<'_> {
    Frame { function: &frame.function, file: &frame.file, line: frame.line }
}

pub(super) fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::Exact => "exact",
        Precision::Bracketed => "bracketed",
        Precision::Sampled => "sampled",
    }
}

struct Rows<'a>(&'a [Candidate]);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for row in self.0 {
            seq.serialize_element(&Row(row))?;
        }
        seq.end()
    }
}

struct Row<'a>(&'a Candidate);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let c = self.0;
        let mut map = serializer.serialize_map(None)?;
        let site = Frame { function: &c.creation_site, file: &c.file, line: c.line };
        map.serialize_entry("created_by", &site)?;
        map.serialize_entry("entry", &c.entry)?;
        map.serialize_entry("count", &c.count)?;
        map.serialize_entry("total_ns", &c.total_ns)?;
        map.serialize_entry("max_ns", &c.max_ns)?;
        map.serialize_entry("children", &c.children)?;
        map.serialize_entry("alive", &c.alive)?;
        map.end()
    }
}

/// Compact JSON in which every character that could disturb a terminal is written as `\uNNNN`: the same text to a
/// program, harmless to a person.
struct Visible;

impl serde_json::ser::Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(clean::is_hostile) {
            let c = rest[at..].chars().next().unwrap_or_default();
            out.write_all(&rest.as_bytes()[..at])?;
            write!(out, "\\u{:04x}", c as u32)?;
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{check_golden, empty, render, sample, sample_candidates};

    #[test]
    fn goldens() {
        check_golden("sample.json", &render("json", &sample(), &Options::default()));
        check_golden("empty.json", &render("json", &empty(), &Options::default()));
        let mut out = Vec::new();
        write_candidates(&sample_candidates(), &Options::default(), &mut out).unwrap();
        check_golden("candidates.json", &out);
    }

    #[test]
    fn numbers_agree_with_the_profile() {
        let profile = sample();
        let json: serde_json::Value = serde_json::from_slice(&render("json", &profile, &Options::default())).unwrap();
        let sum = |list: &str| -> u64 {
            json[list].as_array().unwrap().iter().map(|s| s["goroutine_ns"].as_u64().unwrap()).sum()
        };
        assert_eq!(sum("states"), profile.total.goroutine_ns);
        assert_eq!(sum("stacks"), profile.total.goroutine_ns);
        assert_eq!(json["trace"]["duration_ns"], 5_003_000_000_u64);
        assert_eq!(json["complete"], false);
    }

    #[test]
    fn hostile_text_survives_without_reaching_the_terminal() {
        let name = "a\x1b[2J\u{9b}\u{202e}\"é";
        let mut out = Vec::new();
        document(&name, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.trim_end().contains(clean::is_hostile), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
    }
}
