//! What every goroutine does at the moment a walk has come back to.

use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::{ChunkSlice, LoggedEnd};
use crate::measure::paths::wait_for::NodeId;
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use rustc_hash::FxHashMap;

/// A goroutine at that moment.
#[derive(Clone, Copy, Debug)]
struct GoroutineAt {
    /// Its node; [`NodeId::NONE`] while it is on no path.
    node: NodeId,
    /// What the interval is counted in that it is in; [`SumIdx::NOT_CREATED`] or [`SumIdx::ENDED`] where there is none.
    sum: SumIdx,
}

impl GoroutineAt {
    const ENDED: Self = Self { node: NodeId::NONE, sum: SumIdx::ENDED };
}

/// Goroutines of a page. Few of a trace's goroutines live at the time of one walk, and most of these have neighbouring indexes.
const PAGE: usize = 256;

/// The moment that a walk has come back to. The memory is kept from one walk to the next.
#[derive(Clone, Default, Debug)]
pub(crate) struct WalkPosition {
    /// By [`GIdx`].
    goroutines: Vec<GoroutineAt>,
    /// By page, whether something of it was changed since [`WalkPosition::go_to_end`].
    changed: Vec<bool>,
    /// The node that each request is attached to: none before its end and after its start, as time goes back.
    nodes_of_requests: FxHashMap<WindowIdx, NodeId>,
}

impl WalkPosition {
    /// For a trace with so many goroutines; to be placed by [`WalkPosition::go_to_end`].
    pub(crate) fn new(n_goroutines: usize) -> Self {
        Self {
            goroutines: vec![GoroutineAt::ENDED; n_goroutines],
            changed: vec![false; n_goroutines.div_ceil(PAGE)],
            nodes_of_requests: FxHashMap::default(),
        }
    }

    /// Goes to the end of a log, where the goroutines of `open` exist, each in an interval that is counted in its sum.
    pub(crate) fn go_to_end(&mut self, open: &[(GIdx, SumIdx)]) {
        for (page, changed) in self.goroutines.chunks_mut(PAGE).zip(&mut self.changed) {
            if std::mem::take(changed) {
                page.fill(GoroutineAt::ENDED);
            }
        }
        self.nodes_of_requests.clear();
        for &(g, sum) in open {
            self.goroutines[g.at()].sum = sum;
            self.changed[g.at() / PAGE] = true;
        }
    }

    /// What the interval is counted in that a goroutine is in.
    pub(crate) fn sum(&self, g: GIdx) -> SumIdx {
        self.goroutines[g.at()].sum
    }

    /// A goroutine's node; [`NodeId::NONE`] while it is on no path.
    pub(super) fn node(&self, g: GIdx) -> NodeId {
        self.goroutines[g.at()].node
    }

    /// Sets a goroutine's node.
    pub(super) fn set_node(&mut self, g: GIdx, node: NodeId) {
        self.goroutines[g.at()].node = node;
        self.changed[g.at() / PAGE] = true;
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
        let (goroutines, changed) = (&mut self.goroutines[..], &mut self.changed[..]);
        slice.find_back(|g, sum| {
            changed[g.at() / PAGE] = true;
            let goroutine = &mut goroutines[g.at()];
            let after = std::mem::replace(&mut goroutine.sum, sum);
            (goroutine.node != NodeId::NONE).then_some((goroutine.node, after))
        })
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
