//! Walks the critical paths of requests back in time, all at once. HOT.
//!
//! A request's latency is cut into pieces that belong to exactly one goroutine and state: those of its own
//! goroutine, except that a wait which another goroutine ended is what that goroutine did meanwhile, and so on.
//! Felix Geisendörfer's rule (go.dev/issue/57175): into another goroutine only while the own one waits.
//!
//! Who is at work at a moment depends on the goroutine that is looked at and not on where the request began. So one
//! walk from the latest piece to the earliest serves all requests: a goroutine that waits delegates to its waker
//! from the wait's end back to its start, and what the one at work does counts for all that delegate to it
//! ([`WaitForForest`]). Ten thousand requests that wait for one lock cost ten thousand links, not ten thousand copies
//! of what its holder did.

mod count;
mod log;
mod nodes;

pub(crate) use log::Logged;
pub(crate) use nodes::Nodes;

use super::interval_log::{IntervalLog, Link, LinkKind, Run, place};
use super::runtime_ranges::Ranges;
use super::wait_for::{NOBODY, NodeId, WaitForForest};
use super::walk_results::{PathSegment, PlaceState, WalkResults};
use crate::measure::intervals::aggregate::Aggregate;
use crate::slice::Slice;
use crate::slice::WindowIdx;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::time::{Time, Window};
use log::Log;

/// A goroutine on somebody's path.
#[derive(Clone, Copy, Debug)]
struct Active {
    g: GIdx,
    /// What is later was counted.
    until: Time,
    /// Where the piece that is at hand ends, as far as it is on a path.
    entered: Time,
    /// Whom it delegates to.
    to: NodeId,
    /// Requests that ride on it: tasks can share a goroutine.
    rides: u32,
    /// The request that it belongs to; none for outsiders.
    owner: WindowIdx,
    /// What ended the wait at hand.
    woken: Option<Link>,
    /// Those that delegate to it, as a list through `next`.
    first: NodeId,
    next: NodeId,
    previous: NodeId,
}

/// All that a walk needs to see.
#[derive(Clone, Copy)]
pub(crate) struct WalkInput<'a> {
    pub(crate) slice: &'a Slice,
    pub(crate) aggregate: &'a Aggregate,
    pub(crate) ranges: &'a Ranges,
    /// The place of time that nothing is known of.
    pub(crate) unknown: u32,
    /// What all requests are called; none when names differ, or need not be told apart.
    pub(crate) label: StringIdx,
}

/// One walk, from the latest end of a request back to the earliest start.
pub(crate) struct PathWalk<'a, 't> {
    ground: WalkInput<'a>,
    tape: &'t IntervalLog,
    nodes: &'a mut Nodes,
    out: &'a mut WalkResults,
    log: Option<Log<'t>>,
    /// Whether the request that is logged is under way.
    logs: bool,
    /// Whether there is more to do about each piece than to count it.
    looks_closer: bool,
    delegations: WaitForForest,
    active: Vec<Active>,
    /// A stretch of time during which the world was not stopped.
    quiet: Window,
}

/// Where a walk starts or ends to count for a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Border {
    /// The request's end: its path begins.
    End,
    /// The request's start: its path is complete. Of one moment this comes first, as time goes back.
    Start,
}

impl<'a, 't> PathWalk<'a, 't> {
    pub(crate) fn new(
        ground: WalkInput<'a>,
        tape: &'t IntervalLog,
        nodes: &'a mut Nodes,
        out: &'a mut WalkResults,
        logged: Option<WindowIdx>,
    ) -> Self {
        out.learn(ground.aggregate);
        nodes.ridden.resize(ground.slice.windows.len(), NOBODY);
        Self {
            ground,
            tape,
            nodes,
            out,
            log: logged.map(|request| Log { request, node: NOBODY, root: NOBODY, logged: Logged::default() }),
            logs: false,
            looks_closer: ground.label.is_some(),
            delegations: WaitForForest::default(),
            active: Vec::new(),
            quiet: Window { start: Time::MAX, end: Time::MIN },
        }
    }

    /// Walks all paths; fills in the rides' states. Gives the path of the one that is logged. The nodes are those of the
    /// tape's end.
    pub(crate) fn run(mut self, rides: &mut [PathSegment]) -> Logged<'t> {
        let mut borders: Vec<(Time, Border, u32)> = Vec::with_capacity(rides.len() * 2);
        for (i, ride) in rides.iter().enumerate().filter(|(_, r)| r.span.start < r.span.end) {
            borders.push((ride.span.end, Border::End, i as u32));
            borders.push((ride.span.start, Border::Start, i as u32));
        }
        borders.sort_unstable();
        let tape = self.tape;
        let mut turns = tape.backward();
        while let Some((time, border, ride)) = borders.pop() {
            while let Some(run) = turns.next_from(time) {
                self.pass(run);
            }
            if border == Border::End
                && let Some(log) = self.log.as_mut().filter(|log| log.request == rides[ride as usize].window)
                && log.logged.end.is_none()
            {
                log.logged.end = Some((turns.clone(), self.nodes.clone()));
            }
            self.border(time, border, ride, rides);
        }
        self.log.map(|log| log.logged).unwrap_or_default()
    }

    fn border(&mut self, time: Time, border: Border, ride: u32, rides: &mut [PathSegment]) {
        let request = &mut rides[ride as usize];
        let node = self.node(request.g, time);
        let root = self.delegations.root(node);
        self.flush(root, time);
        let end = border == Border::End;
        if end {
            // A wait that outlasts the request stays a wait, also where a later request followed its waker.
            let Active { to, first, rides, .. } = self.active[node as usize];
            if to != NOBODY && first == NOBODY && rides == 0 {
                self.undelegate(node);
                self.release_if_idle(to);
                self.active[node as usize].until = time;
            }
            let active = &mut self.active[node as usize];
            if rides == 0 {
                active.entered = time;
            }
            active.rides += 1;
            self.nodes.ridden[request.window.at()] = node;
            self.delegations.board(node, request.window);
        } else {
            if self.active[node as usize].rides == 1 {
                self.end_wait(node, time);
            }
            self.active[node as usize].rides -= 1;
            self.nodes.ridden[request.window.at()] = NOBODY;
            self.delegations.alight(node, request.window);
        }
        if let Some(log) = self.log.as_mut().filter(|log| log.request == request.window) {
            (log.node, log.root) = (node, NOBODY);
            self.logs = end;
            self.looks_closer = end || self.ground.label.is_some();
        }
        let credited = self.delegations.credited(node);
        if end {
            request.states = credited.iter().map(|ns| 0u64.wrapping_sub(*ns)).collect();
        } else {
            request.states.resize(credited.len(), 0);
            for (state, ns) in request.states.iter_mut().zip(credited) {
                *state = state.wrapping_add(*ns);
            }
        }
        self.release_if_idle(node);
    }

    /// The node of a goroutine, which begins to matter at `time` if it did not.
    fn node(&mut self, g: GIdx, time: Time) -> NodeId {
        let node = self.nodes.of[g.at()].node;
        if node != NOBODY {
            return node;
        }
        let node = self.delegations.add();
        let active = Active {
            g,
            until: time,
            entered: time,
            to: NOBODY,
            rides: 0,
            owner: self.ground.slice.owner[g.at()],
            woken: None,
            first: NOBODY,
            next: NOBODY,
            previous: NOBODY,
        };
        if let Some(slot) = self.active.get_mut(node as usize) {
            *slot = active;
        } else {
            self.active.push(active);
        }
        self.nodes.of[g.at()].node = node;
        node
    }

    fn release_if_idle(&mut self, node: NodeId) {
        let active = self.active[node as usize];
        if active.to == NOBODY && active.first == NOBODY && active.rides == 0 {
            self.nodes.of[active.g.at()].node = NOBODY;
            self.delegations.release(node);
        }
    }

    /// Counts what the one at work did from `time` on.
    fn flush(&mut self, root: NodeId, time: Time) {
        let Active { g, until, .. } = self.active[root as usize];
        if time < until {
            let place = self.nodes.place(g);
            self.count(root, place, Window { start: time, end: until });
            self.active[root as usize].until = time;
        }
    }

    fn pass(&mut self, mut run: Run<'_>) {
        while let Some(turn) = run.pop() {
            let (node, after) = self.nodes.turn(turn);
            if node != NOBODY {
                let link = run.link(turn);
                if link.is_some() || !self.usual_piece(node, after, run.time(turn)) {
                    self.piece(node, after, run.time(turn), link);
                }
            }
        }
    }

    /// A goroutine's piece begins here, as time goes back: what is later is counted.
    #[inline(never)]
    fn piece(&mut self, node: NodeId, after: u32, since: Time, link: Option<Link>) {
        let Active { to, until, entered, .. } = self.active[node as usize];
        if to != NOBODY {
            self.work_again(node, since);
        } else if since < until {
            self.count(node, after, Window { start: since, end: until });
        }
        if entered > since && self.out.state(after).is_none_or(PlaceState::waits) {
            self.note_wait(node, after, since);
        }
        let active = &mut self.active[node as usize];
        (active.until, active.woken, active.entered) = (since, None, since);
        if let Some(link) = link {
            self.follow(node, link, since);
        }
        // Whoever is at work stays so, unless its waiters were sent away.
        if to != NOBODY || link.is_some() {
            self.release_if_idle(node);
        }
    }

    /// Before its wait began, at `time`, a goroutine was at work itself.
    fn work_again(&mut self, node: NodeId, time: Time) {
        let root = self.delegations.root(node);
        self.flush(root, time);
        let to = self.active[node as usize].to;
        self.undelegate(node);
        self.release_if_idle(to);
    }

    /// Goes on with who started the piece at hand.
    fn follow(&mut self, node: NodeId, link: Link, time: Time) {
        match link.kind {
            LinkKind::Wake => {
                self.active[node as usize].woken = Some(link);
                self.delegate(node, link.by, time);
            }
            LinkKind::Accident | LinkKind::Runtime => self.active[node as usize].woken = Some(link),
            LinkKind::Birth if link.by.is_some() => {
                if !self.delegate(node, link.by, time) {
                    self.orphan(node, time);
                }
            }
            LinkKind::Birth => self.orphan(node, time),
        }
    }

    /// `node` waited until `time` for `by`, which is not done before, or does not exist before `by` made it.
    fn delegate(&mut self, node: NodeId, by: GIdx, time: Time) -> bool {
        let alive = by.is_some() && place::is_alive(self.nodes.place(by));
        if !alive || self.delegations.requests(node).count == 0 {
            return false;
        }
        let to = self.node(by, time);
        let root = self.delegations.root(to);
        if root == node {
            return false;
        }
        self.flush(root, time);
        self.delegations.link(node, to);
        self.roots_change();
        let first = self.active[to as usize].first;
        if first != NOBODY {
            self.active[first as usize].previous = node;
        }
        self.active[to as usize].first = node;
        let active = &mut self.active[node as usize];
        (active.to, active.next, active.previous) = (to, first, NOBODY);
        true
    }

    /// A goroutine works itself again.
    fn undelegate(&mut self, node: NodeId) {
        let Active { to, next, previous, .. } = self.active[node as usize];
        self.delegations.cut(node);
        self.roots_change();
        if previous == NOBODY {
            self.active[to as usize].first = next;
        } else {
            self.active[previous as usize].next = next;
        }
        if next != NOBODY {
            self.active[next as usize].previous = previous;
        }
        let active = &mut self.active[node as usize];
        (active.to, active.next, active.previous) = (NOBODY, NOBODY, NOBODY);
    }

    /// Before `time` a goroutine did not exist, and nobody made it: who waited for it just waited. Who was made by
    /// it did not exist either.
    fn orphan(&mut self, node: NodeId, time: Time) {
        let mut unborn = vec![node];
        while let Some(node) = unborn.pop() {
            while self.active[node as usize].first != NOBODY {
                let waiter = self.active[node as usize].first;
                self.undelegate(waiter);
                self.active[waiter as usize].until = time;
                if self.nodes.place(self.active[waiter as usize].g) == place::UNBORN {
                    unborn.push(waiter);
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
