//! The rules of Go's scheduler: whether an event can be next, and what it changes.
//!
//! Knows goroutines, procs and threads of one generation. Sequence numbers restart with each generation's
//! statuses, so a generation is ordered alone. The reference is `internal/trace/order.go` of Go 1.27; where
//! that gives up on a broken rule, this says so and goes on.

use super::steps::{Outcome, Steps};
use super::table::{Goroutine, Goroutines};
use super::waiting::Wait;
use crate::trace::event::GoState;
use crate::trace::ids::{GIdx, ThreadId};
use crate::trace::v2::reader::WireEvent;
use crate::trace::wire::event_spec::code;
use rustc_hash::{FxHashMap, FxHashSet};

/// No proc; dense index.
pub(crate) const NO_PROC: u32 = u32::MAX;
/// A proc's state (`tracev2.ProcStatus`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ProcState {
    Undetermined,
    Running,
    Idle,
    Syscall,
    /// In a system call whose thread is not known: it is about to be stolen.
    SyscallAbandoned,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Proc {
    pub(crate) seq: u64,
    /// The thread that took it last.
    pub(crate) holder: u32,
    pub(crate) state: ProcState,
    /// Threads that wait for it.
    pub(crate) waiters: u32,
}

/// What a thread has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Thread {
    pub(crate) g: GIdx,
    pub(crate) p: u32,
}

pub(crate) const UNBOUND: Thread = Thread { g: GIdx::NONE, p: NO_PROC };

/// Which goroutine instance an id means, here and now.
pub trait Instances {
    /// The instance that an id names. None when the survey has never seen it.
    fn current(&self, id: u64) -> GIdx;
    /// The instance that the next creation on `thread` makes.
    fn created(&mut self, thread: usize, id: u64) -> GIdx;
}

/// Scheduler state of one generation. Reused from one to the next.
#[derive(Clone, Default)]
pub struct Scheduler {
    pub(crate) goroutines: Goroutines,
    pub(crate) procs: Vec<Proc>,
    proc_index: FxHashMap<u64, u32>,
    pub(crate) threads: Vec<Thread>,
    thread_index: FxHashMap<ThreadId, u32>,
    pub(crate) next_gc: Option<u64>,
    /// Goroutines that help the collector to mark.
    pub(crate) assisting: FxHashSet<GIdx>,
    /// Once events are forced: where goroutines execute, as far as forced events know.
    pub(crate) forced_on: FxHashMap<GIdx, usize>,
    /// What threads wait for and changed since it was last asked: waits that may be over.
    pub woken: Vec<Wait>,
}

impl Scheduler {
    /// Forgets everything and begins a generation.
    pub fn begin(&mut self, n_goroutines: usize, threads: &[ThreadId], first_gc: Option<u64>) {
        self.goroutines.clear(n_goroutines);
        self.procs.clear();
        self.proc_index.clear();
        self.threads.clear();
        self.threads.resize(threads.len(), UNBOUND);
        self.thread_index.clear();
        self.thread_index.extend(threads.iter().enumerate().map(|(i, &t)| (t, i as u32)));
        self.next_gc = first_gc;
        self.assisting.clear();
        self.forced_on.clear();
        self.woken.clear();
    }

    /// Equal to `other`, a state of the same generation, and nothing forced or pending in either. Procs are compared by
    /// their ids: each scheduler numbers them in the order in which it saw them.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let nothing_open = |this: &Self| this.forced_on.is_empty() && this.woken.is_empty();
        // Our procs by the other's numbers, and the other's numbers by ours.
        let mut procs = vec![None; other.procs.len()];
        let mut numbers = vec![NO_PROC; self.procs.len()];
        for (id, &p) in &self.proc_index {
            let Some(&q) = other.proc_index.get(id) else { return false };
            (numbers[p as usize], procs[q as usize]) = (q, Some(self.procs[p as usize]));
        }
        let same_procs = procs.iter().zip(&other.procs).all(|(ours, theirs)| *ours == Some(*theirs));
        let n = self.threads.len().max(other.threads.len());
        let thread = |this: &Self, i| this.threads.get(i).copied().unwrap_or(UNBOUND);
        let same_threads = (0..n).all(|i| {
            let Thread { g, p } = thread(self, i);
            let p = numbers.get(p as usize).copied().unwrap_or(NO_PROC);
            thread(other, i) == Thread { g, p }
        });
        let same_collector = self.next_gc == other.next_gc && self.assisting == other.assisting;
        nothing_open(self)
            && nothing_open(other)
            && same_procs
            && same_threads
            && same_collector
            && self.goroutines.equals(&other.goroutines)
    }

    /// The goroutine that a thread executes.
    #[inline]
    pub fn goroutine_of(&self, thread: usize) -> GIdx {
        self.threads[thread].g
    }

    /// Parts of a thread's batches are missing: what it did since is not known.
    pub fn lose_track(&mut self, thread: usize) -> Steps {
        let mut steps = Steps::default();
        let Thread { g, .. } = self.threads[thread];
        if g.is_some() {
            self.set(g, GoState::Undetermined);
            steps.push(g, g, GoState::Running, GoState::Undetermined);
        }
        self.threads[thread] = UNBOUND;
        steps
    }

    /// What two threads have; nothing for one that is none.
    pub(crate) fn both(&self, threads: [usize; 2]) -> [Thread; 2] {
        threads.map(|thread| self.threads.get(thread).copied().unwrap_or(UNBOUND))
    }

    /// What two threads have from now on.
    pub(crate) fn set_both(&mut self, threads: [usize; 2], bound: [Thread; 2]) {
        for (thread, bound) in threads.into_iter().zip(bound) {
            if let Some(thread) = self.threads.get_mut(thread) {
                *thread = bound;
            }
        }
    }

    /// A thread begins to wait.
    pub fn wait(&mut self, wait: Wait) {
        match wait {
            Wait::Goroutine(g, ..) => self.goroutines.named(g).into_iter().for_each(Goroutine::wait),
            Wait::Proc(p, ..) => self.procs.get_mut(p as usize).into_iter().for_each(|p| p.waiters += 1),
            Wait::Thread(_) | Wait::Gc(_) => {}
        }
    }

    /// A thread waits no more.
    pub fn end_wait(&mut self, wait: Wait) {
        match wait {
            Wait::Goroutine(g, ..) => self.goroutines.named(g).into_iter().for_each(Goroutine::end_wait),
            Wait::Proc(p, ..) => self.procs.get_mut(p as usize).into_iter().for_each(|p| p.waiters -= 1),
            Wait::Thread(_) | Wait::Gc(_) => {}
        }
    }

    #[inline]
    pub(crate) fn state(&self, g: GIdx) -> GoState {
        self.goroutines.get(g).map_or(GoState::Undetermined, Goroutine::state)
    }

    #[inline]
    pub(crate) fn set(&mut self, g: GIdx, state: GoState) {
        if let Some(s) = self.goroutines.named(g)
            && s.enter(state)
        {
            self.woken.push(Wait::Goroutine(g, s.seq.wrapping_add(1), state));
        }
    }

    #[inline]
    pub(crate) fn set_seq(&mut self, g: GIdx, state: GoState, seq: u64) {
        if let Some(s) = self.goroutines.named(g) {
            s.seq = seq;
            if s.enter(state) {
                self.woken.push(Wait::Goroutine(g, seq.wrapping_add(1), state));
            }
        }
    }

    /// Whether `g` is in `state` and `seq` is its next number.
    #[inline]
    pub(crate) fn is_next(&self, g: GIdx, state: GoState, seq: u64) -> bool {
        self.goroutines.get(g).is_some_and(|s| s.state() == state && s.seq.wrapping_add(1) == seq)
    }

    pub(crate) fn proc(&mut self, id: u64) -> u32 {
        let next = self.procs.len() as u32;
        let index = *self.proc_index.entry(id).or_insert(next);
        if index == next {
            self.procs.push(Proc { seq: 0, holder: u32::MAX, state: ProcState::Undetermined, waiters: 0 });
        }
        index
    }

    pub(crate) fn set_proc(&mut self, p: u32, state: ProcState, seq: u64) {
        let proc = &mut self.procs[p as usize];
        (proc.seq, proc.state) = (seq, state);
        if proc.waiters > 0 {
            let next = seq.wrapping_add(1);
            match state {
                ProcState::Idle => self.woken.push(Wait::Proc(p, next, false)),
                ProcState::Syscall | ProcState::SyscallAbandoned => self.woken.push(Wait::Proc(p, next, true)),
                ProcState::Running | ProcState::Undetermined => {}
            }
        }
    }

    pub(crate) fn thread(&mut self, id: u64) -> u32 {
        let next = self.threads.len() as u32;
        let index = *self.thread_index.entry(ThreadId(id)).or_insert(next);
        if index == next {
            self.threads.push(UNBOUND);
        }
        index
    }

    /// Tries an event of a thread. `force` lets an event through whose turn never came.
    #[inline]
    pub fn advance(
        &mut self,
        m: usize,
        ev: &WireEvent,
        ids: &mut impl Instances,
        force: bool,
        steps: &mut Steps,
    ) -> Outcome {
        match ev.code {
            code::GO_START => self.go_start(m, ev, ids, force, steps),
            code::GO_UNBLOCK => self.go_unblock(m, ev, ids, force, steps),
            code::GO_BLOCK => self.go_stop_exec(m, GoState::Waiting, steps),
            code::GO_STOP => self.go_stop_exec(m, GoState::Runnable, steps),
            code::GO_DESTROY => self.go_stop_exec(m, GoState::NotExist, steps),
            code::GO_CREATE => self.go_create(m, ev, ids, GoState::Runnable, steps),
            code::GO_CREATE_BLOCKED => self.go_create(m, ev, ids, GoState::Waiting, steps),
            code::GO_SYSCALL_BEGIN => self.syscall_begin(m, ev, force, steps),
            code::GO_SYSCALL_END => self.syscall_end(m, steps),
            code::GO_SYSCALL_END_BLOCKED => self.syscall_end_blocked(m, force, steps),
            code::GO_STATUS | code::GO_STATUS_STACK => self.go_status(m, ev, ids, steps),
            code::PROC_START => self.proc_start(m, ev, force),
            code::PROC_STOP => self.proc_stop(m),
            code::PROC_STEAL => self.proc_steal(m, ev, force),
            code::PROC_STATUS => self.proc_status(m, ev),
            code::GO_CREATE_SYSCALL => self.create_syscall(m, ev, ids, steps),
            code::GO_DESTROY_SYSCALL => self.destroy_syscall(m, steps),
            code::GO_SWITCH => self.go_switch(m, ev, ids, GoState::Waiting, force, steps),
            code::GO_SWITCH_DESTROY => self.go_switch(m, ev, ids, GoState::NotExist, force, steps),
            code::GC_ACTIVE | code::GC_BEGIN | code::GC_END => self.gc(ev, force),
            code::GC_SWEEP_BEGIN | code::GC_SWEEP_END | code::HEAP_ALLOC | code::HEAP_GOAL => self.needs(m, false),
            code::GC_MARK_ASSIST_ACTIVE => self.assist(m, true, Outcome::Advanced),
            code::GC_MARK_ASSIST_BEGIN => self.assist(m, true, self.needs(m, true)),
            code::GC_MARK_ASSIST_END => self.assist(m, false, self.needs(m, true)),
            code::GC_SWEEP_ACTIVE | code::FIRST_EXPERIMENTAL.. => Outcome::Advanced,
            // Annotations and ranges of the goroutine that executes.
            _ => self.needs(m, true),
        }
    }

    /// What most events need: a proc, and user code's a goroutine too.
    #[inline]
    pub(crate) fn needs(&self, m: usize, goroutine: bool) -> Outcome {
        let Thread { g, p } = self.threads[m];
        if p == NO_PROC {
            Outcome::Broken("expected a proc but didn't have one")
        } else if goroutine && !g.is_some() {
            Outcome::Broken("expected a goroutine but didn't have one")
        } else {
            Outcome::Advanced
        }
    }

    /// The goroutine that a thread executes and that leaves `state` now, and whether a rule is broken by that: what
    /// it does is believed all the same. Fails where no goroutine is known.
    #[inline]
    pub(crate) fn executing(&self, m: usize, state: GoState) -> Result<(GIdx, Outcome), Outcome> {
        let needs = self.needs(m, true);
        let g = self.threads[m].g;
        if !g.is_some() {
            return Err(needs);
        }
        let broken = needs == Outcome::Advanced && self.state(g) != state;
        Ok((g, if broken { Outcome::Broken("the goroutine is in another state") } else { needs }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduler(procs: [u64; 2]) -> Scheduler {
        let mut scheduler = Scheduler::default();
        scheduler.begin(1000, &[ThreadId(1), ThreadId(2)], Some(3));
        // Procs are numbered as they are seen.
        for id in procs {
            scheduler.proc(id);
        }
        let p = scheduler.proc(7);
        scheduler.hold(0, p);
        scheduler.set_proc(p, ProcState::Running, 4);
        scheduler.set_seq(GIdx(500), GoState::Running, 2);
        scheduler.set_seq(GIdx(7), GoState::Waiting, 9);
        scheduler.threads[0].g = GIdx(500);
        scheduler.assisting.insert(GIdx(500));
        scheduler
    }

    #[test]
    fn any_difference_is_noticed() {
        let one = scheduler([7, 8]);
        let same = scheduler([8, 7]);
        assert!(one.equals(&same) && same.equals(&one) && one.equals(&one.clone()));
        let changes: [fn(&mut Scheduler); 14] = [
            |s| s.set_seq(GIdx(500), GoState::Running, 3),
            |s| s.set(GIdx(7), GoState::Runnable),
            |s| s.set(GIdx(8), GoState::Runnable),
            |s| s.set(GIdx(900), GoState::NotExist),
            |s| s.wait(Wait::Goroutine(GIdx(7), 10, GoState::Waiting)),
            |s| s.threads[0].g = GIdx(7),
            |s| s.threads[1].g = GIdx(7),
            |s| s.threads[0].p = NO_PROC,
            |s| s.threads[0].p = s.proc(8),
            |s| _ = s.proc(9),
            |s| s.procs.iter_mut().for_each(|p| p.seq += 1),
            |s| s.procs.iter_mut().for_each(|p| p.holder = 1),
            |s| s.next_gc = Some(4),
            |s| s.assisting.clear(),
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut other = same.clone();
            change(&mut other);
            assert!(!one.equals(&other) && !other.equals(&one), "change {i}");
        }
    }
}
