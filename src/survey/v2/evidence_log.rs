//! What runs say, one run after the other in few bytes: a match in twenty thousand connections is as much evidence as there are
//! stacks. On the hot path.
//!
//! ```text
//!  run     │ marks │ bytes of the rest │ id │ birth, if marked │ sequence number │ pieces
//!  piece   │ kind  │ its numbers; file positions and times as differences from those before, the first from the log's
//! ```

use super::evidence::{EvidenceKind, GoroutineRef};
use super::evidence_pieces::{LogBase, PieceReader, PieceWriter, put_birth, read_birth};
use crate::trace::ids::GoId;
use crate::trace::wire::cursor::Cursor;
use crate::trace::wire::encode::put_uvarint;
use std::ops::Range;

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

    /// None of the marks.
    pub(crate) const NONE: Self = Self(0);

    /// Those of several runs.
    #[must_use]
    pub(crate) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

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
    base: LogBase,
    /// Births of other scans before those that the runs name.
    births: u32,
    /// Memory for what follows the marks of one run.
    rest: Vec<u8>,
}

/// A run of a log: its head, and its pieces one after the other.
#[derive(Clone)]
pub(crate) struct LoggedRun<'a> {
    pub(crate) head: RunHead,
    pieces: PieceReader<'a>,
}

/// Where a run is in its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RunExtent {
    marks: RunMarks,
    /// Where it begins.
    pub(crate) start: usize,
    /// Where its goroutine's id is.
    rest: usize,
    /// Where it ends.
    pub(crate) end: usize,
}

impl RunExtent {
    /// Its size, in bytes.
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

impl EvidenceLog {
    /// An empty log.
    pub(crate) fn new(base: LogBase) -> Self {
        Self { base, ..Self::default() }
    }

    /// Where the next run will begin.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all, but for the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.births = 0;
    }

    /// The numbers of all runs are near these. The log is empty.
    pub(crate) fn set_base(&mut self, base: LogBase) {
        self.base = base;
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
        let Self { bytes, rest, base, .. } = self;
        rest.clear();
        put_uvarint(rest, g.id.0);
        let has_birth = g.birth != GoroutineRef::NO_BIRTH;
        if has_birth {
            put_birth(rest, g.birth);
        }
        put_uvarint(rest, seq);
        let mut writer = PieceWriter::new(rest, *base);
        for kind in kinds {
            writer.put(*kind);
        }
        bytes.push(mark | RunMarks::of(kinds) | if has_birth { RunMarks::BIRTH } else { 0 });
        put_uvarint(bytes, rest.len() as u64);
        bytes.extend_from_slice(rest);
    }

    /// Makes room for so many bytes of runs that will be put there; returns where.
    pub(crate) fn make_room(&mut self, bytes: usize) -> usize {
        let start = self.bytes.len();
        if start == 0 {
            // Memory that is zero already need not be filled.
            self.bytes = vec![0; bytes];
        } else {
            self.bytes.resize(start + bytes, 0);
        }
        start
    }

    /// Puts a run of another log to a place in room that was made for it; it takes as many bytes here.
    #[inline]
    pub(crate) fn put(&mut self, at: usize, from: &Self, run: RunExtent) {
        let to = &mut self.bytes[at..at + run.len()];
        match from.in_first_scan(run) {
            None => to.copy_from_slice(&from.bytes[run.start..run.end]),
            Some(run) => to.copy_from_slice(&run.bytes),
        }
    }

    /// Adds a run of another log.
    pub(crate) fn copy(&mut self, from: &Self, run: RunExtent) {
        match from.in_first_scan(run) {
            None => self.bytes.extend_from_slice(&from.bytes[run.start..run.end]),
            Some(run) => self.bytes.extend_from_slice(&run.bytes),
        }
    }

    /// A run, with births as a log of the first scan names them; none where it has the same bytes.
    #[inline]
    fn in_first_scan(&self, run: RunExtent) -> Option<Self> {
        let names_others = self.births != 0 && run.marks.has(RunMarks::BIRTH | RunMarks::NAMES_BIRTHS);
        names_others.then(|| self.with_shifted_births(run))
    }

    #[inline(never)]
    fn with_shifted_births(&self, run: RunExtent) -> Self {
        let LoggedRun { head, pieces, .. } = self.read(run);
        let kinds: Vec<EvidenceKind> = pieces.collect();
        let mut log = Self::new(self.base);
        log.add(head.g, head.seq, head.marks.0 & RunMarks::STATUS, &kinds);
        log
    }

    /// All runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = LoggedRun<'_>> {
        self.extents().map(|extent| self.read(extent))
    }

    /// Where all runs are.
    pub(crate) fn extents(&self) -> impl Iterator<Item = RunExtent> {
        self.extents_in(0..self.len())
    }

    /// Where the runs of a part of the log are, which begins with one.
    pub(crate) fn extents_in(&self, part: Range<usize>) -> impl Iterator<Item = RunExtent> {
        let mut next = part.start;
        std::iter::from_fn(move || {
            let run = if next < part.end { self.extent(next) } else { None }?;
            next = run.end;
            Some(run)
        })
    }

    /// Where the run is that begins at a position.
    #[inline]
    pub(crate) fn extent(&self, start: usize) -> Option<RunExtent> {
        let mut cursor = Cursor::new(self.bytes.get(start..)?, start as u64);
        let marks = RunMarks(cursor.byte().ok()?);
        // What was written here is well formed.
        let len = cursor.uvarint().unwrap_or_default() as usize;
        let rest = cursor.offset() as usize;
        Some(RunExtent { marks, start, rest, end: rest + len })
    }

    /// The head of a run of this log.
    #[inline]
    pub(crate) fn head(&self, extent: RunExtent) -> RunHead {
        self.split(extent).0
    }

    /// A run of this log.
    #[inline]
    pub(crate) fn read(&self, extent: RunExtent) -> LoggedRun<'_> {
        let (head, pieces) = self.split(extent);
        LoggedRun { head, pieces: PieceReader::new(pieces, self.base, self.births) }
    }

    /// The head of a run, and the bytes of its pieces.
    #[inline]
    fn split(&self, RunExtent { marks, rest, end, .. }: RunExtent) -> (RunHead, &[u8]) {
        let mut cursor = Cursor::new(&self.bytes[rest..end], 0);
        let id = GoId(cursor.uvarint().unwrap_or_default());
        let has_birth = marks.has(RunMarks::BIRTH);
        let birth = if has_birth { read_birth(&mut cursor) + self.births } else { GoroutineRef::NO_BIRTH };
        let seq = cursor.uvarint().unwrap_or_default();
        (RunHead { g: GoroutineRef { id, birth }, seq, marks }, &self.bytes[rest + cursor.offset() as usize..end])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::roots::stack_class::CallSite;
    use crate::survey::roots::stack_evidence::Match;
    use crate::survey::v2::evidence::{RunGap, ServerStacks};
    use crate::survey::v2::evidence_pieces::{HOLDS, STEPS};

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
        let mut log = EvidenceLog::new(LogBase { pos: 1 << 20, ticks: 100 });
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
        let mut extents = log.extents();
        for (i, pair) in runs.chunks(2).enumerate() {
            let [run, status] = pair else { panic!() };
            assert_eq!((run.head.g, status.head.g), (g(i), g(i)));
            assert_eq!((run.head.seq, status.head.seq), (NUMBERS[(i + 2) % NUMBERS.len()], 0));
            assert_eq!(run.pieces().collect::<Vec<_>>(), of_run(i));
            assert_eq!(status.pieces().collect::<Vec<_>>(), [kinds[i]]);
            let extent = extents.next().unwrap();
            extents.next();
            assert_eq!(log.extent(extent.start).map(|extent| log.head(extent)), Some(run.head));
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
        let (mut copied, mut put) = (EvidenceLog::default(), EvidenceLog::default());
        log.extents().for_each(|run| copied.copy(&log, run));
        put.make_room(log.len());
        log.extents().for_each(|run| put.put(run.start, &log, run));
        for log in [log, copied, put] {
            let runs: Vec<_> = log.runs().map(|run| (run.head.g.birth, run.pieces().collect::<Vec<_>>())).collect();
            assert_eq!(runs[0], (104, vec![EvidenceKind::End(7)]));
            assert_eq!(runs[1], (GoroutineRef::NO_BIRTH, vec![EvidenceKind::Created(106), EvidenceKind::End(9)]));
            assert_eq!(runs[2], (GoroutineRef::NO_BIRTH, vec![EvidenceKind::End(10)]));
        }
    }
}
