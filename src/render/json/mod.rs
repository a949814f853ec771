//! The report for programs, documented in `docs/json.md`. Times are integers in nanoseconds.
//!
//! Fields may be added within a schema version; none changes its meaning.
//!
//! Each struct in this folder is one object of the output, with a field for each of its members.

mod answer;
mod candidates;
mod comparison;
mod requests;
mod rows;
mod slowest;

pub(super) use candidates::write as write_candidates;
pub(super) use comparison::write as write_comparison;

use super::{Options, clean, frames};
use crate::profile::{
    ByteCount, MatchedFunction, NodeIdx, Profile, ProfileFrame, Requests, Sample, Selection, StackTree, TraceInfo,
    Weight,
};
use crate::trace::error::Warning;
use answer::AnswerRow;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Schema of a profile.
const REPORT_SCHEMA: &str = "gotrace-slice/report/2";

/// Writes the profile.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let requests = profile.requests.as_ref();
    let report = ReportDocument {
        head: DocumentHead::new(REPORT_SCHEMA, profile.complete()),
        read: TracesRead::new(&profile.traces),
        answer: requests.and_then(|r| r.answer.as_ref()).map(|answer| AnswerRow::new(answer, profile, options)),
        metric: profile.metric.name(),
        selection: Selected(&profile.selection, profile.requests.as_ref()),
        filter: profile.filtered.as_ref().map(|filtered| {
            FilterRow::new(&filtered.options, AllStacks { whole: Weights::new(profile.total, profile) })
        }),
        total: Weights::new(profile.shown().total, profile),
        latency: requests.and_then(|r| r.latency.as_ref()).map(requests::Distribution),
        states: profile
            .shown()
            .states
            .iter()
            .map(|s| StateRow { state: &s.state, measured: Weights::new(s.weight, profile) })
            .collect(),
        stacks: SampleRows(profile),
        about_requests: requests.map(|r| requests::AboutRequests::new(profile, r)),
        warnings: warnings(&profile.warnings),
    };
    document(&report, out)
}

fn document(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Visible);
    report.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// The first members of every document.
#[derive(Serialize)]
struct DocumentHead {
    schema: &'static str,
    tool: &'static str,
    /// Whether every trace was read whole.
    complete: bool,
}

impl DocumentHead {
    fn new(schema: &'static str, complete: bool) -> Self {
        Self { schema, tool: env!("CARGO_PKG_VERSION"), complete }
    }
}

/// The traces that were read; the first one also by itself, for programs that read only one.
#[derive(Serialize)]
struct TracesRead<'a> {
    trace: Option<Trace<'a>>,
    traces: Vec<Trace<'a>>,
}

impl<'a> TracesRead<'a> {
    fn new(traces: &'a [TraceInfo]) -> Self {
        Self { trace: traces.first().map(Trace), traces: traces.iter().map(Trace).collect() }
    }
}

#[derive(Serialize)]
struct ReportDocument<'a> {
    #[serde(flatten)]
    head: DocumentHead,
    #[serde(flatten)]
    read: TracesRead<'a>,
    /// What decides how long requests take; null without requests.
    answer: Option<AnswerRow<'a>>,
    metric: &'static str,
    selection: Selected<'a>,
    /// What samples, states and total were restricted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<FilterRow<'a, AllStacks>>,
    total: Weights,
    latency: Option<requests::Distribution<'a>>,
    states: Vec<StateRow<'a>>,
    stacks: SampleRows<'a>,
    #[serde(flatten)]
    about_requests: Option<requests::AboutRequests<'a>>,
    warnings: Vec<Warned<'a>>,
}

/// What all stacks have, with those that were filtered out.
#[derive(Serialize)]
struct AllStacks {
    whole: Weights,
}

/// The options that chose the stacks, and a sum: of all stacks of a profile, of those that are left of a comparison.
#[derive(Serialize)]
struct FilterRow<'a, T> {
    focus: Option<&'a str>,
    ignore: Option<&'a str>,
    hide: Option<&'a str>,
    show_from: Option<&'a str>,
    #[serde(flatten)]
    sum: T,
}

impl<'a, T> FilterRow<'a, T> {
    fn new(options: &'a [(&'static str, String)], sum: T) -> Self {
        let of = |name| options.iter().find(|(n, _)| *n == name).map(|(_, regex)| regex.as_str());
        Self { focus: of("--focus"), ignore: of("--ignore"), hide: of("--hide"), show_from: of("--show-from"), sum }
    }
}

#[derive(Serialize)]
struct Weights {
    /// Absent where latency was not computed: 0 would be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ns: Option<u64>,
    /// Absent where a table was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    goroutine_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

impl Weights {
    fn new(weight: Weight, profile: &Profile) -> Self {
        let is_measured = !profile.is_from_tables();
        Self {
            latency_ns: profile.requests.is_some().then_some(weight.latency_ns),
            goroutine_ns: is_measured.then_some(weight.goroutine_ns),
            events: is_measured.then_some(weight.events),
        }
    }
}

#[derive(Serialize)]
struct StateRow<'a> {
    state: &'a str,
    #[serde(flatten)]
    measured: Weights,
}

#[derive(Serialize)]
struct FrameRow<'a> {
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

struct Bytes(ByteCount);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ByteCount { total, used, skipped, unknown } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("total", &total)?;
        map.serialize_entry("used", &used)?;
        map.serialize_entry("skipped", &skipped)?;
        map.serialize_entry("unknown", &unknown)?;
        map.end()
    }
}

struct Trace<'a>(&'a TraceInfo);

impl Serialize for Trace<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let t = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &*t.name)?;
        map.serialize_entry("version", &t.version)?;
        map.serialize_entry("bytes", &Bytes(t.bytes))?;
        map.serialize_entry("duration_ns", &t.duration_ns)?;
        map.serialize_entry("window_ns", &t.window_ns.unwrap_or(t.duration_ns))?;
        map.serialize_entry("wall_start_ns", &t.wall_start_ns)?;
        map.serialize_entry("events", &t.events)?;
        map.serialize_entry("goroutines", &t.goroutines)?;
        map.serialize_entry("generations", &t.generations)?;
        map.serialize_entry("gomaxprocs", &t.gomaxprocs)?;
        map.serialize_entry("complete", &t.complete)?;
        if let Some(table) = &t.table {
            map.serialize_entry("table", table)?;
        }
        map.end()
    }
}

struct Selected<'a>(&'a Selection, Option<&'a Requests>);

impl Serialize for Selected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let s = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("patterns", &s.patterns)?;
        map.serialize_entry("fixed_strings", &s.fixed_strings)?;
        map.serialize_entry("ignore_case", &s.ignore_case)?;
        map.serialize_entry("root_by", &s.root_by)?;
        map.serialize_entry("exclude", &s.exclude)?;
        map.serialize_entry("goids", &s.goids)?;
        map.serialize_entry("time", &s.time)?;
        map.serialize_entry("whole_life", &s.whole_life)?;
        map.serialize_entry("roots", &s.roots)?;
        map.serialize_entry("roots_by_creation", &s.roots_by_creation)?;
        map.serialize_entry("roots_by_entry", &s.roots_by_entry)?;
        map.serialize_entry("roots_by_stack", &s.roots_by_stack)?;
        map.serialize_entry("roots_by_task", &s.roots_by_task)?;
        map.serialize_entry("roots_by_region", &s.roots_by_region)?;
        map.serialize_entry("regions_inside", &s.regions_inside)?;
        map.serialize_entry("roots_cut", &s.roots_cut)?;
        map.serialize_entry("matched", &matched(&s.matched))?;
        map.serialize_entry("others", &matched(&s.others))?;
        map.serialize_entry("goroutines", &s.goroutines)?;
        map.serialize_entry("max_depth", &s.max_depth)?;
        map.serialize_entry("excluded", &s.excluded)?;
        map.serialize_entry("recording", &s.recording)?;
        map.serialize_entry("runtime", &s.runtime)?;
        map.serialize_entry("plumbing", &s.shared)?;
        map.serialize_entry("outlived", &s.outlived)?;
        map.serialize_entry("cut_stacks", &s.cut_stacks)?;
        map.serialize_entry("no_creator", &s.no_creator)?;
        map.serialize_entry("undecided", &requests::UndecidedJson(&s.undecided))?;
        map.serialize_entry("same_servers", &requests::DurationTotals(&s.same_servers))?;
        if let Some(requests) = self.1 {
            requests::selected(requests, &mut map)?;
        }
        map.end()
    }
}

/// A function that matched.
#[derive(Serialize)]
struct MatchedRow<'a> {
    function: &'a str,
    by: &'static str,
    requests: u64,
    cut: u64,
}

fn matched(list: &[MatchedFunction]) -> Vec<MatchedRow<'_>> {
    list.iter().map(|m| MatchedRow { function: &m.function, by: m.by, requests: m.requests, cut: m.cut }).collect()
}

/// The samples, written one at a time: their stacks are never all in memory as text.
struct SampleRows<'a>(&'a Profile);

impl Serialize for SampleRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for sample in self.0.shown().samples {
            seq.serialize_element(&SampleRow(self.0, sample))?;
        }
        seq.end()
    }
}

struct SampleRow<'a>(&'a Profile, &'a Sample);

impl Serialize for SampleRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (profile, sample) = (self.0, self.1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", sample.state.as_str())?;
        map.serialize_entry("detail", sample.detail)?;
        map.serialize_entry("precision", sample.precision.name())?;
        map.serialize_entry("root", sample.root.as_str())?;
        map.serialize_entry("waited_in", sample.waited_in.as_str())?;
        if profile.requests.is_some() {
            map.serialize_entry("latency_ns", &sample.weight.latency_ns)?;
        }
        if !profile.is_from_tables() {
            map.serialize_entry("goroutine_ns", &sample.weight.goroutine_ns)?;
            map.serialize_entry("events", &sample.weight.events)?;
        }
        map.serialize_entry("frames", &stack_frames(&profile.tree, sample.stack))?;
        map.end()
    }
}

/// The frames of a stack, innermost first.
fn stack_frames(tree: &StackTree, leaf: NodeIdx) -> Vec<FrameRow<'_>> {
    let (indexes, cut) = frames::leaf_first(tree, leaf);
    let all = tree.frames();
    let mut list: Vec<FrameRow<'_>> = indexes.iter().map(|&i| frame(&all[i as usize])).collect();
    if cut {
        list.push(FrameRow { function: frames::CUT, file: frames::CUT_FILE, line: 0 });
    }
    list
}

fn frame(frame: &ProfileFrame) -> FrameRow<'_> {
    FrameRow { function: &frame.function, file: &frame.file, line: frame.line }
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
mod tests;
