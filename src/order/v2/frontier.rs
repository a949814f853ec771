//! Merges the threads of one generation into causal order. HOT.
//!
//! The thread with the earliest next event goes first; if the scheduler's rules forbid that event yet, the
//! thread waits aside. When all threads wait the trace is broken, and the earliest event is let through.

use super::scheduler::{Instances, Scheduler};
use super::steps::{Outcome, Steps};
use super::translate::{Names, Translate};
use super::waiting::{Key, Waiting};
use crate::error::Warning;
use crate::event::{Event, EventKind, Sink};
use crate::format::v2::event::{BatchReader, ThreadBatches, WireEvent};
use crate::format::v2::generation::Generation;
use crate::format::v2::tables::{Clock, WireSample};
use crate::ids::GIdx;
use crate::time::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One generation, ready to be ordered.
pub struct GenerationInput<'a> {
    /// Its bytes.
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
}

/// What ordering found wrong, counted; each with the first place.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Complaints {
    /// Events whose turn never came and that were let through.
    pub forced: u64,
    /// Where the first of these stands, and when it was.
    pub first_forced: Option<(u64, Time)>,
    /// Events that contradict what is known.
    pub broken: u64,
    /// Where the first of these stands, when it was, and the rule.
    pub first_broken: Option<(u64, Time, &'static str)>,
}

/// What is left when a generation was ordered.
#[derive(Debug)]
pub struct Ordered {
    /// Time of the last event.
    pub last: Time,
    /// Number of events.
    pub emitted: u64,
    /// What was wrong.
    pub complaints: Complaints,
    /// Batches that end before their end.
    pub warnings: Vec<Warning>,
}

/// Buffers that are reused from one generation to the next.
#[derive(Default)]
pub struct Workspace {
    scheduler: Scheduler,
    waiting: Waiting,
    heap: BinaryHeap<Reverse<Key>>,
    steps: Steps,
}

struct ThreadCursor<'a> {
    batches: &'a [u32],
    reader: Option<BatchReader<'a>>,
    event: WireEvent,
    /// Events before this one are missing.
    gap: bool,
}

/// Orders a generation and hands its events to `sink`. `last` is the time of the event emitted before.
pub fn order<I: Instances, S: Sink>(
    input: &GenerationInput<'_>,
    last: Time,
    instances: &mut I,
    workspace: &mut Workspace,
    n_goroutines: usize,
    sink: &mut S,
) -> Ordered {
    let index = input.generation.index;
    let batches = ThreadBatches::new(input.generation);
    workspace.scheduler.begin(n_goroutines, &index.threads, input.first_gc);
    workspace.waiting.clear(index.threads.len());
    workspace.heap.clear();
    let mut frontier = Frontier {
        input,
        threads: Vec::with_capacity(index.threads.len()),
        workspace,
        instances,
        sink,
        last,
        emitted: 0,
        next_sample: 0,
        complaints: Complaints::default(),
        warnings: Vec::new(),
    };
    frontier.emit_sync();
    frontier.load(&batches);
    frontier.run();
    Ordered {
        last: frontier.last,
        emitted: frontier.emitted,
        complaints: frontier.complaints,
        warnings: frontier.warnings,
    }
}

struct Frontier<'a, I, S> {
    input: &'a GenerationInput<'a>,
    threads: Vec<ThreadCursor<'a>>,
    workspace: &'a mut Workspace,
    instances: &'a mut I,
    sink: &'a mut S,
    last: Time,
    emitted: u64,
    next_sample: usize,
    complaints: Complaints,
    warnings: Vec<Warning>,
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
        let mut out =
            Out { last: &mut self.last, emitted: &mut self.emitted, sink: self.sink, names: self.input.names };
        out.tick(time)
    }

    fn load(&mut self, batches: &'a ThreadBatches) {
        for thread in 0..self.input.generation.index.threads.len() {
            let event = WireEvent { pos: 0, time: Time::MIN, code: 0, args: [0; 4] };
            self.threads.push(ThreadCursor { batches: batches.of(thread), reader: None, event, gap: false });
            if self.advance_cursor(thread) {
                let key = self.key(thread);
                self.workspace.heap.push(Reverse(key));
            }
        }
    }

    #[inline]
    fn key(&self, thread: usize) -> Key {
        (self.threads[thread].event.time, self.input.generation.index.threads[thread].0, thread as u32)
    }

    /// Reads a thread's next event; false when it has none.
    #[inline]
    fn advance_cursor(&mut self, thread: usize) -> bool {
        let cursor = &mut self.threads[thread];
        if let Some(reader) = &mut cursor.reader
            && let Ok(true) = reader.next(self.input.known, self.input.clock, &mut cursor.event)
        {
            return true;
        }
        self.next_batch(thread)
    }

    #[cold]
    fn next_batch(&mut self, thread: usize) -> bool {
        let cursor = &mut self.threads[thread];
        loop {
            if let Some(reader) = &mut cursor.reader {
                match reader.next(self.input.known, self.input.clock, &mut cursor.event) {
                    Ok(true) => return true,
                    Ok(false) => {}
                    Err(bad) => {
                        self.warnings.push(bad.warning(reader.end(), self.input.generation.index.number));
                        cursor.gap = true;
                    }
                }
            }
            let Some((&first, rest)) = cursor.batches.split_first() else {
                cursor.reader = None;
                if cursor.gap {
                    self.lose_track(thread);
                }
                return false;
            };
            cursor.batches = rest;
            let batch = &self.input.generation.index.batches[first as usize];
            cursor.reader = Some(BatchReader::new(self.input.generation, batch, self.input.clock));
        }
    }

    fn run(&mut self) {
        loop {
            while let Some(Reverse(key)) = self.workspace.heap.pop() {
                self.run_thread(key, false);
            }
            let Some(key) = self.workspace.waiting.give_up() else { break };
            self.note_forced(key.2 as usize);
            self.run_thread(key, true);
        }
        self.emit_samples_before(Time::MAX);
    }

    /// Takes events of one thread until another thread's is earlier.
    fn run_thread(&mut self, key: Key, mut force: bool) {
        let thread = key.2 as usize;
        let mut key = key;
        loop {
            if self.next_sample < self.input.samples.len() {
                let earliest = self.workspace.waiting.earliest().map_or(key.0, |k| k.0.min(key.0));
                self.emit_samples_before(earliest);
            }
            if self.threads[thread].gap {
                self.threads[thread].gap = false;
                self.lose_track(thread);
            }
            if !self.try_event(thread, key, force) {
                return;
            }
            force = false;
            let more = self.advance_cursor(thread);
            if !self.workspace.scheduler.woken.is_empty() {
                self.wake();
            }
            if !more {
                return;
            }
            key = self.key(thread);
            if self.workspace.heap.peek().is_some_and(|Reverse(next)| *next < key) {
                self.workspace.heap.push(Reverse(key));
                return;
            }
        }
    }

    /// Tries a thread's next event; false when it has to wait.
    #[inline]
    fn try_event(&mut self, thread: usize, key: Key, force: bool) -> bool {
        let Workspace { scheduler, waiting, steps, .. } = &mut *self.workspace;
        let event = &self.threads[thread].event;
        let context = scheduler.goroutine_of(thread);
        steps.clear();
        match scheduler.advance(thread, event, self.instances, force, steps) {
            Outcome::Advanced => {}
            Outcome::Blocked(wait) => {
                scheduler.wait(wait);
                waiting.park(wait, key);
                return false;
            }
            Outcome::Broken(rule) => self.complaints.broken(event, rule),
        }
        let mut out =
            Out { last: &mut self.last, emitted: &mut self.emitted, sink: self.sink, names: self.input.names };
        out.emit(event, context, steps);
        true
    }

    fn wake(&mut self) {
        let Workspace { scheduler, waiting, heap, .. } = &mut *self.workspace;
        for wait in scheduler.woken.drain(..) {
            heap.extend(waiting.wake(wait).map(Reverse));
        }
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
        let pos = self.threads[thread].event.pos;
        let steps = self.workspace.scheduler.lose_track(thread);
        for step in steps.iter() {
            if self.sink.wants(step.g) {
                self.sink.event(&Names::lost(pos, time, step), self.emitted);
            }
        }
    }

    #[cold]
    fn note_forced(&mut self, thread: usize) {
        let event = self.threads[thread].event;
        self.complaints.forced += 1;
        self.complaints.first_forced.get_or_insert((event.pos, event.time));
    }
}

impl Complaints {
    #[cold]
    fn broken(&mut self, event: &WireEvent, rule: &'static str) {
        self.broken += 1;
        self.first_broken.get_or_insert((event.pos, event.time, rule));
    }
}

/// Where events go, and when.
struct Out<'a, S> {
    last: &'a mut Time,
    emitted: &'a mut u64,
    sink: &'a mut S,
    names: &'a Names,
}

impl<S: Sink> Out<'_, S> {
    /// The time of the next emitted event: its own, or 1 ns after the last where that is later.
    #[inline]
    fn tick(&mut self, time: Time) -> Time {
        *self.last = time.max(*self.last + 1);
        *self.emitted += 1;
        *self.last
    }

    #[inline]
    fn emit(&mut self, event: &WireEvent, context: GIdx, steps: &Steps) {
        for _ in 0..steps.extra {
            self.tick(event.time);
        }
        let mut stepped = false;
        for step in steps.iter() {
            let time = self.tick(event.time);
            stepped = true;
            if self.sink.wants(step.g) || self.sink.wants(step.context) {
                let event = self.names.step(event, time, step);
                self.sink.event(&event, *self.emitted);
            }
        }
        if !stepped {
            let time = self.tick(event.time);
            if let Some(kind) = self.names.other_kind(event)
                && (self.sink.wants(context) || !matches!(kind, EventKind::Other))
            {
                let stack = self.names.own_stack(event);
                self.sink.event(&Event { time, pos: event.pos, g: context, stack, kind }, *self.emitted);
            }
        }
    }
}
