//! The part of a critical path that is walked on one goroutine at its end: a request, or a part of a user task.

use crate::profile::StateTimes;
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};

/// A request whose path is to be walked, or a part of it.
#[derive(Clone, Debug)]
pub(crate) struct PathSegment {
    /// The request's window.
    pub(crate) window: WindowIdx,
    /// The goroutine whose waits are followed.
    pub(crate) g: GIdx,
    /// Of a user task that another goroutine took over: since when, and which one.
    pub(crate) taken_over: Option<(Time, GIdx)>,
    /// From when to when.
    pub(crate) span: Window,
    /// What the walk found: positions in [`States`](super::walk_results::States), each with nanoseconds. Zeros are left
    /// out: a short request has one or two states.
    pub(crate) states: StateTimes,
}

impl PathSegment {
    /// Its duration, in ns.
    pub(crate) fn ns(&self) -> u64 {
        self.span.end.since(self.span.start)
    }

    /// The segments of which it consists, each on one goroutine: together they take as long. A task that was taken over
    /// has two, the later one first.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Self> + use<> {
        let Window { start, end } = self.span;
        let (since, by) = self.taken_over.unwrap_or((end, self.g));
        let border = since.clamp(start, end);
        let part = |g, start, end| Self { g, span: Window { start, end }, taken_over: None, ..self.clone() };
        let parts = [part(by, border, end), part(self.g, start, border)];
        parts.into_iter().filter(|part| part.span.start < part.span.end)
    }
}

/// Adds nanoseconds by position of the state; `sums` grows where it has fewer states.
pub(crate) fn add_states(sums: &mut Vec<u64>, more: impl IntoIterator<Item = (u16, u64)>) {
    for (state, ns) in more {
        let state = usize::from(state);
        sums.resize(sums.len().max(state + 1), 0);
        sums[state] += ns;
    }
}

/// The same without zeros.
pub(crate) fn states_with_time(sums: &[u64]) -> StateTimes {
    (0..).zip(sums).filter(|(_, ns)| **ns > 0).map(|(state, ns)| (state, *ns)).collect()
}
