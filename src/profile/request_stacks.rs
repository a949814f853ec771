//! Each request's time by sample: request × stack. Made only where it is asked for.
//!
//! In rows of very different length, packed: those of request `i` are the bytes from `offsets[i]` to `offsets[i + 1]`. A table of
//! very many requests has tens of millions of them.
//!
//! ```text
//!   offsets   0                    6                  …
//!   bytes     0 │ 80  4 │ 15  5 │ 5  0 │ 60  7 │ 2   …        request 0: 80 + 15 + 5 = its duration
//!             │    └ ns, a varint
//!             └ position in Profile::samples, after the one before: a signed varint
//! ```

use crate::trace::wire::cursor::Cursor;
use crate::trace::wire::encode::put_uvarint;

/// What the runtime did for one request, and how long all its goroutines took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RequestTotals {
    /// Time of all its goroutines, in ns.
    pub goroutine_ns: u64,
    /// Time during which the collector marked, in ns.
    pub gc_ns: u64,
    /// Time during which the world was stopped, in ns.
    pub stw_ns: u64,
}

/// Time of a request of which the stacks were not kept, as too many requests waited for one goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MoreStacks {
    /// Position in [`Requests::list`](super::Requests::list).
    pub request: u32,
    /// Position in [`Requests::state_names`](super::Requests::state_names).
    pub state: u16,
    /// In ns.
    pub ns: u64,
}

/// How the latency of each request divides over the samples of the profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestStacks {
    /// Per request, in the order of the list, where its part of the columns begins; and where the last one's ends.
    offsets: Vec<usize>,
    /// Positions in [`Profile::samples`](super::Profile::samples), ascending for each request, and ns; those of one request,
    /// and what [`more`](Self::more) has of it, add up to its duration.
    bytes: Vec<u8>,
    /// Per request.
    totals: Vec<RequestTotals>,
    /// Time of which the stacks were not kept, in the order of the list; empty for nearly all profiles.
    more: Vec<MoreStacks>,
}

impl Default for RequestStacks {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new(), totals: Vec::new(), more: Vec::new() }
    }
}

impl RequestStacks {
    /// How many requests it has.
    pub fn len(&self) -> usize {
        self.totals.len()
    }

    /// Whether it has no request.
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// The samples of one request: positions in [`Profile::samples`](super::Profile::samples), ascending, and ns.
    pub fn of(&self, request: usize) -> impl Iterator<Item = (usize, u64)> + '_ {
        let mut bytes = Cursor::new(&self.bytes[self.offsets[request]..self.offsets[request + 1]], 0);
        let mut sample = 0_u32;
        std::iter::from_fn(move || {
            sample = sample.wrapping_add(unsigned(bytes.uvarint().ok()?));
            Some((sample as usize, bytes.uvarint().ok()?))
        })
    }

    /// The time of one request of which the stacks were not kept, by state.
    pub fn more_of(&self, request: usize) -> &[MoreStacks] {
        let from = self.more.partition_point(|more| (more.request as usize) < request);
        let to = self.more.partition_point(|more| (more.request as usize) <= request);
        &self.more[from..to]
    }

    /// All time of which the stacks were not kept, in the order of the list.
    pub fn more(&self) -> &[MoreStacks] {
        &self.more
    }

    /// How long a request's goroutines took, and what the runtime did meanwhile.
    pub fn totals(&self, request: usize) -> RequestTotals {
        self.totals[request]
    }

    /// Adds the next request: its time by sample, and by state where the samples are not known. Zeros are left out.
    pub fn push(
        &mut self,
        totals: RequestTotals,
        times: impl IntoIterator<Item = (u32, u64)>,
        more: impl IntoIterator<Item = (u16, u64)>,
    ) {
        let request = self.totals.len() as u32;
        self.totals.push(totals);
        let mut last = 0_u32;
        for (sample, ns) in times {
            put_uvarint(&mut self.bytes, signed(sample.wrapping_sub(last)));
            put_uvarint(&mut self.bytes, ns);
            last = sample;
        }
        self.offsets.push(self.bytes.len());
        let more = more.into_iter().filter(|(_, ns)| *ns > 0);
        self.more.extend(more.map(|(state, ns)| MoreStacks { request, state, ns }));
    }

    /// Samples have other positions now: `position` gives the one of each old one. Those that became one are added up.
    pub(crate) fn renumber(&mut self, position: impl Fn(u32) -> u32) {
        let old = std::mem::take(self);
        let mut row: Vec<(u32, u64)> = Vec::new();
        let mut more = old.more.iter().peekable();
        for (i, totals) in old.totals.iter().enumerate() {
            row.clear();
            row.extend(old.of(i).map(|(sample, ns)| (position(sample as u32), ns)));
            row.sort_unstable();
            row.dedup_by(|next, sum| {
                let same = next.0 == sum.0;
                sum.1 = if same { sum.1.saturating_add(next.1) } else { sum.1 };
                same
            });
            let rest = std::iter::from_fn(|| more.next_if(|m| m.request as usize == i)).map(|m| (m.state, m.ns));
            self.push(*totals, row.drain(..), rest);
        }
    }

    /// Requests have another order now: the old positions of all, in the new order.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        let old = std::mem::take(self);
        for &i in order {
            let times = old.of(i).map(|(sample, ns)| (sample as u32, ns));
            self.push(old.totals[i], times, old.more_of(i).iter().map(|more| (more.state, more.ns)));
        }
    }
}

/// A difference of positions, in either direction, so that a small one is a small number.
fn signed(difference: u32) -> u64 {
    let difference = difference.cast_signed();
    u64::from((difference << 1 ^ difference >> 31).cast_unsigned())
}

/// The difference back from that.
fn unsigned(signed: u64) -> u32 {
    let signed = signed as u32;
    signed >> 1 ^ (signed & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(stacks: &RequestStacks) -> Vec<Vec<(usize, u64)>> {
        (0..stacks.len()).map(|i| stacks.of(i).collect()).collect()
    }

    #[test]
    fn times_come_back_as_they_were_given() {
        let times = [(0, 1), (u32::MAX, 2), (3, u64::MAX), (2, 0), (1 << 31, 1 << 40), (7, 5)];
        let mut stacks = RequestStacks::default();
        for n in 0..times.len() {
            stacks.push(RequestTotals::default(), times[n..].iter().copied(), []);
        }
        for n in 0..times.len() {
            let given: Vec<(usize, u64)> = times[n..].iter().map(|(sample, ns)| (*sample as usize, *ns)).collect();
            assert_eq!(stacks.of(n).collect::<Vec<_>>(), given);
        }
    }

    #[test]
    fn samples_that_become_one_are_added_up() {
        let mut stacks = RequestStacks::default();
        let totals = |goroutine_ns| RequestTotals { goroutine_ns, ..RequestTotals::default() };
        stacks.push(totals(7), [(0, 5), (1, 6), (2, 7)], [(3, 9), (4, 0)]);
        stacks.push(totals(8), [], []);
        stacks.push(totals(9), [(1, 1)], [(1, 2)]);
        stacks.renumber(|sample| [4, 0, 4][sample as usize]);
        assert_eq!(rows(&stacks), [vec![(0, 6), (4, 12)], vec![], vec![(0, 1)]]);
        stacks.reorder(&[2, 0, 1]);
        assert_eq!(rows(&stacks), [vec![(0, 1)], vec![(0, 6), (4, 12)], vec![]]);
        assert_eq!([0, 1, 2].map(|i| stacks.totals(i).goroutine_ns), [9, 7, 8]);
        assert_eq!(stacks.more_of(1), [MoreStacks { request: 1, state: 3, ns: 9 }]);
        assert_eq!((stacks.more_of(0)[0].ns, stacks.more_of(2).len(), stacks.more().len()), (2, 0, 2));
    }
}
