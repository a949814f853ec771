//! One request with its goroutines, as lanes over time, and its critical path through them.

use super::{NodeIdx, StackTree, WakerKind};

/// A request with its goroutines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exemplar {
    /// Its position in [`Requests::list`](super::Requests::list).
    pub request: usize,
    /// Goroutines on its critical path or of its subtree: the request's own first.
    pub lanes: Vec<Lane>,
    /// Its critical path from its start to its end, without gaps.
    pub path: Vec<PathPiece>,
    /// Where the path goes on with who waited: who ended each wait, in order of time.
    pub hand_overs: Vec<HandOver>,
    /// Goroutines that are not shown, because there are too many.
    pub more_lanes: u64,
    /// Pieces of the path that are not shown, because there are too many.
    pub more_pieces: u64,
}

/// One goroutine while a request lasted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lane {
    /// Its id in the file.
    pub goid: u64,
    /// Its entry function; empty when unknown.
    pub entry: String,
    /// What a pooled goroutine runs: the function that its entry function calls, where that calls others on other
    /// goroutines; empty where the entry function says all.
    pub runs: String,
    /// The lane of its creator; none for the request's own, and for goroutines outside
    /// its subtree.
    pub parent: Option<usize>,
    /// How it belongs to the request.
    pub kind: WakerKind,
    /// Its intervals inside the request, ascending; those of one state that touch are one.
    pub pieces: Vec<LanePiece>,
    /// Intervals that are not shown.
    pub more_pieces: u64,
    /// Time of the critical path that is spent here, in ns, as far as the path is shown;
    /// [`Requests::finish`](super::Requests::finish) adds it up.
    pub path_ns: u64,
}

/// Time of a goroutine in one state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LanePiece {
    /// Start from the request's start, in ns.
    pub start_ns: u64,
    /// Length in ns.
    pub dur_ns: u64,
    /// Position in [`Requests::state_names`](super::Requests::state_names).
    pub state: u16,
    /// Its stack, in the profile's tree; empty where it has several, or the trace has none.
    pub stack: NodeIdx,
}

/// A piece of a critical path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PathPiece {
    /// Start from the request's start, in ns.
    pub start_ns: u64,
    /// Length in ns.
    pub dur_ns: u64,
    /// Lane that it was spent in; none when that lane is not shown.
    pub lane: Option<usize>,
    /// Id of that goroutine in the file.
    pub goid: u64,
    /// State.
    pub state: String,
    /// Its stack, in the profile's tree.
    pub stack: NodeIdx,
}

/// A goroutine that ended the wait of another one, or created it, on a critical path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HandOver {
    /// When, from the request's start, in ns.
    pub at_ns: u64,
    /// Lane of who ended the wait; none when it is not shown.
    pub from: Option<usize>,
    /// Id of that goroutine in the file.
    pub from_goid: u64,
    /// Lane of who waited; none when it is not shown.
    pub to: Option<usize>,
    /// Id of that goroutine in the file.
    pub to_goid: u64,
    /// What it waited in; empty where it did not exist yet, and was created then.
    pub state: String,
    /// The stack on which it waited, in the profile's tree; empty when not recorded.
    pub stack: NodeIdx,
}

impl Exemplar {
    /// The stack on which the request's own goroutine waited during a piece of the path that is another goroutine's, in the
    /// profile's tree; none where it waited on none, or that is not known.
    pub fn own_wait(&self, piece: &PathPiece) -> Option<NodeIdx> {
        let own = self.lanes.first().filter(|own| own.goid != piece.goid)?.goid;
        let end = piece.start_ns.saturating_add(piece.dur_ns);
        // The path is elsewhere during one wait, until the first hand-over to the request's own goroutine.
        let from = self.hand_overs.partition_point(|over| over.at_ns < end);
        let to_own = self.hand_overs[from..].iter().find(|over| over.to_goid == own)?;
        // A task that another goroutine took over waits for nobody there: the own one comes first.
        let from = self.path.partition_point(|other| other.start_ns < end);
        let between = self.path[from..].iter().take_while(|other| other.start_ns < to_own.at_ns);
        let is_in_wait = !between.into_iter().any(|other| other.goid == own);
        (is_in_wait && to_own.stack != StackTree::ROOT).then_some(to_own.stack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::ProfileFrame;

    fn piece(goid: u64, start_ns: u64, dur_ns: u64) -> PathPiece {
        PathPiece { start_ns, dur_ns, goid, ..PathPiece::default() }
    }

    #[test]
    fn a_piece_is_below_the_wait_that_it_is_in() {
        let mut tree = StackTree::default();
        let mut stack = |name: &str| {
            let frame = ProfileFrame { function: name.into(), file: "main.go".into(), line: 1 };
            let frame = tree.intern_frame(frame);
            tree.push(StackTree::ROOT, frame)
        };
        let (first, second, others) = (stack("main.first"), stack("main.second"), stack("main.work"));
        let over =
            |at_ns, from_goid, to_goid, stack| HandOver { at_ns, from_goid, to_goid, stack, ..HandOver::default() };
        let exemplar = Exemplar {
            lanes: vec![Lane { goid: 7, ..Lane::default() }],
            hand_overs: vec![
                over(20, 9, 8, others),
                over(30, 8, 7, first),
                over(50, 8, 7, second),
                over(60, 5, 7, StackTree::ROOT),
            ],
            ..Exemplar::default()
        };
        assert_eq!(exemplar.own_wait(&piece(9, 10, 10)), Some(first));
        assert_eq!(exemplar.own_wait(&piece(8, 20, 10)), Some(first));
        assert_eq!(exemplar.own_wait(&piece(8, 40, 10)), Some(second));
        // A task that was handed over: the own goroutine goes on before it waits.
        let handed = Exemplar { path: vec![piece(9, 10, 10), piece(7, 20, 5), piece(8, 25, 5)], ..exemplar.clone() };
        assert_eq!(handed.own_wait(&handed.path[0]), None);
        assert_eq!(handed.own_wait(&handed.path[2]), Some(first));
        // Its own goroutine, a stack that is not recorded, and a wait that no goroutine ended.
        assert_eq!(exemplar.own_wait(&piece(7, 30, 10)), None);
        assert_eq!(exemplar.own_wait(&piece(5, 55, 5)), None);
        assert_eq!(exemplar.own_wait(&piece(5, 55, 15)), None);
    }
}
