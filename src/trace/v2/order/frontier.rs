//! Merges the threads of one generation into causal order. HOT.
//!
//! The thread with the earliest next event goes first; if the scheduler's rules forbid that event yet, the
//! thread waits aside. When all threads wait the trace is broken, and the earliest event is let through.

mod bounds;

pub use super::errors::OrderingErrors;
use super::out::Out;
use super::scheduler::{Instances, Scheduler};
use super::state::OrderState;
use super::steps::{Outcome, Steps};
use super::threads::{Next, Ranks, Reading, ThreadCursor};
use super::translate::Names;
use super::waiting::{Key, Waiting};
use crate::trace::error::{Error, Result, Warning};
use crate::trace::event::{Event, EventKind, Sink};
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use crate::trace::v2::clock::{Clock, TickTable};
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::tables::WireSample;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One generation, ready to be ordered.
pub struct GenerationInput<'a> {
    /// It itself.
    pub generation: &'a Generation<'a>,
    /// Its clock.
    pub clock: Clock,
    /// Which event codes the file's version has.
    pub known: &'a [bool; 256],
    /// Its CPU samples by time.
    pub samples: &'a [WireSample],
    /// Its stacks and strings in the symbols of the whole trace.
    pub names: &'a Names,
    /// Least number of a collector event in it.
    pub first_gc: Option<u64>,
    /// The state to start from; `None` for the generation's start.
    pub from: Option<&'a OrderState>,
    /// The predicted state to stop at, if the order comes to it; else, or for `None`, it goes on to the generation's end.
    pub until: Option<&'a OrderState>,
}

/// What is left when a generation was ordered.
#[derive(Debug)]
pub struct Ordered {
    /// Time of the last event.
    pub last: Time,
    /// Number of events.
    pub emitted: u64,
    /// What was wrong.
    pub complaints: OrderingErrors,
    /// Batches that end before their end.
    pub warnings: Vec<Warning>,
    /// Whether it stopped at [`GenerationInput::until`], which is thereby verified.
    pub reached_stop: bool,
}

impl Ordered {
    /// Whether nothing was wrong.
    pub fn is_sound(&self) -> bool {
        self.complaints == OrderingErrors::default() && self.warnings.is_empty()
    }
}

/// Buffers that are reused from one generation to the next.
#[derive(Default)]
pub struct Workspace {
    scheduler: Scheduler,
    waiting: Waiting,
    heap: BinaryHeap<Reverse<Key>>,
    steps: Steps,
}

/// Orders a generation and hands its events to `sink`. `last` is the time of the event emitted before. Fails where its
/// bytes cannot be read.
pub fn order<I: Instances, S: Sink>(
    input: &GenerationInput<'_>,
    last: Time,
    instances: &mut I,
    workspace: &mut Workspace,
    n_goroutines: usize,
    sink: &mut S,
) -> Result<Ordered> {
    let index = input.generation.index;
    let batches = ThreadBatches::new(input.generation);
    let ticks = TickTable::new(input.clock);
    match input.from {
        Some(state) => workspace.scheduler.clone_from(&state.scheduler),
        None => workspace.scheduler.begin(n_goroutines, &index.threads, input.first_gc),
    }
    workspace.waiting.clear(index.threads.len());
    workspace.heap.clear();
    let mut frontier = Frontier {
        input,
        reading: Reading { generation: input.generation, known: input.known, clock: input.clock, ticks: &ticks },
        threads: Vec::with_capacity(index.threads.len()),
        ranks: Ranks::new(&index.threads),
        workspace,
        instances,
        sink,
        last,
        emitted: 0,
        next_sample: 0,
        stop_time: input.until.map(|state| state.time),
        complaints: OrderingErrors::default(),
        warnings: Vec::new(),
        failed: None,
    };
    if let Some(state) = input.from {
        frontier.load_from(state, &batches);
    } else {
        frontier.emit_sync();
        frontier.load(&batches);
    }
    let reached_stop = frontier.run(&batches);
    let Frontier { last, emitted, complaints, warnings, failed, .. } = frontier;
    failed.map_or(Ok(Ordered { last, emitted, complaints, warnings, reached_stop }), Err)
}

struct Frontier<'a, I, S> {
    input: &'a GenerationInput<'a>,
    reading: Reading<'a>,
    threads: Vec<ThreadCursor<'a>>,
    ranks: Ranks,
    workspace: &'a mut Workspace,
    instances: &'a mut I,
    sink: &'a mut S,
    last: Time,
    emitted: u64,
    next_sample: usize,
    /// When to stop, if the state then is as predicted; `None` for the generation's end.
    stop_time: Option<Time>,
    complaints: OrderingErrors,
    warnings: Vec<Warning>,
    /// Why no more could be read.
    failed: Option<Error>,
}

impl<'a, I: Instances, S: Sink> Frontier<'a, I, S> {
    /// Every generation begins with a synchronisation event at its least batch time (`installGen`, Go 1.27).
    fn emit_sync(&mut self) {
        let index = self.input.generation.index;
        if index.min_time != u64::MAX {
            self.tick(self.input.clock.time(index.min_time));
        }
    }

    fn tick(&mut self, time: Time) -> Time {
        let mut out = Out { last: self.last, emitted: self.emitted, sink: self.sink, names: self.input.names };
        let time = out.tick(time);
        (self.last, self.emitted) = (out.last, out.emitted);
        time
    }

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

    /// The place of a thread whose next event was read.
    #[inline]
    fn key(&self, thread: usize) -> Option<Key> {
        self.threads[thread].next().map(|event| Key::new(event.time, self.ranks.of_thread[thread]))
    }

    /// Reads on in a thread; false when it has no more events.
    fn read(&mut self, thread: usize) -> bool {
        let next = self.threads[thread].read(self.reading, &mut self.warnings).unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            Next::Nothing
        });
        if next == Next::Gap {
            self.lose_track(thread);
        }
        matches!(next, Next::Event | Next::EventBehindGap)
    }

    /// Takes all events up to the state to stop at, then gives true, or to the generation's end.
    fn run(&mut self, batches: &ThreadBatches) -> bool {
        loop {
            while let Some(Reverse(key)) = self.workspace.heap.pop() {
                if self.is_after_stop(key) && self.has_reached_stop(batches) {
                    return true;
                }
                self.run_threads(key, false);
                if self.failed.is_some() {
                    return false;
                }
            }
            let Some((wait, key)) = self.workspace.waiting.give_up() else { break };
            self.workspace.scheduler.end_wait(wait);
            self.note_forced(self.thread(key));
            self.run_threads(key, true);
        }
        self.emit_samples_before(Time::MAX);
        false
    }

    #[inline]
    fn thread(&self, key: Key) -> usize {
        self.ranks.threads[key.rank() as usize] as usize
    }

    /// Takes events of one thread until another thread's is earlier, then of that one, until one has to wait or has
    /// no more.
    fn run_threads(&mut self, mut key: Key, mut force: bool) {
        loop {
            let mut thread = self.thread(key);
            if !force {
                thread = self.run_usual(thread, key.rank());
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
            if !force && self.is_after_stop(key) {
                self.workspace.heap.push(Reverse(key));
                return;
            }
            if !self.run_by_rules(thread, key, force) {
                return;
            }
            force = false;
        }
    }

    /// Takes usual events in their order, first of a thread whose turn it is, then of whatever thread is next, up to
    /// an event that is not usual, a CPU sample, or the end of what was read of a thread. Gives that thread.
    #[inline(never)]
    fn run_usual(&mut self, thread: usize, rank: u32) -> usize {
        let before_other = self.before_other();
        let Workspace { scheduler, heap, .. } = &mut *self.workspace;
        // What a rule woke may be earlier than all that the heap knows.
        if !scheduler.woken.is_empty() {
            return thread;
        }
        // Two threads that take turns are the rule: the second one stands beside the heap. Without a second thread, use
        // `Key::MAX`.
        let (mut other_time, second) = heap.pop().map_or(Key::MAX, |Reverse(key)| key).parts();
        let (mut ranks, mut turn) = ([rank, second], 0);
        let (last, emitted) = (self.last, self.emitted);
        let mut out = Out { last, emitted, sink: self.sink, names: self.input.names };
        let mut nobody = ThreadCursor::new(&[]);
        let thread = loop {
            let threads = ranks.map(|rank| self.ranks.threads.get(rank as usize).map_or(usize::MAX, |&t| t as usize));
            let cursors = match self.threads.get_disjoint_mut(threads) {
                Ok(two) => two,
                Err(_) => [&mut self.threads[threads[0]], &mut nobody],
            };
            let mut bound = scheduler.both(threads);
            // Of equal times that of the lower rank comes first.
            let late = [i64::from(ranks[0] > ranks[1]), i64::from(ranks[1] > ranks[0])];
            let third = heap.peek().map_or(Key::MAX, |Reverse(key)| *key).parts();
            let (time, is_over) = loop {
                let (cursor, thread) = (&mut *cursors[turn & 1], &mut bound[turn & 1]);
                // No event has a time below 0.
                let own_until = Time(other_time.0 - late[turn & 1]);
                let until = own_until.min(before_other);
                // What is due, or cannot be told, is for the rules.
                let time = loop {
                    let Some(event) = cursor.gapless() else { break Time::MIN };
                    if event.time > until {
                        break event.time;
                    }
                    if !scheduler.usual(thread, event, self.instances, &mut out) || !cursor.take(self.reading) {
                        break Time::MIN;
                    }
                };
                if time <= own_until {
                    break (time, true);
                }
                if time >= third.0 && (time, ranks[turn & 1]) > third {
                    break (time, false);
                }
                other_time = time;
                turn ^= 1;
            };
            scheduler.set_both(threads, bound);
            if is_over {
                break threads[turn & 1];
            }
            if let Some(mut earliest) = heap.peek_mut() {
                earliest.0 = Key::new(time, ranks[turn & 1]);
            }
            (other_time, ranks[turn & 1]) = third;
            turn ^= 1;
        };
        (self.last, self.emitted) = (out.last, out.emitted);
        let other = (other_time, ranks[1 - (turn & 1)]);
        if other != Key::MAX.parts() {
            heap.push(Reverse(Key::new(other.0, other.1)));
        }
        thread
    }

    /// The last time at which an event comes before the next CPU sample and the time to stop.
    fn before_other(&self) -> Time {
        let sample = self.input.samples.get(self.next_sample).map(|s| self.input.clock.time(s.ticks));
        // At the end of time samples come first.
        let before_sample = sample.map_or(Time::MAX, |time| time.min(Time::MAX - 1));
        self.stop_time.map_or(before_sample, |stop| before_sample.min(stop - 1))
    }

    /// Takes an event that is due by all the rules; false when its thread has to wait or has no more.
    fn run_by_rules(&mut self, thread: usize, key: Key, force: bool) -> bool {
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
        if cursor.take(self.reading) {
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

    /// Tries a thread's next event; false when it has to wait.
    fn try_event(&mut self, thread: usize, key: Key, force: bool) -> bool {
        let Workspace { scheduler, waiting, steps, .. } = &mut *self.workspace;
        let Some(event) = self.threads[thread].next() else { return false };
        let context = scheduler.goroutine_of(thread);
        steps.clear();
        match scheduler.advance(thread, event, self.instances, force, steps) {
            Outcome::Advanced => {}
            Outcome::Blocked(wait) => {
                scheduler.wait(wait);
                waiting.park(wait, key);
                return false;
            }
            Outcome::Broken(rule) => self.complaints.broken(event.pos, event.time, rule),
        }
        let mut out = Out { last: self.last, emitted: self.emitted, sink: self.sink, names: self.input.names };
        out.emit(event, context, steps);
        (self.last, self.emitted) = (out.last, out.emitted);
        true
    }

    fn wake(&mut self) {
        let Workspace { scheduler, waiting, heap, .. } = &mut *self.workspace;
        for i in 0..scheduler.woken.len() {
            let wait = scheduler.woken[i];
            if let Some(key) = waiting.wake(wait) {
                scheduler.end_wait(wait);
                heap.push(Reverse(key));
            }
        }
        scheduler.woken.clear();
    }

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

    #[cold]
    fn lose_track(&mut self, thread: usize) {
        let time = self.last;
        let pos = self.threads[thread].pos();
        let steps = self.workspace.scheduler.lose_track(thread);
        for step in steps.iter() {
            if self.sink.wants(step.g) {
                self.sink.event(&Names::lost(pos, time, step), self.emitted);
            }
        }
    }

    #[cold]
    fn note_forced(&mut self, thread: usize) {
        if let Some(event) = self.threads[thread].next() {
            self.complaints.forced(event.pos, event.time);
        }
    }
}
