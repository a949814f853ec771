//! Which user tasks and regions a trace has, and how long they took: the list that is shown without a selection.

use super::kind::{AnnotationEvent, AnnotationKind};
use super::regions::{RegionSpan, Regions, TaskParents, keep_outermost};
use crate::profile;
use crate::survey::forest::Annotation;
use crate::survey::roots::connections::Moment;
use crate::survey::spans::CutSpan;
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

/// A task or a region.
#[derive(Clone, Copy, Debug)]
struct Listed {
    /// A region's goroutine; [`GIdx::NONE`] for tasks.
    g: GIdx,
    /// Id of the task, or of the region's task.
    task: u64,
    span: CutSpan,
    how: Counted,
}

/// How a task or a region counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Counted {
    /// By an end of its own, or it has none.
    Own,
    /// Its end is only the latest possible.
    Bound,
    /// Not: it is in another one of the same task and type.
    Inside,
}

/// Where a task or region stands in the list: its type, and its position among those of that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct AnnotationAt {
    row: u32,
    position: u32,
}

/// A task or region of the list.
pub(crate) struct ListedAnnotation {
    /// `task` or `region`.
    pub(crate) kind: &'static str,
    /// A region's goroutine; [`GIdx::NONE`] for tasks.
    pub(crate) g: GIdx,
    /// Id of the task, or of the region's task.
    pub(crate) task: u64,
    /// From when to when.
    pub(crate) span: CutSpan,
    /// Whether its end is only the latest possible.
    pub(crate) is_inferred: bool,
}

/// Those of one type.
#[derive(Debug)]
struct Row {
    kind: Annotation,
    name: String,
    listed: Vec<Listed>,
}

/// The tasks and regions of a trace.
#[derive(Default, Debug)]
pub(crate) struct ListedAnnotations {
    /// One row per type, in no order.
    rows: Vec<Row>,
    /// Tasks that are older than the trace, so that their types are not known.
    pub(crate) older_tasks: u64,
}

impl AnnotationAt {
    /// The position of its type.
    pub(crate) fn row(self) -> usize {
        self.row as usize
    }
}

impl ListedAnnotations {
    /// The type of each row.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.name.as_str())
    }

    /// Those of a part of the trace that ends at the trace's end, or before.
    pub(crate) fn rows(&self, part: Window) -> Vec<profile::AnnotationCandidate> {
        self.rows.iter().filter_map(|row| row.inside(part)).collect()
    }

    /// Each of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (AnnotationAt, ListedAnnotation)> + '_ {
        self.rows.iter().zip(0..).flat_map(move |(row, i)| {
            let kind = row.kind_name();
            row.listed.iter().zip(0..).map(move |(&Listed { g, task, span, how }, position)| {
                let is_inferred = how == Counted::Bound;
                (AnnotationAt { row: i, position }, ListedAnnotation { kind, g, task, span, is_inferred })
            })
        })
    }

    /// Keeps some of them.
    pub(crate) fn retain(&mut self, keep: impl Fn(AnnotationAt) -> bool) {
        for (row, i) in self.rows.iter_mut().zip(0..) {
            let mut position = 0..;
            row.listed.retain(|_| keep(AnnotationAt { row: i, position: position.next().unwrap_or(0) }));
        }
    }
}

impl Row {
    fn kind_name(&self) -> &'static str {
        if self.kind == Annotation::Task { "task" } else { "region" }
    }

    /// What of it lies in a part of the trace; none when nothing does.
    fn inside(&self, part: Window) -> Option<profile::AnnotationCandidate> {
        let mut row = profile::AnnotationCandidate {
            kind: self.kind_name(),
            name: self.name.clone(),
            ..profile::AnnotationCandidate::default()
        };
        for Listed { span, how, .. } in &self.listed {
            let Some(span) = span.inside(part) else { continue };
            match how {
                Counted::Inside => row.inside += 1,
                Counted::Own => span.add_to(&mut row.took, part),
                Counted::Bound => {
                    span.add_to(&mut row.took, part);
                    row.inferred += u64::from(span.is_whole());
                }
            }
        }
        row.took.sort();
        (row.took.count() + row.took.partial + row.inside > 0).then_some(row)
    }
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
    rows: FxHashMap<(Annotation, StringIdx), Vec<Listed>>,
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
                    let span = CutSpan { began, ended: at.time };
                    self.add((Annotation::Task, name), Listed { g: GIdx::NONE, task, span, how: Counted::Own });
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

    fn add(&mut self, of: (Annotation, StringIdx), listed: Listed) {
        self.rows.entry(of).or_default().push(listed);
    }

    /// A goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        if let Some(mut of_goroutine) = self.regions.remove(&g) {
            let now = of_goroutine.next(at);
            of_goroutine.regions.died(now);
            self.add_regions(g, of_goroutine.regions);
        }
    }

    /// Adds all regions of a goroutine: of one task and type the outermost count.
    fn add_regions(&mut self, g: GIdx, mut regions: Regions) {
        let mut spans = regions.take();
        for inner in keep_outermost(&mut spans, |span| (span.task, span.name)) {
            let listed = Listed { g, task: inner.task, span: time_of(&inner), how: Counted::Inside };
            self.add((Annotation::Region, inner.name), listed);
        }
        for span in spans {
            let how = if span.is_bound { Counted::Bound } else { Counted::Own };
            self.add((Annotation::Region, span.name), Listed { g, task: span.task, span: time_of(&span), how });
        }
    }

    /// The trace ends.
    pub(crate) fn finish(mut self, symbols: &Symbols) -> ListedAnnotations {
        let older_tasks = self.older_tasks();
        for (g, of_goroutine) in std::mem::take(&mut self.regions) {
            self.add_regions(g, of_goroutine.regions);
        }
        for (task, (name, began)) in std::mem::take(&mut self.tasks) {
            let span = CutSpan { began, ended: None };
            self.add((Annotation::Task, name), Listed { g: GIdx::NONE, task, span, how: Counted::Own });
        }
        // A trace that was cut off has lost the names of its last generation.
        let named = self.rows.into_iter().filter(|((_, name), _)| name.is_some());
        let rows = named.map(|((kind, name), listed)| Row { kind, name: symbols.text(name).to_owned(), listed });
        ListedAnnotations { rows: rows.collect(), older_tasks }
    }
}

fn time_of(region: &RegionSpan) -> CutSpan {
    let time = |moment: Option<Moment>| moment.and_then(|at| at.time);
    CutSpan { began: time(region.began), ended: time(region.ended) }
}
