//! What to do after a report, for all formats: a command, or what to record.

use super::{findings, question, shell};
use crate::profile::{Answer, Cause, Finding, Profile, is_for_collector, longest_cut};

/// The next step: a command, or what to record.
pub(super) fn of(answer: &Answer, profile: &Profile) -> Option<String> {
    let requests = profile.requests.as_ref()?;
    let Some(latency) = &requests.latency else {
        return longest_cut(&requests.cut).and_then(|_| step(profile, "--include-partial --slowest 1"));
    };
    let is_whole = requests.only.is_none();
    // Causes of several endpoints together are those of none.
    let mut matched = profile.selection.matched.iter().filter(|matched| matched.requests > 0).peekable();
    if matched.peek().is_some() && matched.all(|matched| matched.hands_on) {
        return Some(
            "all requests of the server go through this: choose an endpoint, without --root they are listed".to_owned(),
        );
    }
    let computes = |cause: &Cause| cause.state == "running" && cause.detail.is_empty();
    if answer.causes.first().is_some_and(|cause| computes(cause) && cause.bracketed) {
        if profile.traces.iter().any(|trace| trace.hides_short_calls) {
            return Some("record with Go 1.22 or later: its traces tell system calls from computing".to_owned());
        }
        return Some("record with a CPU profile running (pprof.StartCPUProfile): its samples name the code".to_owned());
    }
    // The one that the recording was made for may not be over.
    let longest_cut = longest_cut(&requests.cut).map_or(0, |cut| cut.at_least_ns);
    if is_whole && !requests.include_partial && longest_cut > latency.max_ns {
        return step(profile, "--include-partial --slowest 1");
    }
    let explains = |finding: &&Finding| answer.causes.first().is_some_and(|cause| about(cause).contains(&finding.id));
    if let Some(finding) = requests.findings.iter().find(explains) {
        if finding.id == "cpu-bound" && requests.cpu.samples > 0 {
            return Some(
                "make the stacks with most running time faster: CPU samples of this trace name them".to_owned(),
            );
        }
        return Some(findings::next(finding.id).to_owned());
    }
    // Of few requests there are no findings, but what most of their time is needs no statistics.
    let mostly = |cause: &&Cause| u128::from(cause.ns) * 2 > u128::from(answer.total_ns);
    if let Some(id) = answer.causes.first().filter(mostly).and_then(kind) {
        return Some(findings::next(id).to_owned());
    }
    if is_whole && latency.count >= crate::profile::TAIL_MIN_REQUESTS && latency.p95_ns / 2 >= latency.p50_ns {
        return step(profile, "--only p95..");
    }
    if is_whole && latency.count > 1 { step(profile, "-o slow.svg") } else { None }
}

/// The command that asks the same with more options; of many traces only these options. All requests of the servers together
/// are shown by pages alone.
fn step(profile: &Profile, options: &str) -> Option<String> {
    let of_all = profile.selection.patterns.is_empty() && profile.selection.goids.is_empty();
    let options = match options {
        "-o slow.svg" if of_all => return None,
        _ if of_all => &format!("{options} -o report.html"),
        _ => options,
    };
    if profile.traces.len() > shell::MAX_FILES {
        return Some(format!("the same command with {options}"));
    }
    question::with(profile, options)
}

/// The finding that a cause would be, were there enough requests; none where the cause alone does not tell.
fn kind(cause: &Cause) -> Option<&'static str> {
    match (cause.pool, &cause.waits_for, cause.state.as_str()) {
        (Some(_), ..) => Some("pool"),
        (None, Some(other), _) if other.holds_lock => Some("lock-holder"),
        (None, Some(other), "sync") if matches!(cause.detail, "mutex" | "rwmutex") && !other.by_way_of.is_empty() => {
            Some("lock-holder")
        }
        (None, None, "syscall") => Some("syscall"),
        _ => None,
    }
}

/// The findings that can explain a cause.
fn about(cause: &Cause) -> &'static [&'static str] {
    match (cause.state.as_str(), cause.detail) {
        _ if cause.pool.is_some() => &["pool", "timeout"],
        ("running", "") => &["no-cpu", "cpu-bound"],
        ("running", _) | ("sync", "runtime") => &["collector"],
        ("runnable", _) => &["scheduler"],
        ("syscall", _) => &["syscall"],
        ("sync", "mutex" | "rwmutex") => &["contention", "lock-holder"],
        (state, _) if is_for_collector(state) => &["collector"],
        // Its own doing: no finding is about that.
        ("sleep" | "forever", _) => &[],
        ("sync", _) => &["contention", "lock-holder", "slow-call", "serial"],
        _ => &["pool", "serial", "slow-call", "timeout", "outside-worker"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::sample_requests;

    #[test]
    fn of_all_endpoints_the_next_step_is_a_page_too() {
        let mut profile = sample_requests();
        let of_root = step(&profile, "--only p95..").unwrap_or_default();
        assert!(of_root.contains(" --root ") && !of_root.contains("report.html"), "{of_root}");
        assert!(step(&profile, "-o slow.svg").is_some());
        (profile.selection.patterns, profile.selection.goids) = (Vec::new(), Vec::new());
        let of_all = step(&profile, "--only p95..").unwrap_or_default();
        assert!(of_all.contains("--only p95.. -o report.html "), "{of_all}");
        assert_eq!(step(&profile, "-o slow.svg"), None, "a flame graph needs a root");
    }
}
