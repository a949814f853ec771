//! What becomes of the notes of tasks and regions: roots, or a list of what there is.

use super::list::AnnotationList;
use super::notes::AnnotationKind;
use super::roots::Annotations;
use crate::survey::collect::Survey;
use crate::survey::roots::connections::Moment;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;

/// One of the two.
pub enum AnnotationSink<'a> {
    /// Those that match.
    Roots(Annotations<'a>),
    /// All, by type.
    List(AnnotationList),
}

impl AnnotationSink<'_> {
    /// A task begins: its id, that of the task that it is part of, and its type. It comes before all notes that name it.
    pub(crate) fn begin_task(&mut self, task: (u64, u64, StringIdx), g: GIdx, at: Moment, symbols: &Symbols) {
        match self {
            Self::Roots(roots) => roots.begin_task(task, g, at, symbols),
            Self::List(list) => list.begin_task(task.0, task.2, at),
        }
    }

    /// The next note of a goroutine, which is `older` than the trace or not.
    pub(crate) fn note(
        &mut self,
        g: GIdx,
        older: bool,
        at: Moment,
        said: AnnotationKind<StringIdx>,
        symbols: &Symbols,
    ) {
        match self {
            Self::Roots(roots) => roots.note(g, older, at, said, symbols),
            Self::List(list) => list.note(g, older, at, said),
        }
    }

    /// A goroutine ends.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        match self {
            Self::Roots(roots) => roots.died(g, at),
            Self::List(list) => list.died(g, at),
        }
    }

    /// The trace ends.
    pub(crate) fn finish(self, survey: &mut Survey) {
        match self {
            Self::Roots(roots) => survey.forest.annotated = roots.finish(&survey.forest),
            Self::List(list) => survey.annotations = list.finish(&survey.symbols),
        }
    }
}
