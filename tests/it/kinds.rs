//! What `net/http` puts between a server and its handlers, the recording's own request, requests on new connections and
//! generic names, in recordings of a program that knows (`testdata/gen/kinds`).

use crate::common::{files, profile, recordings, root, selector, version};
use gotrace_slice::pipeline::{self, Input, Options};
use gotrace_slice::profile::{Candidates, Handler, Profile};
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A recording, and what the program said.
struct Recording {
    path: PathBuf,
    trace: Vec<u8>,
    truth: Value,
}

impl Recording {
    fn all() -> Vec<Self> {
        let read = |path: &Path| std::fs::read(path).expect("a file");
        let all = recordings("kinds").into_iter().map(|path| Self {
            trace: read(&path),
            truth: serde_json::from_slice(&read(&path.with_extension("json"))).expect("JSON"),
            path,
        });
        all.collect()
    }

    /// How many requests of each handler the program served by a protocol; the closure's name is the compiler's.
    fn said(&self, protocol: &str) -> Vec<(&str, u64)> {
        let counts = self.truth[protocol].as_object().expect("counts").iter();
        let counts = counts.map(|(name, n)| (name.as_str(), n.as_u64().expect("a count")));
        counts.map(|(name, n)| (if name == "closure" { "main.main.func1" } else { name }, n)).collect()
    }

    fn candidates(&self) -> Candidates {
        let inputs = [Input { name: "test".into(), source: &self.trace, resolver: None }];
        pipeline::candidates(&inputs, None, Options::default(), None).expect("a sound trace")
    }

    fn profile(&self, function: &str) -> Profile {
        profile(&self.trace, &selector(&format!("^{}$", regex::escape(function)), RootBy::default()))
    }

    /// What the command says, its exit code first.
    fn run(&self, options: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotrace-slice"));
        let command = command.env("LANG", "C.UTF-8").env_remove("COLUMNS").args(options).arg(&self.path);
        let output = command.output().expect("a run");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("UTF-8"))
    }
}

fn rows<'c>(candidates: &'c Candidates, function: &str) -> Vec<&'c Handler> {
    candidates.handlers.iter().filter(|row| row.function == function).collect()
}

/// Rows as function and count, sorted.
fn of_protocol<'c>(candidates: &'c Candidates, protocols: &[&str]) -> Vec<(&'c str, u64)> {
    let rows = candidates.handlers.iter().filter(|row| protocols.contains(&row.protocol) && row.took.count() > 0);
    let mut rows: Vec<_> = rows.map(|row| (row.function.as_str(), row.took.count())).collect();
    rows.sort_unstable();
    rows
}

/// A handler of two protocols has two rows, and each says how many requests of the other one `--root` has too. One of a
/// single protocol says nothing.
#[test]
fn rows_of_two_protocols_are_what_one_root_counts() {
    for recording in Recording::all() {
        let (what, candidates) = (recording.path.display(), recording.candidates());
        let of = |said: &[(&str, u64)], name: &str| said.iter().find(|row| row.0 == name).map(|row| row.1);
        let (http1, http2) = (recording.said("http1"), recording.said("http2"));
        for &(name, n) in &http1 {
            let other = of(&http2, name);
            for row in rows(&candidates, name) {
                let elsewhere: u64 = row.elsewhere.iter().map(|other| other.count).sum();
                assert_eq!((row.took.count(), elsewhere), (n, other.unwrap_or(0)), "{what}: {name}");
                assert!(row.elsewhere.iter().all(|other| other.protocol != row.protocol), "{what}: {name}");
            }
            let requests = recording.profile(name).requests.expect("requests");
            assert_eq!(requests.list.len() as u64, n + other.unwrap_or(0), "{what}: {name}");
        }
        let (_, list) = recording.run(&["-q"]);
        let said = list.contains("have a row for each protocol") && list.contains("1 more handler");
        assert_eq!(said, !http2.is_empty(), "{what}: {list}");
    }
}

/// Wrappers of `net/http` are no handlers, inlined or not: what they call is. A closure in the same function is one.
#[test]
fn what_wrappers_call_are_the_handlers() {
    for recording in Recording::all() {
        let mut said = recording.said("http1");
        said.sort_unstable();
        assert_eq!(of_protocol(&recording.candidates(), &["HTTP/1"]), said, "{}", recording.path.display());
    }
}

/// A handler that `TimeoutHandler` gives up on is counted as the client saw it in the list.
#[test]
fn requests_below_a_timeout_handler_are_told_apart() {
    const MS: u64 = 1_000_000;
    for recording in Recording::all() {
        let candidates = recording.candidates();
        let p50 = |function: &str| rows(&candidates, function)[0].took.percentile_ns(50);
        let what = recording.path.display();
        assert!((MS..3 * MS).contains(&p50("main.TooSlow")), "{what}: {}", p50("main.TooSlow"));
        assert!(p50("main.Timed") >= MS, "{what}: {}", p50("main.Timed"));
        // The handler itself goes on.
        let too_slow = recording.profile("main.TooSlow").requests.expect("requests");
        assert!(too_slow.list.iter().all(|request| request.dur_ns >= 3 * MS), "{what}");
        assert!(rows(&candidates, "net/http.(*timeoutHandler).ServeHTTP").is_empty(), "{what}");
        // What a handler starts itself is no handler.
        assert!(rows(&candidates, "main.Starts.func1").is_empty(), "{what}");
    }
}

/// HTTP/2 without TLS has rows of its own, also where the same handler serves HTTP/1.
#[test]
fn requests_of_h2c_are_those_of_their_handlers() {
    for recording in Recording::all() {
        let h2c = !["go1.21", "go1.22", "go1.23"].contains(&version(&recording.path));
        let said = recording.said("http2");
        assert_eq!(said.len(), if h2c { 2 } else { 0 }, "{}", recording.path.display());
        assert_eq!(of_protocol(&recording.candidates(), &["HTTP/2"]), said, "{}", recording.path.display());
    }
}

/// What serves nothing but the recording is no handler, and no request is cut for it; what serves others too counts those.
#[test]
fn the_request_for_the_recording_is_no_request() {
    for recording in Recording::all() {
        let (what, candidates) = (recording.path.display(), recording.candidates());
        for function in ["main.inner.ServeHTTP", "net/http/pprof.Trace"] {
            assert!(rows(&candidates, function).is_empty(), "{what}: {:?}", candidates.handlers);
        }
        let cut: Vec<_> = candidates.handlers.iter().filter(|row| row.took.partial > 0).collect();
        assert_eq!(cut.iter().map(|row| row.function.as_str()).collect::<Vec<_>>(), ["main.Early"], "{what}");
        let status = recording.truth["http1"]["main.Status"].as_u64().expect("a count");
        let outer = recording.profile("main.outer.ServeHTTP").requests.expect("requests");
        assert_eq!((outer.list.len() as u64, outer.partial), (status, 0), "{what}");
        let (code, list) = recording.run(&["-q"]);
        assert_eq!(code, Some(0), "{what}");
        assert!(!list.contains("inner.ServeHTTP") && !list.contains("pprof"), "{what}: {list}");
        let (code, message) = recording.run(&["-F", "-r", "main.inner.ServeHTTP"]);
        let reason = "main.inner.ServeHTTP served the request that recorded the trace, which is left out";
        assert_eq!(code, Some(1), "{what}: {message}");
        assert!(message.contains(reason) && !message.contains("    main.inner.ServeHTTP"), "{what}: {message}");
        // The twin: a function that nobody calls.
        let (code, message) = recording.run(&["-F", "-r", "main.innermost.ServeHTTP"]);
        assert!(code == Some(1) && !message.contains("recorded the trace"), "{what}: {message}");
    }
}

/// The list counts what `--root` counts: POST requests that each come on a new connection, their bodies read or not, and
/// one that is older than the recording.
#[test]
fn the_list_counts_what_its_root_counts() {
    for recording in Recording::all() {
        let (what, candidates) = (recording.path.display(), recording.candidates());
        let cut = recording.truth["cut"]["main.Early"].as_u64().expect("a count");
        let n = recording.truth["http1"]["main.Put"].as_u64().expect("a count");
        for (function, count) in [("main.Put", (n, 0)), ("main.Unread", (n, 0)), ("main.Early", (0, cut))] {
            let row = rows(&candidates, function)[0];
            assert_eq!((row.took.count(), row.took.partial), count, "{what}: {function}");
            let requests = recording.profile(function).requests.expect("requests");
            assert_eq!((requests.list.len() as u64, requests.partial), count, "{what}: {function}");
        }
    }
}

/// A generic function's name holds `[...]`, which is text with `-F` and a class of three dots without.
#[test]
fn generic_names_are_found_as_text() {
    for recording in Recording::all() {
        let (what, name) = (recording.path.display(), "main.(*box[...]).Serve");
        let n = recording.truth["http1"][name].as_u64().expect("a count");
        for options in [["-Fqr", "main.load[...]"], ["-Fqr", name], ["-qr", r"main\.load\[\.\.\.\]$"]] {
            let (code, said) = recording.run(&options);
            assert_eq!(code, Some(0), "{what} {options:?}: {said}");
            assert!(said.contains(&format!("LATENCY of {n} requests")), "{what} {options:?}: {said}");
        }
        let (code, said) = recording.run(&["-r", "main.load[...]"]);
        assert!(code == Some(1) && said.contains("-F takes the pattern as text"), "{what}: {said}");
        let (code, said) = recording.run(&["-r", name]);
        assert!(code == Some(2) && said.contains(&format!("-F --root '{name}'")), "{what}: {said}");
        // No hint at -F where it would not help; the name is near.
        for options in [["-Fr", "main.(*box[string]).Serve"], ["-r", "main.box[...].Serve"]] {
            let (code, said) = recording.run(&options);
            assert!(code == Some(1) && said.contains(&format!("    {name}")), "{what}: {said}");
            assert!(!said.contains("-F takes"), "{what}: {said}");
        }
    }
}

/// The stacks of CPU samples begin where all others of a goroutine do, though the trace has `runtime.goexit` below them.
#[test]
fn samples_make_no_tower_of_their_own() {
    for (program, function, outermost) in
        [("cpuprof", "main.BurnHandler", "main.main"), ("stretches-samples", "main.Compute", "main.apart.func1")]
    {
        let traces = files(&root().join("testdata/traces"), "trace");
        for path in traces.iter().filter(|path| path.file_stem().is_some_and(|stem| stem == program)) {
            let (what, trace) = (path.display(), std::fs::read(path).expect("a trace"));
            let goexit = b"runtime.goexit";
            assert!(trace.windows(goexit.len()).any(|bytes| bytes == goexit), "{what}: no such name");
            let profile = profile(&trace, &selector(&format!("^{function}$"), RootBy::default()));
            assert!(profile.samples.iter().any(|sample| sample.state == "running"), "{what}");
            for sample in &profile.samples {
                let last = profile.tree.stack(sample.stack).last().expect("a frame");
                assert_eq!(last.function, outermost, "{what}");
            }
        }
    }
}
