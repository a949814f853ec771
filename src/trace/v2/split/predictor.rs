//! Step 2: assigns what a scan reports of single threads to the split times that it is before. On the hot path.
//!
//! Most batches are before a split time or after it as a whole. Of these the scan's reports are enough, and reports
//! after the last split time are not asked for. A batch with split times inside is decoded here as well, because
//! reports have no times.

use super::last_seen::LastSeenById;
use super::observed_state::ObservedState;
use super::scan_observer::ScanObserver;
use super::thread_walk::{StepResult, Stop, ThreadWalk};
use crate::trace::error::{Error, Result};
use crate::trace::event::GoState;
use crate::trace::ids::GoId;
use crate::trace::time::Time;
use crate::trace::v2::batch::ThreadId;
use crate::trace::v2::clock::{Clock, TickTable};
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::order::threads::{EventSource, ThreadCursor};
use crate::trace::wire::event_spec::{MAX_ARGS, code};

/// Observes the scan of some threads of a generation, to predict the state at split times.
///
/// Nothing is checked here: whether the events obey the scheduler's rules turns out when they are ordered.
pub(crate) struct StatePredictor<'a> {
    input: PredictorInput<'a>,
    ticks: TickTable,
    /// Per split time, what was observed since the one before. The current one's stands in `current`.
    observed: Vec<ObservedState>,
    /// How many of the split times can be predicted, as far as is known.
    n_predictable: usize,
    /// The split time that the thread comes to next; one past the last if there is none.
    split: usize,
    /// What was observed since the split time before.
    current: ObservedState,
    walk: ThreadWalk<'a>,
    /// Why bytes could not be read.
    failed: Option<Error>,
}

/// A generation, and the times at which to predict its state.
#[derive(Clone, Copy)]
pub(crate) struct PredictorInput<'a> {
    /// The generation.
    pub generation: &'a Generation<'a>,
    /// Its batches by thread.
    pub batches: &'a ThreadBatches,
    /// Which event codes the file's version has.
    pub known: &'a [bool; 256],
    /// Its clock.
    pub clock: Clock,
    /// The split times, ascending.
    pub split_times: &'a [Time],
}

impl<'a> StatePredictor<'a> {
    /// Has observed nothing yet.
    pub(crate) fn new(input: PredictorInput<'a>) -> Self {
        let bytes = input.generation.index.end - input.generation.index.start;
        let goroutines = || LastSeenById::for_bytes(bytes);
        let mut observed =
            input.split_times.iter().map(|_| ObservedState { goroutines: goroutines(), ..ObservedState::default() });
        let current = observed.next().unwrap_or_default();
        let observed = std::iter::once(ObservedState::default()).chain(observed).collect();
        Self {
            input,
            ticks: TickTable::new(input.clock),
            observed,
            n_predictable: input.split_times.len(),
            split: 0,
            current,
            walk: ThreadWalk::new(0, ThreadId::NONE, &[]),
            failed: None,
        }
    }

    /// What was observed before each split time, since the one before it. Ends before the first split time that cannot
    /// be predicted, because of damage or an event whose effect its thread alone does not show. Fails if bytes could
    /// not be read.
    pub(crate) fn finish(mut self) -> Result<Vec<ObservedState>> {
        self.go_to(self.input.split_times.len());
        self.observed.truncate(self.n_predictable);
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.observed),
        }
    }

    /// Makes what was observed before a split time the current state; after the last split time, an empty one.
    fn go_to(&mut self, split: usize) {
        for split in [self.split, split] {
            if let Some(observed) = self.observed.get_mut(split) {
                std::mem::swap(observed, &mut self.current);
            }
        }
        self.split = split;
    }

    /// Neither the next split time nor any after it can be predicted.
    #[cold]
    fn stop_predicting(&mut self, why: Stop) {
        self.n_predictable = self.n_predictable.min(self.split);
        if let Stop::Failed(error) = why {
            self.failed = Some(error);
        }
    }

    /// The thread has come to the next split time.
    fn pass_split_time(&mut self) {
        let thread = self.walk.at_split_time(&mut self.current);
        self.current.threads.push(thread);
        self.go_to(self.split + 1);
    }

    /// Whether the scan's batch `nth` is as a whole before the next split time. If not, walks through it up to the last
    /// split time inside.
    fn is_before_split_time(&mut self, nth: usize) -> StepResult<bool> {
        while self.walk.nth == nth && self.split < self.n_predictable {
            let PredictorInput { generation, known, clock, split_times, .. } = self.input;
            let reading = EventSource { generation, known, clock, ticks: &self.ticks };
            let (walk, until) = (&mut self.walk, split_times[self.split]);
            if let Some(cursor) = walk.open.take() {
                walk.open = walk.walk_until(until, cursor, reading, &mut self.current)?;
                if walk.open.is_some() {
                    self.pass_split_time();
                } else {
                    walk.nth += 1;
                }
            } else if walk.is_batch_before(until, reading) {
                walk.nth += 1;
                return Ok(true);
            } else {
                walk.open = Some(ThreadCursor::new(&walk.batches[nth..=nth]));
            }
        }
        Ok(false)
    }
}

impl ScanObserver for StatePredictor<'_> {
    fn begin_thread(&mut self, thread: usize) {
        let PredictorInput { generation, batches, .. } = self.input;
        self.walk = ThreadWalk::new(thread, generation.index.threads[thread], batches.of(thread));
        self.go_to(0);
    }

    fn begin_batch(&mut self) -> bool {
        let nth = self.walk.next_scanned;
        self.walk.next_scanned += 1;
        self.is_before_split_time(nth).unwrap_or_else(|why| {
            self.stop_predicting(why);
            false
        })
    }

    #[inline]
    fn stop(&mut self, code: u8, id: GoId, seq: u64) {
        let state = if code == code::GO_BLOCK { GoState::Waiting } else { GoState::Runnable };
        self.current.goroutines.set_if_later(id, seq, state);
    }

    #[inline]
    fn unblock(&mut self, id: GoId, seq: u64) {
        self.current.goroutines.set_if_later(id, seq, GoState::Runnable);
    }

    #[inline]
    fn set_running(&mut self, running: Option<(GoId, u64)>) {
        self.walk.local.set_running(running);
    }

    fn event(&mut self, code: u8, args: [u64; MAX_ARGS]) {
        if let Err(why) = self.walk.step(code, args, &mut self.current) {
            self.stop_predicting(why);
        }
    }

    fn lose_track(&mut self) {
        self.stop_predicting(Stop::Unpredictable);
    }

    fn end_thread(&mut self) {
        while self.split < self.input.split_times.len() {
            self.pass_split_time();
        }
    }
}
