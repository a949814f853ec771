//! The data of a profile's page.

use super::SCHEMA;
use super::document::Document;
use super::exemplars::ExemplarRow;
use super::goroutines;
use super::head::{self, TraceRow};
use super::notes::{FindingRow, WakeupRow, WarningRow};
use super::pieces::{self, MoreColumns, PieceColumns, WaitColumns};
use super::requests::{LatencyRow, RequestColumns, SampleColumns, SpanColumns, UndecidedColumns};
use super::tables::{Frames, Stacks, States, Strings};
use crate::profile::{Metric, Profile, Requests};
use crate::render::answer::{self, AnswerStyle};
use crate::render::clean::clean;
use crate::render::next_step;
use crate::render::{Options, question, text};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    tool: &'static str,
    kind: &'static str,
    title: &'a str,
    /// What was asked for.
    asked: String,
    /// Whether that is all requests of the servers, as no root was asked for.
    all_endpoints: bool,
    complete: bool,
    metric: &'static str,
    traces: Vec<TraceRow<'a>>,
    /// What decides how long requests take.
    answer: &'a str,
    /// What to do next: a command, or what to record.
    next: Option<String>,
    /// What was read and selected: labels and texts.
    facts: Vec<[String; 2]>,
    /// The command that asks again.
    command: Option<String>,
    /// For each trace, the command for one of its requests, with `CHOICE` where the options that choose it go.
    one_request: Vec<Option<String>>,
    latency: Option<LatencyRow>,
    requests: Option<RequestColumns>,
    only: Option<String>,
    cut: Option<RequestColumns>,
    undecided: UndecidedColumns,
    pieces: Option<PieceColumns>,
    more: MoreColumns,
    waits: Option<WaitColumns>,
    collector: SpanColumns,
    stopped: SpanColumns,
    samples: SampleColumns,
    /// None where all stacks are shown.
    filter: Option<FilterRow>,
    exemplars: Vec<ExemplarRow>,
    wakeups: Vec<WakeupRow<'a>>,
    findings: Vec<FindingRow>,
    warnings: Vec<WarningRow<'a>>,
    stacks: Stacks,
    frames: Frames,
    states: States,
    strings: Strings,
}

/// What chose the stacks.
#[derive(Serialize)]
struct FilterRow {
    options: String,
    /// From this sample on, they are what was filtered out, by state: without a stack.
    left_out: usize,
}

/// Writes a profile's page.
pub(in crate::render) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let title = head::title(&profile.selection, &profile.traces);
    let requests = profile.requests.as_ref();
    let found = requests.and_then(|r| r.answer.as_ref());
    let of_requests = found.map(|found| answer::text(found, profile, AnswerStyle::of(options)));
    let answer = of_requests.unwrap_or_else(|| goroutines::answer(profile, options));
    let page = Page {
        title: &title,
        answer: &answer,
        next: found.and_then(|found| next_step::of(found, profile)),
        facts: head::facts_of(&text::selected(profile, &head::text_options(options))?, &profile.traces),
        ..Page::of(profile, options)
    };
    Document { title: &title, answer: &answer, data: &page }.write(out)
}

/// The options that chose what the page shows, beside what selected the roots, each with a space after it.
fn choices(profile: &Profile) -> String {
    let metric = (profile.metric != Metric::Latency).then(|| format!("--metric {}", profile.metric.name()));
    let only = profile.requests.as_ref().and_then(|requests| requests.only.clone());
    let filter = profile.filtered.as_ref().map(|filtered| question::stack_options(&filtered.options));
    [metric, only, filter].into_iter().flatten().map(|option| option + " ").collect()
}

impl<'a> Page<'a> {
    fn of(profile: &'a Profile, options: &Options) -> Self {
        let (mut strings, mut states) = (Strings::default(), States::default());
        let requests = profile.requests.as_ref();
        let wakeups = requests.map_or(&[][..], |r| &r.wakeups);
        let whole = profile.whole_time();
        let stacks = requests.and_then(|r| Some((r, whole.stacks.as_ref()?)));
        let (pieces, more) = stacks.map(|(r, stacks)| pieces::of(r, stacks, &mut states, pieces::MAX_PIECES)).unzip();
        let columns = |of: fn(&Requests, &mut Strings) -> RequestColumns, strings: &mut Strings| {
            requests.map(|requests| of(requests, strings))
        };
        Self {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_VERSION"),
            kind: "profile",
            title: "",
            asked: head::asked(&profile.selection),
            all_endpoints: head::are_all_endpoints(&profile.selection),
            complete: profile.complete(),
            metric: profile.metric.name(),
            traces: profile.traces.iter().map(TraceRow::of).collect(),
            answer: "",
            next: None,
            facts: Vec::new(),
            command: question::with(profile, &format!("{}-o report.html", choices(profile))),
            one_request: (0..profile.traces.len()).map(|trace| question::one_of(profile, trace, "CHOICE")).collect(),
            latency: requests.and_then(|r| r.latency.as_ref()).map(LatencyRow::of),
            requests: columns(RequestColumns::counted, &mut strings),
            only: requests.and_then(|r| r.only.as_deref()).map(|only| clean(only).into_owned()),
            cut: columns(RequestColumns::cut, &mut strings),
            undecided: UndecidedColumns::of(&profile.selection.undecided),
            pieces,
            more: more.unwrap_or_default(),
            waits: requests.and_then(|r| r.waits.as_ref()).and_then(WaitColumns::of),
            collector: requests.map_or_else(SpanColumns::default, |r| SpanColumns::of(&r.runtime_spans.collector)),
            stopped: requests.map_or_else(SpanColumns::default, |r| SpanColumns::of(&r.runtime_spans.stopped)),
            samples: SampleColumns::of(&whole.samples, &mut strings, &mut states),
            filter: profile.filtered.as_ref().map(|filtered| FilterRow {
                options: question::stack_options(&filtered.options),
                left_out: whole.left_out,
            }),
            exemplars: requests.map_or_else(Vec::new, |r| ExemplarRow::all(r, &mut strings, &mut states)),
            wakeups: wakeups.iter().map(|wakeup| WakeupRow::of(profile, wakeup, &mut strings)).collect(),
            findings: requests.map_or_else(Vec::new, |r| FindingRow::all(profile, r, options)),
            warnings: WarningRow::all(&profile.warnings),
            stacks: Stacks::of(&profile.tree),
            frames: Frames::of(&profile.tree, &profile.own_code, &mut strings),
            states,
            strings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::sample_requests;

    #[test]
    fn the_command_for_the_page_chooses_the_same() {
        let mut profile = sample_requests();
        assert_eq!(choices(&profile), "");
        profile.requests.as_mut().unwrap().only = Some("--only p95..".to_owned());
        assert_eq!(choices(&profile), "--only p95.. ");
        profile.metric = Metric::Goroutine;
        assert_eq!(choices(&profile), "--metric goroutine --only p95.. ");
    }
}
