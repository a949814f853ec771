//! What the scheduler's state will be at some moments, without ordering: from the scans of single threads. HOT.
//!
//! A thread knows which goroutine it executes and which number its start had, so what it does to one is older or newer
//! than what others do to it. Nothing of that is checked here: whoever orders the events does it. Goroutines go by their
//! ids, so that nobody has to know them yet.

use super::last_seen::LastSeenById;
use crate::trace::error::{Error, Result};
use crate::trace::event::GoState;
use crate::trace::ids::{GoId, ThreadId};
use crate::trace::time::Time;
use crate::trace::v2::clock::{Clock, TickTable};
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::order::goroutines::go_state;
use crate::trace::v2::order::procs::proc_state;
use crate::trace::v2::order::scheduler::ProcState;
use crate::trace::v2::order::threads::{Next, Position, Reading, ThreadCursor};
use crate::trace::v2::reader::WireEvent;
use crate::trace::v2::scan_observer::ScanObserver;
use crate::trace::wire::event_spec::{MAX_ARGS, code};
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// What was seen of some threads between two moments.
#[derive(Default)]
pub struct ObservedState {
    pub(crate) goroutines: LastSeenById,
    /// By id, the last number and the state.
    pub(crate) procs: FxHashMap<u64, (u64, ProcState)>,
    /// By id, the last number with which a thread took it, and that thread.
    pub(crate) holders: FxHashMap<u64, (u64, u32)>,
    /// Goroutines that began or ended to help the collector: the number of the start before that, and which of the two.
    pub(crate) assists: FxHashMap<GoId, (u64, bool)>,
    /// The number that the next event of the collector has.
    pub(crate) next_gc: Option<u64>,
    /// Where they are at the end.
    pub(crate) threads: Vec<ObservedThread>,
}

/// Where a thread is at a moment.
pub(crate) struct ObservedThread {
    /// What it executes; [`GoId::NONE`] for nothing.
    pub(crate) g: GoId,
    /// Id of the proc that it took last, and its number.
    pub(crate) proc: Option<(u64, u64)>,
    pub(crate) position: Option<Position>,
    /// Goroutines that it created so far.
    pub(crate) births: u32,
}

/// Looks ahead while some threads of a generation are scanned.
pub struct StatePredictor<'a> {
    input: Input<'a>,
    batches: &'a ThreadBatches,
    moments: &'a [Time],
    /// What was seen before each moment.
    seen: Vec<ObservedState>,
    /// Before how many of them it can be told.
    n_told: usize,
    /// The next moment, and what was seen before it.
    moment: usize,
    now: ObservedState,
    walker: Walker<'a>,
    failed: Option<Error>,
}

/// What is walked through.
struct Input<'a> {
    generation: &'a Generation<'a>,
    /// Which event codes the file's version has.
    known: &'a [bool; 256],
    clock: Clock,
    ticks: TickTable,
}

/// The thread that is scanned.
struct Walker<'a> {
    thread: usize,
    id: ThreadId,
    batches: &'a [u32],
    /// The batch that the scan comes to next.
    next: usize,
    /// Which of the batches is next here, or open.
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
    g: GoId,
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

impl<'a> StatePredictor<'a> {
    /// Begins at the generation's start.
    pub fn new(
        (generation, known, clock): (&'a Generation<'a>, &'a [bool; 256], Clock),
        batches: &'a ThreadBatches,
        moments: &'a [Time],
    ) -> Self {
        let input = Input { generation, known, clock, ticks: TickTable::new(clock) };
        let goroutines = || LastSeenById::for_bytes(generation.index.end - generation.index.start);
        let mut seen = moments.iter().map(|_| ObservedState { goroutines: goroutines(), ..ObservedState::default() });
        let (now, walker) = (seen.next().unwrap_or_default(), Walker::new(0, ThreadId::NONE, &[]));
        let seen = std::iter::once(ObservedState::default()).chain(seen).collect();
        Self { input, batches, moments, seen, n_told: moments.len(), moment: 0, now, walker, failed: None }
    }

    /// What was seen before each moment; of fewer moments where it cannot be told: something is damaged or out of the
    /// ordinary. Fails where bytes could not be read.
    pub fn finish(mut self) -> Result<Vec<ObservedState>> {
        self.go_to(self.moments.len());
        self.seen.truncate(self.n_told);
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.seen),
        }
    }

    /// Has what was seen before a moment at hand; behind the last one, nothing.
    fn go_to(&mut self, moment: usize) {
        for moment in [self.moment, moment] {
            if let Some(seen) = self.seen.get_mut(moment) {
                std::mem::swap(seen, &mut self.now);
            }
        }
        self.moment = moment;
    }

    /// What comes before the next moment cannot be told.
    #[cold]
    fn end(&mut self, end: End) {
        self.n_told = self.n_told.min(self.moment);
        if let End::Failed(error) = end {
            self.failed = Some(error);
        }
    }

    /// The thread is at the moment.
    fn sight(&mut self) {
        let sighting = self.walker.sighting(&mut self.now);
        self.now.threads.push(sighting);
        self.go_to(self.moment + 1);
    }

    /// Whether the next moment is behind the batch that the scan comes to: goes on to moments inside of it.
    fn goes_through(&mut self, nth: usize) -> std::result::Result<bool, End> {
        while self.walker.nth == nth && self.moment < self.n_told {
            let (walker, input, until) = (&mut self.walker, &self.input, self.moments[self.moment]);
            if let Some(cursor) = walker.open.take() {
                walker.open = walker.walk_open(cursor, input, until, &mut self.now)?;
                if walker.open.is_some() {
                    self.sight();
                } else {
                    walker.nth += 1;
                }
            } else if walker.is_whole(input, until) {
                walker.nth += 1;
                return Ok(true);
            } else {
                walker.open = Some(ThreadCursor::new(&walker.batches[nth..=nth]));
            }
        }
        Ok(false)
    }
}

impl ScanObserver for StatePredictor<'_> {
    fn begin_thread(&mut self, thread: usize) {
        self.walker = Walker::new(thread, self.input.generation.index.threads[thread], self.batches.of(thread));
        self.go_to(0);
    }

    fn begin_batch(&mut self) -> bool {
        let nth = self.walker.next;
        self.walker.next += 1;
        self.goes_through(nth).unwrap_or_else(|end| {
            self.end(end);
            false
        })
    }

    #[inline]
    fn stop(&mut self, code: u8, id: GoId, seq: u64) {
        let state = if code == code::GO_BLOCK { GoState::Waiting } else { GoState::Runnable };
        self.now.goroutines.enter_at(id, seq, state);
    }

    #[inline]
    fn unblock(&mut self, id: GoId, seq: u64) {
        self.now.goroutines.enter_at(id, seq, GoState::Runnable);
    }

    #[inline]
    fn run(&mut self, running: Option<(GoId, u64)>) {
        let bound = &mut self.walker.bound;
        let (g, seq) = running.unwrap_or((GoId::NONE, 0));
        if (g, seq) != (bound.g, bound.g_seq) {
            (bound.g, bound.g_seq, bound.state) = (g, seq, GoState::Running);
        }
    }

    fn event(&mut self, code: u8, args: [u64; MAX_ARGS]) {
        if let Err(end) = self.walker.take(code, args, &mut self.now) {
            self.end(end);
        }
    }

    fn lose(&mut self) {
        self.end(End::Unclear);
    }

    fn end_thread(&mut self) {
        while self.moment < self.moments.len() {
            self.sight();
        }
    }
}

impl<'a> Walker<'a> {
    fn new(thread: usize, id: ThreadId, batches: &'a [u32]) -> Self {
        let bound = Bound { g: GoId::NONE, g_seq: 0, state: GoState::Running, proc: None };
        Self { thread, id, batches, next: 0, nth: 0, open: None, bound, births: 0 }
    }

    /// Where it is at a moment, of which all before was seen.
    fn sighting(&self, seen: &mut ObservedState) -> ObservedThread {
        self.put(seen);
        let next = self.open.as_ref().and_then(ThreadCursor::next);
        ObservedThread {
            g: self.bound.g,
            proc: self.bound.proc.map(|held| (held.id, held.seq)),
            position: next.map(|event| Position { batch: self.nth, pos: event.pos }),
            births: self.births,
        }
    }

    /// Whether all of the next batch is before a moment: the one behind it begins before that.
    fn is_whole(&self, input: &Input<'_>, until: Time) -> bool {
        let behind = self.batches.get(self.nth + 1);
        behind.is_some_and(|&batch| input.clock.time(input.generation.index.batches[batch as usize].time) < until)
    }

    /// Takes events of the open batch up to a moment. Gives it back unless it ends before that.
    fn walk_open<'b>(
        &mut self,
        mut cursor: ThreadCursor<'b>,
        Input { generation, known, clock, ticks }: &Input<'_>,
        until: Time,
        seen: &mut ObservedState,
    ) -> std::result::Result<Option<ThreadCursor<'b>>, End> {
        let with = Reading { generation, known, clock: *clock, ticks };
        loop {
            while let Some(&WireEvent { time, code, args, .. }) = cursor.gapless() {
                if time >= until {
                    return Ok(Some(cursor));
                }
                self.take(code, args, seen)?;
                cursor.take(with);
            }
            match cursor.read(with, &mut Vec::new())? {
                Next::Event => {}
                Next::Nothing => return Ok(None),
                Next::EventBehindGap | Next::Gap => return Err(End::Unclear),
            }
        }
    }

    fn take(&mut self, code: u8, args: [u64; MAX_ARGS], seen: &mut ObservedState) -> Walked {
        let [a, b, ..] = args;
        match code {
            code::GO_START => self.start(GoId(a), b),
            code::GO_UNBLOCK => seen.goroutines.enter_at(GoId(a), b, GoState::Runnable),
            code::GO_BLOCK => self.stop(GoState::Waiting, seen)?,
            code::GO_STOP => self.stop(GoState::Runnable, seen)?,
            code::GO_DESTROY => self.stop(GoState::NotExist, seen)?,
            code::GO_CREATE => self.create(GoId(a), GoState::Runnable, seen),
            code::GO_CREATE_BLOCKED => self.create(GoId(a), GoState::Waiting, seen),
            code::GO_SYSCALL_BEGIN => self.syscall_begin(a, seen)?,
            code::GO_SYSCALL_END => self.syscall_end(seen)?,
            code::GO_SYSCALL_END_BLOCKED => {
                // It lost the proc that it took into the system call; it may have another one.
                self.bound.proc = self.bound.proc.filter(|held| !held.in_syscall);
                self.stop(GoState::Runnable, seen)?;
            }
            code::GO_STATUS | code::GO_STATUS_STACK => self.status(args, seen)?,
            code::GO_SWITCH => self.switch(GoId(a), b, GoState::Waiting, seen)?,
            code::GO_SWITCH_DESTROY => self.switch(GoId(a), b, GoState::NotExist, seen)?,
            code::GO_CREATE_SYSCALL => {
                self.create(GoId(a), GoState::Syscall, seen);
                (self.bound.g, self.bound.g_seq, self.bound.state) = (GoId(a), 0, GoState::Syscall);
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

    fn start(&mut self, g: GoId, seq: u64) {
        (self.bound.g, self.bound.g_seq, self.bound.state) = (g, seq, GoState::Running);
    }

    /// What it executes goes to a state.
    fn change(&mut self, to: GoState) -> Walked {
        if self.bound.g == GoId::NONE {
            return Err(End::Unclear);
        }
        self.bound.state = to;
        Ok(())
    }

    /// What it executes is in its state: the table learns it when that ends, or the walk does.
    fn put(&self, seen: &mut ObservedState) {
        if self.bound.g != GoId::NONE {
            seen.goroutines.enter_at(self.bound.g, self.bound.g_seq, self.bound.state);
        }
    }

    /// What it executes goes to a state, and is executed no more.
    #[inline]
    fn stop(&mut self, to: GoState, seen: &mut ObservedState) -> Walked {
        self.change(to)?;
        seen.goroutines.enter_at(self.bound.g, self.bound.g_seq, to);
        self.bound.g = GoId::NONE;
        Ok(())
    }

    fn create(&mut self, g: GoId, to: GoState, seen: &mut ObservedState) {
        self.births += 1;
        seen.goroutines.enter_at(g, 0, to);
    }

    fn syscall_begin(&mut self, seq: u64, seen: &mut ObservedState) -> Walked {
        self.change(GoState::Syscall)?;
        if let Some(held) = &mut self.bound.proc {
            (held.seq, held.in_syscall) = (seq, true);
            self.put_proc(ProcState::Syscall, seen);
        }
        Ok(())
    }

    fn syscall_end(&mut self, seen: &mut ObservedState) -> Walked {
        self.change(GoState::Running)?;
        if let Some(held) = &mut self.bound.proc {
            held.in_syscall = false;
            self.put_proc(ProcState::Running, seen);
        }
        Ok(())
    }

    /// A status of what executes on another thread is that thread's to tell.
    fn status(&mut self, [id, on, status, _]: [u64; MAX_ARGS], seen: &mut ObservedState) -> Walked {
        let (g, state) = (GoId(id), go_state(status).ok_or(End::Unclear)?);
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

    fn switch(&mut self, next: GoId, seq: u64, to: GoState, seen: &mut ObservedState) -> Walked {
        self.stop(to, seen)?;
        self.start(next, seq);
        Ok(())
    }

    fn take_proc(&mut self, (id, seq): (u64, u64), state: ProcState, seen: &mut ObservedState) {
        self.bound.proc = Some(Held { id, seq, in_syscall: state == ProcState::Syscall });
        put_later(&mut seen.holders, id, seq, self.thread as u32);
        self.put_proc(state, seen);
    }

    fn leave_proc(&mut self, state: ProcState, seen: &mut ObservedState) {
        self.put_proc(state, seen);
        self.bound.proc = None;
    }

    /// The proc that the thread has goes to a state.
    fn put_proc(&self, state: ProcState, seen: &mut ObservedState) {
        if let Some(Held { id, seq, .. }) = self.bound.proc {
            seen.put_proc(id, seq, state);
        }
    }

    fn steal(&mut self, [id, seq, from, _]: [u64; MAX_ARGS], seen: &mut ObservedState) {
        if self.id.0 == from {
            self.bound.proc = None;
        }
        seen.put_proc(id, seq, ProcState::Idle);
    }

    fn proc_status(&mut self, id: u64, status: u64, seen: &mut ObservedState) -> Walked {
        let state = proc_state(status).ok_or(End::Unclear)?;
        match state {
            ProcState::Running | ProcState::Syscall => self.take_proc((id, 0), state, seen),
            _ => seen.put_proc(id, 0, state),
        }
        Ok(())
    }

    fn assist(&self, assists: bool, seen: &mut ObservedState) {
        put_later(&mut seen.assists, self.bound.g, self.bound.g_seq, assists);
    }
}

impl ObservedState {
    fn put_proc(&mut self, id: u64, seq: u64, state: ProcState) {
        put_later(&mut self.procs, id, seq, state);
    }
}

/// Notes what is known of something as of a number, unless that of a later one is.
pub(crate) fn put_later<K: Hash + Eq, T>(known: &mut FxHashMap<K, (u64, T)>, key: K, seq: u64, value: T) {
    let before = known.get(&key).map_or(0, |(before, _)| *before);
    if before <= seq {
        known.insert(key, (seq, value));
    }
}
