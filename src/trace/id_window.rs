//! A range of goroutine ids that holds most of those that a part of a trace names. On the hot path.

use super::ids::GoId;

/// The ids from `first` on, as many as the window is long. It begins at id 0 and may move once.
///
/// ```text
///  ids   1 2 3 … 40                                   999,904 … 1,000,095
///        └─ the runtime's own: low, seen first        └─ all others: near the id of the last goroutine
/// ```
///
/// So the first id outside of it shows where the others will be. It moves there if few ids are to be moved out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IdWindow {
    first: u64,
    len: u64,
    is_final: bool,
}

impl IdWindow {
    /// `len` ids from 0 on.
    pub(crate) fn new(len: u64) -> Self {
        Self { first: 0, len, is_final: false }
    }

    /// `len` ids from `first` on; it never moves.
    pub(crate) fn fixed(first: u64, len: u64) -> Self {
        Self { first, len, is_final: true }
    }

    /// The first id in it.
    #[inline]
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Position of an id in it, from 0 on; its length or more if the id is outside.
    #[inline]
    pub(crate) fn offset(&self, id: GoId) -> u64 {
        id.0.wrapping_sub(self.first)
    }

    /// Whether an id is in it.
    pub(crate) fn has(&self, id: GoId) -> bool {
        self.offset(id) < self.len
    }

    /// Decides, with the first id that is outside, where it stays: the id is in its middle if `few` ids are to be moved
    /// out. Returns whether it moved; later calls change nothing and do not call `few`.
    pub(crate) fn move_once(&mut self, id: GoId, few: impl FnOnce() -> bool) -> bool {
        let moves = !std::mem::replace(&mut self.is_final, true) && few();
        if moves {
            self.first = id.0.saturating_sub(self.len / 2);
        }
        moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_once() {
        let mut window = IdWindow::new(128);
        assert!(window.has(GoId(0)) && window.has(GoId(127)) && !window.has(GoId(128)));
        assert!(window.move_once(GoId(1000), || true) && window.first() == 936);
        assert!(window.has(GoId(936)) && window.has(GoId(1063)) && !window.has(GoId(1064)) && !window.has(GoId(935)));
        assert!(!window.move_once(GoId(5000), || true) && window.first() == 936);
        let mut crowded = IdWindow::new(128);
        assert!(!crowded.move_once(GoId(1000), || false) && !crowded.move_once(GoId(1000), || true));
        // Ids at the end of all numbers.
        let mut last = IdWindow::new(128);
        assert!(last.move_once(GoId(u64::MAX), || true) && last.has(GoId(u64::MAX)) && last.has(GoId(u64::MAX - 64)));
        assert!(!IdWindow::fixed(5, 2).move_once(GoId(9), || true));
    }
}
