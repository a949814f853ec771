//! What one thread's events say about the scheduler's state, without those of other threads. On the hot path.
//!
//! A thread knows which goroutine it executes and which sequence number that one's start had, so each change of state
//! that it makes has a number, by which it is earlier or later than those of other threads. The same holds for procs.
//! The rules are those of `order/{goroutines,procs}.rs`, without their conditions.

use super::observed_state::{ObservedState, ObservedThread, put_later};
use crate::trace::error::Error;
use crate::trace::event::GoState;
use crate::trace::ids::GoId;
use crate::trace::time::Time;
use crate::trace::v2::batch::ThreadId;
use crate::trace::v2::order::goroutines::go_state;
use crate::trace::v2::order::proc_state::ProcState;
use crate::trace::v2::order::procs::proc_state;
use crate::trace::v2::order::threads::{EventSource, NextEvent, Position, ThreadCursor};
use crate::trace::v2::reader::WireEvent;
use crate::trace::warning_list::WarningList;
use crate::trace::wire::event_spec::{MAX_ARGS, code};
use rustc_hash::FxHashMap;

/// The thread that is scanned, up to a split time.
pub(super) struct ThreadWalk<'a> {
    /// Its index among the generation's threads, and its id.
    thread: usize,
    id: ThreadId,
    pub(super) batches: &'a [u32],
    /// Which of the batches the scan comes to next.
    pub(super) next_scanned: usize,
    /// Which of the batches this walk comes to next, or is in.
    pub(super) nth: usize,
    /// The batch that this walk is in, if it decodes one itself.
    pub(super) open: Option<ThreadCursor<'a>>,
    pub(super) local: LocalState,
    /// Goroutines that the thread created so far.
    created: u32,
}

/// What a thread executes and holds, as far as its own events tell.
pub(super) struct LocalState {
    /// The goroutine that it executes; [`GoId::NONE`] for none.
    g: GoId,
    /// The sequence number of that goroutine's start.
    g_seq: u64,
    /// `Running` or `Syscall`.
    g_state: GoState,
    /// The proc that it took last.
    proc: Option<HeldProc>,
}

/// A proc, as the thread that took it knows it.
#[derive(Clone, Copy)]
struct HeldProc {
    id: u64,
    /// The last sequence number that the thread gave it.
    seq: u64,
    in_syscall: bool,
    /// Whether it swept when the generation began, and the goroutine on it is not known yet.
    sweeps: bool,
}

/// Why nothing can be predicted from an event on.
pub(super) enum Stop {
    /// The event's effect cannot be known from this thread alone, or something is damaged.
    Unpredictable,
    /// Bytes cannot be read.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

pub(super) type StepResult<T = ()> = std::result::Result<T, Stop>;

impl LocalState {
    /// The thread executes a goroutine with the number of its start, or none.
    #[inline]
    pub(super) fn set_running(&mut self, running: Option<(GoId, u64)>) {
        let (g, seq) = running.unwrap_or((GoId::NONE, 0));
        // Of the same run more may be known: that it is in a system call.
        if (g, seq) != (self.g, self.g_seq) {
            self.execute(g, seq, GoState::Running);
        }
    }

    #[inline]
    fn execute(&mut self, g: GoId, seq: u64, state: GoState) {
        (self.g, self.g_seq, self.g_state) = (g, seq, state);
    }
}

impl<'a> ThreadWalk<'a> {
    pub(super) fn new(thread: usize, id: ThreadId, batches: &'a [u32]) -> Self {
        let local = LocalState { g: GoId::NONE, g_seq: 0, g_state: GoState::Running, proc: None };
        Self { thread, id, batches, next_scanned: 0, nth: 0, open: None, local, created: 0 }
    }

    /// Where the thread is at a split time, when all its events before that were observed. Notes the state of the
    /// goroutine that it executes.
    pub(super) fn at_split_time(&self, observed: &mut ObservedState) -> ObservedThread {
        let LocalState { g, g_seq, g_state, proc } = self.local;
        if g != GoId::NONE {
            observed.goroutines.set_if_later(g, g_seq, g_state);
        }
        let next = self.open.as_ref().and_then(ThreadCursor::next);
        ObservedThread {
            g,
            proc: proc.map(|held| (held.id, held.seq)),
            position: next.map(|event| Position { batch: self.nth, pos: event.pos }),
            created: self.created,
        }
    }

    /// Whether the whole next batch is before a time: the batch after it begins before that.
    pub(super) fn is_batch_before(&self, until: Time, reading: EventSource<'_>) -> bool {
        let following = self.batches.get(self.nth + 1);
        let time = |batch: u32| reading.clock.time(reading.generation.index.batches[batch as usize].time);
        following.is_some_and(|&batch| time(batch) < until)
    }

    /// Takes the events of the open batch that are before `until`. Gives the cursor back, unless the batch ends before
    /// that.
    pub(super) fn walk_until<'b>(
        &mut self,
        until: Time,
        mut cursor: ThreadCursor<'b>,
        reading: EventSource<'_>,
        observed: &mut ObservedState,
    ) -> StepResult<Option<ThreadCursor<'b>>> {
        loop {
            while let Some(&WireEvent { time, code, args, .. }) = cursor.next_without_gap() {
                if time >= until {
                    return Ok(Some(cursor));
                }
                self.step(code, args, observed)?;
                cursor.read_fast(reading);
            }
            match cursor.read(reading, &mut WarningList::default())? {
                NextEvent::Event => {}
                NextEvent::Nothing => return Ok(None),
                NextEvent::EventAfterGap | NextEvent::NothingAfterGap => return Err(Stop::Unpredictable),
            }
        }
    }

    /// Takes an event of the thread.
    pub(super) fn step(&mut self, code: u8, args: [u64; MAX_ARGS], observed: &mut ObservedState) -> StepResult {
        let [a, b, ..] = args;
        match code {
            code::GO_START => self.local.execute(GoId(a), b, GoState::Running),
            code::GO_UNBLOCK => observed.goroutines.set_if_later(GoId(a), b, GoState::Runnable),
            code::GO_BLOCK => self.stop(GoState::Waiting, observed)?,
            code::GO_STOP => self.stop(GoState::Runnable, observed)?,
            code::GO_DESTROY => self.stop(GoState::NotExist, observed)?,
            code::GO_CREATE => self.create(GoId(a), GoState::Runnable, observed),
            code::GO_CREATE_BLOCKED => self.create(GoId(a), GoState::Waiting, observed),
            code::GO_SYSCALL_BEGIN => self.syscall_begin(a, observed)?,
            code::GO_SYSCALL_END => self.syscall_end(observed)?,
            code::GO_SYSCALL_END_BLOCKED => {
                // The proc that was taken into the system call was stolen; since then it may have got another one.
                self.local.proc = self.local.proc.filter(|held| !held.in_syscall);
                self.stop(GoState::Runnable, observed)?;
            }
            code::GO_STATUS | code::GO_STATUS_STACK => self.status(args, observed)?,
            code::GO_SWITCH => self.switch(GoId(a), b, GoState::Waiting, observed)?,
            code::GO_SWITCH_DESTROY => self.switch(GoId(a), b, GoState::NotExist, observed)?,
            code::GO_CREATE_SYSCALL => {
                self.create(GoId(a), GoState::Syscall, observed);
                self.local.execute(GoId(a), 0, GoState::Syscall);
            }
            code::GO_DESTROY_SYSCALL => {
                self.stop(GoState::NotExist, observed)?;
                self.leave_proc(ProcState::SyscallAbandoned, observed);
            }
            code::PROC_START => self.take_proc(a, b, ProcState::Running, observed),
            code::PROC_STOP => self.leave_proc(ProcState::Idle, observed),
            code::PROC_STEAL => self.steal(args, observed),
            code::PROC_STATUS => self.proc_status(a, b, observed)?,
            code::GC_ACTIVE | code::GC_BEGIN | code::GC_END => {
                observed.next_gc = observed.next_gc.max(Some(a.wrapping_add(1)));
            }
            code::GC_MARK_ASSIST_ACTIVE => put_later(&mut observed.assists, GoId(a), 0, true),
            code::GC_MARK_ASSIST_BEGIN => self.help(&mut observed.assists, true),
            code::GC_MARK_ASSIST_END => self.help(&mut observed.assists, false),
            code::GC_SWEEP_ACTIVE => self.sweep_active(a, observed)?,
            code::GC_SWEEP_BEGIN => self.help(&mut observed.sweeps, true),
            code::GC_SWEEP_END => self.help(&mut observed.sweeps, false),
            _ => {}
        }
        Ok(())
    }

    /// The goroutine that the thread executes changes its state. The table learns that when its run or the walk ends.
    fn change(&mut self, to: GoState) -> StepResult {
        if self.local.g == GoId::NONE {
            return Err(Stop::Unpredictable);
        }
        self.local.g_state = to;
        Ok(())
    }

    /// The goroutine that the thread executes changes its state, and leaves the thread.
    #[inline]
    fn stop(&mut self, to: GoState, observed: &mut ObservedState) -> StepResult {
        self.change(to)?;
        observed.goroutines.set_if_later(self.local.g, self.local.g_seq, to);
        self.local.g = GoId::NONE;
        Ok(())
    }

    fn create(&mut self, g: GoId, to: GoState, observed: &mut ObservedState) {
        self.created += 1;
        observed.goroutines.set_if_later(g, 0, to);
    }

    fn syscall_begin(&mut self, seq: u64, observed: &mut ObservedState) -> StepResult {
        self.change(GoState::Syscall)?;
        if let Some(held) = &mut self.local.proc {
            (held.seq, held.in_syscall) = (seq, true);
            self.put_held_proc(ProcState::Syscall, observed);
        }
        Ok(())
    }

    fn syscall_end(&mut self, observed: &mut ObservedState) -> StepResult {
        self.change(GoState::Running)?;
        if let Some(held) = &mut self.local.proc {
            held.in_syscall = false;
            self.put_held_proc(ProcState::Running, observed);
        }
        Ok(())
    }

    /// A goroutine's status. It is written by the thread that executes the goroutine, if one does; but one in a system
    /// call on another thread is unpredictable here.
    fn status(&mut self, [id, on, status, _]: [u64; MAX_ARGS], observed: &mut ObservedState) -> StepResult {
        let (g, state) = (GoId(id), go_state(status).ok_or(Stop::Unpredictable)?);
        match state {
            GoState::Syscall if on != self.id.0 => return Err(Stop::Unpredictable),
            GoState::Running | GoState::Syscall => self.local.execute(g, 0, state),
            _ => {}
        }
        if state == GoState::Running {
            self.note_sweeper(observed);
        }
        observed.goroutines.set_if_later(g, 0, state);
        Ok(())
    }

    fn switch(&mut self, next: GoId, seq: u64, to: GoState, observed: &mut ObservedState) -> StepResult {
        self.stop(to, observed)?;
        self.local.execute(next, seq, GoState::Running);
        Ok(())
    }

    fn take_proc(&mut self, id: u64, seq: u64, state: ProcState, observed: &mut ObservedState) {
        self.local.proc = Some(HeldProc { id, seq, in_syscall: state == ProcState::Syscall, sweeps: false });
        put_later(&mut observed.holders, id, seq, self.thread as u32);
        self.put_held_proc(state, observed);
    }

    fn leave_proc(&mut self, state: ProcState, observed: &mut ObservedState) {
        self.put_held_proc(state, observed);
        self.local.proc = None;
    }

    /// The proc that the thread holds, if any, changes its state.
    fn put_held_proc(&self, state: ProcState, observed: &mut ObservedState) {
        if let Some(HeldProc { id, seq, .. }) = self.local.proc {
            observed.put_proc(id, seq, state);
        }
    }

    fn steal(&mut self, [id, seq, from, _]: [u64; MAX_ARGS], observed: &mut ObservedState) {
        if self.id.0 == from {
            self.local.proc = None;
        }
        observed.put_proc(id, seq, ProcState::Idle);
    }

    fn proc_status(&mut self, id: u64, status: u64, observed: &mut ObservedState) -> StepResult {
        let state = proc_state(status).ok_or(Stop::Unpredictable)?;
        match state {
            ProcState::Running | ProcState::Syscall => self.take_proc(id, 0, state, observed),
            _ => observed.put_proc(id, 0, state),
        }
        Ok(())
    }

    /// The goroutine that executes begins or ends to help the collector.
    fn help(&self, helpers: &mut FxHashMap<GoId, (u64, bool)>, helps: bool) {
        if self.local.g != GoId::NONE {
            put_later(helpers, self.local.g, self.local.g_seq, helps);
        }
    }

    /// A proc swept when the generation began. The thread that holds it writes that, before the goroutine's status.
    fn sweep_active(&mut self, id: u64, observed: &mut ObservedState) -> StepResult {
        let held = self.local.proc.as_mut().filter(|held| held.id == id && self.local.g == GoId::NONE);
        held.ok_or(Stop::Unpredictable)?.sweeps = true;
        put_later(&mut observed.active_sweeps, id, 0, true);
        Ok(())
    }

    /// The goroutine that executes sweeps, if its proc does and nobody was known to.
    fn note_sweeper(&mut self, observed: &mut ObservedState) {
        let Some(held) = self.local.proc.as_mut().filter(|held| held.sweeps) else { return };
        held.sweeps = false;
        put_later(&mut observed.active_sweeps, held.id, 0, false);
        put_later(&mut observed.sweeps, self.local.g, self.local.g_seq, true);
    }
}
