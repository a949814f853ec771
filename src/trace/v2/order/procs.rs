//! The scheduler's rules for procs and for the collector (`internal/trace/order.go`, Go 1.27): whether an event is
//! allowed, and what it changes.

use super::proc_state::{NO_PROC, Proc, ProcState, ThreadBinding};
use super::scheduler::{Attempt, Scheduler};
use super::steps::{AdvanceResult, GoSteps};
use super::waiting::Wait;
use crate::trace::event::Range;
use crate::trace::ids::GIdx;
use crate::trace::v2::reader::WireEvent;
use rustc_hash::FxHashSet;

impl Scheduler {
    /// ProcStart: the thread takes an idle proc.
    pub(crate) fn proc_start(&mut self, attempt: Attempt<'_>) -> AdvanceResult {
        let Attempt { m, ev, force } = attempt;
        let p = self.proc(ev.args[0]);
        let Proc { seq, state, .. } = self.procs[p as usize];
        if !force {
            if state != ProcState::Idle || seq.wrapping_add(1) != ev.args[1] {
                return AdvanceResult::Blocked(Wait::Proc(p, ev.args[1], false));
            }
            if self.held_proc(m).is_some() {
                return AdvanceResult::Blocked(Wait::Thread(m as u32));
            }
        }
        self.take_proc_from_others(p, force);
        self.set_proc(p, ProcState::Running, ev.args[1]);
        self.hold(m, p);
        AdvanceResult::Advanced
    }

    /// Takes a proc away from the thread that holds it: it has one holder only. Only forced events can break that.
    pub(crate) fn take_proc_from_others(&mut self, p: u32, force: bool) {
        if force {
            let holder = self.procs[p as usize].holder;
            if let Some(t) = self.threads.get_mut(holder as usize).filter(|t| t.p == p) {
                t.p = NO_PROC;
            }
        }
    }

    /// The thread holds a proc from now on.
    pub(crate) fn hold(&mut self, m: usize, p: u32) {
        self.threads[m].p = p;
        self.procs[p as usize].holder = m as u32;
    }

    /// ProcStop: the thread's proc becomes idle.
    pub(crate) fn proc_stop(&mut self, m: usize) -> AdvanceResult {
        if self.threads[m].p == NO_PROC {
            return AdvanceResult::Broken("expected a proc but didn't have one");
        }
        if let Some((p, proc)) = self.held_proc(m) {
            self.set_proc(p, ProcState::Idle, proc.seq);
        }
        self.threads[m].p = NO_PROC;
        AdvanceResult::Advanced
    }

    /// ProcSteal: the thread takes the proc of a thread in a system call, which becomes idle.
    pub(crate) fn proc_steal(&mut self, attempt: Attempt<'_>) -> AdvanceResult {
        let Attempt { m, ev, force } = attempt;
        let p = self.proc(ev.args[0]);
        let Proc { seq, state, .. } = self.procs[p as usize];
        let in_syscall = matches!(state, ProcState::Syscall | ProcState::SyscallAbandoned);
        if !force && (!in_syscall || seq.wrapping_add(1) != ev.args[1]) {
            return AdvanceResult::Blocked(Wait::Proc(p, ev.args[1], true));
        }
        self.set_proc(p, ProcState::Idle, ev.args[1]);
        if state == ProcState::SyscallAbandoned {
            return AdvanceResult::Advanced;
        }
        let from = self.thread(ev.args[2]) as usize;
        if self.threads[from].p != p {
            self.take_proc_from_others(p, force);
            return if force {
                AdvanceResult::Advanced
            } else {
                AdvanceResult::Broken("a proc is stolen from a thread without it")
            };
        }
        self.threads[from].p = NO_PROC;
        if from != m {
            self.fulfilled.push(Wait::Thread(from as u32));
        }
        AdvanceResult::Advanced
    }

    /// ProcStatus: a proc's state at the generation's start.
    pub(crate) fn proc_status(&mut self, m: usize, ev: &WireEvent) -> AdvanceResult {
        let Some(state) = proc_state(ev.args[1]) else {
            return AdvanceResult::Broken("a proc's status makes no sense");
        };
        let p = self.proc(ev.args[0]);
        let before = self.procs[p as usize].state;
        self.set_proc(p, state, 0);
        if matches!(state, ProcState::Running | ProcState::Syscall) && !self.is_no_thread(m) {
            self.hold(m, p);
        }
        match (before, state) {
            (ProcState::Undetermined, _) | (ProcState::Syscall, ProcState::SyscallAbandoned) => AdvanceResult::Advanced,
            _ if before == state => AdvanceResult::Advanced,
            _ => AdvanceResult::Broken("a proc's status contradicts its events"),
        }
    }

    /// GCMarkAssistBegin (`begins`), GCMarkAssistEnd: the goroutine that executes helps the collector to mark.
    pub(crate) fn assist(&mut self, m: usize, begins: bool) -> AdvanceResult {
        let changed = put(&mut self.assisting, self.threads[m].g, begins);
        match self.require_goroutine(m) {
            AdvanceResult::Advanced if !changed => out_of_turn(begins),
            result => result,
        }
    }

    /// GCMarkAssistActive: this goroutine helped the collector when the generation began. It need not execute: whoever
    /// wakes it writes its status.
    pub(crate) fn assist_active(&mut self, g: GIdx, steps: &mut GoSteps) -> AdvanceResult {
        if !g.is_some() {
            return AdvanceResult::Broken("a goroutine helps the collector that was never created");
        }
        put(&mut self.assisting, g, true);
        steps.active = Some((g, Range::GcMarkAssist));
        AdvanceResult::Advanced
    }

    /// GCSweepBegin (`begins`), GCSweepEnd: the proc sweeps, and with it the goroutine that executes there, if any.
    pub(crate) fn sweep(&mut self, m: usize, begins: bool) -> AdvanceResult {
        let ThreadBinding { g, p } = self.threads[m];
        let changed = put(&mut self.sweeping, g, begins);
        // Of a proc that swept when the generation began, nobody may be known to sweep.
        let knows_who = g.is_some() && self.procs.get(p as usize).is_some_and(|proc| !proc.sweeps);
        match self.require_proc(m) {
            AdvanceResult::Advanced if !changed && knows_who => out_of_turn(begins),
            result => result,
        }
    }

    /// GCSweepActive: a proc swept when the generation began. Its status comes before that of the goroutine on it.
    pub(crate) fn sweep_active(&mut self, ev: &WireEvent, steps: &mut GoSteps) -> AdvanceResult {
        let p = self.proc(ev.args[0]);
        if self.procs[p as usize].state == ProcState::Undetermined {
            return AdvanceResult::Broken("a proc sweeps that has no status");
        }
        self.procs[p as usize].sweeps = true;
        let holder = self.procs[p as usize].holder as usize;
        if self.threads.get(holder).is_some_and(|thread| thread.p == p) {
            self.note_sweeper(holder, steps);
        }
        AdvanceResult::Advanced
    }

    /// The goroutine on a thread is the one that sweeps, if the thread's proc does and nobody was known to.
    pub(crate) fn note_sweeper(&mut self, m: usize, steps: &mut GoSteps) {
        let ThreadBinding { g, p } = self.threads[m];
        if let Some(proc) = self.procs.get_mut(p as usize).filter(|proc| proc.sweeps && g.is_some()) {
            proc.sweeps = false;
            self.sweeping.insert(g);
            steps.active = Some((g, Range::GcSweep));
        }
    }

    /// GCActive, GCBegin, GCEnd: a collection begins on one thread and may end on another. A sequence number orders the
    /// two.
    pub(crate) fn gc(&mut self, ev: &WireEvent, force: bool) -> AdvanceResult {
        match self.next_gc {
            Some(next) if next != ev.args[0] && !force => AdvanceResult::Blocked(Wait::Gc(ev.args[0])),
            _ => {
                let next = ev.args[0].wrapping_add(1);
                self.next_gc = Some(next);
                self.fulfilled.push(Wait::Gc(next));
                AdvanceResult::Advanced
            }
        }
    }
}

/// Puts a goroutine into a set, or takes it out; no goroutine is in none. Returns whether that changed the set.
fn put(set: &mut FxHashSet<GIdx>, g: GIdx, is_in: bool) -> bool {
    if is_in { g.is_some() && set.insert(g) } else { set.remove(&g) }
}

/// The result of an event that begins what goes on already, or ends what does not.
fn out_of_turn(begins: bool) -> AdvanceResult {
    AdvanceResult::Broken(if begins { "what goes on already begins again" } else { "what never began ends" })
}

/// The state that a proc's status on the wire means (`tracev2.ProcStatus`, Go 1.27); `None` for any other number.
pub(crate) fn proc_state(status: u64) -> Option<ProcState> {
    match status {
        1 => Some(ProcState::Running),
        2 => Some(ProcState::Idle),
        3 => Some(ProcState::Syscall),
        4 => Some(ProcState::SyscallAbandoned),
        _ => None,
    }
}
