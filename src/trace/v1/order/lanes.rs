//! Lanes: the events of one proc each, in the order in which it wrote them, and readers of them.
//!
//! A lane is the list of its proc's batches; a batch is a range of cells. The last lane has the CPU samples.

use crate::trace::v1::{CellPosition, EventCell, EventCells, FileScan, Kind, ProcBatch, SampleRecord};
use std::ops::Range;

/// Flag of a cell: the system call blocks.
pub(crate) const BLOCKED: u8 = EventCell::FIRST_FREE_FLAG;
/// Flag of a cell: part of a futile wake-up (see `futile.rs`).
pub(crate) const FUTILE: u8 = EventCell::FIRST_FREE_FLAG << 1;
/// Flag of a cell: the goroutine that it creates gets an id that is still in use. The goroutine that had it has ended.
pub(crate) const REPLACES: u8 = EventCell::FIRST_FREE_FLAG << 2;
/// Flag of a cell: the goroutine that executes is not the one that follows from the lane's events before.
pub(crate) const OTHER_G: u8 = EventCell::FIRST_FREE_FLAG << 3;
/// Flag of a cell: it is no event of its own in the order. It says something about another event, or takes effect earlier.
pub(crate) const ABSENT: u8 = EventCell::FIRST_FREE_FLAG << 4;

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    pub(crate) cells: EventCells,
    jumps: Vec<CellPosition>,
    batches: Vec<ProcBatch>,
    /// The pieces of each lane.
    batches_of_lane: Vec<Range<usize>>,
}

impl Lanes {
    /// A lane for each proc in the order of their ids, then one for the CPU samples. Of events at equal times, that of
    /// the lane before comes first.
    pub(crate) fn new(scan: &mut FileScan) -> Self {
        let cells = EventCells::new(std::mem::take(&mut scan.cells), std::mem::take(&mut scan.more_cells));
        let jumps = std::mem::take(&mut scan.jumps);
        let mut batches = std::mem::take(&mut scan.batches);
        batches.sort_by_key(|batch| batch.proc);
        let mut batches_of_lane = Vec::new();
        for proc in batches.chunk_by(|a, b| a.proc == b.proc) {
            let start = batches_of_lane.last().map_or(0, |lane: &Range<usize>| lane.end);
            batches_of_lane.push(start..start + proc.len());
        }
        let mut all = Self { cells, jumps, batches, batches_of_lane };
        scan.samples.sort_by_key(|sample| sample.ticks);
        all.add_lane(scan.samples.iter().map(|sample| (sample_cell(sample), sample.pos, sample.ticks)));
        all
    }

    /// Adds a lane of cells with positions of their own: a jump cell before each.
    fn add_lane(&mut self, cells: impl Iterator<Item = (EventCell, u64, i64)>) {
        let first = self.cells.len();
        for (cell, pos, ticks) in cells {
            self.cells.push(EventCell::jump(self.jumps.len() as u32));
            self.jumps.push(CellPosition { pos, ticks });
            self.cells.push(EventCell { tick_delta: 0, pos_delta: 0, ..cell });
        }
        let cells = (first, self.cells.len());
        self.batches.push(ProcBatch { proc: -1, start: 0, end: 0, ends_in_gap: false, ticks: 0, seq: 0, cells });
        self.batches_of_lane.push(self.batches.len() - 1..self.batches.len());
    }

    /// A single lane of cells with positions of their own.
    pub(crate) fn single(cells: impl Iterator<Item = (EventCell, u64, i64)>) -> Self {
        let mut all = Self::default();
        all.add_lane(cells);
        all
    }

    /// Number of lanes.
    pub(crate) fn len(&self) -> usize {
        self.batches_of_lane.len()
    }

    /// Whether a lane has the events of a proc: neither CPU samples, nor events of threads without one.
    pub(crate) fn is_of_proc(&self, lane: usize) -> bool {
        let batch = self.batches_of_lane.get(lane).and_then(|batches| self.batches.get(batches.start));
        batch.is_some_and(|batch| batch.proc >= 0)
    }

    /// Reads a lane from its start.
    pub(crate) fn reader(&self, lane: usize) -> LaneReader {
        let batches = self.batches_of_lane.get(lane).cloned().unwrap_or_default();
        LaneReader { batches, cells: 0..0, pos: 0, ticks: 0, seq: 0, n_batches: 0, ends_in_gap: false, lost: false }
    }
}

fn sample_cell(sample: &SampleRecord) -> EventCell {
    let is_wide = (sample.g | sample.stack) > u64::from(u32::MAX);
    let flags = if is_wide { EventCell::WIDE } else { 0 };
    let (arg, stack_or_arg) = (sample.g as u32, sample.stack as u32);
    EventCell { tick_delta: 0, arg, stack_or_arg, pos_delta: 0, kind: Kind::CpuSample, flags }
}

/// Reads the cells of a lane, and knows the position of each.
#[derive(Clone, Debug)]
pub(crate) struct LaneReader {
    batches: Range<usize>,
    cells: Range<usize>,
    /// Offset in the file of the event read last.
    pub(crate) pos: u64,
    /// Its ticks.
    pub(crate) ticks: i64,
    /// Sequence number that the events of the batch count from.
    pub(crate) seq: i64,
    /// Number of batches so far.
    pub(crate) n_batches: u32,
    ends_in_gap: bool,
    /// Whether events were lost since the last read, and with them which goroutine executes. The caller resets it.
    pub(crate) lost: bool,
}

impl LaneReader {
    /// The number of the lane's next cell that is an event; none at the end.
    #[inline(always)]
    pub(crate) fn next(&mut self, lanes: &Lanes) -> Option<usize> {
        loop {
            let Some(at) = self.cells.next() else {
                self.open_batch(lanes)?;
                continue;
            };
            let cell = lanes.cells[at];
            if cell.kind == EventCell::JUMP {
                let jump = lanes.jumps.get(cell.arg as usize)?;
                (self.pos, self.ticks) = (jump.pos, jump.ticks);
                continue;
            }
            self.pos += u64::from(cell.pos_delta);
            self.ticks = self.ticks.wrapping_add(i64::from(cell.tick_delta));
            return Some(at);
        }
    }

    #[cold]
    fn open_batch(&mut self, lanes: &Lanes) -> Option<()> {
        let batch = lanes.batches.get(self.batches.next()?)?;
        self.lost |= std::mem::replace(&mut self.ends_in_gap, batch.ends_in_gap);
        self.n_batches = self.n_batches.wrapping_add(1);
        self.cells = batch.cells.0..batch.cells.1;
        (self.pos, self.ticks, self.seq) = (batch.start, batch.ticks, batch.seq);
        Some(())
    }
}
