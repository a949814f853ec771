//! The rules of Go's scheduler: whether an event can be next, and what it changes.
//!
//! Knows goroutines, procs and threads of one generation. Sequence numbers restart with each generation's
//! statuses, so a generation is ordered alone. The reference is `internal/trace/order.go` of Go 1.27; where
//! that gives up on a broken rule, this says so and goes on.

use super::waiting::Wait;
use crate::event::GoState;
use crate::format::event_spec::code;
use crate::format::v2::event::WireEvent;
use crate::ids::{GIdx, ThreadId};
use rustc_hash::FxHashMap;

/// No proc; dense index.
const NO_PROC: u32 = u32::MAX;

/// What came of trying an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It happened.
    Advanced,
    /// It cannot be next before this changes.
    Blocked(Wait),
    /// It contradicts what is known; it is dropped.
    Broken(&'static str),
}

/// What a goroutine's event means, told to the frontier while an event advances.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The goroutine that executes, before the event.
    pub context: GIdx,
    /// The goroutine that changes.
    pub g: GIdx,
    /// Its state before, as the event has it.
    pub from: GoState,
    /// Its state after.
    pub to: GoState,
}

/// Steps that one event takes: three for a coroutine switch.
#[derive(Clone, Debug)]
pub struct Steps {
    list: [Step; 3],
    len: usize,
    /// Events that Go's reader adds before the first step, which only take time.
    pub extra: u32,
}

impl Default for Steps {
    fn default() -> Self {
        let none = Step { context: GIdx::NONE, g: GIdx::NONE, from: GoState::Undetermined, to: GoState::Undetermined };
        Self { list: [none; 3], len: 0, extra: 0 }
    }
}

impl Steps {
    fn push(&mut self, context: GIdx, g: GIdx, from: GoState, to: GoState) {
        if let Some(slot) = self.list.get_mut(self.len) {
            *slot = Step { context, g, from, to };
            self.len += 1;
        }
    }

    /// Forgets all steps.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
        self.extra = 0;
    }

    /// The steps, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Step> + '_ {
        self.list[..self.len].iter().copied()
    }
}

/// A proc's state (`tracev2.ProcStatus`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ProcState {
    Undetermined,
    Running,
    Idle,
    Syscall,
    /// In a system call whose thread is not known: it is about to be stolen.
    SyscallAbandoned,
}

#[derive(Clone, Copy, Debug)]
struct Goroutine {
    seq: u64,
    /// The generation's stamp that this entry belongs to; another one means undetermined.
    stamp: u32,
    state: GoState,
    /// Whether a thread waits for it.
    waited: bool,
}

#[derive(Clone, Copy, Debug)]
struct Proc {
    seq: u64,
    /// The thread that took it last.
    holder: u32,
    state: ProcState,
    /// Whether a thread waits for it.
    waited: bool,
}

#[derive(Clone, Copy, Debug)]
struct Thread {
    g: GIdx,
    p: u32,
}

const UNBOUND: Thread = Thread { g: GIdx::NONE, p: NO_PROC };

/// Which goroutine instance an id means, here and now.
pub trait Instances {
    /// The instance that an id names. None when the survey has never seen it.
    fn current(&self, id: u64) -> GIdx;
    /// The instance that the next creation on `thread` makes.
    fn created(&mut self, thread: usize, id: u64) -> GIdx;
}

/// Scheduler state of one generation. Reused from one to the next.
#[derive(Default)]
pub struct Scheduler {
    goroutines: Vec<Goroutine>,
    stamp: u32,
    procs: Vec<Proc>,
    proc_index: FxHashMap<u64, u32>,
    threads: Vec<Thread>,
    thread_index: FxHashMap<ThreadId, u32>,
    next_gc: Option<u64>,
    /// Once events are forced: where goroutines execute, as far as forced events know.
    forced_on: FxHashMap<GIdx, usize>,
    /// What threads wait for and changed since it was last asked: waits that may be over.
    pub woken: Vec<Wait>,
}

impl Scheduler {
    /// Forgets everything and begins a generation.
    pub fn begin(&mut self, n_goroutines: usize, threads: &[ThreadId], first_gc: Option<u64>) {
        self.stamp += 1;
        let blank = Goroutine { seq: 0, stamp: 0, state: GoState::Undetermined, waited: false };
        self.goroutines.resize(n_goroutines.max(self.goroutines.len()), blank);
        self.procs.clear();
        self.proc_index.clear();
        self.threads.clear();
        self.threads.resize(threads.len(), UNBOUND);
        self.thread_index.clear();
        self.thread_index.extend(threads.iter().enumerate().map(|(i, &t)| (t, i as u32)));
        self.next_gc = first_gc;
        self.forced_on.clear();
        self.woken.clear();
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

    /// A thread begins to wait.
    pub fn wait(&mut self, wait: Wait) {
        match wait {
            Wait::Goroutine(g, ..) => {
                if let Some(s) = self.goroutines.get_mut(g.at()) {
                    if s.stamp != self.stamp {
                        *s = Goroutine { seq: 0, stamp: self.stamp, state: GoState::Undetermined, waited: false };
                    }
                    s.waited = true;
                }
            }
            Wait::Proc(p, ..) => self.procs[p as usize].waited = true,
            Wait::Thread(_) | Wait::Gc(_) => {}
        }
    }

    #[inline]
    fn state(&self, g: GIdx) -> GoState {
        match self.goroutines.get(g.at()) {
            Some(s) if s.stamp == self.stamp => s.state,
            _ => GoState::Undetermined,
        }
    }

    #[inline]
    fn set(&mut self, g: GIdx, state: GoState) {
        if let Some(s) = self.goroutines.get_mut(g.at()) {
            if s.stamp != self.stamp {
                *s = Goroutine { seq: 0, stamp: self.stamp, state, waited: false };
            }
            s.state = state;
            if s.waited {
                self.woken.push(Wait::Goroutine(g, s.seq.wrapping_add(1), state));
            }
        }
    }

    #[inline]
    fn set_seq(&mut self, g: GIdx, state: GoState, seq: u64) {
        if let Some(s) = self.goroutines.get_mut(g.at()) {
            let waited = s.waited && s.stamp == self.stamp;
            *s = Goroutine { seq, stamp: self.stamp, state, waited };
            if waited {
                self.woken.push(Wait::Goroutine(g, seq.wrapping_add(1), state));
            }
        }
    }

    /// Whether `g` is in `state` and `seq` is its next number.
    #[inline]
    fn is_next(&self, g: GIdx, state: GoState, seq: u64) -> bool {
        self.goroutines
            .get(g.at())
            .is_some_and(|s| s.stamp == self.stamp && s.state == state && s.seq.wrapping_add(1) == seq)
    }

    fn proc(&mut self, id: u64) -> u32 {
        let next = self.procs.len() as u32;
        let index = *self.proc_index.entry(id).or_insert(next);
        if index == next {
            self.procs.push(Proc { seq: 0, holder: u32::MAX, state: ProcState::Undetermined, waited: false });
        }
        index
    }

    fn set_proc(&mut self, p: u32, state: ProcState, seq: u64) {
        let proc = &mut self.procs[p as usize];
        (proc.seq, proc.state) = (seq, state);
        if proc.waited {
            let next = seq.wrapping_add(1);
            match state {
                ProcState::Idle => self.woken.push(Wait::Proc(p, next, false)),
                ProcState::Syscall | ProcState::SyscallAbandoned => self.woken.push(Wait::Proc(p, next, true)),
                ProcState::Running | ProcState::Undetermined => {}
            }
        }
    }

    fn thread(&mut self, id: u64) -> u32 {
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
            code::GC_SWEEP_ACTIVE | code::GC_MARK_ASSIST_ACTIVE | code::FIRST_EXPERIMENTAL.. => Outcome::Advanced,
            // Annotations and ranges of the goroutine that executes.
            _ => self.needs(m, true),
        }
    }

    /// What most events need: a proc, and user code's a goroutine too.
    #[inline]
    fn needs(&self, m: usize, goroutine: bool) -> Outcome {
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
    fn executing(&self, m: usize, state: GoState) -> Result<(GIdx, Outcome), Outcome> {
        let needs = self.needs(m, true);
        let g = self.threads[m].g;
        if !g.is_some() {
            return Err(needs);
        }
        let broken = needs == Outcome::Advanced && self.state(g) != state;
        Ok((g, if broken { Outcome::Broken("the goroutine is in another state") } else { needs }))
    }

    fn go_stop_exec(&mut self, m: usize, to: GoState, steps: &mut Steps) -> Outcome {
        let (g, outcome) = match self.executing(m, GoState::Running) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        self.set(g, to);
        self.threads[m].g = GIdx::NONE;
        steps.push(g, g, GoState::Running, to);
        outcome
    }

    fn go_create(
        &mut self,
        m: usize,
        ev: &WireEvent,
        ids: &mut impl Instances,
        to: GoState,
        steps: &mut Steps,
    ) -> Outcome {
        // The creation counts even where its surroundings are broken: the survey has counted it too.
        let g = ids.created(m, ev.args[0]);
        let creator = self.threads[m].g;
        self.set_seq(g, to, 0);
        steps.push(creator, g, GoState::NotExist, to);
        match self.needs(m, false) {
            Outcome::Advanced if creator.is_some() && self.state(creator) != GoState::Running => {
                Outcome::Broken("a goroutine that does not run creates another")
            }
            outcome => outcome,
        }
    }

    fn go_start(
        &mut self,
        m: usize,
        ev: &WireEvent,
        ids: &mut impl Instances,
        force: bool,
        steps: &mut Steps,
    ) -> Outcome {
        let g = ids.current(ev.args[0]);
        if !force && !self.is_next(g, GoState::Runnable, ev.args[1]) {
            return Outcome::Blocked(Wait::Goroutine(g, ev.args[1], GoState::Runnable));
        }
        if !g.is_some() {
            return Outcome::Broken("a goroutine starts that was never created");
        }
        let before = self.threads[m].g;
        if before.is_some() {
            *steps = self.lose_track_of_goroutine(m);
        }
        self.unbind_elsewhere(g, m, force);
        self.set_seq(g, GoState::Running, ev.args[1]);
        self.threads[m].g = g;
        steps.push(GIdx::NONE, g, GoState::Runnable, GoState::Running);
        if self.threads[m].p == NO_PROC {
            return Outcome::Broken("expected a proc but didn't have one");
        }
        if before.is_some() { Outcome::Broken("expected no goroutine but had one") } else { Outcome::Advanced }
    }

    fn lose_track_of_goroutine(&mut self, m: usize) -> Steps {
        let p = self.threads[m].p;
        let steps = self.lose_track(m);
        self.threads[m].p = p;
        steps
    }

    /// A goroutine executes on one thread at most; only forced events can break that.
    fn unbind_elsewhere(&mut self, g: GIdx, m: usize, force: bool) {
        if !force {
            return;
        }
        // Threads that took goroutines before the first forced event are found once.
        if self.forced_on.is_empty() {
            self.forced_on
                .extend(self.threads.iter().enumerate().filter(|(_, t)| t.g.is_some()).map(|(i, t)| (t.g, i)));
        }
        if let Some(on) = self.forced_on.insert(g, m)
            && on != m
            && let Some(t) = self.threads.get_mut(on).filter(|t| t.g == g)
        {
            t.g = GIdx::NONE;
        }
    }

    fn go_unblock(
        &mut self,
        m: usize,
        ev: &WireEvent,
        ids: &mut impl Instances,
        force: bool,
        steps: &mut Steps,
    ) -> Outcome {
        let g = ids.current(ev.args[0]);
        if !force && !self.is_next(g, GoState::Waiting, ev.args[1]) {
            return Outcome::Blocked(Wait::Goroutine(g, ev.args[1], GoState::Waiting));
        }
        if !g.is_some() {
            return Outcome::Broken("a goroutine is unblocked that was never created");
        }
        self.unbind_elsewhere(g, usize::MAX, force);
        self.set_seq(g, GoState::Runnable, ev.args[1]);
        steps.push(self.threads[m].g, g, GoState::Waiting, GoState::Runnable);
        Outcome::Advanced
    }

    /// A coroutine switch: unblock the next, block or end the current, start the next.
    fn go_switch(
        &mut self,
        m: usize,
        ev: &WireEvent,
        ids: &mut impl Instances,
        to: GoState,
        force: bool,
        steps: &mut Steps,
    ) -> Outcome {
        let (current, outcome) = match self.executing(m, GoState::Running) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        let next = ids.current(ev.args[0]);
        if !force && !self.is_next(next, GoState::Waiting, ev.args[1]) {
            return Outcome::Blocked(Wait::Goroutine(next, ev.args[1], GoState::Waiting));
        }
        if !next.is_some() || next == current {
            return Outcome::Broken("a switch to a goroutine that cannot be");
        }
        self.unbind_elsewhere(next, m, force);
        self.set(current, to);
        self.set_seq(next, GoState::Running, ev.args[1]);
        self.threads[m].g = next;
        steps.push(current, next, GoState::Waiting, GoState::Runnable);
        steps.push(current, current, GoState::Running, to);
        steps.push(GIdx::NONE, next, GoState::Runnable, GoState::Running);
        outcome
    }

    fn syscall_begin(&mut self, m: usize, ev: &WireEvent, force: bool, steps: &mut Steps) -> Outcome {
        let (g, outcome) = match self.executing(m, GoState::Running) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        let p = self.threads[m].p;
        if p == NO_PROC {
            self.set(g, GoState::Syscall);
            steps.push(g, g, GoState::Running, GoState::Syscall);
            return outcome;
        }
        let in_order = force || self.procs[p as usize].seq.wrapping_add(1) == ev.args[0];
        self.set(g, GoState::Syscall);
        self.set_proc(p, ProcState::Syscall, ev.args[0]);
        steps.push(g, g, GoState::Running, GoState::Syscall);
        if in_order { outcome } else { Outcome::Broken("a proc's sequence has a gap") }
    }

    fn syscall_end(&mut self, m: usize, steps: &mut Steps) -> Outcome {
        let (g, outcome) = match self.executing(m, GoState::Syscall) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        let p = self.threads[m].p;
        if p == NO_PROC {
            self.set(g, GoState::Running);
            steps.push(g, g, GoState::Syscall, GoState::Running);
            return outcome;
        }
        let seq = self.procs[p as usize].seq;
        let held = self.procs[p as usize].state == ProcState::Syscall;
        self.set(g, GoState::Running);
        self.set_proc(p, ProcState::Running, seq);
        steps.push(g, g, GoState::Syscall, GoState::Running);
        if held { outcome } else { Outcome::Broken("a system call ends on a proc that was not in one") }
    }

    /// Advances once the thread has lost the proc that it took into the system call.
    fn syscall_end_blocked(&mut self, m: usize, force: bool, steps: &mut Steps) -> Outcome {
        let Thread { g, p } = self.threads[m];
        if p != NO_PROC && self.procs[p as usize].state == ProcState::Syscall {
            if !force {
                return Outcome::Blocked(Wait::Thread(m as u32));
            }
            self.threads[m].p = NO_PROC;
        }
        if !g.is_some() {
            return Outcome::Broken("expected a goroutine but didn't have one");
        }
        let sound = self.state(g) == GoState::Syscall;
        self.set(g, GoState::Runnable);
        self.threads[m].g = GIdx::NONE;
        steps.push(g, g, GoState::Syscall, GoState::Runnable);
        if sound { Outcome::Advanced } else { Outcome::Broken("the goroutine is in another state") }
    }

    fn go_status(&mut self, m: usize, ev: &WireEvent, ids: &mut impl Instances, steps: &mut Steps) -> Outcome {
        let g = ids.current(ev.args[0]);
        let Some(state) = go_state(ev.args[2]).filter(|_| g.is_some()) else {
            return Outcome::Broken("a goroutine's status makes no sense");
        };
        let before = self.state(g);
        self.set_seq(g, state, 0);
        // Its own former state is not known here: generations are ordered alone.
        steps.push(self.threads[m].g, g, GoState::Undetermined, state);
        match state {
            GoState::Running => self.threads[m].g = g,
            GoState::Syscall if ev.args[1] == ThreadId::NONE.0 => {
                return Outcome::Broken("a goroutine is in a system call without a thread");
            }
            GoState::Syscall => {
                let on = self.thread(ev.args[1]) as usize;
                if on == m || !self.threads[on].g.is_some() {
                    self.threads[on].g = g;
                }
            }
            _ => {}
        }
        if before == GoState::Undetermined || before == state {
            Outcome::Advanced
        } else {
            Outcome::Broken("a goroutine's status contradicts its events")
        }
    }

    /// A goroutine appears out of a cgo callback, in a system call.
    fn create_syscall(&mut self, m: usize, ev: &WireEvent, ids: &mut impl Instances, steps: &mut Steps) -> Outcome {
        let g = ids.created(m, ev.args[0]);
        let before = self.threads[m].g;
        if before.is_some() {
            *steps = self.lose_track_of_goroutine(m);
        }
        self.set_seq(g, GoState::Syscall, 0);
        self.threads[m].g = g;
        steps.push(before, g, GoState::NotExist, GoState::Syscall);
        if before.is_some() { Outcome::Broken("expected no goroutine but had one") } else { Outcome::Advanced }
    }

    /// A cgo callback's goroutine disappears, and with it the thread's hold on its proc.
    fn destroy_syscall(&mut self, m: usize, steps: &mut Steps) -> Outcome {
        let Thread { g, p } = self.threads[m];
        if !g.is_some() {
            return Outcome::Broken("expected a goroutine but didn't have one");
        }
        if self.state(g) != GoState::Syscall {
            return Outcome::Broken("the goroutine is in another state");
        }
        if p != NO_PROC {
            let seq = self.procs[p as usize].seq;
            self.set_proc(p, ProcState::SyscallAbandoned, seq);
            // Go's reader queues a ProcSteal of the thread from itself.
            steps.extra = 1;
        }
        self.threads[m] = UNBOUND;
        self.set(g, GoState::NotExist);
        steps.push(g, g, GoState::Syscall, GoState::NotExist);
        Outcome::Advanced
    }

    fn proc_start(&mut self, m: usize, ev: &WireEvent, force: bool) -> Outcome {
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

    fn take_proc_from_others(&mut self, p: u32, force: bool) {
        if force {
            let holder = self.procs[p as usize].holder;
            if let Some(t) = self.threads.get_mut(holder as usize).filter(|t| t.p == p) {
                t.p = NO_PROC;
            }
        }
    }

    /// A thread holds a proc from here on.
    fn hold(&mut self, m: usize, p: u32) {
        self.threads[m].p = p;
        self.procs[p as usize].holder = m as u32;
    }

    fn proc_stop(&mut self, m: usize) -> Outcome {
        let p = self.threads[m].p;
        if p == NO_PROC {
            return Outcome::Broken("expected a proc but didn't have one");
        }
        let seq = self.procs[p as usize].seq;
        self.set_proc(p, ProcState::Idle, seq);
        self.threads[m].p = NO_PROC;
        Outcome::Advanced
    }

    fn proc_steal(&mut self, m: usize, ev: &WireEvent, force: bool) -> Outcome {
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

    fn proc_status(&mut self, m: usize, ev: &WireEvent) -> Outcome {
        let state = match ev.args[1] {
            1 => ProcState::Running,
            2 => ProcState::Idle,
            3 => ProcState::Syscall,
            4 => ProcState::SyscallAbandoned,
            _ => return Outcome::Broken("a proc's status makes no sense"),
        };
        let p = self.proc(ev.args[0]);
        self.set_proc(p, state, 0);
        if matches!(state, ProcState::Running | ProcState::Syscall) {
            self.hold(m, p);
        }
        Outcome::Advanced
    }

    /// Begin and end of a collection may stand on different threads; a number orders them.
    fn gc(&mut self, ev: &WireEvent, force: bool) -> Outcome {
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

/// A goroutine's status on the wire (`tracev2.GoStatus`, Go 1.27).
fn go_state(status: u64) -> Option<GoState> {
    match status {
        1 => Some(GoState::Runnable),
        2 => Some(GoState::Running),
        3 => Some(GoState::Syscall),
        4 => Some(GoState::Waiting),
        _ => None,
    }
}
