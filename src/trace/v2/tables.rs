//! A generation's own tables as on the wire: strings, stacks and CPU samples.
//!
//! Of a damaged batch, the entries before the damage are used.

use super::batch::{BatchKind, BatchRef};
use super::clock::{SyncData, read_sync_batch};
use super::generation::Generation;
use crate::trace::error::{Result, Warning};
use crate::trace::id_table::IdTable;
use crate::trace::sample_stacks::frames_of_samples_alone;
use crate::trace::table_faults::{defined_twice, drop_conflicts, drop_zero, undefined_names, zero_defined};
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::event_spec::{EVENTS, code};
use crate::trace::wire::limits::{MAX_FRAMES_PER_STACK, MAX_STRING_SIZE};
use rustc_hash::FxHashSet;

/// One frame of a stack as on the wire, with ids of strings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WireFrame {
    /// Program counter.
    pub pc: u64,
    /// String id of the function's name.
    pub function: u64,
    /// String id of the file's name.
    pub file: u64,
    /// Line in the file.
    pub line: u64,
}

/// The frames of one stack: a range of those of all stacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameRange {
    start: u32,
    len: u32,
}

/// One string: a range of the text of all strings.
#[derive(Clone, Copy, Debug)]
struct TextRange {
    start: usize,
    len: usize,
}

/// The strings and stacks of a generation.
#[derive(Default, Debug)]
pub(crate) struct Tables {
    strings: IdTable<TextRange>,
    text: Vec<u8>,
    /// The stacks by id, for [`frames`](Self::frames).
    pub stacks: IdTable<FrameRange>,
    frames: Vec<WireFrame>,
    /// Ids of stacks that are defined twice and differ: neither counts.
    conflicting: FxHashSet<u64>,
}

impl Tables {
    /// Whether a table says what the stack with an id is, be it in two ways; 0 is no stack.
    pub(crate) fn defines_stack(&self, id: u64) -> bool {
        id == 0 || self.stacks.get(id).is_some() || self.conflicting.contains(&id)
    }

    /// The lowest id of no stack. There may be stacks with higher ids.
    pub(crate) fn first_undefined_stack(&self) -> u64 {
        let defined = self.stacks.dense().iter().skip(1).take_while(|stack| stack.is_some());
        1 + defined.count() as u64
    }

    /// The string with an id; `None` if there is none.
    pub(crate) fn string(&self, id: u64) -> Option<&[u8]> {
        self.strings.get(id).map(|at| &self.text[at.start..at.start + at.len])
    }

    /// A stack without the outermost frames that only CPU samples have.
    fn like_all_others(&self, stack: FrameRange) -> FrameRange {
        let names = self.frames(stack).iter().rev().map(|frame| self.string(frame.function).unwrap_or_default());
        FrameRange { len: stack.len - frames_of_samples_alone(names) as u32, ..stack }
    }

    /// The frames of all stacks.
    pub(crate) fn all_frames(&self) -> &[WireFrame] {
        &self.frames
    }

    /// The frames of a stack, leaf first.
    pub(crate) fn frames(&self, stack: FrameRange) -> &[WireFrame] {
        &self.frames[stack.start as usize..(stack.start + stack.len) as usize]
    }
}

/// Tables while they are read, and where each batch's first entry is.
#[derive(Default)]
struct TableReader {
    strings: Vec<(u64, TextRange)>,
    text: Vec<u8>,
    stacks: Vec<(u64, FrameRange)>,
    frames: Vec<WireFrame>,
    string_batches: Vec<FirstEntry>,
    stack_batches: Vec<FirstEntry>,
}

/// The first entry of a batch.
#[derive(Clone, Copy)]
struct FirstEntry {
    /// Its position among all entries.
    position: usize,
    /// Offset of the batch's data.
    offset: u64,
}

/// Offset of the batch that an entry is from.
fn offset_of(batches: &[FirstEntry], position: usize) -> u64 {
    let after = batches.partition_point(|batch| batch.position <= position);
    after.checked_sub(1).and_then(|i| batches.get(i)).map_or(0, |batch| batch.offset)
}

/// Reads a generation's strings and stacks. Damage is a warning, and so are ids that are defined twice, or nowhere.
pub(crate) fn read_tables(generation: &Generation<'_>, warnings: &mut Vec<Warning>) -> Result<Tables> {
    let mut reader = TableReader::default();
    let mut found = Vec::new();
    let mut bytes = Vec::new();
    let is_table = |b: &&BatchRef| matches!(b.kind, BatchKind::Strings | BatchKind::Stacks);
    for batch in generation.index.batches.iter().filter(is_table) {
        generation.read(batch, &mut bytes)?;
        let mut cursor = Cursor::new(&bytes, batch.offset);
        if reader.batch(batch.kind, &mut cursor).is_err() {
            let message = "a table of names is damaged; some functions have no name";
            found.push(Warning::lost("damaged-table", message, cursor.offset(), cursor.remaining() as u64));
        }
    }
    let tables = reader.finish(&mut found);
    warnings.extend(found.into_iter().map(|warning| warning.in_generation(generation.index.number)));
    Ok(tables)
}

impl TableReader {
    /// Takes all entries of a batch that can be read.
    fn batch(&mut self, kind: BatchKind, cursor: &mut Cursor<'_>) -> std::result::Result<(), Malformed> {
        let offset = cursor.offset();
        if kind == BatchKind::Strings {
            self.string_batches.push(FirstEntry { position: self.strings.len(), offset });
            return read_strings(cursor, &mut self.strings, &mut self.text);
        }
        self.stack_batches.push(FirstEntry { position: self.stacks.len(), offset });
        read_stacks(cursor, &mut self.stacks, &mut self.frames)
    }

    fn finish(mut self, warnings: &mut Vec<Warning>) -> Tables {
        let zero = drop_zero(&mut self.strings).map(|at| offset_of(&self.string_batches, at));
        let zero = zero.or(drop_zero(&mut self.stacks).map(|at| offset_of(&self.stack_batches, at)));
        warnings.extend(zero.map(zero_defined));
        let text = |range: TextRange| &self.text[range.start..range.start + range.len];
        let conflict = drop_conflicts(&mut self.strings, |a, b| a.start == b.start || text(a) == text(b));
        let unnamed = conflict.map(|(at, ids)| {
            warnings.push(defined_twice("string", ids.len(), offset_of(&self.string_batches, at)));
            ids
        });
        let frames = |range: FrameRange| &self.frames[range.start as usize..][..range.len as usize];
        let conflict = drop_conflicts(&mut self.stacks, |a, b| a.start == b.start || frames(a) == frames(b));
        let conflicting = conflict.map(|(at, ids)| {
            warnings.push(defined_twice("stack", ids.len(), offset_of(&self.stack_batches, at)));
            ids
        });
        let conflicting = conflicting.unwrap_or_default();
        let Self { strings, text, stacks, frames, stack_batches, .. } = self;
        let mut tables =
            Tables { strings: IdTable::new(&strings), text, stacks: IdTable::new(&stacks), frames, conflicting };
        tables.stacks = tables.stacks.map(|stack| tables.like_all_others(stack));
        let unnamed = unnamed.unwrap_or_default();
        let is_undefined = |id: u64| id != 0 && tables.strings.get(id).is_none() && !unnamed.contains(&id);
        let names_nothing = |frame: &WireFrame| is_undefined(frame.function) || is_undefined(frame.file);
        let bad = |(_, range): &(u64, FrameRange)| tables.frames(*range).iter().any(names_nothing);
        if let Some(first) = stacks.iter().position(bad) {
            let n = stacks[first..].iter().filter(|stack| bad(stack)).count();
            warnings.push(undefined_names(n, offset_of(&stack_batches, first)));
        }
        tables
    }
}

/// The error for a value that can be read and cannot be right. It costs the same data as one that cannot be read.
const IMPLAUSIBLE: Malformed = Malformed::Varint;

/// Reads one byte, which must be this one.
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

/// One CPU sample as on the wire (`addCPUSamples`, `internal/trace/generation.go`, Go 1.27).
#[derive(Clone, Copy, Debug)]
pub struct WireSample {
    /// Its offset in the file.
    pub pos: u64,
    /// Its time in ticks.
    pub ticks: u64,
    /// The id of the thread that was interrupted.
    pub thread: u64,
    /// The id of the goroutine that ran; 0 for none.
    pub goroutine: u64,
    /// Stack id.
    pub stack: u64,
}

/// Reads a generation's CPU samples and sorts them by time. Damage is a warning.
pub(crate) fn read_samples(generation: &Generation<'_>, warnings: &mut Vec<Warning>) -> Result<Vec<WireSample>> {
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

/// Whether all of a batch's data can be read. `known` are the event codes of the version ([`super::codes`]).
pub(crate) fn is_readable(kind: BatchKind, data: &[u8], known: &[bool; 256]) -> bool {
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
