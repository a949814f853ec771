//! From windows that are over to requests with their paths: what is kept on the tape, and when it is walked.

use super::critical_path::{Logged, WalkInput};
use super::interval_log::IntervalLog;
use super::parallel::{Crew, Walks};
use super::runtime_ranges::Ranges;
use super::slowest::{SlowestMeasured, lanes, lanes_of};
use super::wakeups::{WaitKey, WaitSum};
use super::walk_results::{MAX_STEPS, PathSegment, Via};
use crate::measure::StateKey;
use crate::measure::intervals::aggregate::Aggregate;
use crate::measure::intervals::timeline::Attribution;
use crate::measure::spec::MeasureSpec;
use crate::measure::windows::{OpenWindow, Windows};
use crate::slice::RootWindow;
use crate::slice::WindowIdx;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashMap;

/// Turns that are written before the next walk: a walk costs as much as the tape is long.
pub(crate) const MIN_GROWTH: usize = 1 << 18;

/// Most turns that are kept for open requests (12 bytes each). Beyond, paths are cut in two: at the cut they stay
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

/// A moment up to which all is measured.
#[derive(Clone, Copy)]
pub(crate) struct PathsAt<'m> {
    /// The moment.
    pub(crate) now: Time,
    pub(crate) task: MeasureSpec<'m>,
    pub(crate) windows: &'m Windows<'m>,
    /// The goroutines that exist, each with the place of what it does.
    pub(crate) open: &'m [(GIdx, u32)],
    /// Who walks.
    pub(crate) crew: Crew<'m>,
}

/// Requests while a trace is measured.
pub(crate) struct Paths {
    include_partial: bool,
    pub(crate) ranges: Ranges,
    walks: Walks,
    waited: FxHashMap<(u32, Via, StringIdx), u64>,
    /// Per window, whether it was dealt with.
    done: Vec<bool>,
    requests: Vec<RequestMeasured>,
    partial: u64,
    slowest: Option<(u64, SlowestMeasured)>,
    /// Requests whose path was cut: up to when it was walked, and what was found.
    carried: FxHashMap<WindowIdx, (Time, Vec<u64>)>,
    capped: u64,
    /// Turns on the tape when the next walk is due.
    due: usize,
    max_pieces: usize,
}

impl Paths {
    pub(crate) fn new(task: MeasureSpec<'_>) -> Self {
        Self {
            include_partial: task.include_partial,
            ranges: Ranges::default(),
            walks: Walks::new(task.forest.goroutines.len()),
            waited: FxHashMap::default(),
            done: vec![false; task.slice.windows.len()],
            requests: Vec::new(),
            partial: 0,
            slowest: None,
            carried: FxHashMap::default(),
            capped: 0,
            due: MIN_GROWTH.min(task.max_pieces),
            max_pieces: task.max_pieces,
        }
    }

    /// Whether enough was written for a walk to be worth it.
    #[inline]
    pub(crate) fn is_due(&self, tape: &IntervalLog) -> bool {
        tape.len() >= self.due
    }

    /// Walks the paths of requests that are over, and drops what no open one needs.
    pub(crate) fn walk(&mut self, at: PathsAt<'_>, tape: &mut IntervalLog, attribution: &mut Attribution<'_>) {
        let (rides, cutoff) = self.take_ended(at);
        self.walk_all(rides, at, tape, attribution);
        tape.drop_before(cutoff);
        if tape.len() > self.max_pieces {
            self.cut_open(at, tape, attribution);
            tape.drop_before(at.now);
        }
        self.due = (tape.len() + tape.len().max(MIN_GROWTH)).min(self.max_pieces.max(tape.len() + 1));
    }

    /// The requests that are over, and the start of the oldest that is not.
    fn take_ended(&mut self, at: PathsAt<'_>) -> (Vec<(PathSegment, bool)>, Time) {
        let mut rides = Vec::new();
        let mut oldest = at.now;
        for i in 0..self.done.len() {
            let window = WindowIdx(i as u32);
            let open = at.windows.get(window);
            if self.done[i] || !open.seen && open.start == Time::MIN {
                continue;
            }
            if open.end == Time::MAX {
                let matters = open.start != Time::MIN && !open.cut || self.include_partial;
                let since = self.carried.get(&window).map_or(open.start, |(time, _)| *time);
                oldest = if matters { oldest.min(since) } else { oldest };
            } else {
                self.done[i] = true;
                rides.extend(self.ride(at, window));
            }
        }
        (rides, oldest)
    }

    /// A request to walk; none for one that does not count.
    fn ride(&mut self, at: PathsAt<'_>, window: WindowIdx) -> Option<(PathSegment, bool)> {
        let open = at.windows.get(window);
        if !at.windows.is_seen(window, at.task.looked_at) {
            return None;
        }
        let partial = open.is_cut(at.task.looked_at) || open.end == Time::MAX;
        self.partial += u64::from(partial);
        if partial && !self.include_partial {
            self.carried.remove(&window);
            return None;
        }
        let ride = ride_of(at, window, open);
        (ride.span.start < ride.span.end).then_some((ride, partial))
    }

    fn walk_all(
        &mut self,
        mut rides: Vec<(PathSegment, bool)>,
        at: PathsAt<'_>,
        tape: &IntervalLog,
        attribution: &mut Attribution<'_>,
    ) {
        let label = |ride: &PathSegment| {
            let context = at.task.slice.windows[ride.window.at()].context;
            at.task.slice.contexts.get(context).label
        };
        rides.sort_by_key(|(ride, _)| (label(ride), ride.span.start, ride.window));
        let longest = rides.iter().map(|(ride, _)| (length(ride), std::cmp::Reverse(ride.window))).max();
        let longest = longest.filter(|(ns, _)| self.slowest.as_ref().is_none_or(|(slowest, _)| ns > slowest));
        let several = rides.chunk_by(|a, b| label(&a.0) == label(&b.0)).count() > MAX_LABELS;
        for group in rides.chunk_by_mut(|a, b| several || label(&a.0) == label(&b.0)) {
            let of_group = if several { StringIdx::EMPTY } else { label(&group[0].0) };
            let mut walks: Vec<PathSegment> = group.iter().map(|(ride, _)| self.rest_of(ride)).collect();
            let logged = group.iter().position(|(ride, _)| longest.is_some_and(|(_, of)| of.0 == ride.window));
            let log = self.walk_group(&mut walks, logged, of_group, at, tape, attribution);
            if let Some(i) = logged {
                let slowest = slowest_of(&walks[i], log, at, tape, &attribution.aggregate);
                self.slowest = Some((length(&group[i].0), slowest));
            }
            for (whole, (ride, partial)) in walks.into_iter().zip(group) {
                self.finish_request(whole, ride, *partial);
            }
        }
    }

    /// The part of a request's path that was not walked yet.
    fn rest_of(&self, ride: &PathSegment) -> PathSegment {
        let mut rest = ride.clone();
        if let Some((since, _)) = self.carried.get(&ride.window) {
            rest.span.start = *since;
        }
        rest
    }

    fn walk_group<'m>(
        &mut self,
        rides: &mut [PathSegment],
        logged: Option<usize>,
        label: StringIdx,
        at: PathsAt<'_>,
        tape: &'m IntervalLog,
        attribution: &mut Attribution<'_>,
    ) -> Logged<'m> {
        let unknown = attribution.unknown_place();
        let Self { walks, ranges, waited, .. } = self;
        let slice = at.task.slice;
        let one_label = if !slice.marks.is_empty() && label != StringIdx::EMPTY { label } else { StringIdx::NONE };
        let ground = WalkInput { slice, aggregate: &attribution.aggregate, ranges, unknown, label: one_label };
        let parts = rides.iter().flat_map(PathSegment::parts).collect();
        let logged = logged.map(|i| rides[i].window);
        let (mut parts, log) = walks.walk(parts, logged, ground, (tape, at.open), at.crew);
        parts.sort_unstable_by_key(|part| part.window);
        for ride in rides {
            let window = ride.window;
            let first = parts.partition_point(|part| part.window < window);
            for part in parts[first..].iter_mut().take_while(|part| part.window == window) {
                ride.add(std::mem::take(&mut part.states));
            }
        }
        walks.take_sums(|place, [own, inside, foreign]| {
            attribution.aggregate.add_latency(place, own);
            for (via, ns) in [(Via::Inside, inside), (Via::Foreign, foreign)].into_iter().filter(|(_, ns)| *ns > 0) {
                let sum = waited.entry((place, via, label)).or_default();
                *sum = sum.saturating_add(ns);
            }
        });
        log
    }

    fn finish_request(&mut self, mut walked: PathSegment, ride: &PathSegment, partial: bool) {
        if let Some((_, before)) = self.carried.remove(&ride.window) {
            walked.states.resize(walked.states.len().max(before.len()), 0);
            for (state, ns) in walked.states.iter_mut().zip(before) {
                *state += ns;
            }
        }
        let states = walked.states.iter().enumerate().filter(|(_, ns)| **ns > 0);
        let states = states.map(|(i, ns)| (i as u16, *ns)).collect();
        self.requests.push(RequestMeasured { window: ride.window, span: ride.span, states, partial });
    }

    /// Too much is kept: walks what open requests did so far, as if they ended here.
    fn cut_open(&mut self, at: PathsAt<'_>, tape: &IntervalLog, attribution: &mut Attribution<'_>) {
        let mut rides = Vec::new();
        for i in (0..self.done.len()).filter(|i| !self.done[*i]) {
            let window = WindowIdx(i as u32);
            let open = at.windows.get(window);
            let whole_so_far = open.start != Time::MIN && !open.cut && open.start >= at.task.looked_at.start;
            let seen = at.windows.is_seen(window, at.task.looked_at);
            if !seen || open.end != Time::MAX || !(whole_so_far || self.include_partial) {
                continue;
            }
            let rest = self.rest_of(&ride_of(at, window, open));
            if rest.span.start < rest.span.end {
                rides.push(rest);
            }
        }
        self.capped += rides.iter().filter(|r| !self.carried.contains_key(&r.window)).count() as u64;
        self.walk_group(&mut rides, None, StringIdx::EMPTY, at, tape, attribution);
        for ride in rides {
            let (since, sums) = self.carried.entry(ride.window).or_insert_with(|| (at.now, Vec::new()));
            *since = ride.span.end;
            sums.resize(sums.len().max(ride.states.len()), 0);
            for (sum, ns) in sums.iter_mut().zip(&ride.states) {
                *sum += ns;
            }
        }
    }

    /// The trace ends.
    pub(crate) fn finish(
        mut self,
        at: PathsAt<'_>,
        tape: &IntervalLog,
        attribution: &mut Attribution<'_>,
    ) -> PathsMeasured {
        self.ranges.finish(at.now);
        let mut rides = Vec::new();
        for i in 0..self.done.len() {
            if !std::mem::replace(&mut self.done[i], true) {
                rides.extend(self.ride(at, WindowIdx(i as u32)));
            }
        }
        self.walk_all(rides, at, tape, attribution);
        self.requests.sort_by_key(|r| (r.span.start, r.window));
        let mut overlap = self.overlap(at.task, at.now);
        let (states, wakeups, stw_runnable_ns) = self.walks.finish();
        overlap.stw_runnable_ns = stw_runnable_ns;
        let of_window = |r: &RequestMeasured| at.windows.get(r.window).ns;
        PathsMeasured {
            goroutine_ns: self.requests.iter().map(of_window).fold(0, u64::saturating_add),
            requests: self.requests,
            partial: self.partial,
            states,
            waited: self.waited.into_iter().collect(),
            wakeups,
            slowest: self.slowest.map(|(_, slowest)| slowest),
            capped: self.capped,
            overlap,
        }
    }

    fn overlap(&self, task: MeasureSpec<'_>, end: Time) -> crate::profile::Overlap {
        let spans: Vec<Window> = self.requests.iter().map(|r| r.span).collect();
        let sum = |of: &dyn Fn(Window) -> u64| spans.iter().map(|w| of(*w)).fold(0u64, u64::saturating_add);
        let looked_at = Window { start: task.looked_at.start.max(task.trace_start), end: task.looked_at.end.min(end) };
        crate::profile::Overlap {
            gc_ns: sum(&|w| self.ranges.marked_in(w)),
            stw_ns: sum(&|w| self.ranges.stopped_in(w)),
            stw_count: self.ranges.stops_during(&spans),
            stw_runnable_ns: 0,
            gc_window_ns: self.ranges.marked_in(looked_at),
            stw_window_ns: self.ranges.stopped_in(looked_at),
            mark_assist_ns: 0,
        }
    }
}

/// A request as far as it has come, inside the part looked at.
fn ride_of(at: PathsAt<'_>, window: WindowIdx, open: OpenWindow) -> PathSegment {
    let PathsAt { now, task, .. } = at;
    let start = open.start.max(task.looked_at.start).max(task.trace_start);
    let span = Window { start, end: open.end.min(task.looked_at.end).min(now) };
    let RootWindow { g, ended_by, handed_over, .. } = task.slice.windows[window.at()];
    // Who ends a task may not be there yet when memory runs out.
    let is_there = if handed_over { open.handed_over != Time::MIN } else { open.end != Time::MAX };
    let taken_over = (ended_by != g && is_there).then_some((open.handed_over, ended_by));
    PathSegment { window, g, taken_over, span, states: Vec::new() }
}

fn length(ride: &PathSegment) -> u64 {
    ride.span.end.since(ride.span.start)
}

/// One request's path and goroutines.
fn slowest_of(
    ride: &PathSegment,
    log: Logged<'_>,
    at: PathsAt<'_>,
    tape: &IntervalLog,
    aggregate: &Aggregate,
) -> SlowestMeasured {
    let Logged { mut steps, more, end } = log;
    steps.reverse();
    let more_pieces = more + steps.len().saturating_sub(MAX_STEPS) as u64;
    steps.truncate(MAX_STEPS);
    let (goroutines, more_lanes) = lanes_of(ride, &steps, at.task);
    let lanes = end.map_or_else(Vec::new, |end| lanes(&goroutines, ride.span, tape, end, aggregate));
    let path = steps.into_iter().map(|s| (s.span, s.g, s.place)).collect();
    SlowestMeasured { window: ride.window, path, more_pieces, lanes, more_lanes }
}
