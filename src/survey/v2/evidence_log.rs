//! What runs say, one run after the other in few bytes: a match in twenty thousand connections is as much evidence as there are
//! stacks. On the hot path.
//!
//! ```text
//!  run     │ marks │ bytes of the pieces │ id │ birth, if marked │ sequence number │ pieces
//!  piece   │ kind  │ its numbers; file positions and times as differences from those before
//! ```

use super::evidence::{EvidenceKind, GoroutineRef, RunGap, ServerStacks};
use crate::survey::roots::classify::CallSite;
use crate::survey::roots::servers::ServerStep;
use crate::survey::roots::stretches::{Match, StackHolds};
use crate::trace::ids::GoId;
use crate::trace::wire::cursor::Cursor;
use crate::trace::wire::encode::put_uvarint;

/// What can be known of a run without its pieces: bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RunMarks(u8);

impl RunMarks {
    /// It has a matching stack.
    pub(crate) const MATCH: u8 = 1;
    /// It has a server's stack.
    pub(crate) const SERVER: u8 = 1 << 1;
    /// A stack of it does not match, in a gap.
    pub(crate) const OTHER: u8 = 1 << 2;
    /// It is no run, but a status.
    pub(crate) const STATUS: u8 = 1 << 3;
    /// Its goroutine's id is ambiguous.
    const BIRTH: u8 = 1 << 4;
    /// It names births.
    const NAMES_BIRTHS: u8 = 1 << 5;

    /// Whether any of these marks is set.
    pub(crate) fn has(self, marks: u8) -> bool {
        self.0 & marks != 0
    }

    fn of(kinds: &[EvidenceKind]) -> u8 {
        let of_one = |kind: &EvidenceKind| match kind {
            EvidenceKind::Match(_) => Self::MATCH,
            EvidenceKind::Server(_) => Self::SERVER,
            EvidenceKind::Gap(gap) if gap.has_other() => Self::OTHER,
            EvidenceKind::Created(_) => Self::NAMES_BIRTHS,
            EvidenceKind::Gap(_) | EvidenceKind::End(_) => 0,
        };
        kinds.iter().fold(0, |marks, kind| marks | of_one(kind))
    }
}

/// A run, without its pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RunHead {
    /// The goroutine.
    pub(crate) g: GoroutineRef,
    /// Its sequence number when the run began.
    pub(crate) seq: u64,
    pub(crate) marks: RunMarks,
}

/// Runs, in the order in which they were added.
#[derive(Default, Debug)]
pub(crate) struct EvidenceLog {
    bytes: Vec<u8>,
    /// Births of other scans before those that the runs name.
    births: u32,
    /// Memory for the pieces of one run.
    pieces: Vec<u8>,
}

/// A run of a log: its head, and its pieces one after the other.
#[derive(Clone)]
pub(crate) struct LoggedRun<'a> {
    pub(crate) head: RunHead,
    /// Where it begins in the log.
    pub(crate) at: usize,
    bytes: &'a [u8],
    births: u32,
    pieces: PieceReader<'a>,
}

impl EvidenceLog {
    /// Where the next run will begin.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all, but for the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.births = 0;
    }

    /// So many births of other scans come before those that the runs name.
    pub(crate) fn shift_births(&mut self, births: u32) {
        self.births += births;
    }

    /// Adds what a run says.
    pub(crate) fn add_run(&mut self, g: GoroutineRef, seq: u64, kinds: &[EvidenceKind]) {
        self.add(g, seq, 0, kinds);
    }

    /// Adds what a status says.
    pub(crate) fn add_status(&mut self, g: GoroutineRef, kind: EvidenceKind) {
        self.add(g, 0, RunMarks::STATUS, &[kind]);
    }

    fn add(&mut self, g: GoroutineRef, seq: u64, mark: u8, kinds: &[EvidenceKind]) {
        debug_assert_eq!(self.births, 0, "what is joined to other scans is complete");
        let Self { bytes, pieces, .. } = self;
        pieces.clear();
        let mut writer = PieceWriter { out: pieces, pos: 0, ticks: 0 };
        for kind in kinds {
            writer.put(*kind);
        }
        let has_birth = g.birth != GoroutineRef::NO_BIRTH;
        let marks = mark | RunMarks::of(kinds) | if has_birth { RunMarks::BIRTH } else { 0 };
        bytes.push(marks);
        put_uvarint(bytes, pieces.len() as u64);
        put_uvarint(bytes, g.id.0);
        if has_birth {
            put_uvarint(bytes, g.birth.into());
        }
        put_uvarint(bytes, seq);
        bytes.extend_from_slice(pieces);
    }

    /// Adds a run of another log.
    pub(crate) fn copy(&mut self, run: &LoggedRun<'_>) {
        if run.births == 0 || !run.head.marks.has(RunMarks::BIRTH | RunMarks::NAMES_BIRTHS) {
            return self.bytes.extend_from_slice(run.bytes);
        }
        let kinds: Vec<EvidenceKind> = run.pieces().collect();
        self.add(run.head.g, run.head.seq, run.head.marks.0 & RunMarks::STATUS, &kinds);
    }

    /// All runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = LoggedRun<'_>> {
        self.runs_from(0)
    }

    /// The runs from a position on.
    pub(crate) fn runs_from(&self, at: usize) -> impl Iterator<Item = LoggedRun<'_>> {
        let mut next = at;
        std::iter::from_fn(move || {
            let run = self.run(next)?;
            next += run.bytes.len();
            Some(run)
        })
    }

    /// The run that begins at a position.
    pub(crate) fn run(&self, at: usize) -> Option<LoggedRun<'_>> {
        let all = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let mut cursor = Cursor::new(all, 0);
        // What was written here is well formed.
        let mut number = || cursor.uvarint().unwrap_or_default();
        let (marks, len, id) = (RunMarks(number() as u8), number() as usize, GoId(number()));
        let birth = if marks.has(RunMarks::BIRTH) { number() as u32 + self.births } else { GoroutineRef::NO_BIRTH };
        let seq = number();
        let start = cursor.offset() as usize;
        let pieces = Cursor::new(&all[start..start + len], 0);
        let pieces = PieceReader { cursor: pieces, births: self.births, pos: 0, ticks: 0 };
        let head = RunHead { g: GoroutineRef { id, birth }, seq, marks };
        Some(LoggedRun { head, at, bytes: &all[..start + len], births: self.births, pieces })
    }
}

impl<'a> LoggedRun<'a> {
    /// What it says, in its order.
    pub(crate) fn pieces(&self) -> PieceReader<'a> {
        self.pieces.clone()
    }

    /// The place of a run among those of its goroutine. Only damage makes two with one number.
    pub(crate) fn rank(&self) -> (u64, bool, u64) {
        let pos = match self.pieces().next() {
            Some(EvidenceKind::Gap(gap)) => gap.first,
            _ => 0,
        };
        (self.head.seq, !self.head.marks.has(RunMarks::STATUS), pos)
    }
}

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

const HOLDS: [StackHolds; 4] =
    [StackHolds::AMoment, StackHolds::SinceItRan, StackHolds::UntilItRuns, StackHolds::WhileItWaits];

const STEPS: [ServerStep; 13] = [
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
struct PieceWriter<'o> {
    out: &'o mut Vec<u8>,
    /// The file position and the time before.
    pos: u64,
    ticks: u64,
}

impl PieceWriter<'_> {
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

    fn put(&mut self, kind: EvidenceKind) {
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

impl PieceReader<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all sizes, far apart and in no order.
    const NUMBERS: [u64; 7] = [1, 127, 128, 1 << 20, u64::MAX, 1 << 63, 5];

    fn all_kinds() -> Vec<EvidenceKind> {
        let mut all = Vec::new();
        for (i, &n) in NUMBERS.iter().enumerate() {
            let call = CallSite::from_bits(n as u32);
            let m = NUMBERS[(i + 3) % NUMBERS.len()];
            all.extend(HOLDS.map(|holds| EvidenceKind::Match(Match { stack: m, call, first: n, last: m, holds })));
            for step in STEPS {
                let (matches, holds, len) = (i % 2 == 0, HOLDS[i % 4], n as u32);
                all.push(EvidenceKind::Server(ServerStacks {
                    step,
                    matches,
                    call,
                    holds,
                    len,
                    stack: n,
                    pos: m,
                    ticks: n,
                }));
            }
            for (ticks, first_other) in [(0, 0), (n, 0), (0, m), (m, n)] {
                all.push(EvidenceKind::Gap(RunGap { first: m, last: n, ticks, first_other }));
            }
            all.extend([EvidenceKind::Created(n as u32 >> 1), EvidenceKind::End(m)]);
        }
        all
    }

    #[test]
    fn runs_are_read_back() {
        let kinds = all_kinds();
        let mut log = EvidenceLog::default();
        let g = |i: usize| {
            let birth = if i.is_multiple_of(3) { i as u32 } else { GoroutineRef::NO_BIRTH };
            GoroutineRef { id: GoId(NUMBERS[i % NUMBERS.len()]), birth }
        };
        let of_run = |i: usize| &kinds[i..kinds.len().min(i + i % 5)];
        for i in 0..kinds.len() {
            log.add_run(g(i), NUMBERS[(i + 2) % NUMBERS.len()], of_run(i));
            log.add_status(g(i), kinds[i]);
        }
        let runs: Vec<LoggedRun<'_>> = log.runs().collect();
        assert_eq!(runs.len(), 2 * kinds.len());
        for (i, pair) in runs.chunks(2).enumerate() {
            let [run, status] = pair else { panic!() };
            assert_eq!((run.head.g, status.head.g), (g(i), g(i)));
            assert_eq!((run.head.seq, status.head.seq), (NUMBERS[(i + 2) % NUMBERS.len()], 0));
            assert_eq!(run.pieces().collect::<Vec<_>>(), of_run(i));
            assert_eq!(status.pieces().collect::<Vec<_>>(), [kinds[i]]);
            assert_eq!(log.run(run.at).unwrap().head, run.head);
            let has = |mark| (run.head.marks.has(mark), status.head.marks.has(mark));
            assert_eq!(has(RunMarks::STATUS), (false, true));
            let is_match = |kind: &EvidenceKind| matches!(kind, EvidenceKind::Match(_));
            assert_eq!(has(RunMarks::MATCH), (of_run(i).iter().any(is_match), is_match(&kinds[i])));
            let is_server = |kind: &EvidenceKind| matches!(kind, EvidenceKind::Server(_));
            assert_eq!(has(RunMarks::SERVER), (of_run(i).iter().any(is_server), is_server(&kinds[i])));
        }
    }

    #[test]
    fn births_of_following_scans_are_shifted_also_when_copied() {
        let mut log = EvidenceLog::default();
        log.add_run(GoroutineRef { id: GoId(3), birth: 4 }, 1, &[EvidenceKind::End(7)]);
        log.add_run(GoroutineRef::by_id(GoId(5)), 2, &[EvidenceKind::Created(6), EvidenceKind::End(9)]);
        log.add_run(GoroutineRef::by_id(GoId(6)), 2, &[EvidenceKind::End(10)]);
        log.shift_births(100);
        let mut copied = EvidenceLog::default();
        log.runs().for_each(|run| copied.copy(&run));
        for log in [log, copied] {
            let runs: Vec<_> = log.runs().map(|run| (run.head.g.birth, run.pieces().collect::<Vec<_>>())).collect();
            assert_eq!(runs[0], (104, vec![EvidenceKind::End(7)]));
            assert_eq!(runs[1], (GoroutineRef::NO_BIRTH, vec![EvidenceKind::Created(106), EvidenceKind::End(9)]));
            assert_eq!(runs[2], (GoroutineRef::NO_BIRTH, vec![EvidenceKind::End(10)]));
        }
    }
}
