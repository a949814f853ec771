//! Numbers of sums differ between a part and the whole.

use crate::measure::intervals::aggregate::SumIdx;

/// The sums of a part as those of the whole.
#[derive(Clone, Copy)]
pub(super) struct OurSums<'s>(&'s [SumIdx]);

impl<'s> OurSums<'s> {
    /// By sum of the part, that of the whole.
    pub(super) fn new(ours: &'s [SumIdx]) -> Self {
        Self(ours)
    }

    /// Indexes that stand for no interval are beyond all positions, and stay.
    pub(super) fn of(self, sum: SumIdx) -> SumIdx {
        self.0.get(sum.at()).copied().unwrap_or(sum)
    }
}
