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
    /// Whether roots by stack are called by the innermost function that matches, and not the outermost.
    innermost: bool,
    by_stack: FxHashMap<StackIdx, StringIdx>,
}

impl<'a> RootLabels<'a> {
    pub(super) fn new(symbols: &'a Symbols, selector: &'a Selector, innermost: bool) -> Self {
        Self { symbols, selector, innermost, by_stack: FxHashMap::default() }
    }

    /// The name of a root by creation or entry: its entry function.
    pub(super) fn of_entry(&self, goroutine: &Goroutine) -> StringIdx {
        let leaf = self.symbols.leaf(goroutine.entry);
        leaf.map_or(StringIdx::EMPTY, |frame| self.symbols.frame(frame).function)
    }

    /// The name of a root by stack: the outermost function that matches, or the innermost one.
    pub(super) fn of_stack(&mut self, stack: StackIdx) -> StringIdx {
        let (symbols, selector) = (self.symbols, self.selector);
        *self.by_stack.entry(stack).or_insert_with(|| {
            let mut matching = symbols.frames(stack).filter(|f| selector.roots.matches(symbols.function(*f)));
            let matching = if self.innermost { matching.next() } else { matching.last() };
            matching.map_or(StringIdx::EMPTY, |frame| symbols.frame(frame).function)
        })
    }
}
