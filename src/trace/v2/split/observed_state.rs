//! What scans of single threads observed between two split times, by the file's ids.

use super::last_seen::LastSeenById;
use crate::trace::ids::GoId;
use crate::trace::v2::order::proc_state::ProcState;
use crate::trace::v2::order::threads::Position;
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// What some threads of a generation did to the scheduler's state between two split times.
///
/// Where several threads change one thing, the change with the highest sequence number is the latest.
#[derive(Default)]
pub(crate) struct ObservedState {
    /// The last sequence number and state of each goroutine.
    pub(super) goroutines: LastSeenById,
    /// By proc id, the last sequence number, and the state then.
    pub(super) procs: FxHashMap<u64, (u64, ProcState)>,
    /// By proc id, the last sequence number with which a thread took it, and that thread.
    pub(super) holders: FxHashMap<u64, (u64, u32)>,
    /// Goroutines that began (true) or ended to assist the collector, with the sequence number of their start before.
    pub(super) assists: FxHashMap<GoId, (u64, bool)>,
    /// The same for goroutines that sweep for it.
    pub(super) sweeps: FxHashMap<GoId, (u64, bool)>,
    /// By proc id, whether it swept when the generation began and the goroutine on it is not known yet, with the sequence
    /// number known then.
    pub(super) active_sweeps: FxHashMap<u64, (u64, bool)>,
    /// The number of the collector's next event; `None` if there was no event of the collector.
    pub(super) next_gc: Option<u64>,
    /// Where each thread is at the later split time, in their order.
    pub(super) threads: Vec<ObservedThread>,
}

/// Where a thread is at a split time.
pub(super) struct ObservedThread {
    /// The goroutine that it executes; [`GoId::NONE`] for none.
    pub(super) g: GoId,
    /// The proc that it took last, unless it gave that up: its id, and the last sequence number that the thread knows.
    pub(super) proc: Option<(u64, u64)>,
    /// Its next event; `None` if there is none.
    pub(super) position: Option<Position>,
    /// How many goroutines it created so far in the generation.
    pub(super) created: u32,
}

impl ObservedState {
    pub(super) fn put_proc(&mut self, id: u64, seq: u64, state: ProcState) {
        put_later(&mut self.procs, id, seq, state);
    }
}

/// Sets what is known of `key` as of sequence number `seq`, unless something with a higher number is known.
pub(super) fn put_later<K: Hash + Eq, T>(known: &mut FxHashMap<K, (u64, T)>, key: K, seq: u64, value: T) {
    let before = known.get(&key).map_or(0, |(before, _)| *before);
    if before <= seq {
        known.insert(key, (seq, value));
    }
}
