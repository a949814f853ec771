//! One pass over the bytes of a file: its batches, their events as cells, and the positions of strings and stacks.
//!
//! Never fails. Where bytes are no record, the scan goes on at the next plausible batch (`resync.rs`); the bytes
//! between become a [`Gap`]. The halves of a file can be scanned at the same time and joined ([`FileScan::join`]): the
//! second half begins at a batch, found as after damage.

use super::cell::{CellPosition, EventCell};
use super::file_scan::{FileScan, Gap, GapCause, ProcBatch, SampleRecord, StackBytes, StringBytes};
use super::kind::Kind;
use super::record::{EventRecord, Record, RecordFormat};
use super::resync::{is_proc, next_batch};
use crate::trace::version::{HEADER_SIZE, Header, read_header};
use crate::trace::wire::cursor::{Cursor, Malformed};

/// Most events before foreign text that may be its first letters, which can look like events.
const RECENT: usize = 8;
/// Fewest printable bytes that count as text.
const MIN_TEXT: usize = 4;

/// Number of printable ASCII bytes, tabs and line ends at the start of `bytes`.
pub(crate) fn text_length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| (b' '..0x7f).contains(*b) || b"\t\r\n".contains(b)).count()
}

/// Scans a whole file, its header included. Linear in the file's size.
pub(crate) fn scan(format: &RecordFormat, bytes: &[u8]) -> FileScan {
    scan_from(format, bytes, HEADER_SIZE.min(bytes.len()))
}

/// The offset of a plausible batch after the middle of the file; none if there is none. Only a scan of the first half can
/// confirm it.
pub(crate) fn middle(format: &RecordFormat, bytes: &[u8]) -> Option<usize> {
    next_batch(format, bytes, HEADER_SIZE.max(bytes.len() / 2), None)
}

/// As [`scan`], from an offset on at which a batch begins.
pub(crate) fn scan_from(format: &RecordFormat, bytes: &[u8], at: usize) -> FileScan {
    let mut scanner = Scanner {
        format,
        bytes,
        scan: FileScan::default(),
        ticks: None,
        last: CellPosition { pos: 0, ticks: 0 },
        in_batch: false,
        recent: [0; RECENT],
    };
    let mut at = at;
    while at < bytes.len() {
        at = scanner.run(at);
    }
    scanner.close_batch(bytes.len());
    scanner.scan
}

struct Scanner<'a> {
    format: &'a RecordFormat,
    bytes: &'a [u8],
    scan: FileScan,
    /// Ticks of the last event or batch; none before the first.
    ticks: Option<i64>,
    /// The last cell's position, which the next one counts from.
    last: CellPosition,
    /// Whether events belong to a batch here; false after a gap.
    in_batch: bool,
    /// Offsets of the last events, each at the event's number modulo the length.
    recent: [usize; RECENT],
}

impl Scanner<'_> {
    /// Reads records from `at` on up to the first gap or the end. Returns the offset to go on at.
    fn run(&mut self, at: usize) -> usize {
        let mut cursor = Cursor::new(&self.bytes[at..], at as u64);
        while !cursor.is_empty() {
            let start = cursor.offset() as usize;
            if self.in_batch
                && let Some(event) = self.format.read_event_fast(&mut cursor)
            {
                self.take_event(&event, start as u64);
                continue;
            }
            let cause = match self.format.read(&mut cursor) {
                Ok(Some(record)) if self.take_record(record, start, cursor.offset()) => continue,
                Err(Malformed::Ends) => GapCause::Ends,
                _ => GapCause::NoRecord,
            };
            return self.skip(start, cause);
        }
        self.bytes.len()
    }

    /// Takes one record; false when it cannot be one where it is.
    #[inline]
    fn take_record(&mut self, record: Record<'_>, start: usize, end: u64) -> bool {
        match record {
            Record::Batch { proc, seq, ticks } => {
                if !is_proc(proc) {
                    return false;
                }
                self.close_batch(start);
                let proc = i32::try_from(proc).unwrap_or(-1);
                let cells = (self.scan.cells.len(), self.scan.cells.len());
                let start = start as u64;
                self.scan.batches.push(ProcBatch { proc, start, end, ends_in_gap: false, ticks, seq, cells });
                self.in_batch = true;
                self.ticks = Some(ticks);
                self.last = CellPosition { pos: start, ticks };
            }
            Record::Event(event) => {
                if !self.in_batch {
                    return false;
                }
                self.take_event_out_of_line(&event, start as u64);
            }
            Record::Frequency(ticks_per_second) => self.scan.frequency = Some(ticks_per_second),
            Record::String { id, bytes } => {
                let len = bytes.len() as u32;
                self.scan.strings.push(StringBytes { id, pos: end - u64::from(len), len });
            }
            Record::Stack(values) => {
                let len = values.len() as u32;
                self.scan.stacks.push(StackBytes { pos: end - u64::from(len), len });
            }
            Record::TimerGoroutine => {}
        }
        true
    }

    /// A second copy of [`Scanner::take_event`], so that the frequent call can be inlined into its loop.
    #[inline(never)]
    fn take_event_out_of_line(&mut self, event: &EventRecord, pos: u64) {
        self.take_event(event, pos);
    }

    #[inline]
    fn take_event(&mut self, event: &EventRecord, pos: u64) {
        self.recent[self.scan.n_events as usize % RECENT] = pos as usize;
        self.scan.n_events += 1;
        let ticks = self.ticks.unwrap_or_default().wrapping_add(event.tick_delta);
        self.ticks = Some(ticks);
        match event.kind {
            Kind::CpuSample => {
                let [ticks, _, g] = event.args;
                self.scan.samples.push(SampleRecord { ticks: ticks as i64, pos, g, stack: event.stack });
                return;
            }
            Kind::FutileWakeup => self.scan.n_futile += 1,
            Kind::UserRegion if event.args[1] > 1 => {
                self.scan.broken.add(pos, "a region neither begins nor ends");
            }
            Kind::Gomaxprocs if self.scan.gaps.is_empty() => self.scan.sound_start = true,
            _ => {}
        }
        self.push_cell(event, CellPosition { pos, ticks });
    }

    /// Adds an event's cell, and a jump cell before it where the differences are too large.
    #[inline]
    fn push_cell(&mut self, event: &EventRecord, at: CellPosition) {
        let tick_delta = i32::try_from(at.ticks.wrapping_sub(self.last.ticks));
        let pos_delta = u16::try_from(at.pos - self.last.pos);
        let (tick_delta, pos_delta) = if let (Ok(tick_delta), Ok(pos_delta)) = (tick_delta, pos_delta) {
            (tick_delta, pos_delta)
        } else {
            self.scan.cells.push(EventCell::jump(self.scan.jumps.len() as u32));
            self.scan.jumps.push(at);
            (0, 0)
        };
        self.last = at;
        self.scan.cells.push(EventCell::new(event, tick_delta, pos_delta));
    }

    fn close_batch(&mut self, end: usize) {
        if let Some(batch) = self.scan.batches.last_mut().filter(|_| self.in_batch) {
            batch.end = end as u64;
            batch.cells.1 = self.scan.cells.len();
        }
    }

    /// Skips the bytes from `start` on that are no record, up to the next batch or the end; notes the gap, and a second
    /// trace that begins in it. Returns the offset to go on at.
    #[cold]
    fn skip(&mut self, start: usize, cause: GapCause) -> usize {
        let resume = next_batch(self.format, self.bytes, start + 1, self.ticks);
        let end = resume.unwrap_or(self.bytes.len());
        let second = find_header(&self.bytes[start..end]).map(|at| start + at);
        let text = second != Some(start) && text_length(&self.bytes[start..end]) >= MIN_TEXT;
        let start = if text { self.undo_text_events(start) } else { start };
        self.close_batch(start);
        if let Some(batch) = self.scan.batches.last_mut().filter(|_| self.in_batch && !text) {
            batch.ends_in_gap = true;
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

    /// Text follows at `start`: takes back the last events whose bytes are letters too. Returns where the text begins
    /// then.
    fn undo_text_events(&mut self, mut start: usize) -> usize {
        let batch = self.scan.batches.last().map_or(start as u64, |batch| batch.start);
        for _ in 0..RECENT {
            let Some(last) = self.scan.n_events.checked_sub(1) else { return start };
            let at = self.recent[last as usize % RECENT];
            let is_text = at as u64 > batch && at < start && text_length(&self.bytes[at..start]) == start - at;
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
        match self.format.read(&mut Cursor::new(&self.bytes[at..], at as u64)) {
            Ok(Some(Record::Batch { ticks, .. })) => Some(ticks),
            _ => None,
        }
    }
}

/// Offset of the first header of a trace in `bytes`; none if there is none.
fn find_header(bytes: &[u8]) -> Option<usize> {
    bytes.windows(HEADER_SIZE).position(|w| w.starts_with(b"go 1.") && read_header(w) != Header::NotATrace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::version::Dialect;

    fn halves(format: &RecordFormat, bytes: &[u8], at: usize) -> Option<FileScan> {
        scan(format, &bytes[..at]).join(scan_from(format, bytes, at))
    }

    /// The fast decoder reads what the general one reads, and leaves the cursor where that leaves it.
    #[test]
    fn fast_events_are_records() {
        for version in ["go1.19", "go1.21"] {
            let (format, bytes) = test_trace(version, "waits-long");
            let whole = scan(&format, &bytes);
            let (mut n_fast, mut n_events) = (0, 0);
            for batch in &whole.batches {
                let mut cursor = Cursor::new(&bytes[batch.start as usize..batch.end as usize], batch.start);
                while !cursor.is_empty() {
                    let mut fast = cursor;
                    let event = format.read_event_fast(&mut fast);
                    let record = format.read(&mut cursor);
                    n_events += u64::from(matches!(record, Ok(Some(Record::Event(_)))));
                    if let Some(event) = event {
                        assert_eq!((record, fast.offset()), (Ok(Some(Record::Event(event))), cursor.offset()));
                        n_fast += 1;
                    }
                }
            }
            assert!(2 * n_fast > n_events, "{n_fast} of {n_events}");
        }
    }

    fn test_trace(version: &str, name: &str) -> (RecordFormat, Vec<u8>) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces");
        let bytes = std::fs::read(folder.join(version).join(name).with_extension("trace")).expect("a test trace");
        let Header::Known(version) = read_header(&bytes) else { panic!("no trace") };
        let Dialect::V1(row) = version.dialect else { panic!("no old trace") };
        (RecordFormat::new(row), bytes)
    }

    /// Every byte is in a gap or in a record, whatever the damage: so what is not skipped is used, and nothing of an old trace
    /// is unknown.
    #[test]
    fn bytes_outside_of_gaps_are_records() {
        let (format, sound) = test_trace("go1.21", "waits");
        let (mut n_gaps, mut gap_bytes) = (0, 0);
        for i in 0..400 {
            let mut bytes = sound.clone();
            for k in 0..=i % 3 {
                let at = HEADER_SIZE + (i * 7919 + k * 104_729) % (bytes.len() - HEADER_SIZE);
                bytes[at] ^= 1 << (i % 8);
            }
            let damaged = scan(&format, &bytes);
            let (mut at, mut gaps) = (HEADER_SIZE as u64, damaged.gaps.iter().peekable());
            while at < bytes.len() as u64 {
                if let Some(gap) = gaps.next_if(|gap| gap.start == at) {
                    (n_gaps, gap_bytes) = (n_gaps + 1, gap_bytes + gap.end - gap.start);
                    at = gap.end;
                    continue;
                }
                let mut cursor = Cursor::new(&bytes[at as usize..], at);
                assert!(matches!(format.read(&mut cursor), Ok(Some(_))), "mutant {i}: no record at {at}");
                at = cursor.offset();
            }
            assert!(at == bytes.len() as u64 && gaps.next().is_none(), "mutant {i}");
        }
        assert!(n_gaps > 50 && gap_bytes > 1000, "{n_gaps} gaps, {gap_bytes} bytes");
    }

    /// A file that is scanned in halves gives the same as in one piece.
    #[test]
    fn halves_are_joined_where_batches_begin_and_nowhere_else() {
        let (format, bytes) = test_trace("go1.21", "cpuprof");
        let needs_event = scan(&format, &bytes);
        let joined_at = |at: usize| {
            let mut joined = halves(&format, &bytes, at)?;
            let more = std::mem::take(&mut joined.more_cells);
            joined.cells.extend(more);
            assert_eq!(format!("{joined:?}"), format!("{needs_event:?}"), "joined at {at}");
            Some(())
        };
        for batch in &needs_event.batches {
            let start = batch.start as usize;
            assert!(joined_at(start).is_some());
            assert!(halves(&format, &bytes, start + 1).is_none(), "inside a batch record");
        }
    }
}
