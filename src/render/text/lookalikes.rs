//! Rows of a table that read the same: told apart by what differs in the stacks, else added up.

use super::stack_line::StackLine;
use rustc_hash::FxHashMap;

/// A row that shows a stack on a line.
pub(super) trait StackRow {
    fn line(&self) -> &StackLine;

    fn set_line(&mut self, line: StackLine);

    /// Adds what `other` counts.
    fn add(&mut self, other: &Self);
}

/// How the first rows of a table read: the text, and what else tells them apart.
pub(super) type Look = (String, String);

/// Rows of one look that a row is compared with: to tell many apart from each other, a few will do.
const MAX_COMPARED: usize = 16;

/// Changes the rows that read the same, and says whether there were any; then the table has to be made anew. Once, each such
/// row shows first where its stack differs from the others'. If that does not help, rows are added up.
pub(super) fn join<R: StackRow>(rows: &mut Vec<R>, looks: &[Look]) -> bool {
    let mut groups: FxHashMap<&Look, Vec<usize>> = FxHashMap::default();
    for (i, look) in looks.iter().enumerate() {
        groups.entry(look).or_default().push(i);
    }
    let mut alike: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() > 1).collect();
    alike.sort_unstable();
    if alike.is_empty() {
        return false;
    }
    let apart: Vec<(usize, StackLine)> = alike.iter().flat_map(|group| told_apart(rows, group)).collect();
    if apart.is_empty() {
        add_up(rows, &alike);
    }
    for (i, line) in apart {
        rows[i].set_line(line);
    }
    true
}

fn told_apart<R: StackRow>(rows: &[R], group: &[usize]) -> Vec<(usize, StackLine)> {
    let others: Vec<&StackLine> = group.iter().take(MAX_COMPARED).map(|&i| rows[i].line()).collect();
    group.iter().filter_map(|&i| Some((i, rows[i].line().told_apart_from(&others)?))).collect()
}

fn add_up<R: StackRow>(rows: &mut Vec<R>, groups: &[Vec<usize>]) {
    let mut is_added = vec![false; rows.len()];
    for group in groups {
        for &i in &group[1..] {
            let (before, after) = rows.split_at_mut(i);
            before[group[0]].add(&after[0]);
            is_added[i] = true;
        }
    }
    let mut is_added = is_added.into_iter();
    rows.retain(|_| !is_added.next().unwrap_or(false));
}
