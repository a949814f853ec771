//! Requests that are shown with their goroutines: lanes, and the path of time through them.

use super::tables::{States, Strings};
use crate::profile::{Exemplar, HandOver, Lane, Requests};
use serde::Serialize;

/// A request with its goroutines and its critical path.
#[derive(Serialize)]
pub(super) struct ExemplarRow {
    /// Its position among the requests.
    request: usize,
    lanes: Vec<LaneRow>,
    more_lanes: u64,
    path: PathColumns,
    hand_overs: HandOverColumns,
    more_pieces: u64,
}

/// Who ended the waits of whom, in order of time.
#[derive(Serialize, Default)]
struct HandOverColumns {
    at_ns: Vec<u64>,
    /// Position of the lane of who ended the wait; -1 where it is not shown.
    from: Vec<i64>,
    from_goid: Vec<u64>,
    /// The same of who waited.
    to: Vec<i64>,
    to_goid: Vec<u64>,
    /// What it waited in; -1 where it was created then.
    state: Vec<i64>,
    /// The stack on which it waited.
    stack: Vec<u32>,
}

impl HandOverColumns {
    fn of(hand_overs: &[HandOver], states: &mut States) -> Self {
        let mut columns = Self::default();
        for over in hand_overs {
            columns.at_ns.push(over.at_ns);
            columns.from.push(position(over.from));
            columns.from_goid.push(over.from_goid);
            columns.to.push(position(over.to));
            columns.to_goid.push(over.to_goid);
            columns.state.push(if over.state.is_empty() { -1 } else { states.add(&over.state) as i64 });
            columns.stack.push(over.stack.0);
        }
        columns
    }
}

/// The position of a lane; -1 for none.
fn position(lane: Option<usize>) -> i64 {
    lane.map_or(-1, |lane| lane as i64)
}

#[derive(Serialize)]
struct LaneRow {
    goid: u64,
    entry: usize,
    runs: usize,
    /// Position of its creator's lane.
    parent: Option<usize>,
    kind: &'static str,
    path_ns: u64,
    start_ns: Vec<u64>,
    dur_ns: Vec<u64>,
    state: Vec<usize>,
    stack: Vec<u32>,
    more_pieces: u64,
}

/// The critical path, from the request's start on and without gaps.
#[derive(Serialize, Default)]
struct PathColumns {
    start_ns: Vec<u64>,
    dur_ns: Vec<u64>,
    /// Position of the lane; -1 where it is not shown.
    lane: Vec<i64>,
    goid: Vec<u64>,
    state: Vec<usize>,
    stack: Vec<u32>,
}

impl ExemplarRow {
    pub(super) fn all(requests: &Requests, strings: &mut Strings, states: &mut States) -> Vec<Self> {
        let all = if requests.exemplars.is_empty() { requests.slowest.as_slice() } else { &requests.exemplars };
        all.iter().map(|exemplar| Self::of(exemplar, requests, strings, states)).collect()
    }

    fn of(exemplar: &Exemplar, requests: &Requests, strings: &mut Strings, states: &mut States) -> Self {
        let mut path = PathColumns::default();
        for piece in &exemplar.path {
            path.start_ns.push(piece.start_ns);
            path.dur_ns.push(piece.dur_ns);
            path.lane.push(position(piece.lane));
            path.goid.push(piece.goid);
            path.state.push(states.add(&piece.state));
            path.stack.push(piece.stack.0);
        }
        Self {
            request: exemplar.request,
            lanes: exemplar.lanes.iter().map(|lane| LaneRow::of(lane, requests, strings, states)).collect(),
            more_lanes: exemplar.more_lanes,
            path,
            hand_overs: HandOverColumns::of(&exemplar.hand_overs, states),
            more_pieces: exemplar.more_pieces,
        }
    }
}

impl LaneRow {
    fn of(lane: &Lane, requests: &Requests, strings: &mut Strings, states: &mut States) -> Self {
        let name = |state: u16| requests.state_names.get(usize::from(state)).map_or("unknown", String::as_str);
        Self {
            goid: lane.goid,
            entry: strings.add(&lane.entry),
            runs: strings.add(&lane.runs),
            parent: lane.parent,
            kind: lane.kind.name(),
            path_ns: lane.path_ns,
            start_ns: lane.pieces.iter().map(|piece| piece.start_ns).collect(),
            dur_ns: lane.pieces.iter().map(|piece| piece.dur_ns).collect(),
            state: lane.pieces.iter().map(|piece| states.add(name(piece.state))).collect(),
            stack: lane.pieces.iter().map(|piece| piece.stack.0).collect(),
            more_pieces: lane.more_pieces,
        }
    }
}
