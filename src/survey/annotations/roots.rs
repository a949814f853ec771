//! User tasks and regions that match → which there are, who works in them when, and which goroutines were created
//! meanwhile.

use super::exclusive_work::{WorkSpan, latest_open, one_at_a_time, overlapping};
use super::kind::{AnnotationEvent, AnnotationKind};
use super::regions::{RegionSpan, TaskParents, keep_outermost};
use super::root_builder::RootBuilder;
use super::worker::Worker;
use crate::survey::NameMatcher;
use crate::survey::forest::{Annotated, Forest, Origin};
use crate::survey::roots::connections::Moment;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;
use rustc_hash::FxHashMap;

/// Puts roots together. Fed as [`AnnotationSink`](super::sink::AnnotationSink) is.
pub(crate) struct AnnotatedBuilder<'a> {
    tasks: bool,
    regions: bool,
    matches: NameMatcher<'a>,
    /// The root of every task that belongs to one, by the task's id.
    root_of: FxHashMap<u64, u32>,
    roots: Vec<RootBuilder>,
    workers: FxHashMap<GIdx, Worker>,
    parents: TaskParents,
    /// Whether a name matches, of those asked for.
    matching: FxHashMap<StringIdx, bool>,
}

impl<'a> AnnotatedBuilder<'a> {
    /// Nothing yet, of tasks or regions or both whose name matches.
    pub(crate) fn new(tasks: bool, regions: bool, matches: NameMatcher<'a>) -> Self {
        Self {
            tasks,
            regions,
            matches,
            root_of: FxHashMap::default(),
            roots: Vec::new(),
            workers: FxHashMap::default(),
            parents: TaskParents::default(),
            matching: FxHashMap::default(),
        }
    }

    fn matches(&mut self, name: StringIdx, symbols: &Symbols) -> bool {
        let matches = self.matches;
        name.is_some() && *self.matching.entry(name).or_insert_with(|| matches(symbols.text(name)))
    }

    /// A task begins; tasks that it can be part of were begun before. Ids are unique (`newID`,
    /// `runtime/trace/annotation.go`, Go 1.27), so the first task with an id is the only one.
    pub(crate) fn begin_task(&mut self, event: &AnnotationEvent, symbols: &Symbols) {
        let AnnotationKind::TaskBegin { task, parent, name } = event.kind else { return };
        self.parents.add(task, parent);
        if !self.tasks || task == 0 || self.root_of.contains_key(&task) {
            return;
        }
        let of_parent = if parent == 0 { None } else { self.root_of.get(&parent).copied() };
        let root = match of_parent {
            Some(root) => root,
            None if self.matches(name, symbols) => {
                self.worker(event.g).began_root = true;
                self.add_root(RootBuilder::task(event, name, task))
            }
            None => return,
        };
        self.root_of.insert(task, root);
    }

    fn add_root(&mut self, root: RootBuilder) -> u32 {
        self.roots.push(root);
        self.roots.len() as u32 - 1
    }

    fn worker(&mut self, g: GIdx) -> &mut Worker {
        self.workers.entry(g).or_default()
    }

    /// The next event of a goroutine.
    pub(crate) fn event(&mut self, event: &AnnotationEvent, symbols: &Symbols) {
        match event.kind {
            AnnotationKind::TaskBegin { task, .. } | AnnotationKind::Log { task } => self.task_event(task, event),
            AnnotationKind::TaskEnd { task } => {
                self.task_event(task, event);
                self.end_task(task, event);
            }
            AnnotationKind::RegionBegin { task, name } => {
                self.task_event(task, event);
                if self.regions {
                    self.matches(name, symbols);
                    self.worker(event.g).begin_region((task, name), event.at);
                }
            }
            AnnotationKind::RegionEnd { task, name } => {
                self.task_event(task, event);
                if self.regions {
                    self.matches(name, symbols);
                    let worker = self.workers.entry(event.g).or_default();
                    worker.end_region((task, name), event.at, event.is_older, &self.parents);
                }
            }
            AnnotationKind::Created(child) => {
                // Of an older goroutine, a region can have begun before the trace.
                let may_matter = event.is_older && self.regions || self.workers.contains_key(&event.g);
                if may_matter {
                    self.worker(event.g).created(child);
                }
            }
        }
    }

    /// An event of a task: its goroutine works for the task's root, if it has one.
    fn task_event(&mut self, task: u64, event: &AnnotationEvent) {
        let Some(&root) = self.root_of.get(&task) else { return };
        let began_root = self.roots[root as usize].root.g == event.g;
        self.worker(event.g).work_for(root, began_root, event);
    }

    fn end_task(&mut self, task: u64, event: &AnnotationEvent) {
        let Some(&root) = self.root_of.get(&task) else { return };
        let of_task = &mut self.roots[root as usize];
        if of_task.task == task && of_task.root.end.is_none() {
            of_task.root.end = Some(event.at.pos);
            of_task.root.ended_by = event.g;
            of_task.ended = event.at.time;
        }
    }

    /// A goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        if let Some(worker) = self.workers.get_mut(&g) {
            worker.died(at);
        }
    }

    /// The trace ends: all roots, and who worked for them.
    pub(crate) fn finish(mut self, forest: &Forest) -> Annotated {
        let mut annotated = Annotated::default();
        let mut workers: Vec<(GIdx, Worker)> = std::mem::take(&mut self.workers).into_iter().collect();
        workers.sort_unstable_by_key(|(g, _)| *g);
        for (g, worker) in &mut workers {
            worker.finish();
            annotated.regions_inside += self.add_regions(*g, worker);
            worker.spans.sort_by_key(|span| span.from);
            self.hand_over(*g, worker);
            if let Some(root) = self.made_for(*g, worker, forest) {
                annotated.members.insert(*g, root);
            }
            let work = one_at_a_time(&mut worker.spans, &self.roots);
            let overlapping = overlapping(&worker.spans, &work, &self.roots);
            if !overlapping.is_empty() {
                annotated.overlapping.insert(*g, overlapping);
            }
            if !work.is_empty() {
                annotated.work.insert(*g, work);
            }
        }
        for (child, root) in workers.iter().flat_map(|(_, worker)| latest_open(&worker.spans, &worker.births)) {
            annotated.members.entry(child).or_insert(root);
        }
        annotated.work.retain(|g, _| !annotated.members.contains_key(g));
        let is_child = |root: u32, g: GIdx| annotated.members.get(&g) == Some(&root);
        for (i, RootBuilder { root, .. }) in self.roots.iter_mut().enumerate() {
            if is_child(i as u32, root.ended_by) {
                root.handed_over = None;
            }
        }
        annotated.roots = self.roots.into_iter().map(|root| root.root).collect();
        annotated
    }

    /// Makes roots of a goroutine's regions that match: of one task the outermost. Returns how many were inside these.
    fn add_regions(&mut self, g: GIdx, worker: &mut Worker) -> u64 {
        let mut regions = worker.take_regions();
        regions.retain(|region| self.matching.get(&region.name) == Some(&true));
        let n_inside = keep_outermost(&mut regions, |region| region.task).len() as u64;
        for region in regions {
            let root = self.add_root(RootBuilder::region(g, &region));
            let RegionSpan { from, to, began, ended, .. } = region;
            let (start, end) = (began.map(|at| at.pos), ended.map(|at| at.pos));
            worker.spans.push(WorkSpan { root, from, to, start, end, began: began.and_then(|at| at.time) });
        }
        n_inside
    }

    /// Notes where a goroutine took over the tasks that it ended and another began.
    fn hand_over(&mut self, g: GIdx, worker: &Worker) {
        for (root, work) in &worker.task_work {
            let root = &mut self.roots[*root as usize].root;
            if root.ended_by == g && root.g != g {
                root.handed_over = Some(work.first);
            }
        }
    }

    /// The task that a goroutine was made for: created while it was open, it worked in no other root.
    fn made_for(&self, g: GIdx, worker: &Worker, forest: &Forest) -> Option<u32> {
        let roots = worker.spans.iter().map(|span| span.root);
        let mut tasks = roots.filter(|root| !self.roots[*root as usize].is_region());
        let task = tasks.next()?;
        let only_one = !worker.began_root && tasks.all(|other| other == task);
        let was_created = forest.get(g).origin != Origin::Older;
        let began = self.roots[task as usize].began;
        let meanwhile = began.is_some_and(|began| forest.lives[g.at()].born >= began);
        (only_one && was_created && meanwhile).then_some(task)
    }
}

#[cfg(test)]
mod tests;
