//! Starts a generation's order from a state in its middle, and stops it at another one if it is as predicted.

use super::{FrontierKey, ThreadCursor, ThreadFrontier};
use crate::trace::sink::Sink;
use crate::trace::v2::generation::ThreadBatches;
use crate::trace::v2::order::errors::OrderingErrors;
use crate::trace::v2::order::scheduler::Instances;
use crate::trace::v2::order::state::OrderState;
use std::cmp::Reverse;

impl<'a, I: Instances, S: Sink, const FAST: bool> ThreadFrontier<'a, I, S, FAST> {
    /// Reads each thread up to its position in a state. The scheduler is in that state already.
    pub(super) fn load_from(&mut self, state: &OrderState, batches: &'a ThreadBatches) {
        for thread in 0..self.input.generation.index.threads.len() {
            let cursor = match state.positions[thread] {
                Some(position) => ThreadCursor::at(batches.of(thread), position, self.events),
                None => Ok(ThreadCursor::new(&[])),
            };
            match cursor {
                Ok(cursor) => self.threads.push(cursor),
                Err(error) => {
                    self.failed.get_or_insert(error);
                    return;
                }
            }
            if let Some(key) = self.key(thread) {
                self.workspace.heap.push(Reverse(key));
            }
        }
        self.next_sample = state.n_samples;
    }

    /// Whether an event comes after the time at which to stop.
    #[inline]
    pub(super) fn is_after_stop(&self, key: FrontierKey) -> bool {
        self.stop_time.is_some_and(|time| time <= key.time())
    }

    /// All events before the time at which to stop were taken: whether the order can stop there, because its state is
    /// as predicted and nothing was wrong so far. If not, it goes on to the generation's end.
    pub(super) fn has_reached_stop(&mut self, batches: &ThreadBatches) -> bool {
        let Some(predicted) = self.input.until else { return false };
        let mut threads = self.threads.iter().enumerate();
        let verified = self.workspace.waiting.is_empty()
            && self.errors == OrderingErrors::default()
            && self.warnings.is_empty()
            && threads.all(|(thread, cursor)| cursor.position(batches.of(thread)) == predicted.positions[thread])
            && self.workspace.scheduler.equals(&predicted.scheduler);
        if verified {
            self.emit_samples_before(predicted.time);
        } else {
            self.stop_time = None;
        }
        verified
    }
}
