//! The slowest request, looked at closely.

use super::critical_path::Nodes;
use super::interval_log::{Backward, IntervalLog, place};
use super::walk_results::{MAX_STEPS, PathSegment, PathStep};
use crate::measure::intervals::aggregate::Aggregate;
use crate::measure::intervals::states::StateKey;
use crate::measure::spec::MeasureSpec;
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};
use rustc_hash::FxHashSet;

/// Most goroutines that the slowest request shows.
const MAX_LANES: usize = 40;

/// The slowest request: pieces of its path from its start on, and its goroutines.
#[derive(Clone, Debug)]
pub struct SlowestMeasured {
    /// Which one.
    pub window: WindowIdx,
    /// When, in which goroutine and at which place.
    pub path: Vec<(Window, GIdx, u32)>,
    /// Pieces that were not noted.
    pub more_pieces: u64,
    /// Goroutines with their intervals inside the request.
    pub lanes: Vec<LaneMeasured>,
    /// Goroutines that were not noted.
    pub more_lanes: u64,
}

/// A goroutine while a request lasted.
#[derive(Clone, Debug)]
pub struct LaneMeasured {
    /// The goroutine.
    pub g: GIdx,
    /// Its intervals, in order.
    pub pieces: Vec<(Window, StateKey)>,
    /// Intervals that were not noted.
    pub more_pieces: u64,
}

/// The goroutines to show: the request's own, those on its path, those of its subtree.
pub(crate) fn lanes_of(ride: &PathSegment, steps: &[PathStep], task: MeasureSpec<'_>) -> (Vec<GIdx>, u64) {
    let mut lanes = vec![ride.g];
    let mut known: FxHashSet<GIdx> = lanes.iter().copied().collect();
    let members = task.slice.owner.iter().enumerate().filter(|(_, owner)| **owner == ride.window);
    let others = steps.iter().map(|s| s.g).chain(members.map(|(g, _)| GIdx(g as u32)));
    let mut more = 0;
    for g in others {
        if known.insert(g) {
            if lanes.len() < MAX_LANES { lanes.push(g) } else { more += 1 }
        }
    }
    (lanes, more)
}

/// The intervals of some goroutines inside a window; `turns` and `nodes` are those of its end.
pub(crate) fn lanes(
    goroutines: &[GIdx],
    span: Window,
    tape: &IntervalLog,
    (mut turns, mut nodes): (Backward<'_>, Nodes),
    aggregate: &Aggregate,
) -> Vec<LaneMeasured> {
    let blank = |g: &GIdx| LaneMeasured { g: *g, pieces: Vec::new(), more_pieces: 0 };
    let mut lanes: Vec<LaneMeasured> = goroutines.iter().map(blank).collect();
    let mut ends = vec![span.end; lanes.len()];
    let mut note = |i: usize, start: Time, place: u32| {
        let place = place::shared(place).map_or(place, |at| tape.shared[at][0]);
        let window = Window { start: start.max(span.start), end: ends[i] };
        if window.start < window.end {
            if (place as usize) < aggregate.len() {
                push_piece(&mut lanes[i], window, aggregate.key(place).state);
            }
            ends[i] = window.start;
        }
    };
    nodes.leave();
    for (i, g) in goroutines.iter().enumerate() {
        nodes.mark(*g, i as u32);
    }
    while let Some(run) = turns.next_from(span.start) {
        nodes.pass(run, |i, time, place| note(i as usize, time, place));
    }
    for (i, g) in goroutines.iter().enumerate() {
        note(i, span.start, nodes.place(*g));
    }
    for lane in &mut lanes {
        lane.pieces.reverse();
    }
    lanes
}

/// Adds an interval that is earlier than those before it.
fn push_piece(lane: &mut LaneMeasured, window: Window, state: StateKey) {
    let full = lane.pieces.len() >= MAX_STEPS;
    match lane.pieces.last_mut() {
        Some((last, same)) if *same == state && last.start == window.end => last.start = window.start,
        _ if full => lane.more_pieces += 1,
        _ => lane.pieces.push((window, state)),
    }
}
