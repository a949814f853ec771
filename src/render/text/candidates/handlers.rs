//! The handlers of a trace given without `--root`.

use super::durations::{DurationRow, first_rows, table, write_cut_line};
use super::words::{include_partial, is_usable};
use crate::profile::{Candidates, Elsewhere, Handler};
use crate::render::text::layout::{DIM, View, wrapped};
use crate::render::text::sentences;
use crate::render::units::{count, counted};
use crate::render::{Options, names, shell, sort_rows};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes the list as text; nothing when no server served.
pub(super) fn write(view: &View<'_>, candidates: &Candidates, out: &mut dyn Write) -> io::Result<()> {
    if candidates.handlers.is_empty() && candidates.undecided.count() == 0 {
        return Ok(());
    }
    view.title(out, "HANDLERS", &sentences::handlers(candidates))?;
    let rows = sorted(candidates, view.options);
    let timed = rows.iter().filter(|row| row.handler.took.count() + row.handler.took.partial > 0);
    let lines: Vec<DurationRow<'_>> = timed
        .map(|row| DurationRow {
            took: &row.handler.took,
            tag: row.handler.protocol,
            name: row.name(view),
            notes: row.notes(view),
        })
        .collect();
    // Without the column where all use HTTP/1.
    let with_protocol = |lines: &[DurationRow<'_>]| lines.iter().any(|row| !row.tag.is_empty() && row.tag != "HTTP/1");
    first_rows(view, &lines, |lines| table(view, lines, with_protocol(lines), "handler"), out)?;
    let took: Vec<_> = rows.iter().filter(|row| row.handler.within.is_empty()).map(|row| &row.handler.took).collect();
    write_cut_line(view, (&took, "requests"), candidates.time.is_some(), out)?;
    let remarks = none_whole(view, &rows, candidates.time.is_some())
        .into_iter()
        .chain(protocols(view, &rows))
        .chain(elsewhere(view, &rows));
    remarks.chain(notes(view, candidates)).try_for_each(|line| {
        wrapped(&line, 2, view.options.width).iter().try_for_each(|line| writeln!(out, "{}", view.paint(DIM, line)))
    })
}

/// Of how many handlers it is said that they have no whole request.
const MAX_NONE_WHOLE: usize = 3;

/// The handlers that have no whole request; none when all have some.
fn none_whole(view: &View<'_>, rows: &[HandlerRow<'_>], has_time: bool) -> Option<String> {
    let of = |row: &&HandlerRow<'_>| row.handler.took.count() == 0 && row.handler.took.partial > 0;
    let names: Vec<String> = rows.iter().filter(of).map(|row| none_whole_of(view, row.handler)).collect();
    let more = match names.len().saturating_sub(MAX_NONE_WHOLE) {
        0 => String::new(),
        n => format!(", and those of {}", counted(n as u64, "more handler")),
    };
    let first = names[..names.len().min(MAX_NONE_WHOLE)].join(", ");
    let place = if has_time { "that part of the trace" } else { "the trace" };
    (!names.is_empty()).then(|| format!("  {first}{more}: none begins and ends in {place}"))
}

fn none_whole_of(view: &View<'_>, handler: &Handler) -> String {
    let noun = if matches!(handler.protocol, "HTTP/1" | "") { "request" } else { "stream" };
    let name = names::function(&handler.function, view.options.full_names);
    format!("{} of {name}", counted(handler.took.partial, noun))
}

/// Which handlers have a row for each protocol: a selection by their names has the requests of all of these.
fn protocols(view: &View<'_>, rows: &[HandlerRow<'_>]) -> Option<String> {
    let has_other =
        |row: &&HandlerRow<'_>| row.handler.elsewhere.iter().any(|other| is_other_protocol(row.handler, other));
    let mut functions: Vec<&str> = rows.iter().filter(has_other).map(|row| row.handler.function.as_str()).collect();
    let mut known = BTreeSet::new();
    functions.retain(|function| known.insert(*function));
    let name = names::function(functions.first()?, view.options.full_names);
    Some(match functions.len() as u64 - 1 {
        0 => format!("  {name} has a row for each protocol; --root with its name has the requests of all"),
        n => {
            let more = counted(n, "more handler");
            format!("  {name} and {more} have a row for each protocol; --root with their names has the requests of all")
        }
    })
}

fn is_other_protocol(handler: &Handler, other: &Elsewhere) -> bool {
    other.function == handler.function
}

/// Of how many rows it is said that a selection has more.
const MAX_ELSEWHERE: usize = 3;

/// Of which rows a selection has more requests than they count, and where the list has these.
fn elsewhere(view: &View<'_>, rows: &[HandlerRow<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = rows.iter().filter_map(|row| elsewhere_of(view, row.handler)).collect();
    // A handler of two protocols has two rows.
    let mut known = BTreeSet::new();
    lines.retain(|line| known.insert(line.clone()));
    if view.options.top > 0 && lines.len() > MAX_ELSEWHERE {
        let more = counted((lines.len() - MAX_ELSEWHERE) as u64, "more row");
        lines.truncate(MAX_ELSEWHERE);
        lines.push(format!("  {} the same holds for {more} (-n 0 shows all)", view.glyphs.dots));
    }
    lines
}

fn elsewhere_of(view: &View<'_>, handler: &Handler) -> Option<String> {
    let name = |function| names::function(function, view.options.full_names);
    let rows: Vec<&Elsewhere> = handler.elsewhere.iter().filter(|other| !is_other_protocol(handler, other)).collect();
    let largest = rows.iter().max_by_key(|row| row.count)?;
    let n = counted(rows.iter().map(|row| row.count).sum(), "more request");
    let others = match rows.len() - 1 {
        0 => String::new(),
        rows => format!(" and {}", counted(rows as u64, "other row")),
    };
    let (function, row) = (name(handler.function.as_str()), name(largest.function.as_str()));
    Some(format!("  {n} went through {function}, and --root has them too; above they are in {row}{others}"))
}

/// What the table does not say.
fn notes(view: &View<'_>, candidates: &Candidates) -> Vec<String> {
    let mut lines = Vec::new();
    let outermost = candidates.handlers.iter().filter(|h| h.within.is_empty());
    let inferred: u64 = outermost.map(|h| h.took.inferred.len() as u64).sum();
    if inferred > 0 {
        let (n, took) = (counted(inferred, "request"), if inferred == 1 { "it took" } else { "they took" });
        lines.push(format!(
            "  {n} on gRPC's stream workers: their edges are inferred, {took} at most as long as shown, and calls without a stack are not seen"
        ));
    }
    let unknown = &candidates.undecided;
    if unknown.count() > 0 {
        let n = counted(unknown.count(), "request");
        let (total, max) = (view.time(unknown.total_ns()), view.time(unknown.max_ns()));
        lines.push(format!("  {n} of unknown handler, {total} in all, {max} at most: it left no stack"));
    }
    lines
}

/// A row, and how many rows it is within.
struct HandlerRow<'a> {
    handler: &'a Handler,
    depth: usize,
}

impl HandlerRow<'_> {
    fn name(&self, view: &View<'_>) -> String {
        let name = names::function(&self.handler.function, view.options.full_names);
        format!("{}{name}", "  ".repeat(self.depth))
    }

    fn notes(&self, view: &View<'_>) -> Vec<String> {
        let undecided = match self.handler.undecided.count() {
            0 => None,
            n => Some(format!("{} undecided", count(n))),
        };
        let at_least = self.handler.took.percentile_at_least_ns(50).filter(|ns| *ns > 0);
        let at_least = at_least.map(|ns| format!("p50 at least {}", view.time(ns)));
        undecided.into_iter().chain(at_least).collect()
    }
}

/// Rows by what they are within: a function, and its protocol.
type RowsWithin<'a> = FxHashMap<(&'a str, &'static str), Vec<&'a Handler>>;

fn by_outer<'a>(rows: impl Iterator<Item = &'a Handler>) -> RowsWithin<'a> {
    let mut within = RowsWithin::default();
    for row in rows.filter(|row| row.within != row.function) {
        within.entry((row.within.as_str(), row.protocol)).or_default().push(row);
    }
    within
}

/// All rows, each followed by those within it. A function may be within several, and these within it again: what is within it
/// follows the first of its rows.
fn sorted<'a>(candidates: &'a Candidates, options: &Options) -> Vec<HandlerRow<'a>> {
    let mut rows: Vec<&Handler> = candidates.handlers.iter().collect();
    sort_rows(
        &mut rows,
        options.sort,
        |h| h.took.rank(),
        |h| h.took.count(),
        |h| format!("{} {}", h.function, h.protocol),
    );
    let mut nested = Vec::with_capacity(rows.len());
    let mut within = by_outer(rows.iter().copied());
    // The last ones are next.
    let outermost = rows.iter().rev().filter(|h| h.within.is_empty());
    let mut next: Vec<HandlerRow<'_>> = outermost.map(|handler| HandlerRow { handler, depth: 0 }).collect();
    while let Some(HandlerRow { handler, depth }) = next.pop() {
        let inner = within.remove(&(handler.function.as_str(), handler.protocol)).unwrap_or_default();
        next.extend(inner.into_iter().rev().map(|handler| HandlerRow { handler, depth: depth + 1 }));
        nested.push(HandlerRow { handler, depth });
    }
    nested
}

/// For each endpoint, in their order, the options that select it, and no other where a pattern can say that.
pub(super) fn options_for(candidates: &Candidates) -> Vec<String> {
    let handlers = candidates.handlers.iter().map(|h| h.function.as_str());
    let entries = candidates.rows.iter().flat_map(|r| [r.entry.as_str(), r.creation_site.as_str()]);
    let others: Vec<&str> = handlers.chain(entries).collect();
    let within = by_outer(candidates.handlers.iter());
    let endpoints = candidates.handlers.iter().filter(|h| is_endpoint(h, &within));
    let mut rows: Vec<&Handler> = endpoints.filter(|h| is_usable(&h.function)).collect();
    rows.sort_by_key(|h| names::is_std(&h.function));
    // Enough to choose from.
    rows.truncate(8);
    let option = |handler: &Handler| {
        let (name, partial) = (handler.function.as_str(), include_partial(&handler.took));
        if others.iter().any(|other| *other != name && other.contains(name)) {
            format!("{partial}--root {}", shell::quote(&format!("^{}$", shell::literal(name))))
        } else {
            format!("-F {partial}--root {}", shell::quote(name))
        }
    };
    rows.into_iter().map(option).collect()
}

/// Whether a row is an endpoint, and not a coarser one of which the rows within it have the most.
fn is_endpoint(row: &Handler, within: &RowsWithin<'_>) -> bool {
    let has_inner = within.contains_key(&(row.function.as_str(), row.protocol));
    !row.hands_on && (row.undecided.count() * 2 > row.took.count() || !has_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::DurationList;

    #[test]
    fn a_command_selects_its_handler() {
        let handler = |function: &str| Handler { function: function.into(), ..Handler::default() };
        let handlers = vec![handler("main.(*S).List"), handler("main.(*S).ListAll"), handler("net/http.NotFound")];
        let options = options_for(&Candidates { handlers, ..Candidates::default() });
        assert_eq!(options[0], r"--root '^main\.\(\*S\)\.List$'");
        assert_eq!(options[1], "-F --root 'main.(*S).ListAll'");
        assert_eq!(options[2], "-F --root net/http.NotFound");
    }

    /// A router that hands on to a middleware that hands on to a router: each row once, however the names are nested.
    #[test]
    fn rows_within_each_other_are_shown_once() {
        let row = |function: &str, within: &str| Handler {
            function: function.into(),
            within: within.into(),
            ..Handler::default()
        };
        let handlers = vec![
            row("main.route", ""),
            row("main.auth", "main.route"),
            row("main.log", "main.route"),
            row("main.route", "main.auth"),
            row("main.route", "main.log"),
        ];
        let candidates = Candidates { handlers, ..Candidates::default() };
        let rows = sorted(&candidates, &Options::default());
        let shown: Vec<_> =
            rows.iter().map(|row| (row.handler.function.as_str(), row.handler.within.as_str(), row.depth)).collect();
        let expected = [
            ("main.route", "", 0),
            ("main.auth", "main.route", 1),
            ("main.route", "main.auth", 2),
            ("main.log", "main.route", 1),
            ("main.route", "main.log", 2),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_hangs_is_shown_and_a_coarser_row_stands_back() {
        let took = |count, partial| DurationList { durations_ns: vec![1; count], partial, ..DurationList::default() };
        let row = |function: &str, within: &str, took| Handler {
            function: function.into(),
            within: within.into(),
            took,
            ..Handler::default()
        };
        let logged = Handler { undecided: took(1, 0), ..row("main.logged", "", took(4, 0)) };
        let handlers =
            vec![logged.clone(), row("main.A", "main.logged", took(3, 0)), row("main.Stuck", "", took(0, 2))];
        let of = |handlers| options_for(&Candidates { handlers, ..Candidates::default() });
        assert_eq!(of(handlers.clone()), ["-F --root main.A", "-F --include-partial --root main.Stuck"]);
        let mostly = vec![Handler { undecided: took(3, 0), ..logged }, row("main.A", "main.logged", took(1, 0))];
        assert_eq!(of(mostly), ["-F --root main.logged", "-F --root main.A"]);
    }
}
