//! Runs without a matching stack, in little memory: most runs are such, and only those of goroutines that match
//! elsewhere are ever looked at. HOT.

use super::evidence::{Evidence, EvidenceKind, GoroutineRef, RunGap};
use crate::trace::ids::GoId;

/// A run without a matching stack, in a sixth of the memory of an [`Evidence`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CompactRun {
    /// The goroutine's id.
    id: u32,
    /// File position where its gap begins, from the generation's start on.
    offset: u32,
    /// The goroutine's sequence number, and as the lowest bit whether no stretch can outlast the run.
    seq_and_other: u32,
}

impl CompactRun {
    /// None if it does not fit.
    pub(crate) fn new(id: u64, offset: u64, seq: u64, other: bool) -> Option<Self> {
        let fits = (offset | id | seq | seq << 1) >> u32::BITS == 0;
        let seq_and_other = (seq as u32) << 1 | u32::from(other);
        fits.then_some(Self { id: id as u32, offset: offset as u32, seq_and_other })
    }

    pub(crate) fn g(self) -> GoroutineRef {
        GoroutineRef::by_id(GoId(self.id.into()))
    }

    /// The same as evidence, in a generation that starts at this file position.
    pub(crate) fn expanded(self, start: u64) -> Evidence {
        let pos = start + u64::from(self.offset);
        let kind = EvidenceKind::Gap(RunGap::at(pos, 0, self.seq_and_other & 1 == 1));
        Evidence { g: self.g(), seq: u64::from(self.seq_and_other >> 1), order: 1, kind }
    }
}

/// Most compact runs in eight bytes.
///
/// ```text
///  63        42 41          14 13        1 0
///  ├── id ─────┼── offset ────┼── seq ────┼─┤   id: from a base on; bit 0: as in a compact run
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PackedRun(u64);

impl PackedRun {
    pub(crate) const ID_BITS: u32 = 22;
    const OFFSET_BITS: u32 = 28;
    const SEQ_BITS: u32 = 13;

    /// None if it does not fit. `id` counts from the base on.
    #[inline]
    pub(crate) fn new(id: u64, offset: u64, seq: u64, other: bool) -> Option<Self> {
        let fits = (id >> Self::ID_BITS | offset >> Self::OFFSET_BITS | seq >> Self::SEQ_BITS) == 0;
        let word = (id << Self::OFFSET_BITS | offset) << Self::SEQ_BITS | seq;
        fits.then_some(Self(word << 1 | u64::from(other)))
    }

    /// The goroutine's id.
    #[inline]
    pub(crate) fn id(self, base: u64) -> GoId {
        GoId(base + (self.0 >> (u64::BITS - Self::ID_BITS)))
    }

    /// The same as a compact run. The base is one from which on all ids have 32 bits.
    pub(crate) fn unpacked(self, base: u64) -> CompactRun {
        let seq_and_other = (self.0 & ((1 << (Self::SEQ_BITS + 1)) - 1)) as u32;
        let offset = (self.0 >> (Self::SEQ_BITS + 1)) as u32 & ((1 << Self::OFFSET_BITS) - 1);
        CompactRun { id: self.id(base).0 as u32, offset, seq_and_other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms of a run expand to the same evidence, up to the largest values that fit.
    #[test]
    fn packed_and_compact_runs_say_the_same() {
        let base = 1 << 20;
        for id in [0, 1, (1 << 22) - 1] {
            for offset in [0, 1, (1 << 28) - 1] {
                for (seq, other) in [(0, false), (0, true), ((1 << 13) - 1, false), ((1 << 13) - 1, true)] {
                    let packed = PackedRun::new(id, offset, seq, other).map(|run| run.unpacked(base).expanded(7));
                    let compact = CompactRun::new(base + id, offset, seq, other).map(|run| run.expanded(7));
                    assert!(packed.is_some() && packed == compact, "{id} {offset} {seq} {other}");
                }
            }
        }
        for (id, offset, seq) in [(1 << 22, 0, 0), (0, 1 << 28, 0), (0, 0, 1 << 13)] {
            assert_eq!(PackedRun::new(id, offset, seq, false), None);
        }
        for (id, offset, seq) in [(1 << 32, 0, 0), (0, 1 << 32, 0), (0, 0, 1 << 31)] {
            assert_eq!(CompactRun::new(id, offset, seq, false), None);
        }
    }
}
