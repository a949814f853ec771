//! The user tasks and regions of a trace given without `--root`.

use super::durations::{DurationRow, first_rows, table, write_cut_line};
use super::words::{include_partial, is_usable};
use crate::profile::{AnnotationCandidate, Candidates};
use crate::render::clean::clean;
use crate::render::text::layout::{DIM, View, wrapped};
use crate::render::text::sentences;
use crate::render::units::{count, counted};
use crate::render::{shell, sort_rows};
use std::io::{self, Write};

/// Writes the list as text; nothing when the program annotated nothing.
pub(super) fn write(view: &View<'_>, candidates: &Candidates, out: &mut dyn Write) -> io::Result<()> {
    if candidates.annotations.is_empty() && candidates.older_tasks == 0 {
        return Ok(());
    }
    view.title(out, "TASKS AND REGIONS", &sentences::annotations(candidates))?;
    let mut rows: Vec<&AnnotationCandidate> = candidates.annotations.iter().collect();
    let key = |a: &&AnnotationCandidate| format!("{} {}", a.name, a.kind);
    sort_rows(&mut rows, view.options.sort, |a| a.took.rank(), |a| a.took.count(), key);
    let lines: Vec<DurationRow<'_>> = rows
        .iter()
        .map(|a| DurationRow { took: &a.took, tag: a.kind, name: name(view, a), notes: Vec::new() })
        .collect();
    first_rows(view, &lines, |lines| table(view, lines, true, "type"), out)?;
    write_cut_line(view, (&rows.iter().map(|a| &a.took).collect::<Vec<_>>(), "those"), candidates.time.is_some(), out)?;
    remarks(candidates).iter().try_for_each(|line| {
        wrapped(line, 2, view.options.width).iter().try_for_each(|l| writeln!(out, "{}", view.paint(DIM, l)))
    })?;
    let Some(group) = rows.iter().find(|a| a.group.is_some()) else { return Ok(()) };
    let line = format!("  {} stands for an id; all of one such row, for example:", view.glyphs.dots);
    writeln!(out, "{}", view.paint(DIM, &line))?;
    writeln!(out, "{}", view.paint(DIM, &format!("  {}", clean(&option(candidates, group)))))
}

/// What the table does not say.
fn remarks(candidates: &Candidates) -> Vec<String> {
    let sum = |of: fn(&AnnotationCandidate) -> u64| candidates.annotations.iter().map(of).sum::<u64>();
    let lines = [
        (sum(|a| a.inferred), "that nothing ended: over at the latest when what is around them was"),
        (sum(|a| a.inside), "inside others of the same task and type, not counted"),
    ];
    let of_regions = lines.into_iter().filter(|(n, _)| *n > 0);
    let mut lines: Vec<String> = of_regions.map(|(n, what)| format!("{} {what}", counted(n, "region"))).collect();
    lines.extend(older_tasks(candidates.older_tasks));
    lines
}

/// What is said of tasks whose beginning is not in the trace.
fn older_tasks(n: u64) -> Option<String> {
    let (are, their) = if n == 1 { ("is", "its") } else { ("are", "their") };
    (n > 0).then(|| {
        format!(
            "{} {are} older than the trace: {their} type stands in the event of {their} beginning",
            counted(n, "task")
        )
    })
}

/// A row's name; of several names what they have in common, and how many they are.
fn name(view: &View<'_>, row: &AnnotationCandidate) -> String {
    let name = clean(&row.name);
    match &row.group {
        None => name.into_owned(),
        Some(group) => format!("{} ({} names)", name.replace('…', view.glyphs.dots), count(group.names)),
    }
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
    if let Some(group) = &row.group {
        return format!("--root-by {} {partial}--root {}", row.kind, shell::quote(&group.pattern));
    }
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
    #[test]
    fn a_command_selects_all_of_a_group() {
        let row =
            |name: &str| AnnotationCandidate { kind: "task", name: name.into(), ..AnnotationCandidate::default() };
        let annotations = ["GET /u/1", "GET /u/add", "GET /u/2"].map(row).to_vec();
        let mut candidates = Candidates { annotations, ..Candidates::default() };
        candidates.group_annotations();
        let options = options_for(&candidates);
        assert_eq!(options, ["--root-by task --root 'GET /u/add'", "--root-by task --root '^GET /u/[0-9]+$'"]);
        let names: Vec<&str> = candidates.annotations.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["GET /u/add", "GET /u/…"]);
    }
}
