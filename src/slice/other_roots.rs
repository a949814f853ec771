//! What the patterns select beside requests on a server, where these alone are the roots; and how to select it alone.

use super::builder::SliceBuilder;
use super::membership::Slice;
use super::selector::{PatternSyntax, Patterns, RootBy, Selector};
use super::set_apart::{Narrowed, OtherRoots};
use super::window::{RootKind, RootWindow};
use crate::survey::Forest;
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// Functions that a command names at most.
const MAX_NAMES: usize = 4;

/// The roots that are no requests on a server, of all kinds of roots (`all`). A goroutine that serves some of the requests
/// in `served` does not count.
pub(super) fn others(all: &mut SliceBuilder<'_>, symbols: &Symbols, served: &Slice) -> OtherRoots {
    let windows = all.run().windows;
    let SliceBuilder { forest, selector, workers, .. } = all;
    // The stretches of what is a root as a goroutine are not known.
    let are_known = windows.kinds().all(|by| by == RootKind::Stack);
    let is_other = |window: &RootWindow| match window.by {
        RootKind::Stack => is_stretch(window, workers),
        _ => !served.has(window.g),
    };
    let others: Vec<RootWindow> = windows.iter().filter(is_other).collect();
    let mut counts = FxHashMap::default();
    for window in &others {
        *counts.entry((window.by.name(), window.matched)).or_default() += 1;
    }
    let (stretches, goroutines): (Vec<_>, Vec<_>) = others.into_iter().partition(|w| w.by == RootKind::Stack);
    let narrow = Narrow { forest, symbols, selector, workers };
    let stretches = if are_known { narrow.stretches_alone(&stretches) } else { None };
    OtherRoots { counts, goroutines: narrow.goroutines_alone(&goroutines), stretches }
}

fn is_stretch(window: &RootWindow, workers: &FxHashSet<GIdx>) -> bool {
    window.seen.is_some() && !workers.contains(&window.g)
}

/// Selects less than was asked for.
struct Narrow<'a> {
    forest: &'a Forest,
    symbols: &'a Symbols,
    selector: &'a Selector,
    workers: &'a FxHashSet<GIdx>,
}

impl Narrow<'_> {
    /// What gives exactly these goroutines: the patterns, or the names of what matched. A pattern can give more: children
    /// of the requests, or the server's own goroutines.
    fn goroutines_alone(&self, windows: &[RootWindow]) -> Option<Narrowed> {
        let gives_these = |roots| {
            let mut found = self.select(roots, &[RootKind::Creation, RootKind::Entry]);
            let mut wanted = windows.to_vec();
            found.sort_unstable_by_key(|window| window.g);
            wanted.sort_unstable_by_key(|window| window.g);
            found.iter().map(|window| window.g).eq(wanted.iter().map(|window| window.g))
        };
        match windows {
            [] => None,
            _ if gives_these(self.selector.roots.clone()) => Some(Narrowed::AsAsked),
            _ if self.names(windows).is_some_and(gives_these) => Some(Narrowed::ByName),
            _ => None,
        }
    }

    /// What gives exactly these stretches, where no request matches the same names.
    fn stretches_alone(&self, windows: &[RootWindow]) -> Option<Narrowed> {
        let gives_these = |roots| {
            let mut found = self.select(roots, &[RootKind::Stack]);
            found.retain(|window| is_stretch(window, self.workers));
            found.len() == windows.len()
        };
        let by_name = !windows.is_empty() && self.names(windows).is_some_and(gives_these);
        by_name.then_some(Narrowed::ByName)
    }

    fn select(&self, roots: Patterns, kinds: &[RootKind]) -> Vec<RootWindow> {
        let root_by = RootBy::kinds(kinds.iter().copied());
        let selector = Selector { roots, root_by, served_first: false, ..self.selector.clone() };
        SliceBuilder::new(self.forest, self.symbols, &selector).run().windows.iter().collect()
    }

    /// The names of what matched, as patterns; none where there are many.
    fn names(&self, windows: &[RootWindow]) -> Option<Patterns> {
        let names: BTreeSet<&str> = windows.iter().map(|window| self.symbols.text(window.matched)).collect();
        let exact: Vec<String> = names.iter().map(|name| format!("^{}$", regex::escape(name))).collect();
        let patterns = (names.len() <= MAX_NAMES).then(|| Patterns::new("--root", &exact, PatternSyntax::default()));
        patterns?.ok()
    }
}
