//! Decodes the events of a batch, one after the other. On the hot path.
//!
//! ```text
//! event = code ticks arg …     varints but for the code; ticks count from the event before, or the batch's base time
//! ```
//! The code alone says how many arguments there are (`EVENTS`). [`BatchReader`] gives final times, for ordering;
//! [`ScanReader`] leaves them in ticks, for pass 1, which does not order. An event that cannot be decoded ends its
//! batch, because nothing says where the next one starts.

use super::batch::BatchRef;
use super::clock::{Clock, TickTable};
use super::generation::Generation;
use super::reader_fast::{WORD_EVENT_BYTES, WordEvent, decode_goroutine_fast, decode_one_byte_fast};
use crate::trace::error::Result;
use crate::trace::time::Time;
use crate::trace::wire::cursor::{Cursor, Malformed};
use crate::trace::wire::event_spec::{EVENTS, MAX_ARGS, code};

/// An event as on the wire, with its time.
#[derive(Clone, Copy, Debug)]
pub struct WireEvent {
    /// Its offset in the file.
    pub pos: u64,
    /// Its time: the batch's base time and all differences since.
    pub time: Time,
    /// Its code, one of the version's.
    pub code: u8,
    /// Its arguments. Elements from `n_args` of its code on are left over from events before it.
    pub args: [u64; MAX_ARGS],
}

/// An event that cannot be decoded. The rest of its batch is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadEvent {
    /// Its offset in the file.
    pub pos: u64,
    /// Its code.
    pub code: u8,
    /// What is wrong with its varints; `None` if the version does not have its code in a thread's batch.
    pub malformed: Option<Malformed>,
}

impl WireEvent {
    /// A placeholder before the first event was read.
    pub const BLANK: Self = Self { pos: 0, time: Time::MIN, code: 0, args: [0; MAX_ARGS] };
}

/// Reads the events of one batch. Reused from one batch to the next.
#[derive(Debug)]
pub struct BatchReader {
    bytes: Vec<u8>,
    /// Position of the next event in `bytes`. A batch has at most 64 KiB, so this does not overflow.
    at: u32,
    /// Offset of `bytes` in the file.
    base: u64,
}

/// The general rule: decodes the event at a cursor, its arguments into `args`. Gives its offset in the file, its code
/// and the ticks since the event before it; `None` at the end of the batch.
#[inline]
pub(super) fn decode_event(
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
    /// A reader without events.
    pub fn empty() -> Self {
        Self { bytes: Vec::new(), at: 0, base: 0 }
    }

    /// Goes to the start of a batch. Sets the time of `event` to the batch's base time, for [`next`](Self::next).
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

    /// Equal to [`next`](Self::next), which it calls for all events but short ones of the three most frequent kinds.
    /// Returns false, without stepping over anything, at the end of the batch and for an event that cannot be decoded:
    /// `next` then finds which it is. The bench `decode` in `benches/pipeline.rs` measures the gain.
    #[inline(always)]
    pub fn next_fast(&mut self, known: &[bool; 256], clock: &TickTable, event: &mut WireEvent) -> bool {
        if let Some(bytes) = self.word_event() {
            let code = bytes[0];
            // Every version has these codes. Each branch goes to its end: joined, their results went through memory.
            match code {
                code::GO_START => {
                    if let Some(short) = decode_goroutine_fast::<2>(bytes) {
                        self.take(code, &short, clock, event);
                        return true;
                    }
                }
                code::GO_UNBLOCK => {
                    if let Some(short) = decode_goroutine_fast::<3>(bytes) {
                        self.take(code, &short, clock, event);
                        return true;
                    }
                }
                code::GO_BLOCK => {
                    if let Some(short) = decode_one_byte_fast::<2>(bytes) {
                        self.take(code, &short, clock, event);
                        return true;
                    }
                }
                _ => {}
            }
        }
        matches!(self.next(known, clock, event), Ok(true))
    }

    /// The bytes that can be a short event; `None` near the end of the batch.
    #[inline(always)]
    fn word_event(&self) -> Option<&[u8; WORD_EVENT_BYTES]> {
        let at = self.at as usize;
        self.bytes.get(at..at + WORD_EVENT_BYTES)?.first_chunk()
    }

    /// Makes `event` a short event that was decoded, and steps over it.
    #[inline(always)]
    fn take<const N: usize>(&mut self, code: u8, short: &WordEvent<N>, clock: &TickTable, event: &mut WireEvent) {
        // Go converts and truncates each difference by itself (`batchCursor.nextEvent`, Go 1.27).
        event.time = event.time + clock.ns(short.ticks);
        (event.pos, event.code) = (self.base + u64::from(self.at), code);
        event.args[..N].copy_from_slice(&short.args);
        self.at += short.len as u32;
    }

    /// Reads the next event into `event`, which must be as the call before left it. Returns false at the end of the
    /// batch.
    pub fn next(
        &mut self,
        known: &[bool; 256],
        clock: &TickTable,
        event: &mut WireEvent,
    ) -> std::result::Result<bool, BadEvent> {
        let mut cursor = Cursor::new(&self.bytes[self.at as usize..], self.base + u64::from(self.at));
        let Some((pos, code, ticks)) = decode_event(&mut cursor, known, &mut event.args)? else { return Ok(false) };
        self.at = (self.bytes.len() - cursor.remaining()) as u32;
        event.time = event.time + clock.ns(ticks);
        (event.pos, event.code) = (pos, code);
        Ok(true)
    }

    /// Offset in the file of the first byte after the batch.
    pub fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// All data of the batch.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Goes to an event of the batch behind damage.
    #[cold]
    pub(crate) fn seek(&mut self, pos: u64) {
        self.at = (pos - self.base) as u32;
    }
}

/// An event as on the wire, with its time in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanEvent {
    /// Its offset in the file.
    pub pos: u64,
    /// Its time in ticks: the batch's base time and all differences since.
    pub ticks: u64,
    /// Its code, one of the version's.
    pub code: u8,
    /// Its arguments. Elements from `n_args` of its code on are left over from events before it.
    pub args: [u64; MAX_ARGS],
}

/// Reads the events of one batch, with their times in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanReader<'a> {
    cursor: Cursor<'a>,
    /// Time of the event before the next one.
    ticks: u64,
}

impl<'a> ScanReader<'a> {
    /// At the start of a batch with this data.
    pub(crate) fn new(batch: &BatchRef, bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes, batch.offset), ticks: batch.time }
    }

    /// The bytes that can be a short event; `None` near the end of the batch.
    #[inline]
    pub(crate) fn word_event(&self) -> Option<&'a [u8; WORD_EVENT_BYTES]> {
        self.cursor.ahead()
    }

    /// Offset of the next event in the file, and the time in ticks of the event before it.
    #[inline]
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.cursor.offset(), self.ticks)
    }

    /// Steps over an event that the caller decoded: `len` bytes, `ticks` after the event before it.
    #[inline]
    pub(crate) fn step(&mut self, len: usize, ticks: u64) {
        self.cursor.step(len);
        self.ticks = self.ticks.wrapping_add(ticks);
    }

    /// Reads the next event into `event`. Returns false at the end of the batch.
    pub(crate) fn next(&mut self, known: &[bool; 256], event: &mut ScanEvent) -> std::result::Result<bool, BadEvent> {
        let Some((pos, code, ticks)) = decode_event(&mut self.cursor, known, &mut event.args)? else {
            return Ok(false);
        };
        self.ticks = self.ticks.wrapping_add(ticks);
        (event.pos, event.code, event.ticks) = (pos, code, self.ticks);
        Ok(true)
    }

    /// Offset in the file of the first byte after the batch.
    pub(crate) fn end(&self) -> u64 {
        self.cursor.offset() + self.cursor.remaining() as u64
    }

    /// Goes to an event of the batch behind damage.
    #[cold]
    pub(crate) fn seek(&mut self, pos: u64) {
        self.cursor.seek(pos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::v2::batch::{BatchKind, GenerationIndex};
    use crate::trace::v2::codes::known_codes;
    use crate::trace::version::{Dialect, VERSIONS};

    /// Pseudo-random numbers: a linear congruential generator.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }

        /// A value of one to ten bytes as a varint, mostly few.
        fn value(&mut self) -> u64 {
            let bits = [3, 7, 7, 7, 14, 14, 21, 28, 35, 64][self.below(10) as usize];
            (self.below(1 << 31) << 33) >> (64 - bits)
        }

        /// A batch of events. Some have codes that no version has; some batches end inside an event.
        fn batch(&mut self) -> Vec<u8> {
            let mut bytes = Vec::new();
            let frequent = [code::GO_START, code::GO_UNBLOCK, code::GO_BLOCK];
            for _ in 0..self.below(60) {
                let code = if self.below(40) > 0 { frequent[self.below(3) as usize] } else { self.below(60) as u8 };
                bytes.push(code);
                for _ in 0..=EVENTS[code as usize].n_args {
                    let mut value = self.value();
                    while value >= 0x80 {
                        bytes.push(value as u8 | 0x80);
                        value >>= 7;
                    }
                    bytes.push(value as u8);
                }
            }
            let lost = self.below(3) as usize;
            bytes.truncate(bytes.len().saturating_sub(lost));
            bytes
        }
    }

    /// An event's offset, time, code and arguments.
    type Decoded = (u64, Time, u8, Vec<u64>);

    /// All events of a batch, and what is wrong with the one after them.
    fn read(bytes: &[u8], known: &[bool; 256], fast: bool) -> (Vec<Decoded>, Option<BadEvent>) {
        let batches =
            vec![BatchRef { offset: 0, time: 70, size: bytes.len() as u32, thread: 0, kind: BatchKind::Events }];
        let index = GenerationIndex::of_one_thread(batches, 70);
        let clock = Clock::new(15_625_000);
        let ticks = TickTable::new(clock);
        let (mut reader, mut event, mut events) = (BatchReader::empty(), WireEvent::BLANK, Vec::new());
        reader.open(&Generation::new(&bytes.to_vec(), &index), &index.batches[0], clock, &mut event).unwrap();
        loop {
            let more = fast && reader.next_fast(known, &ticks, &mut event);
            match if more { Ok(true) } else { reader.next(known, &ticks, &mut event) } {
                Ok(true) => {
                    let args = &event.args[..EVENTS[event.code as usize].n_args as usize];
                    events.push((event.pos, event.time, event.code, args.to_vec()));
                }
                Ok(false) => return (events, None),
                Err(bad) => return (events, Some(bad)),
            }
        }
    }

    #[test]
    fn the_fast_reader_agrees_with_the_general_one() {
        let (mut numbers, mut n_events, mut n_bad) = (Numbers(7), 0, 0);
        for version in VERSIONS {
            let Dialect::V2(row) = version.dialect else { continue };
            let known = known_codes(row);
            for _ in 0..500 {
                let bytes = numbers.batch();
                let general = read(&bytes, &known, false);
                assert_eq!(read(&bytes, &known, true), general, "{bytes:x?}");
                n_events += general.0.len();
                n_bad += u32::from(general.1.is_some());
            }
        }
        assert!(n_events > 10_000 && n_bad > 100, "{n_events} {n_bad}");
    }
}
