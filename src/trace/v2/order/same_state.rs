//! Whether two schedulers are in the same state: what a checkpoint predicted, and what ordering came to.

use super::proc_state::{NO_PROC, ThreadBinding};
use super::scheduler::Scheduler;

impl Scheduler {
    /// Equal to `other`, a state of the same generation, and nothing forced or pending in either. Procs are compared by
    /// their ids: each scheduler numbers them in the order in which it saw them.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let nothing_open = |this: &Self| this.forced_on.is_empty() && this.fulfilled.is_empty();
        // Our procs by the other's numbers, and the other's numbers by ours.
        let mut procs = vec![None; other.procs.len()];
        let mut numbers = vec![NO_PROC; self.procs.len()];
        for (id, &p) in &self.proc_index {
            let Some(&q) = other.proc_index.get(id) else { return false };
            (numbers[p as usize], procs[q as usize]) = (q, Some(self.procs[p as usize]));
        }
        let same_procs = procs.iter().zip(&other.procs).all(|(ours, theirs)| *ours == Some(*theirs));
        let n = self.threads.len().max(other.threads.len());
        let thread = |this: &Self, i| this.threads.get(i).copied().unwrap_or(ThreadBinding::UNBOUND);
        let same_threads = (0..n).all(|i| {
            let ThreadBinding { g, p } = thread(self, i);
            let p = numbers.get(p as usize).copied().unwrap_or(NO_PROC);
            thread(other, i) == ThreadBinding { g, p }
        });
        let same_helpers = self.assisting == other.assisting && self.sweeping == other.sweeping;
        let same_collector = self.next_gc == other.next_gc && same_helpers;
        nothing_open(self)
            && nothing_open(other)
            && same_procs
            && same_threads
            && same_collector
            && self.goroutines.equals(&other.goroutines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::event::GoState;
    use crate::trace::ids::GIdx;
    use crate::trace::v2::batch::ThreadId;
    use crate::trace::v2::order::proc_state::ProcState;
    use crate::trace::v2::order::waiting::Wait;

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
        scheduler.sweeping.insert(GIdx(501));
        scheduler
    }

    #[test]
    fn any_difference_is_noticed() {
        let one = scheduler([7, 8]);
        let same = scheduler([8, 7]);
        assert!(one.equals(&same) && same.equals(&one) && one.equals(&one.clone()));
        let changes: [fn(&mut Scheduler); 15] = [
            |s| s.set_seq(GIdx(500), GoState::Running, 3),
            |s| s.set(GIdx(7), GoState::Runnable),
            |s| s.set(GIdx(8), GoState::Runnable),
            |s| s.set(GIdx(900), GoState::NotExist),
            |s| s.add_waiter(Wait::Goroutine(GIdx(7), 10, GoState::Waiting)),
            |s| s.threads[0].g = GIdx(7),
            |s| s.threads[1].g = GIdx(7),
            |s| s.threads[0].p = NO_PROC,
            |s| s.threads[0].p = s.proc(8),
            |s| _ = s.proc(9),
            |s| s.procs.iter_mut().for_each(|p| p.seq += 1),
            |s| s.procs.iter_mut().for_each(|p| p.holder = 1),
            |s| s.next_gc = Some(4),
            |s| s.assisting.clear(),
            |s| s.sweeping.clear(),
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut other = same.clone();
            change(&mut other);
            assert!(!one.equals(&other) && !other.equals(&one), "change {i}");
        }
    }
}
