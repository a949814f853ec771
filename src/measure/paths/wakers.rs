//! Whether a goroutine that ended a wait is why it ended.

use super::interval_log::LinkKind;
use crate::measure::intervals::states::{StateKey, is_accidental};
use crate::slice::system::is_runtime_entry;
use crate::survey::Forest;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::symbols::Symbols;

/// Who executed an event that changed another goroutine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    /// The goroutine; none for nobody.
    pub(crate) by: GIdx,
    /// Its stack; empty when not recorded.
    pub(crate) stack: StackIdx,
}

/// What is known of states and entry functions: 0 for nothing yet, 1 for no, 2 for yes.
#[derive(Default)]
pub(crate) struct Wakers {
    accidental: Vec<u8>,
    runtime: Vec<u8>,
}

impl Wakers {
    /// What a wake-up out of a state means.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every wait; the call cost as much")]
    pub(crate) fn kind(&mut self, waited: StateKey, cause: Cause, forest: &Forest, symbols: &Symbols) -> LinkKind {
        if remember(&mut self.accidental, waited.number() as usize, || is_accidental(waited.name(symbols))) {
            return LinkKind::Accident;
        }
        let entry = forest.get(cause.by).entry;
        // Of a goroutine older than the trace, the outermost function of its stack says what it runs.
        let entry = if entry == StackIdx::EMPTY { symbols.root_frame(cause.stack) } else { entry };
        let is_runtime = || symbols.leaf(entry).is_some_and(|leaf| is_runtime_entry(symbols.function(leaf)));
        if remember(&mut self.runtime, entry.at(), is_runtime) { LinkKind::Runtime } else { LinkKind::Wake }
    }
}

#[inline]
fn remember(known: &mut Vec<u8>, at: usize, find: impl FnOnce() -> bool) -> bool {
    match known.get(at) {
        Some(&is @ 1..) => is == 2,
        _ => learn(known, at, find()),
    }
}

#[cold]
fn learn(known: &mut Vec<u8>, at: usize, is: bool) -> bool {
    if known.len() <= at {
        known.resize(at + 1, 0);
    }
    known[at] = 1 + u8::from(is);
    is
}
