//! Which user tasks and regions a trace has, and how long they took: the list that is shown without a selection.

use super::kind::{AnnotationEvent, AnnotationKind};
use super::regions::{Regions, TaskParents, keep_outermost};
use crate::profile::{self, DurationList};
use crate::survey::forest::Annotation;
use crate::survey::forest::CutSpan;
use crate::survey::roots::connections::Moment;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::{Time, Window};
use rustc_hash::{FxHashMap, FxHashSet};

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

/// The tasks and regions of a trace.
#[derive(Default, Debug)]
pub(crate) struct ListedAnnotations {
    /// One row per type, in no order.
    pub(crate) rows: Vec<profile::AnnotationCandidate>,
    /// Tasks that are older than the trace, so that their types are not known.
    pub(crate) older_tasks: u64,
}

/// Collects tasks and regions by type. Fed as [`AnnotationSink`](super::sink::AnnotationSink) is.
#[derive(Default)]
pub(crate) struct AnnotationList {
    /// Open tasks by id: their type, and when they began.
    tasks: FxHashMap<u64, (StringIdx, Option<Time>)>,
    /// The lowest id of a task that began in the trace.
    first_task: Option<u64>,
    /// Ids of tasks that events name and that are not open.
    not_open: FxHashSet<u64>,
    regions: FxHashMap<GIdx, OfGoroutine>,
    parents: TaskParents,
    rows: FxHashMap<(Annotation, StringIdx), Row>,
}

impl AnnotationList {
    /// A task begins; the first with an id counts.
    pub(crate) fn begin_task(&mut self, event: &AnnotationEvent) {
        if let AnnotationKind::TaskBegin { task, name, parent } = event.kind {
            self.parents.add(task, parent);
            self.first_task = self.first_task.into_iter().chain([task]).min();
            self.tasks.entry(task).or_insert((name, event.at.time));
        }
    }

    /// The next event of a goroutine.
    pub(crate) fn event(&mut self, event: &AnnotationEvent) {
        let AnnotationEvent { g, at, kind, .. } = *event;
        self.name_task(kind);
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

    /// Notes the task that an event names, if it is not open.
    fn name_task(&mut self, kind: AnnotationKind<StringIdx, GIdx>) {
        let named = match kind {
            AnnotationKind::TaskEnd { task }
            | AnnotationKind::Log { task }
            | AnnotationKind::RegionBegin { task, .. }
            | AnnotationKind::RegionEnd { task, .. } => task,
            AnnotationKind::TaskBegin { parent, .. } => parent,
            AnnotationKind::Created(_) => return,
        };
        if named != 0 && !self.tasks.contains_key(&named) {
            self.not_open.insert(named);
        }
    }

    /// How many tasks are older than the trace. The runtime numbers tasks as they begin, so their ids are lower than those
    /// of all that began in it.
    fn older_tasks(&self) -> u64 {
        self.not_open.iter().filter(|&&task| self.first_task.is_none_or(|first| task < first)).count() as u64
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

    /// A trace of this length ends.
    pub(crate) fn finish(mut self, symbols: &Symbols, trace: Window) -> ListedAnnotations {
        let older_tasks = self.older_tasks();
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
                group: None,
            }
        });
        ListedAnnotations { rows: rows.collect(), older_tasks }
    }
}
