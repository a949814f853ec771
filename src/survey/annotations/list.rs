//! Which user tasks and regions a trace has, and how long they took: the list that is shown without a selection.

use super::kind::{AnnotationEvent, AnnotationKind};
use crate::profile::{self, DurationList};
use crate::survey::forest::Annotation;
use crate::survey::roots::connections::Moment;
use crate::survey::roots::served::CutSpan;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashMap;

/// Open regions of one goroutine, by task and type: how deeply they are nested, and when the outermost began.
type OpenRegions = FxHashMap<(u64, StringIdx), (u32, Option<Time>)>;

/// Collects tasks and regions by type. Fed as [`AnnotationSink`](super::sink::AnnotationSink) is.
#[derive(Default)]
pub(crate) struct AnnotationList {
    /// Open tasks by id: their type, and when they began.
    tasks: FxHashMap<u64, (StringIdx, Option<Time>)>,
    regions: FxHashMap<GIdx, OpenRegions>,
    /// Regions that began before the trace: their type, and when they ended.
    older: Vec<(StringIdx, Option<Time>)>,
    rows: FxHashMap<(Annotation, StringIdx), DurationList>,
}

impl AnnotationList {
    /// A task begins; the first with an id counts.
    pub(crate) fn begin_task(&mut self, event: &AnnotationEvent) {
        if let AnnotationKind::TaskBegin { task, name, .. } = event.kind {
            self.tasks.entry(task).or_insert((name, event.at.time));
        }
    }

    /// The next event of a goroutine.
    pub(crate) fn event(&mut self, event: &AnnotationEvent) {
        let AnnotationEvent { g, at, kind, .. } = *event;
        match kind {
            AnnotationKind::TaskEnd { task } => {
                if let Some((name, began)) = self.tasks.remove(&task) {
                    self.add(Annotation::Task, name, began, at);
                }
            }
            AnnotationKind::RegionBegin { task, name } => {
                let open = self.regions.entry(g).or_default().entry((task, name)).or_insert((0, at.time));
                open.0 += 1;
            }
            AnnotationKind::RegionEnd { task, name } => self.end_region(event, task, name),
            AnnotationKind::TaskBegin { .. } | AnnotationKind::Log { .. } | AnnotationKind::Created(_) => {}
        }
    }

    fn end_region(&mut self, event: &AnnotationEvent, task: u64, name: StringIdx) {
        let AnnotationEvent { g, is_older, at, .. } = *event;
        let of_goroutine = self.regions.get_mut(&g);
        let Some((depth, began)) = of_goroutine.and_then(|open| open.get_mut(&(task, name))) else {
            // It began before the trace, or on another goroutine by mistake.
            if is_older {
                self.older.push((name, at.time));
            }
            return;
        };
        *depth -= 1;
        if *depth == 0 {
            let began = *began;
            if let Some(open) = self.regions.get_mut(&g) {
                open.remove(&(task, name));
            }
            self.add(Annotation::Region, name, began, at);
        }
    }

    fn add(&mut self, kind: Annotation, name: StringIdx, began: Option<Time>, at: Moment) {
        let ns = at.time.zip(began).map_or(0, |(ended, began)| ended.since(began));
        self.rows.entry((kind, name)).or_default().durations_ns.push(ns);
    }

    /// A goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        for ((_, name), (_, began)) in self.regions.remove(&g).unwrap_or_default() {
            self.add(Annotation::Region, name, began, at);
        }
    }

    /// A trace that lasted from `trace.start` on ends. Returns one row per type, in no order.
    pub(crate) fn finish(mut self, symbols: &Symbols, trace: Window) -> Vec<profile::AnnotationCandidate> {
        let tasks = self.tasks.values().map(|(name, began)| (Annotation::Task, *name, *began));
        let regions = self.regions.values().flatten();
        let regions = regions.map(|((_, name), (_, began))| (Annotation::Region, *name, *began));
        for (kind, name, began) in tasks.chain(regions) {
            let row = self.rows.entry((kind, name)).or_default();
            CutSpan { began, ended: None }.add_to(row, trace);
        }
        for (name, ended) in self.older {
            let row = self.rows.entry((Annotation::Region, name)).or_default();
            CutSpan { began: None, ended }.add_to(row, trace);
        }
        // A trace that was cut off has lost the names of its last generation.
        let named = self.rows.into_iter().filter(|((_, name), _)| name.is_some());
        let rows = named.map(|((kind, name), mut took)| {
            took.sort();
            profile::AnnotationCandidate {
                kind: if kind == Annotation::Task { "task" } else { "region" },
                name: symbols.text(name).to_owned(),
                took,
            }
        });
        rows.collect()
    }
}
