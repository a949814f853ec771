//! The statistics of a comparison: scipy's figures (`testdata/stats/make.py`), and the laws that hold for all data.

use crate::common::root;
use gotrace_slice::compare::statistics::{
    Change, ConfidenceInterval, DRAWS, Durations, EXACT_SMALL, LatencyChange, Part, Quantile, erfc, fisher,
    mann_whitney,
};
use proptest::prelude::*;
use serde_json::Value;

/// The cases of a file of `testdata/stats`.
fn cases(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("testdata/stats").join(name)).expect("a readable file");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file["cases"].as_array().expect("cases").clone()
}

fn durations(values: &Value) -> Durations {
    Durations::new(values.as_array().expect("values").iter().map(|v| v.as_u64().expect("a number")).collect())
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn compare(base: &Durations, new: &Durations) -> LatencyChange {
    LatencyChange::of(base, new).expect("two sides with requests")
}

/// The figures of a comparison: the mean, then the quantiles.
fn figures(change: &LatencyChange) -> Vec<Change> {
    std::iter::once(change.mean).chain(change.quantiles.iter().map(|q| q.1)).collect()
}

#[test]
fn erfc_is_that_of_scipy() {
    for case in cases("erfc.json") {
        let (x, expected) = (number(&case["x"]), number(&case["erfc"]));
        let got = erfc(x);
        assert!((got - expected).abs() <= 1e-12 * expected, "erfc({x}) is {expected:e}, not {got:e}");
    }
    assert!(erfc(f64::INFINITY) == 0.0 && erfc(40.0) >= 0.0);
}

#[test]
fn exact_tests_of_parts_are_those_of_scipy() {
    for case in cases("fisher.json") {
        let count = |of: &str, side: usize| case[of][side].as_u64().expect("a number");
        let part = |side| Part { some: count("some", side), all: count("all", side) };
        let (p, expected) = (fisher(part(0), part(1)), number(&case["p"]));
        assert!((p - expected).abs() <= 1e-9 * expected, "{case}: {expected:e}, not {p:e}");
    }
}

#[test]
fn p_values_are_those_of_scipy() {
    let mut exact = 0;
    for case in cases("mann_whitney.json") {
        let (base, new, expected) = (durations(&case["base"]), durations(&case["new"]), number(&case["p"]));
        let p = mann_whitney(&base, &new);
        assert!((p - expected).abs() <= 1e-11 * expected, "{} + {}: {expected:e}, not {p:e}", base.len(), new.len());
        exact += usize::from(base.len().min(new.len()) <= EXACT_SMALL);
    }
    assert!(exact > 10, "only {exact} small cases");
}

#[test]
fn quantiles_are_those_of_numpy() {
    for case in cases("quantiles.json") {
        let values = durations(&case["values"]);
        for (quantile, name) in Quantile::REPORTED.into_iter().zip(["p50", "p90", "p95", "p99"]) {
            assert_eq!(values.quantile_ns(quantile), case[name].as_u64(), "{name} of {}", values.len());
        }
    }
}

/// Other random numbers give slightly other ends: each is within a few percent of the interval's width.
#[test]
fn intervals_are_those_of_scipy() {
    for case in cases("bootstrap.json") {
        let change = compare(&durations(&case["base"]), &durations(&case["new"]));
        let (name, which) = (case["figure"].as_str().expect("a name"), figures(&change));
        let got = which[["mean", "p50", "p90"].iter().position(|n| *n == name).expect("a known figure")].interval;
        let (low, high) = (number(&case["low"]), number(&case["high"]));
        let near = |ours: i64, scipys: f64| (ours as f64 - scipys).abs() <= 0.08 * (high - low);
        assert!(near(got.low_ns, low) && near(got.high_ns, high), "{name}: [{low}, {high}], not {got:?}");
    }
}

fn latencies() -> impl Strategy<Value = Vec<u64>> {
    let value = prop_oneof![1u64..10, 1_000u64..100_000_000, any::<u64>()];
    prop::collection::vec(value, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn swapping_the_sides_mirrors_everything(base in latencies(), new in latencies()) {
        let (base, new) = (Durations::new(base), Durations::new(new));
        let (there, back) = (compare(&base, &new), compare(&new, &base));
        prop_assert_eq!(there.p.to_bits(), back.p.to_bits());
        for (a, b) in figures(&there).into_iter().zip(figures(&back)) {
            prop_assert_eq!((a.base_ns, a.new_ns, a.delta_ns), (b.new_ns, b.base_ns, -b.delta_ns));
            let mirrored = ConfidenceInterval { low_ns: -b.interval.high_ns, high_ns: -b.interval.low_ns };
            prop_assert_eq!(a.interval, mirrored);
        }
    }

    #[test]
    fn a_side_does_not_differ_from_itself(values in latencies()) {
        let mut backwards = values.clone();
        backwards.reverse();
        let change = compare(&Durations::new(values), &Durations::new(backwards));
        for figure in figures(&change) {
            prop_assert_eq!(figure.delta_ns, 0);
            prop_assert_eq!(figure.interval, ConfidenceInterval::default());
        }
        prop_assert!(change.p > 0.9 && !change.is_significant());
    }

    #[test]
    fn intervals_lie_between_the_extremes(base in latencies(), new in latencies()) {
        let (base, new) = (Durations::new(base), Durations::new(new));
        // Differences stop where their numbers do, at 292 years.
        let limits = (i128::from(i64::MIN), i128::from(i64::MAX));
        let extreme = |a: &Durations, b: &Durations| {
            (i128::from(b.sorted()[b.len() - 1]) - i128::from(a.sorted()[0])).clamp(limits.0, limits.1)
        };
        for figure in figures(&compare(&base, &new)) {
            prop_assert!(figure.interval.low_ns <= figure.interval.high_ns);
            // A mean is a float on its way; it keeps 52 bits.
            let slack = extreme(&base, &new).abs().max(extreme(&new, &base).abs()) >> 48;
            prop_assert!(i128::from(figure.interval.high_ns) <= extreme(&base, &new) + slack);
            prop_assert!(i128::from(figure.interval.low_ns) >= -extreme(&new, &base) - slack);
        }
    }
}

/// Values without chance, spread like the latencies of a server: most short, a long tail.
fn many(n: u64, least: u64) -> Durations {
    let tail = |i: u64| n / (n - i);
    Durations::new((0..n).map(|i| least + i * 20_000_000 / n + tail(i) * 1_000).collect())
}

/// More values than draws give the interval that theory gives: ± 1.96 standard errors.
#[test]
fn a_capped_resample_keeps_the_width_of_the_interval() {
    let n = DRAWS as u64 * 9;
    let base = Durations::new((0..n).map(|i| 1_000_000 + i * 10).collect());
    let new = Durations::new((0..n).map(|i| 1_300_000 + i * 10).collect());
    let change = compare(&base, &new);
    assert_eq!(change.mean.delta_ns, 300_000);
    let error_of = |sd: f64| 2.0 * 1.96 * sd * (2.0 / n as f64).sqrt();
    let width = |i: ConfidenceInterval| (i.high_ns - i.low_ns) as f64;
    let spread = n as f64 * 10.0;
    let mean = error_of(spread / 12f64.sqrt());
    assert!((width(change.mean.interval) / mean - 1.0).abs() < 0.06, "{} against {mean}", width(change.mean.interval));
    for (quantile, figure) in &change.quantiles {
        let p = f64::from(quantile.thousandths()) / 1000.0;
        let expected = error_of(spread * (p * (1.0 - p)).sqrt());
        let ratio = width(figure.interval) / expected;
        assert!((ratio - 1.0).abs() < 0.1, "{quantile:?}: {ratio}");
    }
}

#[test]
fn a_million_requests_a_side_take_no_time() {
    let (base, new) = (many(1_000_000, 1_000_000), many(1_000_000, 1_100_000));
    let start = std::time::Instant::now();
    let change = compare(&base, &new);
    // A build without optimisation on a busy machine has ten times what a release needs.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert!(change.is_significant() && change.mean.delta_ns > 0 && !change.mean.interval.has_zero());
}

#[test]
fn few_requests_give_no_verdict() {
    let side = |from: u64, n: u64| Durations::new((from..from + n).collect());
    assert!(!compare(&side(0, 7), &side(1000, 50)).is_significant());
    assert!(compare(&side(0, 8), &side(1000, 50)).is_significant());
    assert!(LatencyChange::of(&side(0, 0), &side(0, 5)).is_none());
}
