//! Threads whose next event cannot be next yet, by what they wait for.
//!
//! A thread is looked at again only when that changes, so ordering stays O(n log n) however many threads wait.

use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What must change before an event can be next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wait {
    /// A goroutine's sequence must reach the number before this one, in this state.
    Goroutine(GIdx, u64, GoState),
    /// A proc's sequence must reach the number before this one; in a system call to be stolen, else idle.
    Proc(u32, u64, bool),
    /// A thread must lose its proc.
    Thread(u32),
    /// The collector's sequence must reach this number.
    Gc(u64),
}

/// A thread's place in the frontier: the time of its next event; equal times go by the thread's rank among all
/// threads. One number, so that comparing is cheap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key(u128);

impl Key {
    /// Behind all threads.
    pub const MAX: Self = Self(u128::MAX);
    const SIGN: u64 = 1 << 63;

    /// The place of a thread.
    #[inline]
    pub fn new(time: Time, rank: u32) -> Self {
        Self(u128::from(time.0 as u64 ^ Self::SIGN) << 32 | u128::from(rank))
    }

    /// The time of its event.
    #[inline]
    pub fn time(self) -> Time {
        Time(((self.0 >> 32) as u64 ^ Self::SIGN) as i64)
    }

    /// Both.
    #[inline]
    pub fn parts(self) -> (Time, u32) {
        (self.time(), self.rank())
    }

    /// Its rank.
    #[inline]
    pub fn rank(self) -> u32 {
        self.0 as u32
    }
}

/// The waiting threads.
#[derive(Default)]
pub struct Waiting {
    by_wait: FxHashMap<Wait, BinaryHeap<Reverse<Key>>>,
    by_time: BinaryHeap<Reverse<Key>>,
    wait_of: Vec<Option<(Wait, Key)>>,
    count: usize,
}

impl Waiting {
    /// Forgets everything; threads are numbered below `n`.
    pub fn clear(&mut self, n: usize) {
        self.by_wait.clear();
        self.by_time.clear();
        self.wait_of.clear();
        self.wait_of.resize(n, None);
        self.count = 0;
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A thread begins to wait.
    pub fn park(&mut self, wait: Wait, key: Key) {
        self.by_wait.entry(wait).or_default().push(Reverse(key));
        self.by_time.push(Reverse(key));
        self.wait_of[key.rank() as usize] = Some((wait, key));
        self.count += 1;
    }

    /// The thread whose wait is over, with its place in the frontier. Only the earliest: what it waited for is a
    /// number that one event takes, and to look at all others again each time would be quadratic.
    pub fn wake(&mut self, wait: Wait) -> Option<Key> {
        let threads = self.by_wait.get_mut(&wait)?;
        let mut woken = None;
        while let Some(Reverse(key)) = threads.pop() {
            if self.wait_of[key.rank() as usize] == Some((wait, key)) {
                self.wait_of[key.rank() as usize] = None;
                self.count -= 1;
                woken = Some(key);
                break;
            }
        }
        if threads.is_empty() {
            self.by_wait.remove(&wait);
        }
        woken
    }

    /// The earliest waiting thread.
    pub fn earliest(&mut self) -> Option<Key> {
        while let Some(&Reverse(key)) = self.by_time.peek() {
            if self.wait_of[key.rank() as usize].is_some_and(|(_, k)| k == key) {
                return Some(key);
            }
            self.by_time.pop();
        }
        None
    }

    /// Ends the wait of the earliest thread although nothing changed.
    pub fn give_up(&mut self) -> Option<(Wait, Key)> {
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
    fn places_are_ordered_by_time_then_rank() {
        let times = [Time::MIN, Time(-1), Time(0), Time(1), Time::MAX];
        let keys: Vec<Key> = times.iter().flat_map(|&t| [0, 1, u32::MAX - 1].map(|rank| Key::new(t, rank))).collect();
        assert!(keys.is_sorted_by(|a, b| a < b) && keys.iter().all(|key| *key < Key::MAX));
        assert!(keys.iter().zip(0..).all(|(key, i): (_, usize)| key.time() == times[i / 3]));
        assert_eq!(Key::new(Time::MIN, 7).rank(), 7);
    }

    #[test]
    fn a_thread_wakes_once_and_only_for_its_own_wait() {
        let mut waiting = Waiting::default();
        waiting.clear(3);
        let wait = Wait::Goroutine(GIdx(7), 2, GoState::Waiting);
        waiting.park(wait, Key::new(Time(10), 0));
        waiting.park(Wait::Gc(1), Key::new(Time(5), 1));
        assert_eq!(waiting.wake(Wait::Goroutine(GIdx(7), 3, GoState::Waiting)), None);
        assert_eq!(waiting.wake(Wait::Goroutine(GIdx(7), 2, GoState::Runnable)), None);
        assert_eq!(waiting.wake(wait), Some(Key::new(Time(10), 0)));
        assert_eq!(waiting.wake(wait), None);
        assert_eq!(waiting.give_up(), Some((Wait::Gc(1), Key::new(Time(5), 1))));
        assert!(waiting.is_empty() && waiting.give_up().is_none());
    }
}
