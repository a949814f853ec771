//! Agreement with Go's own reader: per slice and state, to the nanosecond.
//!
//! `NAME.states.tsv` beside a trace is what `testdata/gen/streamref`, built on Go's `internal/trace`, says about
//! it. `GOTRACE_SLICE_REFERENCE` names a folder with more such pairs. Where Go is at hand, fresh recordings are
//! compared too.

#![allow(clippy::print_stdout, reason = "a test says what it compared")]

use crate::common::{GoVerdict, files, profile, root, slice, states, whole_life};
use crate::go;
use gotrace_slice::pipeline::Answer;
use std::path::{Path, PathBuf};

fn pairs() -> Vec<(PathBuf, PathBuf)> {
    let mut folders = vec![root().join("testdata/traces")];
    folders.extend(std::env::var_os("GOTRACE_SLICE_REFERENCE").map(PathBuf::from));
    folders
        .iter()
        .flat_map(|folder| files(folder, "trace"))
        .map(|trace| (trace.clone(), trace.with_extension("states.tsv")))
        .filter(|(_, verdict)| verdict.is_file())
        .collect()
}

fn check(trace: &Path, verdict: &Path) -> usize {
    let bytes = std::fs::read(trace).expect("a readable trace");
    let go = GoVerdict::parse(&std::fs::read_to_string(verdict).expect("a readable verdict"));
    let mut compared = 0;
    for pattern in go.patterns() {
        let (expected, goroutines) = go.closure(&pattern);
        if goroutines == 0 {
            assert!(matches!(slice(&bytes, &whole_life(&pattern), 1), Ok(Answer::NoMatch(_))));
            continue;
        }
        let ours = profile(&bytes, &whole_life(&pattern));
        let what = format!("{} --root '{pattern}'", trace.display());
        assert_eq!(states(&ours), expected, "{what}");
        assert_eq!(ours.selection.goroutines, goroutines, "{what}");
        // Go's reader makes three events of a coroutine switch, and of old events none to three; the file has one.
        let own_events = trace.to_string_lossy().contains("iterators")
            || bytes.starts_with(b"go 1.19")
            || bytes.starts_with(b"go 1.21");
        let events = ours.traces[0].events as i64;
        assert!(own_events || events == go.numbers["events"], "{what}: {events} events");
        assert_eq!(ours.traces[0].duration_ns as i64, go.numbers["end"] - go.numbers["start"], "{what}: duration");
        assert!(ours.complete(), "{what}: {:?}", ours.warnings);
        compared += 1;
    }
    compared
}

#[test]
fn agrees_with_gos_reader() {
    let compared: usize = pairs().iter().map(|(trace, verdict)| check(trace, verdict)).sum();
    println!("{compared} slices agree");
    assert!(compared > 100, "only {compared} slices were compared");
}

/// Programs that build without `net/http`, which costs a minute for each version.
const SMALL: &str = "waits annotations trees iterators cpuprof critical";
/// With the newest version, all that are recorded by default.
const ALL: &str = "server waits annotations iterators trees pools selfprof cpuprof http1 http2 critical";

#[test]
fn agrees_on_fresh_recordings() {
    let Some(newest) = go::toolchain(go::NEWEST) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let streamref = go::streamref(&newest, folder.path());
    // Without being asked to, only the newest version is recorded: the others take minutes.
    let versions = if go::required() { go::VERSIONS } else { &[go::NEWEST] };
    for &version in versions {
        let traces = folder.path().join(version);
        let programs = if version == go::NEWEST && go::required() { ALL } else { SMALL };
        go::record(version, programs, Some(&streamref), &traces);
        let recorded = files(&traces, "trace");
        let compared: usize = recorded.iter().map(|t| check(t, &t.with_extension("states.tsv"))).sum();
        println!("Go {version}: {compared} slices of {} fresh recordings agree", recorded.len());
        // Go 1.22 also records in the old format, which `check` leaves to others.
        assert!(recorded.len() >= 6 && compared >= 50, "Go {version}: only {compared} slices were compared");
    }
}

/// Go's own recordings of 1.5 to 1.21, inside the toolchain of 1.21: the last that reads all of them. Where its
/// reader's order of equal times is an accident, so that its runs differ, a state may differ by as little.
#[test]
fn agrees_on_gos_own_old_traces() {
    let (Some(old), Some(newest)) = (go::toolchain("1.21"), go::toolchain(go::NEWEST)) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let streamref = go::streamref(&newest, folder.path());
    let oldref = folder.path().join("oldref");
    go::run(go::script("build-oldref.sh").arg(&old).arg(&oldref));
    let (mut compared, mut to_the_ns) = (0, 0);
    for entry in std::fs::read_dir(old.join("src/internal/trace/testdata")).expect("Go's testdata").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = std::fs::read(entry.path()).expect("a readable trace");
        if name.ends_with("_unordered") {
            let answer = slice(&bytes, &whole_life("."), 1);
            assert!(format!("{answer:?}").contains("time stamps out of order"), "{name}: {answer:?}");
            continue;
        }
        let is_ancient = ["1_5", "1_7", "1_9", "1_10"].iter().any(|v| name.ends_with(&format!("{v}_good")));
        let ask = || {
            let mut command = std::process::Command::new(if is_ancient { &oldref } else { &streamref });
            if !is_ancient {
                command.args(["-mode=states", "-stacks"]);
            }
            GoVerdict::parse(&String::from_utf8_lossy(&go::run(command.arg(entry.path())).stdout))
        };
        // Go's own runs differ where its rules leave the order open, and now and then the first few are the same.
        let verdicts = [(); 12].map(|()| ask());
        let all: Vec<_> = verdicts.iter().map(|v| v.closure(".").0).collect();
        if all[0].is_empty() {
            continue;
        }
        let ours = states(&profile(&bytes, &whole_life(".")));
        let exact = all.iter().all(|states| *states == all[0]);
        assert_eq!(ours.keys().collect::<Vec<_>>(), all[0].keys().collect::<Vec<_>>(), "{name}: states");
        for (state, (ns, _)) in &ours {
            let theirs = all[0][state].0;
            let allowed = if exact && !is_ancient { 0 } else { 100 };
            assert!(ns.abs_diff(theirs) <= allowed, "{name}: {state} {ns} ns, Go {theirs} ns");
        }
        compared += 1;
        to_the_ns += u32::from(exact && !is_ancient);
    }
    println!("{compared} of Go's own old traces agree, {to_the_ns} to the nanosecond");
    assert!(compared >= 15, "only {compared} traces were compared");
}

/// The old runtime begins a trace with a GoCreate for every goroutine that already exists, with the stack of whoever
/// started the trace: in a recording through `net/http/pprof`, of one request. They announce, they do not create.
#[test]
fn a_recording_through_pprof_is_nobodys_parent() {
    for version in ["go1.19", "go1.21"] {
        let bytes =
            std::fs::read(root().join("testdata/traces").join(version).join("selfprof.trace")).expect("a trace");
        let inputs = [gotrace_slice::pipeline::Input { name: "test".into(), source: &bytes, resolver: None }];
        let options = gotrace_slice::pipeline::Options { threads: 1, ..Default::default() };
        let all = gotrace_slice::pipeline::candidates(&inputs, None, options, None).expect("a sound trace");
        assert!(all.older >= 4, "{version}: {} older goroutines", all.older);
        match slice(&bytes, &whole_life(r"net/http/pprof\.Trace"), 1).expect("a sound trace") {
            Answer::NoMatch(_) => {}
            // The tracer's own goroutines are its children, and nothing else is.
            Answer::Profile(profile) => {
                assert!(profile.selection.goroutines <= 2, "{version}: {:?}", profile.selection);
            }
        }
    }
}
