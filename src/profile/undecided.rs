//! Requests of which nothing in the trace says whether they are of the roots.

use super::DurationList;
use std::ops::AddAssign;

/// Whole requests on the servers of a selection that may be of its roots too: they have no stack in their handler, or
/// their stacks end above where those of matching requests part from others. Without a selection, those without a
/// handler's stack.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Undecided {
    /// How long they took.
    pub took: DurationList,
    /// On how many connections they came in.
    pub connections: u64,
}

impl Undecided {
    /// How many whole ones.
    pub fn count(&self) -> u64 {
        self.took.count()
    }

    /// How long they took, in ns, summed.
    pub fn total_ns(&self) -> u64 {
        self.took.total_ns()
    }

    /// The longest, in ns; 0 when there is none.
    pub fn max_ns(&self) -> u64 {
        self.took.durations_ns.iter().copied().max().unwrap_or(0)
    }
}

impl AddAssign<&Self> for Undecided {
    fn add_assign(&mut self, other: &Self) {
        self.took.absorb(&other.took);
        self.connections += other.connections;
    }
}
