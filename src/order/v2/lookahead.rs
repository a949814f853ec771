//! What the scheduler's state will be at a moment, without ordering: each thread is walked by itself. HOT.
//!
//! A thread knows which goroutine it executes and which number its start had, so what it does to one is older or newer
//! than what others do to it. Nothing of that is checked here: whoever orders the events does it.

use super::goroutines::go_state;
use super::procs::proc_state;
use super::scheduler::{Instances, ProcState};
use super::table::Goroutines;
use super::threads::{Next, Position, Reading, ThreadCursor};
use crate::error::{Error, Result};
use crate::event::GoState;
use crate::format::event_spec::{MAX_ARGS, code};
use crate::format::v2::decode::{short_event_of, tiny_event};
use crate::format::v2::event::{ScanEvent, ScanReader, ThreadBatches, WireEvent};
use crate::format::v2::generation::Generation;
use crate::format::v2::tables::{Clock, TickTable};
use crate::ids::{GIdx, ThreadId};
use crate::time::Time;
use rustc_hash::FxHashMap;
use std::hash::Hash;
use std::ops::Range;

/// What was seen of some threads between two moments.
#[derive(Default)]
pub struct Sighting {
    pub(super) goroutines: Goroutines,
    /// By id, the last number and the state.
    pub(super) procs: FxHashMap<u64, (u64, ProcState)>,
    /// By id, the last number with which a thread took it, and that thread.
    pub(super) holders: FxHashMap<u64, (u64, u32)>,
    /// Goroutines that began or ended to help the collector: the number of the start before that, and which of the two.
    pub(super) assists: FxHashMap<GIdx, (u64, bool)>,
    /// The number that the next event of the collector has.
    pub(super) next_gc: Option<u64>,
    /// Where they are at the end.
    pub(super) threads: Vec<ThreadSighting>,
}

/// Where a thread is at a moment.
pub(super) struct ThreadSighting {
    pub(super) g: GIdx,
    /// Id of the proc that it took last, and its number.
    pub(super) proc: Option<(u64, u64)>,
    pub(super) position: Option<Position>,
    /// Goroutines that it created so far.
    pub(super) births: u32,
}

/// Walks some threads of a generation.
pub struct Lookahead<'a, I> {
    input: Input<'a>,
    n_goroutines: usize,
    instances: I,
    walkers: Vec<Walker<'a>>,
    bytes: Vec<u8>,
}

/// What is walked through.
struct Input<'a> {
    generation: &'a Generation<'a>,
    /// Which event codes the file's version has.
    known: &'a [bool; 256],
    clock: Clock,
    ticks: TickTable,
}

/// One of the threads.
struct Walker<'a> {
    thread: usize,
    id: ThreadId,
    batches: &'a [u32],
    /// Which of the batches is next, or open.
    nth: usize,
    /// The batch that is open.
    open: Option<ThreadCursor<'a>>,
    bound: Bound,
    births: u32,
}

/// What a thread has, as far as it knows itself.
#[derive(Clone, Copy)]
struct Bound {
    /// The goroutine that it executes, and the number of its start.
    g: GIdx,
    g_seq: u64,
    /// Running, or in a system call.
    state: GoState,
    /// The proc that it took last.
    proc: Option<Held>,
}

/// A proc as the thread knows that has it.
#[derive(Clone, Copy)]
struct Held {
    id: u64,
    seq: u64,
    in_syscall: bool,
}

/// Why a walk ends early.
enum End {
    /// It cannot be told what an event does, or there is damage.
    Unclear,
    /// Bytes cannot be read.
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

type Walked = std::result::Result<(), End>;

impl<'a, I: Instances> Lookahead<'a, I> {
    /// Begins with some threads, at the generation's start.
    pub fn new(
        (generation, known, clock): (&'a Generation<'a>, &'a [bool; 256], Clock),
        batches: &'a ThreadBatches,
        threads: Range<usize>,
        n_goroutines: usize,
        instances: I,
    ) -> Self {
        let walker = |thread| Walker {
            thread,
            id: generation.index.threads[thread],
            batches: batches.of(thread),
            nth: 0,
            open: None,
            bound: Bound { g: GIdx::NONE, g_seq: 0, state: GoState::Running, proc: None },
            births: 0,
        };
        let input = Input { generation, known, clock, ticks: TickTable::new(clock) };
        Self { input, n_goroutines, instances, walkers: threads.map(walker).collect(), bytes: Vec::new() }
    }

    /// Walks on, up to the first event of each thread at a moment or later. None if it cannot be told what that does:
    /// something is damaged or out of the ordinary. Fails where bytes cannot be read.
    pub fn advance(&mut self, until: Time) -> Result<Option<Sighting>> {
        let Self { input, n_goroutines, instances, walkers, bytes } = self;
        let mut seen = Sighting::default();
        seen.goroutines.clear(*n_goroutines);
        for walker in walkers {
            match walker.walk(input, until, bytes, instances, &mut seen) {
                Ok(()) => seen.threads.push(walker.sighting()),
                Err(End::Unclear) => return Ok(None),
                Err(End::Failed(error)) => return Err(error),
            }
        }
        Ok(Some(seen))
    }
}

impl Walker<'_> {
    fn sighting(&self) -> ThreadSighting {
        let next = self.open.as_ref().and_then(ThreadCursor::next);
        ThreadSighting {
            g: self.bound.g,
            proc: self.bound.proc.map(|held| (held.id, held.seq)),
            position: next.map(|event| Position { batch: self.nth, pos: event.pos }),
            births: self.births,
        }
    }

    fn walk(
        &mut self,
        input: &Input<'_>,
        until: Time,
        bytes: &mut Vec<u8>,
        ids: &mut impl Instances,
        seen: &mut Sighting,
    ) -> Walked {
        while let Some(&batch) = self.batches.get(self.nth) {
            if let Some(cursor) = self.open.take() {
                self.open = self.walk_open(cursor, input, until, ids, seen)?;
                if self.open.is_some() {
                    break;
                }
                self.nth += 1;
            } else if self.is_whole(input, until) {
                self.walk_through(batch, input, bytes, ids, seen)?;
                self.nth += 1;
            } else {
                self.open = Some(ThreadCursor::new(&self.batches[self.nth..=self.nth]));
            }
        }
        self.put(seen);
        Ok(())
    }

    /// Whether all of the next batch is before a moment: the one behind it begins before that.
    fn is_whole(&self, input: &Input<'_>, until: Time) -> bool {
        let behind = self.batches.get(self.nth + 1);
        behind.is_some_and(|&batch| input.clock.time(input.generation.index.batches[batch as usize].time) < until)
    }

    /// Takes all events of a batch.
    fn walk_through(
        &mut self,
        batch: u32,
        input: &Input<'_>,
        bytes: &mut Vec<u8>,
        ids: &mut impl Instances,
        seen: &mut Sighting,
    ) -> Walked {
        let batch = &input.generation.index.batches[batch as usize];
        input.generation.read(batch, bytes)?;
        let mut reader = ScanReader::new(batch, bytes);
        let mut event = ScanEvent { pos: 0, ticks: 0, code: 0, args: [0; MAX_ARGS] };
        loop {
            self.bound = usual(self.bound, &mut reader, ids, &mut seen.goroutines);
            match reader.next(input.known, &mut event) {
                Ok(true) => self.take(event.code, event.args, ids, seen)?,
                Ok(false) => return Ok(()),
                Err(_) => return Err(End::Unclear),
            }
        }
    }

    /// Takes events of the open batch up to a moment. Gives it back unless it ends before that.
    fn walk_open<'b>(
        &mut self,
        mut cursor: ThreadCursor<'b>,
        Input { generation, known, clock, ticks }: &Input<'_>,
        until: Time,
        ids: &mut impl Instances,
        seen: &mut Sighting,
    ) -> std::result::Result<Option<ThreadCursor<'b>>, End> {
        let with = Reading { generation, known, clock: *clock, ticks };
        loop {
            while let Some(&WireEvent { time, code, args, .. }) = cursor.gapless() {
                if time >= until {
                    return Ok(Some(cursor));
                }
                self.take(code, args, ids, seen)?;
                cursor.take(with);
            }
            match cursor.read(with, &mut Vec::new())? {
                Next::Event => {}
                Next::Nothing => return Ok(None),
                Next::EventBehindGap | Next::Gap => return Err(End::Unclear),
            }
        }
    }

    fn take(&mut self, code: u8, args: [u64; MAX_ARGS], ids: &mut impl Instances, seen: &mut Sighting) -> Walked {
        let [a, b, ..] = args;
        match code {
            code::GO_START => self.start(ids.current(a), b),
            code::GO_UNBLOCK => seen.goroutines.enter_at(ids.current(a), b, GoState::Runnable),
            code::GO_BLOCK => self.stop(GoState::Waiting, seen)?,
            code::GO_STOP => self.stop(GoState::Runnable, seen)?,
            code::GO_DESTROY => self.stop(GoState::NotExist, seen)?,
            code::GO_CREATE => _ = self.create(ids, a, GoState::Runnable, seen),
            code::GO_CREATE_BLOCKED => _ = self.create(ids, a, GoState::Waiting, seen),
            code::GO_SYSCALL_BEGIN => self.syscall_begin(a, seen)?,
            code::GO_SYSCALL_END => self.syscall_end(seen)?,
            code::GO_SYSCALL_END_BLOCKED => {
                // It lost the proc that it took into the system call; it may have another one.
                self.bound.proc = self.bound.proc.filter(|held| !held.in_syscall);
                self.stop(GoState::Runnable, seen)?;
            }
            code::GO_STATUS | code::GO_STATUS_STACK => self.status(args, ids, seen)?,
            code::GO_SWITCH => self.switch(ids.current(a), b, GoState::Waiting, seen)?,
            code::GO_SWITCH_DESTROY => self.switch(ids.current(a), b, GoState::NotExist, seen)?,
            code::GO_CREATE_SYSCALL => {
                let g = self.create(ids, a, GoState::Syscall, seen);
                (self.bound.g, self.bound.g_seq, self.bound.state) = (g, 0, GoState::Syscall);
            }
            code::GO_DESTROY_SYSCALL => {
                self.stop(GoState::NotExist, seen)?;
                self.leave_proc(ProcState::SyscallAbandoned, seen);
            }
            code::PROC_START => self.take_proc((a, b), ProcState::Running, seen),
            code::PROC_STOP => self.leave_proc(ProcState::Idle, seen),
            code::PROC_STEAL => self.steal(args, seen),
            code::PROC_STATUS => self.proc_status(a, b, seen)?,
            code::GC_ACTIVE | code::GC_BEGIN | code::GC_END => {
                seen.next_gc = seen.next_gc.max(Some(a.wrapping_add(1)));
            }
            code::GC_MARK_ASSIST_ACTIVE | code::GC_MARK_ASSIST_BEGIN => self.assist(true, seen),
            code::GC_MARK_ASSIST_END => self.assist(false, seen),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, g: GIdx, seq: u64) {
        (self.bound.g, self.bound.g_seq, self.bound.state) = (g, seq, GoState::Running);
    }

    /// What it executes goes to a state.
    fn change(&mut self, to: GoState) -> Walked {
        if !self.bound.g.is_some() {
            return Err(End::Unclear);
        }
        self.bound.state = to;
        Ok(())
    }

    /// What it executes is in its state: the table learns it when that ends, or the walk does.
    fn put(&self, seen: &mut Sighting) {
        seen.goroutines.enter_at(self.bound.g, self.bound.g_seq, self.bound.state);
    }

    fn stop(&mut self, to: GoState, seen: &mut Sighting) -> Walked {
        self.change(to)?;
        self.put(seen);
        self.bound.g = GIdx::NONE;
        Ok(())
    }

    fn create(&mut self, ids: &mut impl Instances, id: u64, to: GoState, seen: &mut Sighting) -> GIdx {
        let g = ids.created(self.thread, id);
        self.births += 1;
        seen.goroutines.enter_at(g, 0, to);
        g
    }

    fn syscall_begin(&mut self, seq: u64, seen: &mut Sighting) -> Walked {
        self.change(GoState::Syscall)?;
        if let Some(held) = &mut self.bound.proc {
            (held.seq, held.in_syscall) = (seq, true);
            self.put_proc(ProcState::Syscall, seen);
        }
        Ok(())
    }

    fn syscall_end(&mut self, seen: &mut Sighting) -> Walked {
        self.change(GoState::Running)?;
        if let Some(held) = &mut self.bound.proc {
            held.in_syscall = false;
            self.put_proc(ProcState::Running, seen);
        }
        Ok(())
    }

    /// A status of what executes on another thread is that thread's to tell.
    fn status(&mut self, [id, on, status, _]: [u64; MAX_ARGS], ids: &impl Instances, seen: &mut Sighting) -> Walked {
        let (g, state) = (ids.current(id), go_state(status).ok_or(End::Unclear)?);
        match state {
            GoState::Syscall if on != self.id.0 => return Err(End::Unclear),
            GoState::Running | GoState::Syscall => {
                (self.bound.g, self.bound.g_seq, self.bound.state) = (g, 0, state);
            }
            _ => {}
        }
        seen.goroutines.enter_at(g, 0, state);
        Ok(())
    }

    fn switch(&mut self, next: GIdx, seq: u64, to: GoState, seen: &mut Sighting) -> Walked {
        self.stop(to, seen)?;
        self.start(next, seq);
        Ok(())
    }

    fn take_proc(&mut self, (id, seq): (u64, u64), state: ProcState, seen: &mut Sighting) {
        self.bound.proc = Some(Held { id, seq, in_syscall: state == ProcState::Syscall });
        put_later(&mut seen.holders, id, seq, self.thread as u32);
        self.put_proc(state, seen);
    }

    fn leave_proc(&mut self, state: ProcState, seen: &mut Sighting) {
        self.put_proc(state, seen);
        self.bound.proc = None;
    }

    /// The proc that the thread has goes to a state.
    fn put_proc(&self, state: ProcState, seen: &mut Sighting) {
        if let Some(Held { id, seq, .. }) = self.bound.proc {
            seen.put_proc(id, seq, state);
        }
    }

    fn steal(&mut self, [id, seq, from, _]: [u64; MAX_ARGS], seen: &mut Sighting) {
        if self.id.0 == from {
            self.bound.proc = None;
        }
        seen.put_proc(id, seq, ProcState::Idle);
    }

    fn proc_status(&mut self, id: u64, status: u64, seen: &mut Sighting) -> Walked {
        let state = proc_state(status).ok_or(End::Unclear)?;
        match state {
            ProcState::Running | ProcState::Syscall => self.take_proc((id, 0), state, seen),
            _ => seen.put_proc(id, 0, state),
        }
        Ok(())
    }

    fn assist(&self, assists: bool, seen: &mut Sighting) {
        put_later(&mut seen.assists, self.bound.g, self.bound.g_seq, assists);
    }
}

/// Takes usual events of a batch as long as there are.
#[inline(never)]
fn usual(mut bound: Bound, reader: &mut ScanReader<'_>, ids: &impl Instances, goroutines: &mut Goroutines) -> Bound {
    while let Some(bytes) = reader.ahead() {
        let len = match bytes[0] {
            code::GO_START => {
                let Some(event) = short_event_of::<2>(bytes) else { break };
                let [id, seq] = event.args;
                (bound.g, bound.g_seq, bound.state) = (ids.current(id), seq, GoState::Running);
                event.len
            }
            code @ (code::GO_BLOCK | code::GO_STOP) => {
                let Some(event) = tiny_event::<2>(bytes).filter(|_| bound.g.is_some()) else { break };
                let to = if code == code::GO_BLOCK { GoState::Waiting } else { GoState::Runnable };
                goroutines.enter_at(bound.g, bound.g_seq, to);
                bound.g = GIdx::NONE;
                event.len
            }
            code::GO_UNBLOCK => {
                let Some(event) = short_event_of::<3>(bytes) else { break };
                let [id, seq, _] = event.args;
                goroutines.enter_at(ids.current(id), seq, GoState::Runnable);
                event.len
            }
            _ => break,
        };
        reader.step(len, 0);
    }
    bound
}

impl Sighting {
    fn put_proc(&mut self, id: u64, seq: u64, state: ProcState) {
        put_later(&mut self.procs, id, seq, state);
    }
}

/// Notes what is known of something as of a number, unless that of a later one is.
pub(super) fn put_later<K: Hash + Eq, T>(known: &mut FxHashMap<K, (u64, T)>, key: K, seq: u64, value: T) {
    let before = known.get(&key).map_or(0, |(before, _)| *before);
    if before <= seq {
        known.insert(key, (seq, value));
    }
}
