//! Findings as sentences. What they rest on is in the profile; here it becomes text, cleaned and with units. [`waits`] are
//! about one function, [`parts`] about a part of all time.

mod parts;
mod waits;

use super::clean::clean;
use super::names;
use super::units::{Share, Unit, count, counted, duration, mean};
use crate::profile::{
    Finding, FindingEvidence, Latency, NodeIdx, Profile, ProfileFrame, Requests, StackTree, TailRow, WakerKind, Wakeup,
};
use std::borrow::Cow;
use waits::WaitSums;

/// How the sentences are written.
#[derive(Clone, Copy)]
pub(super) struct FindingStyle {
    pub(super) unit: Unit,
    pub(super) full_names: bool,
}

/// The sentences of a finding; empty when the profile lacks what it rests on.
pub(super) fn text(finding: &Finding, profile: &Profile, requests: &Requests, style: FindingStyle) -> String {
    let words = FindingWriter { profile, requests, style };
    words.text(finding).unwrap_or_default()
}

/// What to do about it, or where to look next.
pub(super) fn next(id: &str) -> &'static str {
    match id {
        "contention" => "hold the lock for less time, or split it",
        "pool" => "shorten what holds a place, or enlarge the pool if what is behind it can take more",
        "serial" => "ask once for all of it, or side by side",
        "slow-call" => "look at what this call asks for, and at its server",
        "timeout" => "find out why the answer did not come in time",
        "lock-holder" => "do the slow work before the lock is taken",
        "outside-worker" => "look at what that goroutine does meanwhile: --root with its function",
        "scheduler" => "more processors (GOMAXPROCS, a quota), or less work beside these requests",
        "collector" => "allocate less, or raise GOGC or GOMEMLIMIT",
        "stw" => "find out what stops the world: collections, or reads of statistics and profiles",
        "cpu-bound" => "take a CPU profile of the same code",
        "no-cpu" => "compare GOMAXPROCS with the CPUs that the process gets",
        "syscall" => "make fewer or larger calls, sync for several requests at once, or do it off their path",
        _ => "--only p95.. shows the slowest alone",
    }
}

struct FindingWriter<'a> {
    profile: &'a Profile,
    requests: &'a Requests,
    style: FindingStyle,
}

impl FindingWriter<'_> {
    fn text(&self, finding: &Finding) -> Option<String> {
        let latency = self.requests.latency.as_ref()?;
        Some(match finding.evidence {
            FindingEvidence::Tail { row, blocker } => {
                let tail = tail(self.requests.tail.get(row)?, latency, self.style.unit);
                match blocker.and_then(|i| self.requests.wakeups.get(i)) {
                    Some(wakeup) => {
                        let (max, what) = (self.time(wakeup.max_ns), self.waiting(wakeup));
                        format!("{tail} Waits of up to {max} {what} were ended by {}.", self.waker(wakeup))
                    }
                    None => tail,
                }
            }
            FindingEvidence::Wakeup { row, worked } => {
                let wakeup = self.requests.wakeups.get(row)?;
                let (sum, max) = (self.time(wakeup.wait_ns), self.time(wakeup.max_ns));
                let (waits, what) = (counted(wakeup.count, "wait"), self.waiting(wakeup));
                let ended = self.waker(wakeup);
                let meanwhile = worked.map_or_else(String::new, |worked| self.meanwhile(worked, wakeup));
                format!("{waits} {what}, {sum} together and up to {max} long, were ended by {ended}.{meanwhile}")
            }
            FindingEvidence::Part { ns } => self.part(finding.id, ns, latency),
            FindingEvidence::CpuSamples { running_ns } => self.cpu_samples(running_ns),
            FindingEvidence::LongRuns { running_ns } => self.long_runs(running_ns),
            FindingEvidence::Waits { stack, count, ns, max_ns, worked } => {
                self.waits(finding.id, WaitSums { stack, count, ns, max_ns, worked }, latency)
            }
            FindingEvidence::Call { stack, n_frames, ns } => {
                let (share, each) = (Share::of(ns, latency.total_ns), self.time(mean(ns, latency.count)));
                let call = self.own_path(stack, n_frames);
                match finding.id {
                    "syscall" => format!("System calls of {call} take {share} of the time of requests, {each} each."),
                    _ => format!("Of several calls one decides: {call} takes {share} of the time, {each} a request."),
                }
            }
        })
    }

    fn time(&self, ns: u64) -> String {
        duration(ns, self.style.unit)
    }

    /// ` in main.load (main.go:12)`; empty where no function is known.
    fn place(&self, stack: NodeIdx) -> String {
        let frame = self.profile.tree.goroutine(stack).find(|f| self.profile.own_code.has(f));
        let place = frame.map(|f| names::place(&f.file, f.line)).filter(|place| !place.is_empty());
        let place = place.map_or_else(String::new, |place| format!(" ({place})"));
        self.function(stack) + &place
    }

    /// `main.orders → main.call (main.go:23)`: so many own frames, the innermost one last.
    fn own_path(&self, stack: NodeIdx, n_frames: usize) -> String {
        let own = self.profile.tree.own_goroutine(stack).filter(|f| self.profile.own_code.has(f));
        let frames: Vec<&ProfileFrame> = own.take(n_frames).collect();
        if frames.is_empty() {
            return own_function(self.profile, stack).map_or_else(String::new, |f| self.name(f).into_owned());
        }
        let names: Vec<Cow<'_, str>> = frames.iter().rev().map(|f| self.name(&f.function)).collect();
        let place = frames.last().map_or_else(String::new, |f| names::place(&f.file, f.line));
        let names = match &names[..] {
            [first, _, .., last] => format!("{first} → … → {last}"),
            names => names.join(" → "),
        };
        if place.is_empty() { names } else { format!("{names} ({place})") }
    }

    /// ` Meanwhile main.scan worked (sleep), 98% of it.`; empty where that is who ended the waits.
    fn meanwhile(&self, (stack, ns): (NodeIdx, u64), wakeup: &Wakeup) -> String {
        let (Some(worked), ended) = (own_function(self.profile, stack), self.waker_function(wakeup)) else {
            return String::new();
        };
        let share = Share::of(ns, wakeup.wait_ns.max(ns));
        if worked == ended {
            return String::new();
        }
        format!(" For {share} of that time they waited for {}.", self.name(worked))
    }

    fn waker_function<'p>(&'p self, wakeup: &'p Wakeup) -> &'p str {
        own_function(self.profile, wakeup.waker_stack).unwrap_or(&wakeup.waker_entry)
    }

    /// ` for a lock in main.load`, `in [chan receive] in main.ask`.
    fn waiting(&self, wakeup: &Wakeup) -> String {
        let place = self.function(wakeup.waiting);
        if wakeup.is_lock() {
            return format!("for a lock{place}");
        }
        format!("in [{}]{place}", clean(&wakeup.state))
    }

    /// `main.(*Cache).refresh (goroutine 19), outside these requests`.
    fn waker(&self, wakeup: &Wakeup) -> String {
        let name = self.name(self.waker_function(wakeup));
        let goroutine = wakeup.waker_goid.map(|id| format!("goroutine {id}"));
        let who = match (name.is_empty(), goroutine) {
            (false, Some(goroutine)) => format!("{name} ({goroutine})"),
            (false, None) => format!("{name} (several goroutines)"),
            (true, Some(goroutine)) => goroutine,
            (true, None) => "several goroutines".to_owned(),
        };
        match wakeup.waker {
            WakerKind::Sibling => format!("{who}, of other requests"),
            WakerKind::Outside => format!("{who}, outside these requests"),
            _ => who,
        }
    }

    /// ` in main.load`; empty where no function is known.
    fn function(&self, stack: NodeIdx) -> String {
        own_function(self.profile, stack).map_or_else(String::new, |f| format!(" in {}", self.name(f)))
    }

    fn name<'a>(&self, function: &'a str) -> Cow<'a, str> {
        names::function(function, self.style.full_names)
    }
}

fn tail(row: &TailRow, latency: &Latency, unit: Unit) -> String {
    let all = duration(mean(row.all_ns, latency.count), unit);
    let slow = duration(mean(row.slow_ns, latency.slow_count), unit);
    let (state, n) = (clean(&row.state), count(latency.slow_count));
    format!("The slow tail is [{state}]: {all} of a mean request, but {slow} of one of the slowest 5% ({n}).")
}

/// The innermost function of the user's own on a goroutine's stack; without one, the innermost that does not only
/// park.
fn own_function(profile: &Profile, stack: NodeIdx) -> Option<&str> {
    if stack == StackTree::ROOT {
        return None;
    }
    let frames: Vec<&ProfileFrame> = profile.tree.goroutine(stack).collect();
    let own = profile.own_code.on_stack(&frames);
    let function =
        frames.iter().find(|f| own.has(f)).or_else(|| frames.iter().find(|f| !names::only_parks(&f.function)));
    function.map(|f| f.function.as_str())
}

#[cfg(test)]
mod tests;
