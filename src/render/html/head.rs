//! What both kinds of pages say of the traces, and the lines of the text report that say what was read and selected.

use crate::profile::{Selection, TraceInfo};
use crate::render::Options;
use crate::render::clean::clean;
use crate::render::units::counted;
use serde::Serialize;
use std::borrow::Cow;

/// A trace that was read.
#[derive(Serialize)]
pub(super) struct TraceRow<'a> {
    name: Cow<'a, str>,
    version: Cow<'a, str>,
    duration_ns: u64,
    window_ns: u64,
    wall_start_ns: Option<i64>,
    events: u64,
    goroutines: u64,
    gomaxprocs: Option<u64>,
    complete: bool,
}

impl<'a> TraceRow<'a> {
    pub(super) fn of(trace: &'a TraceInfo) -> Self {
        let TraceInfo { duration_ns, wall_start_ns, events, goroutines, gomaxprocs, complete, .. } = *trace;
        let window_ns = trace.window_ns.unwrap_or(duration_ns);
        let (name, version) = (clean(&trace.name), clean(&trace.version));
        Self { name, version, duration_ns, window_ns, wall_start_ns, events, goroutines, gomaxprocs, complete }
    }
}

/// Whether no root was asked for: then all requests of the servers are.
pub(super) fn are_all_endpoints(selection: &Selection) -> bool {
    selection.patterns.is_empty() && selection.goids.is_empty()
}

/// What was asked for: the patterns, or the goroutines.
pub(super) fn asked(selection: &Selection) -> String {
    if are_all_endpoints(selection) {
        return "all endpoints".to_owned();
    }
    let goids = selection.goids.iter().map(|id| format!("goroutine {id}"));
    let asked: Vec<String> = if selection.patterns.is_empty() { goids.collect() } else { selection.patterns.clone() };
    clean(&asked.join(" or ")).into_owned()
}

/// What was asked for, and of which traces.
pub(super) fn title(selection: &Selection, traces: &[TraceInfo]) -> String {
    let mut title = asked(selection);
    if let Some(trace) = traces.first() {
        let base_name = trace.name.rsplit(['/', '\\']).next().unwrap_or_default();
        title = format!("{title} · {}", clean(base_name));
    }
    if traces.len() > 1 {
        title = format!("{title} and {}", counted(traces.len() as u64 - 1, "more trace"));
    }
    title
}

/// Options for text that a page takes over: no colours, no terminal's width.
pub(super) fn text_options(options: &Options) -> Options {
    Options { width: usize::MAX / 4, color: false, unicode: true, read_in: None, ..options.clone() }
}

/// Lines of the text report, each with its label, which is empty where a line has none.
pub(super) fn facts(text: &str) -> Vec<[String; 2]> {
    let fact = |line: &str| {
        let (label, rest) =
            if line.starts_with(' ') { ("", line) } else { line.split_once("  ").unwrap_or(("", line)) };
        [label, rest].map(|part| part.trim().to_owned())
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(fact).collect()
}

/// The same of a profile: where each trace has a line, its name is whole.
pub(super) fn facts_of(text: &str, traces: &[TraceInfo]) -> Vec<[String; 2]> {
    let mut facts = facts(text);
    if facts.first().is_some_and(|[label, _]| *label != counted(traces.len() as u64, "trace")) {
        for ([label, text], trace) in facts.iter_mut().zip(traces) {
            "trace".clone_into(label);
            *text = format!("{} · {text}", clean(&trace.name));
        }
    }
    facts
}
