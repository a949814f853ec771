//! Sets of goroutines whose ids are about the same: a bit for each. HOT.

use crate::trace::ids::GoId;

/// A set of ids inside a range.
#[derive(Debug, Default)]
pub(crate) struct IdRange {
    first: u64,
    bits: Vec<u64>,
}

impl IdRange {
    /// None yet, of 64 times so many ids from `first` on.
    pub(crate) fn new(first: u64, words: usize) -> Self {
        Self { first, bits: vec![0; words] }
    }

    /// Its word, and its bit there.
    #[inline]
    fn at(&self, id: GoId) -> (usize, u64) {
        let at = id.0.wrapping_sub(self.first);
        (usize::try_from(at / 64).unwrap_or(usize::MAX), 1 << (at % 64))
    }

    /// Adds an id; false where it is outside of the range.
    #[inline]
    pub(crate) fn insert(&mut self, id: GoId) -> bool {
        let (word, bit) = self.at(id);
        match self.bits.get_mut(word) {
            Some(word) => *word |= bit,
            None => return false,
        }
        true
    }

    /// Takes an id out.
    pub(crate) fn remove(&mut self, id: GoId) {
        let (word, bit) = self.at(id);
        if let Some(word) = self.bits.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Whether it has an id.
    #[inline]
    pub(crate) fn has(&self, id: GoId) -> bool {
        let (word, bit) = self.at(id);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many it has.
    pub(crate) fn count(&self) -> u64 {
        self.bits.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Takes all out, and has a range of the same length with an id in its middle from here on.
    pub(crate) fn move_to(&mut self, id: GoId) -> Vec<GoId> {
        let of_word = |(at, word): (u64, &mut u64)| {
            let (word, from) = (std::mem::take(word), self.first.wrapping_add(at * 64));
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| GoId(from.wrapping_add(bit)))
        };
        let all = (0..).zip(&mut self.bits).flat_map(of_word).collect();
        self.first = id.0.saturating_sub(self.bits.len() as u64 * 32);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_what_was_put_into_it() {
        let mut range = IdRange::new(100, 2);
        let inside = [100, 163, 164, 227].map(GoId);
        assert!(inside.iter().all(|&id| range.insert(id)));
        assert!(![99, 228, 0, u64::MAX].map(GoId).iter().any(|&id| range.insert(id) || range.has(id)));
        range.remove(GoId(163));
        range.remove(GoId(99));
        assert_eq!(range.count(), 3);
        assert!(range.has(GoId(164)) && !range.has(GoId(163)) && !range.has(GoId(101)));
        assert_eq!(range.move_to(GoId(1000)), [100, 164, 227].map(GoId));
        assert_eq!(range.count(), 0);
        assert!(range.insert(GoId(936)) && range.insert(GoId(1063)) && !range.insert(GoId(1064)));
        // Ids at the end of all numbers.
        range.move_to(GoId(u64::MAX));
        assert!(range.insert(GoId(u64::MAX)) && range.has(GoId(u64::MAX)) && !range.has(GoId(0)));
    }
}
