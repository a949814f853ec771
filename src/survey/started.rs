//! What pooled goroutines run: where the same line of their entry function calls different functions on different
//! goroutines, it was given these as values.
//!
//! ```text
//!  (*WaitGroup).Go.func1 ── line 238 ─┬─ main.users      goroutines 1, 4
//!                                     └─ main.orders     goroutines 2, 3
//! ```

use crate::profile::is_std;
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::symbols::{Frame, Symbols};
use rustc_hash::{FxHashMap, FxHashSet};

const NO_FRAME: Frame = Frame { function: StringIdx::EMPTY, file: StringIdx::EMPTY, line: 0 };

/// A line of an entry function.
type Line = (StringIdx, u32);

/// What the goroutines of a trace were started for.
#[derive(Debug, Default)]
pub(crate) struct Started {
    /// Lines that call different functions outside of Go's own packages.
    lines: FxHashSet<Line>,
    /// Per stack: the function that such a line calls; none where no such line does.
    of_stack: FxHashMap<StackIdx, Option<StringIdx>>,
    /// Per goroutine: what it calls there; none where that is several.
    of_goroutine: FxHashMap<GIdx, Option<StringIdx>>,
}

impl Started {
    /// Finds the lines.
    pub(crate) fn new(symbols: &Symbols) -> Self {
        let n = symbols.stacks_with(|_| false).len() as u32;
        let mut callees: FxHashMap<Line, FxHashSet<StringIdx>> = FxHashMap::default();
        for stack in (0..n).map(StackIdx).filter(|stack| symbols.depth(*stack) == 2) {
            let (line, callee) = called(symbols, stack);
            if !is_std(symbols.text(callee)) {
                callees.entry(line).or_default().insert(callee);
            }
        }
        let lines = callees.into_iter().filter(|(_, callees)| callees.len() > 1).map(|(line, _)| line);
        Self { lines: lines.collect(), ..Self::default() }
    }

    /// Whether events have to tell which goroutine calls what.
    pub(crate) fn needs_events(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Takes a stack of a goroutine.
    pub(crate) fn add(&mut self, symbols: &Symbols, g: GIdx, stack: StackIdx) {
        let Some(callee) = self.callee(symbols, stack) else { return };
        let known = self.of_goroutine.entry(g).or_insert(Some(callee));
        if *known != Some(callee) {
            *known = None;
        }
    }

    fn callee(&mut self, symbols: &Symbols, stack: StackIdx) -> Option<StringIdx> {
        let lines = &self.lines;
        *self.of_stack.entry(stack).or_insert_with(|| {
            let mut at = stack;
            while symbols.depth(at) > 2 {
                at = symbols.parent(at);
            }
            let is_second = symbols.depth(at) == 2;
            is_second.then(|| called(symbols, at)).filter(|(line, _)| lines.contains(line)).map(|(_, callee)| callee)
        })
    }

    /// The function that a goroutine was started for; none where its entry function says all that is known.
    pub(crate) fn of(&self, g: GIdx) -> Option<StringIdx> {
        self.of_goroutine.get(&g).copied().flatten()
    }
}

/// Of a stack with two frames: the line of the entry function, and what that calls.
fn called(symbols: &Symbols, stack: StackIdx) -> (Line, StringIdx) {
    let frame = |stack| symbols.leaf(stack).map_or(NO_FRAME, |frame| symbols.frame(frame));
    let (outer, inner) = (frame(symbols.parent(stack)), frame(stack));
    ((outer.function, outer.line), inner.function)
}
