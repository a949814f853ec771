//! What stands out in the requests, where the numbers prove it; `docs/semantics.md` lists the ids and their thresholds.
//!
//! A finding holds facts; `render/findings.rs` makes the sentence. [`places`] adds up waits by the function that waits,
//! [`calls`] latency by the path of own functions that leads to it.

mod calls;
mod places;

use super::latency::TAIL_MIN_REQUESTS;
use super::waits::{is_for_collector, is_message, is_of_collector};
use super::{Finding, FindingEvidence, Overlap, Profile, Requests, WakerKind, Wakeup};
use places::{Place, WaitFor};

/// Most findings of a report: more would not be read.
const MAX: usize = 5;
/// With fewer requests, only waits that repeat inside one request are found.
const MIN_REQUESTS: u64 = 10;
/// Fewest waits of a request one after the other that are a finding.
const MIN_REPEATS: u64 = 5;

/// The findings, by the time that they explain; of more than five the important ones.
pub(super) fn find(profile: &Profile) -> Vec<Finding> {
    let Some(requests) = &profile.requests else { return Vec::new() };
    let Some(latency) = requests.latency.as_ref().filter(|l| l.total_ns > 0) else { return Vec::new() };
    let mut found: Vec<(u64, Finding)> = Vec::new();
    let total = latency.total_ns;
    let places = places::places(profile, &requests.wakeups);
    if latency.count >= MIN_REQUESTS {
        let tail = slow_tail(profile, requests);
        let blocker = match &tail {
            Some((_, Finding { evidence: FindingEvidence::Tail { blocker, .. }, .. })) => *blocker,
            _ => None,
        };
        found.extend(tail);
        found.extend(outside_waker(profile, requests, blocker));
        let without = without_cpu(profile, requests);
        let without_ns = without.as_ref().map_or(0, |(ns, _)| *ns);
        found.extend(without.filter(|(ns, _)| reaches(*ns, 10, total)));
        found.extend(large_parts(profile, requests, without_ns));
        let waits = waits(profile, &places, latency);
        let syscalls = syscalls(profile, total);
        // A call that is explained already is not explained again.
        let is_syscall = |f: &Finding| syscalls.as_ref().is_some_and(|(_, other)| is_same_line(profile, f, other));
        found.extend(slow_call(profile, total).filter(|(_, f)| waits.is_empty() && !is_syscall(f)));
        found.extend(waits);
        found.extend(syscalls);
    }
    found.extend(serial(profile, &places, latency));
    found.sort_by_key(|(ns, f)| (!f.important, std::cmp::Reverse(*ns)));
    found.truncate(MAX);
    found.sort_by_key(|(ns, _)| std::cmp::Reverse(*ns));
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// Whether `part` is at least so many percent of `whole`.
fn reaches(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

/// The state that explains at least half of what the slowest requests take beyond as many average ones, and how much it is,
/// in ns; `None` if there is no tail, or no such state.
fn slow_tail(profile: &Profile, requests: &Requests) -> Option<(u64, Finding)> {
    let latency = requests.latency.as_ref()?;
    if latency.count < TAIL_MIN_REQUESTS {
        return None;
    }
    let (n, n_slow) = (i128::from(latency.count), i128::from(latency.slow_count));
    // What the slowest take longer than as many average ones, times the number of requests.
    let excess = |all: u64, slow: u64| i128::from(slow) * n - i128::from(all) * n_slow;
    let sum = |of: fn(&super::TailRow) -> u64| requests.tail.iter().map(|r| i128::from(of(r))).sum::<i128>();
    let (all, slow) = (sum(|r| r.all_ns), sum(|r| r.slow_ns));
    // No tail where the slowest are not half as slow again as the mean.
    if slow * n * 2 < all * n_slow * 3 {
        return None;
    }
    let candidates = requests.tail.iter().enumerate().filter(|(_, r)| r.stands_out);
    let (row, tail) = candidates.max_by_key(|(i, r)| (excess(r.all_ns, r.slow_ns), std::cmp::Reverse(*i)))?;
    let explained = excess(tail.all_ns, tail.slow_ns);
    if explained * 2 < slow * n - all * n_slow {
        return None;
    }
    let blocker = blocker(profile, requests, latency.slow_from_ns);
    let evidence = FindingEvidence::Tail { row, blocker };
    let ns = u64::try_from(explained / n.max(1)).unwrap_or(0);
    Some((ns, Finding { id: tail_id(&tail.state), important: true, evidence }))
}

/// The row of wake-ups with the longest wait that another request's goroutine, or one outside, ended; `None` if that wait
/// is shorter than half of a slow request. Who only carries what somebody else did is not named.
fn blocker(profile: &Profile, requests: &Requests, slow_from_ns: u64) -> Option<usize> {
    let is_other = |w: &Wakeup| matches!(w.waker, WakerKind::Sibling | WakerKind::Outside);
    let named = |w: &Wakeup| is_other(w) && profile.carrier(w).is_none();
    let long = |w: &Wakeup| reaches(w.max_ns, 50, slow_from_ns);
    let rows = requests.wakeups.iter().enumerate().filter(|(_, w)| named(w) && long(w));
    rows.max_by_key(|(i, w)| (w.max_ns, std::cmp::Reverse(*i))).map(|(i, _)| i)
}

fn tail_id(state: &str) -> &'static str {
    match state {
        "running" => "running-tail",
        "runnable" => "runnable-tail",
        "syscall" => "syscall-tail",
        "network" => "network-tail",
        "sync" => "sync-tail",
        "sleep" => "sleep-tail",
        _ if state.starts_with("chan ") => "chan-tail",
        _ if state.starts_with("select") => "select-tail",
        _ if state.starts_with("sync.(*Cond)") => "cond-tail",
        _ if is_for_collector(state) => "gc-tail",
        _ => "wait-tail",
    }
}

/// The waits that goroutines outside the requests ended, if a row of them is a quarter of all time. `blocker` is the row
/// that another finding names already.
fn outside_waker(profile: &Profile, requests: &Requests, blocker: Option<usize>) -> Option<(u64, Finding)> {
    let total = requests.latency.as_ref()?.total_ns;
    let id = |wakeup: &Wakeup| outside_id(profile, wakeup);
    let (row, wakeup) = requests.wakeups.iter().enumerate().find(|(_, w)| id(w).is_some())?;
    if blocker == Some(row) || !reaches(wakeup.wait_ns, 25, total) {
        return None;
    }
    let worked = calls::worked_meanwhile(profile, wakeup.waiting);
    let evidence = FindingEvidence::Wakeup { row, worked };
    id(wakeup).map(|id| (wakeup.wait_ns, Finding { id, important: true, evidence }))
}

/// The finding that waits ended from outside are; none where another one is about them.
fn outside_id(profile: &Profile, wakeup: &Wakeup) -> Option<&'static str> {
    let is_elsewhere = || matches!(places::waits_for(profile, wakeup), Some(WaitFor::Pool | WaitFor::Deadline));
    if wakeup.waker != WakerKind::Outside || profile.carrier(wakeup).is_some() || is_elsewhere() {
        return None;
    }
    match wakeup {
        lock if lock.is_lock() => Some("lock-holder"),
        message if is_message(&message.state) && !is_library(profile, message) => Some("outside-worker"),
        _ => None,
    }
}

/// Whether a goroutine of Go's own libraries ended the waits: one that carries what somebody else did, as the loops of
/// HTTP's connections.
fn is_library(profile: &Profile, wakeup: &Wakeup) -> bool {
    !profile.tree.goroutine(wakeup.waker_stack).any(|frame| profile.own_code.has(frame))
        && super::is_std(&wakeup.waker_entry)
        && !wakeup.waker_entry.is_empty()
}

/// Waits of requests for each other's locks, for a pool, and those that a deadline ended: a quarter of all time.
fn waits(profile: &Profile, places: &[Place], latency: &super::Latency) -> Vec<(u64, Finding)> {
    // What a timer ends again and again is a tick, and the request goes on after it.
    let is_once = |place: &Place| place.waits_for != WaitFor::Deadline || place.count <= latency.count;
    let is_large = |place: &Place| reaches(place.ns, 25, latency.total_ns);
    let largest = |of: WaitFor| places.iter().find(|p| p.waits_for == of && is_large(p) && is_once(p));
    [("contention", WaitFor::Lock), ("pool", WaitFor::Pool), ("timeout", WaitFor::Deadline)]
        .into_iter()
        .filter_map(|(id, of)| largest(of).map(|place| (place.ns, finding_of(profile, id, place))))
        .collect()
}

fn finding_of(profile: &Profile, id: &'static str, place: &Place) -> Finding {
    let Place { stack, count, ns, max_ns, .. } = *place;
    let worked = calls::worked_meanwhile(profile, stack);
    Finding { id, important: true, evidence: FindingEvidence::Waits { stack, count, ns, max_ns, worked } }
}

/// Waits for calls in one function, one after the other: at least five a request, and half of all time.
fn serial(profile: &Profile, places: &[Place], latency: &super::Latency) -> Option<(u64, Finding)> {
    let is_serial = |place: &&Place| {
        place.waits_for == WaitFor::Call
            && place.count >= latency.count.saturating_mul(MIN_REPEATS)
            && reaches(place.ns, 50, latency.total_ns)
    };
    places.iter().find(is_serial).map(|place| (place.ns, finding_of(profile, "serial", place)))
}

/// The call that takes half of all time, and twice as long as any other, where there are others that matter.
fn slow_call(profile: &Profile, total: u64) -> Option<(u64, Finding)> {
    let calls = calls::calls(profile);
    let [first, second, ..] = &calls[..] else { return None };
    if !reaches(second.ns, 3, total) || first.ns < second.ns.saturating_mul(2) {
        return None;
    }
    let calls::Call { stack, n_frames, ns } = *first;
    let evidence = FindingEvidence::Call { stack, n_frames, ns };
    reaches(ns, 50, total).then_some((ns, Finding { id: "slow-call", important: true, evidence }))
}

/// Whether two findings are about calls at the same own line.
fn is_same_line(profile: &Profile, a: &Finding, b: &Finding) -> bool {
    let own = |finding: &Finding| match finding.evidence {
        FindingEvidence::Call { stack, .. } => {
            profile.tree.goroutine(stack).find(|frame| profile.own_code.has(frame)).cloned()
        }
        _ => None,
    };
    own(a).is_some() && own(a) == own(b)
}

/// The own function whose system calls are a quarter of all time.
fn syscalls(profile: &Profile, total: u64) -> Option<(u64, Finding)> {
    let evidence = calls::system_calls(profile)?;
    let FindingEvidence::Call { ns, .. } = evidence else { return None };
    reaches(ns, 25, total).then_some((ns, Finding { id: "syscall", important: true, evidence }))
}

/// Running time without a CPU, in ns of the requests' latency. CPU samples tell, or stretches that are too long, for the
/// slice as a whole.
fn without_cpu(profile: &Profile, requests: &Requests) -> Option<(u64, Finding)> {
    // Samples are those of all requests.
    if requests.only.is_some() {
        return None;
    }
    let running = requests.tail.iter().find(|r| r.state == "running").map_or(0, |r| r.all_ns);
    let (without, evidence) = requests.cpu.lack(profile)?;
    let (FindingEvidence::CpuSamples { running_ns } | FindingEvidence::LongRuns { running_ns }) = evidence else {
        return None;
    };
    let ns = u128::from(running) * u128::from(without) / u128::from(running_ns.max(1));
    Some((ns as u64, Finding { id: "no-cpu", important: true, evidence }))
}

/// The parts of all time that are unusually large.
fn large_parts(profile: &Profile, requests: &Requests, without_cpu_ns: u64) -> Vec<(u64, Finding)> {
    let total = requests.latency.as_ref().map_or(0, |latency| latency.total_ns);
    let state = |name: &str| requests.tail.iter().find(|r| r.state == name).map_or(0, |r| r.all_ns);
    let overlap = &requests.overlap;
    let computing = state("running").saturating_sub(work_for_collector(overlap));
    let tail_is_runnable = requests.tail.iter().any(|r| r.state == "runnable" && r.stands_out);
    [
        ("scheduler", !tail_is_runnable, state("runnable"), 15),
        ("collector", false, collector_ns(profile, requests), 5),
        ("stw", false, overlap.stw_ns, 2),
        ("cpu-bound", false, computing.saturating_sub(without_cpu_ns), 60),
    ]
    .into_iter()
    .filter(|&(_, _, ns, percent)| reaches(ns, percent, total))
    .map(|(id, important, ns, _)| (ns, Finding { id, important, evidence: FindingEvidence::Part { ns } }))
    .collect()
}

/// Time in which requests helped the collector or waited for it, in ns.
fn collector_ns(profile: &Profile, requests: &Requests) -> u64 {
    let waits = requests.tail.iter().filter(|r| is_for_collector(&r.state)).map(|r| r.all_ns);
    let others = requests.wakeups.iter().filter(|w| ends_by_collector(profile, w)).map(|w| w.wait_ns);
    waits.chain(others).fold(work_for_collector(&requests.overlap), u64::saturating_add)
}

/// Whether waits of another state than the collector's own are for it: its goroutines ended them, or they are for one of
/// its locks (`runtime.gcStart`, `runtime.gcMarkDone`).
fn ends_by_collector(profile: &Profile, wakeup: &Wakeup) -> bool {
    let waits_in = || profile.tree.goroutine(wakeup.waiting).any(|frame| is_of_collector(&frame.function));
    !is_for_collector(&wakeup.state)
        && wakeup.waker == WakerKind::Runtime
        && (is_of_collector(&wakeup.waker_entry) || wakeup.detail == "runtime" && waits_in())
}

/// Running time in which requests did the collector's work, in ns.
fn work_for_collector(overlap: &Overlap) -> u64 {
    overlap.mark_assist_ns.saturating_add(overlap.sweep_ns)
}

#[cfg(test)]
mod tests;
