//! The pieces of a run as bytes of a log. On the hot path.

use super::evidence::{EvidenceKind, RunGap, ServerStacks};
use crate::survey::roots::servers::ServerStep;
use crate::survey::roots::stack_class::CallSite;
use crate::survey::roots::stack_evidence::{Match, StackHolds};
use crate::trace::wire::cursor::Cursor;
use crate::trace::wire::encode::put_uvarint;

/// The kinds of pieces, as a log has them.
mod tag {
    pub(super) const MATCH: u8 = 0;
    pub(super) const SERVER: u8 = 1;
    pub(super) const GAP: u8 = 2;
    pub(super) const CREATED: u8 = 3;
    pub(super) const END: u8 = 4;
    /// Bits of a tag; above it are small facts of a piece.
    pub(super) const BITS: u8 = 3;
}

/// Facts of stacks, above how long they hold: of a server's, whether it matches; of matches, whether the first is the last.
const MATCHES: u8 = 1 << 2;
const IS_ONE: u8 = 1 << 2;
const HAS_CALL: u8 = 1 << 3;

/// Facts of gaps. In most of them the first event is the last.
const HAS_OTHER: u8 = 1;
const HAS_TICKS: u8 = 1 << 1;
const IS_MOMENT: u8 = 1 << 2;

/// A file position and a time, in ticks, near those of a log.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct LogBase {
    pub(crate) pos: u64,
    pub(crate) ticks: u64,
}

/// The number of a birth takes as many bytes whatever it is: so does a run when births of other scans come before its own.
pub(super) fn put_birth(out: &mut Vec<u8>, birth: u32) {
    out.extend_from_slice(&birth.to_le_bytes());
}

/// Reads what [`put_birth`] wrote.
pub(super) fn read_birth(cursor: &mut Cursor<'_>) -> u32 {
    read_u32(cursor)
}

#[inline]
fn read_u32(cursor: &mut Cursor<'_>) -> u32 {
    let bytes = cursor.take(4).ok().and_then(|bytes| bytes.try_into().ok());
    u32::from_le_bytes(bytes.unwrap_or_default())
}

#[inline]
fn has_call(call: CallSite) -> u8 {
    if call == CallSite::UNKNOWN { 0 } else { HAS_CALL }
}

pub(super) const HOLDS: [StackHolds; 4] =
    [StackHolds::AMoment, StackHolds::SinceItRan, StackHolds::UntilItRuns, StackHolds::WhileItWaits];

pub(super) const STEPS: [ServerStep; 13] = [
    ServerStep::None,
    ServerStep::Between,
    ServerStep::Reading,
    ServerStep::Start,
    ServerStep::Wrapped,
    ServerStep::Handler,
    ServerStep::Finish,
    ServerStep::Recover,
    ServerStep::Stream,
    ServerStep::StreamHandler,
    ServerStep::Hijack,
    ServerStep::Worker,
    ServerStep::WorkerHandler,
];

/// A difference that may be negative, so that small ones are small numbers.
#[inline]
fn zigzag(difference: u64) -> u64 {
    difference << 1 ^ (difference as i64 >> 63) as u64
}

#[inline]
fn unzigzag(number: u64) -> u64 {
    number >> 1 ^ (number & 1).wrapping_neg()
}

/// Writes the pieces of one run.
pub(super) struct PieceWriter<'o> {
    out: &'o mut Vec<u8>,
    /// The file position and the time before.
    pos: u64,
    ticks: u64,
}

impl<'o> PieceWriter<'o> {
    /// Writes the pieces of a run behind what is there.
    pub(super) fn new(out: &'o mut Vec<u8>, LogBase { pos, ticks }: LogBase) -> Self {
        Self { out, pos, ticks }
    }

    #[inline]
    fn pos(&mut self, pos: u64) {
        put_uvarint(self.out, zigzag(pos.wrapping_sub(self.pos)));
        self.pos = pos;
    }

    #[inline]
    fn ticks(&mut self, ticks: u64) {
        put_uvarint(self.out, zigzag(ticks.wrapping_sub(self.ticks)));
        self.ticks = ticks;
    }

    #[inline]
    fn call(&mut self, call: CallSite) {
        if call != CallSite::UNKNOWN {
            // A hash: as a varint, most have five bytes.
            self.out.extend_from_slice(&call.bits().to_le_bytes());
        }
    }

    pub(super) fn put(&mut self, kind: EvidenceKind) {
        match kind {
            EvidenceKind::Match(Match { stack, call, first, last, holds }) => {
                let is_one = if first == last { IS_ONE } else { 0 };
                self.out.push(tag::MATCH | (holds as u8 | is_one | has_call(call)) << tag::BITS);
                put_uvarint(self.out, stack);
                self.call(call);
                self.pos(first);
                if first != last {
                    self.pos(last);
                }
            }
            EvidenceKind::Server(ServerStacks { step, matches, call, holds, len, stack, pos, ticks }) => {
                let matches = if matches { MATCHES } else { 0 };
                self.out.push(tag::SERVER | (holds as u8 | matches | has_call(call)) << tag::BITS);
                self.out.push(step as u8);
                put_uvarint(self.out, stack);
                self.call(call);
                put_uvarint(self.out, len.into());
                self.pos(pos);
                self.ticks(ticks);
            }
            EvidenceKind::Gap(RunGap { first, last, ticks, first_other }) => {
                let has_other = if first_other == 0 { 0 } else { HAS_OTHER };
                let has_ticks = if ticks == 0 { 0 } else { HAS_TICKS };
                let is_moment = if first == last { IS_MOMENT } else { 0 };
                self.out.push(tag::GAP | (has_other | has_ticks | is_moment) << tag::BITS);
                self.pos(first);
                if first != last {
                    self.pos(last);
                }
                if first_other != 0 {
                    self.pos(first_other);
                }
                if ticks != 0 {
                    self.ticks(ticks);
                }
            }
            EvidenceKind::Created(birth) => {
                self.out.push(tag::CREATED);
                put_birth(self.out, birth);
            }
            EvidenceKind::End(pos) => {
                self.out.push(tag::END);
                self.pos(pos);
            }
        }
    }
}

/// Reads the pieces of one run.
#[derive(Clone)]
pub(crate) struct PieceReader<'a> {
    cursor: Cursor<'a>,
    births: u32,
    pos: u64,
    ticks: u64,
}

impl<'a> PieceReader<'a> {
    /// Reads the pieces of a run, with so many births of other scans before those that it names.
    pub(super) fn new(bytes: &'a [u8], LogBase { pos, ticks }: LogBase, births: u32) -> Self {
        Self { cursor: Cursor::new(bytes, 0), births, pos, ticks }
    }

    #[inline]
    fn number(&mut self) -> u64 {
        // What was written here is well formed.
        self.cursor.uvarint().unwrap_or_default()
    }

    #[inline]
    fn next_call(&mut self, facts: u8) -> CallSite {
        if facts & HAS_CALL == 0 { CallSite::UNKNOWN } else { CallSite::from_bits(read_u32(&mut self.cursor)) }
    }

    #[inline]
    fn next_pos(&mut self) -> u64 {
        self.pos = self.pos.wrapping_add(unzigzag(self.number()));
        self.pos
    }

    #[inline]
    fn next_ticks(&mut self) -> u64 {
        self.ticks = self.ticks.wrapping_add(unzigzag(self.number()));
        self.ticks
    }
}

impl Iterator for PieceReader<'_> {
    type Item = EvidenceKind;

    #[inline]
    fn next(&mut self) -> Option<EvidenceKind> {
        let tag = self.cursor.byte().ok()?;
        let facts = tag >> tag::BITS;
        let holds = HOLDS[usize::from(facts & 3)];
        Some(match tag & ((1 << tag::BITS) - 1) {
            tag::MATCH => {
                let (stack, call) = (self.number(), self.next_call(facts));
                let first = self.next_pos();
                let last = if facts & IS_ONE != 0 { first } else { self.next_pos() };
                EvidenceKind::Match(Match { stack, call, first, last, holds })
            }
            tag::SERVER => {
                let step = STEPS.get(self.number() as usize).copied().unwrap_or_default();
                let (stack, call, len) = (self.number(), self.next_call(facts), self.number() as u32);
                let (pos, ticks, matches) = (self.next_pos(), self.next_ticks(), facts & MATCHES != 0);
                EvidenceKind::Server(ServerStacks { step, matches, call, holds, len, stack, pos, ticks })
            }
            tag::GAP => {
                let first = self.next_pos();
                let last = if facts & IS_MOMENT != 0 { first } else { self.next_pos() };
                let first_other = if facts & HAS_OTHER != 0 { self.next_pos() } else { 0 };
                let ticks = if facts & HAS_TICKS != 0 { self.next_ticks() } else { 0 };
                EvidenceKind::Gap(RunGap { first, last, ticks, first_other })
            }
            tag::CREATED => EvidenceKind::Created(read_birth(&mut self.cursor) + self.births),
            _ => EvidenceKind::End(self.next_pos()),
        })
    }
}
