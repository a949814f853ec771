//! Counts what a root does for the requests that wait for it.
//!
//! The general rule is [`PathWalk::count_general`]: credit the time to all requests of the tree, and add it to what is
//! known of its sum, by the chain of waits in which each waits for it. The fast paths are for requests that are not looked at
//! closely; `fast_paths_find_what_the_general_rule_does` (`tests.rs`) compares both.

use super::chain_lists::{NodeChains, WorkTime};
use super::{PathLog, PathWalk, WalkNode};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::paths::wait_for::{NodeId, WaitForForest};
use crate::measure::paths::wakeups::{WaitEnd, WorkAt};
use crate::measure::paths::walk_results::{SumState, WalkHandOver, WalkResults};
use crate::slice::WindowIdx;
use crate::trace::time::{Time, Window};

/// The time of part `i` of `n` equal parts of a span: each `n`th nanosecond of the trace's clock. The parts add up to the
/// span, and so do those of its pieces, wherever other requests cut it.
fn nth_part(span: Window, i: usize, n: usize) -> u64 {
    let before = |time: Time| (i128::from(time.0) - i as i128).div_euclid(n as i128);
    (before(span.end - 1) - before(span.start - 1)).max(0) as u64
}

/// Equal to [`PathWalk::count_general`] but for the time during which the world was stopped, where requests depend on the root,
/// and none is looked at closely. Elsewhere it changes nothing, and gives false. Measured with `benches/compare.sh`.
// Inlined: part of the one inner loop, and the call cost as much.
#[inline(always)]
fn count_fast(
    (forest, results): (&mut WaitForForest, &mut WalkResults),
    (root, chains): (NodeId, &mut NodeChains),
    (sum, state): (SumIdx, SumState),
    span: Window,
) -> bool {
    let ns = span.end.since(span.start);
    let counts = !chains.list.is_empty() && forest.credit_fast(root, state.position(), ns);
    if counts {
        chains.add_work(WorkTime { sum, is_own: true, ns }, results);
    }
    counts
}

impl<'t> PathWalk<'_, 't> {
    /// Equal to [`PathWalk::reach_start`] without a link, where that only counts: the goroutine is a root, the interval is
    /// no wait, and requests depend on it. Elsewhere it changes nothing, and gives false. Measured with
    /// `benches/compare.sh`.
    // Inlined: the one inner loop, and the call cost as much.
    #[inline(always)]
    pub(super) fn reach_start_fast(&mut self, node: NodeId, sum: SumIdx, since: Time) -> bool {
        let Self { nodes, chains, results, forest, is_detailed, .. } = self;
        let walk_node = &mut nodes[node.at()];
        let Some(state) = results.state(sum) else { return false };
        let span = Window { start: since, end: walk_node.counted_from };
        let is_root = walk_node.waits_for == NodeId::NONE;
        if *is_detailed || !is_root || state.is_wait() || since >= walk_node.counted_from {
            return false;
        }
        if !count_fast((forest, results), (node, &mut chains[node.at()]), (sum, state), span) {
            return false;
        }
        (walk_node.counted_from, walk_node.woken_by, walk_node.interval_end) = (since, None, since);
        if state.is_runnable() {
            self.count_stopped(node, span);
        }
        true
    }

    /// Counts what a root did in `span`, in an interval that is counted in `sum`, for all requests that depend on it.
    // Inlined: part of the one inner loop, and the call cost as much.
    #[inline(always)]
    pub(super) fn count(&mut self, root: NodeId, sum: SumIdx, span: Window) {
        let Self { chains, results, forest, is_detailed, .. } = self;
        if !*is_detailed
            && let Some(state) = results.state(sum)
            && count_fast((forest, results), (root, &mut chains[root.at()]), (sum, state), span)
        {
            if state.is_runnable() {
                self.count_stopped(root, span);
            }
        } else {
            self.count_general(root, sum, span);
        }
    }

    /// Adds the part of `span`, runnable time of all requests that depend on `root`, during which the world was stopped.
    #[inline]
    fn count_stopped(&mut self, root: NodeId, span: Window) {
        let stopped = self.stopped_in(span);
        if stopped > 0 {
            let of_all = stopped.saturating_mul(u64::from(self.forest.dependents(root).count));
            self.results.stw_runnable_ns = self.results.stw_runnable_ns.saturating_add(of_all);
        }
    }

    /// The general rule: credits the time to all dependents, and adds it to the sum by the chain in which each waits.
    #[inline(never)]
    fn count_general(&mut self, root: NodeId, sum: SumIdx, span: Window) {
        let dependents = self.forest.dependents(root);
        if dependents.count == 0 {
            return;
        }
        match self.results.state(sum) {
            Some(state) => {
                self.count_in(root, (sum, state), span.end.since(span.start));
                if state.is_runnable() {
                    self.count_stopped(root, span);
                }
            }
            None => self.count_split(root, sum, span),
        }
        self.note_step(root, sum, span);
    }

    /// Counts an interval whose time CPU samples split, or of which nothing is known.
    #[cold]
    fn count_split(&mut self, root: NodeId, sum: SumIdx, span: Window) {
        let log = self.input.log;
        let unknown = [self.input.unknown];
        let sums = sum.split().and_then(|position| log.splits.get(position)).map_or(&unknown[..], |list| list);
        for (i, &sum) in sums.iter().enumerate() {
            let Some(state) = self.results.state(sum) else { continue };
            self.count_in(root, (sum, state), nth_part(span, i, sums.len()));
        }
    }

    #[inline(always)]
    fn count_in(&mut self, root: NodeId, (sum, state): (SumIdx, SumState), ns: u64) {
        self.forest.credit(root, state.position(), ns);
        let is_own = !self.input.label.is_some() || !self.has_other_label(sum);
        if self.results.stacks.is_some() {
            self.count_by_request(root, (sum, is_own), ns);
        }
        let chains = &mut self.chains[root.at()];
        debug_assert!(chains.list.iter().all(|(_, n)| *n > 0), "of a root, all is known");
        chains.add_work(WorkTime { sum, is_own, ns }, self.results);
    }

    /// Whether a sum belongs to a root of another name: a goroutine can work for one while a user task is attached to it.
    pub(super) fn has_other_label(&self, sum: SumIdx) -> bool {
        let chain = self.input.aggregate.key(sum).chain;
        self.input.slice.chains.get(chain).label != self.input.label
    }

    /// Trees changed: the root of the logged request has to be looked up again.
    pub(super) fn forget_logged_root(&mut self) {
        if let Some(log) = &mut self.path_log {
            log.root = NodeId::NONE;
        }
    }

    /// Notes what `root` did as a step of the logged path, if the logged request depends on it.
    #[inline]
    fn note_step(&mut self, root: NodeId, sum: SumIdx, span: Window) {
        if self.path_log.is_none() {
            return;
        }
        let (g, sum) = (self.nodes[root.at()].g, self.first_sum(sum).unwrap_or(self.input.unknown));
        if let Some(log) = self.log_of(root) {
            log.note(g, sum, span);
        }
    }

    /// Notes that before a moment, the logged path goes on with another goroutine than that of `root`, if the logged request
    /// depends on that.
    #[inline]
    pub(super) fn note_hand_over(&mut self, root: NodeId, hand_over: WalkHandOver) {
        if self.path_log.is_none() {
            return;
        }
        if let Some(log) = self.log_of(root) {
            log.note_hand_over(hand_over);
        }
    }

    /// What is noted of the logged request, if that depends on `root` here.
    #[inline]
    fn log_of(&mut self, root: NodeId) -> Option<&mut PathLog<'t>> {
        let log = self.path_log.as_mut().filter(|log| log.is_open)?;
        if log.root == NodeId::NONE {
            log.root = self.forest.root(log.node);
        }
        (log.root == root).then_some(log)
    }

    /// The part of a span during which the world was stopped, in ns; 0 for nearly all spans.
    #[inline]
    fn stopped_in(&mut self, span: Window) -> u64 {
        if self.not_stopped.start <= span.start && span.end <= self.not_stopped.end {
            return 0;
        }
        self.look_up_stopped(span)
    }

    #[cold]
    fn look_up_stopped(&mut self, span: Window) -> u64 {
        self.not_stopped = self.input.ranges.not_stopped_around(span);
        self.input.ranges.stopped_in(span)
    }

    /// The sum, or the first of a list of sums; none for no interval.
    pub(super) fn first_sum(&self, sum: SumIdx) -> Option<SumIdx> {
        let first = match sum.split() {
            Some(position) => *self.input.log.splits.get(position)?.first()?,
            None => sum,
        };
        self.results.state(first).map(|_| first)
    }

    /// Whether the goroutine of a node is that of a request that depends on it.
    #[inline]
    fn is_of_dependent(&mut self, node: NodeId) -> bool {
        let WalkNode { n_requests, owner, .. } = self.nodes[node.at()];
        n_requests > 0
            || match self.forest.dependents(node).only() {
                Some(only) => only == owner,
                None => self.depends_from_below(owner, node),
            }
    }

    /// Whether a request depends on `root`, and is attached to another node of its tree.
    #[inline]
    fn depends_from_below(&mut self, request: WindowIdx, root: NodeId) -> bool {
        if !request.is_some() {
            return false;
        }
        let node = self.position.node_of_request(request);
        node != NodeId::NONE && node != root && self.forest.root(node) == root
    }

    /// Reaches the start of an interval, at `since`: if it is a wait of a goroutine of one of its dependents, notes who
    /// ended it.
    pub(super) fn note_wait(&mut self, node: NodeId, sum: SumIdx, since: Time) {
        let Some(sum) = self.first_sum(sum) else { return };
        let WalkNode { g, owner, interval_end, woken_by, .. } = self.nodes[node.at()];
        if interval_end <= since || !self.results.state(sum).is_some_and(SumState::is_wait) {
            return;
        }
        if self.is_of_dependent(node) {
            let span = Window { start: since, end: interval_end };
            let at = WorkAt { slice: self.input.slice, windows: self.input.windows };
            let (key, wait) = WaitEnd { sum, waiter: g, link: woken_by, span }.counted(at, &mut self.memberships);
            self.results.wakeups.add(key, wait);
            if let Some(stacks) = &mut self.results.stacks {
                stacks.add_wait((node, owner), key, wait);
            }
        }
    }

    /// The last request of a node starts at `time`: if its goroutine is in a wait, notes who ended that.
    pub(super) fn note_open_wait(&mut self, node: NodeId, time: Time) {
        let sum = self.position.sum(self.nodes[node.at()].g);
        self.note_wait(node, sum, time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_however_a_span_is_cut() {
        for n in 1..7 {
            for start in -10..10 {
                for end in start..start + 25 {
                    let part = |start, end, i| nth_part(Window { start: Time(start), end: Time(end) }, i, n);
                    let parts: Vec<u64> = (0..n).map(|i| part(start, end, i)).collect();
                    assert_eq!(parts.iter().sum::<u64>(), (end - start) as u64);
                    assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
                    for cut in start..=end {
                        let cut: Vec<u64> = (0..n).map(|i| part(start, cut, i) + part(cut, end, i)).collect();
                        assert_eq!(cut, parts);
                    }
                }
            }
        }
    }
}
