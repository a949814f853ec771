//! Counts what matched, over all traces.

use crate::measure::Measured;
use crate::profile::{MatchedFunction, SelectAlone};
use crate::slice::{Narrowed, RootKind, Slice};
use crate::survey::Survey;
use crate::survey::roots::paths::PathNode;
use crate::survey::roots::servers::hands_on;
use crate::trace::ids::StringIdx;
use crate::trace::symbols::Symbols;
use rustc_hash::{FxHashMap, FxHashSet};

/// What selects stretches on no server, which match beside requests: only names that no matching request has can tell them
/// apart.
pub(super) fn stretches_alone(survey: &Survey, slice: &Slice) -> Option<Narrowed> {
    let stretches = slice.others.counts.keys().filter(|(by, _)| *by == RootKind::Stack.name());
    let functions: FxHashSet<StringIdx> = stretches.map(|(_, function)| *function).collect();
    let paths = &survey.served.paths;
    let is_shared =
        |node: &PathNode| paths.ancestors(*node).any(|at| functions.contains(&paths.steps[at.at()].function));
    let matching = survey.served.requests.iter().filter(|request| request.matches);
    let sets: FxHashSet<u32> = matching.map(|request| request.paths).collect();
    let shares = sets.iter().any(|&set| survey.served.path_sets[set as usize].iter().any(is_shared));
    slice.others.stretches.filter(|_| !shares)
}

/// The same for reports.
pub(super) fn select_alone(narrowed: Option<Narrowed>) -> SelectAlone {
    match narrowed {
        None => SelectAlone::Nothing,
        Some(Narrowed::ByName) => SelectAlone::ByName,
        Some(Narrowed::AsAsked) => SelectAlone::AsAsked,
    }
}

/// Requests by what made roots of them, and by the function that matched.
#[derive(Default)]
pub(super) struct MatchedCounts(FxHashMap<(&'static str, String), u64>);

impl MatchedCounts {
    /// Adds the requests of a trace that count; nothing where requests are not measured.
    pub(super) fn add_requests(&mut self, slice: &Slice, measured: &Measured, symbols: &Symbols) {
        let Some(paths) = &measured.paths else { return };
        let mut counts = FxHashMap::default();
        for request in &paths.requests {
            let (by, matched) = slice.windows.matched(request.window);
            *counts.entry((by.name(), matched)).or_default() += 1;
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
        let row = |((by, function), requests): ((_, String), _)| {
            let hands_on = by == "stack" && hands_on(&function);
            MatchedFunction { function, by, requests, hands_on, ..MatchedFunction::default() }
        };
        self.0.into_iter().map(row).collect()
    }
}
