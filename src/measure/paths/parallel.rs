//! Walks many paths, alone or with the requests shared out to several threads.
//!
//! What a walk finds for a request does not depend on which others it walks, and sums commute: requests can be walked
//! by one thread or by several, each a share of them. There is one exception, which only damaged traces have: where a request
//! ends while its goroutine waits, and others wait for that goroutine at the same time, its last wait is shown as what
//! ended it only if they are walked together.
//!
//! No thread is started here: rayon's iterators use the pool that the caller runs in.

use super::critical_path::{LoggedPath, PathWalk, WalkInput, WalkPosition};
use super::request_stacks::{RequestStackTimes, TimeKey};
use super::segment::PathSegment;
use super::wait_chains::{MAX_HOPS, WaitChainIdx, WaitChains};
use super::wakeups::{WaitKey, WaitSum};
use super::walk_results::WalkResults;
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::states::StateKey;
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

/// Fewest requests, and fewest interval ends in the log, for which a further thread is worth its start.
const MIN_REQUESTS: usize = 8;
const MIN_INTERVAL_ENDS: usize = 1 << 16;

/// What one thread walks with, and what its walks found so far; kept from one walk to the next.
struct WalkScratch {
    position: WalkPosition,
    results: WalkResults,
}

impl WalkScratch {
    /// For a trace with so many goroutines; with so many requests where each one's stacks are asked for.
    fn new(n_goroutines: usize, with_stacks: Option<usize>) -> Self {
        let stacks = with_stacks.map(|n_requests| Box::new(RequestStackTimes::new(n_requests)));
        Self { position: WalkPosition::new(n_goroutines), results: WalkResults { stacks, ..WalkResults::default() } }
    }
}

/// The part of a walk that one thread does.
struct WalkShare<'s, 't> {
    scratch: &'s mut WalkScratch,
    segments: &'s mut [PathSegment],
    input: WalkInput<'s, 't>,
    path: LoggedPath<'t>,
}

/// All walks of a trace.
pub(crate) struct Walks {
    n_goroutines: usize,
    /// How many requests there are, where each one's stacks are asked for.
    with_stacks: Option<usize>,
    scratch: Vec<WalkScratch>,
    /// Chains of waits are told by no more waits than that.
    most_hops: u8,
}

impl Walks {
    /// Nothing was walked yet, in a trace with so many goroutines; with so many requests where each one's stacks are asked
    /// for.
    pub(crate) fn new(n_goroutines: usize, with_stacks: Option<usize>) -> Self {
        let scratch = vec![WalkScratch::new(n_goroutines, with_stacks)];
        Self { n_goroutines, with_stacks, scratch, most_hops: MAX_HOPS }
    }

    /// Walks the paths of all segments, with up to `threads` threads (1 for this one alone), and fills in their states.
    /// Gives the segments in no order, and the path of `input.logged`. How many threads walk depends on sizes alone, so
    /// every run does the same.
    pub(crate) fn walk<'t>(
        &mut self,
        segments: Vec<PathSegment>,
        input: WalkInput<'_, 't>,
        threads: usize,
    ) -> (Vec<PathSegment>, LoggedPath<'t>) {
        // Several user tasks can be attached to one goroutine, whose waits count once.
        let can_share = input.slice.task_boundaries.is_empty();
        let worth = (segments.len() / MIN_REQUESTS).min(input.log.len() / MIN_INTERVAL_ENDS);
        let n_shares = if can_share { threads.min(worth).max(1) } else { 1 };
        self.walk_in_shares(segments, input, n_shares)
    }

    fn walk_in_shares<'t>(
        &mut self,
        mut segments: Vec<PathSegment>,
        input: WalkInput<'_, 't>,
        n_shares: usize,
    ) -> (Vec<PathSegment>, LoggedPath<'t>) {
        let new = || WalkScratch::new(self.n_goroutines, self.with_stacks);
        self.scratch.resize_with(n_shares.max(self.scratch.len()), new);
        for scratch in &mut self.scratch {
            scratch.results.elsewhere.chains.limit_hops(self.most_hops);
        }
        // A walk goes through all that is between its first start and its last end: neighbours in time go together.
        segments.sort_unstable_by_key(|segment| (segment.span.end, segment.window));
        let per_share = segments.len().div_ceil(n_shares).max(1);
        let mut shares: Vec<WalkShare<'_, 't>> = segments
            .chunks_mut(per_share)
            .zip(&mut self.scratch)
            .map(|(segments, scratch)| {
                let is_here = |window: &_| segments.iter().any(|segment| segment.window == *window);
                let input = WalkInput { logged: input.logged.filter(is_here), ..input };
                WalkShare { scratch, segments, input, path: LoggedPath::default() }
            })
            .collect();
        let walk = |WalkShare { scratch: WalkScratch { position, results }, segments, input, path }: &mut WalkShare<
            '_,
            't,
        >| {
            *path = PathWalk::new(*input, position, results).run(segments);
        };
        match &mut shares[..] {
            [alone] => walk(alone),
            several => several.par_iter_mut().for_each(walk),
        }
        let logged = shares.into_iter().find(|share| share.input.logged.is_some());
        let path = logged.map(|share| share.path).unwrap_or_default();
        (segments, path)
    }

    /// Takes the time on paths, in the requests' own goroutines, that all walks so far found: for each sum, in ns.
    pub(crate) fn take_sums(&mut self, mut take: impl FnMut(SumIdx, u64)) {
        for scratch in &mut self.scratch {
            for (sum, of_sum) in (0..).zip(&mut scratch.results.sums) {
                take(SumIdx(sum), std::mem::take(&mut of_sum.own_ns));
            }
        }
    }

    /// Takes the time on paths in other goroutines, in ns, by chain of waits, as they are in `chains`, and by sum.
    pub(crate) fn take_elsewhere(
        &mut self,
        chains: &mut WaitChains,
        mut take: impl FnMut((WaitChainIdx, SumIdx), u64),
    ) {
        for scratch in &mut self.scratch {
            scratch.results.elsewhere.move_to(chains, &mut take);
        }
        self.most_hops = chains.most_hops();
    }

    /// Takes each request's time by stack that all walks so far found, in ns. Its chains are those of
    /// [`Walks::take_elsewhere`], which was called before.
    pub(crate) fn take_stacks(&mut self, mut take: impl FnMut(Vec<(TimeKey, u64)>)) {
        for WalkScratch { results: WalkResults { elsewhere, stacks, .. }, .. } in &mut self.scratch {
            if let Some(stacks) = stacks {
                let in_whole = |((request, chain, sum), ns)| ((request, elsewhere.in_whole(chain), sum), ns);
                take(stacks.take().into_iter().map(in_whole).collect());
            }
        }
    }

    /// The states that requests tell apart, who ended their waits, and how long they were runnable while the world was
    /// stopped, in ns.
    pub(crate) fn finish(self) -> (Vec<StateKey>, Vec<(WaitKey, WaitSum)>, u64) {
        let mut all = WalkResults::default();
        for WalkScratch { results, .. } in self.scratch {
            // States are numbered in the order of sums, which is the same for all walks.
            if results.states.list.len() > all.states.list.len() {
                all.states = results.states;
            }
            all.wakeups.join(results.wakeups);
            all.stw_runnable_ns = all.stw_runnable_ns.saturating_add(results.stw_runnable_ns);
        }
        (all.states.list, all.wakeups.sorted(), all.stw_runnable_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::paths::critical_path::testing::scenario;
    use crate::measure::paths::request_stacks::OWN;
    use crate::measure::paths::walk_results::MAX_STATES;
    use std::collections::BTreeMap;

    /// All that was found: each request's states, the sums, and the rest.
    fn found(seed: u64, n_shares: usize) -> String {
        let scenario = scenario(seed);
        let mut walks = Walks::new(scenario.slice.owner.len(), Some(scenario.slice.windows.len()));
        let logged = scenario.segments.first().map(|segment| segment.window);
        let (mut segments, path) = walks.walk_in_shares(scenario.segments.clone(), scenario.input(logged), n_shares);
        segments.sort_by_key(|segment| segment.window);
        for segment in &mut segments {
            segment.states.resize(MAX_STATES, 0);
        }
        let states: Vec<&Vec<u64>> = segments.iter().map(|segment| &segment.states).collect();
        let mut sums = vec![0; scenario.aggregate.len()];
        walks.take_sums(|sum, ns| sums[sum.at()] += ns);
        let mut elsewhere: BTreeMap<((Vec<SumIdx>, bool), SumIdx), u64> = BTreeMap::new();
        let (mut chains, mut moved) = (WaitChains::default(), Vec::new());
        walks.take_elsewhere(&mut chains, |key, ns| moved.push((key, ns)));
        for ((chain, sum), ns) in moved {
            *elsewhere.entry((chains.waits(chain), sum)).or_default() += ns;
        }
        let mut stacks = BTreeMap::new();
        walks.take_stacks(|times| {
            let waits = |chain| if chain == OWN { (vec![], false) } else { chains.waits(chain) };
            stacks.extend(times.into_iter().map(|((request, chain, sum), ns)| ((request, waits(chain), sum), ns)));
        });
        format!("{states:?} {sums:?} {elsewhere:?} {stacks:?} {:?} {:?}", path.steps, walks.finish())
    }

    #[test]
    fn shares_of_a_walk_find_what_one_walk_does() {
        let mut several = 0;
        // Tasks are not shared out.
        for seed in (1..1000).filter(|seed| !scenario(*seed).are_tasks) {
            let whole = found(seed, 1);
            for n_shares in [2, 3, 5] {
                assert_eq!(found(seed, n_shares), whole, "seed {seed}, {n_shares} shares");
            }
            several += u32::from(scenario(seed).segments.len() > 2);
        }
        assert!(several > 300, "{several}");
    }
}
