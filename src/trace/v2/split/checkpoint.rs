//! A moment inside a generation at which its order can begin anew.
//!
//! What the order depends on is where each thread stands and what the scheduler's state is. Both can be told without
//! ordering what comes before ([`super::predictor`]), as long as nothing is wrong with it: sequence numbers say which
//! thread was the last to change a goroutine or a proc. Whoever orders what comes before finds out whether it is so.

use super::predictor::{ObservedState, ObservedThread, put_later};
use crate::trace::event::GoState;
use crate::trace::ids::{GIdx, GoId};
use crate::trace::time::Time;
use crate::trace::v2::batch::{BatchKind, GenerationIndex};
use crate::trace::v2::clock::Clock;
use crate::trace::v2::generation::ThreadBatches;
use crate::trace::v2::order::scheduler::{NO_PROC, ProcState, Scheduler, Thread};
use crate::trace::v2::order::threads::Position;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// A moment inside a generation: events before it and those from then on are ordered apart from each other.
pub struct Checkpoint {
    /// The moment.
    pub time: Time,
    /// Each thread's first event from then on.
    pub(crate) positions: Vec<Option<Position>>,
    pub(crate) scheduler: Scheduler,
    births: Vec<u32>,
    /// Where the CPU samples before it stand.
    samples: Vec<u64>,
}

impl Checkpoint {
    /// The start of a generation with these threads.
    pub fn start(n_goroutines: usize, index: &GenerationIndex, first_gc: Option<u64>) -> Self {
        let mut scheduler = Scheduler::default();
        scheduler.begin(n_goroutines, &index.threads, first_gc);
        let n = index.threads.len();
        Self { time: Time::MIN, positions: vec![None; n], scheduler, births: vec![0; n], samples: Vec::new() }
    }

    /// The cut at a later moment, by what was seen of the generation's threads, in their order, between the two;
    /// `goroutine` says who has an id, and `samples` where the CPU samples before it stand.
    #[must_use]
    pub fn then(
        &self,
        time: Time,
        seen: Vec<ObservedState>,
        goroutine: impl Fn(GoId) -> GIdx,
        samples: Vec<u64>,
    ) -> Self {
        let mut scheduler = self.scheduler.clone();
        let (mut positions, mut births) = (Vec::new(), Vec::new());
        let (mut threads, mut holders, mut assists) = (Vec::new(), FxHashMap::default(), FxHashMap::default());
        for sighting in seen {
            for (id, seq, state) in sighting.goroutines.all() {
                scheduler.goroutines.enter_at(goroutine(id), seq, state);
            }
            for (id, (seq, state)) in sighting.procs {
                let p = scheduler.proc(id) as usize;
                let proc = &mut scheduler.procs[p];
                if proc.state == ProcState::Undetermined || proc.seq <= seq {
                    (proc.seq, proc.state) = (seq, state);
                }
            }
            sighting.holders.into_iter().for_each(|(id, (seq, thread))| put_later(&mut holders, id, seq, thread));
            sighting.assists.into_iter().for_each(|(g, (seq, does))| put_later(&mut assists, g, seq, does));
            scheduler.next_gc = scheduler.next_gc.max(sighting.next_gc);
            threads.extend(sighting.threads);
        }
        for (id, (_, does)) in assists {
            let g = goroutine(id);
            if does {
                scheduler.assisting.insert(g);
            } else {
                scheduler.assisting.remove(&g);
            }
        }
        for (id, (_, thread)) in holders {
            let p = scheduler.proc(id) as usize;
            scheduler.procs[p].holder = thread;
        }
        for (thread, ObservedThread { g, proc, position, births: n }) in threads.into_iter().enumerate() {
            // A proc that has a later number was stolen.
            let held = proc.map(|(id, seq)| (scheduler.proc(id), seq));
            let held = held.filter(|(p, seq)| scheduler.procs[*p as usize].seq == *seq);
            let g = if g == GoId::NONE { GIdx::NONE } else { goroutine(g) };
            scheduler.threads[thread] = Thread { g, p: held.map_or(NO_PROC, |(p, _)| p) };
            positions.push(position);
            births.push(n);
        }
        Self { time, positions, scheduler, births, samples }
    }

    /// How many goroutines each thread created before the cut.
    pub fn births(&self) -> &[u32] {
        &self.births
    }

    /// Where the CPU samples before the cut stand, in order of time.
    pub fn samples(&self) -> &[u64] {
        &self.samples
    }

    /// The goroutines that the generation named before the cut, each with its state then.
    pub fn goroutines(&self) -> impl Iterator<Item = (GIdx, GoState)> {
        let named = self.scheduler.goroutines.iter().map(|(g, goroutine)| (g, goroutine.state()));
        named.filter(|(_, state)| *state != GoState::Undetermined)
    }

    /// Goroutines that help the collector to mark.
    pub fn assisting(&self) -> impl Iterator<Item = GIdx> {
        self.scheduler.assisting.iter().copied()
    }

    /// The parts of the file with events before the cut, in its order.
    pub fn places(&self, index: &GenerationIndex, batches: &ThreadBatches) -> Vec<Range<u64>> {
        let of_thread = |(thread, position): (usize, &Option<Position>)| {
            let position = *position;
            batches.of(thread).iter().enumerate().map(move |(nth, &batch)| {
                let batch = &index.batches[batch as usize];
                let end = batch.offset + u64::from(batch.size);
                batch.offset..position.map_or(end, |position| position.until(nth).min(end))
            })
        };
        let places = self.positions.iter().enumerate().flat_map(of_thread);
        let mut places: Vec<Range<u64>> = places.filter(|place| place.start < place.end).collect();
        places.sort_unstable_by_key(|place| place.start);
        places
    }
}

/// By one of so many parts a generation's bytes cost less at its end than at its start: ids get longer, so the same bytes
/// are fewer events, and what is before a cut is compared with it.
const FEWER_EVENTS: u128 = 12;

/// Moments that cut a generation into `n` parts that cost about as much.
pub fn moments(index: &GenerationIndex, clock: Clock, n: usize) -> Vec<Time> {
    let events = index.batches.iter().filter(|batch| batch.kind == BatchKind::Events);
    let mut batches: Vec<(u64, u64)> = events.map(|batch| (batch.time, u64::from(batch.size))).collect();
    batches.sort_unstable();
    let all: u64 = batches.iter().map(|(_, size)| size).sum();
    // Bytes before the n-th part that begins, in (2 * FEWER_EVENTS * n * n)-ths of all: a bit less than an equal share.
    let n = n as u128;
    let share = |part: u128| part * (2 * FEWER_EVENTS * n - (n - part));
    let (mut moments, mut before) = (Vec::new(), 0);
    for (ticks, size) in batches {
        let part = moments.len() as u128 + 1;
        if part < n && u128::from(before) * (2 * FEWER_EVENTS * n * n) >= u128::from(all) * share(part) {
            moments.push(clock.time(ticks));
        }
        before += size;
    }
    moments.dedup();
    // What is at the end of all time has no end.
    moments.retain(|moment| *moment < Time::MAX);
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::ThreadId;

    #[test]
    fn moments_are_those_of_batches_at_equal_shares() {
        let batch = |time, size, kind| crate::trace::v2::batch::BatchRef { offset: 0, time, size, thread: 0, kind };
        let batches = vec![
            batch(40, 100, BatchKind::Events),
            batch(10, 100, BatchKind::Events),
            batch(15, 10_000, BatchKind::Stacks),
            batch(20, 100, BatchKind::Events),
            batch(30, 100, BatchKind::Events),
        ];
        let threads = vec![ThreadId(1)];
        let index = GenerationIndex { number: 1, start: 0, end: 0, batches, threads, min_time: 10, ended: true };
        let clock = Clock::new(1_000_000_000);
        let at = |n| moments(&index, clock, n).iter().map(|time| time.0).collect::<Vec<_>>();
        assert_eq!(at(1), [0; 0]);
        assert_eq!(at(2), [30]);
        assert_eq!(at(4), [20, 30, 40]);
        // No more moments than batches.
        assert_eq!(at(9), [20, 30, 40]);
    }
}
