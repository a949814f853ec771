//! Counts what matched, over all traces.

use crate::measure::Measured;
use crate::profile::MatchedFunction;
use crate::slice::Slice;
use crate::trace::ids::StringIdx;
use crate::trace::symbols::Symbols;
use rustc_hash::FxHashMap;

/// Requests by what made roots of them, and by the function that matched.
#[derive(Default)]
pub(super) struct MatchedCounts(FxHashMap<(&'static str, String), u64>);

impl MatchedCounts {
    /// Adds the requests of a trace that count; nothing where requests are not measured.
    pub(super) fn add_requests(&mut self, slice: &Slice, measured: &Measured, symbols: &Symbols) {
        let Some(paths) = &measured.paths else { return };
        let windows = paths.requests.iter().map(|request| request.window);
        let mut counts = FxHashMap::default();
        for window in windows.map(|window| slice.windows[window.at()]) {
            *counts.entry((window.by.name(), window.matched)).or_default() += 1;
        }
        self.add(&counts, symbols);
    }

    /// Adds roots of a trace, by what made them roots and what matched.
    pub(super) fn add(&mut self, counts: &FxHashMap<(&'static str, StringIdx), u64>, symbols: &Symbols) {
        for (&(by, matched), n) in counts {
            *self.0.entry((by, symbols.text(matched).to_owned())).or_default() += n;
        }
    }

    /// The list, in no order.
    pub(super) fn list(self) -> Vec<MatchedFunction> {
        let row = |((by, function), requests)| MatchedFunction { function, by, requests };
        self.0.into_iter().map(row).collect()
    }
}
