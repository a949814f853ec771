//! Requests that go through the function of a row of the list and are counted in another row: `--root` with this function
//! finds them too.
//!
//! ```text
//!  (*Router).ServeHTTP ─┬─ users, orders     row  (*Router).ServeHTTP   202      58 more in (*Metrics).ServeHTTP
//!  (*Router).ServeHTTP ─┴─ (*Metrics).Serve… row  (*Metrics).ServeHTTP   58
//! ```

use super::Survey;
use crate::profile::Elsewhere;
use crate::trace::ids::StringIdx;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// The rows of one protocol, each with the path sets of its requests. A row that is within another follows it.
#[derive(Default)]
pub(super) struct RowSets(Vec<(String, Vec<u32>)>);

impl RowSets {
    /// Adds a row.
    pub(super) fn push(&mut self, function: &str, sets: impl Iterator<Item = u32>) {
        self.0.push((function.to_owned(), sets.collect()));
    }

    /// By the function of a row: how many whole requests go through it and are in no row of this name, by the innermost row
    /// that they are in. `requests` are all path sets, each with its number of whole requests.
    pub(super) fn elsewhere(&self, survey: &Survey, requests: &[(u32, u64)]) -> FxHashMap<String, Vec<Elsewhere>> {
        let rows = || self.0.iter().flat_map(|(name, sets)| sets.iter().map(move |&set| (name.as_str(), set)));
        let own: FxHashSet<(&str, u32)> = rows().collect();
        let innermost: FxHashMap<u32, &str> = rows().map(|(name, set)| (set, name)).collect();
        let names: FxHashSet<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        let mut more: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for &(set, n) in requests.iter().filter(|(_, n)| *n > 0) {
            let Some(&row) = innermost.get(&set) else { continue };
            let functions = functions(survey, set).into_iter().map(|function| survey.symbols.text(function));
            for function in functions.filter(|function| names.contains(function) && !own.contains(&(*function, set))) {
                *more.entry((function, row)).or_default() += n;
            }
        }
        let mut by_function: FxHashMap<String, Vec<Elsewhere>> = FxHashMap::default();
        for ((function, row), count) in more {
            by_function.entry(function.to_owned()).or_default().push(Elsewhere { function: row.to_owned(), count });
        }
        by_function
    }
}

/// All functions on the paths of a set.
pub(super) fn functions(survey: &Survey, set: u32) -> FxHashSet<StringIdx> {
    let paths = &survey.served.paths;
    let nodes = survey.served.path_sets[set as usize].iter().flat_map(|&node| paths.ancestors(node));
    nodes.map(|node| paths.steps[node.at()].function).collect()
}
