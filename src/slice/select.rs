//! The steps from the forest to the slice.

use super::builder::SliceBuilder;
use super::closure::creators_first;
use super::membership::Slice;
use super::selector::Selector;
use crate::survey::{Forest, Goroutine};
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;

/// Goroutines copied out of the forest at a time. They lie far apart, and independent loads overlap in the memory.
const COPIED_AT_ONCE: usize = 64;

/// Picks the roots, and follows their children until nothing is added.
pub(crate) fn select(forest: &Forest, symbols: &Symbols, selector: &Selector) -> Slice {
    let mut builder = SliceBuilder::new(forest, symbols, selector);
    builder.start_tasks();
    for some in creators_first(forest).chunks(COPIED_AT_ONCE) {
        let goroutines: Vec<Goroutine> = some.iter().map(|&g| *forest.get(GIdx(g))).collect();
        for (&g, goroutine) in some.iter().zip(&goroutines) {
            builder.visit(GIdx(g), goroutine);
        }
    }
    builder.slice.task_boundaries.sort();
    builder.drop_inner_tasks();
    builder.slice
}
