//! The state of Go's scheduler, and which of its rules each event has.
//!
//! Goroutines (G), procs (P) and threads (M) of one generation, as in the `ordering` of `internal/trace/order.go`, Go
//! 1.27. In this file and in those with its rules, `g`, `p` and `m` are Go's own abbreviations. Where Go's reader gives
//! up on a broken rule, this one reports it and goes on.

use super::goroutine_table::{GoroutineEntry, GoroutineTable};
use super::proc_state::{NO_PROC, Proc, ProcState, ThreadBinding, UNKNOWN_PROC};
use super::steps::{AdvanceResult, GoSteps};
use super::waiting::Wait;
use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::v2::batch::ThreadId;
use crate::trace::v2::reader::WireEvent;
use crate::trace::wire::event_spec::code;
use rustc_hash::{FxHashMap, FxHashSet};

/// Which goroutine an id means. Ids of goroutines of cgo callbacks repeat, so that depends on what was created so far.
pub trait Instances {
    /// The goroutine that an id means now; [`GIdx::NONE`] if there is none.
    fn current(&self, id: u64) -> GIdx;
    /// The goroutine with this id that the next creation on a thread makes.
    fn created(&mut self, thread: usize, id: u64) -> GIdx;
}

/// An event to be tried.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'e> {
    /// The thread whose event it is, as a position in the generation's list.
    pub(crate) m: usize,
    pub(crate) ev: &'e WireEvent,
    /// Whether the event happens although the rules do not allow it: everything waits, and it is the earliest.
    pub(crate) force: bool,
}

/// The scheduler's state in one generation. Reused from one to the next.
#[derive(Clone, Default)]
pub(crate) struct Scheduler {
    pub(crate) goroutines: GoroutineTable,
    /// The procs, in the order in which they were seen.
    pub(crate) procs: Vec<Proc>,
    /// The procs by id.
    pub(super) proc_index: FxHashMap<u64, u32>,
    /// The threads: those of the generation's list, then others that events name.
    pub(crate) threads: Vec<ThreadBinding>,
    /// The threads by id.
    thread_index: FxHashMap<ThreadId, u32>,
    /// The position of [`ThreadId::NONE`] among the threads, under which statuses are written; `None` without any.
    no_thread: Option<usize>,
    /// The collector's next sequence number; `None` if it is not known.
    pub(crate) next_gc: Option<u64>,
    /// Goroutines that assist the collector with marking.
    pub(crate) assisting: FxHashSet<GIdx>,
    /// Goroutines that sweep for the collector.
    pub(crate) sweeping: FxHashSet<GIdx>,
    /// The thread on which each goroutine executes, as far as forced events need it; empty before the first one.
    pub(crate) forced_on: FxHashMap<GIdx, usize>,
    /// Goroutines that were on a thread whose events are missing from some point on.
    lost: FxHashSet<GIdx>,
    /// Waits that have ended since the caller last emptied this list. Those for a goroutine or a proc are in it only if
    /// a thread waits for that.
    pub fulfilled: Vec<Wait>,
}

impl Scheduler {
    /// Forgets everything and begins a generation: with this number of goroutines in the trace, these threads, and this
    /// lowest number of an event about the collector.
    pub(crate) fn begin(&mut self, n_goroutines: usize, threads: &[ThreadId], first_gc: Option<u64>) {
        self.goroutines.clear(n_goroutines);
        self.procs.clear();
        self.proc_index.clear();
        self.threads.clear();
        self.threads.resize(threads.len(), ThreadBinding::UNBOUND);
        self.thread_index.clear();
        self.thread_index.extend(threads.iter().enumerate().map(|(i, &t)| (t, i as u32)));
        self.no_thread = threads.iter().position(|&thread| thread == ThreadId::NONE);
        self.next_gc = first_gc;
        self.assisting.clear();
        self.sweeping.clear();
        self.forced_on.clear();
        self.lost.clear();
        self.fulfilled.clear();
    }

    /// Whether a thread is none: it holds and executes nothing.
    pub(crate) fn is_no_thread(&self, thread: usize) -> bool {
        self.no_thread == Some(thread)
    }

    /// The goroutine that a thread executes.
    #[inline]
    pub(crate) fn goroutine_of(&self, thread: usize) -> GIdx {
        self.threads[thread].g
    }

    /// Events of a thread are missing. What it executes and holds is not known from now on. Returns the step of its
    /// goroutine, if it had one.
    pub(crate) fn lose_track(&mut self, thread: usize) -> GoSteps {
        let mut steps = GoSteps::default();
        let ThreadBinding { g, .. } = self.threads[thread];
        if g.is_some() {
            self.set(g, GoState::Undetermined);
            self.lost.insert(g);
            self.end_waits_for_lost(g);
            steps.push(g, g, GoState::Running, GoState::Undetermined);
        }
        self.threads[thread] = ThreadBinding::UNKNOWN;
        steps
    }

    /// A goroutine whose state is not known any more can be in the one that threads wait for.
    fn end_waits_for_lost(&mut self, g: GIdx) {
        if let Some(s) = self.goroutines.get(g).filter(|s| s.has_waiters()) {
            let next = s.seq.wrapping_add(1);
            self.fulfilled.extend([GoState::Waiting, GoState::Runnable].map(|state| Wait::Goroutine(g, next, state)));
        }
    }

    /// The bindings of two threads; [`ThreadBinding::UNBOUND`] for a thread that does not exist.
    pub(crate) fn bindings(&self, threads: [usize; 2]) -> [ThreadBinding; 2] {
        threads.map(|thread| self.threads.get(thread).copied().unwrap_or(ThreadBinding::UNBOUND))
    }

    /// Sets the bindings of two threads.
    pub(crate) fn set_bindings(&mut self, threads: [usize; 2], bindings: [ThreadBinding; 2]) {
        for (thread, binding) in threads.into_iter().zip(bindings) {
            if let Some(thread) = self.threads.get_mut(thread) {
                *thread = binding;
            }
        }
    }

    /// A thread begins to wait for this.
    pub(crate) fn add_waiter(&mut self, wait: Wait) {
        match wait {
            Wait::Goroutine(g, ..) => self.goroutines.get_or_add(g).into_iter().for_each(GoroutineEntry::add_waiter),
            Wait::Proc(p, ..) => self.procs.get_mut(p as usize).into_iter().for_each(|p| p.waiters += 1),
            Wait::Thread(_) | Wait::Gc(_) => {}
        }
    }

    /// A thread waits for this no more.
    pub(crate) fn remove_waiter(&mut self, wait: Wait) {
        match wait {
            Wait::Goroutine(g, ..) => self.goroutines.get_or_add(g).into_iter().for_each(GoroutineEntry::remove_waiter),
            Wait::Proc(p, ..) => self.procs.get_mut(p as usize).into_iter().for_each(|p| p.waiters -= 1),
            Wait::Thread(_) | Wait::Gc(_) => {}
        }
    }

    /// The proc that a thread holds; `None` if it holds none, or that is not known.
    pub(crate) fn held_proc(&self, m: usize) -> Option<(u32, Proc)> {
        let p = self.threads[m].p;
        self.procs.get(p as usize).map(|proc| (p, *proc))
    }

    /// A goroutine's state.
    #[inline]
    pub(crate) fn state(&self, g: GIdx) -> GoState {
        self.goroutines.get(g).map_or(GoState::Undetermined, GoroutineEntry::state)
    }

    /// Sets a goroutine's state.
    #[inline]
    pub(crate) fn set(&mut self, g: GIdx, state: GoState) {
        if let Some(s) = self.goroutines.get_or_add(g)
            && s.set_state(state)
        {
            self.fulfilled.push(Wait::Goroutine(g, s.seq.wrapping_add(1), state));
        }
    }

    /// Sets a goroutine's state and last sequence number.
    #[inline]
    pub(crate) fn set_seq(&mut self, g: GIdx, state: GoState, seq: u64) {
        if let Some(s) = self.goroutines.get_or_add(g) {
            s.seq = seq;
            if s.set_state(state) {
                self.fulfilled.push(Wait::Goroutine(g, seq.wrapping_add(1), state));
            }
        }
    }

    /// Whether a goroutine is in a state and this is its next sequence number.
    #[inline]
    pub(crate) fn is_next(&self, g: GIdx, state: GoState, seq: u64) -> bool {
        self.goroutines.get(g).is_some_and(|s| s.state() == state && s.seq.wrapping_add(1) == seq)
    }

    /// Whether a goroutine's state is not known because events are missing, and this is its next sequence number: then it
    /// can be in any state.
    #[cold]
    pub(crate) fn is_next_of_lost(&self, g: GIdx, seq: u64) -> bool {
        self.lost.contains(&g) && self.is_next(g, GoState::Undetermined, seq)
    }

    /// Whether this is the next sequence number of the goroutine that the thread executes: the event in which that left the
    /// thread is missing, as only the thread itself could have it.
    #[cold]
    pub(crate) fn is_next_of_own(&self, m: usize, g: GIdx, seq: u64) -> bool {
        g.is_some() && self.threads[m].g == g && self.is_next(g, self.state(g), seq)
    }

    /// The index of a proc, which is added if it is new.
    pub(crate) fn proc(&mut self, id: u64) -> u32 {
        let next = self.procs.len() as u32;
        let index = *self.proc_index.entry(id).or_insert(next);
        if index == next {
            self.procs.push(Proc {
                seq: 0,
                holder: u32::MAX,
                state: ProcState::Undetermined,
                waiters: 0,
                sweeps: false,
            });
        }
        index
    }

    /// Sets a proc's state and last sequence number.
    pub(crate) fn set_proc(&mut self, p: u32, state: ProcState, seq: u64) {
        let proc = &mut self.procs[p as usize];
        (proc.seq, proc.state) = (seq, state);
        if proc.waiters > 0 {
            let next = seq.wrapping_add(1);
            match state {
                ProcState::Idle => self.fulfilled.push(Wait::Proc(p, next, false)),
                ProcState::Syscall | ProcState::SyscallAbandoned => self.fulfilled.push(Wait::Proc(p, next, true)),
                ProcState::Running | ProcState::Undetermined => {}
            }
        }
    }

    /// The index of a thread, which is added if it is new.
    pub(crate) fn thread(&mut self, id: u64) -> u32 {
        let next = self.threads.len() as u32;
        let index = *self.thread_index.entry(ThreadId(id)).or_insert(next);
        if index == next {
            self.threads.push(ThreadBinding::UNBOUND);
        }
        index
    }

    /// Tries an event by its rule: adds the changes of goroutines' states to `steps`.
    #[inline]
    pub(crate) fn advance(
        &mut self,
        attempt: Attempt<'_>,
        ids: &mut impl Instances,
        steps: &mut GoSteps,
    ) -> AdvanceResult {
        let Attempt { m, ev, force } = attempt;
        match ev.code {
            code::GO_START => self.go_start(attempt, ids, steps),
            code::GO_UNBLOCK => self.go_unblock(attempt, ids, steps),
            code::GO_BLOCK => self.leave_running(m, GoState::Waiting, steps),
            code::GO_STOP => self.leave_running(m, GoState::Runnable, steps),
            code::GO_DESTROY => self.leave_running(m, GoState::NotExist, steps),
            code::GO_CREATE => self.go_create(attempt, ids, GoState::Runnable, steps),
            code::GO_CREATE_BLOCKED => self.go_create(attempt, ids, GoState::Waiting, steps),
            code::GO_SYSCALL_BEGIN => self.syscall_begin(attempt, steps),
            code::GO_SYSCALL_END => self.syscall_end(m, steps),
            code::GO_SYSCALL_END_BLOCKED => self.syscall_end_blocked(m, force, steps),
            code::GO_STATUS | code::GO_STATUS_STACK => self.go_status(attempt, ids, steps),
            code::PROC_START => self.proc_start(attempt),
            code::PROC_STOP => self.proc_stop(m),
            code::PROC_STEAL => self.proc_steal(attempt),
            code::PROC_STATUS => self.proc_status(m, ev),
            code::GO_CREATE_SYSCALL => self.create_syscall(attempt, ids, steps),
            code::GO_DESTROY_SYSCALL => self.destroy_syscall(m, steps),
            code::GO_SWITCH => self.go_switch(attempt, ids, GoState::Waiting, steps),
            code::GO_SWITCH_DESTROY => self.go_switch(attempt, ids, GoState::NotExist, steps),
            code::GC_ACTIVE | code::GC_BEGIN | code::GC_END => self.gc(ev, force),
            code::HEAP_ALLOC | code::HEAP_GOAL => self.require_proc(m),
            code::GC_SWEEP_ACTIVE => self.sweep_active(ev, steps),
            code::GC_SWEEP_BEGIN => self.sweep(m, true),
            code::GC_SWEEP_END => self.sweep(m, false),
            code::GC_MARK_ASSIST_ACTIVE => self.assist_active(ids.current(ev.args[0]), steps),
            code::GC_MARK_ASSIST_BEGIN => self.assist(m, true),
            code::GC_MARK_ASSIST_END => self.assist(m, false),
            code::FIRST_EXPERIMENTAL.. => AdvanceResult::Advanced,
            // Annotations and ranges of the goroutine that executes.
            _ => self.require_goroutine(m),
        }
    }

    /// Broken unless the thread holds a proc.
    #[inline]
    pub(crate) fn require_proc(&self, m: usize) -> AdvanceResult {
        if self.threads[m].p == NO_PROC {
            AdvanceResult::Broken("expected a proc but didn't have one")
        } else {
            AdvanceResult::Advanced
        }
    }

    /// Broken unless the thread holds a proc and executes a goroutine.
    #[inline]
    pub(crate) fn require_goroutine(&self, m: usize) -> AdvanceResult {
        match self.require_proc(m) {
            AdvanceResult::Advanced if !self.threads[m].g.is_some() => self.lacks_goroutine(m),
            result => result,
        }
    }

    /// A thread that executes no known goroutine has an event of one: broken, but where events of the thread are missing.
    #[cold]
    pub(crate) fn lacks_goroutine(&self, m: usize) -> AdvanceResult {
        if self.threads[m].p == UNKNOWN_PROC {
            AdvanceResult::Advanced
        } else {
            AdvanceResult::Broken("expected a goroutine but didn't have one")
        }
    }

    /// The goroutine that a thread executes, for an event that is about it; `state` is the state that it must have. The
    /// result is broken if it has another one: the event happens all the same. An error if there is no goroutine.
    #[inline]
    pub(crate) fn executing(&self, m: usize, state: GoState) -> Result<(GIdx, AdvanceResult), AdvanceResult> {
        let result = self.require_goroutine(m);
        let g = self.threads[m].g;
        if !g.is_some() {
            return Err(result);
        }
        let broken = result == AdvanceResult::Advanced && self.state(g) != state;
        Ok((g, if broken { AdvanceResult::Broken("the goroutine is in another state") } else { result }))
    }
}
