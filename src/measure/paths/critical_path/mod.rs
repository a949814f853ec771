//! Walks the critical paths of many requests back in time, all at once.
//!
//! What is walked, and why backward, is described in [`super`]. A walk goes through the interval log from its latest entry to
//! its earliest. At each entry it knows of every goroutine what it does there ([`WalkPosition`]), and of those that are on
//! a path, who waits for whom ([`WaitForForest`]).
//!
//! 1. At the end of a request's segment, the request is attached to the node of its goroutine.
//! 2. At an interval end, going back, the interval that starts there is complete. If its goroutine works (is a root),
//!    the interval's time is credited to the requests in its tree.
//! 3. If another goroutine started that interval by ending a wait, the goroutine waits for that one from here on: it is
//!    linked to it, until the walk reaches the start of the wait. If the other created it, it waits for the creator for
//!    the rest of the walk.
//! 4. At the start of a wait the goroutine is cut off again, and works itself.
//! 5. Where a goroutine began the work for a request, or ended that for an earlier one, those that wait for it are cut off:
//!    what it did before was for others. The rest of their waits are waits.
//! 6. At the start of a request's segment, the request is detached. What its node was credited since step 1 is the time
//!    along its path, by state.
//!
//! A goroutine gets a node when it comes onto a path, and loses it when no request depends on it any more.
//!
//! Reading order: this file, [`waiting`] (steps 3 and 4), [`count`] (step 2), [`late`] (requests that end inside of a wait),
//! [`chain_lists`], [`chains`] (in which waits a request waits for
//! what a root does), [`dependents`] (each request's own stacks), [`boundaries`], [`open_segments`], [`position`],
//! [`path_log`].

mod boundaries;
mod chain_lists;
mod chains;
mod count;
mod dependents;
mod late;
mod open_segments;
mod path_log;
mod position;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod waiting;

pub(crate) use path_log::LoggedPath;
pub(crate) use position::WalkPosition;

use super::segment::PathSegment;
use super::wait_for::{NodeId, WaitForForest};
use super::wakeups::LastMemberships;
use super::walk_results::{SumState, WalkResults};
use crate::measure::intervals::aggregate::{Aggregate, SumIdx};
use crate::measure::intervals::log::{ChunkSlice, IntervalLog, Link, LogReader};
use crate::measure::paths::runtime_ranges::Ranges;
use crate::measure::paths::work_borders::{WorkBorder, WorkBorderKind};
use crate::measure::windows::WindowTable;
use crate::slice::{Slice, WindowIdx};
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::time::{Time, Window};
use boundaries::{Boundaries, Boundary};
use chain_lists::NodeChains;
use chains::ChainChanges;
use late::LateRequests;
use open_segments::OpenSegments;
use path_log::PathLog;

/// A goroutine that is on a path.
#[derive(Clone, Copy, Debug)]
struct WalkNode {
    g: GIdx,
    /// Its time from here on is counted.
    counted_from: Time,
    /// Where the interval ends that it is in, as far as a path needs it.
    interval_end: Time,
    /// The goroutine that it waits for; [`NodeId::NONE`] while it works.
    waits_for: NodeId,
    /// Requests that are attached to it: several user tasks can be.
    n_requests: u32,
    /// Requests that are attached to it where the wait that it is in began.
    n_late: u32,
    /// The request that it belongs to; [`WindowIdx::NONE`] for goroutines outside the slice.
    owner: WindowIdx,
    /// Who ended the wait that it is in.
    woken_by: Option<Link>,
}

/// What a walk reads.
#[derive(Clone, Copy)]
pub(crate) struct WalkInput<'a, 't> {
    pub(crate) slice: &'a Slice,
    /// From when to when each window lasts, as far as is known.
    pub(crate) windows: &'a WindowTable,
    pub(crate) aggregate: &'a Aggregate,
    pub(crate) ranges: &'a Ranges,
    /// Where work for requests begins and ends, in the order of time.
    pub(crate) borders: &'a [WorkBorder],
    /// What time is counted in of which nothing is known.
    pub(crate) unknown: SumIdx,
    /// The name of all requests of the walk; [`StringIdx::NONE`] when they have several, or do not have to be distinguished.
    pub(crate) label: StringIdx,
    pub(crate) log: &'t IntervalLog,
    /// The goroutines that exist at the log's end, each with what the interval is counted in that it is in.
    pub(crate) open: &'a [(GIdx, SumIdx)],
    /// The request whose path is noted step by step.
    pub(crate) logged: Option<WindowIdx>,
}

/// One walk, from the latest end of a segment back to the earliest start.
pub(crate) struct PathWalk<'a, 't> {
    input: WalkInput<'a, 't>,
    position: &'a mut WalkPosition,
    results: &'a mut WalkResults,
    path_log: Option<PathLog<'t>>,
    /// Whether fast paths are off, as time is not only counted: a path is being noted, requests have a label, or each one's
    /// stacks are asked for.
    is_detailed: bool,
    forest: WaitForForest,
    /// By [`NodeId`].
    nodes: Vec<WalkNode>,
    /// By [`NodeId`].
    chains: Vec<NodeChains>,
    chain_changes: ChainChanges,
    /// What the nodes of the requests on paths were credited at their ends.
    open: OpenSegments,
    late: LateRequests,
    memberships: LastMemberships,
    /// A stretch of time during which the world was not stopped.
    not_stopped: Window,
}

impl<'a, 't> PathWalk<'a, 't> {
    /// Goes to the end of the log.
    pub(crate) fn new(input: WalkInput<'a, 't>, position: &'a mut WalkPosition, results: &'a mut WalkResults) -> Self {
        results.add_sums_of(input.aggregate);
        position.go_to_end(input.open);
        if let Some(stacks) = &mut results.stacks {
            stacks.begin_walk();
        }
        let is_detailed = input.label.is_some() || results.stacks.is_some();
        Self {
            input,
            position,
            results,
            path_log: input.logged.map(PathLog::new),
            is_detailed,
            forest: WaitForForest::default(),
            nodes: Vec::new(),
            chains: Vec::new(),
            chain_changes: ChainChanges::default(),
            open: OpenSegments::default(),
            late: LateRequests::default(),
            memberships: LastMemberships::default(),
            not_stopped: Window { start: Time::MAX, end: Time::MIN },
        }
    }

    /// Walks all paths, and fills in the segments' states. Gives the path that was noted; an empty one if none was to be.
    pub(crate) fn run(mut self, segments: &mut [PathSegment]) -> LoggedPath<'t> {
        let mut boundaries = Boundaries::of(segments);
        self.open.begin(segments.len());
        let mut reader = self.input.log.read_back();
        let mut borders = self.input.borders;
        while let Some((time, boundary, i)) = boundaries.next_back() {
            while let Some((&border, earlier)) = borders.split_last().filter(|(border, _)| border.time >= time) {
                borders = earlier;
                // What happens at a border belongs to the work that begins, or ends, there.
                let is_end = border.kind == WorkBorderKind::End;
                self.walk_back_to(border.time + i64::from(is_end), &mut reader);
                self.cross_work_border(border);
            }
            self.walk_back_to(time, &mut reader);
            let segment = &mut segments[i];
            if boundary == Boundary::End
                && let Some(log) = self.path_log.as_mut().filter(|log| log.request == segment.window)
                && log.path.end.is_none()
            {
                log.path.end = Some((reader.clone(), self.position.clone()));
            }
            self.cross_boundary(time, boundary, (i, segment));
        }
        self.path_log.map(|log| log.path).unwrap_or_default()
    }

    /// Goes back over all interval ends from `time` on.
    fn walk_back_to(&mut self, time: Time, reader: &mut LogReader<'_>) {
        while let Some(slice) = reader.next_slice(time) {
            self.walk_back(slice);
        }
    }

    fn cross_boundary(&mut self, time: Time, boundary: Boundary, (i, segment): (usize, &mut PathSegment)) {
        let is_attached = boundary == Boundary::End || self.reach_start_of_late(i, segment, time);
        if !is_attached {
            return;
        }
        let node = self.node_of(segment.g, time);
        if boundary == Boundary::End && self.leave_for_later(node, (i, segment.window), time) {
            return;
        }
        let root = self.forest.root(node);
        self.count_root(root, time);
        match boundary {
            Boundary::End => self.attach(node, segment.window, time),
            Boundary::Start => self.detach(node, segment.window, time),
        }
        if let Some(log) = self.path_log.as_mut().filter(|log| log.request == segment.window) {
            (log.node, log.root, log.is_open) = (node, NodeId::NONE, boundary == Boundary::End);
            if boundary == Boundary::Start {
                log.begin(time);
            }
            self.is_detailed = log.is_open || self.input.label.is_some() || self.results.stacks.is_some();
        }
        let credited = self.forest.credited(node);
        match boundary {
            Boundary::End => self.open.begin_segment(i, credited),
            Boundary::Start => segment.states = self.open.end_segment(i, credited),
        }
        self.remove_if_unused(node);
    }

    /// A request ends here, on the goroutine of `node`.
    fn attach(&mut self, node: NodeId, request: WindowIdx, time: Time) {
        // A wait that outlasts the request stays a wait, also where a later request followed its waker.
        let WalkNode { waits_for, n_requests, .. } = self.nodes[node.at()];
        if waits_for != NodeId::NONE && !self.forest.has_waiters(node) && n_requests == 0 {
            self.leave_waker(node);
            self.nodes[node.at()].counted_from = time;
        }
        let walk_node = &mut self.nodes[node.at()];
        if n_requests == 0 {
            walk_node.interval_end = time;
        }
        walk_node.n_requests += 1;
        self.position.attach(request, node);
        self.note_attached(node, request, true);
        self.forest.add(node, request);
        self.change_own_chain(node, 1);
    }

    /// A request starts here, on the goroutine of `node`.
    fn detach(&mut self, node: NodeId, request: WindowIdx, time: Time) {
        if self.nodes[node.at()].n_requests == 1 {
            self.note_open_wait(node, time);
        }
        self.nodes[node.at()].n_requests -= 1;
        self.position.detach(request);
        self.note_attached(node, request, false);
        self.forest.remove(node, request);
        self.change_own_chain(node, -1);
    }

    /// The node of a goroutine; a new one, of which nothing from `time` on counts, if it had none.
    fn node_of(&mut self, g: GIdx, time: Time) -> NodeId {
        let node = self.position.node(g);
        if node != NodeId::NONE {
            return node;
        }
        let node = self.forest.add_node();
        self.set_up_node(node, g, time);
        node
    }

    /// `node` is that of a goroutine from here on; nothing of that from `time` on counts.
    pub(super) fn set_up_node(&mut self, node: NodeId, g: GIdx, time: Time) {
        let walk_node = WalkNode {
            g,
            counted_from: time,
            interval_end: time,
            waits_for: NodeId::NONE,
            n_requests: 0,
            n_late: 0,
            owner: self.input.slice.owner[g.at()],
            woken_by: None,
        };
        if let Some(slot) = self.nodes.get_mut(node.at()) {
            *slot = walk_node;
            self.chains[node.at()].reset();
        } else {
            self.nodes.push(walk_node);
            self.chains.push(NodeChains::default());
        }
        self.position.set_node(g, node);
    }

    /// Removes the node of a goroutine that none waits for, and that no request is attached to; then that of the goroutine that it
    /// waited for, if that is so there, and so on.
    fn remove_if_unused(&mut self, node: NodeId) {
        let mut at = node;
        while at != NodeId::NONE && !self.has_requests(at) && !self.forest.has_waiters(at) {
            let WalkNode { g, waits_for, .. } = self.nodes[at.at()];
            self.position.set_node(g, NodeId::NONE);
            self.forest.remove_node(at);
            at = waits_for;
        }
    }

    /// Whether a request is attached to a node, or will be.
    fn has_requests(&self, node: NodeId) -> bool {
        let WalkNode { n_requests, n_late, .. } = self.nodes[node.at()];
        n_requests > 0 || n_late > 0
    }

    /// Counts what a root did from `time` on, in the interval that it is in.
    fn count_root(&mut self, root: NodeId, time: Time) {
        let WalkNode { g, counted_from, .. } = self.nodes[root.at()];
        if time < counted_from {
            let sum = self.position.sum(g);
            self.count(root, sum, Window { start: time, end: counted_from });
            self.nodes[root.at()].counted_from = time;
        }
    }

    /// Goes back over interval ends.
    // Not inlined: its loop needs the registers that `run` would keep.
    #[inline(never)]
    fn walk_back(&mut self, mut slice: ChunkSlice<'_>) {
        while let Some((end, (node, after))) = self.position.step_back_to_node(&mut slice) {
            let link = slice.link(end);
            if link.is_some() || !self.reach_start_fast(node, after, slice.time(end)) {
                self.reach_start(node, after, slice.time(end), link);
            }
        }
    }

    /// Reaches the start of the interval of a goroutine on a path, at `since`; the interval is counted in `sum`, and
    /// `link` says who started it.
    #[inline(never)]
    fn reach_start(&mut self, node: NodeId, sum: SumIdx, since: Time, link: Option<Link>) {
        let WalkNode { waits_for, counted_from, interval_end, .. } = self.nodes[node.at()];
        if waits_for != NodeId::NONE {
            self.reach_wait_start(node, since);
        } else if since < counted_from {
            self.count(node, sum, Window { start: since, end: counted_from });
        }
        if interval_end > since && self.results.state(sum).is_none_or(SumState::is_wait) {
            self.note_wait(node, sum, since);
        }
        let walk_node = &mut self.nodes[node.at()];
        (walk_node.counted_from, walk_node.woken_by, walk_node.interval_end) = (since, None, since);
        if walk_node.n_late > 0 {
            self.attach_late(node, sum, since);
        }
        if let Some(link) = link {
            self.follow(node, link, since);
        }
    }
}
