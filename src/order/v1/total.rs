//! Orders by the one sequence of Go 1.5 and 1.6, which numbers every event of the trace
//! (`order1005` in `src/internal/trace/order.go` of Go 1.21).

use super::ledger::Ledger;
use super::slots::Slots;
use super::stream::{Head, Stream};
use crate::format::v1::{Kind, Wire};

/// Puts the events of all streams in the order of their numbers.
pub(super) fn order(wire: &Wire, streams: Vec<Stream<'_>>, n_events: u64) -> Ledger {
    let mut slots = Slots::new();
    let mut heads: Vec<(i64, u32, Head)> = Vec::with_capacity(n_events as usize);
    for (proc, mut stream) in streams.into_iter().enumerate() {
        while let Some(mut head) = stream.next(wire, &mut slots) {
            let mut seq = stream.seq();
            if head.kind == Kind::GoSysExit {
                // Written late, when the thread has a proc again; it carries its true number and time.
                seq = head.seq as i64;
                if head.exit != 0 {
                    head.ticks = std::mem::take(&mut head.exit);
                }
            }
            heads.push((seq, proc as u32, head));
        }
    }
    heads.sort_unstable_by_key(|&(seq, proc, head)| (seq, proc, head.pos));
    let mut ledger = Ledger::for_events(n_events);
    for (_, _, head) in &heads {
        ledger.push(head, &mut slots);
    }
    ledger
}
