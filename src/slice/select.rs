//! From the forest and what the user pointed at to the goroutines of the slice.

use super::context::Contexts;
use super::own::{RECORDING_HANDLER, is_recording_entry, is_runtime_entry};
use super::plumbing::is_plumbing;
use super::selector::Selector;
use crate::ids::{GIdx, StackIdx, StringIdx, WindowIdx};
use crate::survey::{Forest, Goroutine, Origin};
use crate::symbols::Symbols;
use petgraph::visit::Dfs;
use rustc_hash::FxHashMap;

/// One occurrence of a root: a goroutine's life, or a stretch of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootWindow {
    /// The root's goroutine.
    pub g: GIdx,
    /// For a stretch, the places in the file where it starts and ends; none where the trace's edge cuts it.
    pub stretch: Option<(Option<u64>, Option<u64>)>,
    /// The chain of the root's own stacks.
    pub context: u32,
    /// What made it a root.
    pub by: RootKind,
    /// Whether its borders are inferred from stacks, and can be off by what ran between them.
    pub inferred: bool,
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
    /// Roots by stack: their windows, in order.
    pub stretches: FxHashMap<GIdx, Vec<WindowIdx>>,
    /// All chains.
    pub contexts: Contexts,
    /// What was found.
    pub counts: Counts,
}

impl Slice {
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
        for of_one in self.stretches.values_mut() {
            of_one.retain(|w| kept[w.at()]);
        }
        self.stretches.retain(|_, of_one| !of_one.is_empty());
        self.counts.goroutines = 0;
        for (i, owner) in self.owner.iter_mut().enumerate() {
            if owner.is_some() && !kept[owner.at()] {
                *owner = WindowIdx::NONE;
            }
            self.tracked[i] = owner.is_some() || self.stretches.contains_key(&GIdx(i as u32));
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
    let mut dfs = Dfs::empty(&graph);
    // A goroutine's creator is visited before it; what nobody created comes first.
    for (top, goroutine) in forest.goroutines.iter().enumerate() {
        if !goroutine.parent.is_some() {
            dfs.move_to(top as u32);
            while let Some(g) = dfs.next(&graph) {
                selection.visit(GIdx(g));
            }
        }
    }
    selection.slice
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
    /// Per stack's leaf function: whose goroutine it starts.
    entry_kind: FxHashMap<StackIdx, EntryKind>,
    stretches: FxHashMap<GIdx, Vec<u32>>,
    window_of_stretch: Vec<WindowIdx>,
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
            hits,
            excluded,
            recording,
            recording_named: roots(RECORDING_HANDLER),
            entry_kind: FxHashMap::default(),
            stretches,
            window_of_stretch: vec![WindowIdx::NONE; forest.stretches.len()],
            depth: vec![0; n],
            labels: Labels { symbols, selector, of_stack: FxHashMap::default() },
        }
    }

    fn visit(&mut self, g: GIdx) {
        let goroutine = *self.forest.get(g);
        if goroutine.parent.is_some() && self.depth[goroutine.parent.at()] == KEPT_OUT {
            self.depth[g.at()] = KEPT_OUT;
            return;
        }
        let owner = self.inherited(&goroutine);
        if owner.is_some() {
            self.join(g, &goroutine, owner);
        } else if !self.start_root(g, &goroutine) && !self.start_stream(g, &goroutine) {
            self.start_stretches(g);
        }
    }

    /// The window inside which the goroutine was created.
    fn inherited(&self, goroutine: &Goroutine) -> WindowIdx {
        if !goroutine.parent.is_some() {
            return WindowIdx::NONE;
        }
        let owner = self.slice.owner[goroutine.parent.at()];
        if owner.is_some() || goroutine.stretch == Goroutine::NO_STRETCH {
            return owner;
        }
        self.window_of_stretch[goroutine.stretch as usize]
    }

    fn join(&mut self, g: GIdx, goroutine: &Goroutine, owner: WindowIdx) {
        if self.keep_out(goroutine, false) {
            self.depth[g.at()] = KEPT_OUT;
            return;
        }
        let parent = goroutine.parent;
        let above = if self.slice.owner[parent.at()].is_some() {
            self.slice.context[parent.at()]
        } else {
            self.slice.windows[owner.at()].context
        };
        self.slice.owner[g.at()] = owner;
        self.slice.tracked[g.at()] = true;
        self.slice.context[g.at()] = self.slice.contexts.child(above, goroutine.creation);
        self.depth[g.at()] = self.depth[parent.at()] + 1;
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
        *self.entry_kind.entry(entry).or_insert_with(|| {
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
        self.slice.windows.push(RootWindow { g, stretch: None, context, by, inferred: false });
    }

    /// Makes roots of a goroutine's stretches.
    fn start_stretches(&mut self, g: GIdx) {
        if !self.selector.root_by.stack || !self.wanted_id(g) {
            return;
        }
        let Some(stretches) = self.stretches.get(&g) else { return };
        let mut windows = Vec::with_capacity(stretches.len());
        for &i in stretches {
            let stretch = self.forest.stretches[i as usize];
            let label = self.labels.matching(stretch.stack);
            let context = self.slice.contexts.root(label);
            let window = WindowIdx(self.slice.windows.len() as u32);
            self.slice.windows.push(RootWindow {
                g,
                stretch: Some((stretch.start, stretch.end)),
                context,
                by: RootKind::Stack,
                inferred: stretch.inferred,
            });
            self.window_of_stretch[i as usize] = window;
            windows.push(window);
        }
        self.slice.counts.goroutines += 1;
        self.slice.tracked[g.at()] = true;
        self.slice.stretches.insert(g, windows);
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
        leaf.map_or(StringIdx(0), |frame| self.symbols.frame(frame).function)
    }

    /// A root by stack is called by the outermost function that matched.
    fn matching(&mut self, stack: StackIdx) -> StringIdx {
        let (symbols, selector) = (self.symbols, self.selector);
        *self.of_stack.entry(stack).or_insert_with(|| {
            let matching = symbols.frames(stack).filter(|f| selector.roots.matches(symbols.function(*f))).last();
            matching.map_or(StringIdx(0), |frame| symbols.frame(frame).function)
        })
    }
}
