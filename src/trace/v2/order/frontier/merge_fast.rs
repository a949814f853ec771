//! The merge without the heap, for two threads that take turns. On the hot path.
//!
//! ```text
//!   one ─────●───────●──────────●───────     events up to the other's next one, then those of the other up to one's
//! other ────────●─────────●──────────●──     next one, and so on: no heap
//!
//! third ─────────────────────────●──────     the earliest thread in the heap: when it is earlier than both, the one
//!                                            that is later goes into the heap, and it takes that one's place
//! ```
//! Equal to `run_threads` in `super` for events that `goroutines_fast` takes: those are taken in the same order. Ends
//! where anything else is next: then `run_threads` follows the general rules. The bench `order` in
//! `benches/pipeline.rs` measures the gain, the tests in `tests.rs` compare both.

use super::{FrontierKey, PATIENCE, ThreadCursor, ThreadFrontier, Workspace};
use crate::trace::sink::Sink;
use crate::trace::time::Time;
use crate::trace::v2::order::emitter::Emitter;
use crate::trace::v2::order::scheduler::Instances;
use std::cmp::Reverse;

impl<I: Instances, S: Sink, const FAST: bool> ThreadFrontier<'_, I, S, FAST> {
    /// Takes events in their order: first of `thread`, which is not in the heap, then of whichever thread is next. Ends
    /// before an event that the fast path does not take, a CPU sample and the time to stop, and where a thread's next
    /// event was not read yet. Returns the thread at which it ended, which is not in the heap then.
    #[inline(never)]
    pub(super) fn merge_fast(&mut self, thread: usize, rank: u32) -> usize {
        let until_all = self.last_fast_time();
        let Workspace { scheduler, heap, .. } = &mut *self.workspace;
        // A thread whose wait has ended and that is not in the heap yet may be the earliest.
        if !scheduler.fulfilled.is_empty() {
            return thread;
        }
        // `ranks[current & 1]` is the thread whose events are taken, the other one is next to it at `other_time`. Without
        // a second thread, use `FrontierKey::MAX`.
        let (mut other_time, second) = heap.pop().map_or(FrontierKey::MAX, |Reverse(key)| key).parts();
        let (mut ranks, mut current) = ([rank, second], 0);
        let (last, emitted) = (self.last, self.emitted);
        let mut emitter = Emitter { last, emitted, sink: self.sink, names: self.input.names };
        let mut no_thread = ThreadCursor::new(&[]);
        let thread = loop {
            let threads = ranks.map(|rank| self.ranks.threads.get(rank as usize).map_or(usize::MAX, |&t| t as usize));
            let cursors = match self.threads.get_disjoint_mut(threads) {
                Ok(two) => two,
                Err(_) => [&mut self.threads[threads[0]], &mut no_thread],
            };
            let mut bindings = scheduler.bindings(threads);
            // Of equal times that of the lower rank comes first.
            let yields = [i64::from(ranks[0] > ranks[1]), i64::from(ranks[1] > ranks[0])];
            let third = heap.peek().map_or(FrontierKey::MAX, |Reverse(key)| *key).parts();
            let (time, is_over) = loop {
                let (cursor, binding) = (&mut *cursors[current & 1], &mut bindings[current & 1]);
                // No event has a time below 0, so this does not overflow.
                let until_other = Time(other_time.0 - yields[current & 1]);
                let until = until_other.min(until_all);
                // The time of the thread's next event after `until`, or `Time::MIN` to end the merge here.
                let time = loop {
                    let Some(event) = cursor.next_without_gap() else { break Time::MIN };
                    if event.time > until {
                        break event.time;
                    }
                    if !scheduler.advance_fast(binding, event, self.instances, &mut emitter)
                        || !cursor.read_fast(self.events)
                    {
                        break Time::MIN;
                    }
                };
                if time <= until_other {
                    break (time, true);
                }
                if time >= third.0 && (time, ranks[current & 1]) > third {
                    break (time, false);
                }
                other_time = time;
                current ^= 1;
            };
            scheduler.set_bindings(threads, bindings);
            if is_over {
                break threads[current & 1];
            }
            // The third thread takes this one's place; the other one is next.
            if let Some(mut earliest) = heap.peek_mut() {
                earliest.0 = FrontierKey::new(time, ranks[current & 1]);
            }
            (other_time, ranks[current & 1]) = third;
            current ^= 1;
        };
        (self.last, self.emitted) = (emitter.last, emitter.emitted);
        let other = (other_time, ranks[1 - (current & 1)]);
        if other != FrontierKey::MAX.parts() {
            heap.push(Reverse(FrontierKey::new(other.0, other.1)));
        }
        thread
    }

    /// The last time of which events come before the next CPU sample and before the time to stop.
    fn last_fast_time(&mut self) -> Time {
        let sample = self.input.samples.get(self.next_sample).map(|s| self.input.clock.time(s.ticks));
        // A sample comes before an event of its time, except at `Time::MAX`, where it comes last.
        let before_sample = sample.map_or(Time::MAX, |time| time.min(Time::MAX - 1));
        let before_stop = self.stop_time.map_or(before_sample, |stop| before_sample.min(stop - 1));
        if !self.lacks_events {
            return before_stop;
        }
        self.workspace.waiting.earliest().map_or(before_stop, |waits| before_stop.min(waits.time() + PATIENCE))
    }
}
