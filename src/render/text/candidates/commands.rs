//! What to type next: commands that select endpoints, and nothing that serves all of them.

use super::words::is_usable;
use super::{annotations, handlers};
use crate::profile::{Candidate, Candidates, TraceInfo};
use crate::render::clean::clean;
use crate::render::text::layout::{BOLD, DIM, View};
use crate::render::{names, shell};
use rustc_hash::FxHashSet;
use std::io::{self, Write};

/// Commands offered at most.
const MAX_COMMANDS: usize = 4;

/// Writes the commands; nothing where none is known to select what somebody would ask for.
pub(super) fn write(
    view: &View<'_>,
    candidates: &Candidates,
    rows: &[&Candidate],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut traces: Vec<&str> = candidates.traces.iter().map(TraceInfo::file).collect();
    // One file may hold several recordings.
    traces.dedup();
    let tried = options(candidates, rows);
    if tried.is_empty() {
        return Ok(());
    }
    let title = view.paint(BOLD, if tried.len() == 1 { "TRY" } else { "TRY ONE OF" });
    let is_many = traces.len() > shell::MAX_FILES;
    let beside = if is_many { format!("  with the same {} traces", traces.len()) } else { String::new() };
    writeln!(out, "\n{title}{}", view.paint(DIM, &beside))?;
    if is_many {
        traces.clear();
    }
    if traces.contains(&"-") {
        let kept = format!("  (standard input is gone; keep it with: | tee {} |)", shell::KEPT);
        writeln!(out, "{}", view.paint(DIM, &kept))?;
    }
    let time = candidates.time.as_ref().map_or_else(String::new, |range| format!(" --time {}", shell::quote(range)));
    tried.iter().try_for_each(|o| writeln!(out, "  {}", clean(&shell::select(&format!("{o}{time}"), &traces))))
}

/// The options of each command. Endpoints come first; one annotation among them shows how it is done. Goroutines are
/// offered where the program serves no requests, and only those that run its own functions.
fn options(candidates: &Candidates, rows: &[&Candidate]) -> Vec<String> {
    let annotated = annotations::options_for(candidates);
    let mut tried = handlers::options_for(candidates);
    tried.truncate(MAX_COMMANDS - annotated.len().min(1));
    tried.extend(annotated.into_iter().take(1));
    let mut unique = Vec::new();
    let mut add = |options| {
        if unique.len() < MAX_COMMANDS && !unique.contains(&options) {
            unique.push(options);
        }
        unique.len() < MAX_COMMANDS
    };
    let has_room = tried.into_iter().fold(true, |_, options| add(options));
    if has_room && candidates.handlers.is_empty() {
        // Each looks at all rows: there may be very many, also of one name.
        let mut names = FxHashSet::default();
        let own = rows.iter().filter(|row| !row.is_gos_own && !names::is_std(name(row)) && is_usable(name(row)));
        let mut named_first = own.filter(|row| names.insert((name(row), row.runs.is_empty(), row.alive == row.count)));
        while named_first.next().is_some_and(|row| add(options_for(row, rows))) {}
    }
    unique
}

fn name(row: &Candidate) -> &str {
    match (row.runs.as_str(), row.entry.as_str()) {
        ("", "") => &row.creation_site,
        ("", entry) => entry,
        (runs, _) => runs,
    }
}

/// The options that select a row, and no other if that can be said.
fn options_for(row: &Candidate, rows: &[&Candidate]) -> String {
    // What never ends is cut by the end of the trace.
    let partial = if row.alive == row.count { "--include-partial " } else { "" };
    if !row.runs.is_empty() {
        let pattern = format!("^{}$", shell::literal(&row.runs));
        return format!("--root-by stack {partial}--root {}", shell::quote(&pattern));
    }
    if row.entry.is_empty() {
        return format!("--root-by creation -F {partial}--root {}", shell::quote(&row.creation_site));
    }
    let others = rows.iter().filter(|r| r.entry != row.entry);
    if others.into_iter().any(|r| r.entry.contains(&row.entry) || r.creation_site.contains(&row.entry)) {
        let pattern = format!("^{}$", shell::literal(&row.entry));
        return format!("--root-by entry {partial}--root {}", shell::quote(&pattern));
    }
    format!("-F {partial}--root {}", shell::quote(&row.entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{DurationList, Handler};

    fn row(site: &str, entry: &str) -> Candidate {
        Candidate { creation_site: site.into(), entry: entry.into(), count: 1, ..Candidate::default() }
    }

    fn handler(function: &str, protocol: &'static str) -> Handler {
        let took = DurationList { durations_ns: vec![1], ..DurationList::default() };
        Handler { function: function.into(), protocol, took, ..Handler::default() }
    }

    #[test]
    fn a_command_selects_its_row() {
        let rows = [row("main.(*S).H", "main.(*S).H.func1"), row("main.main", "main.(*S).H"), row("main.f", "")];
        let all: Vec<&Candidate> = rows.iter().collect();
        let options: Vec<String> = rows.iter().map(|r| options_for(r, &all)).collect();
        assert_eq!(options[0], "-F --root 'main.(*S).H.func1'");
        assert_eq!(options[1], r"--root-by entry --root '^main\.\(\*S\)\.H$'");
        assert_eq!(options[2], "--root-by creation -F --root main.f");
        let forever = Candidate { alive: 1, ..row("main.main", "main.loop") };
        assert_eq!(options_for(&forever, &[&forever]), "-F --include-partial --root main.loop");
    }

    #[test]
    fn goroutines_are_offered_where_no_endpoint_is_and_plumbing_never() {
        let rows = [row("net/http.(*Server).Serve", "net/http.(*conn).serve"), row("main.main", "main.work")];
        let all: Vec<&Candidate> = rows.iter().collect();
        assert_eq!(options(&Candidates::default(), &all), ["-F --root main.work"]);
        assert!(options(&Candidates::default(), &all[..1]).is_empty());
        let wrapper = Handler { hands_on: true, ..handler("net/http.HandlerFunc.ServeHTTP", "HTTP/1") };
        let handlers = vec![handler("main.H", "HTTP/1"), handler("main.H", "HTTP/2"), wrapper];
        let candidates = Candidates { handlers, ..Candidates::default() };
        assert_eq!(options(&candidates, &all), ["-F --root main.H"]);
    }
}
