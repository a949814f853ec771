//! Arrows from who ended a wait to who waited: where a critical path goes from one goroutine to another.

use crate::profile::{Exemplar, Lane, LanePiece};
use std::collections::BTreeMap;

/// By lane and piece, the arrows that begin and that end there.
pub(super) struct LaneFlows(BTreeMap<(usize, usize), (Vec<u64>, Vec<u64>)>);

impl LaneFlows {
    /// The arrows of a request; `n_flows` are those before it, and after it.
    pub(super) fn of(exemplar: &Exemplar, n_flows: &mut u64) -> Self {
        let mut flows: BTreeMap<(usize, usize), (Vec<u64>, Vec<u64>)> = BTreeMap::new();
        for pair in exemplar.path.windows(2) {
            let (Some(from), Some(to)) = (pair[0].lane, pair[1].lane) else { continue };
            let at = pair[1].start_ns;
            let Some(before) = at.checked_sub(1).filter(|_| from != to) else { continue };
            let pieces = (piece_at(&exemplar.lanes[from], before), piece_at(&exemplar.lanes[to], at));
            let (Some(woke), Some(woken)) = pieces else { continue };
            // An arrow goes forward in time.
            if exemplar.lanes[from].pieces[woke].start_ns >= exemplar.lanes[to].pieces[woken].start_ns {
                continue;
            }
            *n_flows += 1;
            flows.entry((from, woke)).or_default().0.push(*n_flows);
            flows.entry((to, woken)).or_default().1.push(*n_flows);
        }
        Self(flows)
    }

    /// Those of a piece of a lane.
    pub(super) fn of_piece(&self, lane: usize, piece: usize) -> (&[u64], &[u64]) {
        self.0.get(&(lane, piece)).map_or((&[], &[]), |(begin, end)| (begin, end))
    }
}

/// The piece of a lane that a moment is in.
fn piece_at(lane: &Lane, at_ns: u64) -> Option<usize> {
    let after = lane.pieces.partition_point(|piece| piece.start_ns <= at_ns);
    let at = after.checked_sub(1)?;
    let LanePiece { start_ns, dur_ns, .. } = lane.pieces[at];
    (at_ns - start_ns < dur_ns).then_some(at)
}
