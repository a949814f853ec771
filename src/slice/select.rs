//! The steps from the forest to the slice.

use super::builder::SliceBuilder;
use super::closure::creators_first;
use super::membership::Slice;
use super::other_roots::others;
use super::selector::Selector;
use super::set_apart::OtherRoots;
use super::window::WindowIdx;
use crate::survey::{Forest, Goroutine};
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;

/// Goroutines copied out of the forest at a time. They lie far apart in memory; loads that do not depend on each other
/// overlap.
const COPIED_AT_ONCE: usize = 64;

/// Picks the roots, and follows their children until nothing is added.
///
/// Requests on other goroutines than those asked for by id stay requests: a wait for one of them is a wait for another
/// request.
pub(crate) fn select(forest: &Forest, symbols: &Symbols, selector: &Selector) -> Slice {
    let wanted = select_wanted(forest, symbols, selector);
    if selector.goids.is_empty() || selector.is_goroutine() || wanted.windows.is_empty() {
        return wanted;
    }
    let of_any = Selector { goids: Vec::new(), ..selector.clone() };
    let mut all = select_wanted(forest, symbols, &of_any);
    let is_wanted = |window: &WindowIdx| selector.goids.contains(&forest.get(all.windows.goroutine(*window)).id);
    let kept: Vec<WindowIdx> = all.windows.all().filter(is_wanted).collect();
    all.keep(&kept);
    // A child of a wanted root may be a root itself where any goroutine can be one.
    let is_same = all.are_served == wanted.are_served
        && kept.len() == wanted.windows.len()
        && all.counts.goroutines == wanted.counts.goroutines;
    if is_same { Slice { counts: wanted.counts, others: wanted.others, ..all } } else { wanted }
}

/// The slice of the goroutines that may be roots.
///
/// Where requests on a server match, they alone are roots. What else matches (a cache's refresher, a timer's goroutine)
/// is another kind of thing: one distribution of both would describe neither, and what a request waits for must not be
/// a root itself. Such roots are only counted, in [`Slice::others`].
fn select_wanted(forest: &Forest, symbols: &Symbols, selector: &Selector) -> Slice {
    let mut builder = SliceBuilder::new(forest, symbols, selector);
    let served_first = selector.served_first && !selector.root_by.task && !selector.root_by.region;
    if !served_first {
        return builder.run();
    }
    if !has_served(&builder) {
        return with_none_served(builder, symbols);
    }
    builder.served_only = true;
    let served = builder.run();
    let has_others = !served.windows.is_empty() && may_have_others(&builder, &served);
    // Two at once would take twice the memory.
    drop(builder);
    let all = || SliceBuilder::new(forest, symbols, selector);
    if served.windows.is_empty() {
        return with_none_served(all(), symbols);
    }
    let others = if has_others { others(&mut all(), symbols, &served) } else { OtherRoots::default() };
    Slice { others, are_served: true, ..served }
}

/// Where no request on a server matches: all that does, or nothing if only such requests are wanted.
fn with_none_served(mut all: SliceBuilder<'_>, symbols: &Symbols) -> Slice {
    if !all.selector.served_alone {
        return all.run();
    }
    let none = Slice::default();
    Slice { others: others(&mut all, symbols, &none), ..none }
}

/// Whether a request on a server matches.
fn has_served(builder: &SliceBuilder<'_>) -> bool {
    let forest = builder.forest;
    !forest.streams.is_empty() || forest.stretches.iter().any(|stretch| builder.is_served(stretch))
}

/// Whether something outside of the requests may match too.
fn may_have_others(builder: &SliceBuilder<'_>, served: &Slice) -> bool {
    let SliceBuilder { forest, matching, .. } = builder;
    let matches = |g: &Goroutine| matching[g.creation.at()] || matching[g.entry.at()];
    forest.stretches.iter().any(|stretch| !builder.is_served(stretch))
        || (0..).zip(&forest.goroutines).any(|(i, g)| matches(g) && !served.has(GIdx(i)))
}

impl SliceBuilder<'_> {
    pub(super) fn run(&mut self) -> Slice {
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
