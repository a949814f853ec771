//! What a scan of a file found, and how those of its halves become one.

use super::broken_rules::BrokenRules;
use super::cell::{CellPosition, EventCell};

/// The records that one proc wrote into one buffer: from a batch record to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProcBatch {
    /// The proc's id; -1 for events of threads without a proc.
    pub proc: i32,
    /// Offset of the batch record.
    pub start: u64,
    /// Offset after the last sound record.
    pub end: u64,
    /// Whether the batch ends in a [`Gap`], so that events of its proc are missing before its next batch.
    pub ends_in_gap: bool,
    /// Ticks that its events count from.
    pub ticks: i64,
    /// Sequence number that its events count from; 0 in versions without them.
    pub seq: i64,
    /// Its events: the number of the first cell, and the one after the last.
    pub cells: (usize, usize),
}

/// A CPU sample. Its record has its own time and goroutine, whichever batch it is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SampleRecord {
    /// When it was taken, in ticks.
    pub ticks: i64,
    /// Offset of its record.
    pub pos: u64,
    /// The id of the goroutine that ran; 0 when none did.
    pub g: u64,
    /// The stack's id in the file.
    pub stack: u64,
}

/// Why bytes were not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GapCause {
    /// They are no record of this version.
    NoRecord,
    /// The file ends inside a record.
    Ends,
    /// Another trace begins there.
    SecondTrace,
}

/// Bytes that were not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gap {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset after the last byte.
    pub end: u64,
    /// Why.
    pub cause: GapCause,
    /// Ticks of the last event before it; none if there is none.
    pub before: Option<i64>,
    /// Ticks of the batch after it; none if there is none.
    pub after: Option<i64>,
    /// Whether it begins with text: the program printed into the file between two writes of the runtime, so no events
    /// are missing.
    pub text: bool,
}

/// What a file consists of. Lists are in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct FileScan {
    /// The batches.
    pub batches: Vec<ProcBatch>,
    /// The timed events of all batches, without CPU samples.
    pub cells: Vec<EventCell>,
    /// The cells of the second half, where the halves were scanned separately; numbered on from the others.
    pub more_cells: Vec<EventCell>,
    /// The positions that jump cells name by their number.
    pub jumps: Vec<CellPosition>,
    /// The CPU samples.
    pub samples: Vec<SampleRecord>,
    /// Ticks per second; none where the record is missing. It is one of the last.
    pub frequency: Option<u64>,
    /// The strings.
    pub strings: Vec<StringBytes>,
    /// The stacks.
    pub stacks: Vec<StackBytes>,
    /// Number of timed events, CPU samples included.
    pub n_events: u64,
    /// Number of events that mark a futile wake-up.
    pub n_futile: u64,
    /// Whether the event with GOMAXPROCS comes before the first gap: then the goroutines that the runtime announces
    /// before it are all there.
    pub sound_start: bool,
    /// The bytes that were not used.
    pub gaps: Vec<Gap>,
    /// Records that make no sense.
    pub broken: BrokenRules,
}

/// Where a string of the file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StringBytes {
    /// Its id.
    pub id: u64,
    /// Offset of its bytes.
    pub pos: u64,
    /// Its length in bytes.
    pub len: u32,
}

/// Where a stack of the file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StackBytes {
    /// Offset of its varints.
    pub pos: u64,
    /// Their length in bytes.
    pub len: u32,
}

impl FileScan {
    /// The scan of a whole file from the scans of its halves; none if the first half has a gap, because then the second
    /// one may begin inside a record.
    pub(crate) fn join(mut self, mut second: Self) -> Option<Self> {
        if !self.gaps.is_empty() {
            return None;
        }
        let (n_cells, n_jumps) = (self.cells.len(), self.jumps.len() as u32);
        for cell in second.cells.iter_mut().filter(|cell| cell.kind == EventCell::JUMP) {
            cell.arg += n_jumps;
        }
        for batch in &mut second.batches {
            batch.cells = (batch.cells.0 + n_cells, batch.cells.1 + n_cells);
        }
        self.batches.append(&mut second.batches);
        self.jumps.append(&mut second.jumps);
        self.samples.append(&mut second.samples);
        self.broken.join(second.broken);
        self.strings.append(&mut second.strings);
        self.stacks.append(&mut second.stacks);
        Some(Self {
            more_cells: second.cells,
            frequency: second.frequency.or(self.frequency),
            n_events: self.n_events + second.n_events,
            n_futile: self.n_futile + second.n_futile,
            sound_start: self.sound_start || second.sound_start,
            gaps: second.gaps,
            ..self
        })
    }
}
