//! What the goroutine at work does is counted for the requests that wait for it. HOT.

use super::{Active, PathWalk};
use crate::measure::paths::interval_log::place;
use crate::measure::paths::wait_for::{Dependents, NOBODY, NodeId, WaitForForest};
use crate::measure::paths::wakeups::WaitEnd;
use crate::measure::paths::walk_results::{AtPlace, Class, PlaceState};
use crate::slice::WindowIdx;
use crate::trace::time::{Time, Window};

/// The time of part `i` of `n` in a span: each `n`th nanosecond of the trace's clock. Parts add up to the span, and those
/// of a span are the sums of those of its pieces, wherever other requests have it cut.
fn nth_share(span: Window, i: usize, n: usize) -> u64 {
    let before = |time: Time| (i128::from(time.0) - i as i128).div_euclid(n as i128);
    (before(span.end - 1) - before(span.start - 1)).max(0) as u64
}

/// The usual case: one request rides with the one at work. Changes nothing in any other, and gives false.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the one inner loop; the call cost as much")]
fn count_for_one(
    delegations: &mut WaitForForest,
    (root, active): (NodeId, &Active),
    at: &mut AtPlace,
    span: Window,
) -> bool {
    let ns = span.end.since(span.start);
    let Some(only) = delegations.credit_one(root, at.state.slot(), ns) else { return false };
    let class = match (active.rides > 0, active.owner == only) {
        (true, _) => Class::Own,
        (false, true) => Class::Inside,
        (false, false) => Class::Foreign,
    };
    let sum = &mut at.sums[class as usize];
    *sum = sum.saturating_add(ns);
    true
}

impl PathWalk<'_, '_> {
    /// Does what [`PathWalk::piece`] does where that is only to count: nobody started the piece, the goroutine is at work
    /// itself, and does not wait. Elsewhere it changes nothing, and gives false.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; the call cost as much")]
    pub(crate) fn usual_piece(&mut self, node: NodeId, at: u32, since: Time) -> bool {
        let Self { active, out, delegations, looks_closer, .. } = self;
        let active = &mut active[node as usize];
        let Some(at) = out.places.get_mut(at as usize) else { return false };
        let state = at.state;
        let span = Window { start: since, end: active.until };
        if *looks_closer || active.to != NOBODY || state.waits() || since >= active.until {
            return false;
        }
        if !count_for_one(delegations, (node, active), at, span) {
            return false;
        }
        (active.until, active.woken, active.entered) = (since, None, since);
        if state.is_runnable() {
            self.count_stopped(span, 1);
        }
        true
    }

    /// What the one at work did at a place counts for all that ride with it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; the call cost as much")]
    pub(crate) fn count(&mut self, root: NodeId, at: u32, span: Window) {
        let Self { active, out, delegations, looks_closer, .. } = self;
        if !*looks_closer
            && let Some(at) = out.places.get_mut(at as usize)
            && count_for_one(delegations, (root, &active[root as usize]), at, span)
        {
            if at.state.is_runnable() {
                self.count_stopped(span, 1);
            }
        } else {
            self.count_for_all(root, at, span);
        }
    }

    /// Time of some requests, runnable, during which the world was stopped.
    #[inline]
    fn count_stopped(&mut self, span: Window, requests: u32) {
        let stopped = self.stopped_in(span).saturating_mul(u64::from(requests));
        self.out.stw_runnable_ns = self.out.stw_runnable_ns.saturating_add(stopped);
    }

    #[inline(never)]
    fn count_for_all(&mut self, root: NodeId, at: u32, span: Window) {
        let riders = self.delegations.requests(root);
        if riders.count == 0 {
            return;
        }
        let by_class = self.by_class(root, riders);
        match self.out.state(at) {
            Some(state) => {
                self.count_at(root, (at, state), span.end.since(span.start), by_class);
                if state.is_runnable() {
                    self.count_stopped(span, riders.count);
                }
            }
            None => self.count_odd(root, at, span, by_class),
        }
        if self.logs {
            self.note_step(root, at, span);
        }
    }

    /// To how many of the requests that ride with it the one at work is what: by [`Class`].
    #[inline(always)]
    fn by_class(&mut self, root: NodeId, riders: Dependents) -> [u32; 3] {
        let Active { rides, owner, .. } = self.active[root as usize];
        let inside = match riders.only() {
            Some(only) => rides == 0 && only == owner,
            None => self.rides_with(owner, root),
        };
        let inside = u32::from(inside);
        [rides, inside, riders.count - rides - inside]
    }

    /// A piece that CPU samples share out, or of which nothing is known.
    #[cold]
    fn count_odd(&mut self, root: NodeId, at: u32, span: Window, by_class: [u32; 3]) {
        let tape = self.tape;
        let unknown = [self.ground.unknown];
        let places = place::shared(at).and_then(|i| tape.shared.get(i)).map_or(&unknown[..], |list| list);
        for (i, &place) in places.iter().enumerate() {
            let Some(state) = self.out.state(place) else { continue };
            self.count_at(root, (place, state), nth_share(span, i, places.len()), by_class);
        }
    }

    #[inline(always)]
    fn count_at(&mut self, root: NodeId, (place, state): (u32, PlaceState), ns: u64, mut by_class: [u32; 3]) {
        self.delegations.credit(root, state.slot(), ns);
        if self.ground.label.is_some() && self.is_strange(place) {
            let own = std::mem::take(&mut by_class[Class::Own as usize]);
            by_class[Class::Foreign as usize] += own;
        }
        for (sum, n) in self.out.places[place as usize].sums.iter_mut().zip(by_class) {
            *sum = sum.saturating_add(ns.saturating_mul(u64::from(n)));
        }
    }

    /// A goroutine can work for a root of another name while a task rides on it.
    fn is_strange(&self, place: u32) -> bool {
        let context = self.ground.aggregate.key(place).context;
        self.ground.slice.contexts.get(context).label != self.ground.label
    }

    /// Others are at work than before.
    pub(crate) fn roots_change(&mut self) {
        if let Some(log) = &mut self.log {
            log.root = NOBODY;
        }
    }

    /// What `root` did is a step of the path that is logged, if it is at work for it.
    fn note_step(&mut self, root: NodeId, at: u32, span: Window) {
        let place = self.first_place(at).unwrap_or(self.ground.unknown);
        let Some(log) = &mut self.log else { return };
        if log.root == NOBODY {
            log.root = self.delegations.root(log.node);
        }
        if log.root == root {
            log.note(self.active[root as usize].g, place, span);
        }
    }

    /// Time during which the world was stopped; 0 for nearly all spans, one after the other.
    #[inline]
    fn stopped_in(&mut self, span: Window) -> u64 {
        if self.quiet.start <= span.start && span.end <= self.quiet.end {
            return 0;
        }
        self.stopped_around(span)
    }

    #[cold]
    fn stopped_around(&mut self, span: Window) -> u64 {
        self.quiet = self.ground.ranges.quiet_around(span);
        self.ground.ranges.stopped_in(span)
    }

    fn first_place(&self, at: u32) -> Option<u32> {
        let place = match place::shared(at) {
            Some(i) => *self.tape.shared.get(i)?.first()?,
            None => at,
        };
        self.out.state(place).map(|_| place)
    }

    /// Whether a request rides in the tree of `root`, but not on it.
    #[inline]
    fn rides_with(&mut self, request: WindowIdx, root: NodeId) -> bool {
        if !request.is_some() {
            return false;
        }
        let node = self.nodes.ridden[request.at()];
        node != NOBODY && node != root && self.delegations.root(node) == root
    }

    /// A wait of a request's own goroutines is over, as time goes back: who ended it?
    pub(crate) fn note_wait(&mut self, node: NodeId, at: u32, since: Time) {
        let Some(place) = self.first_place(at) else { return };
        let Active { g, entered, woken, .. } = self.active[node as usize];
        if entered <= since || !self.out.state(place).is_some_and(PlaceState::waits) {
            return;
        }
        let riders = self.delegations.requests(node);
        let [own, inside, _] = self.by_class(node, riders);
        if own + inside > 0 {
            let end = WaitEnd { place, waiter: g, link: woken, ns: entered.since(since) };
            self.out.wakeups.add(end, self.ground.slice);
        }
    }

    /// A request starts in the middle of a wait.
    pub(crate) fn end_wait(&mut self, node: NodeId, time: Time) {
        let place = self.nodes.place(self.active[node as usize].g);
        self.note_wait(node, place, time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_however_a_span_is_cut() {
        for n in 1..7 {
            for start in -10..10 {
                for end in start..start + 25 {
                    let share = |start, end, i| nth_share(Window { start: Time(start), end: Time(end) }, i, n);
                    let shares: Vec<u64> = (0..n).map(|i| share(start, end, i)).collect();
                    assert_eq!(shares.iter().sum::<u64>(), (end - start) as u64);
                    assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
                    for cut in start..=end {
                        let cut: Vec<u64> = (0..n).map(|i| share(start, cut, i) + share(cut, end, i)).collect();
                        assert_eq!(cut, shares);
                    }
                }
            }
        }
    }
}
