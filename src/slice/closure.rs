//! The children of roots, their children, and so on.

use super::builder::{KEPT_OUT, SliceBuilder};
use super::window::WindowIdx;
use crate::survey::{Forest, Goroutine};
use crate::trace::ids::GIdx;
use petgraph::visit::Dfs;

/// All goroutines, by index: each after its creator. Those without a creator come in the forest's order, each
/// followed by all its descendants. petgraph's walk has its own stack, so long chains of creations are no recursion.
pub(super) fn creators_first(forest: &Forest) -> Vec<u32> {
    let graph = forest.spawn_graph();
    let mut order = Vec::with_capacity(forest.goroutines.len());
    let mut dfs = Dfs::empty(&graph);
    for (top, _) in (0..).zip(&forest.goroutines).filter(|(_, g)| !g.parent.is_some()) {
        dfs.move_to(top);
        order.extend(std::iter::from_fn(|| dfs.next(&graph)));
    }
    order
}

impl SliceBuilder<'_> {
    /// Decides about one goroutine, after its creator: it follows its creator into a window or out of the slice, or
    /// is a root itself, or neither.
    pub(super) fn visit(&mut self, g: GIdx, goroutine: &Goroutine) {
        if goroutine.parent.is_some() && self.depth[goroutine.parent.at()] == KEPT_OUT {
            self.depth[g.at()] = KEPT_OUT;
            return;
        }
        let owner = self.inherited_window(g, goroutine);
        if owner.is_some() {
            self.follow(g, goroutine, owner);
        } else {
            self.start_roots(g, goroutine);
        }
    }

    /// The window inside which, or for which, the goroutine was created; `NONE` if there is none.
    fn inherited_window(&self, g: GIdx, goroutine: &Goroutine) -> WindowIdx {
        let parent = goroutine.parent;
        let owner = if parent.is_some() { self.slice.owner[parent.at()] } else { WindowIdx::NONE };
        if owner.is_some() {
            return owner;
        }
        let annotated = self.forest.annotated.members.get(&g).map(|root| self.window_of_annotated[*root as usize]);
        match annotated {
            Some(window) if window.is_some() => window,
            _ if goroutine.stretch == Goroutine::NO_STRETCH => WindowIdx::NONE,
            _ => self.window_of_stretch[goroutine.stretch as usize],
        }
    }

    /// Adds a goroutine to the window that it was created in, or keeps it out.
    fn follow(&mut self, g: GIdx, goroutine: &Goroutine, owner: WindowIdx) {
        if self.keeps_out_child(goroutine) {
            self.depth[g.at()] = KEPT_OUT;
            return;
        }
        let parent = goroutine.parent;
        let (above, depth) = if parent.is_some() && self.slice.owner[parent.at()].is_some() {
            (self.slice.chain[parent.at()], self.depth[parent.at()])
        } else {
            (self.slice.windows.chain(owner), 0)
        };
        let chain = self.slice.chains.child(above, goroutine.creation);
        self.add_owned(g, owner, chain);
        self.depth[g.at()] = depth + 1;
        self.slice.counts.max_depth = self.slice.counts.max_depth.max(depth + 1);
    }
}
