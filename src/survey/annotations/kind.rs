//! What an event says about user tasks and regions.

use crate::survey::roots::connections::Moment;
use crate::trace::event::{EventKind, GoState, GoTransition};
use crate::trace::ids::{GIdx, StringIdx};

/// What an event says. `N` is a name: a generation's string id, or a symbol. `G` is a goroutine that was created: the
/// number of its birth in a scan, or its index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AnnotationKind<N, G> {
    /// A task begins.
    TaskBegin {
        /// Its id.
        task: u64,
        /// The id of the task that it is part of; 0 for none.
        parent: u64,
        /// Its type.
        name: N,
    },
    /// A task ends.
    TaskEnd {
        /// Its id.
        task: u64,
    },
    /// Something is logged for a task.
    Log {
        /// Its id; 0 is the background task.
        task: u64,
    },
    /// A region begins.
    RegionBegin {
        /// The task that it belongs to; 0 is the background task.
        task: u64,
        /// Its type.
        name: N,
    },
    /// A region ends.
    RegionEnd {
        /// The task that it belongs to; 0 is the background task.
        task: u64,
        /// Its type.
        name: N,
    },
    /// The goroutine created another.
    Created(G),
}

impl<N, G> AnnotationKind<N, G> {
    /// The same with other names and goroutines.
    pub(crate) fn map<M, H>(
        self,
        mut name: impl FnMut(N) -> M,
        goroutine: impl FnOnce(G) -> H,
    ) -> AnnotationKind<M, H> {
        match self {
            Self::TaskBegin { task, parent, name: n } => AnnotationKind::TaskBegin { task, parent, name: name(n) },
            Self::TaskEnd { task } => AnnotationKind::TaskEnd { task },
            Self::Log { task } => AnnotationKind::Log { task },
            Self::RegionBegin { task, name: n } => AnnotationKind::RegionBegin { task, name: name(n) },
            Self::RegionEnd { task, name: n } => AnnotationKind::RegionEnd { task, name: name(n) },
            Self::Created(g) => AnnotationKind::Created(goroutine(g)),
        }
    }
}

impl AnnotationKind<StringIdx, GIdx> {
    /// What an event says; none when it is about neither tasks nor regions, and creates no goroutine.
    pub(crate) fn of(kind: &EventKind) -> Option<Self> {
        Some(match *kind {
            EventKind::TaskBegin { task, parent, name } => Self::TaskBegin { task, parent, name },
            EventKind::TaskEnd { task } => Self::TaskEnd { task },
            EventKind::Log { task } => Self::Log { task },
            EventKind::RegionBegin { task, name } => Self::RegionBegin { task, name },
            EventKind::RegionEnd { task, name } => Self::RegionEnd { task, name },
            EventKind::Transition(GoTransition { g, from: GoState::NotExist, .. }) => Self::Created(g),
            _ => return None,
        })
    }
}

/// One event that says something about user tasks and regions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnnotationEvent {
    /// The goroutine that executed.
    pub(crate) g: GIdx,
    /// Whether the goroutine is older than the trace.
    pub(crate) is_older: bool,
    /// When it happened.
    pub(crate) at: Moment,
    /// What it says.
    pub(crate) kind: AnnotationKind<StringIdx, GIdx>,
}
