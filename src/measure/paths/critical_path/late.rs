//! Requests that end inside of a wait which is followed to its waker for others.
//!
//! A wait that had not ended when the request did is a wait of that request, whoever ended it later. But the goroutine's node
//! waits for the waker then, for requests that go on. So such a request is attached to the node at the start of the wait, and
//! the wait is credited to it alone. Two user tasks on one goroutine can be so:
//!
//! ```text
//!   g1          ── task A ──┐    ├──────── task B ─────────
//!               works   │    waits    │ works               A: g1's wait; B: what g2 did
//!   g2                            ────┘ wakes g1
//! ```

use super::PathWalk;
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::segment::{PathSegment, states_with_time};
use crate::measure::paths::wait_chains::WaitChainIdx;
use crate::measure::paths::wait_for::NodeId;
use crate::measure::paths::wakeups::{WaitEnd, WorkAt};
use crate::slice::WindowIdx;
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashMap;

/// A request that is attached later than it ends.
struct LateRequest {
    window: WindowIdx,
    node: NodeId,
    /// When it ends.
    end: Time,
    /// Nanoseconds by state; what is credited at its start is added.
    states: Vec<u64>,
    is_attached: bool,
}

/// All of them whose start the walk has not reached.
#[derive(Default)]
pub(super) struct LateRequests {
    /// By position of the segment.
    requests: FxHashMap<usize, LateRequest>,
    /// By node, the positions of those that are not attached yet, and of some that are gone.
    of_node: FxHashMap<usize, Vec<usize>>,
}

impl PathWalk<'_, '_> {
    /// Leaves a request that ends at `time` to [`PathWalk::attach_late`], if its node is in a wait that others follow. Gives
    /// whether it did.
    pub(super) fn leave_for_later(&mut self, node: NodeId, (i, window): (usize, WindowIdx), time: Time) -> bool {
        let walk_node = &mut self.nodes[node.at()];
        let is_shared = self.forest.has_waiters(node) || walk_node.n_requests > 0;
        if walk_node.waits_for == NodeId::NONE || !is_shared || !self.position.sum(walk_node.g).is_alive() {
            return false;
        }
        walk_node.n_late += 1;
        let request = LateRequest { window, node, end: time, states: Vec::new(), is_attached: false };
        self.late.requests.insert(i, request);
        self.late.of_node.entry(node.at()).or_default().push(i);
        true
    }

    /// Reaches the start of the wait, at `since`; it is counted in `sum`.
    #[cold]
    pub(super) fn attach_late(&mut self, node: NodeId, sum: SumIdx, since: Time) {
        self.nodes[node.at()].n_late = 0;
        for i in self.late.of_node.remove(&node.at()).unwrap_or_default() {
            let Some(mut request) = self.late.requests.remove(&i) else { continue };
            self.credit_wait(&mut request, sum, since);
            self.attach(node, request.window, since);
            let credited = self.forest.credited(node);
            request.states.resize(request.states.len().max(credited.len()), 0);
            for (state, ns) in request.states.iter_mut().zip(credited) {
                *state = state.wrapping_sub(*ns);
            }
            request.is_attached = true;
            if let Some(log) = self.path_log.as_mut().filter(|log| log.request == request.window) {
                (log.node, log.root, log.is_open) = (node, NodeId::NONE, true);
                self.is_detailed = true;
            }
            self.late.requests.insert(i, request);
        }
    }

    /// Reaches the start of a request, at `time`. Gives false if it was never attached: then all of it is the wait.
    pub(super) fn reach_start_of_late(&mut self, i: usize, segment: &mut PathSegment, time: Time) -> bool {
        let Some(mut request) = self.late.requests.remove(&i) else { return true };
        if !request.is_attached {
            let node = request.node;
            let sum = self.position.sum(self.nodes[node.at()].g);
            self.credit_wait(&mut request, sum, time);
            self.nodes[node.at()].n_late -= 1;
            if self.nodes[node.at()].n_late == 0 {
                self.late.of_node.remove(&node.at());
            }
            self.remove_if_unused(node);
        }
        if request.is_attached {
            self.open.set(i, &request.states);
        } else {
            segment.states = states_with_time(&request.states);
        }
        request.is_attached
    }

    /// The wait of a request from `since` to its end.
    fn credit_wait(&mut self, request: &mut LateRequest, sum: SumIdx, since: Time) {
        let sum = self.first_sum(sum).unwrap_or(self.input.unknown);
        let (span, g) = (Window { start: since, end: request.end }, self.nodes[request.node.at()].g);
        let Some(state) = self.results.state(sum).filter(|_| span.start < span.end) else { return };
        let ns = span.end.since(span.start);
        request.states.resize(request.states.len().max(state.position() + 1), 0);
        request.states[state.position()] = request.states[state.position()].wrapping_add(ns);
        let is_own = !self.input.label.is_some() || !self.has_other_label(sum);
        self.count_wait_of(request.window, (sum, is_own), ns);
        if is_own {
            let own_ns = &mut self.results.sums[sum.at()].own_ns;
            *own_ns = own_ns.wrapping_add(ns);
        } else {
            self.results.elsewhere.add(WaitChainIdx::EMPTY, sum, ns);
        }
        let at = WorkAt { slice: self.input.slice, windows: self.input.windows };
        let (key, wait) = WaitEnd { sum, waiter: g, link: None, span }.counted(at, &mut self.memberships);
        self.results.wakeups.add(key, wait);
        if let Some(stacks) = &mut self.results.stacks {
            stacks.add_wait_of(request.window, key, wait);
        }
        if let Some(log) = self.path_log.as_mut().filter(|log| log.request == request.window) {
            log.note(g, sum, span);
        }
    }
}
