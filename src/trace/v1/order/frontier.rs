//! The frontier: a heap of the streams whose next event may come next, earliest first.
//!
//! Events of the same time have to be ordered too, and later get times of their own, 1 ns apart. Go's reader leaves
//! their order to its heap. This is the same heap, so results agree with Go's to the nanosecond; with the procs sorted
//! at the start, its order is one that Go's reader can give, and the same in every run
//! (`orderEventList` in `src/internal/trace/internal/tracev1/order.go` of Go 1.27).

/// Streams with the ticks of their next event, as a binary heap.
#[derive(Debug, Default)]
pub(crate) struct Frontier(Vec<(i64, u32)>);

impl Frontier {
    /// Ticks and stream of the earliest event; none when the heap is empty.
    #[inline]
    pub(crate) fn peek(&self) -> Option<(i64, u32)> {
        self.0.first().copied()
    }

    /// Whether pushing a stream with this time and popping the earliest would return the same stream and leave the heap
    /// as it is: then neither is needed. False where equal times among the streams that the push moves could end up in
    /// another order.
    #[inline]
    pub(crate) fn can_bypass(&self, ticks: i64) -> bool {
        match self.0.as_slice() {
            [first, ..] if ticks >= first.0 => false,
            [] | [_] | [_, _] => true,
            heap => path_is_strict(heap),
        }
    }

    /// Adds a stream.
    #[inline]
    pub(crate) fn push(&mut self, ticks: i64, stream: u32) {
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

    /// Removes the stream with the earliest event; none when the heap is empty.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
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

/// Whether times strictly rise on the path from the top to where the next stream would be added, and each is earlier than
/// its sibling.
fn path_is_strict(heap: &[(i64, u32)]) -> bool {
    let last = (heap.len() - 1) / 2;
    let mut at = last;
    while at > 0 {
        let above = (at - 1) / 2;
        let is_right = at.is_multiple_of(2);
        if heap[above].0 >= heap[last].0 || (is_right && heap[above].0 >= heap[at - 1].0) {
            return false;
        }
        at = above;
    }
    true
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

    #[test]
    fn a_bypass_equals_push_and_pop() {
        let (mut random, mut n_bypasses) = (1u64, 0);
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for n in 0..5000 {
            let mut frontier = Frontier::default();
            (0..n % 20).for_each(|i| frontier.push(1 + next(30) as i64, i));
            for _ in 0..next(4) {
                frontier.pop();
            }
            let ticks = next(5) as i64;
            if frontier.can_bypass(ticks) {
                let before = frontier.0.clone();
                frontier.push(ticks, 99);
                assert_eq!(frontier.pop(), Some(99));
                assert_eq!(frontier.0, before);
                n_bypasses += 1;
            }
        }
        assert!(n_bypasses > 1000, "{n_bypasses}");
    }
}
