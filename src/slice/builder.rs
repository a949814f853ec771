//! A slice while it is made.

use super::keep_out::KeepOut;
use super::labels::RootLabels;
use super::membership::{Membership, Slice, is_part_of_task};
use super::root_windows::RootWindows;
use super::selector::Selector;
use super::spawn_chains::SpawnChainIdx;
use super::window::WindowIdx;
use crate::survey::roots::servers::GRPC_WORKER;
use crate::survey::{Forest, Goroutine, Stretch};
use crate::trace::buckets::Buckets;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::symbols::Symbols;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Stands for the depth of a goroutine that is kept out, with all that it creates.
pub(super) const KEPT_OUT: u32 = u32::MAX;

/// The slice so far, and what is needed to go on. `roots.rs` adds roots to it, `closure.rs` their children.
pub(super) struct SliceBuilder<'a> {
    pub(super) forest: &'a Forest,
    pub(super) selector: &'a Selector,
    pub(super) slice: Slice,
    /// Per stack: whether a root pattern matches a function on it.
    pub(super) matching: Vec<bool>,
    /// Per goroutine: the positions of its stretches in [`Forest::stretches`]; empty without any.
    stretches: Buckets<u32>,
    /// Per stretch: its window; `NONE` as long as it is no root.
    pub(super) window_of_stretch: Vec<WindowIdx>,
    /// Per root by annotation: its window; `NONE` as long as it is none.
    pub(super) window_of_annotated: Vec<WindowIdx>,
    /// Per goroutine: creations between it and its root, or [`KEPT_OUT`].
    pub(super) depth: Vec<u32>,
    pub(super) labels: RootLabels<'a>,
    /// Whether requests on a server are the only roots.
    pub(super) served_only: bool,
    /// Goroutines of a server that serve one request after the other, and have no borders but those of stretches.
    pub(super) workers: FxHashSet<GIdx>,
    keep_out: KeepOut<'a>,
}

impl<'a> SliceBuilder<'a> {
    pub(super) fn new(forest: &'a Forest, symbols: &'a Symbols, selector: &'a Selector) -> Self {
        let n = forest.goroutines.len();
        let with_stretches = if forest.stretches.is_empty() { 0 } else { n };
        let stretches = || (0..).zip(&*forest.stretches).map(|(i, stretch)| (stretch.g.0, i));
        Self {
            forest,
            selector,
            slice: Slice {
                owner: vec![WindowIdx::NONE; n],
                tracked: vec![false; n],
                chain: vec![SpawnChainIdx::FIRST; n],
                windows: RootWindows::new(Arc::clone(&forest.stretches)),
                ..Slice::default()
            },
            // Without a pattern no function is named, so goroutines that are kept out stay out.
            matching: symbols.stacks_with(|name| !selector.is_goroutine() && selector.roots.matches(name)),
            stretches: Buckets::new(with_stretches, stretches),
            window_of_stretch: vec![WindowIdx::NONE; forest.stretches.len()],
            window_of_annotated: vec![WindowIdx::NONE; forest.annotated.roots.len()],
            depth: vec![0; n],
            // Where endpoints are the roots, one within another is what a call of a worker is called.
            labels: RootLabels::new(symbols, selector, !forest.endpoints.functions.is_empty()),
            served_only: false,
            workers: workers(forest, symbols),
            keep_out: KeepOut::new(symbols, selector),
        }
    }

    /// The positions of a goroutine's stretches.
    pub(super) fn stretches_of(&self, g: GIdx) -> &[u32] {
        if self.forest.stretches.is_empty() { &[] } else { self.stretches.of(g.at()) }
    }

    /// Whether a stretch is a request on a server: its borders are the server's own, or a worker of the server served it.
    pub(super) fn is_served(&self, stretch: &Stretch) -> bool {
        !stretch.is_inferred() || self.workers.contains(&stretch.g)
    }

    /// Whether a child stays out although its creator, or the stretch it was created in, is in.
    pub(super) fn keeps_out_child(&mut self, goroutine: &Goroutine) -> bool {
        let counts = &mut self.slice.counts;
        self.keep_out.is_excluded(goroutine, counts) || self.keep_out.is_foreign(goroutine, &self.matching, counts)
    }

    /// Whether a goroutine stays out although a pattern matches its creation stack.
    pub(super) fn keeps_out_root(&mut self, goroutine: &Goroutine) -> bool {
        self.keep_out.is_foreign(goroutine, &self.matching, &mut self.slice.counts)
    }

    /// Adds a goroutine that belongs to one window for life, with this spawn chain.
    pub(super) fn add_owned(&mut self, g: GIdx, owner: WindowIdx, chain: SpawnChainIdx) {
        self.slice.owner[g.at()] = owner;
        self.slice.tracked[g.at()] = true;
        self.slice.chain[g.at()] = chain;
        self.slice.counts.goroutines += 1;
    }

    /// Adds a goroutine that belongs to windows for parts of its life.
    pub(super) fn add_memberships(&mut self, g: GIdx, memberships: Vec<Membership>) {
        self.slice.counts.goroutines += 1;
        self.slice.tracked[g.at()] = true;
        if is_part_of_task(&memberships, &self.slice.parts) {
            self.slice.in_tasks.insert(g);
        }
        self.slice.memberships.insert(g, memberships);
    }
}

/// The goroutines with stretches whose outermost function is that of gRPC's stream workers.
fn workers(forest: &Forest, symbols: &Symbols) -> FxHashSet<GIdx> {
    let mut known: FxHashMap<StackIdx, bool> = FxHashMap::default();
    let mut is_worker = |stack| {
        let outermost = || symbols.leaf(symbols.root_frame(stack));
        *known.entry(stack).or_insert_with(|| outermost().is_some_and(|frame| symbols.function(frame) == GRPC_WORKER))
    };
    let inferred = forest.stretches.iter().filter(|stretch| stretch.is_inferred());
    inferred.filter(|stretch| is_worker(stretch.stack)).map(|stretch| stretch.g).collect()
}
