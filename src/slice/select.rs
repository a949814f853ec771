//! From the forest and what the user pointed at to the goroutines of the slice.

use super::WindowIdx;
use super::selector::Selector;
use super::shared::is_plumbing;
use super::spawn_chains::SpawnChains;
use super::system::{RECORDING_HANDLER, is_recording_entry, is_runtime_entry};
use super::task_boundaries::{TaskBoundaries, TaskBoundary};
use crate::survey::{AnnotatedRoot, Annotation, Forest, Goroutine, Origin, Work};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::symbols::Symbols;
use petgraph::visit::Dfs;
use rustc_hash::FxHashMap;

/// One occurrence of a root: a goroutine's life, or a stretch of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootWindow {
    /// The root's goroutine; of a task, the one that began it.
    pub g: GIdx,
    /// Of a task: the goroutine that ended it, on which its path begins.
    pub ended_by: GIdx,
    /// Of a task: whether the one that ended it took it over, so that the path goes on where it began before.
    pub handed_over: bool,
    /// For a stretch or a task, the places in the file where it starts and ends; none where the trace's edge cuts it.
    pub stretch: Option<(Option<u64>, Option<u64>)>,
    /// The chain of the root's own stacks.
    pub context: u32,
    /// What made it a root.
    pub by: RootKind,
    /// Whether its borders are inferred from stacks, and can be off by what ran between them.
    pub inferred: bool,
}

impl RootWindow {
    /// All of a goroutine's life.
    pub fn of(g: GIdx, context: u32) -> Self {
        let (stretch, by) = (None, RootKind::Entry);
        Self { g, ended_by: g, handed_over: false, stretch, context, by, inferred: false }
    }
}

/// What made a root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RootKind {
    /// The stack of the `go` statement that created the goroutine.
    Creation,
    /// The goroutine's entry function alone.
    Entry,
    /// A function on the goroutine's own stack.
    Stack,
    /// A user task.
    Task,
    /// A user region.
    Region,
}

/// A part of a goroutine's life that belongs to a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Membership {
    /// The window.
    pub window: WindowIdx,
    /// Place in the file of the event that starts it; none: the goroutine's first.
    pub start: Option<u64>,
    /// Place in the file of the event that ends it; none: the goroutine's last.
    pub end: Option<u64>,
    /// Whether its borders are those of the window too.
    pub is_window: bool,
}

/// Which goroutines, during which windows.
#[derive(Clone, Default, Debug)]
pub struct Slice {
    /// Occurrences of roots.
    pub windows: Vec<RootWindow>,
    /// Per goroutine: the window that all its life belongs to; none for outsiders and for roots by stack.
    pub owner: Vec<WindowIdx>,
    /// Per goroutine: whether it is in the slice, for all or some of its life.
    pub tracked: Vec<bool>,
    /// Per goroutine: its chain; meaningful for those with an owner.
    pub context: Vec<u32>,
    /// Goroutines without an owner that belong to windows for parts of their life: these, in order.
    pub stays: FxHashMap<GIdx, Vec<Membership>>,
    /// Where tasks begin and end.
    pub marks: TaskBoundaries,
    /// All chains.
    pub contexts: SpawnChains,
    /// What was found.
    pub counts: Counts,
}

impl Slice {
    /// Whether a goroutine belongs to a window, for all or some of its life.
    pub fn is_in(&self, g: GIdx, window: WindowIdx) -> bool {
        let stays = self.stays.get(&g).map_or(&[][..], Vec::as_slice);
        self.owner.get(g.at()) == Some(&window) || stays.iter().any(|stay| stay.window == window)
    }

    /// Whether a goroutine is in the slice, for all or some of its life.
    pub fn has(&self, g: GIdx) -> bool {
        self.tracked.get(g.at()).copied().unwrap_or(false)
    }

    /// Leaves only some windows, and the goroutines that belong to them.
    pub fn keep(&mut self, windows: &[WindowIdx]) {
        let mut kept = vec![false; self.windows.len()];
        for window in windows {
            kept[window.at()] = true;
        }
        for of_one in self.stays.values_mut() {
            of_one.retain(|stay| kept[stay.window.at()]);
        }
        self.stays.retain(|_, of_one| !of_one.is_empty());
        self.marks.keep(|window| kept[window.at()]);
        self.counts.goroutines = 0;
        for (i, owner) in self.owner.iter_mut().enumerate() {
            if owner.is_some() && !kept[owner.at()] {
                *owner = WindowIdx::NONE;
            }
            self.tracked[i] = owner.is_some() || self.stays.contains_key(&GIdx(i as u32));
            self.counts.goroutines += u64::from(self.tracked[i]);
        }
    }
}

/// Numbers for the report.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Goroutines in the slice.
    pub goroutines: u64,
    /// Longest chain of creations below a root.
    pub max_depth: u32,
    /// Children kept out by `--exclude`.
    pub excluded: u64,
    /// Goroutines of the recording that were kept out.
    pub recording: u64,
    /// Goroutines of the runtime that were kept out.
    pub runtime: u64,
    /// Shared plumbing that was kept out.
    pub plumbing: u64,
}

/// Picks the roots, and follows their children until nothing is added.
pub fn select(forest: &Forest, symbols: &Symbols, selector: &Selector) -> Slice {
    let graph = forest.spawn_graph();
    let mut selection = Selection::new(forest, symbols, selector);
    selection.begin_tasks();
    // A goroutine's creator is visited before it; what nobody created comes first.
    let mut order = Vec::with_capacity(forest.goroutines.len());
    let mut dfs = Dfs::empty(&graph);
    for (top, _) in (0..).zip(&forest.goroutines).filter(|(_, g)| !g.parent.is_some()) {
        dfs.move_to(top);
        order.extend(std::iter::from_fn(|| dfs.next(&graph)));
    }
    // Fetched some at a time, so that the memory's delays overlap.
    for some in order.chunks(64) {
        let fetched: Vec<Goroutine> = some.iter().map(|&g| *forest.get(GIdx(g))).collect();
        for (&g, goroutine) in some.iter().zip(&fetched) {
            selection.visit(GIdx(g), goroutine);
        }
    }
    selection.without_inner_tasks()
}

/// A goroutine that is kept out, with all that it creates.
const KEPT_OUT: u32 = u32::MAX;

struct Selection<'a> {
    forest: &'a Forest,
    selector: &'a Selector,
    slice: Slice,
    /// Per stack: whether a root pattern matches a function on it.
    hits: Vec<bool>,
    excluded: Vec<bool>,
    recording: Vec<bool>,
    recording_named: bool,
    /// Per stack, of those that were looked at: whose goroutine one with this entry function is.
    entry_kinds: Vec<Option<EntryKind>>,
    stretches: FxHashMap<GIdx, Vec<u32>>,
    window_of_stretch: Vec<WindowIdx>,
    /// Per root by annotation, its window.
    window_of_root: Vec<WindowIdx>,
    depth: Vec<u32>,
    labels: Labels<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    User,
    Runtime,
    Recording,
    Plumbing,
}

impl<'a> Selection<'a> {
    fn new(forest: &'a Forest, symbols: &'a Symbols, selector: &'a Selector) -> Self {
        let n = forest.goroutines.len();
        let mut stretches: FxHashMap<GIdx, Vec<u32>> = FxHashMap::default();
        for (i, stretch) in forest.stretches.iter().enumerate() {
            stretches.entry(stretch.g).or_default().push(i as u32);
        }
        let roots = |name: &str| selector.roots.matches(name);
        let hits = symbols.stacks_with(roots);
        let excluded = selector
            .exclude
            .as_ref()
            .map_or_else(Vec::new, |exclude| symbols.stacks_with(|name| exclude.matches(name)));
        let recording = symbols.stacks_with(|name| name == RECORDING_HANDLER);
        Self {
            forest,
            selector,
            slice: Slice {
                owner: vec![WindowIdx::NONE; n],
                tracked: vec![false; n],
                context: vec![0; n],
                ..Slice::default()
            },
            entry_kinds: vec![None; hits.len()],
            hits,
            excluded,
            recording,
            recording_named: roots(RECORDING_HANDLER),
            stretches,
            window_of_stretch: vec![WindowIdx::NONE; forest.stretches.len()],
            window_of_root: vec![WindowIdx::NONE; forest.annotated.roots.len()],
            depth: vec![0; n],
            labels: Labels { symbols, selector, of_stack: FxHashMap::default() },
        }
    }

    fn visit(&mut self, g: GIdx, goroutine: &Goroutine) {
        if goroutine.parent.is_some() && self.depth[goroutine.parent.at()] == KEPT_OUT {
            self.depth[g.at()] = KEPT_OUT;
            return;
        }
        let owner = self.inherited(g, goroutine);
        if owner.is_some() {
            self.join(g, goroutine, owner);
        } else if !self.start_root(g, goroutine) && !self.start_stream(g, goroutine) && !self.start_work(g) {
            self.start_stretches(g);
        }
    }

    /// The window inside which, or for which, the goroutine was created.
    fn inherited(&self, g: GIdx, goroutine: &Goroutine) -> WindowIdx {
        let parent = goroutine.parent;
        let owner = if parent.is_some() { self.slice.owner[parent.at()] } else { WindowIdx::NONE };
        if owner.is_some() {
            return owner;
        }
        let annotated = self.forest.annotated.members.get(&g).map(|root| self.window_of_root[*root as usize]);
        match annotated {
            Some(window) if window.is_some() => window,
            _ if goroutine.stretch == Goroutine::NO_STRETCH => WindowIdx::NONE,
            _ => self.window_of_stretch[goroutine.stretch as usize],
        }
    }

    fn join(&mut self, g: GIdx, goroutine: &Goroutine, owner: WindowIdx) {
        if self.keep_out(goroutine, false) {
            self.depth[g.at()] = KEPT_OUT;
            return;
        }
        let parent = goroutine.parent;
        let (above, depth) = if parent.is_some() && self.slice.owner[parent.at()].is_some() {
            (self.slice.context[parent.at()], self.depth[parent.at()])
        } else {
            (self.slice.windows[owner.at()].context, 0)
        };
        self.slice.owner[g.at()] = owner;
        self.slice.tracked[g.at()] = true;
        self.slice.context[g.at()] = self.slice.contexts.child(above, goroutine.creation);
        self.depth[g.at()] = depth + 1;
        self.slice.counts.goroutines += 1;
        self.slice.counts.max_depth = self.slice.counts.max_depth.max(self.depth[g.at()]);
    }

    /// Whether a goroutine stays out although its ancestry or its creation stack is in.
    fn keep_out(&mut self, goroutine: &Goroutine, is_root: bool) -> bool {
        let hit = |table: &[bool], stack: StackIdx| table.get(stack.at()).copied().unwrap_or(false);
        if !is_root && (hit(&self.excluded, goroutine.creation) || hit(&self.excluded, goroutine.entry)) {
            self.slice.counts.excluded += 1;
            return true;
        }
        // A pattern that names the goroutine's own function means it.
        if self.selector.whole_life || hit(&self.hits, goroutine.entry) {
            return false;
        }
        let kind = self.entry_kind(goroutine.entry);
        let recording = hit(&self.recording, goroutine.creation) && !self.recording_named;
        if recording || kind == EntryKind::Recording {
            self.slice.counts.recording += 1;
            return true;
        }
        self.slice.counts.runtime += u64::from(kind == EntryKind::Runtime);
        self.slice.counts.plumbing += u64::from(kind == EntryKind::Plumbing);
        kind != EntryKind::User
    }

    fn entry_kind(&mut self, entry: StackIdx) -> EntryKind {
        let symbols = self.labels.symbols;
        *self.entry_kinds[entry.at()].get_or_insert_with(|| {
            let name = symbols.leaf(entry).map_or("", |frame| symbols.function(frame));
            if is_recording_entry(name) {
                EntryKind::Recording
            } else if is_runtime_entry(name) {
                EntryKind::Runtime
            } else if is_plumbing(name) {
                EntryKind::Plumbing
            } else {
                EntryKind::User
            }
        })
    }

    fn wanted_id(&self, g: GIdx) -> bool {
        self.selector.goids.is_empty() || self.selector.goids.contains(&self.forest.get(g).id)
    }

    /// Makes a root of a goroutine that matches by its creation or entry.
    fn start_root(&mut self, g: GIdx, goroutine: &Goroutine) -> bool {
        let by_creation = self.selector.root_by.creation && self.hits[goroutine.creation.at()];
        let by_entry = self.selector.root_by.entry && self.hits[goroutine.entry.at()];
        if goroutine.origin != Origin::Created || !(by_creation || by_entry) || !self.wanted_id(g) {
            return false;
        }
        if self.keep_out(goroutine, true) {
            self.depth[g.at()] = KEPT_OUT;
            return true;
        }
        let label = self.labels.entry(goroutine);
        self.whole_life(g, goroutine, label, if by_creation { RootKind::Creation } else { RootKind::Entry });
        true
    }

    /// Makes a root of a goroutine that serves one request alone, when a stack of its matches.
    fn start_stream(&mut self, g: GIdx, goroutine: &Goroutine) -> bool {
        if !self.selector.root_by.stack || !self.wanted_id(g) {
            return false;
        }
        let Some(&stack) = self.forest.streams.get(&g) else { return false };
        let label = self.labels.matching(stack);
        self.whole_life(g, goroutine, label, RootKind::Stack);
        true
    }

    /// Makes a root of a goroutine's whole life.
    fn whole_life(&mut self, g: GIdx, goroutine: &Goroutine, label: StringIdx, by: RootKind) {
        let root = self.slice.contexts.root(label);
        let context = if by == RootKind::Stack { root } else { self.slice.contexts.child(root, goroutine.creation) };
        self.slice.owner[g.at()] = WindowIdx(self.slice.windows.len() as u32);
        self.slice.tracked[g.at()] = true;
        self.slice.context[g.at()] = context;
        self.slice.counts.goroutines += 1;
        self.slice.windows.push(RootWindow { by, ..RootWindow::of(g, context) });
    }

    /// Makes roots of a goroutine's stretches.
    fn start_stretches(&mut self, g: GIdx) {
        if !self.selector.root_by.stack || !self.wanted_id(g) {
            return;
        }
        let Some(stretches) = self.stretches.get(&g) else { return };
        let mut stays = Vec::with_capacity(stretches.len());
        for &i in stretches {
            let stretch = self.forest.stretches[i as usize];
            let label = self.labels.matching(stretch.stack);
            let context = self.slice.contexts.root(label);
            let window = WindowIdx(self.slice.windows.len() as u32);
            self.slice.windows.push(RootWindow {
                stretch: Some((stretch.start, stretch.end)),
                by: RootKind::Stack,
                inferred: stretch.inferred,
                ..RootWindow::of(g, context)
            });
            self.window_of_stretch[i as usize] = window;
            stays.push(Membership { window, start: stretch.start, end: stretch.end, is_window: true });
        }
        self.add_stays(g, stays);
    }

    fn add_stays(&mut self, g: GIdx, stays: Vec<Membership>) {
        self.slice.counts.goroutines += 1;
        self.slice.tracked[g.at()] = true;
        self.slice.stays.insert(g, stays);
    }

    /// Makes roots of all tasks: whoever works in one may come before who began it.
    fn begin_tasks(&mut self) {
        let forest = self.forest;
        let is_task = |root: &&AnnotatedRoot| root.kind == Annotation::Task;
        if forest.annotated.roots.iter().any(|root| is_task(&root)) {
            // The first chain is that of whatever counts nowhere: a path must tell it from a task's own.
            self.slice.contexts.root(StringIdx::EMPTY);
        }
        for (i, root) in forest.annotated.roots.iter().enumerate().filter(|(_, root)| is_task(root)) {
            if self.wanted_id(root.g) {
                let window = self.annotated_window(i, root, RootKind::Task);
                self.slice.marks.add(root.start, window, TaskBoundary::Start);
                self.slice.marks.add(root.handed_over, window, TaskBoundary::HandedOver);
                self.slice.marks.add(root.end, window, TaskBoundary::End);
            }
        }
        self.slice.marks.sort();
    }

    fn annotated_window(&mut self, number: usize, root: &AnnotatedRoot, by: RootKind) -> WindowIdx {
        let context = self.slice.contexts.root(root.name);
        let window = WindowIdx(self.slice.windows.len() as u32);
        self.slice.windows.push(RootWindow {
            ended_by: root.ended_by,
            handed_over: root.handed_over.is_some(),
            stretch: Some((root.start, root.end)),
            by,
            ..RootWindow::of(root.g, context)
        });
        self.window_of_root[number] = window;
        window
    }

    /// Makes roots of a goroutine's regions, and has it work in its tasks. Where there are such, its stacks make none.
    fn start_work(&mut self, g: GIdx) -> bool {
        let forest = self.forest;
        let Some(work) = forest.annotated.work.get(&g) else { return false };
        let mut stays = Vec::with_capacity(work.len());
        for &Work { root: number, start, end } in work {
            let root = &forest.annotated.roots[number as usize];
            let is_window = root.kind == Annotation::Region;
            let window = match root.kind {
                Annotation::Task => self.window_of_root[number as usize],
                Annotation::Region if self.wanted_id(g) => {
                    self.annotated_window(number as usize, root, RootKind::Region)
                }
                Annotation::Region => WindowIdx::NONE,
            };
            if window.is_some() {
                stays.push(Membership { window, start, end, is_window });
            }
        }
        let any = !stays.is_empty();
        if any {
            self.add_stays(g, stays);
        }
        any
    }

    /// A task that began on another root's child is a part of that root.
    fn without_inner_tasks(mut self) -> Slice {
        let is_inner = |window: &RootWindow| {
            let owner = self.slice.owner[window.g.at()];
            window.by == RootKind::Task && owner.is_some() && self.slice.windows[owner.at()] != *window
        };
        let inner: Vec<bool> = self.slice.windows.iter().map(is_inner).collect();
        if inner.contains(&true) {
            let kept = (0..inner.len()).filter(|i| !inner[*i]).map(|i| WindowIdx(i as u32));
            self.slice.keep(&kept.collect::<Vec<_>>());
        }
        self.slice
    }
}

/// What roots are called in outputs.
struct Labels<'a> {
    symbols: &'a Symbols,
    selector: &'a Selector,
    of_stack: FxHashMap<StackIdx, StringIdx>,
}

impl Labels<'_> {
    /// A root by creation or entry is called by its entry function.
    fn entry(&mut self, goroutine: &Goroutine) -> StringIdx {
        let leaf = self.symbols.leaf(goroutine.entry);
        leaf.map_or(StringIdx::EMPTY, |frame| self.symbols.frame(frame).function)
    }

    /// A root by stack is called by the outermost function that matched.
    fn matching(&mut self, stack: StackIdx) -> StringIdx {
        let (symbols, selector) = (self.symbols, self.selector);
        *self.of_stack.entry(stack).or_insert_with(|| {
            let matching = symbols.frames(stack).filter(|f| selector.roots.matches(symbols.function(*f))).last();
            matching.map_or(StringIdx::EMPTY, |frame| symbols.frame(frame).function)
        })
    }
}
