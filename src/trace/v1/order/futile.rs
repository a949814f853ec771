//! Futile wake-ups: a goroutine is woken, finds its reason gone, and blocks again. Only the order of all events shows them.

use super::lanes::{FUTILE, Lanes};
use super::ordered::{Order, OrderedEvent};
use crate::trace::ids::GIdx;
use crate::trace::v1::Kind;
use rustc_hash::FxHashMap;

/// A goroutine's last wake-up, which may turn out futile.
#[derive(Default)]
struct LastWakeup {
    /// Whether an event marks it as futile.
    futile: bool,
    /// The cells of the wake-up and what followed it.
    cells: Vec<usize>,
}

/// Sets [`FUTILE`] on the cells of futile wake-ups: the wake-up, the starts and preemptions after it, and the new block
/// (`removeFutile` in `src/internal/trace/parser.go` of Go 1.21).
/// Go 1.5 to 1.10 write an event of its own for each.
pub(crate) fn flag_futile(order: &Order, lanes: &mut Lanes) {
    let mut wakeups: FxHashMap<GIdx, LastWakeup> = FxHashMap::default();
    let mut futile: Vec<usize> = Vec::new();
    order.for_each(lanes, |event| note(event, &mut wakeups, &mut futile));
    for cell in futile {
        lanes.cells[cell].flags |= FUTILE;
    }
}

fn note(event: &OrderedEvent, wakeups: &mut FxHashMap<GIdx, LastWakeup>, futile: &mut Vec<usize>) {
    match event.kind {
        Kind::GoUnblock | Kind::GoUnblockLocal => {
            wakeups.entry(event.target).or_default().cells = vec![event.cell];
        }
        Kind::GoStart | Kind::GoStartLocal | Kind::GoPreempt | Kind::FutileWakeup => {
            let wakeup = wakeups.entry(event.g).or_default();
            wakeup.cells.push(event.cell);
            wakeup.futile |= event.kind == Kind::FutileWakeup;
        }
        Kind::GoBlock
        | Kind::GoBlockSend
        | Kind::GoBlockRecv
        | Kind::GoBlockSelect
        | Kind::GoBlockSync
        | Kind::GoBlockCond => {
            if let Some(wakeup) = wakeups.remove(&event.g).filter(|w| w.futile) {
                futile.extend(wakeup.cells);
                futile.push(event.cell);
            }
        }
        _ => {}
    }
}
