//! Laws: what holds for every valid trace, checked on schedules that a simulated scheduler makes up.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::oracle::{by_stack, closure, whole_lives};
use crate::common::sim::{Plan, Sim, simulate};
use crate::common::{self, Choppy, States, digest, profile, root_by, selector, slice, states, whole_life};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::Profile;
use gotrace_slice::slice::Selector;
use gotrace_slice::trace::testing::{from_text, to_text};
use proptest::prelude::*;

fn plans() -> impl Strategy<Value = Plan> {
    let version = prop::sample::select(vec!["1.22", "1.23", "1.25", "1.26"]);
    (any::<u64>(), 1u32..250, 1usize..6, 1u32..5, version)
        .prop_map(|(seed, steps, threads, generations, version)| Plan { seed, steps, threads, generations, version })
}

/// `PROPTEST_CASES` for a long run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(96)
}

/// The states of a slice; none when nothing matches.
fn sliced(sim: &Sim, selector: &Selector) -> Option<Profile> {
    match slice(&sim.bytes, selector, 1) {
        Ok(Answer::Profile(profile)) => Some(*profile),
        Ok(Answer::NoMatch(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

fn states_of(profile: Option<&Profile>) -> States {
    profile.map(states).unwrap_or_default()
}

fn sum(a: &States, b: &States) -> States {
    let mut sum = a.clone();
    for (state, (ns, events)) in b {
        let total = sum.entry(state.clone()).or_default();
        total.0 += ns;
        total.1 += events;
    }
    sum
}

const PATTERNS: [&str; 5] = [".", "main.f1$", "main.f[23]$", "main.handler", "main.op0|main.f5"];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Time is conserved: the states of a slice are the lives of its goroutines, to the nanosecond.
    #[test]
    fn whole_lives_are_what_happened(plan in plans()) {
        let sim = simulate(plan);
        for pattern in PATTERNS {
            let found = sliced(&sim, &whole_life(pattern));
            prop_assert_eq!(states_of(found.as_ref()), whole_lives(&sim, &closure(&sim, pattern)), "{}", pattern);
            if let Some(profile) = found {
                prop_assert!(profile.warnings.is_empty() && profile.complete(), "{:?}", profile.warnings);
                prop_assert_eq!(profile.traces[0].duration_ns, sim.end - sim.start);
                prop_assert_eq!(profile.traces[0].events, sim.events);
            }
        }
    }

    /// Stretches start and end where the rule says, children belong and are clipped to them.
    #[test]
    fn stretches_are_what_happened(plan in plans()) {
        let sim = simulate(plan);
        for pattern in ["main.handler", "main.handler1", "main.op2"] {
            let found = sliced(&sim, &selector(pattern, root_by("stack")));
            let (expected, roots) = by_stack(&sim, pattern);
            prop_assert_eq!(states_of(found.as_ref()), expected, "{}", pattern);
            prop_assert_eq!(found.map_or(0, |p| p.selection.roots), roots);
        }
    }

    /// A closure is monotonic; closures that share nobody add up; naming a pattern twice changes nothing.
    #[test]
    fn closures_add_up(plan in plans(), a in 0usize..6, b in 0usize..6) {
        let sim = simulate(plan);
        let (a, b) = (format!("^main.f{a}$"), format!("^main.f{b}$"));
        let both = format!("{a}|{b}");
        let of = |pattern: &str| states_of(sliced(&sim, &whole_life(pattern)).as_ref());
        let (of_a, of_b, of_both) = (of(&a), of(&b), of(&both));
        for (state, (ns, _)) in &of_a {
            prop_assert!(of_both[state].0 >= *ns);
        }
        let (in_a, in_b) = (closure(&sim, &a), closure(&sim, &b));
        if in_a.iter().zip(&in_b).all(|(a, b)| !(a & b)) {
            prop_assert_eq!(&of_both, &sum(&of_a, &of_b));
        }
        prop_assert_eq!(of(&format!("{a}|{a}")), of_a);
    }

    /// Results do not depend on the number of threads, nor on how the source hands its bytes out.
    #[test]
    fn the_way_of_reading_does_not_matter(plan in plans(), step in 1usize..40) {
        let sim = simulate(plan);
        for selector in [whole_life("main.f"), selector("main.handler", root_by("creation,entry,stack"))] {
            let Some(one) = sliced(&sim, &selector) else { continue };
            let Ok(Answer::Profile(many)) = slice(&sim.bytes, &selector, 3) else { panic!("another answer") };
            prop_assert_eq!(digest(&many), digest(&one));
            let choppy = Choppy { bytes: &sim.bytes, step };
            let inputs = [Input { name: "test".into(), source: &choppy, resolver: None }];
            let options = Options { threads: 1, ..Options::default() };
            let Ok(Answer::Profile(chopped)) = pipeline::profile(&inputs, &selector, options, None) else {
                panic!("another answer")
            };
            prop_assert_eq!(digest(&chopped), digest(&one));
        }
    }

    /// Text and bytes are the same trace.
    #[test]
    fn text_is_faithful(plan in plans()) {
        let bytes = simulate(plan).bytes;
        let text = to_text(&bytes).expect("a trace");
        prop_assert!(!text.contains("\nForeign") && !text.contains("\nBytes"));
        prop_assert_eq!(from_text(&text), Ok(bytes));
    }

    /// Two traces pooled are the sum of each alone.
    #[test]
    fn pools_add_up(a in plans(), b in plans()) {
        let (a, b) = (simulate(a), simulate(b));
        for selector in [whole_life("main.f1"), selector("main.handler", root_by("stack"))] {
            let (Some(of_a), Some(of_b)) = (sliced(&a, &selector), sliced(&b, &selector)) else { continue };
            let inputs = [("a", &a), ("b", &b)].map(|(name, sim)| Input { name: name.into(), source: &sim.bytes, resolver: None });
            let options = Options { threads: 2, ..Options::default() };
            let Ok(Answer::Profile(pool)) = pipeline::profile(&inputs, &selector, options, None) else {
                panic!("another answer")
            };
            prop_assert_eq!(states(&pool), sum(&states(&of_a), &states(&of_b)));
            prop_assert_eq!(pool.selection.roots, of_a.selection.roots + of_b.selection.roots);
            prop_assert_eq!(pool.selection.goroutines, of_a.selection.goroutines + of_b.selection.goroutines);
            // Two traces in one file, one after the other, are both read.
            let both = [a.bytes.clone(), b.bytes.clone()].concat();
            prop_assert_eq!(states(&profile(&both, &selector)), sum(&states(&of_a), &states(&of_b)));
        }
    }
}

/// Real traces obey the laws that need no simulator.
#[test]
fn real_traces_too() {
    for path in common::files(&common::root().join("testdata/traces"), "trace") {
        let bytes = std::fs::read(&path).expect("a readable trace");
        if !common::is_v2(&bytes) {
            continue;
        }
        for selector in [whole_life("."), selector("main", root_by("creation,entry,stack"))] {
            let one = profile(&bytes, &selector);
            let Ok(Answer::Profile(many)) = slice(&bytes, &selector, 3) else { panic!("another answer") };
            assert_eq!(digest(&many), digest(&one), "{}", path.display());
            let total: u64 = one.samples.iter().map(|s| s.weight.goroutine_ns).sum();
            assert_eq!(total, one.states.iter().map(|s| s.weight.goroutine_ns).sum::<u64>());
            assert_eq!(total, one.total.goroutine_ns);
        }
    }
}
