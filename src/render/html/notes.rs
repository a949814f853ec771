//! What is said in words: who ended the waits, findings, warnings, and the command that asks again.

use super::tables::Strings;
use crate::profile::{Finding, Profile, Requests, Wakeup};
use crate::render::Options;
use crate::render::clean::clean;
use crate::render::findings::{self, FindingStyle};
use crate::render::text::relation_of;
use crate::trace::error::Warning;
use serde::Serialize;
use std::borrow::Cow;

/// Waits on one stack, ended from one stack.
#[derive(Serialize)]
pub(super) struct WakeupRow<'a> {
    /// Stack of the wait.
    waiting: u32,
    state: Cow<'a, str>,
    detail: &'static str,
    /// Who ended it, in words.
    who: String,
    /// Stack of who ended it; 0 where it is not known.
    waker: u32,
    waker_entry: usize,
    count: u64,
    wait_ns: u64,
    max_ns: u64,
}

impl<'a> WakeupRow<'a> {
    pub(super) fn of(profile: &Profile, wakeup: &'a Wakeup, strings: &mut Strings) -> Self {
        Self {
            waiting: wakeup.waiting.0,
            state: clean(&wakeup.state),
            detail: wakeup.detail,
            who: who(profile, wakeup),
            waker: wakeup.waker_stack.0,
            waker_entry: strings.add(&wakeup.waker_entry),
            count: wakeup.count,
            wait_ns: wakeup.wait_ns,
            max_ns: wakeup.max_ns,
        }
    }
}

/// `goroutine 19, outside`.
fn who(profile: &Profile, wakeup: &Wakeup) -> String {
    let (relation, has_code) = relation_of(profile, wakeup);
    match wakeup.waker_goid {
        Some(goid) if profile.carrier(wakeup).is_some() => format!("{relation} goroutine {goid}"),
        Some(goid) if has_code => format!("goroutine {goid}, {relation}"),
        _ => relation.trim_end_matches(", by way of").to_owned(),
    }
}

/// Something that stands out, as a sentence.
#[derive(Serialize)]
pub(super) struct FindingRow {
    id: &'static str,
    important: bool,
    text: String,
}

impl FindingRow {
    pub(super) fn all(profile: &Profile, requests: &Requests, options: &Options) -> Vec<Self> {
        let style = FindingStyle { unit: options.unit, full_names: options.full_names };
        let row = |finding: &Finding| {
            let text = findings::text(finding, profile, requests, style);
            format!("{text} Next: {}.", findings::next(finding.id))
        };
        let rows = requests.findings.iter().map(|f| Self { id: f.id, important: f.important, text: row(f) });
        rows.filter(|row| !row.text.is_empty()).collect()
    }
}

/// What the reader must know.
#[derive(Serialize)]
pub(super) struct WarningRow<'a> {
    id: &'a str,
    message: Cow<'a, str>,
    data_lost: bool,
}

impl<'a> WarningRow<'a> {
    pub(super) fn all(warnings: &'a [Warning]) -> Vec<Self> {
        warnings.iter().map(|w| Self { id: w.id, message: clean(&w.message), data_lost: w.data_lost }).collect()
    }
}
