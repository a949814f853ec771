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

/// The moment that a walk has come back to. The memory is kept from one walk to the next.
#[derive(Clone, Default, Debug)]
pub(crate) struct WalkPosition {
    /// By [`GIdx`].
    goroutines: Vec<GoroutineAt>,
    /// The node that each request is attached to: none before its end and after its start, as time goes back.
    nodes_of_requests: FxHashMap<WindowIdx, NodeId>,
}

impl WalkPosition {
    /// For a trace with so many goroutines; to be placed by [`WalkPosition::go_to_end`].
    pub(crate) fn new(n_goroutines: usize) -> Self {
        let ended = GoroutineAt { node: NodeId::NONE, sum: SumIdx::ENDED };
        Self { goroutines: vec![ended; n_goroutines], nodes_of_requests: FxHashMap::default() }
    }

    /// Goes to the end of a log, where the goroutines of `open` exist, each in an interval that is counted in its sum.
    pub(crate) fn go_to_end(&mut self, open: &[(GIdx, SumIdx)]) {
        self.goroutines.fill(GoroutineAt { node: NodeId::NONE, sum: SumIdx::ENDED });
        self.nodes_of_requests.clear();
        for &(g, sum) in open {
            self.goroutines[g.at()].sum = sum;
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
        let goroutines = &mut self.goroutines[..];
        slice.find_back(|g, sum| {
            let goroutine = &mut goroutines[g.at()];
            let after = std::mem::replace(&mut goroutine.sum, sum);
            (goroutine.node != NodeId::NONE).then_some((goroutine.node, after))
        })
    }
}
