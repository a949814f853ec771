//! Goroutines of which a scan left evidence out, as hardly anybody will ask for it. HOT.

use super::id_range::IdRange;
use crate::trace::ids::GoId;
use rustc_hash::FxHashSet;

/// The set of them: most of a range, and a few others. What fits into neither cannot be left out.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    range: IdRange,
    others: FxHashSet<GoId>,
    /// Whether the range has its final place.
    settled: bool,
}

impl Skipped {
    /// Bytes of a file for each id of the range: no more memory than its size justifies.
    const BYTES_PER_ID: u64 = 8;
    /// So few ids are moved when the range gets another place.
    const FEW: u64 = 1024;

    /// For a scan of so many bytes.
    pub(crate) fn for_bytes(bytes: u64) -> Self {
        Self { range: IdRange::new(0, (bytes / Self::BYTES_PER_ID / 64) as usize + 1), ..Self::default() }
    }

    /// For a scan that leaves nothing out.
    pub(crate) fn nothing() -> Self {
        Self { settled: true, ..Self::default() }
    }

    /// Notes that evidence about a goroutine is left out; false if it must not be.
    #[inline]
    pub(crate) fn add(&mut self, id: GoId) -> bool {
        self.range.insert(id) || self.add_far(id)
    }

    /// Most ids are about that of the last goroutine; those of the runtime's own are low, and come first.
    #[inline(never)]
    fn add_far(&mut self, id: GoId) -> bool {
        if std::mem::replace(&mut self.settled, true) || self.range.count() > Self::FEW {
            return false;
        }
        self.others.extend(self.range.move_to(id));
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
        let mut skipped = Skipped::for_bytes(1024);
        let low = [2, 3, 191].map(GoId);
        assert!(low.iter().all(|&id| skipped.add(id)));
        // It moves once, to the middle of where ids are.
        let far = [1_000_000, 1_000_095, 999_904].map(GoId);
        assert!(far.iter().all(|&id| skipped.add(id)));
        assert!(!skipped.add(GoId(1_000_096)) && !skipped.add(GoId(999_903)) && !skipped.add(GoId(4)));
        assert!(low.iter().chain(&far).all(|&id| skipped.has(id)));
        assert!(![4, 999_903, 1_000_001, 1_000_096, u64::MAX].map(GoId).iter().any(|&id| skipped.has(id)));
        // Ids at the end of all numbers.
        let mut last = Skipped::for_bytes(1024);
        assert!(last.add(GoId(u64::MAX)) && last.has(GoId(u64::MAX)) && !last.has(GoId(u64::MAX - 1)));
        let mut nothing = Skipped::nothing();
        assert!(!nothing.add(GoId(1)) && !nothing.has(GoId(1)));
    }
}
