//! Which goroutines stay out of a slice although their ancestry, or a pattern, says that they are in.

use super::membership::Counts;
use super::selector::Selector;
use super::shared::is_shared;
use crate::survey::Goroutine;
use crate::trace::gos_own::{RECORDING_HANDLER, is_of_runtime, is_of_tracer};
use crate::trace::ids::StackIdx;
use crate::trace::symbols::Symbols;

/// Whose goroutine it is, judged by its entry function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GoroutineOwner {
    User,
    Runtime,
    Recording,
    /// Many requests use it.
    Shared,
}

/// Tells which goroutines are kept out. Each table has an entry for each stack.
pub(super) struct KeepOut<'a> {
    symbols: &'a Symbols,
    whole_life: bool,
    /// Whether `--exclude` matches a function on it; empty without `--exclude`.
    excluded: Vec<bool>,
    /// Whether the handler that serves the recording is on it.
    recording: Vec<bool>,
    /// Whether `--root` names that handler: then its goroutines are asked for.
    recording_named: bool,
    /// Whose goroutine one with this entry function is; `None` until it is asked.
    owners: Vec<Option<GoroutineOwner>>,
}

impl<'a> KeepOut<'a> {
    pub(super) fn new(symbols: &'a Symbols, selector: &Selector) -> Self {
        let excluded = selector
            .exclude
            .as_ref()
            .map_or_else(Vec::new, |exclude| symbols.stacks_with(|name| exclude.matches(name)));
        let recording = symbols.stacks_with(|name| name == RECORDING_HANDLER);
        Self {
            symbols,
            whole_life: selector.whole_life,
            excluded,
            owners: vec![None; recording.len()],
            recording,
            recording_named: !selector.is_goroutine() && selector.roots.matches(RECORDING_HANDLER),
        }
    }

    /// Whether a child is excluded by `--exclude`.
    pub(super) fn is_excluded(&self, goroutine: &Goroutine, counts: &mut Counts) -> bool {
        let excluded = is_set(&self.excluded, goroutine.creation) || is_set(&self.excluded, goroutine.entry);
        counts.excluded += u64::from(excluded);
        excluded
    }

    /// Whether a goroutine is not the user's. `named` has, per stack, whether a root pattern matches a function on it:
    /// a pattern that matches the goroutine's own function means it.
    pub(super) fn is_foreign(&mut self, goroutine: &Goroutine, named: &[bool], counts: &mut Counts) -> bool {
        if self.whole_life || is_set(named, goroutine.entry) {
            return false;
        }
        let owner = self.owner(goroutine.entry);
        let recording = is_set(&self.recording, goroutine.creation) && !self.recording_named;
        if recording || owner == GoroutineOwner::Recording {
            counts.recording += 1;
            return true;
        }
        counts.runtime += u64::from(owner == GoroutineOwner::Runtime);
        counts.shared += u64::from(owner == GoroutineOwner::Shared);
        owner != GoroutineOwner::User
    }

    fn owner(&mut self, entry: StackIdx) -> GoroutineOwner {
        let symbols = self.symbols;
        *self.owners[entry.at()].get_or_insert_with(|| {
            let name = symbols.leaf(entry).map_or("", |frame| symbols.function(frame));
            if is_of_tracer(name) {
                GoroutineOwner::Recording
            } else if is_of_runtime(name) {
                GoroutineOwner::Runtime
            } else if is_shared(name) {
                GoroutineOwner::Shared
            } else {
                GoroutineOwner::User
            }
        })
    }
}

fn is_set(table: &[bool], stack: StackIdx) -> bool {
    table.get(stack.at()).copied().unwrap_or(false)
}
