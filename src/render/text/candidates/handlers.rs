//! The handlers of a trace given without `--root`.

use super::durations::{DurationRow, first_rows, table, write_cut_line};
use crate::profile::{Candidates, Handler};
use crate::render::clean::clean;
use crate::render::text::layout::{DIM, View};
use crate::render::units::counted;
use crate::render::{Options, names, shell, sort_rows};
use std::io::{self, Write};

/// Writes the list as text; nothing when no server served.
pub(super) fn write(view: &View<'_>, candidates: &Candidates, out: &mut dyn Write) -> io::Result<()> {
    let unknown = &candidates.undecided;
    if candidates.handlers.is_empty() && unknown.count() == 0 {
        return Ok(());
    }
    view.title(out, "HANDLERS", "How long did their requests take?")?;
    let rows = sorted(candidates, view.options);
    let name = |h: &Handler| names::function(&h.function, view.options.full_names).into_owned();
    let lines: Vec<DurationRow<'_>> =
        rows.iter().map(|h| DurationRow { took: &h.took, tag: h.protocol, name: name(h) }).collect();
    // Without the column where all use HTTP/1.
    let with_protocol = |lines: &[DurationRow<'_>]| lines.iter().any(|row| row.tag != "HTTP/1");
    first_rows(view, &lines, |lines| table(view, lines, with_protocol(lines), "handler"), out)?;
    write_cut_line(view, &rows.iter().map(|h| &h.took).collect::<Vec<_>>(), "requests", out)?;
    if unknown.count() > 0 {
        let (n, total, max) =
            (counted(unknown.count(), "request"), view.time(unknown.total_ns()), view.time(unknown.max_ns()));
        let line = format!("  {n} of unknown handler, {total} in all, {max} at most: it left no stack");
        writeln!(out, "{}", view.paint(DIM, &line))?;
    }
    Ok(())
}

fn sorted<'a>(candidates: &'a Candidates, options: &Options) -> Vec<&'a Handler> {
    let mut rows: Vec<&Handler> = candidates.handlers.iter().collect();
    sort_rows(
        &mut rows,
        options.sort,
        |h| h.took.rank(),
        |h| h.took.count(),
        |h| format!("{} {}", h.function, h.protocol),
    );
    rows
}

/// For each handler, most time first, the options that select it, and no other where a pattern can say that.
pub(super) fn options_for(candidates: &Candidates) -> Vec<String> {
    let usable = |name: &str| !name.is_empty() && clean(name) == name && !name.starts_with(['-', '[']);
    let handlers = candidates.handlers.iter().map(|h| h.function.as_str());
    let entries = candidates.rows.iter().flat_map(|r| [r.entry.as_str(), r.creation_site.as_str()]);
    let others: Vec<&str> = handlers.chain(entries).collect();
    let mut rows: Vec<&Handler> = candidates.handlers.iter().filter(|h| usable(&h.function)).collect();
    rows.sort_by_key(|h| names::is_std(&h.function));
    // Enough to choose from.
    rows.truncate(8);
    let option = |handler: &Handler| {
        let name = handler.function.as_str();
        if others.iter().any(|other| *other != name && other.contains(name)) {
            format!("--root {}", shell::quote(&format!("^{}$", shell::literal(name))))
        } else {
            format!("-F --root {}", shell::quote(name))
        }
    };
    rows.into_iter().map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_selects_its_handler() {
        let handler = |function: &str| Handler { function: function.into(), ..Handler::default() };
        let handlers = vec![handler("main.(*S).List"), handler("main.(*S).ListAll"), handler("net/http.NotFound")];
        let options = options_for(&Candidates { handlers, ..Candidates::default() });
        assert_eq!(options[0], r"--root '^main\.\(\*S\)\.List$'");
        assert_eq!(options[1], "-F --root 'main.(*S).ListAll'");
        assert_eq!(options[2], "-F --root net/http.NotFound");
    }
}
