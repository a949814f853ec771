//! What pooled goroutines run: where the same line of their entry function calls different functions on different
//! goroutines, it was given these as values. Functions of Go's own packages do not count, but as tests.
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
    /// Lines that call functions that were given to them.
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
            if may_be_given(symbols.text(line.0), symbols.text(callee)) {
                callees.entry(line).or_default().insert(callee);
            }
        }
        let is_given = |(line, callees): &(Line, FxHashSet<StringIdx>)| {
            let is_test = |callee: &StringIdx| is_test(symbols.text(*callee));
            callees.len() > 1 || symbols.text(line.0) == TEST_RUNNER && callees.iter().any(is_test)
        };
        let lines = callees.into_iter().filter(is_given).map(|(line, _)| line);
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

/// The entry function of a test's goroutine. It calls the test function, whatever package that is of.
const TEST_RUNNER: &str = "testing.tRunner";

/// Whether an entry function may have been given a function that it calls, to run it.
fn may_be_given(entry: &str, callee: &str) -> bool {
    let is_runners_own = || callee.starts_with("testing.tRunner.") || callee.starts_with("runtime.");
    !is_std(callee) || entry == TEST_RUNNER && !is_runners_own()
}

/// Whether a callee of a test's entry function is the test, also where it is the only one.
fn is_test(callee: &str) -> bool {
    let name = callee.rsplit_once('/').map_or(callee, |(_, name)| name);
    let function = name.split_once('.').map_or(name, |(_, function)| function);
    !is_std(callee) || function.starts_with("Test") || function.starts_with("Fuzz")
}

/// Of a stack with two frames: the line of the entry function, and what that calls.
fn called(symbols: &Symbols, stack: StackIdx) -> (Line, StringIdx) {
    let frame = |stack| symbols.leaf(stack).map_or(NO_FRAME, |frame| symbols.frame(frame));
    let (outer, inner) = (frame(symbols.parent(stack)), frame(stack));
    ((outer.function, outer.line), inner.function)
}
