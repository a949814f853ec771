//! User tasks and regions that match → which there are, who works in them when, and which goroutines were created
//! meanwhile.

use super::exclusive_work::{latest_open, one_at_a_time};
use super::kind::{AnnotationEvent, AnnotationKind};
use super::root_builder::RootBuilder;
use super::worker::{RegionEnd, Worker};
use crate::survey::NameMatcher;
use crate::survey::forest::{Annotated, Annotation, Forest, Origin};
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
        if !self.tasks || task == 0 || self.root_of.contains_key(&task) {
            return;
        }
        let of_parent = if parent == 0 { None } else { self.root_of.get(&parent).copied() };
        let root = match of_parent {
            Some(root) => root,
            None if self.matches(name, symbols) => {
                self.worker(event.g).began_root = true;
                self.add_root(RootBuilder::begun_by(event, Annotation::Task, name, task))
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
                if self.regions && self.matches(name, symbols) {
                    self.begin_region(task, name, event);
                }
            }
            AnnotationKind::RegionEnd { task, name } => {
                self.task_event(task, event);
                if self.regions && self.matches(name, symbols) {
                    self.end_region(task, name, event);
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

    fn begin_region(&mut self, task: u64, name: StringIdx, event: &AnnotationEvent) {
        if self.worker(event.g).begins_outermost(task, name) {
            let root = self.add_root(RootBuilder::begun_by(event, Annotation::Region, name, 0));
            self.worker(event.g).open_region(root, task, name, event.at);
        }
    }

    fn end_region(&mut self, task: u64, name: StringIdx, event: &AnnotationEvent) {
        let span = match self.worker(event.g).end_region(event.is_older, task, name) {
            RegionEnd::Nothing => return,
            RegionEnd::Closes(span) => span,
            RegionEnd::IsOlder => {
                let root = self.add_root(RootBuilder::older_region(event, name));
                self.worker(event.g).add_older_region(root)
            }
        };
        self.close_region(event.g, span, event.at);
    }

    fn close_region(&mut self, g: GIdx, span: usize, at: Moment) {
        let root = self.worker(g).close_region(span, at);
        let region = &mut self.roots[root as usize];
        region.root.end = Some(at.pos);
        region.ended = at.time;
    }

    /// A goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        if let Some(span) = self.workers.get_mut(&g).and_then(|worker| worker.died(at)) {
            self.close_region(g, span, at);
        }
    }

    /// The trace ends: all roots, and who worked for them.
    pub(crate) fn finish(mut self, forest: &Forest) -> Annotated {
        let mut annotated = Annotated::default();
        let mut workers: Vec<(GIdx, Worker)> = std::mem::take(&mut self.workers).into_iter().collect();
        workers.sort_unstable_by_key(|(g, _)| *g);
        for (g, worker) in &mut workers {
            worker.finish();
            self.hand_over(*g, worker);
            if let Some(root) = self.made_for(*g, worker, forest) {
                annotated.members.insert(*g, root);
            }
            let work = one_at_a_time(&mut worker.spans, &self.roots);
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
