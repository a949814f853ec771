//! Each request's waits by who ended them: request × wait. Made only where it is asked for.

/// Most sums of waits of requests that a page shows, beside the pieces of their paths; of more it has those of all requests
/// together. So no more are kept of one trace.
pub(crate) const MAX_REQUEST_WAITS: usize = 200_000;

/// Waits of one request that are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestWait {
    /// Position in [`Requests::wakeups`](super::Requests::wakeups).
    pub wakeup: u32,
    /// How many.
    pub count: u64,
    /// Their time inside the request, in ns.
    pub ns: u64,
    /// The longest of them, in ns.
    pub max_ns: u64,
}

/// The waits of all requests, in rows of very different length.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestWaits {
    /// Per request, in the order of the list, where its part of `waits` begins; and where the last one's ends.
    offsets: Vec<usize>,
    /// Of each request in ascending positions.
    waits: Vec<RequestWait>,
}

impl Default for RequestWaits {
    fn default() -> Self {
        Self { offsets: vec![0], waits: Vec::new() }
    }
}

impl RequestWaits {
    /// How many requests it has.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether it has no request.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The waits of one request, in ascending positions.
    pub fn of(&self, request: usize) -> &[RequestWait] {
        &self.waits[self.offsets[request]..self.offsets[request + 1]]
    }

    /// How many sums there are of all requests.
    pub fn sums(&self) -> usize {
        self.waits.len()
    }

    /// Adds the next request.
    pub(crate) fn push(&mut self, waits: impl IntoIterator<Item = RequestWait>) {
        let from = self.waits.len();
        self.waits.extend(waits);
        self.waits[from..].sort_unstable_by_key(|wait| wait.wakeup);
        self.offsets.push(self.waits.len());
    }

    /// Rows of waits have other positions now: the old positions of all, in the new order.
    pub(super) fn reorder_wakeups(&mut self, order: &[usize]) {
        let mut position = vec![0; order.len()];
        for (new, old) in (0..).zip(order) {
            position[*old] = new;
        }
        let old = std::mem::take(self);
        for i in 0..old.len() {
            self.push(old.of(i).iter().map(|wait| RequestWait { wakeup: position[wait.wakeup as usize], ..*wait }));
        }
    }

    /// Requests have another order now: the old positions of all, in the new order.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        let old = std::mem::take(self);
        for &i in order {
            self.push(old.of(i).iter().copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_can_change() {
        let wait = |wakeup, ns| RequestWait { wakeup, count: 1, ns, max_ns: ns };
        let mut waits = RequestWaits::default();
        waits.push([wait(0, 5), wait(2, 6)]);
        waits.push([]);
        waits.push([wait(1, 7)]);
        waits.reorder_wakeups(&[2, 0, 1]);
        waits.reorder(&[2, 0, 1]);
        assert_eq!([0, 1, 2].map(|i| waits.of(i).to_vec()), [vec![wait(2, 7)], vec![wait(0, 6), wait(1, 5)], vec![]]);
        assert_eq!((waits.len(), waits.sums(), waits.is_empty()), (3, 3, false));
    }
}
