//! What stacks say: about a selection by stack, and about a server's requests. Decided once for each stack.
//!
//! The rule is a fold over the frames, from the outermost inwards. Who has the stacks does the folding: for a table of
//! stacks [`v2::classes`](crate::survey::v2::classes), for the tree of all stacks [`v1`](crate::survey::v1).
//!
//! ```text
//!  frames            main.main   main.serve   main.Handler
//!  PartialClass   ∅ ───enter──────enter─────────enter────► Classifier::class → StackClass
//! ```

use super::servers::{CONNECTION, RECORDING_HANDLER, Role, ServerStep, StackWalk, role};
use crate::survey::NameMatcher;

/// Most frames that the runtime keeps of a stack, the innermost ones (`traceStackSize`, `runtime/tracestack.go`, Go 1.27).
pub(crate) const MAX_FRAMES: u32 = 128;

/// What a stack says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct StackClass {
    /// Whether there is a stack at all, and it is defined.
    pub(crate) present: bool,
    /// Whether a function on it matches.
    pub(crate) matches: bool,
    /// Whether its outer end is cut off, where a match or a server's function could be.
    pub(crate) truncated: bool,
    /// Where in a server it is.
    pub(crate) step: ServerStep,
    /// Whether it has functions whose names are not known for sure.
    pub(crate) unnamed: bool,
    /// Whether it excludes a match, and none of its generation's stacks with the same outermost function says more. A
    /// goroutine has the same outermost function on all its stacks, so a run with this one is not worth noting.
    pub(crate) skippable: bool,
}

impl StackClass {
    /// Whether it matches, whatever names its functions get later.
    pub(crate) fn surely_matches(self) -> bool {
        self.matches && !self.unnamed
    }

    /// Whether the stack proves that no matching function is at work: one that is truncated proves nothing.
    pub(crate) fn excludes(self) -> bool {
        self.present && !self.matches && !self.truncated
    }

    /// Whether it says nothing, or only that no matching function is at work.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        self.step == ServerStep::None && !self.matches && !self.truncated
    }

    /// What it says when it was not recorded at a creation. A request starts when its background reader is created, not
    /// when the goroutine is stopped or sampled near that.
    #[must_use]
    pub(crate) fn without_creation(self) -> Self {
        if self.step == ServerStep::Start { Self { step: ServerStep::Between, ..self } } else { self }
    }

    /// Whether a goroutine created with this stack can belong to a stretch or a request of its creator.
    pub(crate) fn may_be_inside(self) -> bool {
        matches!(self.step, ServerStep::Start | ServerStep::Wrapped | ServerStep::Handler) || !self.excludes()
    }
}

/// What a function's name says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Function {
    role: Role,
    matches: bool,
    recording: bool,
    unnamed: bool,
}

impl Function {
    /// The same function, whose name may be another.
    #[must_use]
    pub(crate) fn unnamed(self) -> Self {
        Self { unnamed: true, ..self }
    }
}

/// Decides what functions and stacks say.
pub(crate) struct Classifier<'a> {
    /// Decides which names match; none without a selection.
    roots: Option<NameMatcher<'a>>,
    /// Whether the recording's own handler matches.
    names_recording: bool,
    /// Whether the function of connections matches: the selection means connections as such, not their requests.
    names_connection: bool,
}

impl<'a> Classifier<'a> {
    /// For a selection by stack; with none, only servers matter.
    pub(crate) fn new(roots: Option<NameMatcher<'a>>) -> Self {
        let named = |name| roots.is_some_and(|matches| matches(name));
        Self { roots, names_recording: named(RECORDING_HANDLER), names_connection: named(CONNECTION) }
    }

    /// What a function's name says.
    pub(crate) fn function(&self, name: &str) -> Function {
        let role = match role(name) {
            Role::Connection if self.names_connection => Role::Other,
            role => role,
        };
        let matches = self.roots.is_some_and(|matches| matches(name));
        Function { role, matches, recording: name == RECORDING_HANDLER, unnamed: false }
    }

    /// Whether the classes of stacks are needed: for a selection always, else if a stack is a server's (`serves`).
    pub(crate) fn needs_classes(&self, serves: bool) -> bool {
        self.roots.is_some() || serves
    }

    /// What a stack says, all of whose frames were entered. The recording itself is no root, unless its name matches.
    pub(crate) fn class(&self, stack: PartialClass) -> StackClass {
        let step = stack.walk.step();
        StackClass {
            present: stack.depth > 0,
            matches: stack.matches && (self.names_recording || !stack.recording),
            truncated: step == ServerStep::None && stack.depth >= MAX_FRAMES,
            step,
            unnamed: stack.unnamed,
            skippable: false,
        }
    }
}

/// What the outer frames of a stack say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PartialClass {
    walk: StackWalk,
    matches: bool,
    recording: bool,
    unnamed: bool,
    depth: u32,
}

impl PartialClass {
    /// One frame further in.
    #[must_use]
    pub(crate) fn enter(self, function: Function) -> Self {
        Self {
            walk: self.walk.enter(function.role),
            matches: self.matches || function.matches,
            recording: self.recording || function.recording,
            unnamed: self.unnamed || function.unnamed,
            depth: self.depth + 1,
        }
    }
}
