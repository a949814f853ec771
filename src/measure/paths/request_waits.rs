//! Each request's waits by who ended them: request × wait. Collected only where it was asked for.
//!
//! A wait is one of the request whose goroutine waited, or in whose work another goroutine did. Several user tasks on one
//! goroutine have each of its waits alike.

use super::wakeups::{WaitKey, WaitSum};
use crate::profile::MAX_REQUEST_WAITS;
use crate::slice::WindowIdx;
use rustc_hash::FxHashMap;

/// The waits of one request that are counted together.
pub(crate) type RequestWait = (WindowIdx, WaitKey, WaitSum);

/// What the walks of one thread found.
#[derive(Default, Debug)]
pub(crate) struct RequestWaits {
    sums: FxHashMap<(WindowIdx, WaitKey), WaitSum>,
    is_full: bool,
}

impl RequestWaits {
    /// Whether they are too many to be kept.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// They are too many: none is kept.
    pub(super) fn give_up(&mut self) {
        *self = Self { sums: FxHashMap::default(), is_full: true };
    }

    /// A request waited.
    pub(crate) fn add(&mut self, request: WindowIdx, key: WaitKey, more: WaitSum) {
        if let Some(sum) = self.sums.get_mut(&(request, key)) {
            return sum.add(more);
        }
        if self.sums.len() >= MAX_REQUEST_WAITS {
            self.give_up();
        }
        if !self.is_full {
            self.sums.insert((request, key), more);
        }
    }

    /// The sums of several, by request and in the order of their keys; none where they are too many.
    pub(crate) fn join(all: impl Iterator<Item = Self>) -> Option<Vec<RequestWait>> {
        let mut joined = Self::default();
        for Self { sums, is_full } in all {
            joined.is_full |= is_full;
            for ((request, key), sum) in sums {
                joined.add(request, key, sum);
            }
        }
        let mut list: Vec<RequestWait> = joined.sums.into_iter().map(|((of, key), sum)| (of, key, sum)).collect();
        list.sort_unstable_by_key(|(request, key, _)| (*request, *key));
        (!joined.is_full).then_some(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::intervals::aggregate::SumIdx;
    use crate::profile::WakerKind;
    use crate::trace::ids::{GIdx, StackIdx};

    #[test]
    fn waits_of_one_request_and_key_are_one() {
        let key = |sum| WaitKey { sum: SumIdx(sum), waker: WakerKind::Inside, waker_stack: StackIdx::EMPTY };
        let wait = |ns, by| WaitSum { count: 1, ns, max_ns: ns, by: GIdx(by) };
        let mut threads = [RequestWaits::default(), RequestWaits::default()];
        threads[0].add(WindowIdx(1), key(0), wait(5, 7));
        threads[0].add(WindowIdx(1), key(0), wait(3, 8));
        threads[1].add(WindowIdx(1), key(0), wait(9, 8));
        threads[1].add(WindowIdx(0), key(2), wait(1, 8));
        let both = RequestWaits::join(threads.into_iter()).expect("few");
        let joined = WaitSum { count: 3, ns: 17, max_ns: 9, by: GIdx::NONE };
        assert_eq!(both, [(WindowIdx(0), key(2), wait(1, 8)), (WindowIdx(1), key(0), joined)]);
        let full = RequestWaits { is_full: true, ..RequestWaits::default() };
        assert_eq!(RequestWaits::join([full, RequestWaits::default()].into_iter()), None);
    }
}
