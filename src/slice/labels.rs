//! What roots are called in outputs.

use super::selector::Selector;
use crate::survey::Goroutine;
use crate::trace::ids::{StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use rustc_hash::FxHashMap;

/// Finds the names of roots. `StringIdx::EMPTY`, the empty text, where there is no name.
pub(super) struct RootLabels<'a> {
    pub(super) symbols: &'a Symbols,
    selector: &'a Selector,
    by_stack: FxHashMap<StackIdx, StringIdx>,
}

impl<'a> RootLabels<'a> {
    pub(super) fn new(symbols: &'a Symbols, selector: &'a Selector) -> Self {
        Self { symbols, selector, by_stack: FxHashMap::default() }
    }

    /// The name of a root by creation or entry: its entry function.
    pub(super) fn of_entry(&self, goroutine: &Goroutine) -> StringIdx {
        let leaf = self.symbols.leaf(goroutine.entry);
        leaf.map_or(StringIdx::EMPTY, |frame| self.symbols.frame(frame).function)
    }

    /// The name of a root by stack: the outermost function that matches.
    pub(super) fn of_stack(&mut self, stack: StackIdx) -> StringIdx {
        let (symbols, selector) = (self.symbols, self.selector);
        *self.by_stack.entry(stack).or_insert_with(|| {
            let matching = symbols.frames(stack).filter(|f| selector.roots.matches(symbols.function(*f))).last();
            matching.map_or(StringIdx::EMPTY, |frame| symbols.frame(frame).function)
        })
    }
}
