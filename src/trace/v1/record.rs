//! Decodes single records. [`RecordFormat::read`] decodes any record of a version; most records are short events, which
//! [`RecordFormat::read_event_fast`] decodes in few instructions.

use super::kind::Kind;
use crate::trace::version::{V1, WorldStops};
use crate::trace::wire::cursor::{Cursor, Malformed};

/// Longest string that a reader accepts (`readTrace` in `src/internal/trace/parser.go` of Go 1.21).
const MAX_STRING: u64 = 1_000_000;
/// Most frames that a reader accepts in a stack (same place); writers stop at 128.
const MAX_FRAMES: u64 = 1000;
/// Most bytes that the arguments of a record can take: a stack of [`MAX_FRAMES`].
const MAX_LENGTH: u64 = (2 + 4 * MAX_FRAMES) * 10;
/// More ticks than can be between two events of a batch, forwards or backwards; small steps back happen where the clocks
/// of the cores differ.
const MAX_TICK_DELTA: i64 = 1 << 56;

/// A timed event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EventRecord {
    /// What happened.
    pub kind: Kind,
    /// Difference of sequence numbers to the proc's event before; 0 in versions without them.
    pub seq_delta: i64,
    /// Ticks since the proc's event before.
    pub tick_delta: i64,
    /// The arguments after the time; 0 for those that the version or the kind does not have.
    pub args: [u64; 3],
    /// The stack's id in the file; 0 when the event has none.
    pub stack: u64,
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Record<'a> {
    /// The records after it, up to the next batch, are this proc's.
    Batch {
        /// The proc's id; `u64::MAX` for events of threads without a proc.
        proc: u64,
        /// Sequence number that its events count from; 0 in versions without them.
        seq: i64,
        /// Ticks that its events count from.
        ticks: i64,
    },
    /// Something happened.
    Event(EventRecord),
    /// Ticks per second.
    Frequency(u64),
    /// A string of the dictionary.
    String {
        /// Its id.
        id: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A stack: varints, first its id and the number of frames, then the frames.
    Stack(&'a [u8]),
    /// The goroutine with this id runs timers (before Go 1.14).
    TimerGoroutine,
}

/// The records of one kind in one version.
#[derive(Clone, Copy, Debug)]
struct Shape {
    kind: Kind,
    /// Number of varints, time and stack included.
    n_values: u8,
    /// Whether the last of them is a stack.
    has_stack: bool,
}

/// The layout of records in one version.
#[derive(Clone, Debug)]
pub(crate) struct RecordFormat {
    /// Records by their code; none for codes that the version does not have.
    shapes: [Option<Shape>; 64],
    /// Timed events by their first byte, code and count, where the count is of 3 or fewer values; none for other records.
    events_fast: [Option<Shape>; 256],
    /// Number of values that the count in the first byte leaves out.
    n_uncounted: u8,
    total_sequence: bool,
    has_symbols: bool,
}

impl RecordFormat {
    /// The layout of `version`.
    pub(crate) fn new(version: V1) -> Self {
        let mut format = Self {
            shapes: [None; 64],
            events_fast: [None; 256],
            n_uncounted: 1 + u8::from(version.total_sequence),
            total_sequence: version.total_sequence,
            has_symbols: version.symbols,
        };
        for code in 1..version.n_events {
            if let Some(kind) = Kind::from_code(code) {
                let shape = Shape { kind, n_values: n_values(kind, version), has_stack: kind.has_stack() };
                format.shapes[usize::from(code)] = Some(shape);
                format.add_event_fast(shape);
            }
        }
        format
    }

    fn add_event_fast(&mut self, shape: Shape) {
        use Kind::{Batch, Frequency, Stack, String, TimerGoroutine, UserLog};
        let is_event = !matches!(shape.kind, Batch | Frequency | Stack | String | TimerGoroutine | UserLog);
        let counted = shape.n_values.wrapping_sub(self.n_uncounted);
        if is_event && counted < 3 {
            self.events_fast[usize::from(shape.kind as u8 | counted << 6)] = Some(shape);
        }
    }

    /// Reads the timed event at the cursor if its kind is frequent and its varints take eight bytes at most; else
    /// returns none and leaves the cursor where it is. Gives what [`RecordFormat::read`] gives. The gain is measured
    /// in instructions (callgrind) on a large old trace.
    #[inline]
    pub(crate) fn read_event_fast(&self, cursor: &mut Cursor<'_>) -> Option<EventRecord> {
        let shape = self.events_fast[usize::from(cursor.peek()?)]?;
        let mut at = *cursor;
        at.byte().ok()?;
        let values = match shape.n_values {
            1 => widen(at.short_uvarints::<1>()?),
            2 => widen(at.short_uvarints::<2>()?),
            3 => widen(at.short_uvarints::<3>()?),
            _ => widen(at.short_uvarints::<4>()?),
        };
        let event = self.assemble_event(shape, values)?;
        *cursor = at;
        Some(event)
    }

    /// Whether the frames of stacks have names; else they are addresses only.
    pub(crate) fn has_symbols(&self) -> bool {
        self.has_symbols
    }

    /// Reads the record at the cursor. `None` where the bytes are no record of this version; then, and on an error, the
    /// cursor may stand anywhere inside them.
    #[inline]
    pub(crate) fn read<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Option<Record<'a>>, Malformed> {
        let head = cursor.byte()?;
        let Some(shape) = self.shapes[usize::from(head & 0x3f)] else { return Ok(None) };
        match shape.kind {
            Kind::String if head >> 6 == 0 => read_string(cursor),
            Kind::String => self.read_counted_string(cursor),
            Kind::Stack => read_stack(head, cursor),
            _ => self.read_values(shape, head, cursor),
        }
    }

    /// A string with another count than the 0 that writers write. Go's reader takes any, but the others are letters of foreign
    /// text, too: so it must be a name, and a record must follow.
    #[cold]
    fn read_counted_string<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Option<Record<'a>>, Malformed> {
        let record = read_string(cursor)?;
        let Some(Record::String { bytes, .. }) = record else { return Ok(None) };
        let is_name = std::str::from_utf8(bytes).is_ok_and(|name| !name.chars().any(char::is_control));
        let follows = cursor.peek().is_none_or(|head| self.is_head(head));
        Ok(record.filter(|_| is_name && follows))
    }

    /// Whether a record as writers write it begins with this byte.
    fn is_head(&self, head: u8) -> bool {
        let count = head >> 6;
        self.shapes[usize::from(head & 0x3f)].is_some_and(|shape| match shape.kind {
            Kind::String => count == 0,
            Kind::Stack => count == 3,
            _ => count == 3 || count + self.n_uncounted == shape.n_values,
        })
    }

    #[inline]
    fn read_values<'a>(
        &self,
        shape: Shape,
        head: u8,
        cursor: &mut Cursor<'a>,
    ) -> Result<Option<Record<'a>>, Malformed> {
        let mut values = [0u64; 5];
        let n = usize::from(shape.n_values);
        if head >> 6 == 3 {
            let Some(mut body) = take_body(cursor)? else { return Ok(None) };
            for value in &mut values[..n] {
                let Ok(read) = body.uvarint() else { return Ok(None) };
                *value = read;
            }
            if !body.is_empty() {
                return Ok(None);
            }
        } else {
            if (head >> 6) + self.n_uncounted != shape.n_values {
                return Ok(None);
            }
            for value in &mut values[..n] {
                *value = cursor.uvarint()?;
            }
        }
        if shape.kind == Kind::UserLog {
            let length = cursor.uvarint()?;
            if length > MAX_STRING {
                return Ok(None);
            }
            cursor.take(length)?;
        }
        Ok(self.assemble(shape, values))
    }

    #[inline]
    fn assemble<'a>(&self, shape: Shape, values: [u64; 5]) -> Option<Record<'a>> {
        match shape.kind {
            Kind::Batch => {
                let [proc, seq, ticks] =
                    if self.total_sequence { [0, 1, 2].map(|i| values[i]) } else { [values[0], 0, values[1]] };
                Some(Record::Batch { proc, seq: seq as i64, ticks: ticks as i64 })
            }
            Kind::Frequency => Some(Record::Frequency(values[0])),
            Kind::TimerGoroutine => Some(Record::TimerGoroutine),
            _ => self.assemble_event(shape, values).map(Record::Event),
        }
    }

    #[inline]
    fn assemble_event(&self, shape: Shape, mut values: [u64; 5]) -> Option<EventRecord> {
        let stack = if shape.has_stack { std::mem::take(&mut values[usize::from(shape.n_values) - 1]) } else { 0 };
        let (seq_delta, tick_delta, args) = match values {
            [seq, tick_delta, a, b, c] if self.total_sequence => (seq, tick_delta, [a, b, c]),
            [tick_delta, a, b, c, _] => (0, tick_delta, [a, b, c]),
        };
        let (kind, seq_delta, tick_delta) = (shape.kind, seq_delta as i64, tick_delta as i64);
        let is_plausible = tick_delta.unsigned_abs() <= MAX_TICK_DELTA as u64;
        is_plausible.then_some(EventRecord { kind, seq_delta, tick_delta, args, stack })
    }
}

#[inline]
fn widen<const N: usize>(values: [u64; N]) -> [u64; 5] {
    let mut all = [0; 5];
    all[..N].copy_from_slice(&values);
    all
}

/// Number of varints of a record, time and stack included (`argNum` in `src/internal/trace/parser.go` of Go 1.21).
fn n_values(kind: Kind, version: V1) -> u8 {
    let old = u8::from(version.total_sequence);
    match kind {
        // Before Go 1.7 the batch had a sequence number, the other two an unused value.
        Kind::Batch => 2 + old,
        Kind::Frequency | Kind::TimerGoroutine => 1 + old,
        _ => {
            let missing = match kind {
                Kind::GcStart | Kind::GoStart | Kind::GoUnblock => old,
                Kind::GcSweepDone if !version.sweep_amounts => 2,
                Kind::StwStart if version.stops == WorldStops::None => 1,
                _ => 0,
            };
            1 + old + kind.n_args() + u8::from(kind.has_stack()) - missing
        }
    }
}

/// The arguments of a record that begins with their length in bytes; none if the length is implausible.
fn take_body<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cursor<'a>>, Malformed> {
    let length = cursor.uvarint()?;
    if length > MAX_LENGTH {
        return Ok(None);
    }
    let at = cursor.offset();
    Ok(Some(Cursor::new(cursor.take(length)?, at)))
}

fn read_string<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Record<'a>>, Malformed> {
    let id = cursor.uvarint()?;
    let length = cursor.uvarint()?;
    if id == 0 || length == 0 || length > MAX_STRING {
        return Ok(None);
    }
    Ok(Some(Record::String { id, bytes: cursor.take(length)? }))
}

fn read_stack<'a>(head: u8, cursor: &mut Cursor<'a>) -> Result<Option<Record<'a>>, Malformed> {
    if head >> 6 != 3 {
        return Ok(None);
    }
    let length = cursor.uvarint()?;
    if length > MAX_LENGTH {
        return Ok(None);
    }
    Ok(Some(Record::Stack(cursor.take(length)?)))
}
