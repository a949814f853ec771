//! What a thread of the simulated scheduler may do next.

use super::{Life, Mark, REASONS, RUNNING, SYSCALL, World};
use gotrace_slice::trace::testing::code;

impl World {
    pub(super) fn take_proc(&mut self, t: usize) {
        let Some(p) = (0..self.procs.len()).find(|&p| self.procs[p].holder.is_none()) else { return };
        if !std::mem::replace(&mut self.procs[p].announced, true) {
            self.emit(t, code::PROC_STATUS, &[p as u64, 2]);
        }
        let seq = self.next_proc_seq(p);
        self.emit(t, code::PROC_START, &[p as u64, seq]);
        self.procs[p].holder = Some(t);
        self.threads[t].proc = Some(p);
    }

    pub(super) fn schedule(&mut self, t: usize, p: usize) {
        if self.below(6) == 0 {
            self.emit(t, code::PROC_STOP, &[]);
            self.procs[p].holder = None;
            self.threads[t].proc = None;
        } else if self.below(3) == 0 {
            self.unblock(t, None);
        } else if let Some(g) = self.any(|g| g.state == "runnable") {
            self.announce(t, g);
            let seq = self.next_seq(g);
            self.emit(t, code::GO_START, &[self.gs[g].id, seq]);
            self.enter(g, RUNNING, self.now);
            self.mark(g, self.now, Mark::Resume);
            self.threads[t].g = Some(g);
        }
    }

    /// Somebody else's wait ends; coroutines only wake each other.
    pub(super) fn unblock(&mut self, t: usize, by: Option<usize>) {
        let waits = |g: &Life| !["runnable", RUNNING, SYSCALL, "gone"].contains(&g.state.as_str());
        let Some(g) = self.any(|g| waits(g) && g.partner.is_none() && !g.coroutine) else { return };
        self.announce(t, g);
        let seq = self.next_seq(g);
        let (id, args) = (self.gs[g].id, code::GO_UNBLOCK);
        match by {
            Some(by) if self.below(2) == 0 => self.emit_stacked(t, by, args, &[id, seq]),
            _ => self.emit(t, args, &[id, seq, 0]),
        }
        self.enter(g, "runnable", self.now);
    }

    pub(super) fn run(&mut self, t: usize, g: usize) {
        let coroutines = self.plan.version != "1.22";
        match self.below(12) {
            0 | 1 => self.create(t, g, false),
            2 | 3 => {
                let reason = REASONS[self.below(5) as usize];
                let string = self.names.string(reason.as_bytes());
                self.emit_stacked(t, g, code::GO_BLOCK, &[string]);
                self.enter(g, if reason.is_empty() { "unknown" } else { reason }, self.now);
                self.threads[t].g = None;
            }
            4 => {
                let string = self.names.string(b"preempted");
                self.emit_stacked(t, g, code::GO_STOP, &[string]);
                self.enter(g, "runnable", self.now);
                self.threads[t].g = None;
            }
            5 | 6 => {
                let p = self.threads[t].proc.expect("a proc");
                let seq = self.next_proc_seq(p);
                self.emit_stacked(t, g, code::GO_SYSCALL_BEGIN, &[seq]);
                self.enter(g, SYSCALL, self.now);
            }
            7 if self.gs[g].partner.is_none() && self.below(2) == 0 => {
                self.emit(t, code::GO_DESTROY, &[]);
                self.mark(g, self.now, Mark::End);
                self.enter(g, "gone", self.now);
                self.threads[t].g = None;
            }
            8 if coroutines && self.gs[g].partner.is_none() => self.create(t, g, true),
            9 if self.gs[g].partner.is_some() => self.switch(t, g),
            10 => self.emit_stacked(t, g, code::USER_LOG, &[0, 0, 0]),
            _ => self.unblock(t, Some(g)),
        }
    }

    pub(super) fn create(&mut self, t: usize, g: usize, coroutine: bool) {
        let entry = format!("main.f{}", self.below(6));
        let entry_stack = self.names.stack(&[&entry]);
        let child = self.born(Some(g), entry, Vec::new());
        let code = if coroutine { code::GO_CREATE_BLOCKED } else { code::GO_CREATE };
        self.emit_stacked(t, g, code, &[self.gs[child].id, entry_stack]);
        let creation = self.gs[g].stack.clone();
        let now = self.now;
        let life = &mut self.gs[child];
        (life.created, life.since, life.announced, life.creation) = (Some(now), now, true, creation);
        life.state = if coroutine { "unknown" } else { "runnable" }.into();
        if coroutine {
            life.coroutine = true;
            life.partner = Some(g);
            self.gs[g].partner = Some(child);
        }
    }

    /// To the other side of a coroutine, which waits for that; a coroutine may end with it.
    pub(super) fn switch(&mut self, t: usize, g: usize) {
        let next = self.gs[g].partner.expect("a partner");
        if self.status(next) != 4 {
            return;
        }
        self.announce(t, next);
        let seq = self.next_seq(next);
        let ends = self.gs[g].coroutine && self.below(3) == 0;
        self.emit(t, if ends { code::GO_SWITCH_DESTROY } else { code::GO_SWITCH }, &[self.gs[next].id, seq]);
        self.enter(next, "runnable", self.now);
        self.now += 1;
        self.enter(g, if ends { "gone" } else { "unknown" }, self.now);
        if ends {
            self.mark(g, self.now, Mark::End);
            (self.gs[g].partner, self.gs[next].partner) = (None, None);
        }
        self.gs[g].stack.clear();
        self.now += 1;
        self.enter(next, RUNNING, self.now);
        self.mark(next, self.now, Mark::Resume);
        self.threads[t].g = Some(next);
    }

    pub(super) fn in_syscall(&mut self, t: usize, g: usize) {
        let proc = self.threads[t].proc;
        match proc {
            Some(_) if self.below(2) == 0 => {
                self.emit(t, code::GO_SYSCALL_END, &[]);
                self.enter(g, RUNNING, self.now);
                self.mark(g, self.now, Mark::Resume);
            }
            Some(p) => {
                let thief = self.below(self.plan.threads as u64) as usize;
                let seq = self.next_proc_seq(p);
                self.emit(thief, code::PROC_STEAL, &[p as u64, seq, 100 + t as u64]);
                self.procs[p].holder = None;
                self.threads[t].proc = None;
            }
            None => {
                if self.below(2) == 0 {
                    self.take_proc(t);
                }
                self.emit(t, code::GO_SYSCALL_END_BLOCKED, &[]);
                self.enter(g, "runnable", self.now);
                self.threads[t].g = None;
            }
        }
    }
}
