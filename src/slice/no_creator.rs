//! Goroutines that no goroutine created.

use crate::survey::{Forest, Origin};
use crate::trace::gos_own::{is_of_runtime, is_of_tracer};
use crate::trace::symbols::Symbols;

/// The number of goroutines in the trace that no goroutine created, without the runtime's own: timers start them
/// (`time.AfterFunc`).
pub(crate) fn without_creator(forest: &Forest, symbols: &Symbols) -> u64 {
    let orphans = forest.goroutines.iter().filter(|g| g.origin == Origin::Created && !g.parent.is_some());
    let entry = |stack| symbols.leaf(stack).map_or("", |frame| symbols.function(frame));
    orphans.filter(|g| !is_of_runtime(entry(g.entry)) && !is_of_tracer(entry(g.entry))).count() as u64
}
