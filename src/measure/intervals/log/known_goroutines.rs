//! Which goroutines have an interval end among those that are condensed.

use crate::trace::ids::GIdx;

/// Which goroutines came already: a bit for each.
#[derive(Default, Debug)]
pub(super) struct KnownGoroutines(Vec<u64>);

impl KnownGoroutines {
    /// None came yet.
    pub(super) fn begin(&mut self) {
        self.0.fill(0);
    }

    /// Notes one, and gives whether it did not come before.
    #[inline]
    pub(super) fn note(&mut self, g: GIdx) -> bool {
        let (word, bit) = (g.at() / 64, 1 << (g.at() % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let is_first = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_first
    }
}
