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
use super::tape::{Link, LinkKind, Read, Run, Tape, place};
use super::timeline::share_of;
use super::wakeups::WaitEnd;
use super::walked::{Ride, Step, Walked};
use crate::ids::{GIdx, WindowIdx};
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
    /// The request that rides on it.
    ride: WindowIdx,
    /// What ended the wait at hand.
    woken: Option<Link>,
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
}

/// A goroutine while paths are walked.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// Its node; [`NOBODY`] while it is on nobody's path.
    node: NodeId,
    /// The place of what it does where the walk is.
    place: u32,
}

/// Per goroutine, where it stands; the memory is kept from one walk to the next.
#[derive(Default, Debug)]
pub(super) struct Nodes {
    of: Vec<Standing>,
}

impl Nodes {
    pub(super) fn new(n: usize) -> Self {
        Self { of: vec![Standing { node: NOBODY, place: place::DEAD }; n] }
    }

    /// Goes to the end of a tape, where the goroutines of `open` exist, and do what is counted at their places.
    pub(super) fn rewind(&mut self, open: &[(GIdx, u32)]) {
        self.of.fill(Standing { node: NOBODY, place: place::DEAD });
        for &(g, place) in open {
            self.of[g.at()].place = place;
        }
    }

    /// The place of what a goroutine does.
    pub(super) fn place(&self, g: GIdx) -> u32 {
        self.of[g.at()].place
    }

    /// A goroutine is looked at, as number `node`.
    pub(super) fn mark(&mut self, g: GIdx, node: NodeId) {
        self.of[g.at()].node = node;
    }

    /// Goes back over turns, without walking. Tells of those that are looked at, when a piece begins, and its place.
    pub(super) fn pass(&mut self, mut run: Run<'_>, mut begins: impl FnMut(NodeId, Time, u32)) {
        while let Some(turn) = run.pop() {
            let (node, after) = self.turn(turn);
            if node != NOBODY {
                begins(node, run.time(turn), after);
            }
        }
    }

    /// Goes back over a turn; gives the goroutine's node and the place of what it did after it.
    #[inline]
    fn turn(&mut self, turn: Read) -> (NodeId, u32) {
        let standing = &mut self.of[turn.g.at()];
        (standing.node, std::mem::replace(&mut standing.place, turn.before))
    }
}

/// One walk, from the latest end of a request back to the earliest start.
pub(super) struct Walk<'a> {
    ground: Ground<'a>,
    tape: &'a Tape,
    nodes: &'a mut Nodes,
    out: &'a mut Walked,
    /// Notes the path instead of counting it; for walks with one request.
    log: Option<Vec<Step>>,
    delegations: Delegations,
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

impl<'a> Walk<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        tape: &'a Tape,
        nodes: &'a mut Nodes,
        out: &'a mut Walked,
        logged: bool,
    ) -> Self {
        out.states.learn(ground.aggregate);
        Self {
            ground,
            tape,
            nodes,
            out,
            log: logged.then(Vec::new),
            delegations: Delegations::default(),
            active: Vec::new(),
            quiet: Window { start: Time::MAX, end: Time::MIN },
        }
    }

    /// Walks all paths; fills in the rides' states. Gives the steps, where they were asked for. The nodes are those of
    /// the tape's end.
    pub(super) fn run(mut self, rides: &mut [Ride]) -> Vec<Step> {
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
            self.border(time, border, ride, rides);
        }
        self.log.unwrap_or_default()
    }

    fn border(&mut self, time: Time, border: Border, ride: u32, rides: &mut [Ride]) {
        let request = &mut rides[ride as usize];
        let node = self.node(request.g, time);
        let root = self.delegations.root(node);
        self.flush(root, time);
        let end = border == Border::End;
        if end {
            // A wait that outlasts the request stays a wait, also where a later request followed its waker.
            let Active { to, first, .. } = self.active[node as usize];
            if to != NOBODY && first == NOBODY {
                self.undelegate(node);
                self.release_if_idle(to);
                self.active[node as usize].until = time;
            }
            self.active[node as usize].entered = time;
            self.active[node as usize].ride = request.window;
            self.delegations.set_own(node, true);
        } else {
            self.end_wait(node, time);
            self.active[node as usize].ride = WindowIdx::NONE;
            self.delegations.set_own(node, false);
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
            ride: WindowIdx::NONE,
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
        if active.to == NOBODY && active.first == NOBODY && !active.ride.is_some() {
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
                self.piece(node, after, run.time(turn), run.link());
            }
        }
    }

    /// A goroutine's piece begins here, as time goes back: what is later is counted.
    fn piece(&mut self, node: NodeId, after: u32, since: Time, link: Option<Link>) {
        let to = self.active[node as usize].to;
        if to == NOBODY {
            let until = self.active[node as usize].until;
            if since < until {
                self.count(node, after, Window { start: since, end: until });
            }
        } else {
            let root = self.delegations.root(node);
            self.flush(root, since);
            self.undelegate(node);
            self.release_if_idle(to);
        }
        self.note_wait(node, after, since);
        let active = &mut self.active[node as usize];
        (active.until, active.woken, active.entered) = (since, None, since);
        if let Some(link) = link {
            self.follow(node, link, since);
        }
        self.release_if_idle(node);
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
        if !alive || self.delegations.requests(node) == 0 {
            return false;
        }
        let to = self.node(by, time);
        let root = self.delegations.root(to);
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
                if self.nodes.place(self.active[waiter as usize].g) == place::UNBORN {
                    unborn.push(waiter);
                }
            }
        }
    }

    /// What the one at work did counts for all that ride with it.
    fn count(&mut self, root: NodeId, at: u32, span: Window) {
        let requests = self.delegations.requests(root);
        if requests == 0 {
            return;
        }
        let Active { g, ride, .. } = self.active[root as usize];
        let own = u32::from(ride.is_some());
        let inside = u32::from(own == 0 && self.rides_with(g, root));
        let parts = [own, inside, requests - own - inside];
        let ns = span.end.since(span.start);
        if place::shared(at).is_some() {
            self.count_shared(root, at, ns, parts);
        } else {
            let place = if (at as usize) < self.out.states.len() { at } else { self.ground.unknown };
            self.count_at(root, place, ns, parts);
            if self.out.states.of(place).runnable && self.log.is_none() {
                let stopped = self.stopped_in(span).saturating_mul(u64::from(requests));
                self.out.stw_runnable_ns = self.out.stw_runnable_ns.saturating_add(stopped);
            }
        }
        if self.log.is_some() {
            self.note_step(g, at, span);
        }
    }

    #[cold]
    fn count_shared(&mut self, root: NodeId, at: u32, ns: u64, parts: [u32; 3]) {
        let tape = self.tape;
        let places = place::shared(at).and_then(|i| tape.shared.get(i)).map_or(&[][..], Vec::as_slice);
        let n = places.len() as u64;
        for (i, &place) in places.iter().enumerate() {
            self.count_at(root, place, share_of(ns, i as u64, n), parts);
        }
    }

    #[inline]
    fn count_at(&mut self, root: NodeId, place: u32, ns: u64, parts: [u32; 3]) {
        let slot = self.out.states.of(place).slot;
        self.delegations.credit(root, usize::from(slot), ns);
        if self.log.is_some() || ns == 0 {
            return;
        }
        let [own, inside, foreign] = parts.map(u64::from);
        if own > 0 {
            self.out.own.add(place, ns);
        }
        if inside > 0 {
            self.out.inside.add(place, ns);
        }
        if foreign > 0 {
            self.out.foreign.add(place, ns.saturating_mul(foreign));
        }
    }

    /// Notes a step of the path, which is one request's.
    #[cold]
    fn note_step(&mut self, g: GIdx, at: u32, span: Window) {
        let place = self.first_place(at).unwrap_or(self.ground.unknown);
        let Some(log) = &mut self.log else { return };
        match log.last_mut() {
            Some(last) if last.g == g && last.place == place && last.span.start == span.end => {
                last.span.start = span.start;
            }
            _ => log.push(Step { span, g, place }),
        }
    }

    /// Time during which the world was stopped; 0 for nearly all spans, one after the other.
    #[inline]
    fn stopped_in(&mut self, span: Window) -> u64 {
        if self.quiet.start <= span.start && span.end <= self.quiet.end {
            return 0;
        }
        self.quiet = self.ground.ranges.quiet_around(span);
        self.ground.ranges.stopped_in(span)
    }

    fn first_place(&self, at: u32) -> Option<u32> {
        let place = match place::shared(at) {
            Some(i) => *self.tape.shared.get(i)?.first()?,
            None => at,
        };
        ((place as usize) < self.out.states.len()).then_some(place)
    }

    /// Whether the request that a goroutine belongs to rides in the tree of `root`.
    fn rides_with(&mut self, g: GIdx, root: NodeId) -> bool {
        let owner = self.ground.slice.owner[g.at()];
        if !owner.is_some() {
            return false;
        }
        let of_request = self.nodes.of[self.ground.slice.windows[owner.at()].g.at()].node;
        of_request != NOBODY
            && self.active[of_request as usize].ride == owner
            && self.delegations.root(of_request) == root
    }

    /// A wait of a request's own goroutines is over, as time goes back: who ended it?
    #[inline]
    fn note_wait(&mut self, node: NodeId, at: u32, since: Time) {
        if let Some(place) = self.first_place(at)
            && self.out.states.of(place).waits
            && self.active[node as usize].entered > since
            && self.log.is_none()
        {
            self.count_wait(node, place, since);
        }
    }

    fn count_wait(&mut self, node: NodeId, place: u32, since: Time) {
        let Active { g, ride, entered, woken, .. } = self.active[node as usize];
        if ride.is_some() || self.rides_with(g, node) {
            let end = WaitEnd { place, waiter: g, link: woken, ns: entered.since(since) };
            self.out.wakeups.add(end, self.ground.slice);
        }
    }

    /// A request starts in the middle of a wait.
    fn end_wait(&mut self, node: NodeId, time: Time) {
        let place = self.nodes.place(self.active[node as usize].g);
        self.note_wait(node, place, time);
    }
}

#[cfg(test)]
mod tests;
