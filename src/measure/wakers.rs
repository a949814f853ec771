//! Whether a goroutine that ended a wait is why it ended.

use super::states::{StateKey, is_accidental};
use super::tape::LinkKind;
use crate::ids::{GIdx, StackIdx};
use crate::slice::own::is_runtime_entry;
use crate::survey::Forest;
use crate::symbols::Symbols;

/// Who executed an event that changed another goroutine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    /// The goroutine; none for nobody.
    pub(super) by: GIdx,
    /// Its stack; empty when not recorded.
    pub(super) stack: StackIdx,
}

/// What is known of states, goroutines and entry functions: 0 for nothing yet, 1 for no, 2 for yes.
#[derive(Default)]
pub(super) struct Wakers {
    accidental: Vec<u8>,
    /// Whether a goroutine whose entry function is known is the runtime's own. One byte each: this is asked for every
    /// wake-up, of goroutines in any order.
    goroutines: Vec<u8>,
    entries: Vec<u8>,
}

impl Wakers {
    /// What a wake-up out of a state means.
    #[inline]
    pub(super) fn kind(&mut self, waited: StateKey, cause: Cause, forest: &Forest, symbols: &Symbols) -> LinkKind {
        if remember(&mut self.accidental, waited.number() as usize, || is_accidental(waited.name(symbols))) {
            return LinkKind::Accident;
        }
        let runtime = match self.goroutines.get(cause.by.at()) {
            Some(&known) if known != 0 => known == 2,
            _ => self.is_runtime(cause, forest, symbols),
        };
        if runtime { LinkKind::Runtime } else { LinkKind::Wake }
    }

    #[cold]
    fn is_runtime(&mut self, cause: Cause, forest: &Forest, symbols: &Symbols) -> bool {
        let entry = forest.get(cause.by).entry;
        // Of a goroutine older than the trace, the outermost function of its stack says what it runs.
        let at_hand = if entry == StackIdx::EMPTY { symbols.root_frame(cause.stack) } else { entry };
        let is_runtime = || symbols.leaf(at_hand).is_some_and(|leaf| is_runtime_entry(symbols.function(leaf)));
        let runtime = remember(&mut self.entries, at_hand.at(), is_runtime);
        if entry != StackIdx::EMPTY {
            self.goroutines.resize(forest.goroutines.len(), 0);
            self.goroutines[cause.by.at()] = 1 + u8::from(runtime);
        }
        runtime
    }
}

#[inline]
fn remember(known: &mut Vec<u8>, at: usize, find: impl FnOnce() -> bool) -> bool {
    match known.get(at) {
        Some(&known) if known != 0 => known == 2,
        _ => note(known, at, find()),
    }
}

#[cold]
fn note(known: &mut Vec<u8>, at: usize, is: bool) -> bool {
    if known.len() <= at {
        known.resize(at + 1, 0);
    }
    known[at] = 1 + u8::from(is);
    is
}
