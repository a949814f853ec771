//! A user task or region that matches, until the trace is over.

use super::kind::AnnotationEvent;
use super::regions::RegionSpan;
use crate::survey::forest::{AnnotatedRoot, Annotation};
use crate::survey::roots::connections::Moment;
use crate::trace::ids::{GIdx, StringIdx};
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
    /// A task that an event begins.
    pub(crate) fn task(event: &AnnotationEvent, name: StringIdx, task: u64) -> Self {
        let root = AnnotatedRoot { kind: Annotation::Task, start: Some(event.at.pos), ..of_goroutine(event.g, name) };
        Self { root, task, began: event.at.time, ended: None }
    }

    /// A region of a goroutine.
    pub(crate) fn region(g: GIdx, region: &RegionSpan) -> Self {
        let (start, end) = (region.began.map(|at| at.pos), region.ended.map(|at| at.pos));
        let root = AnnotatedRoot { start, end, is_inferred: region.is_bound, ..of_goroutine(g, region.name) };
        let time = |moment: Option<Moment>| moment.and_then(|at| at.time);
        Self { root, task: 0, began: time(region.began), ended: time(region.ended) }
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

/// A root on a goroutine of which nothing else is known.
fn of_goroutine(g: GIdx, name: StringIdx) -> AnnotatedRoot {
    let kind = Annotation::Region;
    AnnotatedRoot { kind, name, g, start: None, end: None, ended_by: g, handed_over: None, is_inferred: false }
}
