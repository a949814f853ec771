//! The streams whose next event may come next, earliest first. HOT.
//!
//! Which of two events of the same time comes first decides over single nanoseconds, because no two events may
//! have the same time. Go's reader leaves that to its heap, so this is the same heap: with the procs in order to
//! begin with, its order is always one that Go's reader can give, and always the same
//! (`orderEventList` in `src/internal/trace/internal/tracev1/order.go` of Go 1.27).

/// Streams by the time of their next event.
#[derive(Debug, Default)]
pub(super) struct Frontier(Vec<(i64, u32)>);

impl Frontier {
    /// Time and stream of the earliest event.
    #[inline]
    pub(super) fn peek(&self) -> Option<(i64, u32)> {
        self.0.first().copied()
    }

    /// Adds a stream.
    #[inline]
    pub(super) fn push(&mut self, ticks: i64, stream: u32) {
        self.0.push((ticks, stream));
        let mut at = self.0.len() - 1;
        while at > 0 {
            let above = (at - 1) / 2;
            if self.0[at].0 >= self.0[above].0 {
                return;
            }
            self.0.swap(at, above);
            at = above;
        }
    }

    /// Takes the stream with the earliest event out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<u32> {
        if self.0.is_empty() {
            return None;
        }
        let (_, stream) = self.0.swap_remove(0);
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.0.len() {
                return Some(stream);
            }
            let below = if right < self.0.len() && self.0[right].0 < self.0[left].0 { right } else { left };
            if self.0[below].0 >= self.0[at].0 {
                return Some(stream);
            }
            self.0.swap(at, below);
            at = below;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first() {
        let mut frontier = Frontier::default();
        for (i, ticks) in [5, 3, 9, 1, 7, 3].into_iter().enumerate() {
            frontier.push(ticks, i as u32);
        }
        let mut order = Vec::new();
        while let Some((ticks, _)) = frontier.peek() {
            order.push(ticks);
            frontier.pop();
        }
        assert_eq!(order, [1, 3, 3, 5, 7, 9]);
        assert_eq!(frontier.pop(), None);
    }
}
