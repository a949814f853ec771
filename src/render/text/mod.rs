//! The report for people: what was read, what was selected, where the time went.

mod chain;
mod head;
pub(super) mod layout;
mod stacks;
mod states;

use super::Options;
use crate::profile::Profile;
use layout::View;
use std::io::{self, Write};

pub(super) use head::trace_lines;
pub(super) use stacks::{MergedStack, merged_stacks};

/// Writes the report. Warnings are not part of it: the command line shows them on standard error.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let view = View::new(options);
    head::write(&view, profile, out)?;
    if profile.total.goroutine_ns == 0 && profile.total.events == 0 {
        return writeln!(out, "\nNo time was spent in this slice.");
    }
    states::write(&view, profile, out)?;
    stacks::write(&view, profile, out)
}

#[cfg(test)]
mod tests;
