//! What can be said only when all events are in order: which wake-ups came to nothing.

use super::entries::{Entry, Order};
use super::lanes::{FUTILE, Lanes};
use crate::trace::ids::GIdx;
use crate::trace::v1::Kind;
use rustc_hash::FxHashMap;

/// A goroutine's wake-up under suspicion.
#[derive(Default)]
struct Wakeup {
    futile: bool,
    cells: Vec<usize>,
}

/// Marks the wake-ups after which a goroutine found its reason gone and blocked again: the wake-up, the starts
/// and preemptions after it, and the new block (`removeFutile` in `src/internal/trace/parser.go` of Go 1.21).
/// Writers of Go 1.5 – 1.10 mark these.
pub(crate) fn mark_futile(order: &Order, lanes: &mut Lanes) {
    let mut wakeups: FxHashMap<GIdx, Wakeup> = FxHashMap::default();
    let mut futile: Vec<usize> = Vec::new();
    order.each(lanes, |entry| note(entry, &mut wakeups, &mut futile));
    for cell in futile {
        lanes.cells[cell].marks |= FUTILE;
    }
}

fn note(entry: &Entry, wakeups: &mut FxHashMap<GIdx, Wakeup>, futile: &mut Vec<usize>) {
    match entry.kind {
        Kind::GoUnblock | Kind::GoUnblockLocal => {
            wakeups.entry(entry.target).or_default().cells = vec![entry.cell];
        }
        Kind::GoStart | Kind::GoStartLocal | Kind::GoPreempt | Kind::FutileWakeup => {
            let wakeup = wakeups.entry(entry.g).or_default();
            wakeup.cells.push(entry.cell);
            wakeup.futile |= entry.kind == Kind::FutileWakeup;
        }
        Kind::GoBlock
        | Kind::GoBlockSend
        | Kind::GoBlockRecv
        | Kind::GoBlockSelect
        | Kind::GoBlockSync
        | Kind::GoBlockCond => {
            if let Some(wakeup) = wakeups.remove(&entry.g).filter(|w| w.futile) {
                futile.extend(wakeup.cells);
                futile.push(entry.cell);
            }
        }
        _ => {}
    }
}
