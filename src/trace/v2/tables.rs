//! A generation's own tables: strings, stacks, CPU samples and the clock, as the wire has them.
//!
//! Damage costs the entry, not the table: what was read before it stays.

use super::generation::Generation;
use super::index::{BatchKind, BatchRef, GenerationIndex};
use crate::trace::error::{Result, Warning};
use crate::trace::source::{Source, read_full};
use crate::trace::time::Time;
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::event_spec::{EVENTS, code};
use crate::trace::wire::limits::{MAX_FRAMES_PER_STACK, MAX_FREQUENCY, MAX_STRING_SIZE, MIN_FREQUENCY};
use rustc_hash::FxHashMap;

/// Values by the ids of one generation: an array while ids are dense, as Go's writer makes them.
#[derive(Clone, Debug)]
pub struct IdTable<T> {
    dense: Vec<Option<T>>,
    sparse: FxHashMap<u64, T>,
}

impl<T> Default for IdTable<T> {
    fn default() -> Self {
        Self { dense: Vec::new(), sparse: FxHashMap::default() }
    }
}

impl<T: Copy> IdTable<T> {
    /// Builds the table; of two entries with one id the first stays.
    pub fn new(entries: &[(u64, T)]) -> Self {
        let mut table = Self::default();
        let dense_end = entries.len() as u64 * 4 + 64;
        for &(id, value) in entries {
            if id >= dense_end {
                table.sparse.entry(id).or_insert(value);
                continue;
            }
            if table.dense.len() <= id as usize {
                table.dense.resize(id as usize + 1, None);
            }
            table.dense[id as usize].get_or_insert(value);
        }
        table
    }

    /// The value of an id.
    #[inline]
    pub fn get(&self, id: u64) -> Option<T> {
        match self.dense.get(id as usize) {
            Some(value) => *value,
            None => self.sparse.get(&id).copied(),
        }
    }

    /// The values of ids from 0 on, as far as they are dense; none where there is none.
    pub fn dense(&self) -> &[Option<T>] {
        &self.dense
    }

    /// The same values, and one for all other ids.
    pub fn or(self, other: T) -> TotalTable<T> {
        let dense = self.dense.iter().map(|value| value.unwrap_or(other)).collect();
        TotalTable { dense, sparse: self.sparse, other }
    }

    /// The same ids with other values.
    pub fn map<U: Copy>(&self, mut f: impl FnMut(T) -> U) -> IdTable<U> {
        IdTable {
            dense: self.dense.iter().map(|v| v.map(&mut f)).collect(),
            sparse: self.sparse.iter().map(|(&id, &v)| (id, f(v))).collect(),
        }
    }
}

/// Values by the ids of one generation, of which all have one: what it is takes one look.
#[derive(Clone, Debug)]
pub struct TotalTable<T> {
    dense: Vec<T>,
    sparse: FxHashMap<u64, T>,
    other: T,
}

impl<T: Copy> TotalTable<T> {
    /// The value of an id.
    #[inline]
    pub fn get(&self, id: u64) -> T {
        match self.dense.get(id as usize) {
            Some(value) => *value,
            None => self.sparse(id),
        }
    }

    #[cold]
    fn sparse(&self, id: u64) -> T {
        self.sparse.get(&id).copied().unwrap_or(self.other)
    }

    /// The same with no value of its own for an id.
    #[must_use]
    pub fn without(mut self, id: u64) -> Self {
        self.sparse.remove(&id);
        if let Some(value) = self.dense.get_mut(id as usize) {
            *value = self.other;
        }
        self
    }
}

/// One frame as the wire has it: ids of strings, and a line.
#[derive(Clone, Copy, Debug)]
pub struct WireFrame {
    /// Program counter.
    pub pc: u64,
    /// String id of the function's name.
    pub function: u64,
    /// String id of the file's name.
    pub file: u64,
    /// Line.
    pub line: u64,
}

/// A range of [`Tables::frames`], leaf first.
#[derive(Clone, Copy, Debug)]
pub struct FrameRange {
    start: u32,
    len: u32,
}

/// A range of the text of [`Tables`].
#[derive(Clone, Copy, Debug)]
struct TextRange {
    start: usize,
    len: usize,
}

/// Strings and stacks of a generation, without its bytes.
#[derive(Default, Debug)]
pub struct Tables {
    strings: IdTable<TextRange>,
    text: Vec<u8>,
    /// Stacks by id.
    pub stacks: IdTable<FrameRange>,
    frames: Vec<WireFrame>,
}

impl Tables {
    /// The string with an id.
    pub fn string(&self, id: u64) -> Option<&[u8]> {
        self.strings.get(id).map(|at| &self.text[at.start..at.start + at.len])
    }

    /// The frames of a stack, leaf first.
    pub fn frames(&self, stack: FrameRange) -> &[WireFrame] {
        &self.frames[stack.start as usize..(stack.start + stack.len) as usize]
    }
}

/// Reads a generation's strings and stacks.
pub fn read_tables(generation: &Generation<'_>, warnings: &mut Vec<Warning>) -> Result<Tables> {
    let (mut strings, mut text) = (Vec::new(), Vec::new());
    let mut stacks = Vec::new();
    let mut frames = Vec::new();
    let mut bytes = Vec::new();
    let is_table = |b: &&BatchRef| matches!(b.kind, BatchKind::Strings | BatchKind::Stacks);
    for batch in generation.index.batches.iter().filter(is_table) {
        generation.read(batch, &mut bytes)?;
        let mut cursor = Cursor::new(&bytes, batch.offset);
        let read = match batch.kind {
            BatchKind::Strings => read_strings(&mut cursor, &mut strings, &mut text),
            BatchKind::Stacks => read_stacks(&mut cursor, &mut stacks, &mut frames),
            _ => Ok(()),
        };
        if read.is_err() {
            let message = "a table of names is damaged; some functions have no name";
            let lost = Warning::lost("damaged-table", message, cursor.offset(), cursor.remaining() as u64);
            warnings.push(lost.in_generation(generation.index.number));
        }
    }
    Ok(Tables { strings: IdTable::new(&strings), text, stacks: IdTable::new(&stacks), frames })
}

/// A value that cannot be right, told apart from one that cannot be read only by whoever fixes the writer.
const IMPLAUSIBLE: Malformed = Malformed::Varint;

fn expect(cursor: &mut Cursor<'_>, expected: u8) -> std::result::Result<(), Malformed> {
    if cursor.byte()? == expected { Ok(()) } else { Err(IMPLAUSIBLE) }
}

fn read_strings(
    cursor: &mut Cursor<'_>,
    strings: &mut Vec<(u64, TextRange)>,
    text: &mut Vec<u8>,
) -> std::result::Result<(), Malformed> {
    expect(cursor, code::STRINGS)?;
    while !cursor.is_empty() {
        expect(cursor, code::STRING)?;
        let id = cursor.uvarint()?;
        let len = cursor.uvarint()?;
        if len > MAX_STRING_SIZE {
            return Err(IMPLAUSIBLE);
        }
        let string = cursor.take(len)?;
        strings.push((id, TextRange { start: text.len(), len: string.len() }));
        text.extend_from_slice(string);
    }
    Ok(())
}

fn read_stacks(
    cursor: &mut Cursor<'_>,
    stacks: &mut Vec<(u64, FrameRange)>,
    frames: &mut Vec<WireFrame>,
) -> std::result::Result<(), Malformed> {
    expect(cursor, code::STACKS)?;
    while !cursor.is_empty() {
        expect(cursor, code::STACK)?;
        let id = cursor.uvarint()?;
        let len = cursor.uvarint()?;
        if len > MAX_FRAMES_PER_STACK {
            return Err(IMPLAUSIBLE);
        }
        let start = frames.len() as u32;
        for _ in 0..len {
            let [pc, function, file, line] =
                [cursor.uvarint()?, cursor.uvarint()?, cursor.uvarint()?, cursor.uvarint()?];
            frames.push(WireFrame { pc, function, file, line });
        }
        stacks.push((id, FrameRange { start, len: len as u32 }));
    }
    Ok(())
}

/// One CPU sample as the wire has it (`addCPUSamples`, `internal/trace/generation.go`, Go 1.27).
#[derive(Clone, Copy, Debug)]
pub struct WireSample {
    /// Where it stands in the file.
    pub pos: u64,
    /// When, in ticks.
    pub ticks: u64,
    /// The thread that was interrupted.
    pub thread: u64,
    /// The goroutine that ran; 0 when none.
    pub goroutine: u64,
    /// Stack id.
    pub stack: u64,
}

/// Reads a generation's CPU samples, in the order of their times.
pub fn read_samples(generation: &Generation<'_>, warnings: &mut Vec<Warning>) -> Result<Vec<WireSample>> {
    let mut samples = Vec::new();
    let mut bytes = Vec::new();
    for batch in generation.index.batches.iter().filter(|b| b.kind == BatchKind::Samples) {
        generation.read(batch, &mut bytes)?;
        let mut cursor = Cursor::new(&bytes, batch.offset);
        if read_sample_batch(&mut cursor, &mut samples).is_err() {
            let message = "a batch of CPU samples is damaged";
            let lost = Warning::lost("damaged-samples", message, cursor.offset(), cursor.remaining() as u64);
            warnings.push(lost.in_generation(generation.index.number));
        }
    }
    samples.sort_by_key(|s| s.ticks);
    Ok(samples)
}

fn read_sample_batch(cursor: &mut Cursor<'_>, samples: &mut Vec<WireSample>) -> std::result::Result<(), Malformed> {
    expect(cursor, code::CPU_SAMPLES)?;
    while !cursor.is_empty() {
        let pos = cursor.offset();
        expect(cursor, code::CPU_SAMPLE)?;
        let ticks = cursor.uvarint()?;
        let thread = cursor.uvarint()?;
        let _proc = cursor.uvarint()?;
        let goroutine = cursor.uvarint()?;
        let stack = cursor.uvarint()?;
        samples.push(WireSample { pos, ticks, thread, goroutine, stack });
    }
    Ok(())
}

/// Whether a batch's data can be read from its beginning to its end.
pub fn is_readable(kind: BatchKind, data: &[u8], known: &[bool; 256]) -> bool {
    let mut cursor = Cursor::new(data, 0);
    let read = match kind {
        BatchKind::Strings => read_strings(&mut cursor, &mut Vec::new(), &mut Vec::new()),
        BatchKind::Stacks => read_stacks(&mut cursor, &mut Vec::new(), &mut Vec::new()),
        BatchKind::Samples => read_sample_batch(&mut cursor, &mut Vec::new()),
        BatchKind::Sync => read_sync_batch(&mut cursor, 0, &mut SyncData::default()),
        BatchKind::Events => skip_events(&mut cursor, known),
    };
    read.is_ok()
}

fn skip_events(cursor: &mut Cursor<'_>, known: &[bool; 256]) -> std::result::Result<(), Malformed> {
    while !cursor.is_empty() {
        let code = cursor.byte()?;
        if !known[code as usize] {
            return Err(IMPLAUSIBLE);
        }
        cursor.skip_uvarints(1 + u32::from(EVENTS[code as usize].n_args))?;
    }
    Ok(())
}

/// Converts ticks to nanoseconds as Go's reader does: in floating point, truncated
/// (`frequency.mul`, `internal/trace/base.go`, Go 1.27).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Clock {
    ns_per_tick: f64,
}

impl Clock {
    /// A clock of so many ticks per second.
    pub fn new(ticks_per_second: u64) -> Self {
        Self { ns_per_tick: 1.0 / (ticks_per_second as f64 / 1e9) }
    }

    /// Nanoseconds of so many ticks.
    #[inline]
    pub fn ns(self, ticks: u64) -> i64 {
        // The same number either way; signed ones convert in one instruction.
        let ticks = i64::try_from(ticks).map_or(ticks as f64, |signed| signed as f64);
        (ticks * self.ns_per_tick) as i64
    }

    /// The moment of a tick count.
    #[inline]
    pub fn time(self, ticks: u64) -> Time {
        Time(self.ns(ticks))
    }
}

/// A clock that looks few ticks up: events follow each other closely.
pub struct TickTable {
    clock: Clock,
    few: [i64; 128],
}

impl TickTable {
    /// The same clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock, few: std::array::from_fn(|ticks| clock.ns(ticks as u64)) }
    }

    /// Nanoseconds of so many ticks.
    #[inline]
    pub fn ns(&self, ticks: u64) -> i64 {
        let known = usize::try_from(ticks).ok().and_then(|ticks| self.few.get(ticks));
        known.copied().unwrap_or_else(|| self.clock.ns(ticks))
    }
}

/// What a generation says about the clock.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct SyncData {
    /// Ticks per second; none when missing or implausible.
    pub frequency: Option<u64>,
    /// Ticks and wall clock (ns since the Unix epoch) of one moment (Go 1.25 and later).
    pub wall: Option<(u64, i64)>,
}

/// Reads a generation's sync batch, and nothing else of it
/// (`setSyncBatch`, `internal/trace/generation.go`, Go 1.27).
pub fn read_sync(source: &dyn Source, index: &GenerationIndex, warnings: &mut Vec<Warning>) -> Result<SyncData> {
    let mut sync = SyncData::default();
    let mut buffer = Vec::new();
    for batch in index.batches.iter().filter(|b| b.kind == BatchKind::Sync) {
        buffer.resize(batch.size as usize, 0);
        let read = read_full(source, &mut buffer, batch.offset)?;
        let mut cursor = Cursor::new(&buffer[..read], batch.offset);
        if read_sync_batch(&mut cursor, batch.time, &mut sync).is_err() {
            let lost = Warning::lost("damaged-clock", "the batch with the clock is damaged", cursor.offset(), 0);
            warnings.push(lost.in_generation(index.number));
        }
    }
    if let Some(f) = sync.frequency.filter(|f| !(MIN_FREQUENCY..=MAX_FREQUENCY).contains(f)) {
        sync.frequency = None;
        let message = format!("a clock of {f} ticks per second is not plausible");
        warnings.push(Warning::lost("implausible-clock", message, index.start, 0).in_generation(index.number));
    }
    Ok(sync)
}

fn read_sync_batch(
    cursor: &mut Cursor<'_>,
    batch_time: u64,
    sync: &mut SyncData,
) -> std::result::Result<(), Malformed> {
    let mut ticks = batch_time;
    while !cursor.is_empty() {
        match cursor.byte()? {
            code::SYNC => {}
            code::FREQUENCY => sync.frequency = Some(cursor.uvarint()?),
            code::CLOCK_SNAPSHOT => {
                ticks = ticks.wrapping_add(cursor.uvarint()?);
                let _mono = cursor.uvarint()?;
                let (seconds, nanos) = (cursor.uvarint()?, cursor.uvarint()?);
                let ns = (seconds as i64).saturating_mul(1_000_000_000).saturating_add(nanos as i64);
                sync.wall = Some((ticks, ns));
            }
            _ => return Err(IMPLAUSIBLE),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_of_a_total_table_has_a_value() {
        let table = IdTable::new(&[(0, 'z'), (2, 'a'), (u64::MAX, 'b')]);
        let values = |table: &TotalTable<char>| [0, 1, 2, 3, 1 << 40, u64::MAX].map(|id| table.get(id));
        let total = table.or('-');
        assert_eq!(values(&total), ['z', '-', 'a', '-', '-', 'b']);
        let total = total.without(0).without(1 << 40);
        assert_eq!(values(&total), ['-', '-', 'a', '-', '-', 'b']);
        assert_eq!(values(&total.without(u64::MAX)), ['-', '-', 'a', '-', '-', '-']);
        assert_eq!(IdTable::default().or('-').without(0).get(0), '-');
    }

    #[test]
    fn ids_far_apart_cost_no_memory() {
        let table = IdTable::new(&[(1, 'a'), (u64::MAX, 'b'), (1 << 40, 'c')]);
        assert_eq!(table.get(1), Some('a'));
        assert_eq!(table.get(u64::MAX), Some('b'));
        assert_eq!(table.get(2), None);
        assert!(table.dense.len() < 100);
    }

    #[test]
    fn ticks_become_ns_as_in_go() {
        let clock = Clock::new(15_625_000);
        assert_eq!(clock.ns(1), 64);
        assert_eq!(clock.ns(1_000_003), 64_000_192);
        assert_eq!(Clock::new(1_193_182).ns(10), 8380);
    }

    #[test]
    fn looked_up_ticks_are_the_clocks() {
        for frequency in [15_625_000, 1_193_182, 10_000_000_000] {
            let clock = Clock::new(frequency);
            let table = TickTable::new(clock);
            for ticks in (0..300).chain([1 << 32, (1 << 32) + 5, u64::MAX]) {
                assert_eq!(table.ns(ticks), clock.ns(ticks), "{frequency} {ticks}");
            }
        }
    }
}
