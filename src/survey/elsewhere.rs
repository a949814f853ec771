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

/// Requests of one protocol whose stacks end at the same places: the protocol, and the position of the path set.
pub(super) type RequestKind = (&'static str, u32);

/// A row: its function, and its requests.
struct Row {
    function: String,
    protocol: &'static str,
    sets: Vec<u32>,
}

/// The rows of all protocols. A row that is within another follows it.
#[derive(Default)]
pub(super) struct RowSets(Vec<Row>);

impl RowSets {
    /// Adds a row.
    pub(super) fn push(&mut self, function: &str, protocol: &'static str, sets: impl Iterator<Item = u32>) {
        self.0.push(Row { function: function.to_owned(), protocol, sets: sets.collect() });
    }

    /// Adds the rows of another protocol.
    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// By the function of a row: how many whole requests go through it and are in no row of this name, by the innermost row
    /// that they are in. `requests` are all kinds, each with its number of whole requests.
    pub(super) fn elsewhere(
        &self,
        survey: &Survey,
        requests: &[(RequestKind, u64)],
    ) -> FxHashMap<String, Vec<Elsewhere>> {
        let kinds = |row: &Row| row.sets.iter().map(|&set| (row.protocol, set)).collect::<Vec<_>>();
        let rows =
            || self.0.iter().flat_map(move |row| kinds(row).into_iter().map(|kind| (row.function.as_str(), kind)));
        let own: FxHashSet<(&str, RequestKind)> = rows().collect();
        let innermost: FxHashMap<RequestKind, &str> = rows().map(|(name, kind)| (kind, name)).collect();
        let names: FxHashSet<&str> = self.0.iter().map(|row| row.function.as_str()).collect();
        let mut more: BTreeMap<(&str, &str, &'static str), u64> = BTreeMap::new();
        for &(kind, n) in requests.iter().filter(|(_, n)| *n > 0) {
            let Some(&row) = innermost.get(&kind) else { continue };
            let functions = functions(survey, kind.1).into_iter().map(|function| survey.symbols.text(function));
            for function in functions.filter(|function| names.contains(function) && !own.contains(&(*function, kind))) {
                *more.entry((function, row, kind.0)).or_default() += n;
            }
        }
        let mut by_function: FxHashMap<String, Vec<Elsewhere>> = FxHashMap::default();
        for ((function, row, protocol), count) in more {
            let row = Elsewhere { function: row.to_owned(), protocol, count };
            by_function.entry(function.to_owned()).or_default().push(row);
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
