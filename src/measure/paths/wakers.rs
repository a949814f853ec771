//! Whether the goroutine at which a wait ended is why it ended.

use crate::measure::intervals::log::{Link, LinkKind};
use crate::measure::intervals::states::{StateKey, WaitClass, ends_network_waits, is_runtime_lock};
use crate::survey::Forest;
use crate::trace::gos_own::is_of_runtime;
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

impl Cause {
    fn link(self, kind: LinkKind) -> Link {
        Link { by: self.by, stack: self.stack, kind }
    }
}

/// A wait that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedWait {
    /// Its state.
    pub(crate) state: StateKey,
    /// The stack on which it began; empty when not recorded.
    pub(crate) stack: StackIdx,
}

/// Answers about states, stacks and entry functions, each looked up once.
#[derive(Default)]
pub(crate) struct Wakers {
    /// By number of the state.
    classes: Vec<Option<WaitClass>>,
    /// By goroutine whose entry is known: how it ends waits.
    kinds: Vec<Option<LinkKind>>,
    /// By entry stack: whether such a goroutine is one of the runtime.
    runtime: Vec<CachedAnswer>,
    /// By the stack of a wait for a lock: whether the lock is the runtime's own.
    runtime_lock: Vec<CachedAnswer>,
    /// By the waker's stack: whether it ended waits for the network itself.
    ends_network_waits: Vec<CachedAnswer>,
}

/// What is known of a question that was asked before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CachedAnswer {
    Unknown,
    No,
    Yes,
}

impl Wakers {
    /// Who ended a wait at which `cause` was; none where the trace names nobody.
    // Inlined: once for every wait, and the call cost as much.
    #[inline(always)]
    pub(crate) fn link(&mut self, wait: EndedWait, cause: Cause, forest: &Forest, symbols: &Symbols) -> Option<Link> {
        match self.known_kind(wait.state, cause.by) {
            Some(kind) => Some(cause.link(kind)),
            None => self.look_up(wait, cause, forest, symbols),
        }
    }

    /// How a goroutine ended a wait of a state, where that depends on these two alone, and was asked before.
    #[inline(always)]
    fn known_kind(&self, state: StateKey, by: GIdx) -> Option<LinkKind> {
        let class = (*self.classes.get(state.number() as usize)?)?;
        let is_by_goroutine = matches!(class, WaitClass::Other | WaitClass::Channel);
        if is_by_goroutine { *self.kinds.get(by.at())? } else { None }
    }

    #[inline(never)]
    fn look_up(&mut self, wait: EndedWait, cause: Cause, forest: &Forest, symbols: &Symbols) -> Option<Link> {
        let number = wait.state.number() as usize;
        let class = match self.classes.get(number) {
            Some(Some(class)) => *class,
            _ => self.look_up_class(wait.state, symbols),
        };
        match class {
            WaitClass::Other if cause.by.is_some() => Some(self.by_goroutine(cause, forest, symbols)),
            WaitClass::Other => None,
            class => self.by_class(class, wait.stack, cause, (forest, symbols)),
        }
    }

    /// The same for waits whose stack, or the waker's, matters too.
    fn by_class(
        &mut self,
        class: WaitClass,
        stack: StackIdx,
        cause: Cause,
        (forest, symbols): (&Forest, &Symbols),
    ) -> Option<Link> {
        let frames = |stack| symbols.frames(stack).map(|frame| symbols.function(frame));
        let by_some = cause.by.is_some();
        match class {
            WaitClass::HandedOut => by_some.then(|| {
                let ends = || ends_network_waits(frames(cause.stack));
                let ends = remember(&mut self.ends_network_waits, cause.stack.at(), ends);
                cause.link(if ends { LinkKind::Wake } else { LinkKind::Bystander })
            }),
            WaitClass::Collector if by_some => {
                let link = self.by_goroutine(cause, forest, symbols);
                Some(if link.kind == LinkKind::Runtime { link } else { Link::RUNTIME })
            }
            WaitClass::Collector => Some(Link::RUNTIME),
            // A goroutine that damage hides has a stack; a timer runs where there is no goroutine.
            WaitClass::Channel if !by_some => (cause.stack == StackIdx::EMPTY).then(|| cause.link(LinkKind::Timer)),
            WaitClass::Lock if by_some => {
                let is_runtimes = || is_runtime_lock(frames(stack));
                let runtimes = remember(&mut self.runtime_lock, stack.at(), is_runtimes);
                Some(if runtimes { Link::RUNTIME } else { self.by_goroutine(cause, forest, symbols) })
            }
            _ => by_some.then(|| self.by_goroutine(cause, forest, symbols)),
        }
    }

    /// The goroutine ended the wait: what it is tells how.
    #[inline]
    fn by_goroutine(&mut self, cause: Cause, forest: &Forest, symbols: &Symbols) -> Link {
        let known = self.kinds.get(cause.by.at()).copied().flatten();
        cause.link(known.unwrap_or_else(|| self.look_up_kind(cause, forest, symbols)))
    }

    #[inline(never)]
    fn look_up_kind(&mut self, cause: Cause, forest: &Forest, symbols: &Symbols) -> LinkKind {
        let by = forest.get(cause.by);
        // Of a goroutine older than the trace, the outermost function of its stack says what it runs.
        let entry = if by.entry == StackIdx::EMPTY { symbols.root_frame(cause.stack) } else { by.entry };
        let is_runtime = || symbols.leaf(entry).is_some_and(|leaf| is_of_runtime(symbols.function(leaf)));
        let kind = if remember(&mut self.runtime, entry.at(), is_runtime) {
            LinkKind::Runtime
        } else if by.was_started_by_timer() {
            LinkKind::TimerGoroutine
        } else {
            LinkKind::Wake
        };
        if by.entry != StackIdx::EMPTY {
            self.kinds.resize(self.kinds.len().max(cause.by.at() + 1), None);
            self.kinds[cause.by.at()] = Some(kind);
        }
        kind
    }

    #[cold]
    fn look_up_class(&mut self, state: StateKey, symbols: &Symbols) -> WaitClass {
        let (number, class) = (state.number() as usize, WaitClass::of(state.name(symbols)));
        if self.classes.len() <= number {
            self.classes.resize(number + 1, None);
        }
        self.classes[number] = Some(class);
        class
    }
}

#[inline]
fn remember(answers: &mut Vec<CachedAnswer>, at: usize, find: impl FnOnce() -> bool) -> bool {
    match answers.get(at) {
        Some(CachedAnswer::Yes) => true,
        Some(CachedAnswer::No) => false,
        _ => note(answers, at, find()),
    }
}

#[cold]
fn note(answers: &mut Vec<CachedAnswer>, at: usize, is: bool) -> bool {
    if answers.len() <= at {
        answers.resize(at + 1, CachedAnswer::Unknown);
    }
    answers[at] = if is { CachedAnswer::Yes } else { CachedAnswer::No };
    is
}
