//! Walks along the paths of many requests, shared out to several threads.
//!
//! What a walk finds for a request does not depend on which others it walks, and sums commute: requests can be walked
//! by one thread or by several, each a share of them. There is one exception, which no sound trace has: where a request
//! ends while its goroutine waits, and others wait for that goroutine at the same time, its last wait is shown as what
//! ended it only if they are walked together.

use super::critical_path::{Logged, Nodes, PathWalk, WalkInput};
use super::interval_log::IntervalLog;
use super::wakeups::{WaitKey, WaitSum};
use super::walk_results::{PathSegment, WalkResults};
use crate::measure::intervals::states::StateKey;
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use std::sync::{Mutex, PoisonError};

/// Calls a function with each number below the first one, on any threads.
pub type Each<'c> = &'c dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// Threads that can share work.
#[derive(Clone, Copy)]
pub struct Crew<'c> {
    /// How many.
    pub size: usize,
    /// Has them work.
    pub each: Each<'c>,
}

impl Crew<'_> {
    /// One thread.
    pub const ALONE: Crew<'static> = Crew { size: 1, each: &|n, work| (0..n).for_each(work) };
}

/// Least number of requests, and of turns on the tape, that are worth a thread.
const MIN_REQUESTS: usize = 8;
const MIN_TURNS: usize = 1 << 16;

/// What a walk needs, and what it found; kept from one walk to the next.
struct WalkScratch {
    nodes: Nodes,
    walked: WalkResults,
}

impl WalkScratch {
    fn new(goroutines: usize) -> Self {
        Self { nodes: Nodes::new(goroutines), walked: WalkResults::default() }
    }
}

/// One share of a walk.
struct Share<'s, 't> {
    bench: &'s mut WalkScratch,
    rides: &'s mut [PathSegment],
    logged: Option<WindowIdx>,
    log: Logged<'t>,
}

/// Walks, and what they found.
pub(crate) struct Walks {
    goroutines: usize,
    benches: Vec<WalkScratch>,
}

impl Walks {
    /// Nothing was walked yet, in a trace with so many goroutines.
    pub(crate) fn new(goroutines: usize) -> Self {
        Self { goroutines, benches: vec![WalkScratch::new(goroutines)] }
    }

    /// Walks the paths of all rides, and fills in their states; gives them in no order. The path of `logged` is noted
    /// step by step. `open` are the goroutines that exist at the tape's end, each with the place of what it does.
    pub(crate) fn walk<'t>(
        &mut self,
        rides: Vec<PathSegment>,
        logged: Option<WindowIdx>,
        ground: WalkInput<'_>,
        (tape, open): (&'t IntervalLog, &[(GIdx, u32)]),
        crew: Crew<'_>,
    ) -> (Vec<PathSegment>, Logged<'t>) {
        // Several tasks can ride on one goroutine, whose waits count once.
        let can_share = ground.slice.marks.is_empty();
        let worth = (rides.len() / MIN_REQUESTS).min(tape.len() / MIN_TURNS);
        let size = if can_share { crew.size.min(worth).max(1) } else { 1 };
        self.walk_shared(rides, logged, ground, (tape, open), Crew { size, ..crew })
    }

    /// The same with a share for each of a crew.
    fn walk_shared<'t>(
        &mut self,
        mut rides: Vec<PathSegment>,
        logged: Option<WindowIdx>,
        ground: WalkInput<'_>,
        (tape, open): (&'t IntervalLog, &[(GIdx, u32)]),
        crew: Crew<'_>,
    ) -> (Vec<PathSegment>, Logged<'t>) {
        let fresh = || WalkScratch::new(self.goroutines);
        self.benches.resize_with(crew.size.max(self.benches.len()), fresh);
        // A walk goes through all that is between its first start and its last end.
        rides.sort_unstable_by_key(|ride| (ride.span.end, ride.window));
        let of_each = rides.len().div_ceil(crew.size).max(1);
        let shares: Vec<Mutex<Share<'_, 't>>> = rides
            .chunks_mut(of_each)
            .zip(&mut self.benches)
            .map(|(rides, bench)| {
                let logged = logged.filter(|window| rides.iter().any(|ride| ride.window == *window));
                Mutex::new(Share { bench, rides, logged, log: Logged::default() })
            })
            .collect();
        let walk = |i: usize| {
            let Share { bench: WalkScratch { nodes, walked }, rides, logged, log } =
                &mut *shares[i].lock().unwrap_or_else(PoisonError::into_inner);
            nodes.rewind(open);
            *log = PathWalk::new(ground, tape, nodes, walked, *logged).run(rides);
        };
        (crew.each)(shares.len(), &walk);
        let logs = shares.into_iter().map(|share| share.into_inner().unwrap_or_else(PoisonError::into_inner));
        let log = logs.filter(|share| share.logged.is_some()).map(|share| share.log).next().unwrap_or_default();
        (rides, log)
    }

    /// Takes the sums of all walks so far: time by class for each place.
    pub(crate) fn take_sums(&mut self, mut take: impl FnMut(u32, [u64; 3])) {
        for bench in &mut self.benches {
            for (place, at) in (0..).zip(&mut bench.walked.places) {
                take(place, std::mem::take(&mut at.sums));
            }
        }
    }

    /// The states that requests tell apart, who ended their waits, and how long they were runnable while the world was
    /// stopped, in ns.
    pub(crate) fn finish(self) -> (Vec<StateKey>, Vec<(WaitKey, WaitSum)>, u64) {
        let mut all = WalkResults::default();
        for WalkScratch { walked, .. } in self.benches {
            // Slots are given in the order of places, which all walks learn.
            if walked.states.slots.len() > all.states.slots.len() {
                all.states = walked.states;
            }
            all.wakeups.join(walked.wakeups);
            all.stw_runnable_ns = all.stw_runnable_ns.saturating_add(walked.stw_runnable_ns);
        }
        (all.states.slots, all.wakeups.sorted(), all.stw_runnable_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::paths::critical_path::tests::{Scenario, scenario, unknown_place};
    use crate::measure::paths::runtime_ranges::Ranges;
    use crate::measure::paths::walk_results::MAX_STATES;
    use crate::trace::ids::StringIdx;

    /// All that was found: each request's states, the sums, and the rest.
    fn found(seed: u64, size: usize) -> String {
        let Scenario { tape, open, mut aggregate, slice, rides, .. } = scenario(seed);
        let unknown = unknown_place(&mut aggregate);
        let ranges = Ranges::default();
        let ground =
            WalkInput { slice: &slice, aggregate: &aggregate, ranges: &ranges, unknown, label: StringIdx::NONE };
        let mut walks = Walks::new(slice.owner.len());
        let logged = rides.first().map(|ride| ride.window);
        let crew = Crew { size, ..Crew::ALONE };
        let (mut rides, log) = walks.walk_shared(rides, logged, ground, (&tape, &open), crew);
        rides.sort_by_key(|ride| ride.window);
        for ride in &mut rides {
            ride.states.resize(MAX_STATES, 0);
        }
        let states: Vec<&Vec<u64>> = rides.iter().map(|ride| &ride.states).collect();
        let mut sums = vec![[0; 3]; aggregate.len()];
        walks.take_sums(|place, of_place| {
            sums[place as usize].iter_mut().zip(of_place).for_each(|(sum, ns)| *sum += ns);
        });
        format!("{states:?} {sums:?} {:?} {:?}", log.steps, walks.finish())
    }

    #[test]
    fn shares_of_a_walk_find_what_one_walk_does() {
        let mut several = 0;
        for seed in 1..1000 {
            let whole = found(seed, 1);
            for size in [2, 3, 5] {
                assert_eq!(found(seed, size), whole, "seed {seed}, {size} shares");
            }
            several += u32::from(scenario(seed).rides.len() > 2);
        }
        assert!(several > 300, "{several}");
    }
}
