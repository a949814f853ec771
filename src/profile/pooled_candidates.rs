//! What several traces could be selected by, row by row: equal rows of different traces are one. Each trace takes as long as it has
//! rows, however many there are already.

use super::{AnnotationCandidate, Candidate, Candidates, Handler, Undecided};
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::Hash;

/// Candidates of the traces so far.
#[derive(Default)]
pub struct PooledCandidates {
    /// What they are.
    pub all: Candidates,
    rows: Positions<(u32, [String; 4])>,
    handlers: Positions<(&'static str, [String; 2])>,
    annotations: Positions<(&'static str, String)>,
    functions: FxHashSet<String>,
}

impl PooledCandidates {
    /// Adds the groups of one trace, and how many of its goroutines are older.
    pub fn add(&mut self, rows: Vec<Candidate>, older: u64) {
        self.all.older += older;
        let key = |row: &Candidate| {
            let Candidate { entry, runs, creation_site, file, .. } = row;
            (row.line, [entry, runs, creation_site, file].map(Clone::clone))
        };
        self.rows.pool(&mut self.all.rows, rows, key, Candidate::absorb);
    }

    /// Adds what the servers of one trace served.
    pub fn add_served(&mut self, handlers: Vec<Handler>, undecided: &Undecided) {
        let key = |row: &Handler| (row.protocol, [&row.function, &row.within].map(Clone::clone));
        self.handlers.pool(&mut self.all.handlers, handlers, key, Handler::absorb);
        self.all.undecided += undecided;
    }

    /// Adds the user tasks and regions of one trace; those of one type are one.
    pub fn add_annotations(&mut self, rows: Vec<AnnotationCandidate>) {
        let key = |row: &AnnotationCandidate| (row.kind, row.name.clone());
        self.annotations.pool(&mut self.all.annotations, rows, key, AnnotationCandidate::absorb);
    }

    /// Adds a function that is on stacks of a trace, once.
    pub fn add_function(&mut self, name: &str) {
        if !self.functions.contains(name) {
            self.functions.insert(name.to_owned());
            self.all.functions.push(name.to_owned());
        }
    }
}

/// Where rows are among those of all traces, by what makes them equal.
struct Positions<K>(FxHashMap<K, usize>);

impl<K> Default for Positions<K> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<K: Hash + Eq> Positions<K> {
    /// Adds the rows of one trace, which stay apart if they are equal, to those of all.
    fn pool<T>(&mut self, all: &mut Vec<T>, rows: Vec<T>, key: impl Fn(&T) -> K, absorb: impl Fn(&mut T, &T)) {
        let first = all.len();
        for row in rows {
            match self.0.get(&key(&row)) {
                Some(&at) => absorb(&mut all[at], &row),
                None => all.push(row),
            }
        }
        self.0.extend((first..).zip(&all[first..]).map(|(at, row)| (key(row), at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_of_different_traces_are_one() {
        let row =
            |entry: &str, line| Candidate { entry: entry.into(), line, count: 1, total_ns: 5, ..Candidate::default() };
        let mut pooled = PooledCandidates::default();
        // Equal rows of one trace stay apart; what another trace has of them goes to the last one.
        pooled.add(vec![row("a", 1), row("b", 1), row("b", 1)], 2);
        pooled.add(vec![row("b", 1), row("a", 2), row("a", 1), row("a", 1)], 1);
        pooled.add(vec![row("a", 2)], 0);
        let rows: Vec<_> = pooled.all.rows.iter().map(|r| (r.entry.as_str(), r.line, r.count, r.total_ns)).collect();
        assert_eq!(rows, [("a", 1, 3, 15), ("b", 1, 1, 5), ("b", 1, 2, 10), ("a", 2, 2, 10)]);
        assert_eq!(pooled.all.older, 3);
    }

    #[test]
    fn handlers_differ_by_protocol_and_tasks_from_regions() {
        let handler = |function: &str, protocol, within: &str| {
            let mut row = Handler { function: function.into(), protocol, within: within.into(), ..Handler::default() };
            row.took.add(Some(1));
            row
        };
        let task = |kind, name: &str| AnnotationCandidate { kind, name: name.into(), ..AnnotationCandidate::default() };
        let mut pooled = PooledCandidates::default();
        for _ in 0..2 {
            let handlers = [("h", "HTTP/1", ""), ("h", "HTTP/2", ""), ("h", "HTTP/1", "all")];
            pooled.add_served(handlers.map(|(f, p, w)| handler(f, p, w)).to_vec(), &Undecided::default());
            pooled.add_annotations(vec![task("task", "t"), task("region", "t")]);
        }
        assert_eq!(pooled.all.handlers.iter().map(|h| h.took.count()).collect::<Vec<_>>(), [2, 2, 2]);
        assert_eq!(pooled.all.annotations.len(), 2);
        for name in ["f", "g", "f"] {
            pooled.add_function(name);
        }
        assert_eq!(pooled.all.functions, ["f", "g"]);
    }
}
