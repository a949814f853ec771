//! From windows that are over to requests with their paths: when paths are walked, and how long the log is kept.
//!
//! 1. When the log has doubled, the paths of all requests that are over by then are walked. So each of its entries is
//!    walked over a few times at most, and memory is bounded by what open requests need.
//! 2. After a walk, what is older than all open requests is dropped from the log.
//! 3. Where that is still too much, the paths of open requests are *cut*: walked up to now as if they ended here, and the
//!    rest when they do.
//! 4. The end of the trace ends all requests.

use super::critical_path::{LoggedPath, WalkInput};
use super::exemplar::{ExemplarMeasured, exemplar_of};
use super::exemplars::{Candidate, Exemplars};
use super::measured::{
    CutMeasured, ElsewhereKey, PathsMeasured, RequestMeasured, RequestStackTime, RequestStacksMeasured,
};
use super::parallel::Walks;
use super::request_stacks::OWN;
use super::segment::{PathSegment, add_states, states_with_time};
use super::times_elsewhere::TimesElsewhere;
use super::wait_chains::WaitChains;
use super::walk_results::MAX_STEPS;
use super::work_borders::{WorkBorder, is_before, work_borders};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::attribution::Attribution;
use crate::measure::intervals::log::IntervalLog;
use crate::measure::paths::runtime_ranges::Ranges;
use crate::measure::spec::MeasureSpec;
use crate::measure::windows::{OpenWindow, Windows};
use crate::profile::{Overlap, RequestTotals};
use crate::slice::{RootWindow, WindowIdx};
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::time::{Time, Window};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;

/// Fewest interval ends that are written between two walks.
const MIN_GROWTH: usize = 1 << 18;

/// Most interval ends that are kept for open requests (12 bytes each). Beyond, paths are cut: a wait that is open at the
/// cut stays a wait, as it is not known who will end it.
pub(crate) const MAX_PIECES: usize = 32 << 20;

/// Most names of roots whose paths are walked one name after the other; with more, time in other goroutines does not say
/// for which root it counts.
const MAX_LABELS: usize = 16;

/// What is known at a moment up to which all is measured.
#[derive(Clone, Copy)]
pub(crate) struct MeasuredTo<'m> {
    /// The moment.
    pub(crate) now: Time,
    pub(crate) spec: MeasureSpec<'m>,
    pub(crate) windows: &'m Windows<'m>,
    /// The goroutines that exist, each with what the interval is counted in that it is in.
    pub(crate) open: &'m [(GIdx, SumIdx)],
    /// Whether all threads walk; else others are busy.
    pub(crate) shared: bool,
}

/// A request that is over, and counts.
struct EndedRequest {
    segment: PathSegment,
    /// The name of its root.
    label: StringIdx,
    /// Whether an edge of the trace, or of the part looked at, cuts it.
    partial: bool,
    /// How long it certainly took, in ns, where its borders are inferred; else none.
    at_least_ns: Option<u64>,
}

/// Paths that are walked together.
struct GroupWalk<'a> {
    segments: Vec<PathSegment>,
    /// The name of their requests; empty where they have several.
    label: StringIdx,
    /// The request whose path is noted step by step.
    logged: Option<WindowIdx>,
    /// Requests to be kept with their goroutines.
    exemplars: &'a FxHashSet<WindowIdx>,
}

/// The requests of a trace while it is measured.
pub(crate) struct Paths {
    include_partial: bool,
    pub(crate) ranges: Ranges,
    walks: Walks,
    elsewhere: TimesElsewhere,
    chains: WaitChains,
    /// Each request's time by stack; none where that is not asked for.
    stacks: Option<Vec<RequestStackTime>>,
    /// Where work for requests begins and ends, as far as is measured.
    borders: Vec<WorkBorder>,
    /// Per window, whether its request was walked, or does not count.
    done: Vec<bool>,
    /// The windows of which something is known, and whose requests are not done.
    open: Vec<WindowIdx>,
    /// The windows that were open at the last walk, or later.
    recent: Vec<WindowIdx>,
    /// How many windows were known of at the last walk.
    n_touched: usize,
    requests: Vec<RequestMeasured>,
    cut: Vec<CutMeasured>,
    slowest: Option<(u64, ExemplarMeasured)>,
    /// Requests with their goroutines; none where no more than the slowest is asked for.
    exemplars: Option<Exemplars>,
    /// Requests whose path was cut: up to when it was walked, and nanoseconds by state so far.
    walked_so_far: FxHashMap<WindowIdx, (Time, Vec<u64>)>,
    capped: u64,
    /// Length of the log when the next walk is due.
    due: usize,
    max_pieces: usize,
}

impl Paths {
    /// No request is over yet.
    pub(crate) fn new(spec: MeasureSpec<'_>) -> Self {
        Self {
            include_partial: spec.include_partial,
            ranges: Ranges::default(),
            walks: Walks::new(spec.forest.goroutines.len(), spec.request_stacks.then_some(spec.slice.windows.len())),
            elsewhere: TimesElsewhere::default(),
            chains: WaitChains::default(),
            stacks: spec.request_stacks.then(Vec::new),
            borders: Vec::new(),
            done: vec![false; spec.slice.windows.len()],
            open: Vec::new(),
            recent: Vec::new(),
            n_touched: 0,
            requests: Vec::new(),
            cut: Vec::new(),
            slowest: None,
            exemplars: spec.exemplars.then(|| Exemplars::new(spec.forest.goroutines.len())),
            walked_so_far: FxHashMap::default(),
            capped: 0,
            due: MIN_GROWTH.min(spec.max_pieces),
            max_pieces: spec.max_pieces,
        }
    }

    /// Whether enough was written for a walk to be worth it.
    #[inline]
    pub(crate) fn is_due(&self, log: &IntervalLog) -> bool {
        log.len() >= self.due
    }

    /// Walks the paths of requests that are over, and drops what no open one needs.
    pub(crate) fn walk(&mut self, to: MeasuredTo<'_>, log: &mut IntervalLog, attribution: &mut Attribution<'_>) {
        let (ended, cutoff) = self.take_ended(to);
        self.walk_all(ended, to, log, attribution);
        log.drop_before(cutoff);
        self.recent.retain(|window| !is_before(&to.windows.get(*window), cutoff));
        if log.len() > self.max_pieces {
            self.cut_open(to, log, attribution);
            log.drop_before(to.now);
        }
        self.due = (log.len() + log.len().max(MIN_GROWTH)).min(self.max_pieces.max(log.len() + 1));
    }

    /// Takes notice of the windows of which something is known since the last walk.
    fn take_touched(&mut self, windows: &Windows<'_>) {
        let touched = &windows.touched()[self.n_touched..];
        self.n_touched += touched.len();
        self.open.extend_from_slice(touched);
        self.recent.extend_from_slice(touched);
    }

    /// Finds where work begins and ends during a span that is to be walked.
    fn find_borders(&mut self, to: MeasuredTo<'_>, span: Window) {
        let recent = self.recent.iter().map(|window| (*window, to.windows.get(*window)));
        self.borders = work_borders(to.spec.slice, recent, to.spec.forest, span);
    }

    /// The requests that are over, and from when on the open ones need the log.
    fn take_ended(&mut self, to: MeasuredTo<'_>) -> (Vec<EndedRequest>, Time) {
        let mut ended = Vec::new();
        let mut oldest = to.now;
        self.take_touched(to.windows);
        for window in std::mem::take(&mut self.open) {
            let open = to.windows.get(window);
            if !open.has_time && open.start == Time::MIN {
                self.open.push(window);
            } else if open.end == Time::MAX {
                let matters = open.start != Time::MIN && !open.cut_start || self.include_partial;
                let since = self.walked_so_far.get(&window).map_or(open.start, |(time, _)| *time);
                oldest = if matters { oldest.min(since) } else { oldest };
                self.open.push(window);
            } else {
                self.done[window.at()] = true;
                ended.extend(self.end_request(to, window));
            }
        }
        (ended, oldest)
    }

    /// A request that is over, to be walked; none if it does not count.
    fn end_request(&mut self, to: MeasuredTo<'_>, window: WindowIdx) -> Option<EndedRequest> {
        let open = to.windows.get(window);
        if !to.windows.is_inside(window, to.spec.looked_at) {
            return None;
        }
        let (cut_start, cut_end) = open.cuts(to.spec.looked_at);
        let partial = cut_start || cut_end || open.end == Time::MAX;
        let segment = segment_of(to, window, open);
        let at_least_ns = to.spec.slice.windows[window.at()].seen.map(|_| to.windows.seen_ns(window, segment.span));
        if partial {
            let (cut_end, span) = (cut_end || open.end == Time::MAX, segment.span);
            let at_least_ns = at_least_ns.unwrap_or_else(|| span.end.since(span.start));
            let likely_at_least_ns = to.windows.likely_ns(window, span).filter(|likely| *likely > at_least_ns);
            let start = span.start;
            self.cut.push(CutMeasured { window, start, at_least_ns, likely_at_least_ns, cut_start, cut_end });
        }
        if partial && !self.include_partial {
            self.walked_so_far.remove(&window);
            return None;
        }
        let label = to.spec.slice.chains.get(to.spec.slice.windows[window.at()].chain).label;
        (segment.span.start < segment.span.end).then_some(EndedRequest { segment, label, partial, at_least_ns })
    }

    /// Walks the paths of requests that are over, one name of roots after the other.
    fn walk_all(
        &mut self,
        mut ended: Vec<EndedRequest>,
        to: MeasuredTo<'_>,
        log: &IntervalLog,
        attribution: &mut Attribution<'_>,
    ) {
        let Some(span) = spanned(ended.iter().map(|request| request.segment.span)) else { return };
        self.find_borders(to, span);
        // In one group by end, as walks do.
        ended.sort_unstable_by_key(|r| (r.label, r.segment.span.end.rank(u64::from(r.segment.window.0))));
        let longest = ended.iter().map(|r| (r.segment.ns(), Reverse(r.segment.window))).max();
        let longest = longest.filter(|(ns, _)| self.slowest.as_ref().is_none_or(|(slowest, _)| ns > slowest));
        let wanted = self.exemplars_of(&ended);
        let together = ended.chunk_by(|a, b| a.label == b.label).count() > MAX_LABELS;
        if together {
            ended.sort_unstable_by_key(|r| r.segment.span.end.rank(u64::from(r.segment.window.0)));
        }
        for group in ended.chunk_by(|a, b| together || a.label == b.label) {
            let label = if together { StringIdx(0) } else { group[0].label };
            let segments = group.iter().map(|request| self.rest_of(&request.segment)).collect();
            let slowest = group.iter().position(|r| longest.is_some_and(|(_, of)| of.0 == r.segment.window));
            let logged = slowest.map(|i| group[i].segment.window);
            let mut walk = GroupWalk { segments, label, logged, exemplars: &wanted };
            let path = self.walk_group(&mut walk, to, log, attribution);
            if let Some(i) = slowest {
                let measured =
                    exemplar_of(&walk.segments[i], path, to.spec.slice, (log, &attribution.aggregate), MAX_STEPS);
                self.slowest = Some((group[i].segment.ns(), measured));
            }
            for (walked, request) in walk.segments.into_iter().zip(group) {
                self.finish_request(walked, request);
            }
        }
    }

    /// The requests of a batch that are to be kept with their goroutines. Of those whose paths were cut, the beginning is not
    /// known any longer.
    fn exemplars_of(&mut self, ended: &[EndedRequest]) -> FxHashSet<WindowIdx> {
        let Some(exemplars) = &mut self.exemplars else { return FxHashSet::default() };
        let whole = ended.iter().filter(|request| !self.walked_so_far.contains_key(&request.segment.window));
        let candidates: Vec<Candidate> = whole.map(|r| (r.segment.ns(), r.segment.window)).collect();
        exemplars.choose(&candidates)
    }

    /// The part of a request's path that was not walked yet.
    fn rest_of(&self, whole: &PathSegment) -> PathSegment {
        let mut rest = whole.clone();
        if let Some((since, _)) = self.walked_so_far.get(&whole.window) {
            rest.span.start = *since;
        }
        rest
    }

    /// Walks the paths of a group, fills in its segments' states, and adds to the sums. Gives the path of `logged`.
    fn walk_group<'m>(
        &mut self,
        group: &mut GroupWalk<'_>,
        to: MeasuredTo<'_>,
        log: &'m IntervalLog,
        attribution: &mut Attribution<'_>,
    ) -> LoggedPath<'m> {
        let GroupWalk { segments, label, logged, exemplars: wanted } = group;
        let unknown = attribution.unknown_sum();
        let Self { walks, ranges, elsewhere, chains, borders, exemplars, .. } = self;
        let slice = to.spec.slice;
        // Only a goroutine to which tasks are attached can work for a root of another name.
        let one_label =
            if !slice.task_boundaries.is_empty() && *label != StringIdx(0) { *label } else { StringIdx::NONE };
        let input = WalkInput {
            slice,
            windows: to.windows.all(),
            borders,
            aggregate: &attribution.aggregate,
            ranges,
            unknown,
            label: one_label,
            log,
            open: to.open,
            logged: *logged,
        };
        if let Some(exemplars) = exemplars {
            let wanted = segments.iter().filter(|segment| wanted.contains(&segment.window));
            wanted.for_each(|segment| exemplars.walk(segment, input));
        }
        let path = if slice.task_boundaries.is_empty() {
            let (walked, path) = walks.walk(std::mem::take(segments), input, to.shared);
            *segments = walked;
            path
        } else {
            walk_in_parts(walks, segments, input, to.shared)
        };
        walks.take_sums(|sum, ns| attribution.aggregate.add_latency(sum, ns));
        walks.take_elsewhere(chains, |(chain, sum), ns| elsewhere.add(ElsewhereKey { chain, sum, label: *label }, ns));
        elsewhere.tell_fewer_waits(chains);
        if let Some(stacks) = &mut self.stacks {
            take_stacks(&mut self.walks, *label, stacks);
        }
        path
    }

    /// All of a request's path was walked; `walked` is the part of it that was not before.
    fn finish_request(&mut self, mut walked: PathSegment, request: &EndedRequest) {
        let EndedRequest { segment: PathSegment { window, span, .. }, partial, at_least_ns, .. } = *request;
        debug_assert_eq!(walked.window, window, "walks keep the order");
        if let Some((_, mut states)) = self.walked_so_far.remove(&window) {
            add_states(&mut states, &walked.states);
            walked.states = states_with_time(&states);
        }
        let states = walked.states;
        self.requests.push(RequestMeasured { window, span, states, partial, at_least_ns });
    }

    /// The log is too long: walks what open requests did so far, as if they ended here.
    fn cut_open(&mut self, to: MeasuredTo<'_>, log: &IntervalLog, attribution: &mut Attribution<'_>) {
        let mut segments = Vec::new();
        for &window in &self.open {
            let open = to.windows.get(window);
            let whole_so_far = open.start != Time::MIN && !open.cut_start && open.start >= to.spec.looked_at.start;
            let is_inside = to.windows.is_inside(window, to.spec.looked_at);
            if !is_inside || open.end != Time::MAX || !(whole_so_far || self.include_partial) {
                continue;
            }
            let rest = self.rest_of(&segment_of(to, window, open));
            if rest.span.start < rest.span.end {
                segments.push(rest);
            }
        }
        let Some(span) = spanned(segments.iter().map(|segment| segment.span)) else { return };
        self.find_borders(to, span);
        self.capped += segments.iter().filter(|s| !self.walked_so_far.contains_key(&s.window)).count() as u64;
        let none = FxHashSet::default();
        let mut walk = GroupWalk { segments, label: StringIdx(0), logged: None, exemplars: &none };
        self.walk_group(&mut walk, to, log, attribution);
        for segment in walk.segments {
            let so_far = self.walked_so_far.entry(segment.window).or_insert_with(|| (to.now, Vec::new()));
            so_far.0 = segment.span.end;
            add_states(&mut so_far.1, &segment.states);
        }
    }

    /// The trace ends, and with it all requests.
    pub(crate) fn finish(
        mut self,
        to: MeasuredTo<'_>,
        log: &IntervalLog,
        attribution: &mut Attribution<'_>,
    ) -> PathsMeasured {
        self.ranges.finish(to.now);
        self.take_touched(to.windows);
        let mut ended = Vec::new();
        for i in 0..self.done.len() {
            if !std::mem::replace(&mut self.done[i], true) {
                ended.extend(self.end_request(to, WindowIdx(i as u32)));
            }
        }
        self.walk_all(ended, to, log, attribution);
        self.requests.sort_by_key(|r| (r.span.start, r.window));
        self.cut.sort_by_key(|r| (r.start, r.window));
        let mut overlap = self.overlap(to.spec, to.now);
        let (states, wakeups, stw_runnable_ns) = self.walks.finish();
        overlap.stw_runnable_ns = stw_runnable_ns;
        let runtime_spans =
            if to.spec.exemplars { self.ranges.inside(looked_at(to.spec, to.now)) } else { Default::default() };
        let of_window = |r: &RequestMeasured| to.windows.get(r.window).ns;
        let ranges = &self.ranges;
        let totals = |r: &RequestMeasured| RequestTotals {
            goroutine_ns: of_window(r),
            gc_ns: ranges.marked_in(r.span),
            stw_ns: ranges.stopped_in(r.span),
        };
        let (elsewhere, mut chains) = (self.elsewhere, self.chains);
        let of_request =
            |time: RequestStackTime| RequestStackTime { key: TimesElsewhere::key(time.key, &mut chains), ..time };
        let stacks = self.stacks.take().map(|times| RequestStacksMeasured {
            times: RequestStackTime::join(times.into_iter().map(of_request).collect()),
            totals: self.requests.iter().map(totals).collect(),
        });
        PathsMeasured {
            goroutine_ns: self.requests.iter().map(of_window).fold(0, u64::saturating_add),
            requests: self.requests,
            cut: self.cut,
            states,
            elsewhere: elsewhere.into_times(),
            chains,
            wakeups,
            slowest: self.slowest.map(|(_, slowest)| slowest),
            exemplars: self.exemplars.map_or_else(Vec::new, Exemplars::finish),
            runtime_spans,
            capped: self.capped,
            overlap,
            stacks,
        }
    }

    /// What the program did while requests ran. `end` is that of the trace.
    fn overlap(&self, spec: MeasureSpec<'_>, end: Time) -> Overlap {
        let spans: Vec<Window> = self.requests.iter().map(|r| r.span).collect();
        let sum = |of: &dyn Fn(Window) -> u64| spans.iter().map(|w| of(*w)).fold(0u64, u64::saturating_add);
        let looked_at = looked_at(spec, end);
        Overlap {
            gc_ns: sum(&|w| self.ranges.marked_in(w)),
            stw_ns: sum(&|w| self.ranges.stopped_in(w)),
            stw_count: self.ranges.stops_during(&spans),
            stw_runnable_ns: 0,
            gc_window_ns: self.ranges.marked_in(looked_at),
            stw_window_ns: self.ranges.stopped_in(looked_at),
            gc_count: self.ranges.collections_in(looked_at),
            heap_goals: self.ranges.heap_goals_in(looked_at),
            mark_assist_ns: 0,
            sweep_ns: 0,
        }
    }
}

/// The same as [`Walks::walk`] for segments that can have several parts, which keep their order.
fn walk_in_parts<'t>(
    walks: &mut Walks,
    segments: &mut [PathSegment],
    input: WalkInput<'_, 't>,
    shared: bool,
) -> LoggedPath<'t> {
    let parts = segments.iter().flat_map(PathSegment::parts).collect();
    let (mut parts, path) = walks.walk(parts, input, shared);
    parts.sort_unstable_by_key(|part| part.window);
    for segment in segments {
        let window = segment.window;
        let first = parts.partition_point(|part| part.window < window);
        let mut states = Vec::new();
        for part in parts[first..].iter().take_while(|part| part.window == window) {
            add_states(&mut states, &part.states);
        }
        segment.states = states_with_time(&states);
    }
    path
}

/// From the first start to the last end of these; none for none.
fn spanned(spans: impl Iterator<Item = Window>) -> Option<Window> {
    spans.reduce(|all, one| Window { start: all.start.min(one.start), end: all.end.max(one.end) })
}

/// The part of the trace that is looked at; `end` is that of the trace.
fn looked_at(spec: MeasureSpec<'_>, end: Time) -> Window {
    Window { start: spec.looked_at.start.max(spec.trace_start), end: spec.looked_at.end.min(end) }
}

/// A request as far as it is measured, inside the part looked at.
fn segment_of(to: MeasuredTo<'_>, window: WindowIdx, open: OpenWindow) -> PathSegment {
    let MeasuredTo { now, spec, .. } = to;
    let start = open.start.max(spec.looked_at.start).max(spec.trace_start);
    let span = Window { start, end: open.end.min(spec.looked_at.end).min(now) };
    let RootWindow { g, ended_by, handed_over, .. } = spec.slice.windows[window.at()];
    // When a path is cut, the goroutine that will end a task may not have taken it over yet.
    let is_taken_over = if handed_over { open.handed_over != Time::MIN } else { open.end != Time::MAX };
    let taken_over = (ended_by != g && is_taken_over).then_some((open.handed_over, ended_by));
    PathSegment { window, g, taken_over, span, states: Box::default() }
}

/// Takes each request's time by stack that walks of requests of one name found.
fn take_stacks(walks: &mut Walks, label: StringIdx, all: &mut Vec<RequestStackTime>) {
    walks.take_stacks(|times| {
        all.extend(times.into_iter().map(|((window, chain, sum), ns)| {
            let label = if chain == OWN { StringIdx::EMPTY } else { label };
            RequestStackTime { window, key: ElsewhereKey { chain, sum, label }, ns }
        }));
    });
}
