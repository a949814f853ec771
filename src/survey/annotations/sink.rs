//! Takes what events say about user tasks and regions, and makes of it what the caller asked for: roots, or a list.
//!
//! Both want the same order: a task's beginning before all events that name the task; of one goroutine, all events in
//! its own order. Two goroutines may come in any order.

use super::kind::AnnotationEvent;
use super::list::{AnnotationList, ListedAnnotations};
use super::roots::AnnotatedBuilder;
use crate::survey::forest::Forest;
use crate::survey::roots::connections::Moment;
use crate::trace::ids::GIdx;
use crate::trace::symbols::Symbols;

/// What is made of tasks and regions.
pub(crate) enum AnnotationSink<'a> {
    /// Roots, of those that match.
    Roots(AnnotatedBuilder<'a>),
    /// A list of all, by type.
    List(AnnotationList),
}

impl AnnotationSink<'_> {
    /// A task begins. Comes before all events that name the task, and once more among its goroutine's events.
    pub(crate) fn begin_task(&mut self, event: &AnnotationEvent, symbols: &Symbols) {
        match self {
            Self::Roots(roots) => roots.begin_task(event, symbols),
            Self::List(list) => list.begin_task(event),
        }
    }

    /// The next event of a goroutine.
    pub(crate) fn event(&mut self, event: &AnnotationEvent, symbols: &Symbols) {
        match self {
            Self::Roots(roots) => roots.event(event, symbols),
            Self::List(list) => list.event(event),
        }
    }

    /// A goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        match self {
            Self::Roots(roots) => roots.died(g, at),
            Self::List(list) => list.died(g, at),
        }
    }

    /// The trace ends. Roots go into the forest; returns the list, which is empty where roots were asked for.
    pub(crate) fn finish(self, forest: &mut Forest, symbols: &Symbols) -> ListedAnnotations {
        match self {
            Self::Roots(roots) => {
                forest.annotated = roots.finish(forest);
                ListedAnnotations::default()
            }
            Self::List(list) => list.finish(symbols),
        }
    }
}
