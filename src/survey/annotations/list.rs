//! Which user tasks and regions a trace has, and how long they took: the list that is shown without a selection.

use super::kind::{AnnotationEvent, AnnotationKind};
use super::regions::{Regions, TaskParents, keep_outermost};
use crate::profile::{self, DurationList};
use crate::survey::forest::Annotation;
use crate::survey::roots::connections::Moment;
use crate::survey::roots::served::CutSpan;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashMap;

/// One goroutine's regions, and how many events it had.
#[derive(Default)]
struct OfGoroutine {
    regions: Regions,
    events: u32,
}

impl OfGoroutine {
    /// The number of the next event, and when it is.
    fn next(&mut self, at: Moment) -> (u32, Moment) {
        self.events += 1;
        (self.events, at)
    }
}

/// Those of one type.
#[derive(Default)]
struct Row {
    took: DurationList,
    /// Of these, regions whose end is only the latest possible.
    inferred: u64,
    /// Regions that are in others of the same task and type, and are not counted.
    inside: u64,
    cut: Vec<CutSpan>,
}

/// Collects tasks and regions by type. Fed as [`AnnotationSink`](super::sink::AnnotationSink) is.
#[derive(Default)]
pub(crate) struct AnnotationList {
    /// Open tasks by id: their type, and when they began.
    tasks: FxHashMap<u64, (StringIdx, Option<Time>)>,
    regions: FxHashMap<GIdx, OfGoroutine>,
    parents: TaskParents,
    rows: FxHashMap<(Annotation, StringIdx), Row>,
}

impl AnnotationList {
    /// A task begins; the first with an id counts.
    pub(crate) fn begin_task(&mut self, event: &AnnotationEvent) {
        if let AnnotationKind::TaskBegin { task, name, parent } = event.kind {
            self.parents.add(task, parent);
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
                let of_goroutine = self.regions.entry(g).or_default();
                let now = of_goroutine.next(at);
                of_goroutine.regions.begin((task, name), now);
            }
            AnnotationKind::RegionEnd { task, name } => {
                let of_goroutine = self.regions.entry(g).or_default();
                let now = of_goroutine.next(at);
                of_goroutine.regions.end((task, name), now, event.is_older, &self.parents);
            }
            AnnotationKind::TaskBegin { .. } | AnnotationKind::Log { .. } | AnnotationKind::Created(_) => {}
        }
    }

    fn add(&mut self, kind: Annotation, name: StringIdx, began: Option<Time>, at: Moment) {
        let ns = at.time.zip(began).map_or(0, |(ended, began)| ended.since(began));
        self.rows.entry((kind, name)).or_default().took.durations_ns.push(ns);
    }

    /// A goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        if let Some(mut of_goroutine) = self.regions.remove(&g) {
            let now = of_goroutine.next(at);
            of_goroutine.regions.died(now);
            self.add_regions(of_goroutine.regions);
        }
    }

    /// Adds all regions of a goroutine: of one task and type the outermost.
    fn add_regions(&mut self, mut regions: Regions) {
        let mut spans = regions.take();
        let mut all: FxHashMap<StringIdx, u64> = FxHashMap::default();
        for span in &spans {
            *all.entry(span.name).or_default() += 1;
        }
        keep_outermost(&mut spans, |span| (span.task, span.name));
        for span in spans {
            let row = self.rows.entry((Annotation::Region, span.name)).or_default();
            let time = |moment: Option<Moment>| moment.and_then(|at| at.time);
            let (began, ended) = (time(span.began), time(span.ended));
            if span.began.is_some() && span.ended.is_some() {
                row.took.durations_ns.push(began.zip(ended).map_or(0, |(began, ended)| ended.since(began)));
                row.inferred += u64::from(span.is_bound);
            } else {
                row.cut.push(CutSpan { began, ended });
            }
            if let Some(left) = all.get_mut(&span.name) {
                *left -= 1;
            }
        }
        for (name, inside) in all {
            self.rows.entry((Annotation::Region, name)).or_default().inside += inside;
        }
    }

    /// A trace of this length ends. Returns one row per type, in no order.
    pub(crate) fn finish(mut self, symbols: &Symbols, trace: Window) -> Vec<profile::AnnotationCandidate> {
        for of_goroutine in std::mem::take(&mut self.regions).into_values() {
            self.add_regions(of_goroutine.regions);
        }
        for (name, began) in self.tasks.values() {
            let row = self.rows.entry((Annotation::Task, *name)).or_default();
            row.cut.push(CutSpan { began: *began, ended: None });
        }
        // A trace that was cut off has lost the names of its last generation.
        let named = self.rows.into_iter().filter(|((_, name), _)| name.is_some());
        let rows = named.map(|((kind, name), row)| {
            let mut took = row.took;
            for cut in row.cut {
                cut.add_to(&mut took, trace);
            }
            took.sort();
            profile::AnnotationCandidate {
                kind: if kind == Annotation::Task { "task" } else { "region" },
                name: symbols.text(name).to_owned(),
                took,
                inferred: row.inferred,
                inside: row.inside,
            }
        });
        rows.collect()
    }
}
