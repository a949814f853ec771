//! What one goroutine did for roots by annotation.
//!
//! A goroutine's events are counted, and spans of work are kept by these counts: file positions do not grow along a
//! goroutine's life, as it runs on several threads.

use super::exclusive_work::WorkSpan;
use super::kind::{AnnotationEvent, AnnotationKind};
use super::regions::{RegionSpan, Regions, TaskParents};
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
    /// Its regions, where these can be roots.
    regions: Regions,
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

    /// A region begins, whether or not it matches.
    pub(crate) fn begin_region(&mut self, key: (u64, StringIdx), at: Moment) {
        let now = self.next_event();
        self.regions.begin(key, (now, at));
    }

    /// A region ends, whether or not it matches.
    pub(crate) fn end_region(&mut self, key: (u64, StringIdx), at: Moment, is_older: bool, parents: &TaskParents) {
        let now = self.next_event();
        self.regions.end(key, (now, at), is_older, parents);
    }

    /// Its regions, in the order in which they began; none are left.
    pub(crate) fn take_regions(&mut self) -> Vec<RegionSpan> {
        self.regions.take()
    }

    /// The goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, at: Moment) {
        let now = self.next_event();
        self.regions.died((now, at));
        for work in self.task_work.values_mut().filter(|work| work.open_regions > 0) {
            work.open_regions = 0;
            let span = &mut self.spans[work.span];
            (span.to, span.end) = (now, Some(at.pos));
        }
    }

    /// The trace ends: what is open stays open to the end.
    pub(crate) fn finish(&mut self) {
        for work in self.task_work.values().filter(|work| work.open_regions > 0) {
            let span = &mut self.spans[work.span];
            (span.to, span.end) = (WorkSpan::OPEN, None);
        }
    }
}
