//! The answer as sentences that can be pasted into an incident, for all formats: at most three lines of a terminal, as far as
//! names are short enough.
//!
//! [`causes`] says what took the time, [`counts`] what counted and what is not known, [`brevity`] what is left out of an answer
//! that is too long.

mod brevity;
mod causes;
mod counts;
mod verbs;

use super::clean::clean;
use super::units::{Unit, duration, mean};
use super::wrap::wrapped;
use super::{Options, names};
use crate::profile::{Answer, Cause, Finding, FindingEvidence, Profile};
use brevity::{Brevity, Part};
use causes::CauseWriter;

/// How the sentences are written.
#[derive(Clone, Copy)]
pub(super) struct AnswerStyle {
    unit: Unit,
    full_names: bool,
}

impl AnswerStyle {
    pub(super) fn of(options: &Options) -> Self {
        Self { unit: options.unit, full_names: options.full_names }
    }
}

/// The sentences of an answer. What is left out of a long one depends on the answer alone, so that all outputs say the same.
pub(super) fn text(answer: &Answer, profile: &Profile, style: AnswerStyle) -> String {
    let short = AnswerStyle { unit: Unit::Auto, full_names: false };
    let lines = |brevity| wrapped(&sentences(answer, profile, short, brevity), 0, brevity::COLUMNS).len();
    sentences(answer, profile, style, Brevity::enough(lines))
}

fn sentences(answer: &Answer, profile: &Profile, style: AnswerStyle, brevity: Brevity) -> String {
    let findings = profile.requests.as_ref().map_or(&[][..], |requests| &requests.findings);
    let no_cpu = findings.iter().find(|finding| finding.id == "no-cpu");
    let words = CauseWriter {
        answer,
        style,
        brevity,
        lacks_cpu: no_cpu.map(|finding| matches!(finding.evidence, FindingEvidence::CpuSamples { .. })),
        hides_calls: profile.traces.iter().find(|trace| trace.hides_short_calls).map(|trace| &*trace.version),
        serial: findings.iter().find_map(|finding| serial(finding, profile)),
        is_second: false,
    };
    // Without its place, a second cause of the first one's state says nothing.
    let is_told_apart = brevity.says(Part::SecondPlace) || !answer.differ_in_place();
    let main = answer.main_cause();
    let causes: Vec<&Cause> = if brevity.says(Part::SecondCause) && is_told_apart {
        answer.causes.iter().collect()
    } else {
        main.as_deref().into_iter().collect()
    };
    let mut sentences = vec![how_long(answer, profile, style, brevity)];
    sentences
        .extend(causes.iter().enumerate().map(|(i, cause)| CauseWriter { is_second: i > 0, ..words }.cause(cause)));
    sentences.push(counts::text(answer, profile, style, brevity));
    sentences.join(" ")
}

/// The own function that a finding about calls one after the other names, and how many there are in a request.
fn serial<'p>(finding: &Finding, profile: &'p Profile) -> Option<(&'p str, u64)> {
    let FindingEvidence::Waits { stack, count, .. } = finding.evidence else { return None };
    let latency = profile.requests.as_ref()?.latency.as_ref().filter(|_| finding.id == "serial")?;
    let own = profile.tree.goroutine(stack).find(|frame| profile.own_code.has(frame))?;
    Some((own.function.as_str(), mean(count, latency.count)))
}

fn how_long(answer: &Answer, profile: &Profile, style: AnswerStyle, brevity: Brevity) -> String {
    let [p50, mean] = [answer.p50_ns, answer.mean_ns].map(|ns| duration(ns, style.unit));
    let chosen = profile.requests.as_ref().and_then(|r| r.only.as_ref());
    let chosen = chosen.map_or_else(String::new, |only| format!(" ({})", clean(only)));
    let who = if answer.root.is_empty() {
        asked(profile)
    } else {
        names::function(&answer.root, style.full_names).into_owned()
    };
    let list = profile.requests.as_ref().map_or(&[][..], |requests| &requests.list);
    let place = if profile.selection.time.is_some() { "that part of the trace" } else { "the trace" };
    match (answer.count, list) {
        (0, _) if profile.requests.as_ref().is_some_and(|r| r.only.is_some()) => {
            format!("{who}{chosen}: no such request begins and ends in {place}.")
        }
        (0, _) => format!("{who}: no request begins and ends in {place}."),
        (1, [cut]) if cut.partial && cut.may_be_several => {
            format!("{who}{chosen}: seen for {p50}, may be several calls in a row.")
        }
        (1, [cut]) if cut.partial => {
            let least = duration(cut.at_least_ns.get().unwrap_or(cut.dur_ns), style.unit);
            format!("{who}{chosen}: at least {least}.")
        }
        (1, _) => format!("{who}{chosen}: {p50}."),
        // With more than a few that may be several, nobody knows how long one takes.
        _ if profile.requests.as_ref().is_some_and(|r| r.may_be_several * 20 > answer.count) => {
            format!("{who}{chosen}: p50 {p50}, if each is one call.")
        }
        _ if brevity.says(Part::Mean) => format!("{who}{chosen}: p50 {p50}, mean {mean}."),
        _ => format!("{who}{chosen}: p50 {p50}."),
    }
}

fn asked(profile: &Profile) -> String {
    let patterns: Vec<String> = profile.selection.patterns.iter().map(|p| format!("'{}'", clean(p))).collect();
    let goids = profile.selection.goids.iter().map(|id| format!("goroutine {id}"));
    let asked: Vec<String> = if patterns.is_empty() { goids.collect() } else { patterns };
    if asked.is_empty() { "All endpoints".to_owned() } else { asked.join(" or ") }
}
