//! Merges the threads of one generation into causal order. On the hot path.
//!
//! The steps in [`super`] are here: `order` is step 1, `run` step 7, `run_threads` steps 2 and 6, `run_by_rules` and
//! `try_event` steps 3 and 4, `wake` step 5.

mod merge_fast;
mod start_stop;

use super::emitter::Emitter;
use super::errors::OrderingErrors;
use super::scheduler::{Attempt, Instances, Scheduler};
use super::state::OrderState;
use super::steps::{AdvanceResult, GoSteps};
use super::threads::{EventSource, NextEvent, ThreadCursor, ThreadRanks};
use super::translate::GenerationNames;
use super::waiting::{FrontierKey, WaitingThreads};
use crate::trace::error::{Error, Result};
use crate::trace::event::{Event, EventKind};
use crate::trace::ids::GIdx;
use crate::trace::sink::Sink;
use crate::trace::time::Time;
use crate::trace::v2::clock::{Clock, TickTable};
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::tables::WireSample;
use crate::trace::warning_list::WarningList;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How long an event may wait for others in a generation that lacks events, in nanoseconds: longer than the clocks of two
/// cores differ. What it waits for is taken to be missing then.
const PATIENCE: i64 = 100_000;

/// One generation, ready to be ordered.
pub struct GenerationInput<'a> {
    /// Its batches.
    pub generation: &'a Generation<'a>,
    /// Its clock.
    pub clock: Clock,
    /// Which event codes the version has ([`known_codes`](crate::trace::v2::codes::known_codes)).
    pub known: &'a [bool; 256],
    /// Its CPU samples, by time.
    pub samples: &'a [WireSample],
    /// Its stacks and strings.
    pub names: &'a GenerationNames,
    /// Number of goroutines in the whole trace: all indexes are below.
    pub n_goroutines: usize,
    /// Lowest number of its events about the collector; `None` if it has none.
    pub first_gc: Option<u64>,
    /// Time of the event before its first one; [`Time::MIN`] if that is not known.
    pub last: Time,
    /// The state to start from; `None` for the generation's start.
    pub from: Option<&'a OrderState>,
    /// The predicted state to stop at, if the order comes to it; else, or for `None`, it goes on to the generation's
    /// end.
    pub until: Option<&'a OrderState>,
}

/// What is known after a generation was ordered.
#[derive(Debug)]
pub struct Ordered {
    /// Time of the last event.
    pub last: Time,
    /// Number of events, those that the sink did not need included.
    pub emitted: u64,
    /// What was wrong with the order of events.
    pub errors: OrderingErrors,
    /// A warning for each batch that is damaged, at its end or inside.
    pub warnings: WarningList,
    /// Whether it stopped at [`GenerationInput::until`], which is thereby verified.
    pub reached_stop: bool,
}

impl Ordered {
    /// Whether nothing was wrong.
    pub fn is_sound(&self) -> bool {
        self.errors == OrderingErrors::default() && self.warnings.is_empty()
    }
}

/// Memory that is reused from one generation to the next.
#[derive(Default)]
pub struct Workspace {
    scheduler: Scheduler,
    waiting: WaitingThreads,
    /// The threads that do not wait, by their next events; each at most once.
    heap: BinaryHeap<Reverse<FrontierKey>>,
    steps: GoSteps,
}

/// Orders a generation and hands its events to `sink`. Fails only if its bytes cannot be read.
pub fn order<I: Instances, S: Sink>(
    input: &GenerationInput<'_>,
    instances: &mut I,
    workspace: &mut Workspace,
    sink: &mut S,
) -> Result<Ordered> {
    order_by::<I, S, true>(input, instances, workspace, sink)
}

/// As [`order`]; with or without the fast path.
fn order_by<I: Instances, S: Sink, const FAST: bool>(
    input: &GenerationInput<'_>,
    instances: &mut I,
    workspace: &mut Workspace,
    sink: &mut S,
) -> Result<Ordered> {
    let index = input.generation.index;
    let batches = ThreadBatches::new(input.generation);
    let ticks = TickTable::new(input.clock);
    match input.from {
        Some(state) => workspace.scheduler.clone_from(&state.scheduler),
        None => workspace.scheduler.begin(input.n_goroutines, &index.threads, input.first_gc),
    }
    workspace.waiting.clear(index.threads.len());
    workspace.heap.clear();
    let mut frontier = ThreadFrontier::<I, S, FAST> {
        input,
        events: EventSource { generation: input.generation, known: input.known, clock: input.clock, ticks: &ticks },
        threads: Vec::with_capacity(index.threads.len()),
        ranks: ThreadRanks::new(&index.threads),
        workspace,
        instances,
        sink,
        last: input.last,
        emitted: 0,
        next_sample: 0,
        lacks_events: index.lacks_batches,
        stop_time: input.until.map(|state| state.time),
        errors: OrderingErrors::default(),
        warnings: WarningList::default(),
        failed: None,
    };
    if let Some(state) = input.from {
        frontier.load_from(state, &batches);
    } else {
        frontier.emit_sync();
        frontier.load(&batches);
    }
    let reached_stop = frontier.run(&batches);
    let ThreadFrontier { last, emitted, errors, warnings, failed, .. } = frontier;
    failed.map_or(Ok(Ordered { last, emitted, errors, warnings, reached_stop }), Err)
}

/// The next event of each thread, and all that the order depends on.
struct ThreadFrontier<'a, I, S, const FAST: bool> {
    input: &'a GenerationInput<'a>,
    events: EventSource<'a>,
    threads: Vec<ThreadCursor<'a>>,
    ranks: ThreadRanks,
    workspace: &'a mut Workspace,
    instances: &'a mut I,
    sink: &'a mut S,
    /// Time of the last event that was emitted.
    last: Time,
    /// Number of events that were emitted.
    emitted: u64,
    /// Position of the next CPU sample.
    next_sample: usize,
    /// Whether events are known to be missing: by the bytes, or because a rule was broken.
    lacks_events: bool,
    /// When to stop, if the state then is as predicted; `None` for the generation's end.
    stop_time: Option<Time>,
    errors: OrderingErrors,
    warnings: WarningList,
    /// Why the generation's bytes cannot be read; `None` as long as they can.
    failed: Option<Error>,
}

impl<'a, I: Instances, S: Sink, const FAST: bool> ThreadFrontier<'a, I, S, FAST> {
    /// Each generation begins with a sync event at its lowest batch time (`installGen`, `internal/trace/reader.go`,
    /// Go 1.27).
    fn emit_sync(&mut self) {
        let index = self.input.generation.index;
        if index.min_time != u64::MAX {
            self.tick(self.input.clock.time(index.min_time));
        }
    }

    fn tick(&mut self, time: Time) -> Time {
        let mut emitter = Emitter { last: self.last, emitted: self.emitted, sink: self.sink, names: self.input.names };
        let time = emitter.tick(time);
        (self.last, self.emitted) = (emitter.last, emitter.emitted);
        time
    }

    /// Reads the first event of each thread.
    fn load(&mut self, batches: &'a ThreadBatches) {
        for thread in 0..self.input.generation.index.threads.len() {
            self.threads.push(ThreadCursor::new(batches.of(thread)));
            if self.read(thread)
                && let Some(key) = self.key(thread)
            {
                self.workspace.heap.push(Reverse(key));
            }
        }
    }

    /// The key of a thread; `None` if its next event was not read.
    #[inline]
    fn key(&self, thread: usize) -> Option<FrontierKey> {
        self.threads[thread].next().map(|event| FrontierKey::new(event.time, self.ranks.of_thread[thread]))
    }

    /// Reads a thread's next event, from its next batch if need be. Returns false if it has no more.
    fn read(&mut self, thread: usize) -> bool {
        let next = self.threads[thread].read(self.events, &mut self.warnings).unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            NextEvent::Nothing
        });
        self.lacks_events |= matches!(next, NextEvent::NothingAfterGap | NextEvent::EventAfterGap);
        if next == NextEvent::NothingAfterGap {
            self.lose_track(thread);
        }
        matches!(next, NextEvent::Event | NextEvent::EventAfterGap)
    }

    /// Takes all events. Returns true if it stopped at the predicted state, false at the generation's end.
    fn run(&mut self, batches: &ThreadBatches) -> bool {
        loop {
            while let Some(Reverse(key)) = self.workspace.heap.pop() {
                if self.is_out_of_patience(key) {
                    self.workspace.heap.push(Reverse(key));
                    break;
                }
                if self.is_after_stop(key) && self.has_reached_stop(batches) {
                    return true;
                }
                self.run_threads(key, false);
                if self.failed.is_some() {
                    return false;
                }
            }
            // All threads that have events wait: force the earliest event.
            let Some((wait, key)) = self.workspace.waiting.take_earliest() else { break };
            self.workspace.scheduler.remove_waiter(wait);
            self.note_forced(self.thread(key));
            self.run_threads(key, true);
        }
        self.emit_samples_before(Time::MAX);
        false
    }

    /// Whether a thread has waited for too long when this event comes, in a generation that lacks events.
    #[inline]
    fn is_out_of_patience(&mut self, key: FrontierKey) -> bool {
        self.lacks_events && self.workspace.waiting.earliest().is_some_and(|waits| waits.time() + PATIENCE < key.time())
    }

    #[inline]
    fn thread(&self, key: FrontierKey) -> usize {
        self.ranks.threads[key.rank() as usize] as usize
    }

    /// Takes the event of a thread, which is not in the heap, then always the earliest event, until a thread has to
    /// wait or has no more events. Of `force` see [`Attempt::force`]; it is about the first event.
    fn run_threads(&mut self, mut key: FrontierKey, mut force: bool) {
        loop {
            let mut thread = self.thread(key);
            if !force {
                if FAST {
                    thread = self.merge_fast(thread, key.rank());
                }
                if self.threads[thread].next().is_none() && !self.read_and_wake(thread) {
                    return;
                }
            }
            let Some(next) = self.key(thread) else { return };
            key = next;
            if let Some(mut earliest) = self.workspace.heap.peek_mut()
                && earliest.0 < key
            {
                std::mem::swap(&mut earliest.0, &mut key);
                continue;
            }
            if !force && (self.is_after_stop(key) || self.is_out_of_patience(key)) {
                self.workspace.heap.push(Reverse(key));
                return;
            }
            if !self.run_by_rules(thread, key, force) {
                return;
            }
            force = false;
        }
    }

    /// Takes a thread's next event, the earliest of all, by the general rules, and reads the one after it. Returns
    /// false if the thread has to wait or has no more events.
    fn run_by_rules(&mut self, thread: usize, key: FrontierKey, force: bool) -> bool {
        if self.next_sample < self.input.samples.len() {
            let earliest = self.workspace.waiting.earliest().map_or(key, |waiting| waiting.min(key));
            self.emit_samples_before(earliest.time());
        }
        if self.threads[thread].take_gap() {
            self.lose_track(thread);
        }
        if !self.try_event(thread, key, force) {
            return false;
        }
        let cursor = &mut self.threads[thread];
        if cursor.read_fast(self.events) {
            self.wake();
            return true;
        }
        self.read_and_wake(thread)
    }

    fn read_and_wake(&mut self, thread: usize) -> bool {
        let more = self.read(thread);
        self.wake();
        more
    }

    /// Tries a thread's next event. Returns false if the thread has to wait.
    fn try_event(&mut self, thread: usize, key: FrontierKey, force: bool) -> bool {
        let Workspace { scheduler, waiting, steps, .. } = &mut *self.workspace;
        let Some(event) = self.threads[thread].next() else { return false };
        let executing = scheduler.goroutine_of(thread);
        steps.clear();
        match scheduler.advance(Attempt { m: thread, ev: event, force }, self.instances, steps) {
            AdvanceResult::Advanced => {}
            AdvanceResult::Blocked(wait) => {
                scheduler.add_waiter(wait);
                waiting.park(wait, key);
                return false;
            }
            AdvanceResult::Broken(rule) => {
                self.errors.broken(event.pos, event.time, rule);
                self.lacks_events = true;
            }
        }
        let mut emitter = Emitter { last: self.last, emitted: self.emitted, sink: self.sink, names: self.input.names };
        emitter.emit(event, executing, steps);
        (self.last, self.emitted) = (emitter.last, emitter.emitted);
        true
    }

    /// Puts the threads whose waits have ended back into the heap.
    fn wake(&mut self) {
        let Workspace { scheduler, waiting, heap, .. } = &mut *self.workspace;
        for i in 0..scheduler.fulfilled.len() {
            let wait = scheduler.fulfilled[i];
            if let Some(mut key) = waiting.wake(wait) {
                scheduler.remove_waiter(wait);
                let cursor = &mut self.threads[self.ranks.threads[key.rank() as usize] as usize];
                if cursor.has_slack() {
                    cursor.not_before(self.last);
                    key = cursor.next().map_or(key, |event| FrontierKey::new(event.time, key.rank()));
                }
                heap.push(Reverse(key));
            }
        }
        scheduler.fulfilled.clear();
    }

    /// Emits the CPU samples before a time; all that are left for [`Time::MAX`].
    fn emit_samples_before(&mut self, before: Time) {
        while let Some(sample) = self.input.samples.get(self.next_sample) {
            let time = self.input.clock.time(sample.ticks);
            if before != Time::MAX && time >= before {
                return;
            }
            self.next_sample += 1;
            let time = self.tick(time);
            let g = if sample.goroutine == 0 { GIdx::NONE } else { self.instances.current(sample.goroutine) };
            if self.sink.wants(g) {
                let stack = self.input.names.stack(sample.stack);
                self.sink.event(&Event { time, pos: sample.pos, g, stack, kind: EventKind::Sample }, self.emitted);
            }
        }
    }

    /// Events of a thread are missing from here on.
    #[cold]
    fn lose_track(&mut self, thread: usize) {
        let time = self.last;
        let pos = self.threads[thread].pos();
        let steps = self.workspace.scheduler.lose_track(thread);
        for step in steps.iter() {
            if self.sink.wants(step.g) {
                self.sink.event(&GenerationNames::lost(pos, time, step), self.emitted);
            }
        }
    }

    #[cold]
    fn note_forced(&mut self, thread: usize) {
        if let Some(event) = self.threads[thread].next() {
            self.errors.forced(event.pos, event.time);
        }
        self.lacks_events = true;
    }
}

#[cfg(test)]
mod contradictions;
#[cfg(test)]
mod tests;
