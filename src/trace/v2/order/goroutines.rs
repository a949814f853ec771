//! The scheduler's rules for goroutines (`internal/trace/order.go`, Go 1.27): whether an event is allowed, and what it
//! changes.

use super::proc_state::{NO_PROC, ProcState, ThreadBinding};
use super::scheduler::{Attempt, Instances, Scheduler};
use super::steps::{AdvanceResult, GoSteps};
use super::waiting::Wait;
use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::v2::batch::ThreadId;

impl Scheduler {
    /// GoBlock, GoStop, GoDestroy: the goroutine that executes leaves its thread.
    pub(crate) fn leave_running(&mut self, m: usize, to: GoState, steps: &mut GoSteps) -> AdvanceResult {
        let (g, outcome) = match self.executing(m, GoState::Running) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        self.set(g, to);
        self.threads[m].g = GIdx::NONE;
        steps.push(g, g, GoState::Running, to);
        outcome
    }

    /// GoCreate, GoCreateBlocked: the goroutine that executes, or the runtime itself, creates another.
    pub(crate) fn go_create(
        &mut self,
        attempt: Attempt<'_>,
        ids: &mut impl Instances,
        to: GoState,
        steps: &mut GoSteps,
    ) -> AdvanceResult {
        let Attempt { m, ev, .. } = attempt;
        // Pass 1 counts all creations, also those that break a rule: so must this.
        let exists = self.exists(ids.current(ev.args[0]));
        let g = ids.created(m, ev.args[0]);
        let creator = self.threads[m].g;
        self.set_seq(g, to, 0);
        steps.push(creator, g, GoState::NotExist, to);
        match self.require_proc(m) {
            AdvanceResult::Advanced if exists => AdvanceResult::Broken("a goroutine is created that exists already"),
            AdvanceResult::Advanced if creator.is_some() && self.state(creator) != GoState::Running => {
                AdvanceResult::Broken("a goroutine that does not run creates another")
            }
            outcome => outcome,
        }
    }

    /// Whether a goroutine is known to live.
    fn exists(&self, g: GIdx) -> bool {
        !matches!(self.state(g), GoState::Undetermined | GoState::NotExist)
    }

    /// The goroutine that an event's first argument names, if the second is its next sequence number and it is in the
    /// state `from`, or the event is forced; none where it was never created. Else what the event waits for.
    #[inline]
    fn named(
        &self,
        Attempt { m, ev, force }: Attempt<'_>,
        ids: &mut impl Instances,
        from: GoState,
    ) -> Result<Option<GIdx>, AdvanceResult> {
        let g = ids.current(ev.args[0]);
        let allowed = force || self.is_next(g, from, ev.args[1]) || self.is_next_of_lost(g, ev.args[1]);
        // The thread would wait for itself.
        if !allowed && !self.is_next_of_own(m, g, ev.args[1]) {
            return Err(AdvanceResult::Blocked(Wait::Goroutine(g, ev.args[1], from)));
        }
        Ok(g.is_some().then_some(g))
    }

    /// GoStart: the thread begins to execute a goroutine.
    pub(crate) fn go_start(
        &mut self,
        attempt: Attempt<'_>,
        ids: &mut impl Instances,
        steps: &mut GoSteps,
    ) -> AdvanceResult {
        let Attempt { m, ev, force } = attempt;
        let g = match self.named(attempt, ids, GoState::Runnable) {
            Ok(Some(g)) => g,
            Ok(None) => return AdvanceResult::Broken("a goroutine starts that was never created"),
            Err(blocked) => return blocked,
        };
        let before = self.threads[m].g;
        if before.is_some() {
            *steps = self.lose_track_of_goroutine(m);
        }
        self.unbind_elsewhere(g, m, force);
        self.set_seq(g, GoState::Running, ev.args[1]);
        self.threads[m].g = g;
        steps.push(GIdx::NONE, g, GoState::Runnable, GoState::Running);
        if self.threads[m].p == NO_PROC {
            return AdvanceResult::Broken("expected a proc but didn't have one");
        }
        if before.is_some() {
            AdvanceResult::Broken("expected no goroutine but had one")
        } else {
            AdvanceResult::Advanced
        }
    }

    /// What the thread executes is not known any more; the proc that it holds is.
    pub(crate) fn lose_track_of_goroutine(&mut self, m: usize) -> GoSteps {
        let p = self.threads[m].p;
        let steps = self.lose_track(m);
        self.threads[m].p = p;
        steps
    }

    /// Takes a goroutine away from the thread on which it executes, unless that is `m`: it can execute on one thread
    /// only. Only forced events can break that.
    pub(crate) fn unbind_elsewhere(&mut self, g: GIdx, m: usize, force: bool) {
        if !force {
            return;
        }
        // Which threads execute goroutines is looked up once, at the first forced event.
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

    /// GoUnblock: a goroutine that waits becomes runnable.
    pub(crate) fn go_unblock(
        &mut self,
        attempt: Attempt<'_>,
        ids: &mut impl Instances,
        steps: &mut GoSteps,
    ) -> AdvanceResult {
        let Attempt { m, ev, force } = attempt;
        let g = match self.named(attempt, ids, GoState::Waiting) {
            Ok(Some(g)) => g,
            Ok(None) => return AdvanceResult::Broken("a goroutine is unblocked that was never created"),
            Err(blocked) => return blocked,
        };
        let own = !force && self.threads[m].g == g && self.state(g) != GoState::Waiting;
        if own {
            *steps = self.lose_track_of_goroutine(m);
        }
        self.unbind_elsewhere(g, usize::MAX, force);
        self.set_seq(g, GoState::Runnable, ev.args[1]);
        steps.push(self.threads[m].g, g, GoState::Waiting, GoState::Runnable);
        if own {
            AdvanceResult::Broken("a goroutine that executes is unblocked by itself")
        } else {
            AdvanceResult::Advanced
        }
    }

    /// GoSwitch, GoSwitchDestroy: a coroutine switch unblocks the next goroutine, blocks or ends the current one, and
    /// starts the next.
    pub(crate) fn go_switch(
        &mut self,
        attempt: Attempt<'_>,
        ids: &mut impl Instances,
        to: GoState,
        steps: &mut GoSteps,
    ) -> AdvanceResult {
        let Attempt { m, ev, force } = attempt;
        let (current, outcome) = match self.executing(m, GoState::Running) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        let next = match self.named(attempt, ids, GoState::Waiting) {
            Ok(Some(next)) if next != current => next,
            Ok(_) => return AdvanceResult::Broken("a switch to a goroutine that cannot be"),
            Err(blocked) => return blocked,
        };
        self.unbind_elsewhere(next, m, force);
        self.set(current, to);
        self.set_seq(next, GoState::Running, ev.args[1]);
        self.threads[m].g = next;
        steps.push(current, next, GoState::Waiting, GoState::Runnable);
        steps.push(current, current, GoState::Running, to);
        steps.push(GIdx::NONE, next, GoState::Runnable, GoState::Running);
        outcome
    }

    /// GoSyscallBegin: the goroutine that executes enters a system call, with its proc.
    pub(crate) fn syscall_begin(&mut self, attempt: Attempt<'_>, steps: &mut GoSteps) -> AdvanceResult {
        let Attempt { m, ev, force } = attempt;
        let (g, outcome) = match self.executing(m, GoState::Running) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        let Some((p, proc)) = self.held_proc(m) else {
            self.set(g, GoState::Syscall);
            steps.push(g, g, GoState::Running, GoState::Syscall);
            return outcome;
        };
        let in_order = force || proc.seq.wrapping_add(1) == ev.args[0];
        self.set(g, GoState::Syscall);
        self.set_proc(p, ProcState::Syscall, ev.args[0]);
        steps.push(g, g, GoState::Running, GoState::Syscall);
        if in_order { outcome } else { AdvanceResult::Broken("a proc's sequence has a gap") }
    }

    /// GoSyscallEnd: the system call ends, and the thread still has its proc.
    pub(crate) fn syscall_end(&mut self, m: usize, steps: &mut GoSteps) -> AdvanceResult {
        let (g, outcome) = match self.executing(m, GoState::Syscall) {
            Ok(executing) => executing,
            Err(broken) => return broken,
        };
        let Some((p, proc)) = self.held_proc(m) else {
            self.set(g, GoState::Running);
            steps.push(g, g, GoState::Syscall, GoState::Running);
            return outcome;
        };
        let held = proc.state == ProcState::Syscall;
        self.set(g, GoState::Running);
        self.set_proc(p, ProcState::Running, proc.seq);
        steps.push(g, g, GoState::Syscall, GoState::Running);
        if held { outcome } else { AdvanceResult::Broken("a system call ends on a proc that was not in one") }
    }

    /// GoSyscallEndBlocked: the system call ends, and another thread has taken the proc. Blocked until it has.
    pub(crate) fn syscall_end_blocked(&mut self, m: usize, force: bool, steps: &mut GoSteps) -> AdvanceResult {
        let g = self.threads[m].g;
        if self.held_proc(m).is_some_and(|(_, proc)| proc.state == ProcState::Syscall) {
            if !force {
                return AdvanceResult::Blocked(Wait::Thread(m as u32));
            }
            self.threads[m].p = NO_PROC;
        }
        if !g.is_some() {
            return self.lacks_goroutine(m);
        }
        let sound = self.state(g) == GoState::Syscall;
        self.set(g, GoState::Runnable);
        self.threads[m].g = GIdx::NONE;
        steps.push(g, g, GoState::Syscall, GoState::Runnable);
        if sound { AdvanceResult::Advanced } else { AdvanceResult::Broken("the goroutine is in another state") }
    }

    /// GoStatus, GoStatusStack: a goroutine's state at the generation's start.
    pub(crate) fn go_status(
        &mut self,
        attempt: Attempt<'_>,
        ids: &mut impl Instances,
        steps: &mut GoSteps,
    ) -> AdvanceResult {
        let Attempt { m, ev, .. } = attempt;
        let g = ids.current(ev.args[0]);
        let Some(state) = go_state(ev.args[2]).filter(|_| g.is_some()) else {
            return AdvanceResult::Broken("a goroutine's status makes no sense");
        };
        let before = self.state(g);
        self.set_seq(g, state, 0);
        // Its state in the generation before is not known here.
        steps.push(self.threads[m].g, g, GoState::Undetermined, state);
        match state {
            GoState::Running if !self.is_no_thread(m) => {
                self.threads[m].g = g;
                self.note_sweeper(m, steps);
            }
            GoState::Syscall if ev.args[1] == ThreadId::NONE.0 => {
                return AdvanceResult::Broken("a goroutine is in a system call without a thread");
            }
            GoState::Syscall => {
                let on = self.thread(ev.args[1]) as usize;
                let other = self.threads[on].g;
                if on == m || !other.is_some() {
                    self.threads[on].g = g;
                }
                if other.is_some() && other != g {
                    return AdvanceResult::Broken("a goroutine is in a system call on a thread that executes another");
                }
            }
            _ => {}
        }
        if before == GoState::Undetermined || before == state {
            AdvanceResult::Advanced
        } else {
            AdvanceResult::Broken("a goroutine's status contradicts its events")
        }
    }

    /// GoCreateSyscall: a thread of C code calls Go, and gets a goroutine, in a system call.
    pub(crate) fn create_syscall(
        &mut self,
        attempt: Attempt<'_>,
        ids: &mut impl Instances,
        steps: &mut GoSteps,
    ) -> AdvanceResult {
        let Attempt { m, ev, .. } = attempt;
        let exists = self.exists(ids.current(ev.args[0]));
        let g = ids.created(m, ev.args[0]);
        let before = self.threads[m].g;
        if before.is_some() {
            *steps = self.lose_track_of_goroutine(m);
        }
        self.set_seq(g, GoState::Syscall, 0);
        self.threads[m].g = g;
        steps.push(before, g, GoState::NotExist, GoState::Syscall);
        if exists {
            AdvanceResult::Broken("a goroutine is created that exists already")
        } else if before.is_some() {
            AdvanceResult::Broken("expected no goroutine but had one")
        } else {
            AdvanceResult::Advanced
        }
    }

    /// GoDestroySyscall: the call from C ends. Its goroutine is gone, and the thread holds its proc no more.
    pub(crate) fn destroy_syscall(&mut self, m: usize, steps: &mut GoSteps) -> AdvanceResult {
        let g = self.threads[m].g;
        if !g.is_some() {
            return self.lacks_goroutine(m);
        }
        if self.state(g) != GoState::Syscall {
            return AdvanceResult::Broken("the goroutine is in another state");
        }
        if let Some((p, proc)) = self.held_proc(m) {
            self.set_proc(p, ProcState::SyscallAbandoned, proc.seq);
            // Go's reader queues a ProcSteal of the thread from itself.
            steps.extra = 1;
        }
        self.threads[m] = ThreadBinding::UNBOUND;
        self.set(g, GoState::NotExist);
        steps.push(g, g, GoState::Syscall, GoState::NotExist);
        AdvanceResult::Advanced
    }
}

/// The state that a goroutine's status on the wire means (`tracev2.GoStatus`, Go 1.27); `None` for any other number.
pub(crate) fn go_state(status: u64) -> Option<GoState> {
    match status {
        1 => Some(GoState::Runnable),
        2 => Some(GoState::Running),
        3 => Some(GoState::Syscall),
        4 => Some(GoState::Waiting),
        _ => None,
    }
}
