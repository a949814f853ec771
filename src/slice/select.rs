//! The steps from the forest to the slice.

use super::builder::SliceBuilder;
use super::closure::creators_first;
use super::membership::Slice;
use super::other_roots::others;
use super::selector::Selector;
use crate::survey::{Forest, Goroutine};
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;
use rustc_hash::FxHashMap;

/// Goroutines copied out of the forest at a time. They lie far apart, and independent loads overlap in the memory.
const COPIED_AT_ONCE: usize = 64;

/// Picks the roots, and follows their children until nothing is added.
///
/// Requests on a server come first. What else matches (a cache's refresher, a timer's goroutine) is another kind of
/// thing: in one distribution with requests it would say nothing of either, and as a root it could not be the stranger
/// that a request waits for. Those are counted beside.
pub(crate) fn select(forest: &Forest, symbols: &Symbols, selector: &Selector) -> Slice {
    let new = || SliceBuilder::new(forest, symbols, selector);
    if selector.served_first && !selector.root_by.task && !selector.root_by.region && has_served(forest) {
        let mut builder = new().served_only();
        let served = builder.run();
        if !served.windows.is_empty() {
            let alone = !may_have_others(forest, &builder.matching, &served);
            let others = if alone { FxHashMap::default() } else { others(&new().run(), &served) };
            return Slice { others, ..served };
        }
    }
    new().run()
}

/// Whether a request on a server matches.
fn has_served(forest: &Forest) -> bool {
    !forest.streams.is_empty() || forest.stretches.iter().any(|stretch| stretch.seen.is_none())
}

/// Whether something outside of the requests may match too. `matching` has, per stack, whether a pattern matches.
fn may_have_others(forest: &Forest, matching: &[bool], served: &Slice) -> bool {
    let matches = |g: &Goroutine| matching[g.creation.at()] || matching[g.entry.at()];
    forest.stretches.iter().any(|stretch| stretch.seen.is_some())
        || (0..).zip(&forest.goroutines).any(|(i, g)| matches(g) && !served.has(GIdx(i)))
}

impl SliceBuilder<'_> {
    fn run(&mut self) -> Slice {
        self.start_tasks();
        for some in creators_first(self.forest).chunks(COPIED_AT_ONCE) {
            let goroutines: Vec<Goroutine> = some.iter().map(|&g| *self.forest.get(GIdx(g))).collect();
            for (&g, goroutine) in some.iter().zip(&goroutines) {
                self.visit(GIdx(g), goroutine);
            }
        }
        self.slice.task_boundaries.sort();
        self.drop_inner_tasks();
        std::mem::take(&mut self.slice)
    }
}
