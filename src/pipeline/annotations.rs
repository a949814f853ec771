//! Which tasks and regions a selection needs from pass 1.

use crate::slice::Selector;
use crate::survey::annotations::list::AnnotationList;
use crate::survey::annotations::notes::NotesWanted;
use crate::survey::annotations::roots::{Annotations, Matches};
use crate::survey::annotations::sink::AnnotationSink;

/// Where tasks and regions go: the list of all without a selector, roots with one that asks for them, else nowhere.
pub(super) fn annotations<'a>(selector: Option<&Selector>, matches: Option<Matches<'a>>) -> Option<AnnotationSink<'a>> {
    let Some(selector) = selector else { return Some(AnnotationSink::List(AnnotationList::default())) };
    let root_by = selector.root_by;
    let matches = matches.filter(|_| root_by.annotations())?;
    Some(AnnotationSink::Roots(Annotations::new(root_by.task, root_by.region, matches)))
}

/// What scans note of tasks and regions: all without a selector, what matches with one that asks for them, else
/// nothing.
pub(super) fn notes_wanted<'a>(
    selector: Option<&Selector>,
    matches: &'a (dyn Fn(u64) -> bool + Sync),
) -> Option<NotesWanted<'a>> {
    let Some(selector) = selector else {
        return Some(NotesWanted { tasks: true, work: false, regions: true, matches: None, children: false });
    };
    let root_by = selector.root_by;
    let (tasks, regions) = (root_by.task, root_by.region);
    let wanted = NotesWanted { tasks, work: tasks, regions, matches: Some(matches), children: true };
    root_by.annotations().then_some(wanted)
}
