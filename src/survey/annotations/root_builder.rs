//! A user task or region that matches, until the trace is over.

use super::kind::AnnotationEvent;
use crate::survey::forest::{AnnotatedRoot, Annotation};
use crate::trace::ids::StringIdx;
use crate::trace::time::Time;

/// A root whose end may not be known yet.
#[derive(Debug)]
pub(crate) struct RootBuilder {
    /// The root, as far as it is known.
    pub(crate) root: AnnotatedRoot,
    /// Of a task: its id; else 0.
    pub(crate) task: u64,
    /// When it began; none: before the trace.
    pub(crate) began: Option<Time>,
    /// When it ended; none while it is open.
    pub(crate) ended: Option<Time>,
}

impl RootBuilder {
    /// A root that an event begins. `task` is the id of a task that is the root, 0 of a region.
    pub(crate) fn begun_by(event: &AnnotationEvent, kind: Annotation, name: StringIdx, task: u64) -> Self {
        let older = Self::older_region(event, name);
        let root = AnnotatedRoot { kind, start: Some(event.at.pos), ..older.root };
        Self { root, task, began: event.at.time, ended: None }
    }

    /// A region that began before the trace on the goroutine of an event.
    pub(crate) fn older_region(event: &AnnotationEvent, name: StringIdx) -> Self {
        let (g, kind) = (event.g, Annotation::Region);
        let root = AnnotatedRoot { kind, name, g, start: None, end: None, ended_by: g, handed_over: None };
        Self { root, task: 0, began: None, ended: None }
    }

    /// Whether it is a region; else it is a task.
    pub(crate) fn is_region(&self) -> bool {
        self.root.kind == Annotation::Region
    }

    /// Whether it had ended at a time; false where one of the two times is not known.
    pub(crate) fn is_over(&self, at: Option<Time>) -> bool {
        self.ended.zip(at).is_some_and(|(ended, at)| ended <= at)
    }
}
