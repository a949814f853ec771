//! The user tasks and regions of a trace given without `--root`.

use super::durations::{DurationRow, first_rows, table, write_cut_line};
use super::words::{include_partial, is_usable};
use crate::profile::{AnnotationCandidate, Candidates};
use crate::render::clean::clean;
use crate::render::text::layout::{DIM, View, wrapped};
use crate::render::units::counted;
use crate::render::{shell, sort_rows};
use std::io::{self, Write};

/// Writes the list as text; nothing when the program annotated nothing.
pub(super) fn write(view: &View<'_>, candidates: &Candidates, out: &mut dyn Write) -> io::Result<()> {
    if candidates.annotations.is_empty() {
        return Ok(());
    }
    view.title(out, "TASKS AND REGIONS", "What did the program annotate?")?;
    let mut rows: Vec<&AnnotationCandidate> = candidates.annotations.iter().collect();
    let key = |a: &&AnnotationCandidate| format!("{} {}", a.name, a.kind);
    sort_rows(&mut rows, view.options.sort, |a| a.took.rank(), |a| a.took.count(), key);
    let lines: Vec<DurationRow<'_>> =
        rows.iter().map(|a| DurationRow { took: &a.took, tag: a.kind, name: clean(&a.name).into_owned() }).collect();
    first_rows(view, &lines, |lines| table(view, lines, true, "type"), out)?;
    write_cut_line(view, &rows.iter().map(|a| &a.took).collect::<Vec<_>>(), "those", out)?;
    let sum = |of: fn(&AnnotationCandidate) -> u64| rows.iter().map(|a| of(a)).sum::<u64>();
    let lines = [
        (sum(|a| a.inferred), "that nothing ended: over at the latest when what is around them was"),
        (sum(|a| a.inside), "inside others of the same task and type, not counted"),
    ];
    for (n, what) in lines.into_iter().filter(|(n, _)| *n > 0) {
        let line = format!("{} {what}", counted(n, "region"));
        wrapped(&line, 2, view.options.width).iter().try_for_each(|l| writeln!(out, "{}", view.paint(DIM, l)))?;
    }
    Ok(())
}

/// The options that select each of them, most time first, tasks before regions.
pub(super) fn options_for(candidates: &Candidates) -> Vec<String> {
    let mut rows: Vec<&AnnotationCandidate> = candidates.annotations.iter().filter(|a| is_usable(&a.name)).collect();
    rows.sort_by_key(|a| a.kind != "task");
    rows.into_iter().take(8).map(|a| option(candidates, a)).collect()
}

/// The options that select one, and no other where a pattern can say that.
fn option(candidates: &Candidates, row: &AnnotationCandidate) -> String {
    let name = row.name.as_str();
    let partial = include_partial(&row.took);
    let others = candidates.annotations.iter().filter(|a| a.kind == row.kind);
    if others.into_iter().any(|other| other.name != name && other.name.contains(name)) {
        format!("--root-by {} {partial}--root {}", row.kind, shell::quote(&format!("^{}$", shell::literal(name))))
    } else if shell::literal(name) == name {
        format!("--root-by {} {partial}--root {}", row.kind, shell::quote(name))
    } else {
        format!("--root-by {} -F {partial}--root {}", row.kind, shell::quote(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_selects_its_tasks() {
        let row = |kind, name: &str| AnnotationCandidate { kind, name: name.into(), ..AnnotationCandidate::default() };
        let annotations = vec![row("region", "a.b"), row("task", "GET"), row("task", "GET /x"), row("region", "-r")];
        let options = options_for(&Candidates { annotations, ..Candidates::default() });
        assert_eq!(
            options,
            ["--root-by task --root '^GET$'", "--root-by task --root 'GET /x'", "--root-by region -F --root a.b"]
        );
    }
}
