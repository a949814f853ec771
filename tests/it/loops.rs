//! Running time between two waits at the same place, and after the last stack, in recordings of a program that knows how
//! long it computed (`testdata/gen/loops`).

use crate::common::{profile_of, recordings};
use gotrace_slice::profile::{Profile, ProfileFrame};
use gotrace_slice::slice::RootBy;
use serde_json::Value;
use std::path::Path;

/// How long a function computed, in ns, as the program says.
fn computed(path: &Path, function: &str) -> u64 {
    let said = std::fs::read(path.with_extension("json")).expect("the truth");
    let said: Value = serde_json::from_slice(&said).expect("JSON");
    said["computed_ns"][function].as_u64().expect("a number")
}

/// The leaves of running time below a function, each with its time on critical paths in ns.
fn leaves<'p>(profile: &'p Profile, function: &str) -> Vec<(&'p ProfileFrame, u64)> {
    let frames = |stack| profile.tree.stack(stack);
    let below =
        profile.samples.iter().filter(|s| s.state == "running" && frames(s.stack).any(|f| f.function == function));
    below.filter_map(|s| Some((frames(s.stack).next()?, s.weight.latency_ns))).collect()
}

fn recorded(path: &Path, function: &str) -> Profile {
    let trace = std::fs::read(path).expect("a trace");
    profile_of(&trace, function, RootBy::default())
}

/// Running time of which this is the innermost frame, without a line or with one, in ns.
fn running(path: &Path, function: &str, leaf: &str, has_line: bool) -> u64 {
    let profile = recorded(path, function);
    let of_leaf =
        leaves(&profile, function).into_iter().filter(|(f, _)| f.function == leaf && (f.line > 0) == has_line);
    of_leaf.map(|(_, ns)| ns).sum()
}

#[test]
fn what_blocked_has_returned_before_the_loop_computes() {
    for path in recordings("loops") {
        for function in ["main.SleepLoop", "main.RangeLoop", "main.SelectLoop", "main.ReadLoop"] {
            // The last round is after the last stack.
            let (found, truth) = (running(&path, function, function, false), computed(&path, function) * 7 / 8);
            assert!(found > truth * 9 / 10, "{} {function}: {found} of {truth}", path.display());
            let profile = recorded(&path, function);
            let in_blocking = leaves(&profile, function).into_iter().filter(|(frame, _)| {
                ["time.Sleep", "os.(*File).Read"].contains(&frame.function.as_str())
                    || ["runtime.", "internal/poll.", "syscall."].iter().any(|of| frame.function.starts_with(of))
            });
            let ns: u64 = in_blocking.map(|(_, ns)| ns).sum();
            assert!(ns < truth / 20, "{} {function}: {ns}", path.display());
        }
    }
}

#[test]
fn no_line_is_known_after_the_last_stack() {
    for path in recordings("loops") {
        let (found, truth) = (running(&path, "main.Last", "main.Last", false), computed(&path, "main.Last"));
        assert!(found > truth * 9 / 10, "{}: {found} of {truth}", path.display());
        assert_eq!(running(&path, "main.Last", "main.Last", true), 0, "{}", path.display());
    }
}

#[test]
fn what_was_on_the_stack_all_along_keeps_its_line() {
    for path in recordings("loops") {
        let (found, truth) = (running(&path, "main.Spawn", "main.spin", true), computed(&path, "main.Spawn") * 7 / 8);
        assert!(found > truth * 9 / 10, "{}: {found} of {truth}", path.display());
    }
}

/// The states that a function waited in.
fn states(path: &Path, function: &str) -> Vec<String> {
    recorded(path, function).samples.into_iter().map(|sample| sample.state.to_string()).collect()
}

#[test]
fn a_pipe_is_not_the_network() {
    for path in recordings("loops") {
        let found = states(&path, "main.ReadLoop");
        assert!(found.iter().any(|state| state == "pipe"), "{}: {found:?}", path.display());
        assert!(found.iter().all(|state| state != "network"), "{}: {found:?}", path.display());
    }
    // A connection's wait is: `BySetDeadline` of `wakers`, in the test of that program.
}
