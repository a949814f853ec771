//! Goroutines of which a scan left evidence out, as it is hardly ever needed. On the hot path.

use super::id_range::IdRange;
use crate::trace::ids::GoId;
use rustc_hash::FxHashSet;

/// The set of them: most in a range, and a few others. Evidence about an id that fits into neither is kept.
#[derive(Debug, Default)]
pub(crate) struct SkippedGoroutines {
    range: IdRange,
    /// Ids that were in the range before it moved.
    others: FxHashSet<GoId>,
}

impl SkippedGoroutines {
    /// Bytes of a file for each id of the range: no more memory than the file's size justifies.
    const BYTES_PER_ID: u64 = 8;
    /// Most ids that are moved out of the range when it moves.
    const FEW: u64 = 1024;

    /// An empty set, for a scan of so many bytes.
    pub(crate) fn for_bytes(bytes: u64) -> Self {
        Self { range: IdRange::movable((bytes / Self::BYTES_PER_ID / 64) as usize + 1), others: FxHashSet::default() }
    }

    /// A set that stays empty, for a scan that leaves nothing out.
    pub(crate) fn nothing() -> Self {
        Self { range: IdRange::fixed(0, 0), others: FxHashSet::default() }
    }

    /// Notes that evidence about a goroutine is left out; false if it must be kept.
    #[inline]
    pub(crate) fn add(&mut self, id: GoId) -> bool {
        self.range.insert(id) || self.add_outside(id)
    }

    #[inline(never)]
    fn add_outside(&mut self, id: GoId) -> bool {
        let Some(others) = self.range.move_once(id, Self::FEW) else { return false };
        self.others.extend(others);
        self.range.insert(id)
    }

    /// Whether evidence about a goroutine was left out.
    pub(crate) fn has(&self, id: GoId) -> bool {
        self.range.has(id) || self.others.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_known() {
        // A range of 192 ids.
        let mut skipped = SkippedGoroutines::for_bytes(1024);
        let low = [2, 3, 191].map(GoId);
        assert!(low.iter().all(|&id| skipped.add(id)));
        // It moves once, to the middle of where ids are.
        let far = [1_000_000, 1_000_095, 999_904].map(GoId);
        assert!(far.iter().all(|&id| skipped.add(id)));
        assert!(!skipped.add(GoId(1_000_096)) && !skipped.add(GoId(999_903)) && !skipped.add(GoId(4)));
        assert!(low.iter().chain(&far).all(|&id| skipped.has(id)));
        assert!(![4, 999_903, 1_000_001, 1_000_096, u64::MAX].map(GoId).iter().any(|&id| skipped.has(id)));
        // Ids at the end of all numbers.
        let mut last = SkippedGoroutines::for_bytes(1024);
        assert!(last.add(GoId(u64::MAX)) && last.has(GoId(u64::MAX)) && !last.has(GoId(u64::MAX - 1)));
        let mut nothing = SkippedGoroutines::nothing();
        assert!(!nothing.add(GoId(1)) && !nothing.has(GoId(1)));
    }
}
