//! Sets of goroutines whose ids are near each other: a bit for each. On the hot path.

use crate::trace::id_window::IdWindow;
use crate::trace::ids::GoId;

/// A set of ids inside a window.
#[derive(Debug, Default)]
pub(crate) struct IdRange {
    window: IdWindow,
    bits: Vec<u64>,
}

/// Ids in one word of bits.
const WORD: u64 = 64;

impl IdRange {
    /// An empty set of at most `words` × 64 ids from 0 on; its window may move once.
    pub(crate) fn movable(words: usize) -> Self {
        Self { window: IdWindow::new(words as u64 * WORD), bits: vec![0; words] }
    }

    /// An empty set of at most `words` × 64 ids from `first` on.
    pub(crate) fn fixed(first: u64, words: usize) -> Self {
        Self { window: IdWindow::fixed(first, words as u64 * WORD), bits: vec![0; words] }
    }

    /// Index of an id's word, and its bit there. The word does not exist if the id is outside the window.
    #[inline]
    fn at(&self, id: GoId) -> (usize, u64) {
        let at = self.window.offset(id);
        (usize::try_from(at / WORD).unwrap_or(usize::MAX), 1 << (at % WORD))
    }

    /// Adds an id; false, with nothing changed, where it is outside the window.
    #[inline]
    pub(crate) fn insert(&mut self, id: GoId) -> bool {
        let (word, bit) = self.at(id);
        match self.bits.get_mut(word) {
            Some(word) => *word |= bit,
            None => return false,
        }
        true
    }

    /// Removes an id, if it is in the set.
    pub(crate) fn remove(&mut self, id: GoId) {
        let (word, bit) = self.at(id);
        if let Some(word) = self.bits.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Whether an id is in the set.
    #[inline]
    pub(crate) fn has(&self, id: GoId) -> bool {
        let (word, bit) = self.at(id);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many ids are in the set.
    pub(crate) fn count(&self) -> u64 {
        self.bits.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Moves the window to an id outside of it, if it may still move and the set has at most `few` ids. Returns these,
    /// which are in the set no more; none, with nothing changed, where it does not move.
    pub(crate) fn move_once(&mut self, id: GoId, few: u64) -> Option<Vec<GoId>> {
        let (first, mut window) = (self.window.first(), self.window);
        let moved = window.move_once(id, || self.count() <= few);
        self.window = window;
        if !moved {
            return None;
        }
        let of_word = |(at, word): (u64, &mut u64)| {
            let (word, from) = (std::mem::take(word), first.wrapping_add(at * WORD));
            (0..WORD).filter(move |bit| word >> bit & 1 == 1).map(move |bit| GoId(from.wrapping_add(bit)))
        };
        Some((0..).zip(&mut self.bits).flat_map(of_word).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_what_was_put_into_it() {
        let mut range = IdRange::fixed(100, 2);
        let inside = [100, 163, 164, 227].map(GoId);
        assert!(inside.iter().all(|&id| range.insert(id)));
        assert!(![99, 228, 0, u64::MAX].map(GoId).iter().any(|&id| range.insert(id) || range.has(id)));
        range.remove(GoId(163));
        range.remove(GoId(99));
        assert_eq!(range.count(), 3);
        assert!(range.has(GoId(164)) && !range.has(GoId(163)) && !range.has(GoId(101)));
        assert_eq!(range.move_once(GoId(1000), 10), None);
    }

    #[test]
    fn a_range_moves_once() {
        let mut range = IdRange::movable(2);
        let low = [0, 63, 64, 127].map(GoId);
        assert!(low.iter().all(|&id| range.insert(id)));
        assert_eq!(range.move_once(GoId(1000), 4), Some(low.to_vec()));
        assert_eq!(range.count(), 0);
        assert!(range.insert(GoId(936)) && range.insert(GoId(1063)) && !range.insert(GoId(1064)));
        assert_eq!(range.move_once(GoId(5000), 4), None);
        // Ids at the end of all numbers.
        let mut last = IdRange::movable(2);
        assert_eq!(last.move_once(GoId(u64::MAX), 0), Some(Vec::new()));
        assert!(last.insert(GoId(u64::MAX)) && last.has(GoId(u64::MAX)) && !last.has(GoId(0)));
        let mut crowded = IdRange::movable(2);
        assert!(crowded.insert(GoId(1)) && crowded.move_once(GoId(1000), 0).is_none() && crowded.has(GoId(1)));
    }
}
