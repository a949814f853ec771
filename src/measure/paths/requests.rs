//! From windows that are over to requests with their paths: when paths are walked, and how long the log is kept.
//!
//! 1. When what open requests need of the log has grown threefold, the paths of all requests that are over by then are
//!    walked. So each of its entries is walked over a few times at most, and memory is bounded by what open requests need.
//! 2. After a walk, what is older than all open requests is dropped from the log.
//! 3. Where that is still too much, the paths of open requests are *cut*: walked up to now as if they ended here, and the
//!    rest when they do.
//! 4. The end of the trace ends all requests.

use super::exemplar::ExemplarMeasured;
use super::exemplars::Exemplars;
use super::known_before::KnownBefore;
use super::measured::{CutMeasured, RequestMeasured};
use super::packed_times::PackedTimes;
use super::parallel::Walks;
use super::request_stacks::EachRequest;
use super::runtime_ranges::Ranges;
use super::segment::{PathSegment, add_states, states_with_time};
use super::times_elsewhere::TimesElsewhere;
use super::wait_chains::WaitChains;
use super::work_borders::{WorkBorder, is_before, work_borders};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::attribution::Attribution;
use crate::measure::intervals::log::IntervalLog;
use crate::measure::spec::MeasureSpec;
use crate::measure::windows::{OpenWindow, Windows};
use crate::profile::StateTimes;
use crate::slice::{RootWindow, WindowIdx};
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::time::{Time, Window};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Fewest interval ends that are written between two walks.
pub(crate) const MIN_GROWTH: usize = 1 << 18;

/// Most interval ends that are kept for open requests (12 bytes each). Beyond, paths are cut: a wait that is open at the
/// cut stays a wait, as it is not known who will end it.
pub(crate) const MAX_PIECES: usize = 32 << 20;

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
pub(super) struct EndedRequest {
    pub(super) segment: PathSegment,
    /// The name of its root.
    pub(super) label: StringIdx,
    /// Whether an edge of the trace, or of the part looked at, cuts it.
    pub(super) partial: bool,
    /// How long it certainly took, in ns, where its borders are inferred; else none.
    pub(super) at_least_ns: Option<u64>,
}

/// Paths that are walked together.
pub(super) struct GroupWalk<'a> {
    pub(super) segments: Vec<PathSegment>,
    /// The name of their requests; empty where they have several.
    pub(super) label: StringIdx,
    /// The request whose path is noted step by step.
    pub(super) logged: Option<WindowIdx>,
    /// Requests to be kept with their goroutines.
    pub(super) exemplars: &'a FxHashSet<WindowIdx>,
}

/// The requests of a trace while it is measured.
pub(crate) struct Paths {
    pub(super) include_partial: bool,
    pub(super) known: Arc<KnownBefore>,
    pub(crate) ranges: Ranges,
    pub(super) walks: Walks,
    pub(super) elsewhere: TimesElsewhere,
    pub(super) chains: WaitChains,
    /// Each request's time by stack; none where that is not asked for.
    pub(super) stacks: Option<PackedTimes>,
    /// Where work for requests begins and ends, as far as is measured.
    pub(super) borders: Vec<WorkBorder>,
    /// Per window, whether its request was walked, or does not count; empty in a part.
    pub(super) done: Vec<bool>,
    /// The windows of which something is known, and whose requests are not done.
    pub(super) open: Vec<WindowIdx>,
    /// The windows that were open at the last walk, or later.
    pub(super) recent: Vec<WindowIdx>,
    /// How many windows were known of at the last walk.
    pub(super) n_touched: usize,
    pub(super) requests: Vec<RequestMeasured>,
    pub(super) cut: Vec<CutMeasured>,
    pub(super) slowest: Option<(u64, ExemplarMeasured)>,
    /// Requests with their goroutines; none where no more than the slowest is asked for.
    pub(super) exemplars: Option<Exemplars>,
    /// Requests whose path was cut: up to when it was walked, and nanoseconds by state so far.
    pub(super) walked_so_far: FxHashMap<WindowIdx, (Time, Vec<u64>)>,
    pub(super) capped: u64,
    /// Length of the log when the next walk is due.
    pub(super) due: usize,
    /// Fewest interval ends that are written between two walks.
    min_growth: usize,
    pub(super) max_pieces: usize,
}

impl Paths {
    /// No request of a trace is over yet.
    pub(crate) fn new(spec: MeasureSpec<'_>) -> Self {
        let each = EachRequest { n: spec.slice.windows.len(), waits: spec.exemplars };
        let walks = Walks::new(spec.forest.goroutines.len(), spec.request_stacks.then_some(each));
        let done = vec![false; spec.slice.windows.len()];
        Self { done, ..Self::with(spec, walks, Arc::new(KnownBefore::new(spec))) }
    }

    /// No request of a part is over yet.
    pub(super) fn of_part(spec: MeasureSpec<'_>, known: Arc<KnownBefore>) -> Self {
        Self::with(spec, Walks::new(spec.forest.goroutines.len(), None), known).growing_in_part(spec)
    }

    /// Forgets all: a part begins.
    pub(super) fn begin_part(&mut self, spec: MeasureSpec<'_>) {
        let walks = std::mem::replace(&mut self.walks, Walks::new(0, None));
        *self = Self::with(spec, walks.emptied(), Arc::clone(&self.known)).growing_in_part(spec);
    }

    /// A part cuts no paths, so its log has no limit.
    fn growing_in_part(self, spec: MeasureSpec<'_>) -> Self {
        Self { due: spec.part_growth, min_growth: spec.part_growth, max_pieces: usize::MAX, ..self }
    }

    /// What is known of the whole trace.
    pub(crate) fn known_before(&self) -> Arc<KnownBefore> {
        Arc::clone(&self.known)
    }

    fn with(spec: MeasureSpec<'_>, walks: Walks, known: Arc<KnownBefore>) -> Self {
        Self {
            include_partial: spec.include_partial,
            known,
            ranges: Ranges::default(),
            walks,
            elsewhere: TimesElsewhere::default(),
            chains: WaitChains::default(),
            stacks: spec.request_stacks.then(PackedTimes::default),
            borders: Vec::new(),
            done: Vec::new(),
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
            min_growth: MIN_GROWTH,
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
        self.set_due(log, log.len());
    }

    /// The next walk is due when what open requests need of the log has grown threefold: each walk goes also over most of that.
    pub(super) fn set_due(&mut self, log: &IntervalLog, of_open: usize) {
        self.due = due((log.len(), of_open), self.min_growth, self.max_pieces);
    }

    /// Takes notice of the windows of which something is known since the last walk.
    pub(super) fn take_touched(&mut self, windows: &Windows<'_>) {
        let touched = &windows.touched()[self.n_touched..];
        self.n_touched += touched.len();
        self.open.extend_from_slice(touched);
        self.recent.extend_from_slice(touched);
    }

    /// Finds where work begins and ends during a span that is to be walked.
    pub(super) fn find_borders(&mut self, to: MeasuredTo<'_>, span: Window) {
        let recent = self.recent.iter().map(|window| (*window, to.windows.get(*window)));
        self.borders = work_borders(to.spec.slice, recent, self.known.served.inside(to.spec.forest, span), span);
    }

    /// The requests that are over, and from when on the open ones need the log.
    fn take_ended(&mut self, to: MeasuredTo<'_>) -> (Vec<EndedRequest>, Time) {
        let mut ended = Vec::new();
        let mut oldest = to.now;
        self.take_touched(to.windows);
        for window in std::mem::take(&mut self.open) {
            let open = to.windows.get(window);
            if self.done[window.at()] {
                // Walked in its part.
            } else if !open.has_time && open.start == Time::MIN {
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
    pub(super) fn end_request(&mut self, to: MeasuredTo<'_>, window: WindowIdx) -> Option<EndedRequest> {
        let open = to.windows.get(window);
        if !to.windows.is_inside(window, to.spec.looked_at) {
            return None;
        }
        let (cut_start, cut_end) = open.cuts(to.spec.looked_at);
        let partial = cut_start || cut_end || open.end == Time::MAX;
        let segment = segment_of(to, window, open);
        let at_least_ns = to.spec.slice.windows.seen(window).map(|_| to.windows.seen_ns(window, segment.span));
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
        let label = to.spec.slice.chains.get(to.spec.slice.windows.chain(window)).label;
        (segment.span.start < segment.span.end).then_some(EndedRequest { segment, label, partial, at_least_ns })
    }

    /// All of a request's path was walked; `walked` is the part of it that was not before.
    pub(super) fn finish_request(&mut self, mut walked: PathSegment, request: &EndedRequest) {
        let EndedRequest { segment: PathSegment { window, span, .. }, partial, at_least_ns, .. } = *request;
        debug_assert_eq!(walked.window, window, "walks keep the order");
        if let Some((_, mut states)) = self.walked_so_far.remove(&window) {
            add_states(&mut states, walked.states.iter());
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
            add_states(&mut so_far.1, segment.states.iter());
        }
    }
}

/// The length of a log at which the next walk is due: `kept` are in it, `of_open` of them are needed for open requests.
fn due((kept, of_open): (usize, usize), min_growth: usize, max_pieces: usize) -> usize {
    (kept + 2 * of_open.max(min_growth)).min(max_pieces.max(kept + 1))
}

/// From the first start to the last end of these; none for none.
pub(super) fn spanned(spans: impl Iterator<Item = Window>) -> Option<Window> {
    spans.reduce(|all, one| Window { start: all.start.min(one.start), end: all.end.max(one.end) })
}

/// A request as far as it is measured, inside the part looked at.
fn segment_of(to: MeasuredTo<'_>, window: WindowIdx, open: OpenWindow) -> PathSegment {
    let MeasuredTo { now, spec, .. } = to;
    let start = open.start.max(spec.looked_at.start).max(spec.trace_start);
    let span = Window { start, end: open.end.min(spec.looked_at.end).min(now) };
    let RootWindow { g, ended_by, handed_over, .. } = spec.slice.windows.of(window);
    // When a path is cut, the goroutine that will end a task may not have taken it over yet.
    let is_taken_over = if handed_over { open.handed_over != Time::MIN } else { open.end != Time::MAX };
    let taken_over = (ended_by != g && is_taken_over).then_some((open.handed_over, ended_by));
    PathSegment { window, g, taken_over, span, states: StateTimes::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_walk_is_due_by_what_is_open() {
        assert_eq!(due((500, 500), 100, 10_000), 1500);
        // What is kept for others is not walked again.
        assert_eq!(due((500, 40), 100, 10_000), 700);
        // At the latest when the log is full, but not at once again.
        assert_eq!([due((500, 500), 100, 800), due((900, 900), 100, 800)], [800, 901]);
    }
}
