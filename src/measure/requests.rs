//! From windows that are over to requests with their paths: what is kept on the tape, and when it is walked.

use super::critical_path::{Ground, Nodes, Walk};
use super::measurer::Task;
use super::overlays::Ranges;
use super::slowest::{SlowestMeasured, lane, lanes_of};
use super::tape::Tape;
use super::timeline::Attribution;
use super::wakeups::{WaitKey, WaitSum};
use super::walked::{ByPlace, MAX_STEPS, Ride, Via, Walked};
use super::windows::{OpenWindow, Windows};
use crate::ids::{StringIdx, WindowIdx};
use crate::measure::StateKey;
use crate::slice::RootWindow;
use crate::time::{Time, Window};
use rustc_hash::FxHashMap;

/// Pieces that are written before the next walk: walks and drops cost as much as the tape is long.
pub(super) const MIN_GROWTH: usize = 1 << 18;

/// Most pieces that are kept for open requests (24 bytes each). Beyond, paths are cut in two: at the cut they stay
/// in their wait.
pub const MAX_PIECES: usize = 32 << 20;

/// Most roots by name whose paths are walked one name after the other; with more, pieces in other goroutines do not
/// say for which root they count.
const MAX_LABELS: usize = 16;

/// A request that is over.
#[derive(Clone, Debug)]
pub struct RequestMeasured {
    /// Which one.
    pub window: WindowIdx,
    /// When, as far as it is inside the part looked at.
    pub span: Window,
    /// Time along its path by position in [`PathsMeasured::states`]; ascending, without zeros.
    pub states: Box<[(u16, u64)]>,
    /// Whether an edge cuts it.
    pub partial: bool,
}

/// What was measured along paths. Places are those of the aggregate.
#[derive(Debug)]
pub struct PathsMeasured {
    /// Whole requests, and with `include_partial` the others, in order of their start.
    pub requests: Vec<RequestMeasured>,
    /// Requests that an edge cuts.
    pub partial: u64,
    /// Time of all goroutines of the requests that count, in ns.
    pub goroutine_ns: u64,
    /// The states that requests tell apart.
    pub states: Vec<StateKey>,
    /// Time in goroutines other than the request's own, by place and root; in no order.
    pub waited: Vec<((u32, Via, StringIdx), u64)>,
    /// Who ended waits.
    pub wakeups: Vec<(WaitKey, WaitSum)>,
    /// The slowest one.
    pub slowest: Option<SlowestMeasured>,
    /// Requests whose path was cut for want of memory.
    pub capped: u64,
    /// What the program did while requests ran.
    pub overlap: crate::profile::Overlap,
}

/// Requests while a trace is measured.
pub(super) struct Paths {
    include_partial: bool,
    pub(super) ranges: Ranges,
    nodes: Nodes,
    walked: Walked,
    waited: FxHashMap<(u32, Via, StringIdx), u64>,
    /// Per window, whether it was dealt with.
    done: Vec<bool>,
    requests: Vec<RequestMeasured>,
    partial: u64,
    slowest: Option<(u64, SlowestMeasured)>,
    /// Requests whose path was cut: up to when it was walked, and what was found.
    carried: FxHashMap<WindowIdx, (Time, Vec<u64>)>,
    capped: u64,
    /// Pieces that were kept the last time.
    kept: usize,
    max_pieces: usize,
}

impl Paths {
    pub(super) fn new(task: Task<'_>) -> Self {
        Self {
            include_partial: task.include_partial,
            ranges: Ranges::default(),
            nodes: Nodes::new(task.forest.goroutines.len()),
            walked: Walked::default(),
            waited: FxHashMap::default(),
            done: vec![false; task.slice.windows.len()],
            requests: Vec::new(),
            partial: 0,
            slowest: None,
            carried: FxHashMap::default(),
            capped: 0,
            kept: 0,
            max_pieces: task.max_pieces,
        }
    }

    /// Whether enough was written for a walk to be worth it.
    pub(super) fn is_due(&self, tape: &Tape) -> bool {
        tape.len() >= self.kept + self.kept.max(MIN_GROWTH) || tape.len() > self.max_pieces
    }

    /// Walks the paths of requests that are over, and drops what no open one needs. `now` is the time of the last
    /// event; the tape is settled.
    pub(super) fn walk(
        &mut self,
        now: Time,
        task: Task<'_>,
        windows: &Windows<'_>,
        tape: &mut Tape,
        attribution: &mut Attribution<'_>,
    ) {
        let (rides, mut cutoff) = self.take_ended(task, windows, now);
        self.walk_all(rides, task, tape, attribution);
        tape.drop_before(cutoff);
        if tape.len() > self.max_pieces {
            self.cut_open(now, task, windows, tape, attribution);
            cutoff = now;
            tape.drop_before(cutoff);
        }
        self.kept = tape.len();
    }

    /// The requests that are over, and the start of the oldest that is not.
    fn take_ended(&mut self, task: Task<'_>, windows: &Windows<'_>, now: Time) -> (Vec<(Ride, bool)>, Time) {
        let mut rides = Vec::new();
        let mut oldest = now;
        for i in 0..self.done.len() {
            let window = WindowIdx(i as u32);
            let open = windows.get(window);
            if self.done[i] || !open.seen && open.start == Time::MIN {
                continue;
            }
            if open.end == Time::MAX {
                let matters = open.start != Time::MIN && !open.cut || self.include_partial;
                let since = self.carried.get(&window).map_or(open.start, |(time, _)| *time);
                oldest = if matters { oldest.min(since) } else { oldest };
            } else {
                self.done[i] = true;
                rides.extend(self.ride(task, windows, window, now));
            }
        }
        (rides, oldest)
    }

    /// A request to walk; none for one that does not count.
    fn ride(&mut self, task: Task<'_>, windows: &Windows<'_>, window: WindowIdx, now: Time) -> Option<(Ride, bool)> {
        let open = windows.get(window);
        if !windows.is_seen(window, task.looked_at) {
            return None;
        }
        let partial = open.is_cut(task.looked_at) || open.end == Time::MAX;
        self.partial += u64::from(partial);
        if partial && !self.include_partial {
            self.carried.remove(&window);
            return None;
        }
        let ride = ride_of(task, window, open, now);
        (ride.span.start < ride.span.end).then_some((ride, partial))
    }

    fn walk_all(
        &mut self,
        mut rides: Vec<(Ride, bool)>,
        task: Task<'_>,
        tape: &mut Tape,
        attribution: &mut Attribution<'_>,
    ) {
        let label = |ride: &Ride| {
            let context = task.slice.windows[ride.window.at()].context;
            task.slice.contexts.get(context).label
        };
        rides.sort_by_key(|(ride, _)| (label(ride), ride.span.start, ride.window));
        let several = rides.chunk_by(|a, b| label(&a.0) == label(&b.0)).count() > MAX_LABELS;
        for group in rides.chunk_by_mut(|a, b| several || label(&a.0) == label(&b.0)) {
            let of_group = if several { StringIdx(0) } else { label(&group[0].0) };
            let mut walks: Vec<Ride> = group.iter().map(|(ride, _)| self.rest_of(ride)).collect();
            self.walk_group(&mut walks, of_group, task, tape, attribution);
            for (whole, (ride, partial)) in walks.into_iter().zip(group) {
                self.finish_request(whole, ride, *partial);
            }
        }
        let longest = rides.iter().map(|(ride, _)| ride).max_by_key(|r| (length(r), std::cmp::Reverse(r.window)));
        if let Some(ride) = longest.filter(|r| self.slowest.as_ref().is_none_or(|(ns, _)| length(r) > *ns)) {
            let slowest = self.look_at(&self.rest_of(ride), task, tape, attribution);
            self.slowest = Some((length(ride), slowest));
        }
    }

    /// The part of a request's path that was not walked yet.
    fn rest_of(&self, ride: &Ride) -> Ride {
        let mut rest = ride.clone();
        if let Some((since, _)) = self.carried.get(&ride.window) {
            rest.span.start = *since;
        }
        rest
    }

    fn walk_group(
        &mut self,
        rides: &mut [Ride],
        label: StringIdx,
        task: Task<'_>,
        tape: &mut Tape,
        attribution: &mut Attribution<'_>,
    ) {
        let unknown = attribution.unknown_place();
        let aggregate = &attribution.aggregate;
        let has_tasks = !task.slice.marks.is_empty();
        let one_label = if has_tasks && label != StringIdx(0) { label } else { StringIdx::NONE };
        let ground = Ground { slice: task.slice, aggregate, ranges: &self.ranges, unknown, label: one_label };
        let mut parts: Vec<Ride> = rides.iter().flat_map(Ride::parts).collect();
        Walk::new(ground, tape, &mut self.nodes, &mut self.walked, false).run(&mut parts);
        let mut parts = parts.into_iter().peekable();
        for ride in rides {
            while let Some(part) = parts.next_if(|part| part.window == ride.window) {
                ride.add(part.states);
            }
        }
        for (place, ns) in self.walked.own.drain() {
            attribution.aggregate.add_latency(place, ns);
        }
        drain(&mut self.walked.inside, Via::Inside, label, &mut self.waited);
        drain(&mut self.walked.foreign, Via::Foreign, label, &mut self.waited);
    }

    fn finish_request(&mut self, mut walked: Ride, ride: &Ride, partial: bool) {
        if let Some((_, before)) = self.carried.remove(&ride.window) {
            for (state, ns) in walked.states.iter_mut().zip(before) {
                *state += ns;
            }
        }
        let states = walked.states.iter().enumerate().filter(|(_, ns)| **ns > 0);
        let states = states.map(|(i, ns)| (i as u16, *ns)).collect();
        self.requests.push(RequestMeasured { window: ride.window, span: ride.span, states, partial });
    }

    /// Too much is kept: walks what open requests did so far, as if they ended here.
    fn cut_open(
        &mut self,
        now: Time,
        task: Task<'_>,
        windows: &Windows<'_>,
        tape: &mut Tape,
        attribution: &mut Attribution<'_>,
    ) {
        let mut rides = Vec::new();
        for i in (0..self.done.len()).filter(|i| !self.done[*i]) {
            let window = WindowIdx(i as u32);
            let open = windows.get(window);
            let whole_so_far = open.start != Time::MIN && !open.cut && open.start >= task.looked_at.start;
            let seen = windows.is_seen(window, task.looked_at);
            if !seen || open.end != Time::MAX || !(whole_so_far || self.include_partial) {
                continue;
            }
            let rest = self.rest_of(&ride_of(task, window, open, now));
            if rest.span.start < rest.span.end {
                rides.push(rest);
            }
        }
        self.capped += rides.iter().filter(|r| !self.carried.contains_key(&r.window)).count() as u64;
        self.walk_group(&mut rides, StringIdx(0), task, tape, attribution);
        for ride in rides {
            let (since, sums) = self.carried.entry(ride.window).or_insert_with(|| (now, vec![0; ride.states.len()]));
            *since = ride.span.end;
            for (sum, ns) in sums.iter_mut().zip(&ride.states) {
                *sum += ns;
            }
        }
    }

    /// Notes one request's path and goroutines.
    fn look_at(
        &mut self,
        ride: &Ride,
        task: Task<'_>,
        tape: &mut Tape,
        attribution: &mut Attribution<'_>,
    ) -> SlowestMeasured {
        let unknown = attribution.unknown_place();
        let aggregate = &attribution.aggregate;
        let ground = Ground { slice: task.slice, aggregate, ranges: &self.ranges, unknown, label: StringIdx::NONE };
        let walk = Walk::new(ground, tape, &mut self.nodes, &mut self.walked, true);
        let mut steps = walk.run(&mut ride.parts().collect::<Vec<_>>());
        steps.reverse();
        let more_pieces = steps.len().saturating_sub(MAX_STEPS) as u64;
        steps.truncate(MAX_STEPS);
        let (goroutines, more_lanes) = lanes_of(ride, &steps, task);
        let lanes = goroutines.into_iter().map(|g| lane(g, ride.span, tape, attribution)).collect();
        let path = steps.into_iter().map(|s| (s.span, s.g, s.place)).collect();
        SlowestMeasured { window: ride.window, path, more_pieces, lanes, more_lanes }
    }

    /// The trace ends at `end`.
    pub(super) fn finish(
        mut self,
        end: Time,
        task: Task<'_>,
        windows: &Windows<'_>,
        tape: &mut Tape,
        attribution: &mut Attribution<'_>,
    ) -> PathsMeasured {
        self.ranges.finish(end);
        let mut rides = Vec::new();
        for i in 0..self.done.len() {
            if !std::mem::replace(&mut self.done[i], true) {
                rides.extend(self.ride(task, windows, WindowIdx(i as u32), end));
            }
        }
        self.walk_all(rides, task, tape, attribution);
        self.requests.sort_by_key(|r| (r.span.start, r.window));
        let overlap = self.overlap(task, end);
        let of_window = |r: &RequestMeasured| windows.get(r.window).ns;
        PathsMeasured {
            goroutine_ns: self.requests.iter().map(of_window).fold(0, u64::saturating_add),
            requests: self.requests,
            partial: self.partial,
            states: self.walked.states.slots,
            waited: self.waited.into_iter().collect(),
            wakeups: self.walked.wakeups.sorted(),
            slowest: self.slowest.map(|(_, slowest)| slowest),
            capped: self.capped,
            overlap,
        }
    }

    fn overlap(&self, task: Task<'_>, end: Time) -> crate::profile::Overlap {
        let spans: Vec<Window> = self.requests.iter().map(|r| r.span).collect();
        let sum = |of: &dyn Fn(Window) -> u64| spans.iter().map(|w| of(*w)).fold(0u64, u64::saturating_add);
        let looked_at = Window { start: task.looked_at.start.max(task.trace_start), end: task.looked_at.end.min(end) };
        crate::profile::Overlap {
            gc_ns: sum(&|w| self.ranges.marked_in(w)),
            stw_ns: sum(&|w| self.ranges.stopped_in(w)),
            stw_count: self.ranges.stops_during(&spans),
            stw_runnable_ns: self.walked.stw_runnable_ns,
            gc_window_ns: self.ranges.marked_in(looked_at),
            stw_window_ns: self.ranges.stopped_in(looked_at),
            mark_assist_ns: 0,
        }
    }
}

/// A request as far as it has come, inside the part looked at.
fn ride_of(task: Task<'_>, window: WindowIdx, open: OpenWindow, now: Time) -> Ride {
    let start = open.start.max(task.looked_at.start).max(task.trace_start);
    let span = Window { start, end: open.end.min(task.looked_at.end).min(now) };
    let RootWindow { g, ended_by, handed_over, .. } = task.slice.windows[window.at()];
    // Who ends a task may not be there yet when memory runs out.
    let is_there = if handed_over { open.handed_over != Time::MIN } else { open.end != Time::MAX };
    let taken_over = (ended_by != g && is_there).then_some((open.handed_over, ended_by));
    Ride { window, g, taken_over, span, states: Vec::new() }
}

fn length(ride: &Ride) -> u64 {
    ride.span.end.since(ride.span.start)
}

fn drain(sums: &mut ByPlace, via: Via, label: StringIdx, into: &mut FxHashMap<(u32, Via, StringIdx), u64>) {
    for (place, ns) in sums.drain() {
        let sum = into.entry((place, via, label)).or_default();
        *sum = sum.saturating_add(ns);
    }
}
