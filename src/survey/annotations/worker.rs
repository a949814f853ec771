//! What one goroutine did for roots by annotation.
//!
//! A goroutine's events are counted, and spans of work are kept by these counts: file positions do not grow along a
//! goroutine's life, as it runs on several threads.

use super::exclusive_work::WorkSpan;
use super::kind::{AnnotationEvent, AnnotationKind};
use crate::survey::roots::connections::Moment;
use crate::trace::ids::{GIdx, StringIdx};
use rustc_hash::FxHashMap;

/// What one goroutine did for roots.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    /// Number of its events so far, of those that matter.
    events: u32,
    /// Its work, one span for each root and piece of it; they may overlap.
    pub(crate) spans: Vec<WorkSpan>,
    /// Its work in tasks, by the task's root.
    pub(crate) task_work: FxHashMap<u32, TaskWork>,
    /// Goroutines that it created, each with the number of the event.
    pub(crate) births: Vec<(u32, GIdx)>,
    /// The outermost open region that matches.
    region: Option<OpenRegion>,
    /// Whether it had a region that matches.
    had_region: bool,
    /// Whether it began a task that is a root.
    pub(crate) began_root: bool,
}

/// A goroutine's work in one task.
#[derive(Debug)]
pub(crate) struct TaskWork {
    /// Index of the latest of its spans.
    span: usize,
    /// File position of the first event of the task on the goroutine.
    pub(crate) first: u64,
    /// Regions of the task that are open.
    open_regions: u32,
    /// Whether the last event was the end of a region, with none around it.
    is_after_region: bool,
}

/// The outermost region that matches.
#[derive(Debug)]
struct OpenRegion {
    /// Index of its span.
    span: usize,
    task: u64,
    name: StringIdx,
    /// Regions of the same task and type that are open, itself included.
    depth: u32,
}

/// What the end of a region means for a goroutine.
pub(crate) enum RegionEnd {
    /// Nothing: another region is still open, or none was.
    Nothing,
    /// The region's span ends; its index.
    Closes(usize),
    /// The region began before the trace.
    IsOlder,
}

impl Worker {
    /// The number of the next event.
    fn next_event(&mut self) -> u32 {
        self.events += 1;
        self.events
    }

    /// An event of a task that belongs to a root: the goroutine works for it. Who began the root works for it all along;
    /// for another goroutine, a region after a region begins the next piece of work.
    pub(crate) fn work_for(&mut self, root: u32, began_root: bool, event: &AnnotationEvent) {
        let begins_region = matches!(event.kind, AnnotationKind::RegionBegin { .. });
        let ends_region = matches!(event.kind, AnnotationKind::RegionEnd { .. });
        let now = self.next_event();
        let last = self.task_work.get_mut(&root);
        let goes_on = last.filter(|work| began_root || !begins_region || !work.is_after_region);
        let work = if let Some(work) = goes_on {
            work
        } else {
            let span = self.spans.len();
            let (start, began) = (Some(event.at.pos), event.at.time);
            self.spans.push(WorkSpan { root, from: now, to: now, start, end: start, began });
            let work = TaskWork { span, first: event.at.pos, open_regions: 0, is_after_region: false };
            let work = self.task_work.entry(root).or_insert(work);
            work.span = span;
            work
        };
        if begins_region {
            work.open_regions += 1;
        } else if ends_region {
            work.open_regions = work.open_regions.saturating_sub(1);
        }
        work.is_after_region = ends_region && work.open_regions == 0;
        let span = &mut self.spans[work.span];
        (span.to, span.end) = (now, Some(event.at.pos));
    }

    /// The goroutine created another.
    pub(crate) fn created(&mut self, child: GIdx) {
        let now = self.next_event();
        self.births.push((now, child));
    }

    /// A region that matches begins. Returns whether it is a root: it is not when it begins inside another.
    pub(crate) fn begins_outermost(&mut self, task: u64, name: StringIdx) -> bool {
        self.had_region = true;
        if let Some(open) = &mut self.region {
            open.depth += u32::from((open.task, open.name) == (task, name));
        }
        self.region.is_none()
    }

    /// The outermost region that matches begins: the span of its root starts.
    pub(crate) fn open_region(&mut self, root: u32, task: u64, name: StringIdx, at: Moment) {
        let from = self.next_event();
        self.region = Some(OpenRegion { span: self.spans.len(), task, name, depth: 1 });
        self.spans.push(WorkSpan { root, from, to: WorkSpan::OPEN, start: Some(at.pos), end: None, began: at.time });
    }

    /// The span of a region that began before the trace; returns its index.
    pub(crate) fn add_older_region(&mut self, root: u32) -> usize {
        self.spans.push(WorkSpan { root, from: 0, to: WorkSpan::OPEN, start: None, end: None, began: None });
        self.spans.len() - 1
    }

    /// A region that matches ends. One whose beginning is not in the trace is older than it, if the goroutine is and had
    /// none before; else the program made a mistake.
    pub(crate) fn end_region(&mut self, is_older: bool, task: u64, name: StringIdx) -> RegionEnd {
        let had_region = std::mem::replace(&mut self.had_region, true);
        match &mut self.region {
            Some(open) if (open.task, open.name) == (task, name) => {
                open.depth -= 1;
                if open.depth > 0 { RegionEnd::Nothing } else { RegionEnd::Closes(open.span) }
            }
            None if is_older && !had_region => RegionEnd::IsOlder,
            _ => RegionEnd::Nothing,
        }
    }

    /// The outermost region ends; returns the number of its root.
    pub(crate) fn close_region(&mut self, span: usize, at: Moment) -> u32 {
        self.region = None;
        let now = self.next_event();
        let span = &mut self.spans[span];
        (span.to, span.end) = (now, Some(at.pos));
        span.root
    }

    /// The goroutine ends, and its regions with it. Returns the span of the outermost open region that matches, which is
    /// still to be closed.
    pub(crate) fn died(&mut self, at: Moment) -> Option<usize> {
        let now = self.next_event();
        for work in self.task_work.values_mut().filter(|work| work.open_regions > 0) {
            work.open_regions = 0;
            let span = &mut self.spans[work.span];
            (span.to, span.end) = (now, Some(at.pos));
        }
        self.region.take().map(|open| open.span)
    }

    /// The trace ends: what is open stays open to the end. Sorts the spans by their beginning.
    pub(crate) fn finish(&mut self) {
        for work in self.task_work.values().filter(|work| work.open_regions > 0) {
            let span = &mut self.spans[work.span];
            (span.to, span.end) = (WorkSpan::OPEN, None);
        }
        self.spans.sort_by_key(|span| span.from);
    }
}
