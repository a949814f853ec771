//! What the patterns select beside requests on a server, where these alone are the roots.

use super::builder::SliceBuilder;
use super::membership::Slice;
use super::window::{RootKind, RootWindow};
use crate::trace::ids::StringIdx;
use rustc_hash::FxHashMap;

/// The roots that are no requests on a server, of all kinds of roots (`all`): how many, by what made them roots and what
/// matched. A goroutine that serves some of the requests in `served` does not count.
pub(super) fn others(all: &mut SliceBuilder<'_>, served: &Slice) -> FxHashMap<(&'static str, StringIdx), u64> {
    let windows = all.run().windows;
    let is_other = |window: &&RootWindow| match window.by {
        RootKind::Stack => window.seen.is_some() && !all.workers.contains(&window.g),
        _ => !served.has(window.g),
    };
    let mut counts = FxHashMap::default();
    for window in windows.iter().filter(is_other) {
        *counts.entry((window.by.name(), window.matched)).or_default() += 1;
    }
    counts
}
