//! Where most of the time of stacks is: from the root inwards, as long as one function has most of it.

use super::timed_stack::TimedStack;
use super::{CodePlace, largest};

/// How much of which time a function must have.
#[derive(Clone, Copy)]
pub(super) struct Enough {
    /// That time, in ns.
    pub(super) of_ns: u64,
    /// More than so many per cent of it.
    pub(super) percent: u64,
}

/// Per cent of a function's time.
const NEARLY_ALL: u128 = 98;

/// Stacks that have their outermost own functions in common.
pub(super) struct Narrowed<'a, 'p> {
    /// The stacks.
    pub(super) rows: Vec<&'a TimedStack<'p>>,
    /// How many functions, counted from the outermost.
    depth: usize,
}

/// The time of stacks, in ns.
pub(super) fn time(rows: &[&TimedStack<'_>]) -> u64 {
    time_of(rows, |_| true)
}

/// The time of those of the stacks for which something holds, in ns.
pub(super) fn time_of<'p>(rows: &[&TimedStack<'p>], holds: impl Fn(&TimedStack<'p>) -> bool) -> u64 {
    rows.iter().filter(|row| holds(row)).fold(0, |sum, row| sum.saturating_add(row.ns))
}

/// From the outermost function inwards, the stacks that go through the one with most of the time, while it has enough.
pub(super) fn narrow<'a, 'p>(rows: &[&'a TimedStack<'p>], enough: Enough) -> Narrowed<'a, 'p> {
    let mut found = Narrowed { rows: rows.to_vec(), depth: 0 };
    loop {
        let depth = found.depth;
        let next = |row: &TimedStack<'p>| row.own.get(depth).map(|frame| frame.function.as_str());
        let functions = found.rows.iter().filter_map(|row| next(row).map(|name| (name, row.ns)));
        let Some((name, ns)) = largest(functions) else { return found };
        if u128::from(ns) * 100 <= u128::from(enough.of_ns) * u128::from(enough.percent) {
            return found;
        }
        found.rows.retain(|row| next(row) == Some(name));
        found.depth += 1;
    }
}

impl Narrowed<'_, '_> {
    /// The innermost of the functions in common that has nearly all of its time here: one that others of `all` call as
    /// well would not tell which call it is.
    pub(super) fn place(&self, all: &[&TimedStack<'_>]) -> Option<CodePlace> {
        let here = time(&self.rows);
        let functions = self.rows.first()?.own.get(..self.depth)?;
        let mostly_here = |at: &usize| {
            let name = &functions[*at].function;
            let everywhere = time_of(all, |row| row.own.iter().any(|frame| frame.function == *name));
            u128::from(here) * 100 >= u128::from(everywhere) * NEARLY_ALL
        };
        let at = (0..self.depth).rev().find(mostly_here).or(self.depth.checked_sub(1))?;
        let frame = functions[at];
        let at_lines = self.rows.iter().filter_map(|row| row.own.get(at).map(|frame| (frame.line, row.ns)));
        Some(CodePlace { function: frame.function.to_string(), file: frame.file.to_string(), lines: lines(at_lines) })
    }
}

/// Lines and their time, most first; lines that are not known are left out.
pub(super) fn lines(parts: impl Iterator<Item = (u32, u64)>) -> Vec<(u32, u64)> {
    let mut sums: Vec<(u32, u64)> = Vec::new();
    let mut parts: Vec<(u32, u64)> = parts.filter(|(line, _)| *line > 0).collect();
    parts.sort_unstable();
    for (line, ns) in parts {
        match sums.last_mut() {
            Some((last, sum)) if *last == line => *sum = sum.saturating_add(ns),
            _ => sums.push((line, ns)),
        }
    }
    sums.sort_by_key(|(line, ns)| (std::cmp::Reverse(*ns), *line));
    sums
}
