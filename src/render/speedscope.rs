//! speedscope's own format: all requests pooled, then the critical paths of the slowest ones in order of time.
//!
//! ```text
//!   profile 0        every stack once, by the metric         "Left Heavy" and "Sandwich" are about it
//!   profile 1 … 5    one slow request each: its critical     "Time Order" shows it as it went
//!                    path from its start to its end
//! ```
//!
//! Frames stand once in `shared`, first those of the profile's tree in its order; stacks refer to them by position.

use super::clean::clean;
use super::differential::DifferentialLabels;
use super::units::{self, Unit};
use super::{Options, frames, metric};
use crate::compare::{Comparison, Delta};
use crate::profile::{Exemplar, Metric, NodeIdx, Profile, Requests, StackTree};
use indexmap::IndexSet;
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Which format a file has, as speedscope wants it said.
const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";
/// So many of the slowest requests have a profile of their own.
const PATHS: usize = 5;
/// Stands for the end of a path that has too many pieces.
const MORE: &str = "[further pieces]";

/// Writes the pooled profile and the paths of the slowest requests.
pub(super) fn write(profile: &Profile, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut frames = FrameList::of(&profile.tree);
    let mut profiles = vec![pooled(profile, &mut frames)];
    if let Some(requests) = &profile.requests {
        let slowest = requests.exemplars.iter().take(PATHS);
        profiles
            .extend((1..).zip(slowest).map(|(rank, exemplar)| path(profile, requests, (rank, exemplar), &mut frames)));
    }
    let profiles = profiles.iter().map(|profile| profile.with(&frames)).collect();
    write_file(clean(&title(profile)).into_owned(), &frames, profiles, out)
}

/// Writes a comparison: the new side, then the base.
pub(super) fn write_comparison(comparison: &Comparison, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let labels = DifferentialLabels::of(comparison);
    let mut frames = FrameList::of(&comparison.tree);
    let mut side = |name: &str, label: &str, ns: fn(&Delta) -> u64| {
        let name = format!("{name}, {}: {label}", labels.metric);
        let mut side = Sampled::new(name, "nanoseconds");
        for change in comparison.shown_stacks() {
            side.push(change.stack, frames.state(&change.state), ns(&change.delta));
        }
        side
    };
    let sides = [side("new", &labels.new, |t| t.new_ns), side("base", &labels.base, |t| t.base_ns)];
    let sides = sides.iter().map(|side| side.with(&frames)).collect();
    write_file(labels.title.clone(), &frames, sides, out)
}

fn title(profile: &Profile) -> String {
    let asked = profile.selection.patterns.join(" or ");
    let traces: Vec<&str> =
        profile.traces.iter().map(|t| t.name.rsplit(['/', '\\']).next().unwrap_or(&t.name)).collect();
    format!("{asked} · {}", traces.join(", "))
}

/// All stacks, each with the time or the number of all requests.
fn pooled(profile: &Profile, frames: &mut FrameList<'_>) -> Sampled {
    let unit = if profile.metric == Metric::Events { "none" } else { "nanoseconds" };
    let occurrences = metric::occurrences_in_words(profile, Unit::Auto);
    let mut pooled = Sampled::new(format!("{} of {occurrences}", profile.metric.name()), unit);
    for sample in profile.shown().samples {
        pooled.push(sample.stack, frames.state(&sample.state), sample.weight.of(profile.metric));
    }
    pooled
}

/// The critical path of a request, the slowest one being of rank 1.
fn path(
    profile: &Profile,
    requests: &Requests,
    (rank, exemplar): (usize, &Exemplar),
    frames: &mut FrameList<'_>,
) -> Sampled {
    let request = &requests.list[exemplar.request];
    let time = |ns| units::duration(ns, Unit::Auto);
    let trace = match profile.traces.get(request.trace as usize) {
        Some(trace) if profile.traces.len() > 1 => format!(" of {}", trace.name),
        _ => String::new(),
    };
    let (took, start, root) = (time(request.dur_ns), time(request.start_ns), &requests.roots[request.root as usize]);
    let name = format!("slowest {rank}: {took} · {root} · goroutine {}, {start} after the start{trace}", request.goid);
    let mut path = Sampled::new(clean(&name).into_owned(), "nanoseconds");
    for piece in &exemplar.path {
        path.push(piece.stack, frames.state(&piece.state), piece.dur_ns);
    }
    let shown = path.total();
    path.push(StackTree::ROOT, frames.own(MORE.to_owned()), request.dur_ns.saturating_sub(shown));
    path
}

/// A profile as it is put together: stacks, below each its state, and what each one weighs.
struct Sampled {
    name: String,
    unit: &'static str,
    stacks: Vec<(NodeIdx, u32)>,
    weights: Vec<u64>,
}

impl Sampled {
    fn new(name: String, unit: &'static str) -> Self {
        Self { name, unit, stacks: Vec::new(), weights: Vec::new() }
    }

    /// Adds a stack; one that weighs nothing is left out.
    fn push(&mut self, stack: NodeIdx, leaf: u32, weight: u64) {
        if weight > 0 {
            self.stacks.push((stack, leaf));
            self.weights.push(weight);
        }
    }

    fn total(&self) -> u64 {
        self.weights.iter().fold(0, |sum, ns| sum.saturating_add(*ns))
    }

    fn with<'a>(&'a self, frames: &'a FrameList<'a>) -> SampledFile<'a> {
        SampledFile {
            r#type: "sampled",
            name: &self.name,
            unit: self.unit,
            start_value: 0,
            end_value: self.total(),
            samples: StackList { frames, stacks: &self.stacks },
            weights: &self.weights,
        }
    }
}

/// Frames of the tree, and after them our own: states, and what stands for frames and pieces left out.
struct FrameList<'a> {
    tree: &'a StackTree,
    own: IndexSet<String>,
}

impl<'a> FrameList<'a> {
    fn of(tree: &'a StackTree) -> Self {
        Self { tree, own: std::iter::once(frames::CUT.to_owned()).collect() }
    }

    fn state(&mut self, state: &str) -> u32 {
        self.own(frames::state_frame(state))
    }

    fn own(&mut self, name: String) -> u32 {
        (self.tree.frames().len() + self.own.insert_full(name).0) as u32
    }

    /// A stack with its leaf, outermost first.
    fn stack(&self, stack: NodeIdx, leaf: u32) -> Vec<u32> {
        let (mut indexes, cut) = frames::leaf_first(self.tree, stack);
        let cut_frame = self.tree.frames().len() as u32;
        indexes.extend(cut.then_some(cut_frame));
        indexes.reverse();
        indexes.push(leaf);
        indexes
    }
}

impl Serialize for FrameList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let functions = self.tree.frames().iter().map(|frame| FrameFile {
            name: &frame.function,
            file: Some(frame.file.as_str()).filter(|file| !file.is_empty()),
            line: Some(frame.line).filter(|line| *line > 0),
        });
        let own = self.own.iter().map(|name| FrameFile {
            name,
            file: Some(if name == frames::CUT { frames::CUT_FILE } else { frames::STATE_FILE }),
            line: None,
        });
        serializer.collect_seq(functions.chain(own))
    }
}

/// Stacks as positions in the list of frames; each is made when it is written.
struct StackList<'a> {
    frames: &'a FrameList<'a>,
    stacks: &'a [(NodeIdx, u32)],
}

impl Serialize for StackList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.stacks.iter().map(|&(stack, leaf)| self.frames.stack(stack, leaf)))
    }
}

#[derive(Serialize)]
struct FrameFile<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SampledFile<'a> {
    r#type: &'static str,
    name: &'a str,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: StackList<'a>,
    weights: &'a [u64],
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: &'a FrameList<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    exporter: &'static str,
    name: String,
    active_profile_index: u32,
    shared: Shared<'a>,
    profiles: Vec<SampledFile<'a>>,
}

fn write_file(
    name: String,
    frames: &FrameList<'_>,
    profiles: Vec<SampledFile<'_>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let file = File {
        schema: SCHEMA,
        exporter: concat!("gotrace-slice ", env!("CARGO_PKG_VERSION")),
        name,
        active_profile_index: 0,
        shared: Shared { frames },
        profiles,
    };
    serde_json::to_writer(&mut *out, &file)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{
        check_golden, empty, render, render_comparison, sample, sample_comparison, sample_requests,
    };
    use serde_json::Value;

    fn file(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    /// Its requests with the slowest one as exemplar, as a run that asks for exemplars has it.
    fn with_path() -> Profile {
        let mut profile = sample_requests();
        let requests = profile.requests.as_mut().unwrap();
        requests.exemplars = requests.slowest.iter().cloned().collect();
        profile
    }

    #[test]
    fn goldens() {
        check_golden("requests.speedscope.json", &render("speedscope", &with_path(), &Options::default()));
        check_golden(
            "diff.speedscope.json",
            &render_comparison("speedscope", &sample_comparison(), &Options::default()),
        );
    }

    #[test]
    fn weights_add_up_to_the_metric_and_to_the_request() {
        let profile = with_path();
        let file = file(&render("speedscope", &profile, &Options::default()));
        let sum = |i: usize| {
            file["profiles"][i]["weights"].as_array().unwrap().iter().map(|w| w.as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!(sum(0), profile.total.latency_ns);
        let requests = profile.requests.as_ref().unwrap();
        assert_eq!(sum(1), requests.list[requests.exemplars[0].request].dur_ns);
        for profile in file["profiles"].as_array().unwrap() {
            assert_eq!(profile["samples"].as_array().unwrap().len(), profile["weights"].as_array().unwrap().len());
        }
    }

    #[test]
    fn the_end_of_a_long_path_is_one_piece() {
        let mut profile = with_path();
        let exemplar = &mut profile.requests.as_mut().unwrap().exemplars[0];
        exemplar.path.truncate(1);
        let file = file(&render("speedscope", &profile, &Options::default()));
        let last = file["profiles"][1]["samples"][1][0].as_u64().unwrap() as usize;
        assert_eq!(file["shared"]["frames"][last]["name"], MORE);
    }

    #[test]
    fn counts_have_no_unit_and_a_profile_without_requests_no_paths() {
        let mut profile = sample();
        profile.metric = Metric::Events;
        let counted = file(&render("speedscope", &profile, &Options::default()));
        assert_eq!(counted["profiles"][0]["unit"], "none");
        assert_eq!(counted["profiles"].as_array().unwrap().len(), 1);
        let nothing = file(&render("speedscope", &empty(), &Options::default()));
        assert_eq!(nothing["profiles"][0]["endValue"], 0);
    }
}
