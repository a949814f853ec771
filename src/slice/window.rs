//! Windows: occurrences of roots.

use super::spawn_chains::SpawnChainIdx;
use crate::survey::SeenPart;
use crate::trace::ids::{GIdx, StringIdx, dense_index};

dense_index! {
    /// A window in [`Slice::windows`](crate::slice::Slice::windows): one occurrence of a root.
    WindowIdx
}

/// One occurrence of a root: a goroutine's life, or a stretch of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RootWindow {
    /// The root's goroutine; of a task, the one that began it.
    pub(crate) g: GIdx,
    /// Of a task: the goroutine that ended it, on which the walk along its critical path begins. Else `g`.
    pub(crate) ended_by: GIdx,
    /// Of a task: whether the goroutine that ended it took it over from another one, so that the part of the path
    /// before the handover lies on that other one.
    pub(crate) handed_over: bool,
    /// For a stretch or a task, the positions in the file where it starts and ends; `None` for an end that is outside
    /// the trace. `None` as a whole: the window is all of the goroutine's life.
    pub(crate) stretch: Option<(Option<u64>, Option<u64>)>,
    /// The spawn chain of the root's own stacks.
    pub(crate) chain: SpawnChainIdx,
    /// What made it a root.
    pub(crate) by: RootKind,
    /// What matched: a function, or the type of a task or region; the outermost one where several on a stack did.
    pub(crate) matched: StringIdx,
    /// Whether it starts and ends at task boundaries, and not with its goroutine's part in it: tasks, and regions that
    /// overlap with others.
    pub(crate) has_boundaries: bool,
    /// What is certain of it where its borders are inferred from stacks; else none.
    pub(crate) seen: Option<SeenPart>,
    /// The spawn chain of what follows its last matching stack; `chain` where nothing does.
    pub(crate) chain_after: SpawnChainIdx,
}

impl RootWindow {
    /// A window that is all of a goroutine's life, with this spawn chain and what matched.
    pub(crate) fn of(g: GIdx, chain: SpawnChainIdx, matched: StringIdx) -> Self {
        let (stretch, by) = (None, RootKind::Entry);
        Self {
            g,
            ended_by: g,
            handed_over: false,
            stretch,
            chain,
            by,
            matched,
            seen: None,
            chain_after: chain,
            has_boundaries: false,
        }
    }
}

/// What made a root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RootKind {
    /// The stack of the `go` statement that created the goroutine.
    Creation,
    /// The goroutine's entry function alone.
    Entry,
    /// A function on the goroutine's own stack.
    Stack,
    /// The same, wherever a server itself begins and ends requests. Only for asking: the roots that it gives are of kind
    /// [`RootKind::Stack`].
    Stretch,
    /// A user task.
    Task,
    /// A user region.
    Region,
}

impl RootKind {
    /// Its name, as `--root-by` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Entry => "entry",
            Self::Stack => "stack",
            Self::Stretch => "stretch",
            Self::Task => "task",
            Self::Region => "region",
        }
    }
}
