//! User tasks and regions that match: which there are, who works in them when, and what is created meanwhile.
//!
//! Fed with the notes of one goroutine after the other, each one's in its own order. What comes first on a goroutine
//! is told by a count of its notes: places in the file do not grow along a goroutine's life.

use super::exclusive_work::{Raw, latest_open, one_at_a_time};
use super::notes::AnnotationKind;
use crate::survey::forest::{Annotated, AnnotatedRoot, Annotation, Forest, Origin};
use crate::survey::roots::connections::Moment;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;

/// Decides which names match.
pub type Matches<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// A root while it is put together.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) found: AnnotatedRoot,
    /// Of a task: its id.
    task: u64,
    began: Option<Time>,
    ended: Option<Time>,
}

/// What one goroutine did for roots.
#[derive(Debug, Default)]
struct Worker {
    /// Notes so far.
    notes: u32,
    raws: Vec<Raw>,
    shifts: FxHashMap<u32, Shift>,
    /// Goroutines that it created, each with the number of its note.
    births: Vec<(u32, GIdx)>,
    region: Option<OpenRegion>,
    /// Whether it had a region that matches.
    had_region: bool,
    /// Whether it began a task that is a root.
    began: bool,
}

/// A goroutine's work in one task.
#[derive(Debug)]
struct Shift {
    /// The latest of its raw stretches.
    raw: usize,
    /// Place of the first event of the task there.
    first: u64,
    /// Regions of the task that are open.
    open: u32,
    /// Whether the last event was the end of a region, with none around it.
    rests: bool,
}

/// The outermost region that matches.
#[derive(Debug)]
struct OpenRegion {
    raw: usize,
    task: u64,
    name: StringIdx,
    /// Regions of the same task and type that are open, itself included.
    depth: u32,
}

/// What an event of a task means for the goroutine's work in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touch {
    Region,
    RegionEnd,
    Other,
}

/// Puts roots together.
pub struct Annotations<'a> {
    tasks: bool,
    regions: bool,
    matches: Matches<'a>,
    /// The root of every task that belongs to one.
    root_of: FxHashMap<u64, u32>,
    roots: Vec<Root>,
    workers: FxHashMap<GIdx, Worker>,
    matching: FxHashMap<StringIdx, bool>,
}

impl<'a> Annotations<'a> {
    /// Nothing yet, of tasks or regions or both whose name matches.
    pub fn new(tasks: bool, regions: bool, matches: Matches<'a>) -> Self {
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

    /// A task begins on `g`; tasks that it can be part of were begun before. Ids are unique (`newID`,
    /// `runtime/trace/annotation.go`, Go 1.27), so the first task with an id is the only one.
    pub fn begin_task(&mut self, (task, parent, name): (u64, u64, StringIdx), g: GIdx, at: Moment, symbols: &Symbols) {
        if !self.tasks || task == 0 || self.root_of.contains_key(&task) {
            return;
        }
        let of_parent = if parent == 0 { None } else { self.root_of.get(&parent).copied() };
        let root = match of_parent {
            Some(root) => root,
            None if self.matches(name, symbols) => {
                self.worker(g).began = true;
                self.add_root(Annotation::Task, name, g, Some(at), task)
            }
            None => return,
        };
        self.root_of.insert(task, root);
    }

    fn add_root(&mut self, kind: Annotation, name: StringIdx, g: GIdx, at: Option<Moment>, task: u64) -> u32 {
        let start = at.map(|m| m.pos);
        let found = AnnotatedRoot { kind, name, g, start, end: None, ended_by: g, handed_over: None };
        self.roots.push(Root { found, task, began: at.and_then(|m| m.time), ended: None });
        self.roots.len() as u32 - 1
    }

    fn worker(&mut self, g: GIdx) -> &mut Worker {
        self.workers.entry(g).or_default()
    }

    /// The next note of a goroutine, which is `older` than the trace or not.
    pub fn note(&mut self, g: GIdx, older: bool, at: Moment, said: AnnotationKind<StringIdx>, symbols: &Symbols) {
        match said {
            AnnotationKind::TaskBegin { task, .. } | AnnotationKind::Log { task } => {
                self.touch(g, task, at, Touch::Other)
            }
            AnnotationKind::TaskEnd { task } => {
                self.touch(g, task, at, Touch::Other);
                self.end_task(g, task, at);
            }
            AnnotationKind::RegionBegin { task, name } => {
                self.touch(g, task, at, Touch::Region);
                if self.regions && self.matches(name, symbols) {
                    self.begin_region(g, task, name, at);
                }
            }
            AnnotationKind::RegionEnd { task, name } => {
                self.touch(g, task, at, Touch::RegionEnd);
                if self.regions && self.matches(name, symbols) {
                    self.end_region(g, older, (task, name), at);
                }
            }
            AnnotationKind::Created(child) => {
                // Of an older goroutine, a region can have begun before the trace.
                let may_matter = older && self.regions || self.workers.contains_key(&g);
                if may_matter {
                    let worker = self.worker(g);
                    worker.notes += 1;
                    worker.births.push((worker.notes, GIdx(child)));
                }
            }
        }
    }

    /// An event of a task on a goroutine: it works in it.
    fn touch(&mut self, g: GIdx, task: u64, at: Moment, what: Touch) {
        let Some(&root) = self.root_of.get(&task) else { return };
        let is_beginner = self.roots[root as usize].found.g == g;
        let worker = self.workers.entry(g).or_default();
        worker.notes += 1;
        let now = worker.notes;
        let shift = worker.shifts.get_mut(&root);
        // What begins a region after another is the next piece of work; but who began the task works in it all along.
        let goes_on = shift.filter(|shift| is_beginner || what != Touch::Region || !shift.rests);
        let shift = if let Some(shift) = goes_on {
            shift
        } else {
            let raw = worker.raws.len();
            let (start, began) = (Some(at.pos), at.time);
            worker.raws.push(Raw { root, from: now, to: now, start, end: start, began });
            let shift = worker.shifts.entry(root).or_insert(Shift { raw, first: at.pos, open: 0, rests: false });
            shift.raw = raw;
            shift
        };
        match what {
            Touch::Region => shift.open += 1,
            Touch::RegionEnd => shift.open = shift.open.saturating_sub(1),
            Touch::Other => {}
        }
        shift.rests = what == Touch::RegionEnd && shift.open == 0;
        let raw = &mut worker.raws[shift.raw];
        (raw.to, raw.end) = (now, Some(at.pos));
    }

    fn end_task(&mut self, g: GIdx, task: u64, at: Moment) {
        let Some(&root) = self.root_of.get(&task) else { return };
        let root = &mut self.roots[root as usize];
        if root.task == task && root.found.end.is_none() {
            root.found.end = Some(at.pos);
            root.found.ended_by = g;
            root.ended = at.time;
        }
    }

    fn begin_region(&mut self, g: GIdx, task: u64, name: StringIdx, at: Moment) {
        let worker = self.worker(g);
        worker.had_region = true;
        if let Some(open) = &mut worker.region {
            open.depth += u32::from((open.task, open.name) == (task, name));
            return;
        }
        worker.notes += 1;
        let (raw, from) = (worker.raws.len(), worker.notes);
        worker.region = Some(OpenRegion { raw, task, name, depth: 1 });
        let root = self.add_root(Annotation::Region, name, g, Some(at), 0);
        let raw = Raw { root, from, to: Raw::OPEN, start: Some(at.pos), end: None, began: at.time };
        self.worker(g).raws.push(raw);
    }

    /// Ends a region. One whose beginning is not in the trace is older than it, if the goroutine is and had none before;
    /// else the program made a mistake.
    fn end_region(&mut self, g: GIdx, older: bool, region: (u64, StringIdx), at: Moment) {
        let worker = self.worker(g);
        let had_region = std::mem::replace(&mut worker.had_region, true);
        let raw = match &mut worker.region {
            Some(open) if (open.task, open.name) == region => {
                open.depth -= 1;
                if open.depth > 0 {
                    return;
                }
                open.raw
            }
            None if older && !had_region => {
                let raw = worker.raws.len();
                let root = self.add_root(Annotation::Region, region.1, g, None, 0);
                self.worker(g).raws.push(Raw { root, from: 0, to: Raw::OPEN, start: None, end: None, began: None });
                raw
            }
            _ => return,
        };
        self.close_region(g, raw, at);
    }

    fn close_region(&mut self, g: GIdx, raw: usize, at: Moment) {
        let worker = self.worker(g);
        worker.region = None;
        worker.notes += 1;
        let raw = &mut worker.raws[raw];
        (raw.to, raw.end) = (worker.notes, Some(at.pos));
        let root = raw.root as usize;
        let root = &mut self.roots[root];
        root.found.end = Some(at.pos);
        root.ended = at.time;
    }

    /// A goroutine ends, and its regions with it.
    pub fn died(&mut self, g: GIdx, at: Moment) {
        let Some(worker) = self.workers.get_mut(&g) else { return };
        worker.notes += 1;
        for shift in worker.shifts.values_mut().filter(|shift| shift.open > 0) {
            shift.open = 0;
            let raw = &mut worker.raws[shift.raw];
            (raw.to, raw.end) = (worker.notes, Some(at.pos));
        }
        if let Some(open) = worker.region.take() {
            self.close_region(g, open.raw, at);
        }
    }

    /// The trace is over: all that was found.
    pub fn finish(mut self, forest: &Forest) -> Annotated {
        let mut found = Annotated::default();
        let mut workers: Vec<(GIdx, Worker)> = std::mem::take(&mut self.workers).into_iter().collect();
        workers.sort_unstable_by_key(|(g, _)| *g);
        for (g, worker) in &mut workers {
            worker.settle();
            self.hand_over(*g, worker);
            if let Some(root) = self.made_for(*g, worker, forest) {
                found.members.insert(*g, root);
            }
            let work = one_at_a_time(&mut worker.raws, &self.roots);
            if !work.is_empty() {
                found.work.insert(*g, work);
            }
        }
        for (child, root) in workers.iter().flat_map(|(_, worker)| latest_open(&worker.raws, &worker.births)) {
            found.members.entry(child).or_insert(root);
        }
        found.work.retain(|g, _| !found.members.contains_key(g));
        let is_child = |root: u32, g: GIdx| found.members.get(&g) == Some(&root);
        for (i, root) in self.roots.iter_mut().enumerate() {
            if is_child(i as u32, root.found.ended_by) {
                root.found.handed_over = None;
            }
        }
        found.roots = self.roots.into_iter().map(|root| root.found).collect();
        found
    }

    /// Notes where those that ended tasks which others began took them over.
    fn hand_over(&mut self, g: GIdx, worker: &Worker) {
        for (root, shift) in &worker.shifts {
            let root = &mut self.roots[*root as usize].found;
            if root.ended_by == g && root.g != g {
                root.handed_over = Some(shift.first);
            }
        }
    }

    /// The task that a goroutine was made for: created while it was open, it worked in no other root.
    fn made_for(&self, g: GIdx, worker: &Worker, forest: &Forest) -> Option<u32> {
        let mut tasks = worker.raws.iter().map(|raw| raw.root).filter(|root| !self.roots[*root as usize].is_region());
        let task = tasks.next()?;
        let alone = !worker.began && tasks.all(|other| other == task);
        let made = forest.get(g).origin != Origin::Older;
        let began = self.roots[task as usize].began;
        let meanwhile = began.is_some_and(|began| forest.lives[g.at()].born >= began);
        (alone && made && meanwhile).then_some(task)
    }
}

impl Worker {
    /// The trace ends: what is open is open to the end. All in order from here on.
    fn settle(&mut self) {
        for shift in self.shifts.values().filter(|shift| shift.open > 0) {
            let raw = &mut self.raws[shift.raw];
            (raw.to, raw.end) = (Raw::OPEN, None);
        }
        self.raws.sort_by_key(|raw| raw.from);
    }
}

impl Root {
    pub(crate) fn is_region(&self) -> bool {
        self.found.kind == Annotation::Region
    }

    /// Whether it had ended at a moment.
    pub(crate) fn is_over(&self, at: Option<Time>) -> bool {
        self.ended.zip(at).is_some_and(|(ended, at)| ended <= at)
    }
}

#[cfg(test)]
mod tests;
