//! The scheduler's rules for procs and for the collector (`internal/trace/order.go`, Go 1.27).

use super::scheduler::{NO_PROC, Proc, ProcState, Scheduler};
use super::steps::Outcome;
use super::waiting::Wait;
use crate::trace::v2::reader::WireEvent;

impl Scheduler {
    pub(crate) fn proc_start(&mut self, m: usize, ev: &WireEvent, force: bool) -> Outcome {
        let p = self.proc(ev.args[0]);
        let Proc { seq, state, .. } = self.procs[p as usize];
        if !force {
            if state != ProcState::Idle || seq.wrapping_add(1) != ev.args[1] {
                return Outcome::Blocked(Wait::Proc(p, ev.args[1], false));
            }
            if self.threads[m].p != NO_PROC {
                return Outcome::Blocked(Wait::Thread(m as u32));
            }
        }
        self.take_proc_from_others(p, force);
        self.set_proc(p, ProcState::Running, ev.args[1]);
        self.hold(m, p);
        Outcome::Advanced
    }

    pub(crate) fn take_proc_from_others(&mut self, p: u32, force: bool) {
        if force {
            let holder = self.procs[p as usize].holder;
            if let Some(t) = self.threads.get_mut(holder as usize).filter(|t| t.p == p) {
                t.p = NO_PROC;
            }
        }
    }

    /// A thread holds a proc from here on.
    pub(crate) fn hold(&mut self, m: usize, p: u32) {
        self.threads[m].p = p;
        self.procs[p as usize].holder = m as u32;
    }

    pub(crate) fn proc_stop(&mut self, m: usize) -> Outcome {
        let p = self.threads[m].p;
        if p == NO_PROC {
            return Outcome::Broken("expected a proc but didn't have one");
        }
        let seq = self.procs[p as usize].seq;
        self.set_proc(p, ProcState::Idle, seq);
        self.threads[m].p = NO_PROC;
        Outcome::Advanced
    }

    pub(crate) fn proc_steal(&mut self, m: usize, ev: &WireEvent, force: bool) -> Outcome {
        let p = self.proc(ev.args[0]);
        let Proc { seq, state, .. } = self.procs[p as usize];
        let in_syscall = matches!(state, ProcState::Syscall | ProcState::SyscallAbandoned);
        if !force && (!in_syscall || seq.wrapping_add(1) != ev.args[1]) {
            return Outcome::Blocked(Wait::Proc(p, ev.args[1], true));
        }
        self.set_proc(p, ProcState::Idle, ev.args[1]);
        if state == ProcState::SyscallAbandoned {
            return Outcome::Advanced;
        }
        let from = self.thread(ev.args[2]) as usize;
        if self.threads[from].p != p {
            self.take_proc_from_others(p, force);
            return if force {
                Outcome::Advanced
            } else {
                Outcome::Broken("a proc is stolen from a thread without it")
            };
        }
        self.threads[from].p = NO_PROC;
        if from != m {
            self.woken.push(Wait::Thread(from as u32));
        }
        Outcome::Advanced
    }

    pub(crate) fn proc_status(&mut self, m: usize, ev: &WireEvent) -> Outcome {
        let Some(state) = proc_state(ev.args[1]) else {
            return Outcome::Broken("a proc's status makes no sense");
        };
        let p = self.proc(ev.args[0]);
        self.set_proc(p, state, 0);
        if matches!(state, ProcState::Running | ProcState::Syscall) {
            self.hold(m, p);
        }
        Outcome::Advanced
    }

    /// What a thread executes begins or ends to help the collector to mark.
    pub(crate) fn assist(&mut self, m: usize, assists: bool, outcome: Outcome) -> Outcome {
        let g = self.threads[m].g;
        if assists {
            self.assisting.insert(g);
        } else {
            self.assisting.remove(&g);
        }
        outcome
    }

    /// Begin and end of a collection may stand on different threads; a number orders them.
    pub(crate) fn gc(&mut self, ev: &WireEvent, force: bool) -> Outcome {
        match self.next_gc {
            Some(next) if next != ev.args[0] && !force => Outcome::Blocked(Wait::Gc(ev.args[0])),
            _ => {
                let next = ev.args[0].wrapping_add(1);
                self.next_gc = Some(next);
                self.woken.push(Wait::Gc(next));
                Outcome::Advanced
            }
        }
    }
}

/// A proc's status on the wire (`tracev2.ProcStatus`, Go 1.27).
pub(crate) fn proc_state(status: u64) -> Option<ProcState> {
    match status {
        1 => Some(ProcState::Running),
        2 => Some(ProcState::Idle),
        3 => Some(ProcState::Syscall),
        4 => Some(ProcState::SyscallAbandoned),
        _ => None,
    }
}
