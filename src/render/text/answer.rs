//! The first lines of the report: the answer, and what to do next.

use super::layout::{DIM, View, wrapped};
use crate::profile::Profile;
use crate::render::answer::{self, AnswerStyle};
use crate::render::next_step;
use std::io::{self, Write};

/// Nothing where there is no answer.
pub(super) fn write(view: &View<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let Some(answer) = profile.requests.as_ref().and_then(|r| r.answer.as_ref()) else { return Ok(()) };
    let text = view.ascii(answer::text(answer, profile, AnswerStyle::of(view.options)));
    wrapped(&text, 0, view.options.width).iter().try_for_each(|line| writeln!(out, "{}", view.link_places(line)))?;
    let Some(next) = next_step::of(answer, profile).filter(|_| view.options.hints) else { return Ok(()) };
    if next.starts_with("gotrace-slice") {
        return writeln!(out, "{} {next}", view.paint(DIM, "next:"));
    }
    let lines = wrapped(&format!("next: {next}"), 0, view.options.width);
    lines.iter().try_for_each(|line| writeln!(out, "{}", view.paint(DIM, &view.link_places(line))))
}
