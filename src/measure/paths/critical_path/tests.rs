//! Walks against the definition of critical paths, written down word for word, on random schedules.

use super::testing::{Interval, Scenario, convoy, scenario};
use super::{LoggedPath, PathWalk, WalkPosition};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::LinkKind;
use crate::measure::paths::request_stacks::{EachRequest, RequestStackTimes};
use crate::measure::paths::segment::{PathSegment, states_with_time};
use crate::measure::paths::stack_time::{ElsewhereKey, OWN, RequestStackTime};
use crate::measure::paths::wait_chains::{MAX_HOPS, WaitChainIdx, WaitChains};
use crate::measure::paths::walk_results::{MAX_STATES, WalkHandOver, WalkResults};
use crate::measure::paths::work_borders::WorkBorderKind;
use crate::slice::WindowIdx;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use std::collections::BTreeMap;

/// A step of a path: in which goroutine, counted in which sum, how long, and what the goroutines before it on the path
/// waited in meanwhile, the request's own first. One that did not exist yet waited in [`SumIdx::NONE`].
type Step = (GIdx, SumIdx, u64, Vec<SumIdx>);

/// The path of a request by the definition, the latest first.
#[derive(Default)]
struct Defined {
    steps: Vec<Step>,
    hand_overs: Vec<WalkHandOver>,
}

/// The definition: the path of `g` in `[a, b]`, for which others wait in `waits`. Gives the
/// moment before which `g` did not exist, if the schedule names no creator, or did not do the work that it did at the
/// end; else `a`.
fn expand(scenario: &Scenario, g: GIdx, (a, b): (Time, Time), waits: &[SumIdx], out: &mut Defined) -> Time {
    let longer = |wait| [waits, &[wait]].concat();
    let own: Vec<&Interval> = scenario.intervals.iter().filter(|p| p.g == g).collect();
    let mut end = b;
    for (i, interval) in own.iter().enumerate().rev() {
        if interval.since >= end {
            continue;
        }
        let start = interval.since.max(a);
        // A wake-up at the very end comes too late.
        let waker = own.get(i + 1).filter(|next| next.since == end && end < b).and_then(|next| {
            next.link.filter(|link| link.kind == LinkKind::Wake && link.by.is_some()).map(|link| link.by)
        });
        let from = match waker {
            Some(from) if start < end => {
                out.hand_overs.push(WalkHandOver { time: end, from, to: g, wait: interval.sum });
                expand_other(scenario, from, (start, end), &longer(interval.sum), out)
            }
            _ => end,
        };
        if start < from {
            out.steps.push((g, interval.sum, from.since(start), waits.to_vec()));
        }
        end = end.min(start);
        if end <= a {
            return a;
        }
    }
    match own.first().and_then(|first| first.link) {
        Some(link) if link.by.is_some() => {
            out.hand_overs.push(WalkHandOver { time: end, from: link.by, to: g, wait: SumIdx::NONE });
            expand_other(scenario, link.by, (a, end), &longer(SumIdx::NONE), out)
        }
        _ => end,
    }
}

/// The same for a goroutine that another one waits for: not before it began the work that it does at `b`.
fn expand_other(scenario: &Scenario, g: GIdx, (a, b): (Time, Time), waits: &[SumIdx], out: &mut Defined) -> Time {
    let began = scenario.borders.iter().filter(|border| border.g == g).filter(|border| match border.kind {
        WorkBorderKind::Begin => border.time <= b,
        WorkBorderKind::End => border.time < b,
    });
    let since = began.map(|border| border.time).max().unwrap_or(a).max(a);
    if since < b { expand(scenario, g, (since, b), waits, out) } else { b }
}

fn steps_of(path: &LoggedPath<'_>) -> StepsAndHandOvers {
    let steps = path.steps.iter().map(|s| (s.g, s.sum, s.span.end.since(s.span.start)));
    (steps.collect(), path.hand_overs.clone())
}

/// Steps, and who ended the waits on the way.
type StepsAndHandOvers = (Vec<(GIdx, SumIdx, u64)>, Vec<WalkHandOver>);

/// The path of a request by the definition; steps that follow each other with one sum are one.
fn joined(scenario: &Scenario, segment: &PathSegment) -> StepsAndHandOvers {
    let mut defined = Defined::default();
    expand(scenario, segment.g, (segment.span.start, segment.span.end), &[], &mut defined);
    let mut joined: Vec<(GIdx, SumIdx, u64)> = Vec::new();
    for (g, sum, ns, _) in defined.steps {
        match joined.last_mut() {
            Some(last) if (last.0, last.1) == (g, sum) => last.2 += ns,
            _ => joined.push((g, sum, ns)),
        }
    }
    (joined, defined.hand_overs)
}

/// Walks the paths of some segments of a scenario.
fn walk<'s>(
    scenario: &'s Scenario,
    segments: &mut [PathSegment],
    logged: Option<WindowIdx>,
    results: &mut WalkResults,
) -> LoggedPath<'s> {
    let mut position = WalkPosition::new(scenario.slice.owner.len());
    PathWalk::new(scenario.input(logged), &mut position, results).run(segments)
}

/// Nanoseconds by what was waited in, and by sum.
type TimeByWaits = BTreeMap<((Vec<SumIdx>, bool), SumIdx), u64>;

/// As many waits as are told apart, and whether there are more.
fn shortened(mut waits: Vec<SumIdx>) -> (Vec<SumIdx>, bool) {
    let is_ended = waits.len() > MAX_HOPS.into();
    waits.truncate(MAX_HOPS.into());
    (waits, is_ended)
}

fn time_by_waits(results: &mut WalkResults) -> TimeByWaits {
    let own = (0..).zip(&results.sums).filter(|(_, of_sum)| of_sum.own_ns > 0);
    let mut found: TimeByWaits = own.map(|(sum, of_sum)| ((Default::default(), SumIdx(sum)), of_sum.own_ns)).collect();
    let (mut chains, mut moved) = (WaitChains::default(), Vec::new());
    results.elsewhere.move_to(&mut chains, |key, ns| moved.push((key, ns)));
    for ((chain, sum), ns) in moved {
        assert!(chain != WaitChainIdx::EMPTY);
        found.insert((chains.waits(chain), sum), ns);
    }
    found
}

/// The same of each request, as a walk finds it that tells them apart.
fn times_by_request(scenario: &Scenario) -> BTreeMap<WindowIdx, TimeByWaits> {
    times_within(scenario, RequestStackTimes::new(EachRequest { n: scenario.slice.windows.len(), waits: true }))
}

fn times_within(scenario: &Scenario, stacks: RequestStackTimes) -> BTreeMap<WindowIdx, TimeByWaits> {
    let mut results = WalkResults { stacks: Some(Box::new(stacks)), ..WalkResults::default() };
    walk(scenario, &mut scenario.segments.clone(), None, &mut results);
    let times = results.stacks.as_mut().expect("stacks").take();
    let mut found: BTreeMap<WindowIdx, TimeByWaits> = BTreeMap::new();
    for RequestStackTime { window: request, key: ElsewhereKey { chain, sum, .. }, ns } in times.iter() {
        let waits = if chain == OWN { (Vec::new(), false) } else { results.elsewhere.chains.waits(chain) };
        *found.entry(request).or_default().entry((waits, sum)).or_default() += ns;
    }
    found
}

#[test]
fn walks_do_what_the_definition_says() {
    let (mut n_checked, mut n_hand_overs) = (0, 0);
    for seed in 1..3000 {
        let scenario = scenario(seed);
        let (mut segments, mut results) = (scenario.segments.clone(), WalkResults::default());
        let first = segments.first().map(|segment| segment.window);
        let path = walk(&scenario, &mut segments, first, &mut results);
        let by_request = times_by_request(&scenario);

        let mut expected = TimeByWaits::new();
        for segment in &mut segments {
            let mut defined = Defined::default();
            let span = (segment.span.start, segment.span.end);
            let from = expand(&scenario, segment.g, span, &[], &mut defined);
            assert_eq!(from, segment.span.start);
            let mut states = vec![0; MAX_STATES];
            let mut alone = TimeByWaits::new();
            n_hand_overs += defined.hand_overs.len();
            for (_, sum, ns, waits) in defined.steps {
                states[results.state(sum).expect("a sum").position()] += ns;
                let key = (shortened(waits), sum);
                *alone.entry(key.clone()).or_default() += ns;
                *expected.entry(key).or_default() += ns;
            }
            assert_eq!(by_request.get(&segment.window), Some(&alone), "seed {seed}, {segment:?}");
            assert_eq!(segment.states, states_with_time(&states), "seed {seed}, {segment:?}");
            assert_eq!(states.iter().sum::<u64>(), segment.ns());
            n_checked += 1;
        }
        let found = time_by_waits(&mut results);
        assert_eq!(found, expected, "seed {seed}");

        // One request step by step: together with the others, and alone, of any length.
        let Some(mut segment) = segments.first().cloned() else { continue };
        assert_eq!(steps_of(&path), joined(&scenario, &segment), "seed {seed}");
        segment.span.end = segment.span.start + (1 + seed as i64 % segment.ns() as i64);
        let path = walk(&scenario, &mut [segment.clone()], first, &mut results);
        assert_eq!(steps_of(&path), joined(&scenario, &segment), "seed {seed}");
    }
    assert!(n_checked > 3000 && n_hand_overs > 3000, "{n_checked} {n_hand_overs}");
}

#[test]
fn fast_paths_find_what_the_general_rule_does() {
    for seed in 1..1000 {
        let scenario = scenario(seed);
        let found = |is_detailed: bool| {
            let (mut segments, mut results) = (scenario.segments.clone(), WalkResults::default());
            let mut position = WalkPosition::new(scenario.slice.owner.len());
            let mut walk = PathWalk::new(scenario.input(None), &mut position, &mut results);
            walk.is_detailed = is_detailed;
            walk.run(&mut segments);
            let times = time_by_waits(&mut results);
            let WalkResults { wakeups, stw_runnable_ns, .. } = results;
            format!("{segments:?} {times:?} {:?} {stw_runnable_ns}", wakeups.sorted())
        };
        assert_eq!(found(false), found(true), "seed {seed}");
    }
}

#[test]
fn a_queue_at_a_lock_is_walked_once() {
    // 50 000 waiters would take minutes if each walked through all before it.
    let scenario = convoy(50_000);
    let mut segments = scenario.segments.clone();
    walk(&scenario, &mut segments, None, &mut WalkResults::default());
    for segment in &segments {
        assert_eq!(segment.states.iter().map(|(_, ns)| ns).sum::<u64>(), segment.ns());
    }
}

/// Each request of a queue waits for all that are before it: telling them apart is bounded, and nothing is counted twice.
#[test]
fn requests_of_a_queue_are_told_apart_as_far_as_that_is_bounded() {
    // Each has a stack of its own. With more, chains of waits are told apart less well.
    let scenario = convoy(120);
    let sums = |additions_left: usize| -> Vec<u64> {
        let mut stacks = RequestStackTimes::new(EachRequest { n: 120, waits: false });
        stacks.additions_left = additions_left;
        let found = times_within(&scenario, stacks);
        let sum = |segment: &PathSegment| found.get(&segment.window).map_or(0, |times| times.values().sum());
        scenario.segments.iter().map(sum).collect()
    };
    let whole: Vec<u64> = scenario.segments.iter().map(PathSegment::ns).collect();
    assert_eq!(sums(1 << 20), whole);
    let bounded = sums(500);
    assert!(bounded.iter().zip(&whole).all(|(found, whole)| found <= whole));
    assert!(bounded.iter().sum::<u64>() < whole.iter().sum());
    // With few requests behind it, a goroutine's time is told apart whatever the bound is.
    assert!(bounded.iter().all(|found| *found > 0));
}
