//! What to measure of a trace.

use crate::slice::Slice;
use crate::survey::Forest;
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};

/// What to measure.
#[derive(Clone, Copy)]
pub struct MeasureSpec<'a> {
    /// Which goroutines, during which windows.
    pub slice: &'a Slice,
    /// All goroutines.
    pub forest: &'a Forest,
    /// Names of everything.
    pub symbols: &'a Symbols,
    /// Whether descendants count until they end.
    pub whole_life: bool,
    /// The part of the trace to look at.
    pub looked_at: Window,
    /// The trace's first moment.
    pub trace_start: Time,
    /// Whether to walk the critical paths of requests.
    pub latency: bool,
    /// Whether requests count that an edge cuts.
    pub include_partial: bool,
    /// Most pieces of intervals kept for open requests.
    pub max_pieces: usize,
}

impl MeasureSpec<'_> {
    /// Whether events about a goroutine matter: for critical paths those of all do.
    #[inline]
    pub fn wants(&self, g: GIdx) -> bool {
        if self.latency { g.is_some() } else { self.slice.tracked.get(g.at()).copied().unwrap_or(false) }
    }
}
