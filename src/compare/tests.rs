//! Comparisons of small profiles made by hand.

use super::*;
use crate::profile::{Metric, Precision, ProfileFrame, Request, Requests, Sample, Weight};

type Row<'a> = (&'a [(&'a str, u32)], &'a str, &'a str, u64);

/// A profile of requests with these durations, whose time was spent as the rows say.
fn profile(durations: &[u64], rows: &[Row<'_>]) -> Profile {
    let mut profile = Profile { metric: Metric::Latency, ..Profile::default() };
    for &(stack, root, state, latency_ns) in rows {
        let leaf = stack.iter().fold(StackTree::ROOT, |at, &(function, line)| {
            let frame = ProfileFrame { function: function.into(), file: format!("{function}.go").into(), line };
            let frame = profile.tree.intern_frame(frame);
            profile.tree.push(at, frame)
        });
        profile.samples.push(Sample {
            stack: leaf,
            state: state.into(),
            detail: "",
            precision: Precision::Exact,
            root: root.into(),
            waited_in: "".into(),
            weight: Weight { events: 1, goroutine_ns: latency_ns, latency_ns },
        });
    }
    let list = durations.iter().map(|&dur_ns| Request { dur_ns, ..Request::default() }).collect();
    profile.requests = Some(Requests { list, ..Requests::default() });
    profile.finish();
    profile
}

fn names(comparison: &Comparison, change: &StackChange) -> String {
    let mut names: Vec<&str> = comparison.tree.stack(change.stack).map(|f| f.function.as_str()).collect();
    names.reverse();
    names.join(";")
}

fn rows(comparison: &Comparison) -> Vec<(String, &str, i64, Presence)> {
    let row = |s: &'static str, c: &StackChange| (names(comparison, c), s, c.delta.delta_ns, c.presence);
    let state = |s: &str| if s == "sync" { "sync" } else { "running" };
    comparison.stacks.iter().map(|c| row(state(&c.state), c)).collect()
}

fn base() -> Profile {
    profile(&[10, 11, 12], &[(&[("serve", 1), ("A", 5)], "A", "running", 30), (&[("gone", 1)], "A", "sync", 3)])
}

fn new() -> Profile {
    let new: Row<'_> = (&[("serve", 1), ("A", 6), ("lock", 1)], "A", "sync", 20);
    profile(&[21, 31], &[(&[("serve", 1), ("A", 6)], "A", "running", 32), new])
}

#[test]
fn parts_add_up_to_the_change_of_the_mean() {
    let comparison = Comparison::of(&new(), &base(), CompareOptions::default()).unwrap();
    assert_eq!(comparison.whole, Delta { base_ns: 11, new_ns: 26, delta_ns: 15 });
    assert_eq!(comparison.states.iter().map(|s| s.delta.delta_ns).collect::<Vec<_>>(), [9, 6]);
    assert_eq!(
        rows(&comparison),
        [
            ("serve;A;lock".to_owned(), "sync", 10, Presence::New),
            ("serve;A".to_owned(), "running", 6, Presence::Both),
            ("gone".to_owned(), "sync", -1, Presence::Gone)
        ]
    );
    assert_eq!(comparison.verdict(), Verdict::TooFewRequests);
}

#[test]
fn sums_are_compared_when_asked_for() {
    let options = CompareOptions { total: true, ..CompareOptions::default() };
    let comparison = Comparison::of(&new(), &base(), options).unwrap();
    assert_eq!(comparison.whole, Delta { base_ns: 33, new_ns: 52, delta_ns: 19 });
    assert_eq!(comparison.stacks.iter().map(|s| s.delta.delta_ns).collect::<Vec<_>>(), [20, -3, 2]);
}

#[test]
fn lines_tell_stacks_apart_only_when_asked_for() {
    let options = CompareOptions { by: MatchBy::Line, ..CompareOptions::default() };
    let comparison = Comparison::of(&new(), &base(), options).unwrap();
    assert!(comparison.stacks.iter().all(|s| s.presence != Presence::Both));
    assert_eq!(comparison.stacks.iter().map(|s| s.delta.delta_ns).sum::<i64>(), 15);
}

#[test]
fn stacks_are_compared_down_to_a_depth() {
    let below = |leaf: (&'static str, u32)| {
        profile(&[20], &[(&[("serve", 1), ("A", 5), ("call", 6), leaf], "A", "running", 20)])
    };
    let by = |depth| CompareOptions { by: MatchBy::Depth(depth), ..CompareOptions::default() };
    let compared = |depth| Comparison::of(&below(("new", 1)), &below(("old", 1)), by(depth)).unwrap();
    // From the root `A` on; its callers stay.
    assert_eq!(rows(&compared(1)), [("serve;A".to_owned(), "running", 0, Presence::Both)]);
    assert_eq!(rows(&compared(2)), [("serve;A;call".to_owned(), "running", 0, Presence::Both)]);
    assert_eq!(rows(&compared(3)).len(), 2);
    assert_eq!(rows(&compared(9)), rows(&compared(3)));
}

#[test]
fn roots_of_other_names_are_the_same_root() {
    let other = profile(&[20], &[(&[("serve", 1), ("wrap", 1), ("B", 6)], "B", "running", 20)]);
    let options = CompareOptions { roots_alike: true, ..CompareOptions::default() };
    let comparison = Comparison::of(&other, &base(), options).unwrap();
    assert_eq!(rows(&comparison)[0], ("(root)".to_owned(), "running", 10, Presence::Both));
}

#[test]
fn nothing_differs_from_itself() {
    let comparison = Comparison::of(&new(), &new(), CompareOptions::default()).unwrap();
    assert!(comparison.stacks.iter().all(|s| s.delta.delta_ns == 0 && s.presence == Presence::Both));
    assert!(comparison.states.iter().all(|s| s.delta.delta_ns == 0 && s.delta.base_ns == s.delta.new_ns));
}

#[test]
fn without_requests_there_is_nothing_to_compare() {
    assert!(Comparison::of(&profile(&[], &[]), &base(), CompareOptions::default()).is_none());
    assert!(Comparison::of(&base(), &Profile::default(), CompareOptions::default()).is_none());
}

#[test]
fn rules_count_what_is_significant() {
    let many = |ns: u64| profile(&(0..30).map(|i| ns + i).collect::<Vec<_>>(), &[]);
    let of = |new: &Profile, base: &Profile| Comparison::of(new, base, CompareOptions::default()).unwrap();
    let rule = |limit| LatencyRule { figure: LatencyFigure::Mean, limit };
    let slower = of(&many(1_000), &many(500));
    assert!(
        matches!(rule(Limit::LongerByPart(90_000)).check_change(&slower), RuleOutcome::Slower(c) if c.delta_ns == 500)
    );
    assert_eq!(rule(Limit::LongerByPart(100_000)).check_change(&slower), RuleOutcome::Kept);
    assert!(matches!(rule(Limit::LongerBy(499)).check_change(&slower), RuleOutcome::Slower(_)));
    assert_eq!(rule(Limit::LongerBy(500)).check_change(&slower), RuleOutcome::Kept);
    assert_eq!(rule(Limit::Above(1_000)).check_change(&slower), RuleOutcome::Above(1_015));
    assert_eq!(rule(Limit::LongerBy(0)).check(slower.new.for_rules()), RuleOutcome::Kept);
    let few = of(&profile(&[900], &[]), &profile(&[100], &[]));
    assert!(matches!(rule(Limit::LongerBy(1)).check_change(&few), RuleOutcome::Unclear(_)));
}

/// A side whose requests took `counted`, on servers that served these and `others`.
fn on_servers(counted: &[u64], others: usize) -> Profile {
    let total = counted.iter().sum();
    let mut profile = profile(counted, &[(&[("serve", 1)], "A", "sleep", total)]);
    let of_all = counted.iter().copied().chain(std::iter::repeat_n(1, others));
    profile.selection.same_servers.durations_ns = of_all.collect();
    profile
}

#[test]
fn a_fix_whose_fast_requests_leave_no_stack_is_faster() {
    let comparison = Comparison::of(&on_servers(&[50, 51], 39), &on_servers(&[50; 40], 0), CompareOptions::default());
    let comparison = comparison.unwrap();
    assert_eq!(comparison.verdict(), Verdict::SlowRate);
    assert_eq!(comparison.slow_rate.unwrap().is_slower(), Some(false));
    let same = Comparison::of(&on_servers(&[50, 51], 0), &on_servers(&[50; 2], 0), CompareOptions::default()).unwrap();
    assert_eq!(same.verdict(), Verdict::TooFewRequests);
}

#[test]
fn what_may_be_several_calls_has_no_verdict() {
    let with = |n: usize| {
        let mut profile = on_servers(&[50; 40], 0);
        let requests = profile.requests.as_mut().unwrap();
        requests.list.iter_mut().take(n).for_each(|r| (r.at_least_ns, r.may_be_several) = (Some(1).into(), true));
        profile.finish();
        profile
    };
    let of = |n| Comparison::of(&with(n), &on_servers(&[9; 40], 0), CompareOptions::default()).unwrap();
    let said = |c: &Comparison| (c.verdict(), c.p().is_some(), c.is_clear(&c.latency.mean));
    assert_eq!(said(&of(2)), (Verdict::Significant, true, true), "5 % are not too many");
    assert_eq!(said(&of(3)), (Verdict::MayBeSeveral, false, false));
}

#[test]
fn a_relative_rule_is_broken_with_and_without_the_undecided() {
    let rule = LatencyRule { figure: LatencyFigure::Mean, limit: Limit::LongerByPart(10_000) };
    let compare = |undecided: Vec<u64>| {
        let mut new = on_servers(&[90; 20], undecided.len());
        new.selection.undecided.took.durations_ns = undecided;
        Comparison::of(&new, &on_servers(&[50; 20], 0), CompareOptions::default()).unwrap()
    };
    assert!(matches!(rule.check_change(&compare(vec![])), RuleOutcome::Slower(_)));
    assert!(matches!(rule.check_change(&compare(vec![80; 5])), RuleOutcome::Slower(_)));
    let depends = rule.check_change(&compare(vec![1; 100]));
    assert_eq!(depends, RuleOutcome::DependsOnUndecided { without_ns: 90, with_ns: 16, base_ns: Some((50, 50)) });
}

#[test]
fn a_verdict_that_undecided_requests_could_change_is_known() {
    let compare = |base: &[u64], new: &[u64]| {
        let side = |undecided: &[u64]| {
            let mut side = on_servers(&[50; 20], undecided.len());
            side.selection.undecided.took.durations_ns = undecided.to_vec();
            side
        };
        Comparison::of(&side(new), &side(base), CompareOptions::default()).unwrap().depends_on_undecided
    };
    assert!(compare(&[1; 30], &[1; 30]));
    assert!(!compare(&[], &[]) && !compare(&[1; 2], &[1; 2]));
    // The rate of slow requests counts them already: fast ones cannot change it, slow ones can.
    assert!(!compare(&[], &[1; 30]) && compare(&[], &[60; 30]));
}

#[test]
fn a_function_is_new_only_where_the_other_side_lacks_it() {
    let calls =
        |callee: &'static str| profile(&[50; 8], &[(&[("serve", 1), (callee, 1), ("recv", 1)], "A", "sleep", 400)]);
    let comparison = Comparison::of(&calls("commit"), &calls("query"), CompareOptions::default()).unwrap();
    let sides = ["serve", "commit", "query", "recv", "other"].map(|function| comparison.presence_of(function));
    let [both, new, gone] = [Presence::Both, Presence::New, Presence::Gone].map(Some);
    assert_eq!(sides, [both, new, gone, both, None]);
}
