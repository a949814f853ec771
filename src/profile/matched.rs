//! Which functions a selection found.

use std::cmp::Ordering;

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
        other.requests.cmp(&self.requests).then_with(by_name)
    }
}
