//! What a selection needs from pass 1: stacks, tasks and regions.

use crate::slice::Selector;
use crate::survey::NameMatcher;
use crate::survey::annotations::list::AnnotationList;
use crate::survey::annotations::roots::AnnotatedBuilder;
use crate::survey::annotations::sink::AnnotationSink;
use crate::survey::roots::classify::Classifier;
use crate::survey::v2::notes::NotesWanted;

/// Decides what stacks say; none when the selection does not look at them.
pub(super) fn stack_classifier<'a>(
    selector: Option<&Selector>,
    matches: Option<NameMatcher<'a>>,
) -> Option<Classifier<'a>> {
    let stretches_alone = selector.is_some_and(|s| s.root_by.stretches_alone);
    let classifier = || if stretches_alone { Classifier::without_servers(matches) } else { Classifier::new(matches) };
    selector.is_none_or(|s| s.root_by.stack).then(classifier)
}

/// Where tasks and regions go: the list of all without a selector, roots with one that asks for them, else nowhere.
pub(super) fn annotation_sink<'a>(
    selector: Option<&Selector>,
    matches: Option<NameMatcher<'a>>,
) -> Option<AnnotationSink<'a>> {
    let Some(selector) = selector else { return Some(AnnotationSink::List(AnnotationList::default())) };
    let root_by = selector.root_by;
    let matches = matches.filter(|_| root_by.annotations())?;
    Some(AnnotationSink::Roots(AnnotatedBuilder::new(root_by.task, root_by.region, matches)))
}

/// What scans note of tasks and regions: all without a selector, those that one asks for, else nothing.
pub(super) fn notes_wanted(selector: Option<&Selector>) -> Option<NotesWanted> {
    let Some(selector) = selector else {
        return Some(NotesWanted { tasks: true, work: false, regions: true, children: false });
    };
    let root_by = selector.root_by;
    let (tasks, regions) = (root_by.task, root_by.region);
    // Of regions it matters which task is part of which.
    let wanted = NotesWanted { tasks: true, work: tasks, regions, children: true };
    root_by.annotations().then_some(wanted)
}
