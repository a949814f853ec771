//! One pass over the bytes: which proc wrote which stretch, where the strings and the stacks are, and what is no
//! record at all.

use super::cell::{Cell, Jump};
use super::kind::Kind;
use super::record::{Record, Timed, Wire};
use super::resync::{is_proc, next_batch};
use crate::trace::version::{HEADER_SIZE, Header, read_header};
use crate::trace::wire::cursor::{Cursor, Malformed};

/// A stretch of records that one proc wrote: from its batch record to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The proc; -1 for threads without one.
    pub proc: i32,
    /// Offset of the batch record.
    pub start: u64,
    /// Offset behind the last sound record.
    pub end: u64,
    /// Whether the batch ends in a [`Gap`]: what its proc did until its next batch is not known.
    pub torn: bool,
    /// Ticks that its events count from.
    pub ticks: i64,
    /// Sequence number that its events count from; 0 where the version has none.
    pub seq: i64,
    /// Its events: the first of [`Scan::cells`] and the one behind the last.
    pub cells: (usize, usize),
}

/// A CPU sample, which says itself when and where it was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// When.
    pub ticks: i64,
    /// Where its record stands.
    pub pos: u64,
    /// The id of the goroutine; 0 when there was none.
    pub g: u64,
    /// The stack's id in the file.
    pub stack: u64,
}

/// Why bytes were not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GapCause {
    /// No record of this version.
    NoRecord,
    /// The file ends inside a record.
    Ends,
    /// Another trace begins.
    SecondTrace,
}

/// Bytes that were not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset behind the last byte.
    pub end: u64,
    /// Why.
    pub cause: GapCause,
    /// Ticks of the last event before it.
    pub before: Option<i64>,
    /// Ticks of the batch behind it.
    pub after: Option<i64>,
    /// Whether it begins with text: something printed into the file, between two writes of the runtime, so that no
    /// events are missing.
    pub text: bool,
}

/// What a file consists of.
#[derive(Debug, Default)]
pub struct Scan {
    /// The batches, in the order of the file.
    pub pieces: Vec<Piece>,
    /// The timed events of all batches in the order of the file, CPU samples left out.
    pub cells: Vec<Cell>,
    /// Those of the second half, where halves were read by themselves; numbered behind the others.
    pub more_cells: Vec<Cell>,
    /// What cells have no room for.
    pub jumps: Vec<Jump>,
    /// The CPU samples, in the order of the file.
    pub samples: Vec<Sample>,
    /// Ticks per second, if the file goes that far.
    pub frequency: Option<u64>,
    /// Id, offset and length of every string.
    pub strings: Vec<(u64, u64, u32)>,
    /// Offset and length of the values of every stack.
    pub stacks: Vec<(u64, u32)>,
    /// Number of timed events.
    pub n_events: u64,
    /// Number of marks of futile wake-ups.
    pub n_futile: u64,
    /// Whether GOMAXPROCS is told before anything is missing.
    pub sound_start: bool,
    /// What was not used, in the order of the file.
    pub gaps: Vec<Gap>,
}

impl Scan {
    /// The scan of a whole file from those of its halves; none unless the first half ends with a record's end, and
    /// nothing in it was skipped.
    pub fn join(mut self, mut second: Self) -> Option<Self> {
        if !self.gaps.is_empty() {
            return None;
        }
        let (n_cells, n_jumps) = (self.cells.len(), self.jumps.len() as u32);
        for cell in second.cells.iter_mut().filter(|cell| cell.kind == Cell::JUMP) {
            cell.who += n_jumps;
        }
        for piece in &mut second.pieces {
            piece.cells = (piece.cells.0 + n_cells, piece.cells.1 + n_cells);
        }
        self.pieces.append(&mut second.pieces);
        self.jumps.append(&mut second.jumps);
        self.samples.append(&mut second.samples);
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

/// Records that are looked at once more when text follows: its first letters may look like events.
const RECENT: usize = 8;
/// Letters that make text.
const MIN_TEXT: usize = 4;

/// Length of the text at the start of `bytes`.
pub fn text_length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| (b' '..0x7f).contains(*b) || b"\t\r\n".contains(b)).count()
}

/// Reads the structure of a whole file, the header included. Linear in its size, and never fails: what is no
/// record becomes a [`Gap`].
pub fn scan(wire: &Wire, bytes: &[u8]) -> Scan {
    scan_from(wire, bytes, HEADER_SIZE.min(bytes.len()))
}

/// An offset at which a batch begins near the middle, as far as can be told without what is before it.
pub fn middle(wire: &Wire, bytes: &[u8]) -> Option<usize> {
    next_batch(wire, bytes, HEADER_SIZE.max(bytes.len() / 2), None)
}

/// The same as [`scan`] from an offset on at which a batch begins.
pub fn scan_from(wire: &Wire, bytes: &[u8], at: usize) -> Scan {
    let mut scanner = Scanner {
        wire,
        bytes,
        scan: Scan::default(),
        ticks: None,
        told: Jump { pos: 0, ticks: 0 },
        in_batch: false,
        recent: [0; RECENT],
    };
    let mut at = at;
    while at < bytes.len() {
        at = scanner.run(at);
    }
    scanner.close_piece(bytes.len());
    scanner.scan
}

struct Scanner<'a> {
    wire: &'a Wire,
    bytes: &'a [u8],
    scan: Scan,
    /// Of the last event or batch.
    ticks: Option<i64>,
    /// Where and when the last cell was: the next one counts from there.
    told: Jump,
    in_batch: bool,
    /// Where the last events begin, at the number of the event.
    recent: [usize; RECENT],
}

impl Scanner<'_> {
    /// Reads sound records from `at`; gives the offset to go on at, behind a gap if there is one.
    fn run(&mut self, at: usize) -> usize {
        let mut cursor = Cursor::new(&self.bytes[at..], at as u64);
        while !cursor.is_empty() {
            let start = cursor.offset() as usize;
            if self.in_batch
                && let Some(event) = self.wire.event(&mut cursor)
            {
                self.take_event(&event, start as u64);
                continue;
            }
            let cause = match self.wire.read(&mut cursor) {
                Ok(Some(record)) if self.note(record, start, cursor.offset()) => continue,
                Err(Malformed::Ends) => GapCause::Ends,
                _ => GapCause::NoRecord,
            };
            return self.skip(start, cause);
        }
        self.bytes.len()
    }

    /// Takes one record in; false when it cannot be one.
    #[inline]
    fn note(&mut self, record: Record<'_>, start: usize, end: u64) -> bool {
        match record {
            Record::Batch { proc, seq, ticks } => {
                if !is_proc(proc) {
                    return false;
                }
                self.close_piece(start);
                let proc = i32::try_from(proc).unwrap_or(-1);
                let cells = (self.scan.cells.len(), self.scan.cells.len());
                let start = start as u64;
                self.scan.pieces.push(Piece { proc, start, end, torn: false, ticks, seq, cells });
                self.in_batch = true;
                self.ticks = Some(ticks);
                self.told = Jump { pos: start, ticks };
            }
            Record::Event(event) => {
                if !self.in_batch {
                    return false;
                }
                self.note_event(&event, start as u64);
            }
            Record::Frequency(ticks_per_second) => self.scan.frequency = Some(ticks_per_second),
            Record::String { id, bytes } => {
                self.scan.strings.push((id, end - bytes.len() as u64, bytes.len() as u32));
            }
            Record::Stack(values) => {
                self.scan.stacks.push((end - values.len() as u64, values.len() as u32));
            }
            Record::TimerGoroutine => {}
        }
        true
    }

    /// Out of line, so that the hot call is alone in its loop.
    #[inline(never)]
    fn note_event(&mut self, event: &Timed, pos: u64) {
        self.take_event(event, pos);
    }

    #[inline]
    fn take_event(&mut self, event: &Timed, pos: u64) {
        self.recent[self.scan.n_events as usize % RECENT] = pos as usize;
        self.scan.n_events += 1;
        let ticks = self.ticks.unwrap_or_default().wrapping_add(event.step);
        self.ticks = Some(ticks);
        match event.kind {
            Kind::CpuSample => {
                let [ticks, _, g] = event.args;
                self.scan.samples.push(Sample { ticks: ticks as i64, pos, g, stack: event.stack });
                return;
            }
            Kind::FutileWakeup => self.scan.n_futile += 1,
            Kind::Gomaxprocs if self.scan.gaps.is_empty() => self.scan.sound_start = true,
            _ => {}
        }
        self.tell(event, Jump { pos, ticks });
    }

    /// Adds an event's cell.
    #[inline]
    fn tell(&mut self, event: &Timed, at: Jump) {
        let step = i32::try_from(at.ticks.wrapping_sub(self.told.ticks));
        let advance = u16::try_from(at.pos - self.told.pos);
        let (step, advance) = if let (Ok(step), Ok(advance)) = (step, advance) {
            (step, advance)
        } else {
            self.scan.cells.push(Cell::jump(self.scan.jumps.len() as u32));
            self.scan.jumps.push(at);
            (0, 0)
        };
        self.told = at;
        self.scan.cells.push(Cell::new(event, event.kind.has_stack(), step, advance));
    }

    fn close_piece(&mut self, end: usize) {
        if let Some(piece) = self.scan.pieces.last_mut().filter(|_| self.in_batch) {
            piece.end = end as u64;
            piece.cells.1 = self.scan.cells.len();
        }
    }

    /// Steps over what is no record, up to the next batch or the end.
    #[cold]
    fn skip(&mut self, start: usize, cause: GapCause) -> usize {
        let resume = next_batch(self.wire, self.bytes, start + 1, self.ticks);
        let end = resume.unwrap_or(self.bytes.len());
        let second = find_header(&self.bytes[start..end]).map(|at| start + at);
        let text = second != Some(start) && text_length(&self.bytes[start..end]) >= MIN_TEXT;
        let start = if text { self.give_back(start) } else { start };
        self.close_piece(start);
        if let Some(piece) = self.scan.pieces.last_mut().filter(|_| self.in_batch && !text) {
            piece.torn = true;
        }
        self.in_batch = false;
        let cause = if resume.is_some() || text { GapCause::NoRecord } else { cause };
        let gap = Gap { start: start as u64, end: end as u64, cause, before: self.ticks, after: None, text };
        let Some(second) = second else {
            self.scan.gaps.push(Gap { after: resume.and_then(|at| self.batch_ticks(at)), ..gap });
            return end;
        };
        if second > start {
            self.scan.gaps.push(Gap { end: second as u64, cause: GapCause::NoRecord, ..gap });
        }
        let end = self.bytes.len();
        let (start, cause, text) = (second as u64, GapCause::SecondTrace, false);
        self.scan.gaps.push(Gap { start, end: end as u64, cause, text, ..gap });
        end
    }

    /// Takes back the last events that consist of letters only; gives where the text begins then.
    fn give_back(&mut self, mut start: usize) -> usize {
        let piece = self.scan.pieces.last().map_or(start as u64, |piece| piece.start);
        for _ in 0..RECENT {
            let Some(last) = self.scan.n_events.checked_sub(1) else { return start };
            let at = self.recent[last as usize % RECENT];
            let is_text = at as u64 > piece && at < start && text_length(&self.bytes[at..start]) == start - at;
            if !is_text {
                return start;
            }
            self.scan.n_events = last;
            if self.bytes[at] & 0x3f != Kind::CpuSample as u8 {
                self.scan.cells.pop();
            }
            start = at;
        }
        start
    }

    fn batch_ticks(&self, at: usize) -> Option<i64> {
        match self.wire.read(&mut Cursor::new(&self.bytes[at..], at as u64)) {
            Ok(Some(Record::Batch { ticks, .. })) => Some(ticks),
            _ => None,
        }
    }
}

/// Offset of the first header of a trace in `bytes`.
fn find_header(bytes: &[u8]) -> Option<usize> {
    bytes.windows(HEADER_SIZE).position(|w| w.starts_with(b"go 1.") && read_header(w) != Header::NotATrace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::version::Dialect;

    fn halves(wire: &Wire, bytes: &[u8], at: usize) -> Option<Scan> {
        scan(wire, &bytes[..at]).join(scan_from(wire, bytes, at))
    }

    /// From wherever it is read on, a file consists of the same.
    #[test]
    fn halves_are_joined_where_batches_begin_and_nowhere_else() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces/go1.21/cpuprof.trace");
        let bytes = std::fs::read(path).expect("a trace of the repository");
        let Header::Known(version) = read_header(&bytes) else { panic!("no trace") };
        let Dialect::V1(row) = version.dialect else { panic!("no old trace") };
        let wire = Wire::new(row);
        let whole = scan(&wire, &bytes);
        let joined_at = |at: usize| {
            let mut joined = halves(&wire, &bytes, at)?;
            let more = std::mem::take(&mut joined.more_cells);
            joined.cells.extend(more);
            assert_eq!(format!("{joined:?}"), format!("{whole:?}"), "joined at {at}");
            Some(())
        };
        for piece in &whole.pieces {
            let start = piece.start as usize;
            assert!(joined_at(start).is_some());
            assert!(halves(&wire, &bytes, start + 1).is_none(), "inside a batch record");
        }
    }
}
