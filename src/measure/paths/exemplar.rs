//! One request with its goroutines: reports draw the slowest one as lanes.

use super::critical_path::{LoggedPath, WalkPosition};
use super::segment::PathSegment;
use super::walk_results::{WalkHandOver, WalkStep};
use crate::measure::intervals::aggregate::{Aggregate, SumIdx};
use crate::measure::intervals::log::{IntervalLog, LogReader};
use crate::measure::intervals::states::StateKey;
use crate::slice::{Slice, WindowIdx};
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashSet;

/// Most goroutines that a request shows.
const MAX_LANES: usize = 40;
/// Sums that are kept of one goroutine.
const MAX_SUMS: usize = 64;

/// A request: the steps of its path from its start on, and its goroutines.
#[derive(Clone, Debug)]
pub(crate) struct ExemplarMeasured {
    /// Its window.
    pub(crate) window: WindowIdx,
    /// From when to when, in which goroutine, and counted in which sum.
    pub(crate) path: Vec<(Window, GIdx, SumIdx)>,
    /// Who ended waits along `path`, in order of time.
    pub(crate) hand_overs: Vec<WalkHandOver>,
    /// Steps at the end that are not in `path`, as there are too many.
    pub(crate) more_pieces: u64,
    /// Goroutines with their intervals inside the request.
    pub(crate) lanes: Vec<LaneMeasured>,
    /// Goroutines that are not in `lanes`, as there are too many.
    pub(crate) more_lanes: u64,
}

/// A goroutine while a request lasted.
#[derive(Clone, Debug)]
pub(crate) struct LaneMeasured {
    /// The goroutine.
    pub(crate) g: GIdx,
    /// Its intervals in order of time; those of one state that touch are one.
    pub(crate) pieces: Vec<LanePieceMeasured>,
    /// Intervals at the start that are not in `pieces`, as there are too many.
    pub(crate) more_pieces: u64,
    /// What the intervals are counted in, each sum once; at most [`MAX_SUMS`] of the last.
    pub(crate) sums: Vec<SumIdx>,
}

/// Time of a goroutine in one state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LanePieceMeasured {
    /// From when to when.
    pub(crate) span: Window,
    /// The state.
    pub(crate) state: StateKey,
    /// The sum that it is counted in; none where there are several.
    pub(crate) sum: Option<SumIdx>,
}

/// One request's path and goroutines, with so many steps and intervals at most.
pub(super) fn exemplar_of(
    segment: &PathSegment,
    path: LoggedPath<'_>,
    slice: &Slice,
    (log, aggregate): (&IntervalLog, &Aggregate),
    max_steps: usize,
) -> ExemplarMeasured {
    let LoggedPath { mut steps, mut hand_overs, n_dropped, end } = path;
    steps.reverse();
    hand_overs.reverse();
    let more_pieces = n_dropped + steps.len().saturating_sub(max_steps) as u64;
    steps.truncate(max_steps);
    let shown_to = steps.last().map_or(segment.span.start, |step| step.span.end);
    hand_overs.retain(|hand_over| hand_over.time <= shown_to);
    let (goroutines, more_lanes) = goroutines_to_show(segment, &steps, slice);
    let lanes = end.map_or_else(Vec::new, |end| lanes(&goroutines, segment.span, (log, aggregate), end, max_steps));
    let path = steps.into_iter().map(|s| (s.span, s.g, s.sum)).collect();
    ExemplarMeasured { window: segment.window, path, hand_overs, more_pieces, lanes, more_lanes }
}

/// The goroutines to show: the request's own, those on its path, those of its subtree; and how many more there are.
fn goroutines_to_show(segment: &PathSegment, steps: &[WalkStep], slice: &Slice) -> (Vec<GIdx>, u64) {
    let mut shown = vec![segment.g];
    let mut known: FxHashSet<GIdx> = shown.iter().copied().collect();
    let members = slice.owner.iter().enumerate().filter(|(_, owner)| **owner == segment.window);
    let others = steps.iter().map(|s| s.g).chain(members.map(|(g, _)| GIdx(g as u32)));
    let mut more = 0;
    for g in others {
        if known.insert(g) {
            if shown.len() < MAX_LANES { shown.push(g) } else { more += 1 }
        }
    }
    (shown, more)
}

/// The intervals of some goroutines inside `span`, at most so many of each. `reader` and `position` are those of its end.
fn lanes(
    goroutines: &[GIdx],
    span: Window,
    known: (&IntervalLog, &Aggregate),
    (mut reader, position): (LogReader<'_>, WalkPosition),
    max_pieces: usize,
) -> Vec<LaneMeasured> {
    let mut lanes = LaneBuilder::new(goroutines, span, known, max_pieces);
    // What the goroutines that are not shown do need not be known: most interval ends are theirs.
    let mut sums: Vec<SumIdx> = goroutines.iter().map(|g| position.sum(*g)).collect();
    while let Some(mut slice) = reader.next_slice(span.start) {
        while let Some((end, lane)) = slice.find_back(|g, _| lanes.lane(g)) {
            let sum = std::mem::replace(&mut sums[usize::from(lane)], end.sum);
            lanes.add(lane, slice.time(end), sum);
        }
    }
    for (lane, sum) in (0..).zip(sums) {
        lanes.add(lane, span.start, sum);
    }
    lanes.finish()
}

/// Makes lanes, from the end of a request back to its start.
struct LaneBuilder<'a> {
    span: Window,
    log: &'a IntervalLog,
    aggregate: &'a Aggregate,
    /// Most intervals of a lane.
    max_pieces: usize,
    measured: Vec<LaneMeasured>,
    /// By [`GIdx`], the position of a goroutine's lane; none for goroutines that are not shown.
    lane_of: Vec<Option<u8>>,
    /// Per lane, the time from which on it is complete.
    complete_from: Vec<Time>,
}

impl<'a> LaneBuilder<'a> {
    fn new(
        goroutines: &[GIdx],
        span: Window,
        (log, aggregate): (&'a IntervalLog, &'a Aggregate),
        max_pieces: usize,
    ) -> Self {
        let mut lane_of = vec![None; goroutines.iter().map(|g| g.at() + 1).max().unwrap_or(0)];
        for (i, g) in (0..).zip(goroutines) {
            lane_of[g.at()] = Some(i);
        }
        let empty = |g: &GIdx| LaneMeasured { g: *g, pieces: Vec::new(), more_pieces: 0, sums: Vec::new() };
        let measured: Vec<LaneMeasured> = goroutines.iter().map(empty).collect();
        Self { span, log, aggregate, max_pieces, lane_of, complete_from: vec![span.end; measured.len()], measured }
    }

    /// The lane of a goroutine; none if it is not shown.
    #[inline]
    fn lane(&self, g: GIdx) -> Option<u8> {
        self.lane_of.get(g.at()).copied().flatten()
    }

    /// The interval that starts at `start`, and is counted in `sum`, is that of a lane up to where it is complete.
    fn add(&mut self, lane: u8, start: Time, sum: SumIdx) {
        let lane = usize::from(lane);
        let sum = sum.split().map_or(sum, |position| self.log.splits[position][0]);
        let window = Window { start: start.max(self.span.start), end: self.complete_from[lane] };
        if window.start < window.end {
            if sum.at() < self.aggregate.len() {
                let piece = LanePieceMeasured { span: window, state: self.aggregate.key(sum).state, sum: Some(sum) };
                let lane = &mut self.measured[lane];
                push_interval(lane, piece, self.max_pieces);
                if lane.sums.len() < MAX_SUMS && !lane.sums.contains(&sum) {
                    lane.sums.push(sum);
                }
            }
            self.complete_from[lane] = window.start;
        }
    }

    fn finish(mut self) -> Vec<LaneMeasured> {
        for lane in &mut self.measured {
            lane.pieces.reverse();
        }
        self.measured
    }
}

/// Adds an interval that is earlier than those before it.
fn push_interval(lane: &mut LaneMeasured, piece: LanePieceMeasured, max_pieces: usize) {
    let full = lane.pieces.len() >= max_pieces;
    match lane.pieces.last_mut() {
        Some(last) if last.state == piece.state && last.span.start == piece.span.end => {
            last.span.start = piece.span.start;
            last.sum = last.sum.filter(|sum| Some(*sum) == piece.sum);
        }
        _ if full => lane.more_pieces += 1,
        _ => lane.pieces.push(piece),
    }
}
