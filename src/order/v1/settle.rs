//! What can be said only when all events are in order: when system calls really ended, and which wake-ups came to
//! nothing.

use super::ledger::{Entry, Ledger};
use crate::format::v1::Kind;
use crate::ids::GIdx;
use rustc_hash::FxHashMap;

/// Moves the returns from system calls to when they happened. Stable: what happened at the same time stays in its
/// order. Linear, and in place but for the returns.
pub(super) fn move_exits(ledger: &mut Ledger) {
    let entries = &mut ledger.entries;
    // Entry of the return, and how many other entries are before it.
    let mut exits: Vec<(Entry, usize)> = Vec::with_capacity(ledger.exits.len());
    let mut kept = 0;
    let mut moved = ledger.exits.iter().peekable();
    for at in 0..entries.len() {
        let mut entry = entries[at];
        if let Some(&(_, ticks)) = moved.next_if(|(exit, _)| *exit as usize == at) {
            entry.ticks = ticks;
            exits.push((entry, kept));
        } else {
            entries[kept] = entry;
            kept += 1;
        }
    }
    exits.sort_by_key(|(exit, _)| exit.ticks);
    for at in (0..entries.len()).rev() {
        let takes_exit = match (exits.last(), kept.checked_sub(1)) {
            (None, _) => return,
            (Some(_), None) => true,
            // At the same time the one that was later stays later.
            (Some((exit, before)), Some(other)) => (exit.ticks, *before) >= (entries[other].ticks, kept),
        };
        if let Some((exit, _)) = exits.pop_if(|_| takes_exit) {
            entries[at] = exit;
        } else {
            kept -= 1;
            entries[at] = entries[kept];
        }
    }
}

/// A goroutine's wake-up under suspicion.
#[derive(Default)]
struct Wakeup {
    futile: bool,
    entries: Vec<usize>,
}

/// Takes out the wake-ups after which a goroutine found its reason gone and blocked again: the wake-up, the starts
/// and preemptions after it, and the new block (`removeFutile` in `src/internal/trace/parser.go` of Go 1.21).
/// Writers of Go 1.5 – 1.10 mark these.
pub(super) fn remove_futile(entries: &mut [Entry], kind_at: impl Fn(u64) -> Option<Kind>) {
    let mut wakeups: FxHashMap<GIdx, Wakeup> = FxHashMap::default();
    for at in 0..entries.len() {
        let Entry { g, target, .. } = entries[at];
        match kind_at(entries[at].pos()) {
            Some(Kind::GoUnblock | Kind::GoUnblockLocal) => {
                wakeups.entry(target).or_default().entries = vec![at];
            }
            Some(kind @ (Kind::GoStart | Kind::GoStartLocal | Kind::GoPreempt | Kind::FutileWakeup)) => {
                let wakeup = wakeups.entry(g).or_default();
                wakeup.entries.push(at);
                wakeup.futile |= kind == Kind::FutileWakeup;
            }
            Some(
                Kind::GoBlock
                | Kind::GoBlockSend
                | Kind::GoBlockRecv
                | Kind::GoBlockSelect
                | Kind::GoBlockSync
                | Kind::GoBlockCond,
            ) => {
                if let Some(wakeup) = wakeups.remove(&g).filter(|w| w.futile) {
                    wakeup.entries.into_iter().chain([at]).for_each(|at| entries[at].make_futile());
                }
            }
            _ => {}
        }
    }
}
