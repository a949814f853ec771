//! Threads whose next event is not allowed yet, by what they wait for.
//!
//! A thread's event is tried again only when its wait has ended. So ordering takes O(n log n) however many threads
//! wait.

use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What must become so before an event is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Wait {
    /// This goroutine is in this state, and its next sequence number is this one.
    Goroutine(GIdx, u64, GoState),
    /// This proc's next sequence number is this one, and it is in a system call (true) or idle (false).
    Proc(u32, u64, bool),
    /// This thread holds no proc.
    Thread(u32),
    /// The collector's next sequence number is this one.
    Gc(u64),
}

/// A thread in the frontier: the time of its next event, then the thread's rank among all threads. In one number, so
/// that a comparison is cheap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FrontierKey(u128);

impl FrontierKey {
    /// After all threads.
    pub(crate) const MAX: Self = Self(u128::MAX);
    /// Flipped, so that times below 0 come first.
    const SIGN: u64 = 1 << 63;

    /// The key of a thread by the time of its next event and its rank.
    #[inline]
    pub(crate) fn new(time: Time, rank: u32) -> Self {
        Self(u128::from(time.0 as u64 ^ Self::SIGN) << 32 | u128::from(rank))
    }

    /// The time of the thread's next event.
    #[inline]
    pub(crate) fn time(self) -> Time {
        Time(((self.0 >> 32) as u64 ^ Self::SIGN) as i64)
    }

    /// The time and the rank.
    #[inline]
    pub(crate) fn parts(self) -> (Time, u32) {
        (self.time(), self.rank())
    }

    /// The thread's rank.
    #[inline]
    pub(crate) fn rank(self) -> u32 {
        self.0 as u32
    }
}

/// The threads that wait. Entries of threads that wait no more are removed from the heaps when they come to the top.
#[derive(Default)]
pub(crate) struct WaitingThreads {
    by_wait: FxHashMap<Wait, BinaryHeap<Reverse<FrontierKey>>>,
    by_time: BinaryHeap<Reverse<FrontierKey>>,
    /// What the thread with each rank waits for; `None` if it does not wait.
    wait_of: Vec<Option<(Wait, FrontierKey)>>,
    /// Number of threads that wait.
    count: usize,
}

impl WaitingThreads {
    /// Removes all threads. There are `n`.
    pub(crate) fn clear(&mut self, n: usize) {
        self.by_wait.clear();
        self.by_time.clear();
        self.wait_of.clear();
        self.wait_of.resize(n, None);
        self.count = 0;
    }

    /// Whether no thread waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A thread begins to wait.
    pub(crate) fn park(&mut self, wait: Wait, key: FrontierKey) {
        self.by_wait.entry(wait).or_default().push(Reverse(key));
        self.by_time.push(Reverse(key));
        self.wait_of[key.rank() as usize] = Some((wait, key));
        self.count += 1;
    }

    /// Removes the earliest thread whose wait ended with this; `None` if no thread waits for it. The others go on
    /// waiting: its event takes the sequence number that all of them need, and to try them all would be quadratic.
    pub(crate) fn wake(&mut self, wait: Wait) -> Option<FrontierKey> {
        let threads = self.by_wait.get_mut(&wait)?;
        let mut fulfilled = None;
        while let Some(Reverse(key)) = threads.pop() {
            if self.wait_of[key.rank() as usize] == Some((wait, key)) {
                self.wait_of[key.rank() as usize] = None;
                self.count -= 1;
                fulfilled = Some(key);
                break;
            }
        }
        if threads.is_empty() {
            self.by_wait.remove(&wait);
        }
        fulfilled
    }

    /// The earliest of the threads that wait; `None` if none does.
    pub(crate) fn earliest(&mut self) -> Option<FrontierKey> {
        while let Some(&Reverse(key)) = self.by_time.peek() {
            if self.wait_of[key.rank() as usize].is_some_and(|(_, k)| k == key) {
                return Some(key);
            }
            self.by_time.pop();
        }
        None
    }

    /// Removes the earliest of the threads that wait, although its wait has not ended; `None` if none does.
    pub(crate) fn take_earliest(&mut self) -> Option<(Wait, FrontierKey)> {
        let key = self.earliest()?;
        let (wait, key) = self.wait_of[key.rank() as usize].take()?;
        self.count -= 1;
        Some((wait, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_time_then_rank() {
        let times = [Time::MIN, Time(-1), Time(0), Time(1), Time::MAX];
        let keys: Vec<FrontierKey> =
            times.iter().flat_map(|&t| [0, 1, u32::MAX - 1].map(|rank| FrontierKey::new(t, rank))).collect();
        assert!(keys.is_sorted_by(|a, b| a < b) && keys.iter().all(|key| *key < FrontierKey::MAX));
        assert!(keys.iter().zip(0..).all(|(key, i): (_, usize)| key.time() == times[i / 3]));
        assert_eq!(FrontierKey::new(Time::MIN, 7).rank(), 7);
    }

    #[test]
    fn a_thread_wakes_once_and_only_for_its_own_wait() {
        let mut waiting = WaitingThreads::default();
        waiting.clear(3);
        let wait = Wait::Goroutine(GIdx(7), 2, GoState::Waiting);
        waiting.park(wait, FrontierKey::new(Time(10), 0));
        waiting.park(Wait::Gc(1), FrontierKey::new(Time(5), 1));
        assert_eq!(waiting.wake(Wait::Goroutine(GIdx(7), 3, GoState::Waiting)), None);
        assert_eq!(waiting.wake(Wait::Goroutine(GIdx(7), 2, GoState::Runnable)), None);
        assert_eq!(waiting.wake(wait), Some(FrontierKey::new(Time(10), 0)));
        assert_eq!(waiting.wake(wait), None);
        assert_eq!(waiting.take_earliest(), Some((Wait::Gc(1), FrontierKey::new(Time(5), 1))));
        assert!(waiting.is_empty() && waiting.take_earliest().is_none());
    }
}
