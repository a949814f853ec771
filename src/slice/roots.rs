//! Roots: which goroutines, stretches, tasks and regions start windows.

use super::builder::{KEPT_OUT, SliceBuilder};
use super::membership::{Membership, MembershipPart};
use super::root_windows::WindowNames;
use super::task_boundaries::TaskBoundary;
use super::window::{RootKind, RootWindow, WindowIdx};
use crate::survey::{AnnotatedRoot, Annotation, Goroutine, Origin, SeenPart, Work};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};

impl SliceBuilder<'_> {
    /// Makes roots of all tasks. They come first: a goroutine that works in a task may be visited before the one that
    /// began it.
    pub(super) fn start_tasks(&mut self) {
        let forest = self.forest;
        let is_task = |root: &&AnnotatedRoot| root.kind == Annotation::Task;
        let annotated = &forest.annotated;
        if annotated.roots.iter().any(|root| is_task(&root)) || !annotated.overlapping.is_empty() {
            // The first chain is that of goroutines outside all windows: a path must tell it from a task's own.
            self.slice.chains.root(StringIdx::EMPTY);
        }
        for (i, root) in forest.annotated.roots.iter().enumerate().filter(|(_, root)| is_task(root)) {
            if self.is_wanted(root.g) {
                self.add_with_boundaries(i, root, RootKind::Task);
            }
        }
    }

    /// Adds the window of a task, or of a region that overlaps with others.
    fn add_with_boundaries(&mut self, number: usize, root: &AnnotatedRoot, by: RootKind) {
        let window = self.add_annotated(number, root, by);
        self.slice.windows.set_has_boundaries(window);
        self.slice.task_boundaries.add(root.start, window, TaskBoundary::Start);
        self.slice.task_boundaries.add(root.handed_over, window, TaskBoundary::HandedOver);
        self.slice.task_boundaries.add(root.end, window, TaskBoundary::End);
    }

    /// Makes a goroutine that belongs to no window a root, if something about it matches. The first kind that does
    /// decides: a goroutine that is a root by its creation has no stretches of its own.
    pub(super) fn start_roots(&mut self, g: GIdx, goroutine: &Goroutine) {
        if self.selector.is_goroutine() {
            self.start_goroutine(g, goroutine);
        } else if self.served_only {
            if !self.start_stream(g) {
                self.start_stretches(g);
            }
        } else if !self.start_by_creation(g, goroutine) && !self.start_stream(g) && !self.start_annotated(g) {
            self.start_stretches(g);
        }
    }

    /// A task that began on another root's child is a part of that root: its window goes.
    pub(super) fn drop_inner_tasks(&mut self) {
        let windows = &self.slice.windows;
        let is_inner = |window: &WindowIdx| {
            let owner = self.slice.owner[windows.goroutine(*window).at()];
            windows.by(*window) == RootKind::Task && owner.is_some() && owner != *window
        };
        if windows.all().any(|window| is_inner(&window)) {
            let kept: Vec<WindowIdx> = windows.all().filter(|window| !is_inner(window)).collect();
            self.slice.keep(&kept);
        }
    }

    /// Whether `--goid` allows roots on this goroutine.
    fn is_wanted(&self, g: GIdx) -> bool {
        self.selector.goids.is_empty() || self.selector.goids.contains(&self.forest.get(g).id)
    }

    /// Makes a root of a goroutine that was asked for by its id, whatever it is.
    fn start_goroutine(&mut self, g: GIdx, goroutine: &Goroutine) {
        if !self.is_wanted(g) {
            return;
        }
        let mut label = self.labels.of_entry(goroutine);
        if label == StringIdx::EMPTY {
            // One that is older than the trace shows what it runs by its own stacks alone.
            let first = self.stretches_of(g).first();
            let stack =
                first.map(|i| self.forest.stretches[*i as usize].stack).or(self.forest.streams.get(&g).copied());
            label = stack.map_or(label, |stack| self.labels.of_stack(stack));
        }
        let root = self.slice.chains.root(label);
        let chain = self.slice.chains.child(root, goroutine.creation);
        self.start_whole_life(RootWindow::of(g, chain, label));
    }

    /// Makes a root of a goroutine that matches by its creation or entry; says whether it does.
    fn start_by_creation(&mut self, g: GIdx, goroutine: &Goroutine) -> bool {
        let by_creation = self.selector.root_by.creation && self.matching[goroutine.creation.at()];
        let by_entry = self.selector.root_by.entry && self.matching[goroutine.entry.at()];
        if goroutine.origin != Origin::Created || !(by_creation || by_entry) || !self.is_wanted(g) {
            return false;
        }
        if self.keeps_out_root(goroutine) {
            self.depth[g.at()] = KEPT_OUT;
            return true;
        }
        let label = self.labels.of_entry(goroutine);
        let root = self.slice.chains.root(label);
        let chain = self.slice.chains.child(root, goroutine.creation);
        let (by, matched) = if by_creation {
            (RootKind::Creation, self.labels.of_stack(goroutine.creation))
        } else {
            (RootKind::Entry, label)
        };
        self.start_whole_life(RootWindow { by, ..RootWindow::of(g, chain, matched) });
        true
    }

    /// Makes a root of a goroutine that serves one request alone, when a stack of it matches; says whether it does.
    fn start_stream(&mut self, g: GIdx) -> bool {
        if !self.selector.root_by.stack || !self.is_wanted(g) {
            return false;
        }
        let Some(&stack) = self.forest.streams.get(&g) else { return false };
        let endpoint = self.forest.endpoints.of_goroutine.get(&g).copied();
        let label = endpoint.unwrap_or_else(|| self.labels.of_stack(stack));
        let chain = self.slice.chains.root(label);
        self.start_whole_life(RootWindow { by: RootKind::Stack, ..RootWindow::of(g, chain, label) });
        true
    }

    /// Makes a root of a goroutine's whole life.
    fn start_whole_life(&mut self, window: RootWindow) {
        let number = self.slice.windows.push(window);
        self.add_owned(window.g, number, window.chain);
    }

    /// Makes roots of a goroutine's stretches.
    fn start_stretches(&mut self, g: GIdx) {
        if !self.selector.root_by.stack || !self.is_wanted(g) {
            return;
        }
        let n = self.stretches_of(g).len();
        let mut memberships = Vec::with_capacity(n);
        // Most follow one of the same name.
        let mut last = None;
        for nth in 0..n {
            let i = self.stretches_of(g)[nth];
            let stretch = self.forest.stretches[i as usize];
            if self.served_only && !self.is_served(&stretch) {
                continue;
            }
            let endpoint = self.forest.endpoints.of_stretch.get(&i).copied();
            let called = (endpoint, stretch.stack, stretch.seen().is_some_and(|seen| seen.end.is_some()));
            let names = match last {
                Some((known, names)) if known == called => names,
                _ => self.names_of_stretch(called),
            };
            last = Some((called, names));
            let window = self.slice.windows.push_stretch(i, names);
            self.window_of_stretch[i as usize] = window;
            memberships.push(Membership::whole(window));
        }
        if !memberships.is_empty() {
            self.add_memberships(g, memberships);
        }
    }

    /// What a stretch is called, and its chains: that of its own stacks, and that of what follows its last matching one.
    fn names_of_stretch(&mut self, (endpoint, stack, has_rest): (Option<StringIdx>, StackIdx, bool)) -> WindowNames {
        let matched = endpoint.unwrap_or_else(|| self.labels.of_stack(stack));
        let chain = self.slice.chains.root(matched);
        let chain_after = if has_rest { self.slice.chains.after_last_stack(chain) } else { chain };
        WindowNames { chain, chain_after, by: RootKind::Stack, matched }
    }

    /// Makes roots of a goroutine's regions, and adds the goroutine to the tasks that it works in; says whether there
    /// is any. A goroutine with regions or tasks is no root by its stacks.
    fn start_annotated(&mut self, g: GIdx) -> bool {
        let forest = self.forest;
        let Some(work) = forest.annotated.work.get(&g) else { return false };
        let overlapping = forest.annotated.overlapping.get(&g).filter(|_| self.is_wanted(g));
        for &number in overlapping.into_iter().flatten() {
            self.add_with_boundaries(number as usize, &forest.annotated.roots[number as usize], RootKind::Region);
        }
        let mut memberships = Vec::with_capacity(work.len());
        for &Work { root: number, start, end } in work {
            let root = &forest.annotated.roots[number as usize];
            let known = self.window_of_annotated[number as usize];
            let is_window = root.kind == Annotation::Region && !known.is_some();
            let window = match root.kind {
                _ if !is_window => known,
                Annotation::Region if self.is_wanted(g) => self.add_annotated(number as usize, root, RootKind::Region),
                _ => WindowIdx::NONE,
            };
            if window.is_some() {
                let part = MembershipPart { start, end, seen: None, is_window };
                memberships.push(self.slice.add_part(window, part));
            }
        }
        let any = !memberships.is_empty();
        if any {
            self.add_memberships(g, memberships);
        }
        any
    }

    /// Adds the window of a task or region, given by its position in the forest's list.
    fn add_annotated(&mut self, number: usize, root: &AnnotatedRoot, by: RootKind) -> WindowIdx {
        let chain = self.slice.chains.root(root.name);
        let window = self.slice.windows.push(RootWindow {
            ended_by: root.ended_by,
            handed_over: root.handed_over.is_some(),
            stretch: Some((root.start, root.end)),
            by,
            // Nothing after its beginning is certain.
            seen: root.start.filter(|_| root.is_inferred).map(SeenPart::nothing_after),
            ..RootWindow::of(root.g, chain, root.name)
        });
        self.window_of_annotated[number] = window;
        window
    }
}
