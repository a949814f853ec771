//! The report says what the program did: the programs of `testdata/gen` print, beside their trace, what they did
//! and how long it took, and the slice must say the same within scheduling noise.
//!
//! What a program measures around a wait holds the wait itself and the time until the goroutine ran again. So
//! the truth lies between the trace's wait and that wait plus all the time the slice was ready or running.

use crate::common::{files, root, selector};
use crate::go;
use gotrace_slice::pipeline::{self, Answer, Input, Options, Stacks};
use gotrace_slice::profile::{Profile, Sample};
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const MS: u64 = 1_000_000;

/// A recording and what its program said.
struct Recording {
    path: PathBuf,
    trace: Vec<u8>,
    said: Value,
    /// Whether this machine recorded it just now, under whatever else it was doing: the operating system takes
    /// processors away, and the trace calls that running.
    fresh: bool,
}

impl Recording {
    /// None when the trace is of a version that another test looks after.
    fn read(path: &Path) -> Option<Self> {
        let trace = std::fs::read(path).expect("a readable trace");
        let said = std::fs::read_to_string(path.with_extension("json")).expect("what the program said");
        let said = serde_json::from_str(&said).expect("JSON");
        // Old formats round system calls; they have tests of their own.
        let minor: u32 = std::str::from_utf8(&trace[5..7]).ok()?.trim().parse().ok()?;
        (minor >= 22).then(|| Self { path: path.to_owned(), trace, said, fresh: !path.starts_with(root()) })
    }

    fn slice(&self, pattern: &str, stacks: Stacks) -> Profile {
        let inputs = [Input { name: "test".into(), source: &self.trace, resolver: None }];
        let selector = selector(&format!("^{}$", regex::escape(pattern)), RootBy::default());
        match pipeline::profile(&inputs, &selector, Options { stacks, threads: 1, ..Options::default() }, None) {
            Ok(Answer::Profile(profile)) => *profile,
            other => panic!("{self}: {pattern}: {other:?}"),
        }
    }

    fn number(&self, pointer: &str) -> u64 {
        self.said.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{self} says no {pointer}"))
    }
}

impl std::fmt::Display for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Checks all recordings of a program: those of the repository, and fresh ones where Go is at hand.
fn for_each(program: &str, check: impl Fn(&Recording)) {
    let mut checked = 0;
    for path in files(&root().join("testdata/traces"), "trace") {
        if path.file_stem().is_some_and(|name| name == program) {
            let Some(recording) = Recording::read(&path) else { continue };
            check(&recording);
            checked += 1;
        }
    }
    assert!(checked >= 4, "{program}: only {checked} recordings in the repository");
    if go::toolchain(go::NEWEST).is_some() {
        let folder = tempfile::tempdir().expect("a folder");
        go::record(go::NEWEST, program, None, folder.path());
        for path in files(folder.path(), "trace").iter().filter(|p| {
            p.file_stem().is_some_and(|n| {
                n.to_str().is_some_and(|n| n.rsplit_once('-').is_some_and(|(name, _)| name == program))
            })
        }) {
            check(&Recording::read(path).expect("a new format"));
        }
    }
}

fn state(profile: &Profile, name: &str) -> (u64, u64) {
    let found = profile.states.iter().find(|s| s.state == name);
    found.map_or((0, 0), |s| (s.weight.goroutine_ns, s.weight.events))
}

/// Time in which goroutines were ready or ran: what comes between a wait's end and the program's look at its clock.
fn noise(profile: &Profile) -> u64 {
    state(profile, "running").0 + state(profile, "runnable").0
}

/// The trace's `ns` and the program's `measured` are the same but for noise.
fn assert_agree(what: &str, ns: u64, measured: u64, noise: u64) {
    // Small waits of the same kind that the program does not count, and the clocks' own grain.
    let slack = measured / 100 + MS;
    assert!(ns <= measured + slack, "{what}: the trace has {ns} ns, the program measured {measured}");
    assert!(ns + noise + slack >= measured, "{what}: the trace has {ns} ns and {noise} of noise, not {measured}");
}

/// The innermost function of the program that a sample is about.
fn function<'a>(profile: &'a Profile, sample: &Sample) -> &'a str {
    let own = |name: &&str| name.starts_with("main.") && !matches!(*name, "main.nap" | "main.note" | "main.check");
    profile.tree.stack(sample.stack).map(|frame| frame.function.as_str()).find(own).unwrap_or_default()
}

#[test]
fn every_wait_has_its_length_and_its_name() {
    for program in ["waits", "waits-long"] {
        for_each_waits(program);
    }
}

fn for_each_waits(program: &str) {
    let check = |recording: &Recording| {
        let profile = recording.slice("main.KnownWaits", Stacks::Own);
        let noise = noise(&profile);
        let said = recording.said["states"].as_object().expect("states");
        assert!(said.len() >= 9, "{recording}");
        for (name, wait) in said {
            let (ns, events) = state(&profile, name);
            let what = format!("{recording} [{name}]");
            assert_agree(&what, ns, wait["measured_ns"].as_u64().unwrap(), noise);
            assert!(events >= wait["count"].as_u64().unwrap(), "{what}: {events} intervals");
        }
        // The same by function: the stacks are those of the waits.
        let mut by_function: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for sample in &profile.samples {
            *by_function.entry((function(&profile, sample), &sample.state)).or_default() += sample.weight.goroutine_ns;
        }
        for (function, waits) in recording.said["functions"].as_object().expect("functions") {
            for (name, wait) in waits.as_object().expect("states of a function") {
                let ns = by_function.get(&(function.as_str(), name.as_str())).copied().unwrap_or(0);
                let what = format!("{recording} {function} [{name}]");
                assert_agree(&what, ns, wait["measured_ns"].as_u64().unwrap(), noise);
            }
        }
        // Nothing else waited for long.
        let named: u64 = said.keys().map(|name| state(&profile, name).0).sum();
        assert!(profile.total.goroutine_ns - named - noise < profile.total.goroutine_ns / 50 + 20 * MS, "{recording}");
    };
    if program == "waits" {
        for_each(program, check);
    } else {
        // Several generations. Fresh ones come with the short ones.
        for path in files(&root().join("testdata/traces"), "trace") {
            if path.file_stem().is_some_and(|name| name == program) {
                Recording::read(&path).iter().for_each(check);
            }
        }
    }
}

#[test]
fn two_handlers_on_the_same_connections_are_told_apart() {
    for_each("server", |recording| {
        let slice = |path: &str| {
            let endpoint = format!("/endpoints/~1{path}");
            let handler = recording.said.pointer(&format!("{endpoint}/handler")).and_then(Value::as_str).unwrap();
            let profile = recording.slice(handler, Stacks::Joined);
            let requests = recording.number(&format!("{endpoint}/count"));
            assert_eq!(profile.selection.roots, requests, "{recording}: {handler}: one root for each request");
            assert_eq!(profile.selection.roots_by_stack, requests, "{recording}: {handler} runs on connections");
            assert_eq!(profile.selection.goroutines, recording.number("/clients"), "{recording}: {handler}");
            let measured = |part: &str| recording.number(&format!("{endpoint}/{part}/ns"));
            (profile, measured("hash"), measured("write"), requests)
        };
        let (hash_and_write, hashed, written, requests) = slice("hash-and-write");
        let (write_no_hash, nothing, only_written, _) = slice("write-no-hash");
        assert_eq!(nothing, 0);
        // Reading the request before, and answering it after, belong to the stretch too.
        let around = requests * MS / 2;
        let ready = state(&hash_and_write, "runnable").0;
        let (running, syscall) = (state(&hash_and_write, "running").0, state(&hash_and_write, "syscall").0);
        let computed = running - state(&write_no_hash, "running").0.min(running);
        let what = format!("{recording}: {hashed} ns hashed, {running} running, {ready} ready, {computed} computed");
        // On a busy machine the program's own clock also runs while the system does something else between two events.
        let elsewhere = if recording.fresh { hashed / 8 } else { 0 };
        let adds_up = running + ready + around + elsewhere >= hashed;
        assert!((recording.fresh || computed <= hashed + around) && adds_up, "{what}");
        assert!(recording.fresh || computed * 10 >= hashed.saturating_sub(ready) * 8, "{what}");
        for (profile, written) in [(&hash_and_write, written), (&write_no_hash, only_written)] {
            let (syscall, ready) = (state(profile, "syscall").0, state(profile, "runnable").0);
            let what = format!("{recording}: {written} ns written, {syscall} in system calls, {ready} ready");
            assert!(syscall <= written + around, "{what}");
            let ran = if recording.fresh { state(profile, "running").0 } else { around };
            assert!(syscall + ready + ran + around >= written, "{what}");
        }
        assert!(syscall > 0);
        // The handler that does not hash hardly computes.
        assert!(recording.fresh || state(&write_no_hash, "running").0 < hashed / 4 + around, "{what}");
    });
}

#[test]
fn trees_have_all_their_goroutines() {
    for_each("trees", |recording| {
        let profile = recording.slice("main.TreeHandler", Stacks::Joined);
        let selection = &profile.selection;
        assert_eq!(selection.goroutines, recording.number("/goroutines"), "{recording}");
        assert_eq!(u64::from(selection.max_depth), recording.number("/links"), "{recording}");
        assert_eq!((selection.roots, selection.roots_by_entry), (1, 1), "{recording}");
        let (slept, naps) = state(&profile, "sleep");
        assert_eq!(naps, recording.number("/sleep/count"), "{recording}");
        assert_agree(&format!("{recording} [sleep]"), slept, recording.number("/sleep/measured_ns"), noise(&profile));
        // What a child does stands below the stack that created it.
        let below_go = profile.samples.iter().filter(|s| s.state == "sleep").all(|sample| {
            let names: Vec<&str> = profile.tree.stack(sample.stack).map(|f| f.function.as_str()).collect();
            names.contains(&"[go]") && names.contains(&"main.TreeHandler")
        });
        assert!(below_go, "{recording}");
    });
}

#[test]
fn cpu_samples_say_what_computed() {
    for_each("cpuprof", |recording| {
        let profile = recording.slice("main.BurnHandler", Stacks::Own);
        let mut sampled: BTreeMap<&str, u64> = BTreeMap::new();
        for sample in profile.samples.iter().filter(|s| s.state == "running") {
            for function in ["main.burnHash", "main.burnSort"] {
                if profile.tree.stack(sample.stack).any(|frame| frame.function == function) {
                    *sampled.entry(function).or_default() += sample.weight.goroutine_ns;
                }
            }
        }
        for (function, measured) in recording.said["running"].as_object().expect("running") {
            let (ns, measured) = (sampled[function.as_str()], measured.as_u64().unwrap());
            let ready = state(&profile, "runnable").0;
            // A sample comes every 10 ms, and what lies between two is shared out.
            let grain = 30 * MS + measured / 4;
            let what = format!("{recording} {function}: {ns} ns sampled, {measured} measured");
            assert!(ns <= measured + grain && ns + ready + grain >= measured, "{what}");
        }
    });
}
