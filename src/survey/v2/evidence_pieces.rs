//! The pieces of a run as bytes of a log. On the hot path.

use super::evidence::{EvidenceKind, RunGap, ServerStacks};
use crate::survey::roots::classify::CallSite;
use crate::survey::roots::servers::ServerStep;
use crate::survey::roots::stretches::{Match, StackHolds};
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

/// Facts of stacks, above how long they hold.
const MATCHES: u8 = 1 << 2;
const HAS_CALL: u8 = 1 << 3;

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
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, pos: 0, ticks: 0 }
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
            put_uvarint(self.out, call.bits().into());
        }
    }

    pub(super) fn put(&mut self, kind: EvidenceKind) {
        match kind {
            EvidenceKind::Match(Match { stack, call, first, last, holds }) => {
                self.out.push(tag::MATCH | (holds as u8 | has_call(call)) << tag::BITS);
                put_uvarint(self.out, stack);
                self.call(call);
                self.pos(first);
                self.pos(last);
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
                let (has_other, has_ticks) = (u8::from(first_other != 0), u8::from(ticks != 0));
                self.out.push(tag::GAP | (has_other | has_ticks << 1) << tag::BITS);
                self.pos(first);
                if first_other != 0 {
                    self.pos(first_other);
                }
                self.pos(last);
                if ticks != 0 {
                    self.ticks(ticks);
                }
            }
            EvidenceKind::Created(birth) => {
                self.out.push(tag::CREATED);
                put_uvarint(self.out, birth.into());
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
    pub(super) fn new(bytes: &'a [u8], births: u32) -> Self {
        Self { cursor: Cursor::new(bytes, 0), births, pos: 0, ticks: 0 }
    }

    #[inline]
    fn number(&mut self) -> u64 {
        // What was written here is well formed.
        self.cursor.uvarint().unwrap_or_default()
    }

    #[inline]
    fn next_call(&mut self, facts: u8) -> CallSite {
        if facts & HAS_CALL == 0 { CallSite::UNKNOWN } else { CallSite::from_bits(self.number() as u32) }
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
                EvidenceKind::Match(Match { stack, call, first: self.next_pos(), last: self.next_pos(), holds })
            }
            tag::SERVER => {
                let step = STEPS.get(self.number() as usize).copied().unwrap_or_default();
                let (stack, call, len) = (self.number(), self.next_call(facts), self.number() as u32);
                let (pos, ticks, matches) = (self.next_pos(), self.next_ticks(), facts & MATCHES != 0);
                EvidenceKind::Server(ServerStacks { step, matches, call, holds, len, stack, pos, ticks })
            }
            tag::GAP => {
                let first = self.next_pos();
                let first_other = if facts & 1 != 0 { self.next_pos() } else { 0 };
                let last = self.next_pos();
                let ticks = if facts & 2 != 0 { self.next_ticks() } else { 0 };
                EvidenceKind::Gap(RunGap { first, last, ticks, first_other })
            }
            tag::CREATED => EvidenceKind::Created(self.number() as u32 + self.births),
            _ => EvidenceKind::End(self.next_pos()),
        })
    }
}
