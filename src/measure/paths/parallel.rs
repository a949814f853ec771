//! Walks many paths, all together or with the requests shared out.
//!
//! What a walk finds for a request does not depend on which others it walks, and sums commute: requests can be walked
//! together or in several shares. There are two exceptions. Where more chains of waits meet than a list has room for, which of
//! them are told by less depends on the share. And one that only damaged traces have: where a request
//! ends while its goroutine waits, and others wait for that goroutine at the same time, its last wait is shown as what
//! ended it only if they are walked together. So shares depend on sizes alone, and not on threads; nor do the parts of a trace,
//! and what a part walks when depends on what it logged.
//!
//! No thread is started here: rayon's iterators use the pool that the caller runs in.

use super::critical_path::{LoggedPath, PathWalk, WalkInput, WalkPosition};
use super::our_sums::OurSums;
use super::request_stacks::{EachRequest, RequestStackTimes, TimeKey};
use super::request_waits::{RequestWait, RequestWaits};
use super::segment::PathSegment;
use super::stack_time::RequestStackTime;
use super::wait_chains::{MAX_HOPS, WaitChainIdx, WaitChains};
use super::wakeups::{WaitKey, WaitSum};
use super::walk_results::{MAX_STATES, WalkResults};
use crate::measure::intervals::aggregate::{Aggregate, SumIdx};
use crate::measure::intervals::states::StateKey;
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

/// Fewest requests, and fewest interval ends in the log, for which a further share is worth its start.
const MIN_REQUESTS: usize = 8;
const MIN_INTERVAL_ENDS: usize = 1 << 16;

/// Most shares of a walk.
const MAX_SHARES: usize = 4;

/// Into how many shares these segments, in order of their ends, are divided. A walk goes through all that is between its first
/// start and its last end: where requests are long, each share would go through most of the log.
fn n_shares(segments: &[PathSegment], log_len: usize) -> usize {
    let worth = (segments.len() / MIN_REQUESTS).min(log_len / MIN_INTERVAL_ENDS);
    let walked_ns = |share: &[PathSegment]| {
        let (start, end) = (share.iter().map(|s| s.span.start).min()?, share.last()?.span.end);
        Some(end.since(start))
    };
    let whole = walked_ns(segments).unwrap_or(0);
    let costs_little = |n: &usize| {
        let in_shares = segments.chunks(segments.len().div_ceil(*n)).filter_map(walked_ns);
        in_shares.fold(0, u64::saturating_add) <= whole.saturating_add(whole / 4)
    };
    (2..=worth.min(MAX_SHARES)).rev().find(costs_little).unwrap_or(1)
}

/// What one share is walked with, and what its walks found so far; kept from one walk to the next.
struct WalkScratch {
    position: WalkPosition,
    results: WalkResults,
}

impl WalkScratch {
    /// For a trace with so many goroutines.
    fn new(n_goroutines: usize, each: Option<EachRequest>) -> Self {
        Self { position: WalkPosition::new(n_goroutines), results: Self::results(each) }
    }

    /// Nothing was found yet.
    fn results(each: Option<EachRequest>) -> WalkResults {
        let stacks = each.map(|asked| Box::new(RequestStackTimes::new(asked)));
        WalkResults { stacks, ..WalkResults::default() }
    }
}

/// A part of a walk.
struct WalkShare<'s, 't> {
    scratch: &'s mut WalkScratch,
    segments: &'s mut [PathSegment],
    input: WalkInput<'s, 't>,
    path: LoggedPath<'t>,
}

/// All walks of a trace.
pub(crate) struct Walks {
    n_goroutines: usize,
    /// What is asked for of each request; none where that is nothing.
    each: Option<EachRequest>,
    scratch: Vec<WalkScratch>,
    /// Chains of waits are told by no more waits than that.
    most_hops: u8,
}

impl Walks {
    /// Nothing was walked yet, in a trace with so many goroutines.
    pub(crate) fn new(n_goroutines: usize, each: Option<EachRequest>) -> Self {
        let scratch = vec![WalkScratch::new(n_goroutines, each)];
        Self { n_goroutines, each, scratch, most_hops: MAX_HOPS }
    }

    /// Walks the paths of all segments and fills in their states; with `shared`, in several shares where that is worth it.
    /// Gives the segments in the order of their ends and windows, and the path of `input.logged`.
    ///
    /// How many shares there are does not depend on how many threads there are: where very many chains of waits meet, what is
    /// told of them depends on who else is walked.
    pub(crate) fn walk<'t>(
        &mut self,
        mut segments: Vec<PathSegment>,
        input: WalkInput<'_, 't>,
        shared: bool,
    ) -> (Vec<PathSegment>, LoggedPath<'t>) {
        // Neighbours in time go together.
        segments.sort_unstable_by_key(|segment| segment.span.end.rank(u64::from(segment.window.0)));
        // Several user tasks can be attached to one goroutine, whose waits count once.
        let can_share = shared && input.slice.task_boundaries.is_empty();
        let n_shares = if can_share { n_shares(&segments, input.log.len()) } else { 1 };
        self.walk_in_shares(segments, input, n_shares)
    }

    /// The same in so many shares, of segments in order.
    fn walk_in_shares<'t>(
        &mut self,
        mut segments: Vec<PathSegment>,
        input: WalkInput<'_, 't>,
        n_shares: usize,
    ) -> (Vec<PathSegment>, LoggedPath<'t>) {
        let new = || WalkScratch::new(self.n_goroutines, self.each);
        self.scratch.resize_with(n_shares.max(self.scratch.len()), new);
        for scratch in &mut self.scratch {
            scratch.results.elsewhere.chains.limit_hops(self.most_hops);
        }
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

    /// The same, with what was found forgotten; the memory is kept.
    pub(super) fn emptied(mut self) -> Self {
        self.scratch.truncate(1);
        for scratch in &mut self.scratch {
            scratch.results = WalkScratch::results(self.each);
        }
        self.most_hops = MAX_HOPS;
        self
    }

    /// Chains of waits are told by no more waits than that, from here on.
    pub(super) fn tell_fewer_waits(&mut self, most_hops: u8) {
        self.most_hops = self.most_hops.min(most_hops);
    }

    /// Takes what the walks of a part found, but for times that were taken before; `ours` are its sums in `aggregate`. Gives
    /// where each of its states is among those here.
    pub(super) fn absorb(&mut self, part: &mut Self, ours: OurSums<'_>, aggregate: &Aggregate) -> Vec<u16> {
        let mut positions = Vec::new();
        let Some(WalkScratch { results, .. }) = self.scratch.first_mut() else { return positions };
        if part.scratch.iter().any(|scratch| !scratch.results.states.list.is_empty()) {
            results.add_sums_of(aggregate);
        }
        for WalkScratch { results: theirs, .. } in &mut part.scratch {
            if theirs.states.list.len() > positions.len() {
                let states = theirs.states.list.iter();
                positions = states.map(|state| results.states.of(*state).position() as u16).collect();
                // All further ones share the last position.
                if let Some(last) = positions.get_mut(MAX_STATES - 1).filter(|_| theirs.states.list.len() > MAX_STATES)
                {
                    *last = MAX_STATES as u16 - 1;
                }
            }
            results.wakeups.join_part(&mut theirs.wakeups, ours);
            let stopped = std::mem::take(&mut theirs.stw_runnable_ns);
            results.stw_runnable_ns = results.stw_runnable_ns.saturating_add(stopped);
        }
        positions
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
    pub(crate) fn take_stacks(&mut self, mut take: impl FnMut(TimeKey, u64)) {
        for WalkScratch { results: WalkResults { elsewhere, stacks, .. }, .. } in &mut self.scratch {
            if let Some(stacks) = stacks {
                for RequestStackTime { window, key, ns } in stacks.take().iter() {
                    take((window, elsewhere.in_whole(key.chain), key.sum), ns);
                }
            }
        }
    }

    /// Takes who ended each request's waits, of all walks; none where that was not asked for, or is too much.
    pub(crate) fn take_waits(&mut self) -> Option<Vec<RequestWait>> {
        let stacks = self.scratch.iter_mut().filter_map(|scratch| scratch.results.stacks.as_mut());
        let waits: Vec<RequestWaits> = stacks.filter_map(|stacks| stacks.waits.take()).collect();
        if waits.is_empty() { None } else { RequestWaits::join(waits.into_iter()) }
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
    use crate::measure::paths::stack_time::OWN;
    use crate::profile::StateTimes;
    use crate::slice::WindowIdx;
    use crate::trace::ids::GIdx;
    use crate::trace::time::{Time, Window};
    use std::collections::BTreeMap;

    /// All that was found: each request's states, the sums, and the rest.
    fn found(seed: u64, n_shares: usize) -> String {
        let scenario = scenario(seed);
        let mut walks =
            Walks::new(scenario.slice.owner.len(), Some(EachRequest { n: scenario.slice.windows.len(), waits: true }));
        let logged = scenario.segments.first().map(|segment| segment.window);
        let mut sorted = scenario.segments.clone();
        sorted.sort_unstable_by_key(|segment| (segment.span.end, segment.window));
        let (mut segments, path) = walks.walk_in_shares(sorted, scenario.input(logged), n_shares);
        segments.sort_by_key(|segment| segment.window);
        let states: Vec<&StateTimes> = segments.iter().map(|segment| &segment.states).collect();
        let mut sums = vec![0; scenario.aggregate.len()];
        walks.take_sums(|sum, ns| sums[sum.at()] += ns);
        let mut elsewhere: BTreeMap<((Vec<SumIdx>, bool), SumIdx), u64> = BTreeMap::new();
        let (mut chains, mut moved) = (WaitChains::default(), Vec::new());
        walks.take_elsewhere(&mut chains, |key, ns| moved.push((key, ns)));
        for ((chain, sum), ns) in moved {
            *elsewhere.entry((chains.waits(chain), sum)).or_default() += ns;
        }
        let mut stacks = BTreeMap::new();
        walks.take_stacks(|(request, chain, sum), ns| {
            let waits = if chain == OWN { (vec![], false) } else { chains.waits(chain) };
            *stacks.entry((request, waits, sum)).or_insert(0) += ns;
        });
        format!(
            "{states:?} {sums:?} {elsewhere:?} {stacks:?} {:?} {:?} {:?} {:?}",
            path.steps,
            path.hand_overs,
            walks.take_waits(),
            walks.finish()
        )
    }

    #[test]
    fn shares_are_worth_their_start_and_walk_little_twice() {
        let segment = |start, end| PathSegment {
            window: WindowIdx(0),
            g: GIdx(0),
            taken_over: None,
            span: Window { start: Time(start), end: Time(end) },
            states: StateTimes::default(),
        };
        let short: Vec<PathSegment> = (0..100).map(|i| segment(i * 10, i * 10 + 20)).collect();
        assert_eq!(n_shares(&short, 10 * MIN_INTERVAL_ENDS), MAX_SHARES);
        assert_eq!(n_shares(&short, 3 * MIN_INTERVAL_ENDS), 3);
        assert_eq!(n_shares(&short[..MIN_REQUESTS * 2], 10 * MIN_INTERVAL_ENDS), 2);
        assert_eq!([n_shares(&short, 5), n_shares(&[], 10 * MIN_INTERVAL_ENDS)], [1, 1]);
        let long: Vec<PathSegment> = (0..100).map(|i| segment(0, 1000 + i)).collect();
        assert_eq!(n_shares(&long, 10 * MIN_INTERVAL_ENDS), 1);
        let half: Vec<PathSegment> = (0..100).map(|i| segment(i * 10, i * 10 + 200)).collect();
        assert_eq!(
            n_shares(&half, 10 * MIN_INTERVAL_ENDS),
            2,
            "1 190 ns are walked as 690 and 690, or as 530, 530 and 510"
        );
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
