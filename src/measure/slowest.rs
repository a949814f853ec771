//! The slowest request, looked at closely.

use super::measurer::Task;
use super::states::StateKey;
use super::tape::{NONE, Tape, place};
use super::timeline::Attribution;
use super::walked::{MAX_STEPS, Ride, Step};
use crate::ids::{GIdx, WindowIdx};
use crate::time::Window;

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
pub(super) fn lanes_of(ride: &Ride, steps: &[Step], task: Task<'_>) -> (Vec<GIdx>, u64) {
    let mut lanes = vec![ride.g];
    let mut known: rustc_hash::FxHashSet<GIdx> = lanes.iter().copied().collect();
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

/// A goroutine's intervals inside a window.
pub(super) fn lane(g: GIdx, span: Window, tape: &Tape, attribution: &Attribution<'_>) -> LaneMeasured {
    let mut lane = LaneMeasured { g, pieces: Vec::new(), more_pieces: 0 };
    let (mut at, mut end) = (tape.last[g.at()], span.end);
    while at != NONE {
        let piece = tape.pieces[at as usize];
        at = piece.previous;
        if piece.since < end {
            let place = place::shared(piece.place).map_or(piece.place, |i| tape.shared[i][0]);
            let window = Window { start: piece.since.max(span.start), end };
            if (place as usize) < attribution.aggregate.len() {
                push_piece(&mut lane, window, attribution.aggregate.key(place).state);
            }
            end = piece.since;
        }
        if piece.since <= span.start {
            break;
        }
    }
    lane.pieces.reverse();
    lane
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
