//! Walks the critical paths of requests back in time, all at once. HOT.
//!
//! A request's latency is cut into pieces that belong to exactly one goroutine and state: those of its own
//! goroutine, except that a wait which another goroutine ended is what that goroutine did meanwhile, and so on.
//! Felix Geisendörfer's rule (go.dev/issue/57175): into another goroutine only while the own one waits.
//!
//! Who is at work at a moment depends on the goroutine that is looked at and not on where the request began. So one
//! walk from the latest piece to the earliest serves all requests: a goroutine that waits delegates to its waker
//! from the wait's end back to its start, and what the one at work does counts for all that delegate to it
//! ([`Delegations`]). Ten thousand requests that wait for one lock cost ten thousand links, not ten thousand copies
//! of what its holder did.

use super::aggregate::Aggregate;
use super::delegations::{Delegations, NOBODY, NodeId};
use super::overlays::Ranges;
use super::states::StateKey;
use super::tape::{LinkKind, NONE, Piece, Tape, place};
use super::timeline::share_of;
use super::wakeups::WaitEnd;
use super::walked::{MAX_STATES, Ride, Step, Walked};
use crate::ids::{GIdx, StringIdx};
use crate::slice::Slice;
use crate::time::{Time, Window};

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
    /// The link that ended the wait at hand; [`NONE`] for none.
    woken: u32,
    /// Those that delegate to it, as a list through `next`.
    first: NodeId,
    next: NodeId,
    previous: NodeId,
}

/// All that a walk needs to see.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) slice: &'a Slice,
    pub(super) aggregate: &'a Aggregate,
    pub(super) ranges: &'a Ranges,
    /// The place of time that nothing is known of.
    pub(super) unknown: u32,
    /// What all requests are called; none when names differ.
    pub(super) label: StringIdx,
}

/// Per goroutine, its node, and per request the node that it rides on; kept from one walk to the next.
#[derive(Default, Debug)]
pub(super) struct Nodes {
    of: Vec<NodeId>,
    ridden: Vec<NodeId>,
}

impl Nodes {
    pub(super) fn new(n: usize) -> Self {
        Self { of: vec![NOBODY; n], ridden: Vec::new() }
    }
}

/// One walk, from the latest end of a request back to the earliest start.
pub(super) struct Walk<'a> {
    ground: Ground<'a>,
    tape: &'a mut Tape,
    nodes: &'a mut Nodes,
    out: &'a mut Walked,
    /// Notes the path instead of counting it; for walks with one request.
    log: Option<Vec<Step>>,
    delegations: Delegations,
    active: Vec<Active>,
}

/// Where a walk starts or ends to count for a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Border {
    /// The request's end: its path begins.
    End,
    /// The request's start: its path is complete. Of one moment this comes first, as time goes back.
    Start,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        tape: &'a mut Tape,
        nodes: &'a mut Nodes,
        out: &'a mut Walked,
        logged: bool,
    ) -> Self {
        nodes.ridden.resize(ground.slice.windows.len(), NOBODY);
        Self {
            ground,
            tape,
            nodes,
            out,
            log: logged.then(Vec::new),
            delegations: Delegations::new(MAX_STATES),
            active: Vec::new(),
        }
    }

    /// Walks all paths; fills in the rides' states. Gives the steps, where they were asked for.
    pub(super) fn run(mut self, rides: &mut [Ride]) -> Vec<Step> {
        let mut borders: Vec<(Time, Border, u32)> = Vec::with_capacity(rides.len() * 2);
        for (i, ride) in rides.iter().enumerate().filter(|(_, r)| r.span.start < r.span.end) {
            borders.push((ride.span.end, Border::End, i as u32));
            borders.push((ride.span.start, Border::Start, i as u32));
        }
        borders.sort_unstable();
        let mut at = self.tape.pieces.len();
        while at > 0 && !borders.is_empty() {
            let piece = self.tape.pieces[at - 1];
            while let Some(&(time, border, ride)) = borders.last().filter(|b| b.0 > piece.since) {
                borders.pop();
                self.border(time, border, ride, rides);
            }
            if borders.is_empty() {
                break;
            }
            at -= 1;
            self.piece(piece);
            self.tape.last[piece.g.at()] = piece.previous;
        }
        while let Some((time, border, ride)) = borders.pop() {
            self.border(time, border, ride, rides);
        }
        for i in at..self.tape.pieces.len() {
            self.tape.last[self.tape.pieces[i].g.at()] = i as u32;
        }
        for active in &self.active {
            self.nodes.of[active.g.at()] = NOBODY;
        }
        self.log.unwrap_or_default()
    }

    fn border(&mut self, time: Time, border: Border, ride: u32, rides: &mut [Ride]) {
        let request = &mut rides[ride as usize];
        let node = self.node(request.g, time);
        let root = self.root(node);
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
            if rides == 0 {
                self.active[node as usize].entered = time;
            }
            self.active[node as usize].rides = rides + 1;
            self.nodes.ridden[request.window.at()] = node;
        } else {
            if self.active[node as usize].rides == 1 {
                self.end_wait(node, time);
            }
            self.active[node as usize].rides -= 1;
            self.nodes.ridden[request.window.at()] = NOBODY;
        }
        self.delegations.set_own(node, self.active[node as usize].rides);
        let credited = self.delegations.credited(node);
        if end {
            request.states = credited.iter().map(|ns| 0u64.wrapping_sub(*ns)).collect();
        } else {
            for (state, ns) in request.states.iter_mut().zip(credited) {
                *state = state.wrapping_add(*ns);
            }
        }
        self.release_if_idle(node);
    }

    /// The node of a goroutine, which begins to matter at `time` if it did not.
    fn node(&mut self, g: GIdx, time: Time) -> NodeId {
        let node = self.nodes.of[g.at()];
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
            woken: NONE,
            first: NOBODY,
            next: NOBODY,
            previous: NOBODY,
        };
        if let Some(slot) = self.active.get_mut(node as usize) {
            *slot = active;
        } else {
            self.active.push(active);
        }
        self.nodes.of[g.at()] = node;
        node
    }

    fn release_if_idle(&mut self, node: NodeId) {
        let active = self.active[node as usize];
        if active.to == NOBODY && active.first == NOBODY && active.rides == 0 {
            self.nodes.of[active.g.at()] = NOBODY;
            self.delegations.release(node);
        }
    }

    /// The goroutine at work for a node. Most chains are short.
    fn root(&mut self, node: NodeId) -> NodeId {
        let mut at = node;
        for _ in 0..8 {
            let to = self.active[at as usize].to;
            if to == NOBODY {
                return at;
            }
            at = to;
        }
        self.delegations.root(at)
    }

    /// Counts what the one at work did from `time` on.
    fn flush(&mut self, root: NodeId, time: Time) {
        let Active { g, until, .. } = self.active[root as usize];
        if time < until {
            let at = self.tape.last[g.at()];
            let place = self.tape.pieces.get(at as usize).map_or(self.ground.unknown, |piece| piece.place);
            self.count(root, place, Window { start: time, end: until });
            self.active[root as usize].until = time;
        }
    }

    /// A piece of the tape begins here, as time goes back: what is later is counted.
    fn piece(&mut self, piece: Piece) {
        let node = self.nodes.of[piece.g.at()];
        if node == NOBODY {
            return;
        }
        let since = piece.since;
        let to = self.active[node as usize].to;
        if to == NOBODY {
            let until = self.active[node as usize].until;
            if since < until {
                self.count(node, piece.place, Window { start: since, end: until });
            }
        } else {
            let root = self.root(node);
            self.flush(root, since);
            self.undelegate(node);
            self.release_if_idle(to);
        }
        self.active[node as usize].until = since;
        self.note_wait(node, piece.place, since);
        self.active[node as usize].woken = NONE;
        self.active[node as usize].entered = since;
        if piece.link != NONE {
            self.follow(node, piece.link, since);
        }
        self.release_if_idle(node);
    }

    /// Goes on with who started the piece at hand.
    fn follow(&mut self, node: NodeId, link: u32, time: Time) {
        let by = self.tape.links[link as usize];
        match by.kind {
            LinkKind::Wake => {
                self.active[node as usize].woken = link;
                self.delegate(node, by.by, time);
            }
            LinkKind::Accident | LinkKind::Runtime => self.active[node as usize].woken = link,
            LinkKind::Birth if by.by.is_some() => {
                if !self.delegate(node, by.by, time) {
                    self.orphan(node, time);
                }
            }
            LinkKind::Birth => self.orphan(node, time),
        }
    }

    /// `node` waited until `time` for `by`, which is not done before, or does not exist before `by` made it.
    fn delegate(&mut self, node: NodeId, by: GIdx, time: Time) -> bool {
        let before = by.is_some().then(|| self.tape.last[by.at()]);
        let alive = before.is_some_and(|at| self.tape.pieces.get(at as usize).is_some_and(|p| p.place != place::DEAD));
        if !alive || self.delegations.requests(node) == 0 {
            return false;
        }
        let to = self.node(by, time);
        let root = self.root(to);
        if root == node {
            return false;
        }
        self.flush(root, time);
        self.delegations.link(node, to);
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
                if self.tape.last[self.active[waiter as usize].g.at()] == NONE {
                    unborn.push(waiter);
                }
            }
        }
    }

    /// What the one at work did counts for all that ride with it.
    fn count(&mut self, root: NodeId, at: u32, span: Window) {
        let requests = u64::from(self.delegations.requests(root));
        if requests == 0 {
            return;
        }
        let ns = span.end.since(span.start);
        let Active { g, rides, .. } = self.active[root as usize];
        let own = u64::from(rides);
        let inside = u64::from(own == 0 && self.rides_with(g, root));
        let shared = place::shared(at).and_then(|i| self.tape.shared.get(i)).cloned();
        let parts = [own, inside, requests - own - inside];
        if let Some(places) = shared {
            let n = places.len() as u64;
            for (i, &place) in places.iter().enumerate() {
                self.count_at(root, place, share_of(ns, i as u64, n), parts);
            }
        } else {
            let place = if (at as usize) < self.ground.aggregate.len() { at } else { self.ground.unknown };
            self.count_at(root, place, ns, parts);
            if self.ground.aggregate.key(place).state == StateKey::RUNNABLE && self.log.is_none() {
                let stopped = self.ground.ranges.stopped_in(span);
                self.out.stw_runnable_ns = self.out.stw_runnable_ns.saturating_add(stopped * requests);
            }
        }
        let (first, unknown) = (self.first_place(at), self.ground.unknown);
        if let Some(log) = &mut self.log {
            let step = Step { span, g, place: first.unwrap_or(unknown) };
            match log.last_mut() {
                Some(last) if last.g == g && last.place == step.place && last.span.start == span.end => {
                    last.span.start = span.start;
                }
                _ => log.push(step),
            }
        }
    }

    fn first_place(&self, at: u32) -> Option<u32> {
        let place = match place::shared(at) {
            Some(i) => *self.tape.shared.get(i)?.first()?,
            None => at,
        };
        ((place as usize) < self.ground.aggregate.len()).then_some(place)
    }

    fn count_at(&mut self, root: NodeId, place: u32, ns: u64, [mut own, inside, mut foreign]: [u64; 3]) {
        let key = self.ground.aggregate.key(place);
        let slot = self.out.states.slot(place, key.state);
        self.delegations.credit(root, slot, ns);
        if self.log.is_some() || ns == 0 {
            return;
        }
        // A goroutine can work for a root of another name while a task rides on it.
        let contexts = &self.ground.slice.contexts;
        if own > 0 && self.ground.label.is_some() && contexts.get(key.context).label != self.ground.label {
            (own, foreign) = (0, foreign + own);
        }
        for (n, sums) in [(own, &mut self.out.own), (inside, &mut self.out.inside), (foreign, &mut self.out.foreign)] {
            if n > 0 {
                sums.add(place, ns.saturating_mul(n));
            }
        }
    }

    /// Whether the request that a goroutine belongs to rides in the tree of `root`.
    fn rides_with(&mut self, g: GIdx, root: NodeId) -> bool {
        let owner = self.ground.slice.owner[g.at()];
        if !owner.is_some() {
            return false;
        }
        let of_request = self.nodes.ridden[owner.at()];
        of_request != NOBODY && self.root(of_request) == root
    }

    /// A wait of a request's own goroutines is over, as time goes back: who ended it?
    fn note_wait(&mut self, node: NodeId, at: u32, since: Time) {
        let Some(place) = self.first_place(at) else { return };
        if self.log.is_some() || !self.ground.aggregate.key(place).state.is_wait() {
            return;
        }
        let active = self.active[node as usize];
        if active.entered <= since || !(active.rides > 0 || self.rides_with(active.g, node)) {
            return;
        }
        let link = self.tape.links.get(active.woken as usize).copied();
        let end = WaitEnd { place, waiter: active.g, link, ns: active.entered.since(since) };
        self.out.wakeups.add(end, self.ground.slice);
    }

    /// A request starts in the middle of a wait.
    fn end_wait(&mut self, node: NodeId, time: Time) {
        let at = self.tape.last[self.active[node as usize].g.at()];
        if let Some(piece) = self.tape.pieces.get(at as usize) {
            self.note_wait(node, piece.place, time.max(piece.since));
        }
    }
}

#[cfg(test)]
mod tests;
