//! What every goroutine does at the moment a walk has come back to.

use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::{ChunkSlice, LoggedEnd};
use crate::measure::paths::wait_for::NodeId;
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use crate::trace::paged_table::PagedTable;
use rustc_hash::FxHashMap;

/// Goroutines whose states are kept together.
const PAGE: usize = 256;

/// A goroutine at that moment.
#[derive(Clone, Copy, Debug)]
struct GoroutineAt {
    /// Its node; [`NodeId::NONE`] while it is on no path.
    node: NodeId,
    /// What the interval is counted in that it is in; [`SumIdx::NOT_CREATED`] or [`SumIdx::ENDED`] where there is none.
    sum: SumIdx,
}

impl Default for GoroutineAt {
    fn default() -> Self {
        Self { node: NodeId::NONE, sum: SumIdx::ENDED }
    }
}

/// The moment that a walk has come back to. Few of a trace's goroutines live at the time of one walk, and most of these have
/// neighbouring indexes: the others take no memory.
#[derive(Clone, Default, Debug)]
pub(crate) struct WalkPosition {
    /// By [`GIdx`]; nothing has changed since the end of the log where there is none.
    goroutines: PagedTable<GoroutineAt, PAGE>,
    /// The node that each request is attached to: none before its end and after its start, as time goes back.
    nodes_of_requests: FxHashMap<WindowIdx, NodeId>,
}

impl WalkPosition {
    /// For a trace with so many goroutines; to be placed by [`WalkPosition::go_to_end`].
    pub(crate) fn new(n_goroutines: usize) -> Self {
        let mut position = Self::default();
        position.goroutines.reset(n_goroutines);
        position
    }

    /// Goes to the end of a log, where the goroutines of `open` exist, each in an interval that is counted in its sum.
    pub(crate) fn go_to_end(&mut self, open: &[(GIdx, SumIdx)]) {
        self.goroutines.forget();
        self.nodes_of_requests.clear();
        for &(g, sum) in open {
            self.edit(g, |goroutine| goroutine.sum = sum);
        }
    }

    fn get(&self, g: GIdx) -> GoroutineAt {
        self.goroutines.get(g.at()).copied().unwrap_or_default()
    }

    fn edit(&mut self, g: GIdx, edit: impl FnOnce(&mut GoroutineAt)) {
        if let Some(goroutine) = self.goroutines.get_or_add(g.at()) {
            edit(goroutine);
        }
    }

    /// What the interval is counted in that a goroutine is in.
    pub(crate) fn sum(&self, g: GIdx) -> SumIdx {
        self.get(g).sum
    }

    /// A goroutine's node; [`NodeId::NONE`] while it is on no path.
    pub(super) fn node(&self, g: GIdx) -> NodeId {
        self.get(g).node
    }

    /// Sets a goroutine's node.
    pub(super) fn set_node(&mut self, g: GIdx, node: NodeId) {
        self.edit(g, |goroutine| goroutine.node = node);
    }

    /// The node that a request is attached to; [`NodeId::NONE`] for none.
    pub(super) fn node_of_request(&self, request: WindowIdx) -> NodeId {
        self.nodes_of_requests.get(&request).copied().unwrap_or(NodeId::NONE)
    }

    /// A request is attached to a node.
    pub(super) fn attach(&mut self, request: WindowIdx, node: NodeId) {
        self.nodes_of_requests.insert(request, node);
    }

    /// It is attached to none any more.
    pub(super) fn detach(&mut self, request: WindowIdx) {
        self.nodes_of_requests.remove(&request);
    }

    /// Goes back to the next interval end of a goroutine that is on a path; gives its node as well, and what the interval
    /// after it is counted in. None if there is none in the slice.
    // Inlined: nearly all interval ends are of others, and are passed in a loop of a dozen instructions.
    #[inline(always)]
    pub(super) fn step_back_to_node(&mut self, slice: &mut ChunkSlice<'_>) -> Option<(LoggedEnd, (NodeId, SumIdx))> {
        loop {
            let goroutines = &mut self.goroutines;
            let (end, of_node) = slice.find_back(|g, sum| {
                let Some(goroutine) = goroutines.get_mut(g.at()) else { return Some(None) };
                let after = std::mem::replace(&mut goroutine.sum, sum);
                (goroutine.node != NodeId::NONE).then_some(Some((goroutine.node, after)))
            })?;
            if let Some(of_node) = of_node {
                return Some((end, of_node));
            }
            // The first of its page: it is on no path.
            self.edit(end.g, |goroutine| goroutine.sum = end.sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::paths::wait_for::WaitForForest;

    #[test]
    fn nothing_of_a_walk_is_left_at_the_end_of_the_log() {
        let some = WaitForForest::default().add_node();
        let n = 3 * PAGE + 5;
        let mut position = WalkPosition::new(n);
        for (open, node) in [(0, 1), (PAGE, PAGE), (n - 1, 2 * PAGE), (7, n - 1)] {
            position.go_to_end(&[(GIdx(open as u32), SumIdx(4))]);
            for g in (0..n as u32).map(GIdx) {
                let sum = if g.at() == open { SumIdx(4) } else { SumIdx::ENDED };
                assert_eq!((position.sum(g), position.node(g)), (sum, NodeId::NONE));
            }
            position.set_node(GIdx(node as u32), some);
            position.attach(WindowIdx(2), some);
        }
        position.go_to_end(&[]);
        assert_eq!(position.node_of_request(WindowIdx(2)), NodeId::NONE);
    }
}
