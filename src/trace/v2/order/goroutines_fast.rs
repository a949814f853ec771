//! The scheduler's rules for the most frequent events, in few instructions. On the hot path.
//!
//! Equal to the rules in `goroutines.rs` for events that are allowed, break no rule and end no thread's wait: the same
//! change of state, the same step (the test below compares them). All other events are refused with nothing changed,
//! and the caller follows the general rules. The bench `order` in `benches/pipeline.rs` measures the gain.

use super::emitter::Emitter;
use super::proc_state::{NO_PROC, ProcState, ThreadBinding};
use super::scheduler::{Instances, Scheduler};
use super::steps::{GoStep, WireStep};
use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::sink::Sink;
use crate::trace::v2::reader::WireEvent;
use crate::trace::wire::event_spec::code;

impl Scheduler {
    /// Takes an event of the thread with this binding and emits it. Returns false, with nothing changed, if it is not
    /// one for the fast path. The three most frequent kinds have their own call of `emit_fast`, each inlined with what
    /// is known of its kind.
    #[inline(always)]
    pub(crate) fn advance_fast(
        &mut self,
        thread: &mut ThreadBinding,
        ev: &WireEvent,
        ids: &impl Instances,
        emitter: &mut Emitter<'_, impl Sink>,
    ) -> bool {
        let [a, b, c, _] = ev.args;
        match ev.code {
            code::GO_START => {
                let Some(step) = self.start_fast(thread, ids.current(a), b) else { return false };
                emitter.emit_fast(ev, &WireStep { step, stack: None, reason: None });
            }
            code::GO_UNBLOCK => {
                let Some(step) = self.unblock_fast(*thread, ids.current(a), b) else { return false };
                emitter.emit_fast(ev, &WireStep { step, stack: Some(c), reason: None });
            }
            code::GO_BLOCK => {
                let Some(step) = self.stop_fast(thread, GoState::Waiting) else { return false };
                emitter.emit_fast(ev, &WireStep { step, stack: Some(b), reason: Some(a) });
            }
            _ => {
                let Some(wire_step) = self.advance_rarer_fast(thread, ev) else { return false };
                emitter.emit_fast(ev, &wire_step);
            }
        }
        true
    }

    #[inline]
    fn advance_rarer_fast(&mut self, thread: &mut ThreadBinding, ev: &WireEvent) -> Option<WireStep> {
        let [a, b, ..] = ev.args;
        let (step, stack, reason) = match ev.code {
            code::GO_STOP => (self.stop_fast(thread, GoState::Runnable)?, Some(b), Some(a)),
            code::GO_DESTROY => (self.stop_fast(thread, GoState::NotExist)?, None, None),
            code::GO_SYSCALL_BEGIN => (self.syscall_begin_fast(*thread, a)?, Some(b), None),
            code::GO_SYSCALL_END => (self.syscall_end_fast(*thread)?, None, None),
            _ => return None,
        };
        Some(WireStep { step, stack, reason })
    }

    #[inline(always)]
    fn start_fast(&mut self, thread: &mut ThreadBinding, g: GIdx, seq: u64) -> Option<GoStep> {
        let goroutine = self.goroutines.get_mut(g)?;
        let next = goroutine.is_unawaited(GoState::Runnable) && goroutine.seq.wrapping_add(1) == seq;
        if !next || thread.p == NO_PROC || thread.g.is_some() {
            return None;
        }
        goroutine.seq = seq;
        goroutine.set_unawaited(GoState::Running);
        thread.g = g;
        Some(GoStep { by: GIdx::NONE, g, from: GoState::Runnable, to: GoState::Running })
    }

    #[inline(always)]
    fn unblock_fast(&mut self, thread: ThreadBinding, g: GIdx, seq: u64) -> Option<GoStep> {
        let goroutine = self.goroutines.get_mut(g)?;
        if !goroutine.is_unawaited(GoState::Waiting) || goroutine.seq.wrapping_add(1) != seq {
            return None;
        }
        goroutine.seq = seq;
        goroutine.set_unawaited(GoState::Runnable);
        Some(GoStep { by: thread.g, g, from: GoState::Waiting, to: GoState::Runnable })
    }

    #[inline(always)]
    fn stop_fast(&mut self, thread: &mut ThreadBinding, to: GoState) -> Option<GoStep> {
        let g = thread.g;
        let goroutine = self.goroutines.get_mut(g)?;
        if !goroutine.is_unawaited(GoState::Running) || thread.p == NO_PROC {
            return None;
        }
        goroutine.set_unawaited(to);
        thread.g = GIdx::NONE;
        Some(GoStep { by: g, g, from: GoState::Running, to })
    }

    #[inline(always)]
    fn syscall_begin_fast(&mut self, thread: ThreadBinding, seq: u64) -> Option<GoStep> {
        let g = thread.g;
        let proc = self.procs.get_mut(thread.p as usize)?;
        let goroutine = self.goroutines.get_mut(g)?;
        let next = goroutine.is_unawaited(GoState::Running) && proc.seq.wrapping_add(1) == seq;
        if !next || proc.waiters > 0 {
            return None;
        }
        goroutine.set_unawaited(GoState::Syscall);
        (proc.seq, proc.state) = (seq, ProcState::Syscall);
        Some(GoStep { by: g, g, from: GoState::Running, to: GoState::Syscall })
    }

    #[inline(always)]
    fn syscall_end_fast(&mut self, thread: ThreadBinding) -> Option<GoStep> {
        let g = thread.g;
        let proc = self.procs.get_mut(thread.p as usize)?;
        let goroutine = self.goroutines.get_mut(g)?;
        let held = goroutine.is_unawaited(GoState::Syscall) && proc.state == ProcState::Syscall;
        if !held || proc.waiters > 0 {
            return None;
        }
        goroutine.set_unawaited(GoState::Running);
        proc.state = ProcState::Running;
        Some(GoStep { by: g, g, from: GoState::Syscall, to: GoState::Running })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::event::Event;
    use crate::trace::time::Time;
    use crate::trace::v2::batch::ThreadId;
    use crate::trace::v2::order::scheduler::Attempt;
    use crate::trace::v2::order::steps::{AdvanceResult, GoSteps};
    use crate::trace::v2::order::translate::GenerationNames;
    use crate::trace::v2::order::waiting::Wait;
    use crate::trace::wire::event_spec::EVENTS;

    /// Each id is a goroutine's index.
    struct Ids;

    impl Instances for Ids {
        fn current(&self, id: u64) -> GIdx {
            GIdx(id as u32)
        }

        fn created(&mut self, _thread: usize, id: u64) -> GIdx {
            self.current(id)
        }
    }

    /// Keeps all events as text.
    #[derive(Default, PartialEq, Debug)]
    struct Events(Vec<String>);

    impl Sink for Events {
        fn wants(&self, _: GIdx) -> bool {
            true
        }

        fn event(&mut self, event: &Event, index: u64) {
            self.0.push(format!("{index} {event:?}"));
        }
    }

    /// All states of a goroutine, a proc and a thread that the rules tell apart.
    fn schedulers() -> Vec<Scheduler> {
        let mut schedulers = Vec::new();
        let procs = [
            ProcState::Undetermined,
            ProcState::Running,
            ProcState::Idle,
            ProcState::Syscall,
            ProcState::SyscallAbandoned,
        ];
        for (g_state, p_state) in GoState::ALL.iter().flat_map(|g| procs.map(|p| (*g, p))) {
            for bits in 0..16 {
                let is = |bit: u32| bits >> bit & 1 == 1;
                let mut scheduler = Scheduler::default();
                scheduler.begin(10, &[ThreadId(1), ThreadId(2)], None);
                scheduler.set_seq(GIdx(3), g_state, 6);
                let p = scheduler.proc(0);
                scheduler.set_proc(p, p_state, 6);
                let (g, p) = (if is(0) { GIdx(3) } else { GIdx::NONE }, if is(1) { p } else { NO_PROC });
                scheduler.threads[0] = ThreadBinding { g, p };
                if is(2) {
                    scheduler.add_waiter(Wait::Goroutine(GIdx(3), 7, GoState::Waiting));
                }
                if is(3) {
                    scheduler.add_waiter(Wait::Proc(0, 7, true));
                }
                schedulers.push(scheduler);
            }
        }
        schedulers
    }

    /// What each event emits and changes by the general rules, and by the fast ones if these take it.
    fn check(scheduler: &Scheduler, ev: &WireEvent) -> bool {
        let names = GenerationNames::default();
        let (mut fast_events, mut events) = (Events::default(), Events::default());
        let (mut fast, mut general) = (scheduler.clone(), scheduler.clone());
        let [mut binding, other] = fast.bindings([0, 1]);
        let mut emitter = Emitter { last: Time::MIN, emitted: 0, sink: &mut fast_events, names: &names };
        let taken = fast.advance_fast(&mut binding, ev, &Ids, &mut emitter);
        fast.set_bindings([0, 1], [binding, other]);
        if !taken {
            assert!(fast.equals(scheduler) && fast_events == Events::default(), "{ev:?}");
            return false;
        }
        let (executing, mut steps) = (general.goroutine_of(0), GoSteps::default());
        let result = general.advance(Attempt { m: 0, ev, force: false }, &mut Ids, &mut steps);
        let mut emitter = Emitter { last: Time::MIN, emitted: 0, sink: &mut events, names: &names };
        emitter.emit(ev, executing, &steps);
        assert_eq!(result, AdvanceResult::Advanced, "{ev:?}");
        assert!(fast.equals(&general), "{ev:?}");
        assert_eq!(fast_events, events);
        true
    }

    #[test]
    fn the_fast_rules_agree_with_the_general_ones() {
        let mut taken = [0; 256];
        for scheduler in schedulers() {
            for code in (0..=u8::MAX).filter(|code| EVENTS[*code as usize].timed) {
                // The right and a wrong sequence number, of a goroutine or a proc.
                for args in [[3, 7, 1, 0], [3, 8, 1, 0], [7, 1, 0, 0], [8, 1, 0, 0], [u64::MAX, 7, 1, 0]] {
                    let event = WireEvent { pos: 1, time: Time(5), code, args };
                    taken[code as usize] += u32::from(check(&scheduler, &event));
                }
            }
        }
        let codes: Vec<u8> = (0..=u8::MAX).filter(|code| taken[*code as usize] > 0).collect();
        let stops = [code::GO_DESTROY, code::GO_STOP, code::GO_BLOCK];
        let others = [code::GO_UNBLOCK, code::GO_SYSCALL_BEGIN, code::GO_SYSCALL_END];
        assert_eq!(codes, [&[code::GO_START][..], &stops, &others].concat());
    }
}
