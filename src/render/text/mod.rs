//! The report for people: what was read, what was selected, where the time went.
//!
//! Of requests it says more than of goroutines: how long they took, what the slowest did, and whom they waited for.

mod axis;
pub(super) mod candidates;
pub(super) mod comparison;
mod head;
mod lanes;
mod latency;
mod layout;
mod question;
mod runtime;
mod slowest;
mod stack_line;
mod stacks;
mod states;
mod table;
mod tail;
mod wakeups;

use super::Options;
use crate::profile::{Metric, Profile, Requests};
use layout::View;
use std::io::{self, Write};

pub(super) use stacks::{MergedStack, merged_stacks};

/// Writes the report. Warnings are not part of it: the command line shows them on standard error.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let view = View::new(options);
    let requests = profile.requests.as_ref().filter(|_| profile.metric == Metric::Latency);
    head::write(&view, profile, requests, out)?;
    if let Some(requests) = requests {
        return of_requests(&view, profile, requests, out);
    }
    if profile.total.goroutine_ns == 0 && profile.total.events == 0 {
        return writeln!(out, "\nNo time was spent in this slice.");
    }
    states::write(&view, profile, out)?;
    stacks::write(&view, profile, out)
}

fn of_requests(view: &View<'_>, profile: &Profile, requests: &Requests, out: &mut dyn Write) -> io::Result<()> {
    let Some(latency) = &requests.latency else {
        let how = match (&requests.only, requests.partial) {
            (Some(only), _) => format!("No request took as long as {only} asks for."),
            (None, 0) => "No request was found in this slice.".to_owned(),
            (None, _) => "No request lies in the trace with both its ends; --include-partial counts those that are \
                          cut, --metric goroutine shows where goroutines spent their time."
                .to_owned(),
        };
        writeln!(out)?;
        return layout::wrapped(&how, 0, view.options.width).iter().try_for_each(|line| writeln!(out, "{line}"));
    };
    latency::write(view, latency, out)?;
    if latency.total_ns > 0 {
        tail::write(view, profile, requests, latency, out)?;
        stacks::write(view, profile, out)?;
        wakeups::write(view, profile, requests, out)?;
        slowest::write(view, profile, requests, out)?;
    }
    runtime::write(view, profile, requests, latency, out)
}

#[cfg(test)]
mod tests;
