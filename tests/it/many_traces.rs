//! Many small traces in one command: the same for any number of threads, little memory for each, and no time is lost where all of
//! them together have more chains of waits than there is room for. On schedules that a simulated scheduler makes up.

#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::sim::{Plan, simulate};
use crate::common::{digest, files, is_alone, root, root_by, selector};
use crate::fleet::endpoints;
use crate::memory::HEAP;
use gotrace_slice::compare::{CompareOptions, Comparison, MatchBy, Presence};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::{Profile, ShownWaits};
use gotrace_slice::render::{self, Format};
use gotrace_slice::table;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many pairs of a chain of waits and what was done at its end are told by two waits and more.
const ROOM: usize = 4096;

fn traces(n: u64) -> Vec<Vec<u8>> {
    let plan = |seed| Plan { seed: 77 * seed + 5, steps: 1500, threads: 6, generations: 1, version: "1.26" };
    (0..n).map(|seed| simulate(plan(seed)).bytes).collect()
}

fn profile(traces: &[Vec<u8>], threads: usize, request_stacks: bool) -> Profile {
    profile_of("main", traces, threads, request_stacks).expect("a profile")
}

/// None where nothing matches.
fn profile_of(pattern: &str, traces: &[Vec<u8>], threads: usize, request_stacks: bool) -> Option<Profile> {
    let inputs: Vec<Input<'_>> = traces.iter().map(|bytes| Input::new("test", bytes)).collect();
    let options = Options { threads, request_stacks, include_partial: true, ..Options::default() };
    match pipeline::profile(&inputs, &selector(pattern, root_by("creation,entry")), options, None) {
        Ok(Answer::Profile(profile)) => Some(*profile),
        _ => None,
    }
}

/// How many samples are of other goroutines than the requests' own, and the most waits that such a one has.
fn elsewhere(profile: &Profile) -> (usize, usize) {
    let waits = |node| profile.tree.stack(node).filter(|frame| frame.is_waiting_for()).count();
    let of_all = profile.samples.iter().map(|sample| waits(sample.stack)).filter(|n| *n > 0);
    of_all.fold((0, 0), |(samples, most), n| (samples + 1, most.max(n)))
}

fn latency_by_state(profile: &Profile) -> impl Iterator<Item = (String, u64)> + '_ {
    let states = profile.states.iter().map(|state| (state.state.clone(), state.weight.latency_ns));
    states.filter(|(_, ns)| *ns > 0)
}

#[test]
fn chains_of_all_traces_share_the_room_and_no_time_is_lost() {
    for (n, is_too_much) in [(130, false), (260, true)] {
        let traces = traces(n);
        let singles: Vec<Profile> = traces.chunks(1).map(|one| profile(one, 1, false)).collect();
        let most_of_one = singles.iter().map(|single| elsewhere(single).1).max().expect("a trace");
        let all = profile(&traces, 1, false);
        let (samples, most) = elsewhere(&all);
        assert_eq!(samples > ROOM, is_too_much, "{n} traces: {samples} samples");
        assert_eq!(most, if is_too_much { 1 } else { most_of_one }, "{n} traces");
        assert!(most_of_one > 1, "a single trace has room for more: {most_of_one}");
        let mut states: BTreeMap<String, u64> = BTreeMap::new();
        for (state, ns) in singles.iter().flat_map(latency_by_state) {
            *states.entry(state).or_default() += ns;
        }
        assert_eq!(latency_by_state(&all).collect::<BTreeMap<_, _>>(), states);
        for threads in [2, 8].into_iter().filter(|_| is_too_much) {
            assert!(digest(&profile(&traces, threads, false)) == digest(&all), "{n} traces, {threads} threads");
        }
        // What each request spent where adds up to what it took, by samples that are there.
        let all = profile(&traces, 2, true);
        let requests = all.requests.as_ref().expect("requests");
        let stacks = requests.stacks.as_ref().expect("their stacks");
        let mut of_samples = vec![0; all.samples.len()];
        for (i, request) in requests.list.iter().enumerate() {
            stacks.of(i).for_each(|(sample, ns)| of_samples[sample] += ns);
            let more: u64 = stacks.more_of(i).iter().map(|more| more.ns).sum();
            assert_eq!(stacks.of(i).map(|(_, ns)| ns).sum::<u64>() + more, request.dur_ns);
        }
        let known = all.samples.iter().zip(&of_samples);
        assert!(stacks.more().is_empty() && known.clone().all(|(sample, ns)| sample.weight.latency_ns == *ns));
    }
}

/// Compares one with the base that it is a part of: none of its stacks is on its side alone. Gives the most waits that such a one
/// shows.
fn of_part(new: &Profile, base: &Profile, by: MatchBy) -> usize {
    let comparison = Comparison::of(new, base, CompareOptions { by, ..CompareOptions::default() }).expect("requests");
    let name = |stack| comparison.tree.stack(stack).map(|frame| frame.function.as_str()).collect::<Vec<_>>();
    let alone = comparison.stacks.iter().find(|change| change.presence == Presence::New);
    assert!(alone.is_none(), "{:?}", alone.map(|change| name(change.stack)));
    let of_new = comparison.stacks.iter().filter(|change| change.presence == Presence::Both);
    let waits = |stack| comparison.tree.stack(stack).filter(|frame| frame.is_waiting_for()).count();
    of_new.map(|change| waits(change.stack)).max().unwrap_or(0)
}

#[test]
fn comparisons_tell_both_sides_by_as_many_waits() {
    let mut recorded = files(&root().join("testdata/traces"), "trace");
    recorded.sort();
    let recorded = recorded.iter().map(|path| std::fs::read(path).expect("a trace")).collect();
    for (pattern, traces) in [("main", traces(260)), (".", recorded)] {
        let base = profile_of(pattern, &traces, 2, false).expect("a profile");
        let told = usize::from(base.waits.shown.expect("it is known").most);
        let parts =
            traces.iter().filter_map(|one| Some((one, profile_of(pattern, std::slice::from_ref(one), 1, false)?)));
        let parts: Vec<(&Vec<u8>, Profile)> = parts.filter(|(_, part)| elsewhere(part).1 > told).take(8).collect();
        assert_eq!((parts.len(), told), (8, 1), "the base tells fewer waits");
        for (_, part) in &parts {
            assert_eq!(of_part(part, &base, MatchBy::Function), told);
        }
        let part = &parts[0].1;
        assert_eq!(of_part(part, &base, MatchBy::Line), told);
        // With the sides swapped none of them is gone.
        let swapped = Comparison::of(&base, part, CompareOptions::default()).expect("requests");
        assert!(swapped.stacks.iter().all(|change| change.presence != Presence::Gone));
        // The twin: both sides tell all waits, and nothing is cut.
        let few: Vec<Vec<u8>> = parts.iter().map(|(bytes, _)| (*bytes).clone()).collect();
        let few = profile_of(pattern, &few, 1, false).expect("a profile");
        assert!([&few, part].iter().all(|side| side.waits.shown == Some(ShownWaits { fewest: 8, most: 8 })));
        assert_eq!(of_part(part, &few, MatchBy::Function), elsewhere(part).1);
    }
}

fn table_of(profile: &Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    let parquet = Format::by_name("parquet").expect("a format");
    (parquet.profile)(profile, &render::Options::default(), &mut bytes).expect("memory");
    bytes
}

fn inputs(tables: &[&Vec<u8>]) -> Vec<table::Input> {
    let input = |bytes: &&Vec<u8>| table::Input { name: "test".into(), source: Arc::new((*bytes).clone()) };
    tables.iter().map(input).collect()
}

fn of_tables(tables: &[&Vec<u8>]) -> Profile {
    let options = Options { include_partial: true, request_stacks: true, ..Options::default() };
    table::all(&inputs(tables), options).expect("a table")
}

/// The same table, as if an engine had written it.
fn of_engine(table: &[u8]) -> Vec<u8> {
    let mut table = table.to_owned();
    let key = table.windows(6).rposition(|bytes| bytes == b"\x05waits").expect("the key") + 1;
    table[key] = b'W';
    table
}

/// Tables say how many waits their stacks show, also where one is made of those of several commands.
#[test]
fn comparisons_of_tables_tell_both_sides_by_as_many_waits() {
    let traces = traces(260);
    let base = table_of(&profile(&traces, 2, true));
    let parts = traces.chunks(1).map(|one| profile(one, 1, true)).filter(|part| elsewhere(part).1 > 1);
    let parts: Vec<Vec<u8>> = parts.take(3).map(|part| table_of(&part)).collect();
    let part = of_tables(&[&parts[0]]);
    let shown = |fewest, most| Some(ShownWaits { fewest, most });
    let of_base = of_tables(&[&base]);
    assert_eq!((of_base.waits.shown, part.waits.shown), (shown(1, 1), shown(8, 8)));
    assert_eq!(of_part(&part, &of_base, MatchBy::Line), 1);
    // Of several tables; then of the one that they become.
    let several = of_tables(&[&base, &parts[0], &parts[1]]);
    let become_one = of_tables(&[&table_of(&several)]);
    for of_several in [&several, &become_one] {
        assert_eq!(of_several.waits.shown, shown(1, 8));
        assert_eq!(of_part(&part, of_several, MatchBy::Function), 1);
    }
    // The twins: tables that show all waits, and one that an engine wrote.
    let few = of_tables(&[&parts[0], &parts[1], &parts[2]]);
    assert_eq!(few.waits.shown, shown(8, 8));
    assert!(of_part(&part, &few, MatchBy::Function) > 1);
    let of_engine = of_tables(&[&of_engine(&base)]);
    assert_eq!(of_engine.waits.shown, None);
    let comparison = Comparison::of(&part, &of_engine, CompareOptions::default()).expect("requests");
    assert!(comparison.stacks.iter().any(|change| change.presence == Presence::New), "it is not known");
}

/// How many waits stacks show is told by the tables that have requests which are asked for.
#[test]
fn tables_without_what_is_asked_for_do_not_count() {
    let traces = traces(260);
    let table = |pattern: &str, traces: &[Vec<u8>]| {
        table_of(&profile_of(pattern, traces, 2, true).expect("what the scheduler starts"))
    };
    let (wanted, other) = (table("^main.f0$", &traces[..20]), table("^main.f[1-5]$", &traces));
    let asked = |pattern: &str, other: &Vec<u8>| {
        let options = Options { include_partial: true, ..Options::default() };
        match table::profile(&inputs(&[other, &wanted]), &selector(pattern, root_by("creation,entry")), options) {
            Ok(Answer::Profile(profile)) => (profile.waits.shown, profile.selection.undecided.count()),
            _ => panic!("{pattern}: no profile"),
        }
    };
    let shown = |fewest, most| Some(ShownWaits { fewest, most });
    // Asked for both, one of them shows fewer waits, or it is not known.
    assert_eq!([asked("^main.f0$", &other), asked("main", &other)], [(shown(8, 8), 0), (shown(1, 8), 0)]);
    let other = of_engine(&other);
    assert_eq!([asked("^main.f0$", &other), asked("main", &other)], [(shown(8, 8), 0), (None, 0)]);
    // Requests of which it is not known what they are may be meant, and have no stacks.
    let silent = std::fs::read(root().join("testdata/traces/go1.26/silent-a.trace")).expect("a trace");
    let silent = of_engine(&table_of(&endpoints(&[Input::new("test", &silent)])));
    assert_eq!([asked("^main.f0$", &silent), asked("main", &silent)], [(shown(8, 8), 70), (None, 70)]);
}

#[test]
fn each_further_trace_takes_little_memory() {
    if !is_alone(module_path!(), "each_further_trace_takes_little_memory") {
        return;
    }
    // Copies of an old trace are no snapshots of one process: it has no generations.
    let bytes = std::fs::read(root().join("testdata/traces/go1.21/server.trace")).expect("a recording");
    let traces = vec![bytes; 1100];
    let peak = |n: usize| {
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let profile = profile(&traces[..n], 1, false);
        let requests = profile.requests.map_or(0, |requests| requests.list.len());
        (HEAP.peak_usage().saturating_sub(before), requests)
    };
    let ((few, n_few), (many, n_many)) = (peak(100), peak(1100));
    println!("{} kB of 100 traces, {} of 1100; {n_few} and {n_many} requests", few >> 10, many >> 10);
    assert_eq!(n_many, 11 * n_few);
    // A request's 72 bytes may be there twice, when there is room for twice as many.
    let allowed = few + 1000 * 600 + 250 * (n_many - n_few);
    assert!(many < allowed, "{many} bytes; {allowed} are allowed");
}
