//! One record of the wire. HOT: nearly all that a trace says goes through [`Wire::event`], all else through
//! [`Wire::read`].

use super::kind::Kind;
use crate::trace::version::{V1, WorldStops};
use crate::trace::wire::cursor::{Cursor, Malformed};

/// Longest string that a reader accepts (`readTrace` in `src/internal/trace/parser.go` of Go 1.21).
const MAX_STRING: u64 = 1_000_000;
/// Most frames that a reader accepts in a stack (same place); writers stop at 128.
const MAX_FRAMES: u64 = 1000;
/// Length of a record's arguments in bytes that no writer reaches: a stack of [`MAX_FRAMES`].
const MAX_LENGTH: u64 = (2 + 4 * MAX_FRAMES) * 10;
/// A step of the clock that no machine makes; steps back happen where the clocks of its cores differ.
const MAX_STEP: i64 = 1 << 56;

/// A timed event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timed {
    /// What happened.
    pub kind: Kind,
    /// Sequence numbers since the proc's event before; 0 where the version has none.
    pub seq_step: i64,
    /// Ticks since the proc's event before.
    pub step: i64,
    /// The arguments behind the time; 0 where the version does not write one.
    pub args: [u64; 3],
    /// The stack's id in the file; 0 when there is none.
    pub stack: u64,
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record<'a> {
    /// The records behind it are this proc's.
    Batch {
        /// The proc; `u64::MAX` for what threads without one wrote.
        proc: u64,
        /// Sequence number that its events count from; 0 where the version has none.
        seq: i64,
        /// Ticks that its events count from.
        ticks: i64,
    },
    /// Something happened.
    Event(Timed),
    /// Ticks per second.
    Frequency(u64),
    /// A string of the dictionary.
    String {
        /// Its id.
        id: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A stack: its values as varints, id and number of frames first.
    Stack(&'a [u8]),
    /// The goroutine with this id runs timers (before Go 1.14).
    TimerGoroutine,
}

/// How the records of one kind look in one version.
#[derive(Clone, Copy, Debug)]
struct Shape {
    kind: Kind,
    n_values: u8,
    has_stack: bool,
}

/// How one version lays out its records.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Records of each code; none for codes that the version does not know.
    shapes: [Option<Shape>; 64],
    /// Timed events by their first byte, which says how many values follow; none for all that is longer or rarer.
    events: [Option<Shape>; 256],
    /// Values that are not counted in the first byte.
    uncounted: u8,
    total_sequence: bool,
    symbols: bool,
}

impl Wire {
    /// The layout of `version`.
    pub fn new(version: V1) -> Self {
        let mut wire = Self {
            shapes: [None; 64],
            events: [None; 256],
            uncounted: 1 + u8::from(version.total_sequence),
            total_sequence: version.total_sequence,
            symbols: version.symbols,
        };
        for code in 1..version.n_events {
            if let Some(kind) = Kind::of(code) {
                let (n_values, (_, has_stack)) = (n_values(kind, version), kind.shape());
                let shape = Shape { kind, n_values, has_stack };
                wire.shapes[usize::from(code)] = Some(shape);
                wire.add_event(shape);
            }
        }
        wire
    }

    fn add_event(&mut self, shape: Shape) {
        use Kind::{Batch, Frequency, Stack, String, TimerGoroutine, UserLog};
        let is_event = !matches!(shape.kind, Batch | Frequency | Stack | String | TimerGoroutine | UserLog);
        let counted = shape.n_values.wrapping_sub(self.uncounted);
        if is_event && counted < 3 {
            self.events[usize::from(shape.kind as u8 | counted << 6)] = Some(shape);
        }
    }

    /// Reads the timed event at the cursor, if it is one of the short and frequent ones; else the cursor stays, and
    /// [`Wire::read`] knows what stands there.
    #[inline]
    pub(crate) fn event(&self, cursor: &mut Cursor<'_>) -> Option<Timed> {
        let shape = self.events[usize::from(cursor.peek()?)]?;
        let mut at = *cursor;
        at.byte().ok()?;
        let values = match shape.n_values {
            1 => widen(at.short_uvarints::<1>()?),
            2 => widen(at.short_uvarints::<2>()?),
            3 => widen(at.short_uvarints::<3>()?),
            _ => widen(at.short_uvarints::<4>()?),
        };
        let event = self.timed(shape, values)?;
        *cursor = at;
        Some(event)
    }

    /// Whether stacks carry names, and not only addresses.
    pub fn symbols(&self) -> bool {
        self.symbols
    }

    /// Reads the record at the cursor; on failure the cursor is anywhere.
    ///
    /// `None`: what stands there is no record of this version.
    #[inline]
    pub fn read<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Option<Record<'a>>, Malformed> {
        let head = cursor.byte()?;
        let Some(shape) = self.shapes[usize::from(head & 0x3f)] else { return Ok(None) };
        match shape.kind {
            // Readers take any count here; writers always write 0, and foreign text is full of the others.
            Kind::String if head >> 6 == 0 => read_string(cursor),
            Kind::String => Ok(None),
            Kind::Stack => read_stack(head, cursor),
            _ => self.read_values(shape, head, cursor),
        }
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
            if (head >> 6) + self.uncounted != shape.n_values {
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
            _ => self.timed(shape, values).map(Record::Event),
        }
    }

    #[inline]
    fn timed(&self, shape: Shape, mut values: [u64; 5]) -> Option<Timed> {
        let stack = if shape.has_stack { std::mem::take(&mut values[usize::from(shape.n_values) - 1]) } else { 0 };
        let (seq_step, step, args) = match values {
            [seq, step, a, b, c] if self.total_sequence => (seq, step, [a, b, c]),
            [step, a, b, c, _] => (0, step, [a, b, c]),
        };
        let (kind, seq_step, step) = (shape.kind, seq_step as i64, step as i64);
        let is_step = step.unsigned_abs() <= MAX_STEP as u64;
        is_step.then_some(Timed { kind, seq_step, step, args, stack })
    }
}

#[inline]
fn widen<const N: usize>(values: [u64; N]) -> [u64; 5] {
    let mut all = [0; 5];
    all[..N].copy_from_slice(&values);
    all
}

/// Number of values of a record (`argNum` in `src/internal/trace/parser.go` of Go 1.21).
fn n_values(kind: Kind, version: V1) -> u8 {
    let old = u8::from(version.total_sequence);
    match kind {
        // Before Go 1.7 the batch had a sequence number, the other two an unused value.
        Kind::Batch => 2 + old,
        Kind::Frequency | Kind::TimerGoroutine => 1 + old,
        _ => {
            let (args, stack) = kind.shape();
            let missing = match kind {
                Kind::GcStart | Kind::GoStart | Kind::GoUnblock => old,
                Kind::GcSweepDone if !version.sweep_amounts => 2,
                Kind::StwStart if version.stops == WorldStops::None => 1,
                _ => 0,
            };
            1 + old + args + u8::from(stack) - missing
        }
    }
}

/// The arguments of a record that says how long they are.
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
