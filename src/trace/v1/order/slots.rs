//! Goroutines by their id: their state as far as ordering needs it, and which instance an id stands for.
//!
//! An *instance* is one creation of an id. Ids repeat: damage can hide ends and creations.

use crate::trace::ids::{GIdx, GoId};
use rustc_hash::FxHashMap;

/// State of a goroutine as far as the order of events depends on it (`gStatus` in `order.go` of Go 1.21, whose
/// `gWaiting` covers system calls).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Status {
    /// Not created yet, or ended.
    Dead,
    /// Ready to run.
    Runnable,
    /// Executing.
    Running,
    /// Blocked, or in a system call.
    Waiting,
}

/// Index of a [`Slot`]. Every id has one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SlotIdx(pub(crate) u32);

impl SlotIdx {
    /// No goroutine.
    pub(crate) const NONE: Self = Self(u32::MAX);
    /// The garbage collector, whose cycles are numbered like a goroutine's starts.
    pub(crate) const COLLECTOR: Self = Self(0);
}

/// The present state of an id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) id: GoId,
    /// Number of its next start, wake-up or return from a system call.
    pub(crate) seq: u64,
    pub(crate) status: Status,
    /// Number of streams that wait for this goroutine.
    pub(crate) parked: u32,
    /// The instance that it stands for; none before its first event and after its end.
    pub(crate) instance: GIdx,
    /// Its last event, if that was the start of a system call, of which the next one tells whether it blocks: the
    /// number of the cell plus one. Otherwise 0.
    pub(crate) pending_syscall: usize,
    /// Ticks of the last event that says that it is blocked in a system call; none before the first.
    pub(crate) blocked_at: Option<i64>,
}

/// Entries of the cache before the hash table: most ids were named shortly before.
const CACHE: usize = 1 << 12;

/// All ids.
#[derive(Debug)]
pub(crate) struct Slots {
    by_id: FxHashMap<u64, SlotIdx>,
    list: Vec<Slot>,
    /// The slot named last of those whose ids have the same last bits.
    cache: Vec<SlotIdx>,
}

impl Slots {
    pub(crate) fn new() -> Self {
        let cache = vec![SlotIdx::NONE; CACHE];
        let mut slots = Self { by_id: FxHashMap::default(), list: Vec::new(), cache };
        slots.push(0);
        slots
    }

    /// The slot of an id, a new one if it has none; [`SlotIdx::NONE`] for 0, which is no goroutine.
    #[inline(always)]
    pub(crate) fn index_of(&mut self, id: u64) -> SlotIdx {
        if id == 0 {
            return SlotIdx::NONE;
        }
        let slot = self.cache[id as usize % CACHE];
        if self.list.get(slot.0 as usize).is_some_and(|s| s.id.0 == id) {
            return slot;
        }
        self.look_up(id)
    }

    #[inline(never)]
    fn look_up(&mut self, id: u64) -> SlotIdx {
        let slot = self.find(id);
        self.cache[id as usize % CACHE] = slot;
        slot
    }

    fn find(&mut self, id: u64) -> SlotIdx {
        if let Some(&slot) = self.by_id.get(&id) {
            return slot;
        }
        let slot = self.push(id);
        self.by_id.insert(id, slot);
        slot
    }

    fn push(&mut self, id: u64) -> SlotIdx {
        self.list.push(Slot {
            id: GoId(id),
            seq: 0,
            status: Status::Dead,
            parked: 0,
            instance: GIdx::NONE,
            pending_syscall: 0,
            blocked_at: None,
        });
        SlotIdx(self.list.len() as u32 - 1)
    }

    /// A slot by its index; none for [`SlotIdx::NONE`].
    #[inline]
    pub(crate) fn get(&mut self, slot: SlotIdx) -> Option<&mut Slot> {
        self.list.get_mut(slot.0 as usize)
    }
}
