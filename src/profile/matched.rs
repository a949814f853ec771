//! Which functions a selection found.

use super::CutRequest;
use super::name_groups::{NameGroup, group_names};
use std::cmp::Ordering;
use std::collections::HashMap;

/// A function that matched, or the type of a task or region.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MatchedFunction {
    /// Its name; where several on a stack match, that of the outermost one.
    pub function: String,
    /// What made roots of it: `creation`, `entry`, `stack`, `task` or `region`.
    pub by: &'static str,
    /// How many of its roots are requests that count. In [`Selection::others`](super::Selection::others), how many roots
    /// there would be.
    pub requests: u64,
    /// How many an edge cuts; they do not count, unless cut ones are included.
    pub cut: u64,
    /// Whether it is a wrapper of `net/http` itself, through which requests of all endpoints go.
    pub hands_on: bool,
}

/// What selects roots on no server and nothing else, where requests on a server match too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SelectAlone {
    /// Nothing that is known, or there are none.
    #[default]
    Nothing,
    /// The names of the functions that matched.
    ByName,
    /// The patterns as they were given.
    AsAsked,
}

impl MatchedFunction {
    /// The order of lists: most requests first, then by name.
    pub(super) fn most_first(&self, other: &Self) -> Ordering {
        let by_name = || (&self.function, self.by).cmp(&(&other.function, other.by));
        (other.requests, other.cut).cmp(&(self.requests, self.cut)).then_with(by_name)
    }

    /// Adds requests that an edge cuts to the rows of the functions that matched.
    pub(super) fn add_cut<'c>(list: &mut Vec<Self>, cut: impl Iterator<Item = &'c CutRequest>) {
        let key = |function: &str, by| (function.to_owned(), by);
        let mut rows: HashMap<_, usize> =
            list.iter().enumerate().map(|(i, row)| (key(&row.function, row.by), i)).collect();
        for CutRequest { matched, by, .. } in cut {
            let row = *rows.entry(key(matched, by)).or_insert_with(|| {
                list.push(Self { function: matched.to_string(), by, ..Self::default() });
                list.len() - 1
            });
            list[row].cut += 1;
        }
    }

    /// The same, with one row for tasks, and for regions, whose types differ in nothing but ids.
    pub(super) fn grouped(list: Vec<Self>) -> Vec<Self> {
        let (annotated, mut rows): (Vec<_>, Vec<_>) = list.into_iter().partition(|m| matches!(m.by, "task" | "region"));
        for by in ["task", "region"] {
            let of_kind: Vec<&Self> = annotated.iter().filter(|m| m.by == by).collect();
            let (group_of, groups) = group_names(of_kind.iter().map(|m| m.function.as_str()));
            let pool = |group: &NameGroup| Self { function: group.name(), by, ..Self::default() };
            let mut pooled: Vec<Self> = groups.iter().map(pool).collect();
            for (row, group) in of_kind.into_iter().zip(group_of) {
                match group {
                    Some(i) => {
                        pooled[i].requests += row.requests;
                        pooled[i].cut += row.cut;
                    }
                    None => rows.push(row.clone()),
                }
            }
            rows.extend(pooled);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_requests_are_added_to_the_rows_of_what_matched() {
        let cut = |matched: &str| CutRequest { matched: matched.into(), by: "stack", ..CutRequest::default() };
        let row = |function: &str, requests, cut| MatchedFunction {
            function: function.into(),
            by: "stack",
            requests,
            cut,
            hands_on: false,
        };
        let mut list = vec![row("main.A", 3, 0)];
        MatchedFunction::add_cut(&mut list, [cut("main.B"), cut("main.A"), cut("main.B")].iter());
        assert_eq!(list, [row("main.A", 3, 1), row("main.B", 0, 2)]);
    }

    #[test]
    fn types_that_differ_in_ids_are_one() {
        let row = |function: &str, by, requests| MatchedFunction {
            function: function.into(),
            by,
            requests,
            ..MatchedFunction::default()
        };
        let list = vec![row("GET /1", "task", 1), row("GET /2", "task", 3), row("GET /2", "region", 2)];
        let mut grouped = MatchedFunction::grouped(list);
        grouped.sort_by(MatchedFunction::most_first);
        assert_eq!(grouped, [row("GET /…", "task", 4), row("GET /2", "region", 2)]);
        // Functions are not: their numbers are no ids.
        let functions = vec![row("lib/1.f", "stack", 1), row("lib/2.f", "stack", 1)];
        assert_eq!(MatchedFunction::grouped(functions.clone()), functions);
    }
}
