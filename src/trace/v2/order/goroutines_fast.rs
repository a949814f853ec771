//! The usual events of a sound trace, in few instructions. HOT.
//!
//! Says nothing that the rules in `goroutines.rs` do not say: an event that has to wait, breaks a rule, or is waited
//! for is left to them, with nothing changed.

use super::out::Out;
use super::scheduler::{Instances, NO_PROC, ProcState, Scheduler, Thread};
use super::steps::Step;
use crate::trace::event::{GoState, Sink};
use crate::trace::ids::GIdx;
use crate::trace::v2::reader::WireEvent;
use crate::trace::wire::event_spec::code;

/// What a usual event says.
pub(crate) struct Usual {
    pub(crate) step: Step,
    /// The stack of the goroutine that executed (wire id); none where its kind of event has none.
    pub(crate) stack: Option<u64>,
    /// Why it stopped (wire id of a string).
    pub(crate) reason: Option<u64>,
}

impl Scheduler {
    /// Hands a usual event of a thread to `out`, if it can be next and breaks no rule. Each of the most frequent ones
    /// has a call of its own: what is always so of it need not be looked at.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    pub(crate) fn usual(
        &mut self,
        thread: &mut Thread,
        ev: &WireEvent,
        ids: &impl Instances,
        out: &mut Out<'_, impl Sink>,
    ) -> bool {
        let [a, b, c, _] = ev.args;
        match ev.code {
            code::GO_START => {
                let Some(step) = self.usual_start(thread, ids.current(a), b) else { return false };
                out.usual(ev, &Usual { step, stack: None, reason: None });
            }
            code::GO_UNBLOCK => {
                let Some(step) = self.usual_unblock(*thread, ids.current(a), b) else { return false };
                out.usual(ev, &Usual { step, stack: Some(c), reason: None });
            }
            code::GO_BLOCK => {
                let Some(step) = self.usual_stop(thread, GoState::Waiting) else { return false };
                out.usual(ev, &Usual { step, stack: Some(b), reason: Some(a) });
            }
            _ => {
                let Some(usual) = self.less_usual(thread, ev) else { return false };
                out.usual(ev, &usual);
            }
        }
        true
    }

    #[inline]
    fn less_usual(&mut self, thread: &mut Thread, ev: &WireEvent) -> Option<Usual> {
        let [a, b, ..] = ev.args;
        let (step, stack, reason) = match ev.code {
            code::GO_STOP => (self.usual_stop(thread, GoState::Runnable)?, Some(b), Some(a)),
            code::GO_DESTROY => (self.usual_stop(thread, GoState::NotExist)?, None, None),
            code::GO_SYSCALL_BEGIN => (self.usual_syscall_begin(*thread, a)?, Some(b), None),
            code::GO_SYSCALL_END => (self.usual_syscall_end(*thread)?, None, None),
            _ => return None,
        };
        Some(Usual { step, stack, reason })
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn usual_start(&mut self, thread: &mut Thread, g: GIdx, seq: u64) -> Option<Step> {
        let goroutine = self.goroutines.get_mut(g)?;
        let next = goroutine.is_undisturbed(GoState::Runnable) && goroutine.seq.wrapping_add(1) == seq;
        if !next || thread.p == NO_PROC || thread.g.is_some() {
            return None;
        }
        goroutine.seq = seq;
        goroutine.enter_undisturbed(GoState::Running);
        thread.g = g;
        Some(Step { context: GIdx::NONE, g, from: GoState::Runnable, to: GoState::Running })
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn usual_unblock(&mut self, thread: Thread, g: GIdx, seq: u64) -> Option<Step> {
        let goroutine = self.goroutines.get_mut(g)?;
        if !goroutine.is_undisturbed(GoState::Waiting) || goroutine.seq.wrapping_add(1) != seq {
            return None;
        }
        goroutine.seq = seq;
        goroutine.enter_undisturbed(GoState::Runnable);
        Some(Step { context: thread.g, g, from: GoState::Waiting, to: GoState::Runnable })
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn usual_stop(&mut self, thread: &mut Thread, to: GoState) -> Option<Step> {
        let g = thread.g;
        let goroutine = self.goroutines.get_mut(g)?;
        if !goroutine.is_undisturbed(GoState::Running) || thread.p == NO_PROC {
            return None;
        }
        goroutine.enter_undisturbed(to);
        thread.g = GIdx::NONE;
        Some(Step { context: g, g, from: GoState::Running, to })
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn usual_syscall_begin(&mut self, thread: Thread, seq: u64) -> Option<Step> {
        let g = thread.g;
        let proc = self.procs.get_mut(thread.p as usize)?;
        let goroutine = self.goroutines.get_mut(g)?;
        let next = goroutine.is_undisturbed(GoState::Running) && proc.seq.wrapping_add(1) == seq;
        if !next || proc.waiters > 0 {
            return None;
        }
        goroutine.enter_undisturbed(GoState::Syscall);
        (proc.seq, proc.state) = (seq, ProcState::Syscall);
        Some(Step { context: g, g, from: GoState::Running, to: GoState::Syscall })
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    fn usual_syscall_end(&mut self, thread: Thread) -> Option<Step> {
        let g = thread.g;
        let proc = self.procs.get_mut(thread.p as usize)?;
        let goroutine = self.goroutines.get_mut(g)?;
        let held = goroutine.is_undisturbed(GoState::Syscall) && proc.state == ProcState::Syscall;
        if !held || proc.waiters > 0 {
            return None;
        }
        goroutine.enter_undisturbed(GoState::Running);
        proc.state = ProcState::Running;
        Some(Step { context: g, g, from: GoState::Syscall, to: GoState::Running })
    }
}
