//! A predicted state of the order at a time inside a generation.

use super::observed_state::{ObservedState, ObservedThread, put_later};
use crate::trace::event::GoState;
use crate::trace::ids::{GIdx, GoId};
use crate::trace::time::Time;
use crate::trace::v2::batch::GenerationIndex;
use crate::trace::v2::generation::ThreadBatches;
use crate::trace::v2::order::proc_state::{NO_PROC, ProcState, ThreadBinding};
use crate::trace::v2::order::scheduler::Scheduler;
use crate::trace::v2::order::state::OrderState;
use crate::trace::v2::order::threads::Position;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;

/// A predicted state at a split time: events before it and those from it on are ordered independently.
///
/// It is right unless the trace is damaged or contradicts the scheduler's rules; ordering what is before it verifies
/// it.
pub(crate) struct Checkpoint {
    order: OrderState,
    /// How many goroutines each thread created before it.
    created: Vec<u32>,
    /// Where the CPU samples before it stand in the file, in order of time.
    samples: Vec<u64>,
}

impl Checkpoint {
    /// The start of a generation, in a trace of this many goroutines.
    pub(super) fn start(n_goroutines: usize, index: &GenerationIndex, first_gc: Option<u64>) -> Self {
        let mut scheduler = Scheduler::default();
        scheduler.begin(n_goroutines, &index.threads, first_gc);
        let n = index.threads.len();
        let order = OrderState { time: Time::MIN, positions: vec![None; n], scheduler, n_samples: 0 };
        Self { order, created: vec![0; n], samples: Vec::new() }
    }

    /// The checkpoint at a later split time, by what groups of the generation's threads, in their order, observed
    /// since this one. `goroutine` gives the goroutine of an id; `samples` are the positions of the CPU samples before
    /// that time.
    pub(super) fn advance(
        &self,
        time: Time,
        observed: Vec<ObservedState>,
        goroutine: impl Fn(GoId) -> GIdx,
        samples: Vec<u64>,
    ) -> Self {
        let mut scheduler = self.order.scheduler.clone();
        let threads = merge(&mut scheduler, observed, &goroutine);
        let (mut positions, mut created) = (Vec::new(), Vec::new());
        for (thread, observed) in threads.into_iter().enumerate() {
            // Another thread has stolen the proc if there is a later number than the one that this thread knows.
            let held = observed.proc.map(|(id, seq)| (scheduler.proc(id), seq));
            let held = held.filter(|(p, seq)| scheduler.procs[*p as usize].seq == *seq);
            let g = if observed.g == GoId::NONE { GIdx::NONE } else { goroutine(observed.g) };
            scheduler.threads[thread] = ThreadBinding { g, p: held.map_or(NO_PROC, |(p, _)| p) };
            positions.push(observed.position);
            created.push(observed.created);
        }
        let order = OrderState { time, positions, scheduler, n_samples: samples.len() };
        Self { order, created, samples }
    }

    /// The split time.
    pub(crate) fn time(&self) -> Time {
        self.order.time
    }

    /// What ordering starts from, or is compared with.
    pub(crate) fn order(&self) -> &OrderState {
        &self.order
    }

    /// How many goroutines each thread created before the checkpoint, in the order of the generation's threads.
    pub(crate) fn created(&self) -> &[u32] {
        &self.created
    }

    /// Where the CPU samples before the checkpoint stand in the file, in order of time.
    pub(crate) fn samples(&self) -> &[u64] {
        &self.samples
    }

    /// The goroutines that the generation named before the checkpoint, each with its state there.
    pub(crate) fn goroutines(&self) -> impl Iterator<Item = (GIdx, GoState)> {
        let named = self.order.scheduler.goroutines.iter().map(|(g, goroutine)| (g, goroutine.state()));
        named.filter(|(_, state)| *state != GoState::Undetermined)
    }

    /// The goroutines that assist the collector at the checkpoint.
    pub(crate) fn assisting(&self) -> impl Iterator<Item = GIdx> {
        self.order.scheduler.assisting.iter().copied()
    }

    /// The goroutines that sweep for it.
    pub(crate) fn sweeping(&self) -> impl Iterator<Item = GIdx> {
        self.order.scheduler.sweeping.iter().copied()
    }

    /// The ranges of the file that hold the events before the checkpoint, ascending.
    pub(crate) fn ranges_before(&self, index: &GenerationIndex, batches: &ThreadBatches) -> Vec<Range<u64>> {
        let of_thread = |(thread, position): (usize, &Option<Position>)| {
            let position = *position;
            batches.of(thread).iter().enumerate().map(move |(nth, &batch)| {
                let batch = &index.batches[batch as usize];
                let end = batch.offset + u64::from(batch.size);
                batch.offset..position.map_or(end, |position| position.until(nth).min(end))
            })
        };
        let ranges = self.order.positions.iter().enumerate().flat_map(of_thread);
        let mut ranges: Vec<Range<u64>> = ranges.filter(|range| range.start < range.end).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges
    }

    /// The same state at another time: a wrong prediction.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn at_wrong_time(self, time: Time) -> Self {
        Self { order: OrderState { time, ..self.order }, ..self }
    }
}

/// Applies what groups of threads observed to a scheduler, but for what each thread executes and holds. Gives where
/// the threads of all groups are.
fn merge(
    scheduler: &mut Scheduler,
    observed: Vec<ObservedState>,
    goroutine: impl Fn(GoId) -> GIdx,
) -> Vec<ObservedThread> {
    let (mut threads, mut holders) = (Vec::new(), FxHashMap::default());
    let (mut assists, mut sweeps) = (FxHashMap::default(), FxHashMap::default());
    for group in observed {
        for (id, seq, state) in group.goroutines.all() {
            scheduler.goroutines.set_if_later(goroutine(id), seq, state);
        }
        for (id, (seq, state)) in group.procs {
            let p = scheduler.proc(id) as usize;
            let proc = &mut scheduler.procs[p];
            if proc.state == ProcState::Undetermined || proc.seq <= seq {
                (proc.seq, proc.state) = (seq, state);
            }
        }
        group.holders.into_iter().for_each(|(id, (seq, thread))| put_later(&mut holders, id, seq, thread));
        group.assists.into_iter().for_each(|(g, (seq, now))| put_later(&mut assists, g, seq, now));
        group.sweeps.into_iter().for_each(|(g, (seq, now))| put_later(&mut sweeps, g, seq, now));
        for (id, (_, sweeps)) in group.active_sweeps {
            let p = scheduler.proc(id) as usize;
            scheduler.procs[p].sweeps = sweeps;
        }
        scheduler.next_gc = scheduler.next_gc.max(group.next_gc);
        threads.extend(group.threads);
    }
    put_helpers(&mut scheduler.assisting, assists, &goroutine);
    put_helpers(&mut scheduler.sweeping, sweeps, &goroutine);
    for (id, (_, thread)) in holders {
        let p = scheduler.proc(id) as usize;
        scheduler.procs[p].holder = thread;
    }
    threads
}

/// Goroutines that began (true) or ended to help the collector, each with a sequence number.
fn put_helpers(helpers: &mut FxHashSet<GIdx>, changes: FxHashMap<GoId, (u64, bool)>, goroutine: impl Fn(GoId) -> GIdx) {
    for (id, (_, helps)) in changes {
        let g = goroutine(id);
        if helps {
            helpers.insert(g);
        } else {
            helpers.remove(&g);
        }
    }
}
