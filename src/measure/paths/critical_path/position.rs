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

/// Goroutines of a page.
const PAGE: usize = 256;

/// The moment that a walk has come back to. Few of a trace's goroutines live at the time of one walk, and most of these have
/// neighbouring indexes: the others take no memory.
///
/// ```text
///  goroutine  0 ─── 255   256 ─── 511   512 ─── 767   768 ─── 1023
///  number     1           none          none          0             in `numbers`
///  page       ■ ■ ■ … (0)   ■ ■ ■ … (1)                             in `pages`, kept from one walk to the next
/// ```
#[derive(Clone, Default, Debug)]
pub(crate) struct WalkPosition {
    /// By page of [`GIdx`], its number in `pages`; [`NO_PAGE`] where nothing has changed since the end of the log.
    numbers: Vec<u32>,
    pages: Vec<[GoroutineAt; PAGE]>,
    /// Which pages the first of `pages` are: there is nothing in the others.
    used: Vec<u32>,
    /// The node that each request is attached to: none before its end and after its start, as time goes back.
    nodes_of_requests: FxHashMap<WindowIdx, NodeId>,
}

const NO_PAGE: u32 = u32::MAX;

impl WalkPosition {
    /// For a trace with so many goroutines; to be placed by [`WalkPosition::go_to_end`].
    pub(crate) fn new(n_goroutines: usize) -> Self {
        Self { numbers: vec![NO_PAGE; n_goroutines.div_ceil(PAGE)], ..Self::default() }
    }

    /// Goes to the end of a log, where the goroutines of `open` exist, each in an interval that is counted in its sum.
    pub(crate) fn go_to_end(&mut self, open: &[(GIdx, SumIdx)]) {
        for (page, content) in self.used.drain(..).zip(&mut self.pages) {
            self.numbers[page as usize] = NO_PAGE;
            content.fill(GoroutineAt::ENDED);
        }
        self.nodes_of_requests.clear();
        for &(g, sum) in open {
            self.get_mut(g).sum = sum;
        }
    }

    fn get(&self, g: GIdx) -> GoroutineAt {
        let number = self.numbers[g.at() / PAGE];
        self.pages.get(number as usize).map_or(GoroutineAt::ENDED, |page| page[g.at() % PAGE])
    }

    fn get_mut(&mut self, g: GIdx) -> &mut GoroutineAt {
        let mut number = self.numbers[g.at() / PAGE];
        if number == NO_PAGE {
            number = self.add_page(g);
        }
        &mut self.pages[number as usize][g.at() % PAGE]
    }

    /// The number of the page of a goroutine, which has none yet.
    #[cold]
    fn add_page(&mut self, g: GIdx) -> u32 {
        let (page, number) = (g.at() / PAGE, self.used.len());
        if number == self.pages.len() {
            self.pages.push([GoroutineAt::ENDED; PAGE]);
        }
        self.used.push(page as u32);
        self.numbers[page] = number as u32;
        number as u32
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
        self.get_mut(g).node = node;
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
            let (numbers, pages) = (&self.numbers[..], &mut self.pages[..]);
            let (end, of_node) = slice.find_back(|g, sum| {
                let Some(page) = pages.get_mut(numbers[g.at() / PAGE] as usize) else { return Some(None) };
                let goroutine = &mut page[g.at() % PAGE];
                let after = std::mem::replace(&mut goroutine.sum, sum);
                (goroutine.node != NodeId::NONE).then_some(Some((goroutine.node, after)))
            })?;
            if let Some(of_node) = of_node {
                return Some((end, of_node));
            }
            // The first of its page: it is on no path.
            self.get_mut(end.g).sum = end.sum;
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
