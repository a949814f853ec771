//! Orders by the one sequence of Go 1.5 and 1.6, which numbers every event of the trace
//! (`order1005` in `src/internal/trace/order.go` of Go 1.21).

use super::lanes::Lanes;
use super::ledger::Ledger;
use super::slots::Slots;
use super::stream::{File, Head, Stream};
use crate::trace::v1::Kind;

/// Puts the events of all lanes in the order of their numbers, into a lane of their own.
pub(crate) fn order(file: File<'_>, lanes: &mut Lanes) -> Ledger {
    let mut slots = Slots::new();
    let mut heads: Vec<(i64, usize, Head)> = Vec::with_capacity(lanes.cells.len());
    for lane in 0..lanes.len() {
        read(file, lanes, lane, &mut slots, &mut heads);
    }
    heads.sort_unstable_by_key(|&(seq, lane, head)| (seq, lane, head.pos));
    *lanes = Lanes::single(heads.iter().map(|(_, _, head)| (lanes.cells[head.cell], head.pos, head.ticks)));
    let mut ledger = Ledger::for_lanes(1);
    for (i, (_, _, head)) in heads.iter().enumerate() {
        // Behind each cell's jump.
        let head = Head { cell: 2 * i + 1, ..*head };
        ledger.push(0, &head, &mut slots, &mut lanes.cells);
        ledger.add_run(0, 1);
    }
    ledger
}

/// Adds the events of one lane, each with its number.
fn read(file: File<'_>, lanes: &Lanes, lane: usize, slots: &mut Slots, heads: &mut Vec<(i64, usize, Head)>) {
    let mut stream = Stream::new(lanes, lane);
    let (mut seq, mut batch) = (0i64, 0);
    let mut next = Head::NONE;
    while stream.next(file, lanes, slots, &mut next) {
        let mut head = next;
        if std::mem::replace(&mut batch, stream.batch().0) != stream.batch().0 {
            seq = stream.batch().1;
        }
        seq = seq.wrapping_add(file.event(head.pos).map_or(0, |event| event.seq_step));
        let mut place = seq;
        if head.kind == Kind::GoSysExit {
            // Written late, when the thread has a proc again; it carries its true number and time.
            place = head.seq as i64;
            if head.exit != 0 {
                head.ticks = std::mem::take(&mut head.exit);
            }
        }
        heads.push((place, lane, head));
    }
}
