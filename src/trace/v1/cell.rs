//! The timed events of the file in 16 bytes each, so that no record is decoded twice.
//!
//! ```text
//! batch record                          next batch record
//! |  event  event  event  ...           |  event ...
//! |-->|------>|----->|                     pos_delta: bytes from event to event
//!                                          tick_delta: ticks from event to event
//! ```
//!
//! A batch gives the offset and the ticks that its first event counts from. Where a difference is too large for its
//! field, a jump cell comes before the event's, and the event counts from the jump's [`CellPosition`] instead.

use super::kind::Kind;
use super::record::EventRecord;
use std::ops::{Index, IndexMut};

/// One timed event. What has no room here is read again from the file, where the offset says that it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EventCell {
    /// Ticks since the event before; negative where the clock ran backwards.
    pub tick_delta: i32,
    /// The first argument. Ordering replaces it: by the [`GIdx`](crate::trace::ids::GIdx) of the goroutine that the event
    /// creates or wakes, or else of the one that executes.
    pub arg: u32,
    /// The stack's id in the file; of kinds without a stack, the second argument.
    pub stack_or_arg: u32,
    /// Bytes from the start of the event before to the start of this one.
    pub pos_delta: u16,
    /// What happened; [`EventCell::JUMP`] is no event.
    pub kind: Kind,
    /// [`EventCell::WIDE`], and from [`EventCell::FIRST_FREE_FLAG`] on those that ordering sets.
    pub flags: u8,
}

/// Where and when an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CellPosition {
    /// Offset in the file.
    pub pos: u64,
    /// Ticks.
    pub ticks: i64,
}

impl EventCell {
    /// The kind of a jump cell, which is no event. Its `arg` is the number of the [`CellPosition`] that the event after it
    /// counts from.
    pub(crate) const JUMP: Kind = Kind::Batch;
    /// Flag: the first argument does not fit into `arg`, or what belongs into `stack_or_arg` does not fit there.
    pub(crate) const WIDE: u8 = 1;
    /// The lowest flag that scanning does not use.
    pub(crate) const FIRST_FREE_FLAG: u8 = 2;

    /// The jump cell for the position with this number.
    pub(crate) fn jump(number: u32) -> Self {
        Self { tick_delta: 0, arg: number, stack_or_arg: 0, pos_delta: 0, kind: Self::JUMP, flags: 0 }
    }

    /// The cell of an event.
    #[inline]
    pub(crate) fn new(event: &EventRecord, tick_delta: i32, pos_delta: u16) -> Self {
        let stack_or_arg = if event.kind.has_stack() { event.stack } else { event.args[1] };
        let is_wide = (event.args[0] | stack_or_arg) > u64::from(u32::MAX);
        let flags = if is_wide { Self::WIDE } else { 0 };
        let (arg, stack_or_arg) = (event.args[0] as u32, stack_or_arg as u32);
        Self { tick_delta, arg, stack_or_arg, pos_delta, kind: event.kind, flags }
    }

    /// Whether all of these flags are set.
    #[inline]
    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}

/// Cells in two vectors, one for each half of a file that was scanned in parallel, numbered as one list.
#[derive(Debug, Default)]
pub(crate) struct EventCells {
    first: Vec<EventCell>,
    second: Vec<EventCell>,
}

impl EventCells {
    /// The cells of `first`, then those of `second`.
    pub(crate) fn new(first: Vec<EventCell>, second: Vec<EventCell>) -> Self {
        Self { first, second }
    }

    /// Adds a cell at the end.
    pub(crate) fn push(&mut self, cell: EventCell) {
        self.second.push(cell);
    }

    /// The number of cells.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// The cell with this number, if there are so many.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut EventCell> {
        let n = self.first.len();
        if at < n { self.first.get_mut(at) } else { self.second.get_mut(at - n) }
    }
}

impl Index<usize> for EventCells {
    type Output = EventCell;

    #[inline(always)]
    fn index(&self, at: usize) -> &EventCell {
        let n = self.first.len();
        if at < n { &self.first[at] } else { &self.second[at - n] }
    }
}

impl IndexMut<usize> for EventCells {
    #[inline(always)]
    fn index_mut(&mut self, at: usize) -> &mut EventCell {
        let n = self.first.len();
        if at < n { &mut self.first[at] } else { &mut self.second[at - n] }
    }
}
