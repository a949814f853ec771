//! What stacks say: about a selection by stack, and about a server's requests. Decided once for each stack.

use crate::trace::v2::id_table::IdTable;

use super::servers::{CONNECTION, RECORDING_HANDLER, Role, ServerStep, StackWalk, role};

/// Frames that the runtime keeps of a stack, the innermost ones (`traceStackSize`, `runtime/tracestack.go`).
pub const MAX_FRAMES: u32 = 128;

/// What a stack says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StackClass {
    /// Whether there is a stack at all, and it is defined.
    pub present: bool,
    /// Whether a function on it matches.
    pub matches: bool,
    /// Whether its outer end is cut off, where a match or a server would stand.
    pub cut: bool,
    /// Where in a server it is.
    pub step: ServerStep,
    /// Whether it has functions whose names are not known for sure.
    pub unnamed: bool,
    /// Whether it excludes, and of its generation's stacks none with the same outermost function says more: a goroutine
    /// that has it hardly has one that does.
    pub dull: bool,
}

impl StackClass {
    /// Whether it matches, whatever its functions are called in the end.
    pub fn surely_matches(self) -> bool {
        self.matches && !self.unnamed
    }

    /// Whether the stack proves that no matching function is at work: one that was cut proves nothing.
    pub fn excludes(self) -> bool {
        self.present && !self.matches && !self.cut
    }

    /// Whether it says nothing but what it may exclude.
    #[inline]
    pub fn is_plain(self) -> bool {
        self.step == ServerStep::None && !self.matches && !self.cut
    }

    /// What it says where nothing was created with it: a request starts when its background reader is created, not
    /// when the goroutine is stopped or sampled beside that.
    #[must_use]
    pub fn without_creation(self) -> Self {
        if self.step == ServerStep::Start { Self { step: ServerStep::Between, ..self } } else { self }
    }

    /// Whether a goroutine created with this stack can belong to a stretch or a request of its creator.
    pub fn may_be_inside(self) -> bool {
        matches!(self.step, ServerStep::Start | ServerStep::Wrapped | ServerStep::Handler) || !self.excludes()
    }
}

/// What matters of a stack's class while it is usual, by the dense ids of a generation's stacks.
#[derive(Debug)]
pub struct StackVerdicts(Vec<StackVerdict>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum StackVerdict {
    /// It says nothing.
    Nothing,
    /// It excludes that a matching function is at work, and says nothing else.
    Excludes,
    /// The same, and it is dull.
    Dull,
    /// It says more.
    More,
}

impl StackVerdicts {
    /// The gists of all classes.
    pub fn new(classes: &IdTable<StackClass>) -> Self {
        let gist = |class: StackClass| match (class.is_plain(), class.excludes()) {
            (false, _) => StackVerdict::More,
            (true, true) if class.dull => StackVerdict::Dull,
            (true, true) => StackVerdict::Excludes,
            (true, false) => StackVerdict::Nothing,
        };
        let mut gists: Vec<StackVerdict> =
            classes.dense().iter().map(|class| gist(class.unwrap_or_default())).collect();
        // Id 0 is no stack.
        gists.resize(gists.len().max(1), StackVerdict::Nothing);
        Self(gists)
    }

    /// Whether a stack excludes that a matching function is at work; none if it says more than that, or has to be looked
    /// up.
    #[inline]
    pub fn excludes(&self, stack: u64) -> Option<bool> {
        let gist = *self.0.get(usize::try_from(stack).ok()?)?;
        (gist != StackVerdict::More).then_some(gist != StackVerdict::Nothing)
    }

    /// The same, and whether it is dull.
    #[inline]
    pub fn excludes_and_dull(&self, stack: u64) -> Option<(bool, bool)> {
        let gist = *self.0.get(usize::try_from(stack).ok()?)?;
        (gist != StackVerdict::More).then_some((gist != StackVerdict::Nothing, gist == StackVerdict::Dull))
    }
}

/// What a function's name says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Function {
    role: Role,
    matches: bool,
    recording: bool,
    unnamed: bool,
}

impl Function {
    /// Its name is not known for sure.
    #[must_use]
    pub fn unnamed(self) -> Self {
        Self { unnamed: true, ..self }
    }
}

/// Decides what functions and stacks say.
pub struct Classifier<'a> {
    roots: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    names_recording: bool,
    /// Whether the pattern means connections as such, not their requests.
    names_connection: bool,
}

impl<'a> Classifier<'a> {
    /// For a selection by stack; without one, only servers matter.
    pub fn new(roots: Option<&'a (dyn Fn(&str) -> bool + Sync)>) -> Self {
        let named = |name| roots.is_some_and(|matches| matches(name));
        Self { roots, names_recording: named(RECORDING_HANDLER), names_connection: named(CONNECTION) }
    }

    /// What a function's name says.
    pub fn function(&self, name: &str) -> Function {
        let role = match role(name) {
            Role::Connection if self.names_connection => Role::Other,
            role => role,
        };
        let matches = self.roots.is_some_and(|matches| matches(name));
        Function { role, matches, recording: name == RECORDING_HANDLER, unnamed: false }
    }

    /// What a stack says. The recording itself is no root, unless it is named.
    pub fn class(&self, stack: PartialClass) -> StackClass {
        let step = stack.walk.step();
        StackClass {
            present: stack.depth > 0,
            matches: stack.matches && (self.names_recording || !stack.recording),
            cut: step == ServerStep::None && stack.depth >= MAX_FRAMES,
            step,
            unnamed: stack.unnamed,
            dull: false,
        }
    }
}

/// What the outer frames of a stack say.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartialClass {
    walk: StackWalk,
    matches: bool,
    recording: bool,
    unnamed: bool,
    depth: u32,
}

impl PartialClass {
    /// One frame further in.
    #[must_use]
    pub fn enter(self, function: Function) -> Self {
        Self {
            walk: self.walk.enter(function.role),
            matches: self.matches || function.matches,
            recording: self.recording || function.recording,
            unnamed: self.unnamed || function.unnamed,
            depth: self.depth + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gist says what the class says, or leaves that to the class.
    #[test]
    fn gists_are_what_classes_say() {
        let steps = [ServerStep::None, ServerStep::Between];
        let bits = |i: usize| [1, 2, 4].map(|bit| i & bit != 0);
        let of = |(i, step)| {
            let [present, matches, cut] = bits(i);
            StackClass { present, matches, cut, step, unnamed: false, dull: false }
        };
        let all: Vec<StackClass> = (0..8).flat_map(|i| steps.map(|step| of((i, step)))).collect();
        let table: Vec<(u64, StackClass)> = (1..).zip(all).chain([(1 << 50, StackClass::default())]).collect();
        let classes = IdTable::new(&table);
        let gists = StackVerdicts::new(&classes);
        for id in 0..40 {
            let class = classes.get(id).unwrap_or_default();
            let says = class.is_plain().then_some(class.excludes());
            assert!(gists.excludes(id) == says || id > 16 && gists.excludes(id).is_none(), "{id}: {class:?}");
        }
        // Where ids are not dense the class is looked up.
        assert_eq!(gists.excludes(1 << 50), None);
        assert_eq!(StackVerdicts::new(&IdTable::default()).excludes(0), Some(false));
    }
}
