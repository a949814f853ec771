//! Whether the goroutine at which a wait ended is why it ended.

use crate::measure::intervals::log::LinkKind;
use crate::measure::intervals::states::{StateKey, is_accidental};
use crate::slice::system::is_runtime_entry;
use crate::survey::Forest;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::symbols::Symbols;

/// Who executed an event that changed another goroutine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    /// The goroutine; [`GIdx::NONE`] where the trace names none.
    pub(crate) by: GIdx,
    /// Its stack; empty when not recorded.
    pub(crate) stack: StackIdx,
}

/// Answers about states and entry functions, each looked up once.
#[derive(Default)]
pub(crate) struct Wakers {
    /// By number of the state: whether the goroutine at which such a wait ends is a bystander.
    bystander: Vec<Answer>,
    /// By entry stack: whether such a goroutine is one of the runtime.
    runtime: Vec<Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unknown,
    No,
    Yes,
}

impl Wakers {
    /// What it means that `cause` ended a wait in state `waited`.
    // Inlined: once for every wait, and the call cost as much.
    #[inline(always)]
    pub(crate) fn kind(&mut self, waited: StateKey, cause: Cause, forest: &Forest, symbols: &Symbols) -> LinkKind {
        if remember(&mut self.bystander, waited.number() as usize, || is_accidental(waited.name(symbols))) {
            return LinkKind::Bystander;
        }
        let entry = forest.get(cause.by).entry;
        // Of a goroutine older than the trace, the outermost function of its stack says what it runs.
        let entry = if entry == StackIdx::EMPTY { symbols.root_frame(cause.stack) } else { entry };
        let is_runtime = || symbols.leaf(entry).is_some_and(|leaf| is_runtime_entry(symbols.function(leaf)));
        if remember(&mut self.runtime, entry.at(), is_runtime) { LinkKind::Runtime } else { LinkKind::Wake }
    }
}

#[inline]
fn remember(answers: &mut Vec<Answer>, at: usize, find: impl FnOnce() -> bool) -> bool {
    match answers.get(at) {
        Some(Answer::Yes) => true,
        Some(Answer::No) => false,
        _ => note(answers, at, find()),
    }
}

#[cold]
fn note(answers: &mut Vec<Answer>, at: usize, is: bool) -> bool {
    if answers.len() <= at {
        answers.resize(at + 1, Answer::Unknown);
    }
    answers[at] = if is { Answer::Yes } else { Answer::No };
    is
}
