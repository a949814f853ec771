//! Markdown for pull requests and issues: a headline and tables as GitHub draws them.
//!
//! Names of a trace are code spans, in which nothing but the backtick and the table's own bar has a meaning.

mod comparison;
mod table;

pub(super) use comparison::write as write_comparison;

use super::answer::{self, AnswerStyle};
use super::cut;
use super::next_step;
use super::text::{MergedStack, merged_stacks, waited_in};
use super::units::{Share, count, counted, duration, shares};
use super::{Options, metric, question, sort_rows};
use crate::profile::{MatchedFunction, Profile, Selection};
use std::fmt::Write as _;
use std::io::{self, Write};
use table::{MarkdownTable, code, text};

/// Columns of a stack: GitHub breaks longer cells into several lines.
const MAX_STACK: usize = 110;

/// Writes the report of a profile.
pub(super) fn write(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### {}\n", headline(profile, options))?;
    if let Some(answer) = profile.requests.as_ref().and_then(|r| r.answer.as_ref()) {
        writeln!(out, "{}\n", text(&answer::text(answer, profile, AnswerStyle::of(options))))?;
        if let Some(next) = next_step::of(answer, profile) {
            let next = if next.starts_with("gotrace-slice") { code(&next) } else { text(&next) };
            writeln!(out, "Next: {next}\n")?;
        }
    }
    writeln!(out, "{}", origin(profile, options))?;
    if let Some(filtered) = &profile.filtered {
        let shown = duration(metric::shown_ns(profile.metric, profile.shown().total), options.unit);
        writeln!(out, "\nstacks: {}: {shown} of it", code(&question::stack_options(&filtered.options)))?;
    }
    matched(&profile.selection).iter().try_for_each(|matched| writeln!(out, "\n{matched}"))?;
    if metric::shown_ns(profile.metric, profile.shown().total) == 0 {
        let is_cut =
            profile.filtered.is_none() && profile.requests.as_ref().is_some_and(|requests| !requests.cut.is_empty());
        let nothing = metric::nothing(profile);
        let nothing = if is_cut { "No whole request, so no time is counted." } else { &text(&nothing) };
        return writeln!(out, "\n{nothing}");
    }
    writeln!(out, "\n**Where the time went**\n")?;
    states(profile, options).write(out)?;
    let latency = profile.requests.as_ref().and_then(|requests| requests.latency.as_ref());
    if let Some(waited_in) = latency.and_then(|latency| waited_in(profile, latency)) {
        writeln!(out, "\n{}", text(&waited_in))?;
    }
    writeln!(out, "\n**Top stacks**\n")?;
    stacks(profile, options, out)
}

/// How much time, in what.
fn headline(profile: &Profile, options: &Options) -> String {
    let total = duration(metric::shown_ns(profile.metric, profile.total), options.unit);
    let roots = metric::occurrences_in_words(profile, options.unit);
    format!("{total} {} in {roots} of {}", metric::name(profile.metric), asked(&profile.selection))
}

fn asked(selection: &Selection) -> String {
    if selection.patterns.is_empty() {
        let ids: Vec<String> = selection.goids.iter().map(|id| format!("goroutine {id}")).collect();
        return ids.join(" or ");
    }
    selection.patterns.iter().map(|p| code(p)).collect::<Vec<_>>().join(" or ")
}

/// Functions that are named, at most.
const MAX_MATCHED: usize = 4;

/// What matched, and what matches on no server and does not count; none where a single function did and nothing else.
fn matched(selection: &Selection) -> Option<String> {
    if selection.matched.len() + selection.others.len() < 2 {
        return None;
    }
    let mut text = format!("matched: {}", functions(&selection.matched));
    if !selection.others.is_empty() {
        let _ = write!(text, "; not counted, on no server: {}", functions(&selection.others));
    }
    Some(text)
}

fn functions(list: &[MatchedFunction]) -> String {
    let one = |m: &MatchedFunction| format!("{} by {}: {}", cut::matched(m), m.by, code(&m.function));
    let mut all: Vec<String> = list.iter().take(MAX_MATCHED).map(one).collect();
    if list.len() > MAX_MATCHED {
        all.push(format!("… {} more", list.len() - MAX_MATCHED));
    }
    all.join(", ")
}

/// The traces, and what of them is missing.
fn origin(profile: &Profile, options: &Options) -> String {
    let traces: Vec<String> = profile
        .traces
        .iter()
        .map(|t| {
            let incomplete = if t.complete { "" } else { ", **incomplete**" };
            format!("{} ({}{incomplete})", code(&t.name), duration(t.window_ns.unwrap_or(t.duration_ns), options.unit))
        })
        .collect();
    format!("{} · {}", traces.join(", "), counted(profile.selection.goroutines, "goroutine"))
}

fn states(profile: &Profile, options: &Options) -> MarkdownTable {
    let ns = |weight| metric::shown_ns(profile.metric, weight);
    let mut times: Vec<u64> = profile.shown().states.iter().map(|s| ns(s.weight)).collect();
    times.push(ns(profile.total).saturating_sub(ns(profile.shown().total)));
    let mut rows: Vec<_> = profile.shown().states.iter().zip(shares(&times)).collect();
    let name = |r: &(&crate::profile::StateTotal, Share)| r.0.state.clone();
    sort_rows(&mut rows, options.sort, |r| metric::shown_ns(profile.metric, r.0.weight), |r| r.0.weight.events, name);
    let mut table = MarkdownTable::new(&[
        ("state", false),
        ("time", true),
        (if profile.requests.is_some() { "per request" } else { "per root" }, true),
        ("share", true),
    ]);
    let roots = metric::occurrences(profile).max(1);
    let mut line = |name: String, ns: u64, share: Share| {
        table.row(vec![name, duration(ns, options.unit), duration(ns / roots, options.unit), share.to_string()]);
    };
    for (total, share) in rows {
        line(code(&total.state), metric::shown_ns(profile.metric, total.weight), share);
    }
    let shown = ns(profile.shown().total);
    line("**total**".to_owned(), shown, Share::of(shown, ns(profile.total)));
    table
}

fn stacks(profile: &Profile, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    // The locale of a terminal is not that of a web page.
    let unicode = Options { unicode: true, ..options.clone() };
    let rows = merged_stacks(profile, &unicode, MAX_STACK);
    let shown = if options.top == 0 { rows.len() } else { options.top.min(rows.len()) };
    let mut table =
        MarkdownTable::new(&[("share", true), ("time", true), ("count", true), ("state", false), ("stack", false)]);
    for row in &rows[..shown] {
        table.row(vec![
            row.share.to_string(),
            duration(metric::shown_ns(profile.metric, row.weight), options.unit),
            count(row.weight.events),
            code(&row.state),
            stack(row),
        ]);
    }
    table.write(out)?;
    if shown < rows.len() {
        let share = Share(rows[shown..].iter().map(|r| r.share.0).sum());
        let more = counted((rows.len() - shown) as u64, "more stack");
        writeln!(out, "\n{more}, {share} together (`-n 0` shows all)")?;
    }
    Ok(())
}

fn stack(row: &MergedStack) -> String {
    let place = if row.place.is_empty() { String::new() } else { format!(" {}", text(&row.place)) };
    let below = if row.bracketed { " (or below)" } else { "" };
    format!("{}{below}{place}", code(&row.stack))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{check_golden, empty, render, sample};

    #[test]
    fn goldens() {
        check_golden("sample.md", &render("md", &sample(), &Options::default()));
        let few = Options { top: 2, full_names: true, unit: crate::render::units::Unit::Ms, ..Options::default() };
        check_golden("sample-full.md", &render("md", &sample(), &few));
        check_golden("empty.md", &render("md", &empty(), &Options::default()));
    }

    #[test]
    fn every_row_has_the_columns_of_its_table() {
        let text = String::from_utf8(render("md", &sample(), &Options { top: 0, ..Options::default() })).unwrap();
        for table in text.split("\n\n").filter(|part| part.starts_with('|')) {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let first = table.lines().next().unwrap();
            assert!(table.lines().all(|line| bars(line) == bars(first)), "{table}");
        }
    }
}
