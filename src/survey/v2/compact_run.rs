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
    #[cfg(test)]
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
    #[inline]
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A run says what it was made of, up to the largest values that fit.
    #[test]
    fn compact_runs_say_what_they_were_made_of() {
        let others = [0, 1, 4, 254].map(OtherStack::After).into_iter().chain([OtherStack::None]);
        for (id, other) in others.flat_map(|other| [0, 1, (1 << 32) - 1].map(|id| (id, other))) {
            for offset in [0, 1, (1 << 32) - 1] {
                for seq in [0, (1 << 24) - 1] {
                    let run = CompactRun::new(id, offset, seq, other).unwrap();
                    let gap = run.gap(7);
                    assert_eq!((run.g().id.0, run.seq(), run.has_other()), (id, seq, other != OtherStack::None));
                    assert_eq!((gap.first, gap.first_other), (7 + offset, other.position(7 + offset)));
                }
            }
        }
        for (id, offset, seq) in [(1 << 32, 0, 0), (0, 1 << 32, 0), (0, 0, 1 << 24), (0, 0, 1 << 60)] {
            assert_eq!(CompactRun::new(id, offset, seq, OtherStack::None), None);
        }
        for bytes in [255, 1 << 40, u64::MAX] {
            assert_eq!(CompactRun::new(0, 0, 0, OtherStack::After(bytes)), None);
        }
    }
}
