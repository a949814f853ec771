//! A comparison as tables for a pull request.

use super::table::{MarkdownTable, code, text};
use super::{MAX_STACK, asked, matched};
use crate::compare::statistics::Change;
use crate::compare::{Comparison, Side};
use crate::render::cut;
use crate::render::text::comparison::{change_in_words, changed_stacks, significance, verdict};
use crate::render::units::{Unit, count, counted, duration, percent, signed};
use crate::render::{Options, question};
use std::io::{self, Write};

/// Writes the comparison.
pub(in crate::render) fn write(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mean = &comparison.latency.mean;
    let delta = signed(mean.delta_ns, options.unit);
    let part = percent(mean.delta_ns, mean.base_ns);
    writeln!(out, "### {delta} ({part}) per request of {}\n", asked(&comparison.new.selection))?;
    writeln!(out, "{}\n", text(&verdict(comparison, options)))?;
    writeln!(out, "base: {}  \nnew: {}\n", side(&comparison.base), side(&comparison.new))?;
    latency(comparison, options).write(out)?;
    let notes = significance(comparison, options);
    notes.iter().try_for_each(|note| writeln!(out, "\n{}", text(note)))?;
    let what = if comparison.options.total { ", over all requests" } else { "" };
    let whole = signed(comparison.whole.delta_ns, options.unit);
    writeln!(out, "\n**What explains the {whole}{what}**\n")?;
    states(comparison, options).write(out)?;
    stacks(comparison, options, out)
}

fn side(side: &Side) -> String {
    let traces: Vec<String> = side
        .traces
        .iter()
        .map(|t| if t.complete { code(&t.name) } else { format!("{} (**incomplete**)", code(&t.name)) })
        .collect();
    let cut = cut::beside(&side.cut, side.include_partial, Unit::Auto);
    let matched = matched(&side.selection).map_or_else(String::new, |matched| format!("; {matched}"));
    let requests = counted(side.requests as u64, "request");
    let undecided = match side.selection.undecided.count() {
        0 => String::new(),
        n => {
            let longest = duration(side.selection.undecided.max_ns(), Unit::Auto);
            format!("; {} undecided, up to {longest}", count(n))
        }
    };
    format!("{requests}{cut} of {} in {}{matched}{undecided}", asked(&side.selection), traces.join(", "))
}

fn latency(comparison: &Comparison, options: &Options) -> MarkdownTable {
    let mut table = MarkdownTable::new(&[
        ("latency", false),
        ("base", true),
        ("new", true),
        ("change", true),
        ("", true),
        ("95% interval", false),
    ]);
    let mut line = |name: String, change: &Change| {
        let delta = signed(change.delta_ns, options.unit);
        let sure = comparison.is_clear(change);
        let (low, high) = (signed(change.interval.low_ns, options.unit), signed(change.interval.high_ns, options.unit));
        table.row(vec![
            name,
            duration(change.base_ns, options.unit),
            duration(change.new_ns, options.unit),
            if sure { format!("**{delta}**") } else { delta },
            if sure { percent(change.delta_ns, change.base_ns) } else { "~".to_owned() },
            if comparison.p().is_some() { format!("{low} to {high}") } else { String::new() },
        ]);
    };
    line("mean".to_owned(), &comparison.latency.mean);
    for (quantile, change) in &comparison.latency.quantiles {
        line(format!("p{}", quantile.thousandths() / 10), change);
    }
    table
}

fn states(comparison: &Comparison, options: &Options) -> MarkdownTable {
    let mut table = MarkdownTable::new(&[("state", false), ("base", true), ("new", true), ("change", true)]);
    let rows = comparison.states.iter().map(|s| (code(&s.state), s.delta));
    for (name, delta) in rows.chain(std::iter::once(("**total**".to_owned(), comparison.whole))) {
        table.row(vec![
            name,
            duration(delta.base_ns, options.unit),
            duration(delta.new_ns, options.unit),
            signed(delta.delta_ns, options.unit),
        ]);
    }
    table
}

fn stacks(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    // The locale of a terminal is not that of a web page.
    let options = Options { unicode: true, ..options.clone() };
    let rows = changed_stacks(comparison, comparison.shown_stacks(), &options, MAX_STACK);
    if rows.is_empty() {
        return Ok(());
    }
    match &comparison.filtered {
        Some(filtered) => {
            let of = signed(filtered.shown.delta_ns, options.unit);
            let which = code(&question::stack_options(&filtered.options));
            writeln!(out, "\n**Stacks that changed**, {which}: {of} of it\n")?;
        }
        None => writeln!(out, "\n**Stacks that changed**\n")?,
    }
    let shown = if options.top == 0 { rows.len() } else { options.top.min(rows.len()) };
    let mut table = MarkdownTable::new(&[("change", true), ("", true), ("state", false), ("stack", false)]);
    for row in &rows[..shown] {
        let (delta, mark) = change_in_words(row, &options);
        let place = if row.place.is_empty() { String::new() } else { format!(" {}", text(&row.place)) };
        let stack = format!("{}{}{place}", code(&row.stack), row.below);
        table.row(vec![delta, mark, code(&row.state), stack]);
    }
    table.write(out)?;
    if shown < rows.len() {
        let more = counted((rows.len() - shown) as u64, "more stack");
        writeln!(out, "\n{more} (`-n 0` shows all)")?;
    }
    Ok(())
}
