//! Runs without a matching stack, in little memory: most runs are such, and only those of goroutines that match
//! elsewhere are ever looked at. On the hot path.

use super::evidence::{GoroutineRef, RunGap};
use crate::trace::ids::GoId;

/// Where in a run the first stack is that does not match: there a stretch ends that is open when the run begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OtherStack {
    /// There is none.
    None,
    /// So many bytes after the run's first event.
    After(u64),
}

impl OtherStack {
    /// From the file positions of the run's first event and of the stack; 0 when there is none.
    #[inline]
    pub(crate) fn new(first: u64, other: u64) -> Self {
        if other == 0 { Self::None } else { Self::After(other.wrapping_sub(first)) }
    }

    /// File position of the stack, of a run that begins at `first`; 0 when there is none.
    #[inline]
    pub(crate) fn position(self, first: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::After(bytes) => first.wrapping_add(bytes),
        }
    }
}

/// A run without a matching stack, in less than an [`EvidenceLog`](super::evidence_log::EvidenceLog) needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CompactRun {
    /// The goroutine's id.
    id: u32,
    /// File position of its first event, from the generation's start on.
    offset: u32,
    /// The goroutine's sequence number, and in the lowest bits 0 without another stack, else 1 more than the bytes up to
    /// there.
    seq_and_other: u32,
}

impl CompactRun {
    const OTHER_BITS: u32 = 8;

    /// None if it does not fit.
    pub(crate) fn new(id: u64, offset: u64, seq: u64, other: OtherStack) -> Option<Self> {
        let other = match other {
            OtherStack::None => 0,
            OtherStack::After(bytes) => bytes.checked_add(1)?,
        };
        let fits = (id | offset | seq << Self::OTHER_BITS) >> u32::BITS == 0
            && other >> Self::OTHER_BITS == 0
            && seq >> (u32::BITS - Self::OTHER_BITS) == 0;
        let seq_and_other = (seq << Self::OTHER_BITS | other) as u32;
        fits.then_some(Self { id: id as u32, offset: offset as u32, seq_and_other })
    }

    pub(crate) fn g(self) -> GoroutineRef {
        GoroutineRef::by_id(GoId(self.id.into()))
    }

    /// Whether a stack that does not match is in it.
    pub(crate) fn has_other(self) -> bool {
        self.seq_and_other & ((1 << Self::OTHER_BITS) - 1) != 0
    }

    /// The goroutine's sequence number when the run began.
    pub(crate) fn seq(self) -> u64 {
        u64::from(self.seq_and_other >> Self::OTHER_BITS)
    }

    /// What it says, in a generation that starts at this file position.
    pub(crate) fn gap(self, start: u64) -> RunGap {
        let first = start + u64::from(self.offset);
        let first_other = match self.seq_and_other & ((1 << Self::OTHER_BITS) - 1) {
            0 => 0,
            bytes => first + u64::from(bytes - 1),
        };
        RunGap { first, last: first.max(first_other), ticks: 0, first_other }
    }
}

/// Most compact runs in eight bytes.
///
/// ```text
///  63        44 43          16 15        3 2     0
///  ├── id ─────┼── offset ────┼── seq ────┼ other ┤   id: from a base on
/// ```
///
/// In most runs the first stack that does not match is that of the first event after the run's start, and that takes 4 to
/// 9 bytes (`GoStart`: code, time, id, sequence number). So `other` is 0 without one, 7 where it is the run's first event,
/// and else 3 less than the bytes between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PackedRun(u64);

impl PackedRun {
    pub(crate) const ID_BITS: u32 = 20;
    const OFFSET_BITS: u32 = 28;
    const SEQ_BITS: u32 = 13;
    const OTHER_BITS: u32 = 3;
    /// The least bytes that `other` can say, less one.
    const BEFORE_OTHER: u64 = 3;
    /// Stands for a stack of the run's first event.
    const AT_FIRST: u64 = 7;

    /// None if it does not fit. `id` counts from the base on.
    #[inline]
    pub(crate) fn new(id: u64, offset: u64, seq: u64, other: OtherStack) -> Option<Self> {
        let other = match other {
            OtherStack::None => 0,
            OtherStack::After(0) => Self::AT_FIRST,
            OtherStack::After(bytes) => match bytes.wrapping_sub(Self::BEFORE_OTHER) {
                short @ 1..Self::AT_FIRST => short,
                _ => return None,
            },
        };
        let fits = (id >> Self::ID_BITS | offset >> Self::OFFSET_BITS | seq >> Self::SEQ_BITS) == 0;
        let word = (id << Self::OFFSET_BITS | offset) << Self::SEQ_BITS | seq;
        fits.then_some(Self(word << Self::OTHER_BITS | other))
    }

    /// The goroutine's id.
    #[inline]
    pub(crate) fn id(self, base: u64) -> GoId {
        GoId(base + (self.0 >> (u64::BITS - Self::ID_BITS)))
    }

    /// The same as a compact run. The base is one from which on all ids have 32 bits.
    pub(crate) fn unpacked(self, base: u64) -> CompactRun {
        let other = match self.0 & ((1 << Self::OTHER_BITS) - 1) {
            0 => 0,
            Self::AT_FIRST => 1,
            short => short + Self::BEFORE_OTHER + 1,
        };
        let seq = self.0 >> Self::OTHER_BITS & ((1 << Self::SEQ_BITS) - 1);
        let offset = (self.0 >> (Self::SEQ_BITS + Self::OTHER_BITS)) as u32 & ((1 << Self::OFFSET_BITS) - 1);
        let seq_and_other = (seq << CompactRun::OTHER_BITS | other) as u32;
        CompactRun { id: self.id(base).0 as u32, offset, seq_and_other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms of a run say the same, up to the largest values that fit.
    #[test]
    fn packed_and_compact_runs_say_the_same() {
        let base = 1 << 20;
        let others = [0, 4, 5, 9].map(OtherStack::After).into_iter().chain([OtherStack::None]);
        for (id, other) in others.flat_map(|other| [0, 1, (1 << 20) - 1].map(|id| (id, other))) {
            for offset in [0, 1, (1 << 28) - 1] {
                for seq in [0, (1 << 13) - 1] {
                    let packed = PackedRun::new(id, offset, seq, other).map(|run| run.unpacked(base));
                    let compact = CompactRun::new(base + id, offset, seq, other);
                    assert!(packed.is_some() && packed == compact, "{id} {offset} {seq} {other:?}");
                    let run = compact.unwrap();
                    let gap = run.gap(7);
                    assert_eq!((run.g().id.0, run.seq()), (base + id, seq));
                    assert_eq!((gap.first, gap.first_other), (7 + offset, other.position(7 + offset)));
                }
            }
        }
        let none = OtherStack::None;
        for (id, offset, seq) in [(1 << 20, 0, 0), (0, 1 << 28, 0), (0, 0, 1 << 13)] {
            assert_eq!(PackedRun::new(id, offset, seq, none), None);
        }
        for (id, offset, seq) in [(1 << 32, 0, 0), (0, 1 << 32, 0), (0, 0, 1 << 24), (0, 0, 1 << 60)] {
            assert_eq!(CompactRun::new(id, offset, seq, none), None);
        }
        for bytes in [1, 3, 10, 1 << 40, u64::MAX] {
            assert_eq!(PackedRun::new(0, 0, 0, OtherStack::After(bytes)), None);
        }
        assert_eq!(CompactRun::new(0, 0, 0, OtherStack::After(255)), None);
        assert_eq!(CompactRun::new(0, 0, 0, OtherStack::After(u64::MAX)), None);
    }
}
