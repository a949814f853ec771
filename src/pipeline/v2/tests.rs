//! Tests of both passes through traces of Go 1.22 and later.

mod part_walks;

use super::V2Trace;
use super::measuring::{Borders, independent_from};
use super::ordering::DiscardEvents;
use super::scanning::classify_stacks;
use crate::measure::MAX_PIECES;
use crate::measure::MeasureSpec;
use crate::pipeline::Options;
use crate::pipeline::progress::Ticker;
use crate::pipeline::testing::{found, found_on_paths, selector, sums, task, trace};
use crate::slice::{RootBy, Selector, select};
use crate::survey::Survey;
use crate::survey::v2::evidence_store::EvidenceMemory;
use crate::survey::v2::scan::ScanInput;
use crate::survey::v2::thread_groups::scan_threads;
use crate::trace::time::Time;
use crate::trace::time::Window;
use crate::trace::v2::clock::Clock;
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::order::frontier::{Ordered, Workspace};
use crate::trace::v2::split::{Checkpoint, GenerationPart, NoObserver, Plan, Predictions, n_valid_parts};
use crate::trace::v2::tables::{WireSample, read_tables};
use crate::trace::version::{Dialect, Header, read_header};
use rustc_hash::FxHashMap;

/// Measures generations side by side, also in parts, and one after the other, nothing by itself: the sums must be equal.
#[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
fn compare(bytes: &Vec<u8>, root_by: RootBy, pattern: &str, whole_life: bool) {
    let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
    let Dialect::V2(row) = version.dialect else { return };
    let selector = selector(pattern, root_by, whole_life);
    let ticker = Ticker::new(&[], 1, None);
    let options = Options { threads: 2, ..Options::default() };
    let recording = V2Trace::open(bytes, row, 0).expect("a sound trace");
    let (survey, _) = recording.survey(Some(&selector), options, &ticker).expect("a sound trace");
    let in_groups = Options { threads: 16, ..options };
    let (in_groups, _) = recording.survey(Some(&selector), in_groups, &ticker).expect("a sound trace");
    assert!(format!("{survey:?}") == format!("{in_groups:?}"), "a survey in groups of threads differs");
    let slice = select(&survey.forest, &survey.symbols, &selector);
    let spec = task(&survey, &slice, whole_life);
    let measure = |spec: MeasureSpec<'_>, independent_from: &[Time], n_parts: usize| {
        let checkpoints = &split_into(n_parts)(&recording, &survey);
        let borders = Borders { independent_from, checkpoints };
        let (measured, last, _) =
            recording.measure_between(borders, &survey, spec, options, &ticker).expect("a sound trace");
        (measured, last)
    };
    let in_order = vec![Time::MAX; survey.generations.len()];
    let independent_from = independent_from(&survey);
    // Measures also a part of the trace, which ends exactly when something happened.
    let (measured, last) = measure(spec, &in_order, 1);
    let requests = measured.paths.expect("paths").requests;
    let end = requests.get(requests.len() / 2).map_or(last, |request| request.span.end);
    let part = Window { start: survey.start + end.since(survey.start) as i64 / 3, end };
    for (looked_at, include_partial) in [(Window::ALL, true), (Window::ALL, false), (part, true)] {
        let sums = [true, false].map(|latency| {
            let spec = MeasureSpec { looked_at, latency, include_partial, ..spec };
            let one_by_one = measure(spec, &in_order, 1);
            let sums = sums(&one_by_one.0);
            let on_paths = found_on_paths(&one_by_one.0);
            let one_by_one = (found(one_by_one.0), one_by_one.1);
            // Parts that walk paths when they are over, and such as do it all the time.
            for (n_parts, part_growth) in [(1, 1), (1, 100), (2, spec.part_growth), (7, 1), (7, spec.part_growth)] {
                let spec = MeasureSpec { part_growth, ..spec };
                let side_by_side = measure(spec, &independent_from, n_parts);
                let found_there = found_on_paths(&side_by_side.0);
                let other = found_there.iter().zip(&on_paths).find(|(a, b)| a != b);
                let same = found_there == on_paths;
                assert!(same, "--root '{pattern}', {looked_at:?}, {n_parts} parts, {part_growth}: {other:#?}");
                let side_by_side = (found(side_by_side.0), side_by_side.1);
                let other = side_by_side.0.0.iter().zip(&one_by_one.0.0).find(|(a, b)| a != b);
                let same = side_by_side == one_by_one;
                assert!(same, "--root '{pattern}', {looked_at:?}, {latency}, {n_parts} parts: {other:?}");
            }
            sums
        });
        assert!(sums[0] == sums[1], "--root '{pattern}', {looked_at:?}: paths change what goroutines did");
    }
}

#[test]
fn measuring_side_by_side_changes_nothing() {
    for (name, pattern) in [
        ("go1.22/waits-long", "main."),
        ("go1.23/waits-long", "sync|chan"),
        ("go1.25/waits-long", "KnownWaits"),
        ("go1.26/waits-long", "main."),
        ("go1.26/server", "Handler"),
        ("go1.26/cpuprof", "Burn"),
        ("go1.26/iterators", "Handler"),
        ("go1.26/iterators", "main."),
        ("go1.26/pools", "ServeHTTP"),
        ("go1.22/http1", "Handler"),
        ("go1.26/http1", "main.NoBodyHandler"),
        ("go1.26/http2", "main.SpawnHandler"),
        ("go1.26/tails", "main.*ServeHTTP|main.[A-Z]"),
        ("go1.26/stretches", "main.(Compute|Older|Job|Message)$"),
        ("go1.23/stretches-samples", "main.(Compute|Preempted|Later)$"),
    ] {
        let bytes = trace(name);
        compare(&bytes, RootBy::default(), pattern, false);
        compare(&bytes, RootBy::default(), pattern, true);
    }
    let (task, region) = (RootBy { task: true, ..RootBy::NONE }, RootBy { region: true, ..RootBy::NONE });
    for (name, root_by, pattern) in [
        ("go1.22/tasks-long", task, "long"),
        ("go1.23/tasks-long", region, "haul"),
        ("go1.25/tasks-long", task, "."),
        ("go1.26/tasks", task, "."),
        ("go1.26/tasks", region, "."),
        ("go1.26/tasks-misuse", region, "."),
        ("go1.26/annotations", task, "."),
    ] {
        let bytes = trace(name);
        compare(&bytes, root_by, pattern, false);
        compare(&bytes, root_by, pattern, true);
    }
}

/// What lasts over a checkpoint goes on after it.
#[test]
fn what_lasts_over_a_checkpoint_goes_on_after_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/text");
    let text = std::fs::read_to_string(folder.join("over-batches.txt")).expect("a text of the repository");
    let (_, text) = text.split_once("\nTrace ").expect("a trace");
    let bytes = crate::trace::text::from_text(&format!("Trace {text}")).expect("a sound trace");
    let split = order_parts(&bytes, split_into(2));
    assert!(split[0].len() == 2 && split[0][0].reached_stop);
    for pattern in [".", "main.assist", "main.reader", "main.root", "main.hot"] {
        compare(&bytes, RootBy::default(), pattern, false);
        compare(&bytes, RootBy::default(), pattern, true);
    }
}

/// Orders a trace whose generations are split at the given checkpoints: per generation, what ordering gives of each part.
#[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
fn order_parts(
    bytes: &Vec<u8>,
    checkpoints: impl Fn(&V2Trace<'_>, &Survey) -> Vec<Vec<Checkpoint>>,
) -> Vec<Vec<Ordered>> {
    let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
    let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
    let ticker = Ticker::new(&[], 1, None);
    let recording = V2Trace::open(bytes, row, 0).expect("something usable");
    let (survey, _) = recording.survey(None, Options::default(), &ticker).expect("bytes in memory");
    let checkpoints = checkpoints(&recording, &survey);
    let mut ordered: Vec<Vec<Ordered>> = survey.generations.iter().map(|_| Vec::new()).collect();
    for part in GenerationPart::all(&checkpoints) {
        let done = recording.order(&survey, part, Time::MIN, &mut Workspace::default(), &mut DiscardEvents);
        ordered[part.generation].push(done.expect("bytes in memory"));
    }
    ordered
}

/// The checkpoints that split each generation into `n` parts, by a survey for a selection of goroutines.
fn split_into(n: usize) -> impl Fn(&V2Trace<'_>, &Survey) -> Vec<Vec<Checkpoint>> {
    split_by(n, Some(selector("main.", RootBy::default(), false)))
}

/// The same by a survey for any selection, or for none.
fn split_by(n: usize, selector: Option<Selector>) -> impl Fn(&V2Trace<'_>, &Survey) -> Vec<Vec<Checkpoint>> {
    move |recording, survey| {
        let plan = Plan::equal(survey.generations.len(), n);
        let options = Options { threads: n, ..Options::default() };
        let ticker = Ticker::new(&[], 1, None);
        let (_, predictions) =
            recording.survey_with(&plan, false, selector.as_ref(), options, &ticker).expect("bytes in memory");
        recording.checkpoints(survey, predictions).expect("bytes in memory")
    }
}

/// Every prediction is verified, and parts have all events.
#[test]
fn predictions_of_sound_traces_are_verified() {
    for name in [
        "go1.22/waits-long",
        "go1.23/server",
        "go1.25/http1",
        "go1.26/http2",
        "go1.26/iterators",
        "go1.26/cpuprof",
        "go1.26/waits-long",
    ] {
        let bytes = trace(name);
        let whole = order_parts(&bytes, |_, survey| survey.generations.iter().map(|_| Vec::new()).collect());
        let mut n_checkpoints = [0; 2];
        let splits = [order_parts(&bytes, split_into(5)), order_parts(&bytes, split_by(5, None))];
        for (i, split) in splits.iter().enumerate() {
            for (parts, whole) in split.iter().zip(&whole) {
                assert_eq!(n_valid_parts(parts.iter()), parts.len(), "{name}");
                assert_eq!(parts.iter().map(|part| part.emitted).sum::<u64>(), whole[0].emitted, "{name}");
                assert_eq!(parts.last().map(|part| part.last), Some(whole[0].last), "{name}");
                n_checkpoints[i] += parts.len() - 1;
            }
        }
        assert!(n_checkpoints[0] > 0 && n_checkpoints[0] == n_checkpoints[1], "{name}");
    }
}

/// If a generation's state is not as predicted, its order goes on to its end.
#[test]
fn a_wrong_prediction_changes_nothing() {
    let bytes = trace("go1.26/waits-long");
    let whole = order_parts(&bytes, |_, survey| survey.generations.iter().map(|_| Vec::new()).collect());
    let wrong = |recording: &V2Trace<'_>, survey: &Survey| {
        // The state at the first checkpoint, with the time of the second one.
        let wrong = |checkpoints: Vec<Checkpoint>| {
            let second = checkpoints[1].time();
            checkpoints.into_iter().take(1).map(|first| first.at_wrong_time(second)).collect()
        };
        split_into(3)(recording, survey).into_iter().map(wrong).collect()
    };
    for (parts, whole) in order_parts(&bytes, wrong).iter().zip(&whole) {
        assert_eq!(n_valid_parts(parts.iter()), 1);
        assert_eq!((parts[0].emitted, parts[0].last), (whole[0].emitted, whole[0].last));
        assert!(parts[0].is_sound());
    }
}

/// Damaged traces are measured as if they were not split.
#[test]
fn damaged_generations_are_measured_whole() {
    for (name, pattern) in [("go1.22/server", "Handler"), ("go1.26/waits-long", "main."), ("go1.25/http1", ".")] {
        let sound = trace(name);
        for every in [509, 4093, 40_009] {
            let bytes: Vec<u8> =
                (0..sound.len()).map(|i| if i % every == every - 1 { 0xff } else { sound[i] }).collect();
            let Header::Known(version) = read_header(&bytes) else { panic!("no trace") };
            let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
            let selector = selector(pattern, RootBy::default(), false);
            let ticker = Ticker::new(&[], 1, None);
            let options = Options { threads: 2, ..Options::default() };
            let recording = V2Trace::open(&bytes, row, 0).expect("something usable");
            let (survey, _) = recording.survey(Some(&selector), options, &ticker).expect("bytes in memory");
            let slice = select(&survey.forest, &survey.symbols, &selector);
            let measure = |n_parts: usize| {
                let checkpoints = &split_into(n_parts)(&recording, &survey);
                let borders = Borders { independent_from: &independent_from(&survey), checkpoints };
                let spec = task(&survey, &slice, false);
                let measured = recording.measure_between(borders, &survey, spec, options, &ticker);
                let (measured, last, warnings) = measured.expect("bytes in memory");
                (found(measured), last, warnings.iter().map(|w| w.message.clone()).collect::<Vec<_>>())
            };
            let whole = measure(1);
            for n_parts in [2, 5] {
                assert!(measure(n_parts) == whole, "{name}, every {every}th byte, {n_parts} parts");
            }
        }
    }
}

/// What scans leave out is never needed.
#[test]
fn what_scans_leave_out_is_never_needed() {
    let compare = |name: &str, bytes: &Vec<u8>, pattern: &str| {
        let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
        let Dialect::V2(row) = version.dialect else { return };
        let recording = V2Trace::open(bytes, row, 0).expect("something usable");
        let ticker = Ticker::new(&[], 1, None);
        let selector = selector(pattern, RootBy { stack: true, ..RootBy::NONE }, false);
        let survey = |keeps_all, threads| {
            let options = Options { threads, ..Options::default() };
            let plan = Plan::equal(recording.index.generations.len(), 1);
            let survey = recording.survey_with(&plan, keeps_all, Some(&selector), options, &ticker);
            format!("{:?}", survey.expect("bytes in memory").0)
        };
        assert!(survey(true, 1) == survey(false, 2), "{name}, --root '{pattern}'");
    };
    let patterns = ["main.deep", "main.[a-f]", "Handler|handler", "sync", "net/http", "os.read"];
    for name in ["go1.22/server", "go1.23/waits-long", "go1.25/http1", "go1.26/http2", "go1.26/iterators"] {
        let bytes = trace(name);
        for pattern in patterns {
            compare(name, &bytes, pattern);
        }
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/text");
    let files = |folder| std::fs::read_dir(folder).expect("a folder of the repository");
    for file in files(folder.clone()).chain(files(folder.join("refused"))) {
        let path = file.expect("a file of the repository").path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a text");
        let Some((_, text)) = text.split_once("\nTrace ") else { continue };
        let Ok(bytes) = crate::trace::text::from_text(&format!("Trace {text}")) else { continue };
        for pattern in patterns {
            compare(&path.display().to_string(), &bytes, pattern);
        }
    }
}

/// The fast path of a scan finds what the general rules find.
#[test]
fn the_fast_path_of_a_scan_finds_the_same() {
    for (name, pattern) in [
        ("go1.22/server", "Handler"),
        ("go1.23/waits-long", "main."),
        ("go1.25/http1", "Handler"),
        ("go1.26/http2", "Handler"),
        ("go1.26/iterators", "Handler"),
        ("go1.26/iterators", "main."),
    ] {
        let sound = trace(name);
        // Also with damage in the middle of batches: their rest is lost, and with it which goroutine runs.
        let every = |n: usize| (0..sound.len()).map(|i| if i % n == n - 1 { 0xff } else { sound[i] }).collect();
        for bytes in [sound.clone(), every(4096), every(1023)] {
            same_on_both_paths(&bytes, name, pattern);
        }
    }
}

#[allow(clippy::ptr_arg, reason = "a vector is a source, a slice of unknown size is not")]
fn same_on_both_paths(bytes: &Vec<u8>, name: &str, pattern: &str) {
    let Header::Known(version) = read_header(bytes) else { panic!("no trace") };
    let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
    let recording = V2Trace::open(bytes, row, 0).expect("something usable");
    let selector = selector(pattern, RootBy::default(), false);
    for index in &recording.index.generations {
        let generation = Generation::new(bytes, index);
        let tables = read_tables(&generation, &mut Vec::new()).expect("bytes in memory");
        let scanned = |samples: &FxHashMap<u64, Vec<WireSample>>| {
            let batches = ThreadBatches::new(&generation);
            let classes = classify_stacks(&tables, Some(&selector));
            let (known, classes) = (&recording.known, classes.as_ref());
            let generation = &generation;
            let batches = &batches;
            let tables = &tables;
            let input = ScanInput {
                is_first: false,
                generation,
                batches,
                tables,
                known,
                clock: Clock::new(1_000_000_000),
                classes,
                notes: None,
                samples,
                keeps_all: true,
            };
            let scan = scan_threads(&input, 0..index.threads.len(), EvidenceMemory::default(), &mut NoObserver);
            format!("{:?}", scan.expect("bytes in memory"))
        };
        // The fast path is not taken while a CPU sample is to come: this one never comes.
        let never = |thread| WireSample { pos: 0, ticks: u64::MAX, thread, goroutine: 0, stack: 0 };
        let never = index.threads.iter().map(|thread| (thread.0, vec![never(thread.0)])).collect();
        assert!(scanned(&FxHashMap::default()) == scanned(&never), "{name}");
    }
}

/// If the intervals of open requests exceed the limit, paths are cut short: they are counted, and still add up.
#[test]
fn paths_that_are_cut_short_add_up_too() {
    let bytes = trace("go1.26/waits-long");
    let Header::Known(version) = read_header(&bytes) else { panic!("no trace") };
    let Dialect::V2(row) = version.dialect else { panic!("an old trace") };
    let selector = selector("main.", RootBy::default(), false);
    let ticker = Ticker::new(&[], 1, None);
    let options = Options { threads: 1, ..Options::default() };
    let recording = V2Trace::open(&bytes, row, 0).expect("a sound trace");
    let (survey, _) = recording.survey(Some(&selector), options, &ticker).expect("a sound trace");
    let slice = select(&survey.forest, &survey.symbols, &selector);
    let paths = |max_pieces| {
        let spec = MeasureSpec { max_pieces, ..task(&survey, &slice, false) };
        let (measured, ..) =
            recording.measure(&survey, Predictions::default(), spec, options, &ticker).expect("a sound trace");
        measured.paths.expect("paths")
    };
    let (complete, cut_short) = (paths(MAX_PIECES), paths(10));
    assert_eq!(complete.capped, 0);
    assert!(cut_short.capped > 0);
    assert_eq!(complete.requests.len(), cut_short.requests.len());
    for request in &cut_short.requests {
        let sum: u64 = request.states.iter().map(|(_, ns)| ns).sum();
        assert_eq!(sum, request.span.end.since(request.span.start));
    }
}
