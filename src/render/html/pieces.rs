//! What the time of each request is made of: by stack, and by state alone where the stacks are too many for a page.

use super::tables::States;
use crate::profile::{MAX_REQUEST_WAITS, RequestStacks, RequestWaits, Requests};
use serde::Serialize;
use std::cmp::Reverse;

/// Most pieces of a page: a browser takes about a second for them.
pub(super) const MAX_PIECES: usize = 1_000_000;

/// How many pieces each request has, and then the pieces of all, in order.
#[derive(Serialize, Default)]
pub(super) struct PieceColumns {
    count: Vec<usize>,
    /// Position among the samples.
    sample: Vec<usize>,
    ns: Vec<u64>,
}

/// Who ended each request's waits: how many rows each one has, and then the rows of all, in order.
#[derive(Serialize, Default)]
pub(super) struct WaitColumns {
    count: Vec<usize>,
    /// Position among those of all requests.
    wakeup: Vec<u32>,
    waits: Vec<u64>,
    ns: Vec<u64>,
    max_ns: Vec<u64>,
}

impl WaitColumns {
    /// None where they are not known, or too many for a page.
    pub(super) fn of(waits: &RequestWaits) -> Option<Self> {
        if waits.sums() > MAX_REQUEST_WAITS {
            return None;
        }
        let mut columns = Self::default();
        for request in 0..waits.len() {
            let of_request = waits.of(request);
            columns.count.push(of_request.len());
            for wait in of_request {
                columns.wakeup.push(wait.wakeup);
                columns.waits.push(wait.count);
                columns.ns.push(wait.ns);
                columns.max_ns.push(wait.max_ns);
            }
        }
        Some(columns)
    }
}

/// Time of requests of which the stacks are not there, in the order of requests.
#[derive(Serialize, Default)]
pub(super) struct MoreColumns {
    request: Vec<usize>,
    state: Vec<usize>,
    ns: Vec<u64>,
}

/// The pieces of all requests, at most `max`: the slowest are whole, and of the others the states are there.
pub(super) fn of(
    requests: &Requests,
    stacks: &RequestStacks,
    states: &mut States,
    max: usize,
) -> (PieceColumns, MoreColumns) {
    let (mut pieces, mut more) = (PieceColumns::default(), MoreColumns::default());
    let numbers: Vec<usize> = requests.state_names.iter().map(|name| states.add(name)).collect();
    let kept = kept(requests, stacks, max);
    for (i, request) in requests.list.iter().enumerate() {
        let before = pieces.ns.len();
        let by_state: Vec<(u16, u64)> = if kept[i] {
            for (sample, ns) in stacks.of(i) {
                pieces.sample.push(sample);
                pieces.ns.push(ns);
            }
            stacks.more_of(i).iter().map(|more| (more.state, more.ns)).collect()
        } else {
            request.states.iter().collect()
        };
        pieces.count.push(pieces.ns.len() - before);
        for (state, ns) in by_state {
            more.request.push(i);
            more.state.push(numbers.get(usize::from(state)).copied().unwrap_or_default());
            more.ns.push(ns);
        }
    }
    (pieces, more)
}

/// Which requests are whole: from the slowest on, as long as there is room.
fn kept(requests: &Requests, stacks: &RequestStacks, max: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..requests.list.len()).collect();
    order.sort_by_key(|&i| Reverse(requests.list[i].dur_ns));
    let mut kept = vec![false; order.len()];
    let mut room = max;
    for i in order {
        let Some(left) = room.checked_sub(stacks.of(i).count()) else { break };
        (room, kept[i]) = (left, true);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Request, RequestTotals};

    #[test]
    fn beyond_the_limit_the_slowest_are_whole_and_the_others_have_states() {
        let request = |dur_ns, states: &[(u16, u64)]| Request {
            dur_ns,
            states: states.iter().copied().collect(),
            ..Request::default()
        };
        let list = vec![request(9, &[(0, 4), (1, 5)]), request(30, &[(0, 30)]), request(20, &[(1, 20)])];
        let state_names = ["running", "sync"].map(String::from).to_vec();
        let requests = Requests { list, state_names, ..Requests::default() };
        let mut stacks = RequestStacks::default();
        let totals = RequestTotals::default();
        stacks.push(totals, [(0, 4), (1, 5)], []);
        stacks.push(totals, [(0, 10), (2, 19)], [(0, 1)]);
        stacks.push(totals, [(1, 20)], []);
        let made = |max| {
            let (pieces, more) = of(&requests, &stacks, &mut States::default(), max);
            let more: Vec<_> = more.request.into_iter().zip(more.state).zip(more.ns).collect();
            (pieces.count, pieces.ns, more)
        };
        assert_eq!(made(5), (vec![2, 2, 1], vec![4, 5, 10, 19, 20], vec![((1, 0), 1)]));
        let three = vec![((0, 0), 4), ((0, 1), 5), ((1, 0), 1)];
        assert_eq!(made(4), (vec![0, 2, 1], vec![10, 19, 20], three));
        assert_eq!(made(1).0, [0, 0, 0], "the slowest has more");
        assert_eq!(made(0).2.iter().map(|(_, ns)| ns).sum::<u64>(), 59);
    }
}
