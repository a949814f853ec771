//! One event in 16 bytes: decoded once, then only looked at.

use super::kind::Kind;
use super::record::Timed;
use std::ops::{Index, IndexMut};

/// A timed event of a proc, its place and time told from the event before it. What a cell has no room for is read
/// again from the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Ticks since the event before.
    pub step: i32,
    /// The first argument; whoever orders the events puts the goroutine there.
    pub who: u32,
    /// The stack's id in the file; of kinds without a stack the second argument.
    pub more: u32,
    /// Bytes from the start of the event before to the start of this one.
    pub advance: u16,
    /// What happened; [`Cell::JUMP`] is no event.
    pub kind: Kind,
    /// The marks below, and those of whoever orders the events.
    pub marks: u8,
}

/// Cells in two vectors, which were filled side by side, numbered as if they were one.
#[derive(Debug, Default)]
pub struct Cells {
    first: Vec<Cell>,
    second: Vec<Cell>,
}

impl Cells {
    /// The cells of both, in this order.
    pub fn of(first: Vec<Cell>, second: Vec<Cell>) -> Self {
        Self { first, second }
    }

    /// Adds one at the end.
    pub fn push(&mut self, cell: Cell) {
        self.second.push(cell);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell with a number.
    #[inline(always)]
    pub fn get_mut(&mut self, at: usize) -> Option<&mut Cell> {
        let n = self.first.len();
        if at < n { self.first.get_mut(at) } else { self.second.get_mut(at - n) }
    }
}

impl Index<usize> for Cells {
    type Output = Cell;

    #[inline(always)]
    fn index(&self, at: usize) -> &Cell {
        let n = self.first.len();
        if at < n { &self.first[at] } else { &self.second[at - n] }
    }
}

impl IndexMut<usize> for Cells {
    #[inline(always)]
    fn index_mut(&mut self, at: usize) -> &mut Cell {
        let n = self.first.len();
        if at < n { &mut self.first[at] } else { &mut self.second[at - n] }
    }
}

/// Where and when the events behind a jump count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Jump {
    /// Offset in the file.
    pub pos: u64,
    /// Ticks.
    pub ticks: i64,
}

impl Cell {
    /// The kind of a cell that is no event: its `who` is the number of the [`Jump`] that what follows counts from.
    pub const JUMP: Kind = Kind::Batch;
    /// `who` does not hold the first argument, or `more` not what it should: too large.
    pub const WIDE: u8 = 1;
    /// The marks from here on are free for whoever orders the events.
    pub const FREE_MARK: u8 = 2;

    /// A cell that makes what follows count from the jump with this number.
    pub fn jump(number: u32) -> Self {
        Self { step: 0, who: number, more: 0, advance: 0, kind: Self::JUMP, marks: 0 }
    }

    /// An event's cell.
    #[inline]
    pub(crate) fn new(event: &Timed, has_stack: bool, step: i32, advance: u16) -> Self {
        let more = if has_stack { event.stack } else { event.args[1] };
        let is_wide = (event.args[0] | more) > u64::from(u32::MAX);
        let marks = if is_wide { Self::WIDE } else { 0 };
        Self { step, who: event.args[0] as u32, more: more as u32, advance, kind: event.kind, marks }
    }

    /// Whether all of the marks are there.
    #[inline]
    pub fn has(&self, marks: u8) -> bool {
        self.marks & marks == marks
    }
}
