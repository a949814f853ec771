//! Orders the events of Go 1.5 and 1.6, which have one sequence number for all events of the trace
//! (`order1005` in `src/internal/trace/order.go` of Go 1.21).

use super::builder::OrderBuilder;
use super::lanes::Lanes;
use super::slots::Slots;
use super::stream::{Head, Stream, TraceBytes};
use crate::trace::v1::Kind;

/// Sorts the events of all lanes by their numbers. Replaces the lanes by a single one in this order.
pub(crate) fn order(file: TraceBytes<'_>, lanes: &mut Lanes) -> OrderBuilder {
    let mut slots = Slots::new();
    let mut heads: Vec<(i64, usize, Head)> = Vec::with_capacity(lanes.cells.len());
    for lane in 0..lanes.len() {
        read(file, lanes, lane, &mut slots, &mut heads);
    }
    heads.sort_unstable_by_key(|&(seq, lane, head)| (seq, lane, head.pos));
    *lanes = Lanes::single(heads.iter().map(|(_, _, head)| (lanes.cells[head.cell], head.pos, head.ticks)));
    let mut builder = OrderBuilder::for_lanes(1);
    for (i, (_, _, head)) in heads.iter().enumerate() {
        // Each cell has a jump cell before it.
        let head = Head { cell: 2 * i + 1, ..*head };
        builder.push(0, &head, &mut slots, &mut lanes.cells);
        builder.add_run(0, 1);
    }
    builder
}

/// Appends the events of one lane to `heads`, each with its sequence number and lane.
fn read(file: TraceBytes<'_>, lanes: &Lanes, lane: usize, slots: &mut Slots, heads: &mut Vec<(i64, usize, Head)>) {
    let mut stream = Stream::new(lanes, lane);
    let (mut seq, mut batch) = (0i64, 0);
    let mut next = Head::NONE;
    while stream.next(file, lanes, slots, &mut next) {
        let mut head = next;
        if std::mem::replace(&mut batch, stream.batch().0) != stream.batch().0 {
            seq = stream.batch().1;
        }
        seq = seq.wrapping_add(file.read_event(head.pos).map_or(0, |event| event.seq_delta));
        let mut number = seq;
        if head.kind == Kind::GoSysExit {
            // Written late, when the thread has a proc again. The event has the number and time of the return itself.
            number = head.seq as i64;
            if head.exit != 0 {
                head.ticks = std::mem::take(&mut head.exit);
            }
        }
        heads.push((number, lane, head));
    }
}
