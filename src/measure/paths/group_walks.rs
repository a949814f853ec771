//! Walks the paths of requests that are over, those of one name together, and adds what was found to the sums.

use super::critical_path::{LoggedPath, WalkInput};
use super::exemplar::{ExemplarMeasured, exemplar_of};
use super::exemplars::Candidate;
use super::packed_times::PackedTimes;
use super::parallel::Walks;
use super::requests::{EndedRequest, GroupWalk, MeasuredTo, Paths, spanned};
use super::segment::{PathSegment, add_states, states_with_time};
use super::stack_time::{ElsewhereKey, OWN, RequestStackTime};
use super::walk_results::MAX_STEPS;
use crate::measure::intervals::attribution::Attribution;
use crate::measure::intervals::log::IntervalLog;
use crate::slice::WindowIdx;
use crate::trace::ids::StringIdx;
use rustc_hash::FxHashSet;
use std::cmp::Reverse;

impl Paths {
    /// Walks the paths of requests that are over, one name of roots after the other.
    pub(super) fn walk_all(
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
        // Of equal ones the first window, however they are walked.
        let longest = longest.filter(|(ns, Reverse(window))| self.is_slowest(*ns, *window));
        let wanted = self.exemplars_of(&ended);
        let together = self.known.many_labels;
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

    /// Whether a request is slower than all so far.
    pub(super) fn is_slowest(&self, ns: u64, window: WindowIdx) -> bool {
        let so_far = |(ns, measured): &(u64, ExemplarMeasured)| (*ns, Reverse(measured.window));
        self.slowest.as_ref().is_none_or(|slowest| (ns, Reverse(window)) > so_far(slowest))
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
    pub(super) fn rest_of(&self, whole: &PathSegment) -> PathSegment {
        let mut rest = whole.clone();
        if let Some((since, _)) = self.walked_so_far.get(&whole.window) {
            rest.span.start = *since;
        }
        rest
    }

    /// Walks the paths of a group, fills in its segments' states, and adds to the sums. Gives the path of `logged`.
    pub(super) fn walk_group<'m>(
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
            add_states(&mut states, part.states.iter());
        }
        segment.states = states_with_time(&states);
    }
    path
}

/// Takes each request's time by stack that walks of requests of one name found.
fn take_stacks(walks: &mut Walks, label: StringIdx, all: &mut PackedTimes) {
    walks.take_stacks(|(window, chain, sum), ns| {
        let label = if chain == OWN { StringIdx::EMPTY } else { label };
        all.push(RequestStackTime { window, key: ElsewhereKey { chain, sum, label }, ns });
    });
}
