//! What to measure of a trace.

use crate::slice::Slice;
use crate::survey::Forest;
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};

/// What to measure.
#[derive(Clone, Copy)]
pub(crate) struct MeasureSpec<'a> {
    /// Which goroutines, during which windows.
    pub(crate) slice: &'a Slice,
    /// All goroutines.
    pub(crate) forest: &'a Forest,
    /// Names of everything.
    pub(crate) symbols: &'a Symbols,
    /// Whether descendants count until they end.
    pub(crate) whole_life: bool,
    /// The part of the trace to look at.
    pub(crate) looked_at: Window,
    /// The trace's first moment.
    pub(crate) trace_start: Time,
    /// Whether to walk the critical paths of requests.
    pub(crate) latency: bool,
    /// Whether requests count that an edge cuts.
    pub(crate) include_partial: bool,
    /// Whether each request's time by stack is wanted, and not only that of all.
    pub(crate) request_stacks: bool,
    /// Whether more requests than the slowest are wanted with their goroutines, and when the collector worked.
    pub(crate) exemplars: bool,
    /// Fewest pieces of intervals that a part logs between two walks.
    pub(crate) part_growth: usize,
    /// Most pieces of intervals kept for open requests.
    pub(crate) max_pieces: usize,
}

impl MeasureSpec<'_> {
    /// Whether events about a goroutine matter: for critical paths those of all do.
    #[inline]
    pub(crate) fn wants(&self, g: GIdx) -> bool {
        if self.latency { g.is_some() } else { self.slice.tracked.get(g.at()).copied().unwrap_or(false) }
    }
}
