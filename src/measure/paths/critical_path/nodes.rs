//! Where every goroutine stands while paths are walked back. HOT.

use crate::measure::paths::interval_log::{Read, Run, place};
use crate::measure::paths::wait_for::{NOBODY, NodeId};
use crate::trace::ids::GIdx;
use crate::trace::time::Time;

/// A goroutine while paths are walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Its node; [`NOBODY`] while it is on nobody's path.
    pub(crate) node: NodeId,
    /// The place of what it does where the walk is.
    pub(crate) place: u32,
}

/// Per goroutine, where it stands, and per request the node that it rides on; the memory is kept from one walk to the
/// next.
#[derive(Clone, Default, Debug)]
pub(crate) struct Nodes {
    pub(crate) of: Vec<Standing>,
    pub(crate) ridden: Vec<NodeId>,
}

impl Nodes {
    pub(crate) fn new(n: usize) -> Self {
        Self { of: vec![Standing { node: NOBODY, place: place::DEAD }; n], ridden: Vec::new() }
    }

    /// Goes to the end of a tape, where the goroutines of `open` exist, and do what is counted at their places.
    pub(crate) fn rewind(&mut self, open: &[(GIdx, u32)]) {
        self.of.fill(Standing { node: NOBODY, place: place::DEAD });
        for &(g, place) in open {
            self.of[g.at()].place = place;
        }
    }

    /// The place of what a goroutine does.
    pub(crate) fn place(&self, g: GIdx) -> u32 {
        self.of[g.at()].place
    }

    /// Nobody is looked at any more.
    pub(crate) fn leave(&mut self) {
        self.of.iter_mut().for_each(|standing| standing.node = NOBODY);
    }

    /// A goroutine is looked at, as number `node`.
    pub(crate) fn mark(&mut self, g: GIdx, node: NodeId) {
        self.of[g.at()].node = node;
    }

    /// Goes back over turns, without walking. Tells of those that are looked at, when a piece begins, and its place.
    pub(crate) fn pass(&mut self, mut run: Run<'_>, mut begins: impl FnMut(NodeId, Time, u32)) {
        while let Some(turn) = run.pop() {
            let (node, after) = self.turn(turn);
            if node != NOBODY {
                begins(node, run.time(turn), after);
            }
        }
    }

    /// Goes back over a turn; gives the goroutine's node and the place of what it did after it.
    #[inline]
    pub(crate) fn turn(&mut self, turn: Read) -> (NodeId, u32) {
        let standing = &mut self.of[turn.g.at()];
        (standing.node, std::mem::replace(&mut standing.place, turn.before))
    }
}
