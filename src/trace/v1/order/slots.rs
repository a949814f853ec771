//! Goroutines by their id: what the ordering rules know of them, and which instance an id means now.

use crate::trace::ids::{GIdx, GoId};
use rustc_hash::FxHashMap;

/// State of a goroutine as far as the order of events depends on it (`gStatus` in `order.go` of Go 1.21, whose
/// `gWaiting` covers system calls).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Status {
    Dead,
    Runnable,
    Running,
    Waiting,
}

/// Index of a [`Slot`]: one per id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SlotIdx(pub(crate) u32);

impl SlotIdx {
    /// No goroutine.
    pub(crate) const NONE: Self = Self(u32::MAX);
    /// The collector's cycles, which are numbered like a goroutine's starts.
    pub(crate) const COLLECTOR: Self = Self(0);
}

/// What is known about an id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) id: GoId,
    /// Number of its next start, wake-up or return from a system call.
    pub(crate) seq: u64,
    pub(crate) status: Status,
    /// Number of streams that wait for this goroutine.
    pub(crate) parked: u32,
    /// Who it is now; none before the first event and after the end.
    pub(crate) instance: GIdx,
    /// The cell of its system call of which it is not known yet whether it blocks, plus one.
    pub(crate) pending_call: usize,
    /// Ticks when it was last seen to be blocked in a system call.
    pub(crate) blocked_at: Option<i64>,
}

/// Places of the cache in front of the table: ids that are named now were mostly named just before.
const CACHE: usize = 1 << 12;

/// All ids.
#[derive(Debug)]
pub(crate) struct Slots {
    by_id: FxHashMap<u64, SlotIdx>,
    list: Vec<Slot>,
    /// Slots by the last bits of their ids.
    cache: Vec<SlotIdx>,
}

impl Slots {
    pub(crate) fn new() -> Self {
        let cache = vec![SlotIdx::NONE; CACHE];
        let mut slots = Self { by_id: FxHashMap::default(), list: Vec::new(), cache };
        slots.push(0);
        slots
    }

    /// The slot of an id, new if need be; none for 0, which is no goroutine.
    #[inline(always)]
    pub(crate) fn of(&mut self, id: u64) -> SlotIdx {
        if id == 0 {
            return SlotIdx::NONE;
        }
        let place = id as usize % CACHE;
        let slot = self.cache[place];
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
            pending_call: 0,
            blocked_at: None,
        });
        SlotIdx(self.list.len() as u32 - 1)
    }

    /// The slot; none for no goroutine.
    #[inline]
    pub(crate) fn get(&mut self, slot: SlotIdx) -> Option<&mut Slot> {
        self.list.get_mut(slot.0 as usize)
    }
}
