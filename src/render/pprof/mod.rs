//! pprof profiles, gzipped: for `go tool pprof` and everything that reads its files.
//!
//! Each choice below repairs a defect seen with a real reader; `docs/cli.md` says which commands work. A protobuf
//! message may be written in pieces, and repeated fields add up: so samples go out as they come.

mod comparison;
mod proto;

pub(super) use comparison::write as write_comparison;

use super::clean::clean;
use super::{Options, frames, metric, question, units};
use crate::compare::apportion::per_request;
use crate::profile::{Metric, NodeIdx, Precision, Profile, ProfileFrame, Sample, StackTree, TraceInfo, Weight};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message as _;
use proto as pb;
use rustc_hash::FxHashMap;
use std::io::{self, Write};

/// Where the project lives, if it says so: pprof's web page has a link to the documents there.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Shown as "Help" by pprof's web page; empty where the project has no place.
fn doc_url() -> String {
    if REPOSITORY.is_empty() { String::new() } else { format!("{REPOSITORY}/blob/main/docs/cli.md#pprof") }
}

/// Writes the profile.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = Writer::new(GzEncoder::new(out, Compression::default()));
    writer.header(&ProfileHeader {
        traces: &profile.traces,
        values: &VALUES,
        default: default_type(profile).name(),
        comments: &comments(profile, options.per_request),
    })?;
    let mut rows = merged(profile);
    if options.per_request {
        let weights: Vec<Weight> = rows.iter().map(|r| r.1).collect();
        let means = per_request(&weights, metric::occurrences(profile) as usize);
        rows.iter_mut().zip(means).for_each(|(row, mean)| row.1 = mean);
    }
    for (sample, weight) in rows {
        writer.sample(profile, sample, weight)?;
    }
    writer.tables()?;
    writer.out.finish()?;
    Ok(())
}

/// Always the same three, so that profiles can be compared. The one that most people look for stands last: that is
/// what viewers fall back to that know no default.
const VALUES: [(&str, &str); 3] = [("events", "count"), ("goroutine", "nanoseconds"), ("latency", "nanoseconds")];

/// What a profile says of itself.
struct ProfileHeader<'a> {
    traces: &'a [TraceInfo],
    /// The kinds of values and their units.
    values: &'a [(&'a str, &'a str)],
    /// The value shown unless another one is asked for.
    default: &'a str,
    comments: &'a [String],
}

/// The samples; those that differ only in what pprof's format cannot hold are added up.
fn merged(profile: &Profile) -> Vec<(&Sample, Weight)> {
    let mut rows: Vec<(&Sample, Weight)> = Vec::new();
    let mut by_key = FxHashMap::default();
    for sample in profile.shown().samples {
        let key = (sample.stack, &sample.state, sample.detail, sample.precision, &sample.root);
        let row = *by_key.entry(key).or_insert_with(|| {
            rows.push((sample, Weight::default()));
            rows.len() - 1
        });
        rows[row].1 += sample.weight;
    }
    rows
}

/// One sample as it is written.
struct StackSample<'a> {
    stack: NodeIdx,
    state: &'a str,
    /// Keys and texts; those with an empty text are left out.
    labels: &'a [(&'a str, &'a str)],
    /// One value for each kind in the header.
    value: Vec<i64>,
}

/// Bytes that are compressed at a time, at least: few calls cost less than many.
const FULL: usize = 32 << 10;

struct Writer<W: Write> {
    out: W,
    /// What was not written yet.
    buffer: Vec<u8>,
    strings: Strings,
    functions: FxHashMap<(i64, i64), u64>,
    /// Locations by index of the profile's frame, and those of our own frames by name.
    locations: FxHashMap<u32, u64>,
    own_locations: FxHashMap<String, u64>,
    tables: pb::Profile,
}

impl<W: Write> Writer<W> {
    fn new(out: W) -> Self {
        Self {
            out,
            buffer: Vec::new(),
            strings: Strings::default(),
            functions: FxHashMap::default(),
            locations: FxHashMap::default(),
            own_locations: FxHashMap::default(),
            tables: pb::Profile::default(),
        }
    }

    fn emit(&mut self, piece: &pb::Profile) -> io::Result<()> {
        piece.encode(&mut self.buffer).map_err(io::Error::other)?;
        if self.buffer.len() >= FULL { self.flush() } else { Ok(()) }
    }

    /// Writes what was not written yet.
    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn header(&mut self, head: &ProfileHeader<'_>) -> io::Result<()> {
        let mut value_type = |kind: &str, unit: &str| pb::ValueType {
            r#type: self.strings.intern(kind),
            unit: self.strings.intern(unit),
        };
        let sample_type = head.values.iter().map(|(kind, unit)| value_type(kind, unit)).collect();
        let period_type = Some(value_type("wall", "nanoseconds"));
        let file_name = self.strings.intern(&mapping_name(head.traces));
        let comment = head.comments.iter().map(|c| self.strings.intern(&clean(c))).collect();
        let piece = pb::Profile {
            sample_type,
            period_type,
            period: 1,
            mapping: vec![pb::Mapping {
                id: 1,
                filename: file_name,
                has_functions: true,
                has_filenames: true,
                has_line_numbers: true,
                has_inline_frames: true,
            }],
            comment,
            default_sample_type: self.strings.intern(head.default),
            doc_url: self.strings.intern(&doc_url()),
            time_nanos: wall_start(head.traces),
            duration_nanos: signed(head.traces.iter().map(|t| t.window_ns.unwrap_or(t.duration_ns)).sum()),
            ..pb::Profile::default()
        };
        self.emit(&piece)
    }

    fn sample(&mut self, profile: &Profile, sample: &Sample, weight: Weight) -> io::Result<()> {
        let precision = if sample.precision == Precision::Exact { "" } else { sample.precision.name() };
        let labels = [
            ("state", sample.state.as_str()),
            ("root", &sample.root),
            ("detail", sample.detail),
            ("waited_in", &sample.waited_in),
            ("precision", precision),
        ];
        let value = vec![signed(weight.events), signed(weight.goroutine_ns), signed(weight.latency_ns)];
        self.stack(&profile.tree, StackSample { stack: sample.stack, state: &sample.state, labels: &labels, value })
    }

    /// Writes a sample: its stack, below it the state, and its labels.
    fn stack(&mut self, tree: &StackTree, sample: StackSample<'_>) -> io::Result<()> {
        let StackSample { stack, state, labels, value } = sample;
        let (indexes, cut) = frames::leaf_first(tree, stack);
        let mut location_id = Vec::with_capacity(indexes.len() + 2);
        location_id.push(self.own_location(&frames::state_frame(state), frames::STATE_FILE));
        for index in indexes {
            location_id.push(self.location(index, &tree.frames()[index as usize]));
        }
        if cut {
            location_id.push(self.own_location(frames::CUT, frames::CUT_FILE));
        }
        let label = labels
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| pb::Label { key: self.strings.intern(key), str: self.strings.intern(text) })
            .collect();
        let piece = pb::Profile { sample: vec![pb::Sample { location_id, value, label }], ..pb::Profile::default() };
        self.emit(&piece)
    }

    fn location(&mut self, index: u32, frame: &ProfileFrame) -> u64 {
        if let Some(&id) = self.locations.get(&index) {
            return id;
        }
        let id = self.add_location(&frame.function, &frame.file, frame.line, frame.is_pseudo());
        self.locations.insert(index, id);
        id
    }

    fn own_location(&mut self, name: &str, file: &str) -> u64 {
        if let Some(&id) = self.own_locations.get(name) {
            return id;
        }
        let id = self.add_location(name, file, 0, true);
        self.own_locations.insert(name.to_owned(), id);
        id
    }

    fn add_location(&mut self, function: &str, file: &str, line: u32, pseudo: bool) -> u64 {
        let name = self.strings.intern(function);
        let filename = self.strings.intern(file);
        let n_functions = self.functions.len() as u64;
        let function_id = *self.functions.entry((name, filename)).or_insert_with(|| {
            let id = n_functions + 1;
            let system_name = if pseudo { 0 } else { name };
            self.tables.function.push(pb::Function { id, name, system_name, filename });
            id
        });
        let id = self.tables.location.len() as u64 + 1;
        let line = vec![pb::Line { function_id, line: i64::from(line) }];
        self.tables.location.push(pb::Location { id, mapping_id: 1, line });
        id
    }

    /// What samples refer to; ids count from 1 in table order, as Parca and Pyroscope need them.
    fn tables(&mut self) -> io::Result<()> {
        let mut piece = std::mem::take(&mut self.tables);
        piece.string_table = std::mem::take(&mut self.strings.list);
        self.emit(&piece)?;
        self.flush()
    }
}

/// The string table; its first entry is `""`.
struct Strings {
    list: Vec<String>,
    by_text: FxHashMap<String, i64>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { list: vec![String::new()], by_text: std::iter::once((String::new(), 0)).collect() }
    }
}

impl Strings {
    fn intern(&mut self, text: &str) -> i64 {
        if let Some(&idx) = self.by_text.get(text) {
            return idx;
        }
        let idx = self.list.len() as i64;
        self.list.push(text.to_owned());
        self.by_text.insert(text.to_owned(), idx);
        idx
    }
}

/// pprof prints it as `File: …`; a profile without it is announced as broken.
fn mapping_name(traces: &[TraceInfo]) -> String {
    let name = traces.first().map_or("", |t| t.name.as_str());
    match name.rsplit(['/', '\\']).next().unwrap_or_default() {
        "" => "trace".to_owned(),
        "-" => "stdin".to_owned(),
        base => clean(base).into_owned(),
    }
}

/// The value that is shown unless another one is asked for.
fn default_type(profile: &Profile) -> Metric {
    match profile.metric {
        Metric::Latency if profile.requests.is_none() => Metric::Goroutine,
        metric => metric,
    }
}

/// Lines that start with `#` are for programs; pprof shows the others above every report.
fn comments(profile: &Profile, per_request: bool) -> Vec<String> {
    let selection = &profile.selection;
    let (n, one) = match &profile.requests {
        Some(requests) if default_type(profile) == Metric::Latency => (requests.list.len() as u64, "request"),
        _ => (selection.roots, "root"),
    };
    let mean = if per_request { "the mean of " } else { "" };
    let mut lines = vec![format!("gotrace-slice: {mean}{} of {}", units::counted(n, one), asked(profile))];
    if n > 1 && !per_request {
        lines.push(format!("mean per {one}: add -divide_by={n}"));
    }
    if selection.undecided.count() > 0 {
        let undecided = units::counted(selection.undecided.count(), "undecided request");
        lines.push(format!("{undecided} of the same servers may be of it too"));
    }
    lines.extend(
        profile.filtered.iter().map(|filtered| format!("stacks: {}", question::stack_options(&filtered.options))),
    );
    lines.push(format!("#tool gotrace-slice {}", env!("CARGO_PKG_VERSION")));
    lines.push(format!("#roots {}", selection.roots));
    if let Some(requests) = &profile.requests {
        lines.push(format!("#requests {}", requests.list.len()));
        lines.extend(requests.only.iter().map(|only| format!("#only {only}")));
    }
    lines.push(format!("#goroutines {}", selection.goroutines));
    lines.push(format!("#complete {}", profile.complete()));
    lines
}

fn asked(profile: &Profile) -> String {
    let selection = &profile.selection;
    let mut parts: Vec<String> = selection.patterns.iter().map(|p| format!("\"{p}\"")).collect();
    parts.extend(selection.goids.iter().map(|id| format!("goroutine {id}")));
    parts.join(", ")
}

/// The earliest wall clock, if all traces have one; 0 hides the line. Nothing is invented.
fn wall_start(traces: &[TraceInfo]) -> i64 {
    let starts: Option<Vec<i64>> = traces.iter().map(|t| t.wall_start_ns).collect();
    starts.and_then(|s| s.into_iter().min()).unwrap_or(0)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
