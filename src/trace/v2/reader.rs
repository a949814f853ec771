//! The events of one thread, pulled one by one. HOT.

use super::generation::Generation;
use super::index::{BatchKind, BatchRef, GenerationIndex};
use super::reader_fast::{AHEAD, Short, short_event_of, tiny_event};
use super::tables::{Clock, TickTable};
use crate::trace::buckets::Buckets;
use crate::trace::error::{Result, Warning};
use crate::trace::time::Time;
use crate::trace::version::V2;
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::event_spec::{EVENTS, MAX_ARGS, code};

/// An event as the wire has it.
#[derive(Clone, Copy, Debug)]
pub struct WireEvent {
    /// Where it stands in the file.
    pub pos: u64,
    /// When: the batch's time and the differences since.
    pub time: Time,
    /// Its code, known to the file's version.
    pub code: u8,
    /// Its arguments; those behind `n_args` are stale.
    pub args: [u64; MAX_ARGS],
}

/// Why a batch ends before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadEvent {
    /// Where the event stands.
    pub pos: u64,
    /// Its code.
    pub code: u8,
    /// None when the version does not have this code in a thread's batch.
    pub malformed: Option<Malformed>,
}

impl BadEvent {
    /// The warning for what was lost behind it in its batch.
    #[cold]
    pub fn warning(self, end: u64, generation: u64) -> Warning {
        let name = EVENTS[self.code as usize].name;
        let bytes = end - self.pos;
        let message = match self.malformed {
            Some(Malformed::Ends) => format!("a batch ends inside event {name}; {bytes} bytes of it are lost"),
            Some(Malformed::Varint) => format!("event {name} is malformed; {bytes} bytes of its batch are lost"),
            None => {
                format!("event code {} does not exist in this version; {bytes} bytes of its batch are lost", self.code)
            }
        };
        Warning::lost("damaged-batch", message, self.pos, bytes).in_generation(generation)
    }
}

impl WireEvent {
    /// None yet.
    pub const BLANK: Self = Self { pos: 0, time: Time::MIN, code: 0, args: [0; MAX_ARGS] };
}

/// Which event codes a version has in a thread's batch.
pub fn known_codes(version: V2) -> [bool; 256] {
    use crate::trace::wire::event_spec::code;
    std::array::from_fn(|i| {
        let c = i as u8;
        let experimental = version.last_event >= code::EXPERIMENTAL_BATCH && c >= code::FIRST_EXPERIMENTAL;
        EVENTS[i].timed && (c <= version.last_event || experimental)
    })
}

/// The batches of one generation by thread, in the file's order (the truth about a thread's order; times may lie).
pub struct ThreadBatches(Buckets<u32>);

impl ThreadBatches {
    /// Groups a generation's event batches by thread.
    pub fn new(generation: &Generation<'_>) -> Self {
        let GenerationIndex { batches, threads, .. } = generation.index;
        let events = || (0..).zip(batches).filter(|(_, b)| b.kind == BatchKind::Events);
        Self(Buckets::new(threads.len(), || events().map(|(i, b)| (b.thread, i))))
    }

    /// The batches of a thread, as positions in the generation's index.
    pub fn of(&self, thread: usize) -> &[u32] {
        self.0.of(thread)
    }
}

/// Reads the events of one batch after the other.
#[derive(Debug)]
pub struct BatchReader {
    bytes: Vec<u8>,
    /// Position of the next event. Batches are short; a sum with what is ahead does not overflow.
    at: u32,
    base: u64,
}

/// The place, the code, and the time difference in ticks of the event at a cursor, byte by byte; its arguments into
/// `args`. None at the end.
#[inline]
fn any_event(
    cursor: &mut Cursor<'_>,
    known: &[bool; 256],
    args: &mut [u64; MAX_ARGS],
) -> std::result::Result<Option<(u64, u8, u64)>, BadEvent> {
    let pos = cursor.offset();
    let Ok(code) = cursor.byte() else { return Ok(None) };
    let bad = |malformed| BadEvent { pos, code, malformed };
    if !known[code as usize] {
        return Err(bad(None));
    }
    let ticks = cursor.uvarint().map_err(|m| bad(Some(m)))?;
    for arg in args.iter_mut().take(EVENTS[code as usize].n_args as usize) {
        *arg = cursor.uvarint().map_err(|m| bad(Some(m)))?;
    }
    Ok(Some((pos, code, ticks)))
}

impl BatchReader {
    /// At the end of an empty batch.
    pub fn empty() -> Self {
        Self { bytes: Vec::new(), at: 0, base: 0 }
    }

    /// Goes to the beginning of a batch. `event` takes its time: that of the event before the first.
    pub fn open(
        &mut self,
        generation: &Generation<'_>,
        batch: &BatchRef,
        clock: Clock,
        event: &mut WireEvent,
    ) -> Result<()> {
        (self.at, self.base, event.time) = (0, batch.offset, clock.time(batch.time));
        generation.read(batch, &mut self.bytes)
    }

    /// The next event into `event`, which holds the one before it, if there is one in this batch and nothing is wrong
    /// with it; else nothing was read.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; the call cost as much")]
    pub fn next_sound(&mut self, known: &[bool; 256], clock: &TickTable, event: &mut WireEvent) -> bool {
        if let Some(bytes) = self.ahead() {
            let code = bytes[0];
            // Each of the usual codes, which every version has, to its end by itself: what was read need not go through
            // one place for all.
            match code {
                code::GO_START => {
                    if let Some(short) = short_event_of::<2>(bytes) {
                        self.take(code, &short, clock, event);
                        return true;
                    }
                }
                code::GO_UNBLOCK => {
                    if let Some(short) = short_event_of::<3>(bytes) {
                        self.take(code, &short, clock, event);
                        return true;
                    }
                }
                code::GO_BLOCK => {
                    if let Some(short) = tiny_event::<2>(bytes) {
                        self.take(code, &short, clock, event);
                        return true;
                    }
                }
                _ => {}
            }
        }
        matches!(self.next(known, clock, event), Ok(true))
    }

    /// The next bytes, if there are so many.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn ahead(&self) -> Option<&[u8; AHEAD]> {
        let at = self.at as usize;
        self.bytes.get(at..at + AHEAD)?.first_chunk()
    }

    /// Takes over what was read of a short event.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn take<const N: usize>(&mut self, code: u8, short: &Short<N>, clock: &TickTable, event: &mut WireEvent) {
        // Go converts and truncates every difference by itself (`batchCursor.nextEvent`, Go 1.27).
        event.time = event.time + clock.ns(short.ticks);
        (event.pos, event.code) = (self.base + u64::from(self.at), code);
        event.args[..N].copy_from_slice(&short.args);
        self.at += short.len as u32;
    }

    /// The next event into `event`, which holds the one before it; false at the end of the batch.
    pub fn next(
        &mut self,
        known: &[bool; 256],
        clock: &TickTable,
        event: &mut WireEvent,
    ) -> std::result::Result<bool, BadEvent> {
        let mut cursor = Cursor::new(&self.bytes[self.at as usize..], self.base + u64::from(self.at));
        let Some((pos, code, ticks)) = any_event(&mut cursor, known, &mut event.args)? else { return Ok(false) };
        self.at = (self.bytes.len() - cursor.remaining()) as u32;
        event.time = event.time + clock.ns(ticks);
        (event.pos, event.code) = (pos, code);
        Ok(true)
    }

    /// Offset behind the last byte of the batch.
    pub fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }
}

/// An event as a scan needs it: its time in ticks.
#[derive(Clone, Copy, Debug)]
pub struct ScanEvent {
    /// Where it stands in the file.
    pub pos: u64,
    /// When, in ticks.
    pub ticks: u64,
    /// Its code, known to the file's version.
    pub code: u8,
    /// Its arguments; what is behind them is stale.
    pub args: [u64; MAX_ARGS],
}

/// Reads the events of one batch for a scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanReader<'a> {
    cursor: Cursor<'a>,
    ticks: u64,
}

impl<'a> ScanReader<'a> {
    /// Starts at the beginning of a batch, whose data was read.
    pub fn new(batch: &BatchRef, bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes, batch.offset), ticks: batch.time }
    }

    /// The next bytes, if there are so many.
    #[inline]
    pub fn ahead(&self) -> Option<&'a [u8; AHEAD]> {
        self.cursor.ahead()
    }

    /// Where the next event stands in the file, and the time, in ticks, of the one before it.
    #[inline]
    pub fn place(&self) -> (u64, u64) {
        (self.cursor.offset(), self.ticks)
    }

    /// Steps over an event that was looked at: `len` bytes, `ticks` after the one before it.
    #[inline]
    pub fn step(&mut self, len: usize, ticks: u64) {
        self.cursor.step(len);
        self.ticks = self.ticks.wrapping_add(ticks);
    }

    /// The next event into `event`; false at the end of the batch.
    pub fn next(&mut self, known: &[bool; 256], event: &mut ScanEvent) -> std::result::Result<bool, BadEvent> {
        let Some((pos, code, ticks)) = any_event(&mut self.cursor, known, &mut event.args)? else { return Ok(false) };
        self.ticks = self.ticks.wrapping_add(ticks);
        (event.pos, event.code, event.ticks) = (pos, code, self.ticks);
        Ok(true)
    }

    /// Offset behind the last byte of the batch.
    pub fn end(&self) -> u64 {
        self.cursor.offset() + self.cursor.remaining() as u64
    }
}
