//! The events of all procs side by side, a lane for each proc, and the places to read them from. HOT.

use crate::trace::v1::{Cell, Cells, Jump, Kind, Piece, Sample, Scan};
use std::ops::Range;

/// A mark on a cell: a system call that blocked.
pub(crate) const BLOCKED: u8 = Cell::FREE_MARK;
/// A mark on a cell: part of a wake-up that came to nothing.
pub(crate) const FUTILE: u8 = Cell::FREE_MARK << 1;
/// A mark on a cell: the id of the target begins anew, so that who had it must have ended.
pub(crate) const REPLACES: u8 = Cell::FREE_MARK << 2;
/// A mark on a cell: who executed is not whom the lane's events before tell.
pub(crate) const OTHER_G: u8 = Cell::FREE_MARK << 3;
/// A mark on a cell: nothing happens where its event was written.
pub(crate) const ABSENT: u8 = Cell::FREE_MARK << 4;

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    pub(crate) cells: Cells,
    jumps: Vec<Jump>,
    pieces: Vec<Piece>,
    /// The pieces of each lane.
    of_lane: Vec<Range<usize>>,
}

impl Lanes {
    /// One lane for each proc in the order of their ids, the CPU samples last: at equal times this order holds.
    pub(crate) fn new(scan: &mut Scan) -> Self {
        let cells = Cells::of(std::mem::take(&mut scan.cells), std::mem::take(&mut scan.more_cells));
        let jumps = std::mem::take(&mut scan.jumps);
        let mut pieces = std::mem::take(&mut scan.pieces);
        pieces.sort_by_key(|piece| piece.proc);
        let mut of_lane = Vec::new();
        for proc in pieces.chunk_by(|a, b| a.proc == b.proc) {
            let start = of_lane.last().map_or(0, |lane: &Range<usize>| lane.end);
            of_lane.push(start..start + proc.len());
        }
        let mut all = Self { cells, jumps, pieces, of_lane };
        scan.samples.sort_by_key(|sample| sample.ticks);
        all.add_lane(scan.samples.iter().map(|sample| (sample_cell(sample), sample.pos, sample.ticks)));
        all
    }

    /// Adds a lane of cells each of which says its own place and time.
    fn add_lane(&mut self, cells: impl Iterator<Item = (Cell, u64, i64)>) {
        let first = self.cells.len();
        for (cell, pos, ticks) in cells {
            self.cells.push(Cell::jump(self.jumps.len() as u32));
            self.jumps.push(Jump { pos, ticks });
            self.cells.push(Cell { step: 0, advance: 0, ..cell });
        }
        let cells = (first, self.cells.len());
        self.pieces.push(Piece { proc: -1, start: 0, end: 0, torn: false, ticks: 0, seq: 0, cells });
        self.of_lane.push(self.pieces.len() - 1..self.pieces.len());
    }

    /// A single lane.
    pub(crate) fn single(cells: impl Iterator<Item = (Cell, u64, i64)>) -> Self {
        let mut all = Self::default();
        all.add_lane(cells);
        all
    }

    /// Number of lanes.
    pub(crate) fn len(&self) -> usize {
        self.of_lane.len()
    }

    /// Reads a lane from its start.
    pub(crate) fn reader(&self, lane: usize) -> Reader {
        let pieces = self.of_lane.get(lane).cloned().unwrap_or_default();
        Reader { pieces, cells: 0..0, pos: 0, ticks: 0, seq: 0, n_batches: 0, torn: false, lost: false }
    }
}

fn sample_cell(sample: &Sample) -> Cell {
    let is_wide = (sample.g | sample.stack) > u64::from(u32::MAX);
    let marks = if is_wide { Cell::WIDE } else { 0 };
    let (who, more) = (sample.g as u32, sample.stack as u32);
    Cell { step: 0, who, more, advance: 0, kind: Kind::CpuSample, marks }
}

/// A place in a lane.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pieces: Range<usize>,
    cells: Range<usize>,
    /// Where the event read last stands in the file.
    pub(crate) pos: u64,
    /// Its ticks.
    pub(crate) ticks: i64,
    /// Sequence number that the events of the batch count from.
    pub(crate) seq: i64,
    /// Batches so far.
    pub(crate) n_batches: u32,
    torn: bool,
    /// Whether the end of a batch is lost, and with it who runs now; whoever reads takes it back.
    pub(crate) lost: bool,
}

impl Reader {
    /// The number of the lane's next cell that is an event.
    #[inline(always)]
    pub(crate) fn next(&mut self, lanes: &Lanes) -> Option<usize> {
        loop {
            let Some(at) = self.cells.next() else {
                self.open_piece(lanes)?;
                continue;
            };
            let cell = lanes.cells[at];
            if cell.kind == Cell::JUMP {
                let jump = lanes.jumps.get(cell.who as usize)?;
                (self.pos, self.ticks) = (jump.pos, jump.ticks);
                continue;
            }
            self.pos += u64::from(cell.advance);
            self.ticks = self.ticks.wrapping_add(i64::from(cell.step));
            return Some(at);
        }
    }

    #[cold]
    fn open_piece(&mut self, lanes: &Lanes) -> Option<()> {
        let piece = lanes.pieces.get(self.pieces.next()?)?;
        self.lost |= std::mem::replace(&mut self.torn, piece.torn);
        self.n_batches = self.n_batches.wrapping_add(1);
        self.cells = piece.cells.0..piece.cells.1;
        (self.pos, self.ticks, self.seq) = (piece.start, piece.ticks, piece.seq);
        Some(())
    }
}
