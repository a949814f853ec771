//! Which goroutines have an interval end among those that are condensed.

use crate::trace::ids::GIdx;

/// Which goroutines came already.
#[derive(Default, Debug)]
pub(super) struct KnownGoroutines {
    /// By [`GIdx`], the number of the last time that it came.
    came: Vec<u32>,
    now: u32,
}

impl KnownGoroutines {
    /// None came yet.
    pub(super) fn begin(&mut self) {
        self.now = self.now.wrapping_add(1);
        if self.now == 0 {
            self.came.fill(0);
            self.now = 1;
        }
    }

    /// Notes one, and gives whether it did not come before.
    #[inline]
    pub(super) fn is_first(&mut self, g: GIdx) -> bool {
        if self.came.len() <= g.at() {
            self.came.resize(g.at() + 1, 0);
        }
        std::mem::replace(&mut self.came[g.at()], self.now) != self.now
    }
}
