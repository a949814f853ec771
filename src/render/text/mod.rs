//! The report for people: the answer, where the time went, and last what was read and selected.
//!
//! Of requests it says more than of goroutines: how long they took, what the slowest did, and whom they waited for.

mod answer;
mod axis;
pub(super) mod candidates;
pub(super) mod comparison;
mod findings;
mod head;
mod hyperlink;
mod lanes;
mod latency;
mod layout;
mod lookalikes;
mod relation;
mod runtime;
mod sentences;
mod slowest;
mod stack_line;
mod stacks;
mod states;
mod table;
mod tail;
mod wakeups;

use super::units::counted;
use super::{Options, metric};
use crate::profile::{CutCounts, Metric, Profile, Requests};
use layout::View;
use std::io::{self, Write};

pub(super) use relation::relation_of;
pub(super) use stacks::{MergedStack, merged_stacks};
pub(super) use tail::waited_in;

/// Writes the report. Warnings are not part of it: the command line shows them on standard error.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let view = View::new(options).with_places(&profile.tree);
    if let Some(requests) = profile.requests.as_ref().filter(|_| profile.metric == Metric::Latency) {
        answer::write(&view, profile, out)?;
        if options.summary {
            return Ok(());
        }
        of_requests(&view, profile, requests, out)?;
        view.title(out, "READ AND SELECTED", &sentences::read(profile))?;
        return head::write(&view, profile, Some(requests), out);
    }
    head::write(&view, profile, None, out)?;
    if profile.total.goroutine_ns == 0 && profile.total.events == 0 {
        return writeln!(out, "\n{}", metric::nothing(profile));
    }
    states::write(&view, profile, out)?;
    stacks::write(&view, profile, out)
}

/// The lines of the report that say what was read and selected, each with its label at the start.
pub(super) fn selected(profile: &Profile, options: &Options) -> io::Result<String> {
    let mut lines = Vec::new();
    let requests = profile.requests.as_ref().filter(|_| profile.metric == Metric::Latency);
    head::write(&View::new(options), profile, requests, &mut lines)?;
    String::from_utf8(lines).map_err(io::Error::other)
}

fn of_requests(view: &View<'_>, profile: &Profile, requests: &Requests, out: &mut dyn Write) -> io::Result<()> {
    let Some(latency) = &requests.latency else {
        let how = match (&requests.only, requests.partial) {
            (Some(only), _) => none_as_long(view, requests, only),
            (None, 0) => "No request was found in this slice.".to_owned(),
            (None, _) => "No request lies in the trace with both its ends; --include-partial counts those that are \
                          cut, --metric goroutine shows where goroutines spent their time."
                .to_owned(),
        };
        writeln!(out)?;
        return layout::wrapped(&how, 0, view.options.width).iter().try_for_each(|line| writeln!(out, "{line}"));
    };
    latency::write(view, latency, requests, out)?;
    if latency.total_ns > 0 {
        tail::write(view, profile, requests, latency, out)?;
        findings::write(view, profile, requests, out)?;
        wakeups::write(view, profile, requests, out)?;
        stacks::write(view, profile, out)?;
        slowest::write(view, profile, requests, out)?;
    }
    runtime::write(view, profile, requests, latency, out)
}

/// That no whole request is what `--only` asks for, and what requests that are cut may be.
fn none_as_long(view: &View<'_>, requests: &Requests, only: &str) -> String {
    let none = format!("No whole request took as long as {only} asks for");
    let (chosen, others): (Vec<_>, Vec<_>) = requests.cut.iter().partition(|cut| cut.is_chosen);
    let [chosen, others] = [chosen, others].map(|list| CutCounts::of(list).all());
    let how = match chosen.count() {
        0 => format!("{none}."),
        n => {
            let seen = view.time(chosen.seen_ns());
            format!("{none}, but {} that an edge cuts did: seen for {seen} (--include-partial).", counted(n, "request"))
        }
    };
    if others.count() == 0 {
        return how;
    }
    let (n, seen) = (counted(others.count(), "request"), view.time(others.seen_ns()));
    let at_most = if others.count() > 1 { " at most" } else { "" };
    let several = if others.several.count > 0 { ", or be several calls in a row" } else { "" };
    format!("{how} {n} that an edge cuts, seen for {seen}{at_most}, may have taken longer{several}.")
}

#[cfg(test)]
mod tests;
