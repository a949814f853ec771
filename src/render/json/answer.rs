//! The answer, for programs.

use super::FrameRow;
use crate::profile::{Answer, Cause, CodePlace, LibraryPool, Profile, WaitsFor};
use crate::render::Options;
use crate::render::answer::{self, AnswerStyle};
use crate::render::next_step;
use serde::Serialize;

/// What decides how long requests take.
#[derive(Serialize)]
pub(super) struct AnswerRow<'a> {
    text: String,
    next: Option<String>,
    root: &'a str,
    count: u64,
    undecided: u64,
    cut: u64,
    /// Null where no request counts.
    p50_ns: Option<u64>,
    mean_ns: Option<u64>,
    causes: Vec<CauseRow<'a>>,
}

#[derive(Serialize)]
struct CauseRow<'a> {
    place: Option<FrameRow<'a>>,
    waits_in: &'a str,
    state: &'a str,
    detail: &'static str,
    pool: Option<&'static str>,
    latency_ns: u64,
    waits_for: Option<WaitsForRow<'a>>,
}

#[derive(Serialize)]
struct WaitsForRow<'a> {
    place: Option<FrameRow<'a>>,
    state: &'a str,
    detail: &'static str,
    by_way_of: &'a str,
    holds_lock: bool,
    latency_ns: u64,
}

impl<'a> AnswerRow<'a> {
    pub(super) fn new(answer: &'a Answer, profile: &Profile, options: &Options) -> Self {
        Self {
            text: answer::text(answer, profile, AnswerStyle::of(options)),
            next: next_step::of(answer, profile),
            root: &answer.root,
            count: answer.count,
            undecided: answer.undecided,
            cut: answer.cut,
            p50_ns: (answer.count > 0).then_some(answer.p50_ns),
            mean_ns: (answer.count > 0).then_some(answer.mean_ns),
            causes: answer.causes.iter().map(cause).collect(),
        }
    }
}

fn cause(cause: &Cause) -> CauseRow<'_> {
    CauseRow {
        place: cause.place.as_ref().map(place),
        waits_in: &cause.waits_in,
        state: &cause.state,
        detail: cause.detail,
        pool: cause.pool.map(LibraryPool::name),
        latency_ns: cause.ns,
        waits_for: cause.waits_for.as_ref().map(waits_for),
    }
}

fn waits_for(other: &WaitsFor) -> WaitsForRow<'_> {
    WaitsForRow {
        place: other.place.as_ref().map(place),
        state: &other.state,
        detail: other.detail,
        by_way_of: &other.by_way_of,
        holds_lock: other.holds_lock,
        latency_ns: other.ns,
    }
}

/// A function with the line that has most of its time; 0 where that is not known.
fn place(place: &CodePlace) -> FrameRow<'_> {
    let line = place.lines.first().map_or(0, |(line, _)| *line);
    FrameRow { function: &place.function, file: &place.file, line }
}
