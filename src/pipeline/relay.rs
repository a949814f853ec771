//! Events on their way from the thread that orders a generation to one that has nothing else to do. HOT.
//!
//! Where there are fewer generations than threads, as in a short recording or at the end of a long one, one thread
//! orders and another one measures. Until another thread comes to help, events go straight to their sink.

use super::in_order::lock;
use crate::event::{Event, Sink};
use crate::ids::GIdx;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Events handed on at once: few enough that they stay in a core's cache.
const BATCH: usize = 1024;
/// Batches that may wait. Threads that wait for each other at every batch would do little else: whoever waited for room
/// goes on when half of them are taken.
const MOST_WAITING: usize = 16;

type Batch = Vec<(Event, u64)>;

/// What stands between the two threads.
#[derive(Default)]
struct Hatch {
    full: VecDeque<Batch>,
    /// Memory for further batches.
    empty: Vec<Batch>,
    /// Whether no more events come.
    done: bool,
    /// Whether a helper is there.
    helped: bool,
    /// Whether it panicked.
    broken: bool,
}

struct Shared<S> {
    /// Held by whoever hands events to it.
    sink: Mutex<S>,
    /// Whether a thread waits to take over.
    helps: AtomicBool,
    hatch: Mutex<Hatch>,
    /// There are events, or no more come.
    filled: Condvar,
    /// There is room, or the helper left.
    emptied: Condvar,
}

impl<S> Shared<S> {
    fn finish(&self) {
        lock(&self.hatch).done = true;
        self.filled.notify_all();
    }
}

impl<S: Sink> Shared<S> {
    fn help(&self) {
        {
            let mut hatch = lock(&self.hatch);
            if hatch.done {
                return;
            }
            hatch.helped = true;
        }
        let mut stay = Stay { shared: self, safe: false };
        self.helps.store(true, Ordering::Relaxed);
        self.drain(&mut lock(&self.sink));
        stay.safe = true;
    }

    /// Hands all that comes through the hatch to the sink.
    fn drain(&self, sink: &mut S) {
        while let Some(mut batch) = self.next() {
            for (event, index) in batch.drain(..) {
                sink.event(&event, index);
            }
            lock(&self.hatch).empty.push(batch);
        }
    }

    fn next(&self) -> Option<Batch> {
        let mut hatch = lock(&self.hatch);
        loop {
            if let Some(batch) = hatch.full.pop_front() {
                if hatch.full.len() == MOST_WAITING / 2 {
                    self.emptied.notify_all();
                }
                return Some(batch);
            }
            if hatch.done {
                return None;
            }
            hatch = self.filled.wait(hatch).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a batch into the hatch, when there is room; gives an empty one.
    fn send(&self, batch: Batch) -> Batch {
        let mut hatch = lock(&self.hatch);
        while hatch.full.len() >= MOST_WAITING && !hatch.broken {
            hatch = self.emptied.wait(hatch).unwrap_or_else(PoisonError::into_inner);
        }
        // What a helper panicked over nobody takes any more.
        if !hatch.broken {
            hatch.full.push_back(batch);
            if hatch.full.len() == 1 {
                self.filled.notify_all();
            }
        }
        hatch.empty.pop().unwrap_or_default()
    }

    /// Waits until no helper is there.
    fn wait_for_helper(&self) {
        let mut hatch = lock(&self.hatch);
        while hatch.helped {
            hatch = self.emptied.wait(hatch).unwrap_or_else(PoisonError::into_inner);
        }
        if hatch.broken {
            hatch.full.clear();
        }
    }
}

/// A helper, while it is there: nobody must wait for one that panicked.
struct Stay<'s, S> {
    shared: &'s Shared<S>,
    safe: bool,
}

impl<S> Drop for Stay<'_, S> {
    fn drop(&mut self) {
        let mut hatch = lock(&self.shared.hatch);
        hatch.helped = false;
        hatch.broken |= !self.safe;
        self.shared.emptied.notify_all();
    }
}

/// Where the thread that orders hands its events.
pub(super) struct Relay<'s, S, W> {
    shared: &'s Shared<S>,
    wants: W,
    /// The sink, until another thread takes over.
    own: Option<MutexGuard<'s, S>>,
    batch: Batch,
}

impl<S: Sink, W> Relay<'_, S, W> {
    /// Written to its place in the batch: what is written in parts and copied as a whole waits for itself.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "see above")]
    fn hand_on(&mut self, event: &Event, index: u64) {
        self.batch.push((*event, index));
        if self.own.is_some() || self.batch.len() >= BATCH {
            self.send();
        }
    }

    #[inline(never)]
    fn send(&mut self) {
        self.own = None;
        self.batch = self.shared.send(std::mem::take(&mut self.batch));
    }

    /// No more events come: waits until the sink has them all. A thread that waits here does nothing else, while one that
    /// waits at a scope's end may begin to help another one, and come back late.
    fn end(mut self) {
        if self.own.take().is_none() {
            self.shared.send(std::mem::take(&mut self.batch));
        }
        self.shared.finish();
        self.shared.wait_for_helper();
        // One that came too late for the sink has left it to us.
        self.shared.drain(&mut lock(&self.shared.sink));
    }
}

/// A helper must not wait for a thread that panicked.
impl<S, W> Drop for Relay<'_, S, W> {
    fn drop(&mut self) {
        self.own = None;
        self.shared.finish();
    }
}

impl<S: Sink, W: Fn(GIdx) -> bool> Sink for Relay<'_, S, W> {
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        (self.wants)(g)
    }

    #[inline(always)]
    fn event(&mut self, event: &Event, index: u64) {
        match &mut self.own {
            Some(sink) if !self.shared.helps.load(Ordering::Relaxed) => sink.event(event, index),
            _ => self.hand_on(event, index),
        }
    }
}

/// Lets `produce` hand events to a sink, which takes them in their order, on another thread if one is free. `wants` says
/// what the sink wants.
pub(super) fn relay<S: Sink + Send, W: Fn(GIdx) -> bool + Send, R: Send>(
    sink: S,
    wants: W,
    produce: impl FnOnce(&mut Relay<'_, S, W>) -> R + Send,
) -> (S, R) {
    let shared = Shared {
        sink: Mutex::new(sink),
        helps: AtomicBool::new(false),
        hatch: Mutex::default(),
        filled: Condvar::new(),
        emptied: Condvar::new(),
    };
    let result = rayon::scope(|scope| {
        // Before anyone helps: a helper that is first at the sink would wait for events for ever.
        let mut relay = Relay { shared: &shared, wants, own: Some(lock(&shared.sink)), batch: Batch::new() };
        if rayon::current_num_threads() > 1 {
            scope.spawn(|_| shared.help());
        }
        let result = produce(&mut relay);
        relay.end();
        result
    });
    (shared.sink.into_inner().unwrap_or_else(PoisonError::into_inner), result)
}

#[cfg(test)]
mod tests {
    use super::super::in_order::in_order;
    use super::*;
    use crate::event::EventKind;
    use crate::ids::StackIdx;
    use crate::time::Time;

    /// Notes the numbers of events.
    struct Numbers {
        seen: Vec<u64>,
        panics_at: u64,
    }

    impl Sink for Numbers {
        fn wants(&self, _: GIdx) -> bool {
            true
        }

        fn event(&mut self, _: &Event, index: u64) {
            assert_ne!(index, self.panics_at, "the number to panic at");
            self.seen.push(index);
        }
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
    }

    fn numbers(threads: usize, n: u64, slow: bool, panics_at: u64) -> Vec<u64> {
        pool(threads).install(|| relayed(n, slow, panics_at))
    }

    fn relayed(n: u64, slow: bool, panics_at: u64) -> Vec<u64> {
        let event = Event { time: Time(0), pos: 0, g: GIdx::NONE, stack: StackIdx::EMPTY, kind: EventKind::Sample };
        let sink = Numbers { seen: Vec::new(), panics_at };
        let produce = |sink: &mut Relay<'_, _, _>| {
            for index in 0..n {
                sink.event(&event, index);
                // Gives the helper time to come.
                if slow && index % 5000 == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
        };
        relay(sink, |_| true, produce).0.seen
    }

    #[test]
    fn all_events_come_in_order_whoever_hands_them_on() {
        for threads in [1, 2, 4] {
            for n in [0, 1, 1024, 100_000] {
                for slow in [false, true] {
                    assert_eq!(numbers(threads, n, slow, u64::MAX), (0..n).collect::<Vec<_>>());
                }
            }
        }
        // Whoever comes first: the helper is awake already.
        pool(3).install(|| {
            for _ in 0..20_000 {
                assert_eq!(relayed(3, false, u64::MAX), [0, 1, 2]);
            }
        });
    }

    /// Many pieces, each with a helper or without, on threads that wait for each other in all ways that there are.
    #[test]
    fn helpers_keep_nobody_from_taking_results() {
        for round in 0..200u64 {
            let n = 1 + round as usize % 30;
            let of = |i: usize| if i.is_multiple_of(3) { 5000 } else { i };
            let work = |i: usize, (): &mut ()| relayed(of(i) as u64, false, u64::MAX).len();
            let take = |taken: &mut Vec<usize>, _, n, (): &mut ()| taken.push(n);
            let taken = pool(4).install(|| in_order(n, 4, Vec::new(), || (), work, take));
            assert_eq!(taken, (0..n).map(of).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_is_no_deadlock() {
        for at in [0, 99_000] {
            assert!(std::panic::catch_unwind(|| numbers(2, 100_000, true, at)).is_err());
        }
    }
}
