//! Findings as sentences. What they rest on is in the profile; here it becomes text, cleaned and with units.

use super::clean::clean;
use super::names;
use super::units::{Share, Unit, bytes, count, counted, duration, mean};
use crate::profile::{
    Finding, FindingEvidence, HeapGoals, Latency, LibraryPool, NodeIdx, Overlap, Profile, ProfileFrame, Requests,
    StackTree, TailRow, WakerKind, Wakeup,
};
use std::borrow::Cow;

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
        "syscall" => "make fewer or larger calls, or make them off the request's path",
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

    fn part(&self, id: &str, ns: u64, latency: &Latency) -> String {
        let (share, time) = (Share::of(ns, latency.total_ns), self.time(ns));
        match id {
            "scheduler" => format!("Requests wait for a processor {share} of their time ([runnable], {time})."),
            "collector" => {
                let Overlap { mark_assist_ns, sweep_ns, .. } = self.requests.overlap;
                let waits = ns.saturating_sub(mark_assist_ns).saturating_sub(sweep_ns);
                let parts = [(mark_assist_ns, "mark assist"), (sweep_ns, "sweep"), (waits, "waits for it")];
                let parts =
                    parts.iter().filter(|(ns, _)| *ns > 0).map(|(ns, what)| format!("{what} {}", self.time(*ns)));
                let parts = parts.collect::<Vec<_>>().join(", ");
                format!(
                    "Requests work for the garbage collector or wait for it {share} of their time: {parts}.{}",
                    self.collections()
                )
            }
            "stw" => {
                let times = counted(self.requests.overlap.stw_count, "time");
                format!("The world is stopped {share} of the time of requests ({time}), {times}.")
            }
            _ if self.requests.cpu.samples > 0 => {
                let samples = counted(self.requests.cpu.samples, "CPU sample");
                format!("Requests compute {share} of their time ([running], {time}; {samples} do not contradict).")
            }
            _ => {
                let hidden = self.profile.traces.iter().find(|trace| trace.hides_short_calls);
                let calls = hidden.map_or_else(String::new, |trace| {
                    format!(", or are in system calls (traces of Go {} do not tell)", clean(&trace.version))
                });
                format!(
                    "Requests compute {share} of their time ([running], {time}){calls}, or wait for a CPU of the operating \
                     system: that is [running], too."
                )
            }
        }
    }

    /// How often the collector ran, and at which size of the heap: what GOGC and GOMEMLIMIT change.
    fn collections(&self) -> String {
        let Overlap { gc_count, heap_goals, .. } = self.requests.overlap;
        if gc_count == 0 {
            return String::new();
        }
        let looked_at = self.profile.traces.iter().map(|t| t.window_ns.unwrap_or(t.duration_ns));
        let every = self.time(looked_at.fold(0, u64::saturating_add) / gc_count);
        let goals = heap_goals.map_or_else(String::new, |HeapGoals { min_bytes, max_bytes }| {
            let [min, max] = [min_bytes, max_bytes].map(bytes);
            let goals = if min == max { max } else { format!("{min} to {max}") };
            format!("; a collection begins at a heap of {goals}, which GOGC and GOMEMLIMIT set")
        });
        format!(" It ran {}, every {every} on average{goals}.", counted(gc_count, "time"))
    }

    /// What CPU samples say of running time.
    fn cpu_samples(&self, running_ns: u64) -> String {
        let cpu = &self.requests.cpu;
        let (least, most) = cpu.on_cpu_interval();
        let [running, on, least, most] = [running_ns, cpu.on_cpu_ns(), least, most].map(|ns| self.time(ns));
        let samples = counted(cpu.samples, "CPU sample");
        format!(
            "Requests are [running] for {running} together, but had a CPU for about {on} of it ({least} to {most}, by \
             {samples}): else their threads waited for a CPU of the operating system, which other processes, a quota or \
             too large a GOMAXPROCS kept busy."
        )
    }

    /// What stretches without any event say of it.
    fn long_runs(&self, running_ns: u64) -> String {
        let cpu = &self.requests.cpu;
        let [running, long, max] = [running_ns, cpu.long_runs_ns, cpu.longest_run_ns].map(|ns| self.time(ns));
        let stretches = if cpu.long_runs == 1 { "stretch" } else { "stretches" };
        format!(
            "Of {running} that requests are [running], {long} are {} {stretches} of 25 ms to {max} without any event, though \
             the runtime preempts after 10 ms: in these, threads waited for a CPU of the operating system, or ran code that \
             cannot be preempted. CPU samples in the trace would tell.",
            count(cpu.long_runs)
        )
    }

    /// The sentences of a finding about waits in one function.
    fn waits(&self, id: &str, waits: WaitSums, latency: &Latency) -> String {
        let WaitSums { stack, count: n, ns, max_ns, worked } = waits;
        let (share, max, place) = (Share::of(ns, latency.total_ns), self.time(max_ns), self.place(stack));
        let many = format!("{}, {} together, up to {max} long", counted(n, "wait"), self.time(ns));
        let at_once = self.at_once(ns);
        match id {
            "contention" => {
                let holder = worked.map_or_else(String::new, |(stack, held_ns)| {
                    let (place, share) = (self.place(stack), Share::of(held_ns, ns.max(held_ns)));
                    format!(" For {share} of that {} holds it.", place.trim_start_matches(" in "))
                });
                format!("Requests wait {share} of their time for each other's locks{place}: {many}{at_once}.{holder}")
            }
            "pool" => {
                let what = self.pool(stack);
                let busy = self.busy(ns, latency);
                format!("Requests wait {share} of their time{place} until {what}: {many}.{busy}")
            }
            "timeout" => {
                format!("{share} of the time are waits{place} that {} ended: {many}.", self.deadline(stack))
            }
            _ => {
                let each = mean(n, latency.count);
                format!("Requests make about {each} calls one after the other{place}: {many}, {share} of the time.")
            }
        }
    }

    /// What ended waits before what they waited for.
    fn deadline(&self, stack: NodeIdx) -> String {
        let there = || self.requests.wakeups.iter().filter(|wakeup| wakeup.waiting == stack);
        match there().find(|wakeup| self.profile.cancels(wakeup)) {
            Some(cancel) if there().all(|wakeup| wakeup.waker != WakerKind::Timer) => {
                format!("a cancellation by {}", self.waker(cancel))
            }
            _ => "a deadline or a timeout".to_owned(),
        }
    }

    /// How many waits that took so long together there are at any time, on average, in tenths.
    fn tenths_at_once(&self, ns: u64) -> u128 {
        let windows = self.profile.traces.iter().map(|t| t.window_ns.unwrap_or(t.duration_ns));
        let looked_at = windows.fold(0_u64, u64::saturating_add);
        u128::from(ns) * 10 / u128::from(looked_at.max(1))
    }

    /// `, 6.7 at any time`; empty where the length of what was looked at is unknown.
    fn at_once(&self, ns: u64) -> String {
        let tenths = self.tenths_at_once(ns);
        if tenths < 1 { String::new() } else { format!(", {}.{} at any time on average", tenths / 10, tenths % 10) }
    }

    /// What a request waits for that waits for a pool.
    fn pool(&self, stack: NodeIdx) -> &'static str {
        let functions = self.profile.tree.stack(stack).map(|frame| frame.function.as_str());
        match LibraryPool::of(functions) {
            Some(LibraryPool::Database) => "a connection of the database's pool is free (SetMaxOpenConns)",
            Some(LibraryPool::Host) => "a connection to the host is free (MaxConnsPerHost)",
            Some(LibraryPool::Semaphore) => "the semaphore has room",
            Some(LibraryPool::Puddle) => "something of the pool is free (MaxConns)",
            None => "another request, or a worker, is free",
        }
    }

    /// How many of the requests in flight do not wait: as many as the pool has places, if it is full. Empty where the length
    /// of what was looked at is unknown.
    fn busy(&self, waiting_ns: u64, latency: &Latency) -> String {
        let in_flight = u128::from(latency.mean_in_flight_milli) / 100;
        let waiting = self.tenths_at_once(waiting_ns);
        if waiting < 1 || waiting > in_flight {
            return String::new();
        }
        let tenths = |n: u128| format!("{}.{}", n / 10, n % 10);
        let others = in_flight - waiting;
        let (in_flight, waiting) = (tenths(in_flight), tenths(waiting));
        format!(" Of {in_flight} requests in flight on average {waiting} wait for it, {} do not.", tenths(others))
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

/// Sums of waits, as [`FindingEvidence::Waits`].
#[derive(Clone, Copy)]
struct WaitSums {
    stack: NodeIdx,
    count: u64,
    ns: u64,
    max_ns: u64,
    worked: Option<(NodeIdx, u64)>,
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
mod tests {
    use super::*;
    use crate::render::clean::is_hostile;
    use crate::render::testing::sample_requests;

    fn texts(profile: &Profile) -> Vec<String> {
        let requests = profile.requests.as_ref().unwrap();
        let style = FindingStyle { unit: Unit::Auto, full_names: false };
        requests.findings.iter().map(|f| text(f, profile, requests, style)).collect()
    }

    #[test]
    fn a_sentence_names_numbers_and_people() {
        let profile = sample_requests();
        let expected = "The slow tail is [sync]: 6.70 ms of a mean request, but 127 ms of one of the slowest 5% (3). \
                        Waits of up to 190 ms for a lock in cart.load[...] were ended by main.(*Cache).refresh \
                        (goroutine 19), outside these requests.";
        assert_eq!(texts(&profile)[0], expected);
    }

    #[test]
    fn every_kind_of_evidence_has_a_text() {
        let mut profile = sample_requests();
        let requests = profile.requests.as_mut().unwrap();
        let stack = requests.wakeups[0].waiting;
        let of = |(id, evidence)| Finding { id, important: false, evidence };
        let waits = FindingEvidence::Waits {
            stack,
            count: 900,
            ns: 106_500_000,
            max_ns: 7_000_000,
            worked: Some((stack, 5_000_000)),
        };
        requests.wakeups[1].waker_goid = None;
        requests.wakeups[1].state = "chan \x1b[2J".into();
        requests.wakeups[1].detail = "";
        requests.findings = [
            ("outside-worker", FindingEvidence::Wakeup { row: 1, worked: None }),
            ("lock-holder", FindingEvidence::Wakeup { row: 0, worked: Some((stack, 5_000_000)) }),
            ("scheduler", FindingEvidence::Part { ns: 1 }),
            ("collector", FindingEvidence::Part { ns: 1 }),
            ("stw", FindingEvidence::Part { ns: 1 }),
            ("cpu-bound", FindingEvidence::Part { ns: 1 }),
            ("no-cpu", FindingEvidence::CpuSamples { running_ns: 9_000_000 }),
            ("no-cpu", FindingEvidence::LongRuns { running_ns: 9_000_000 }),
            ("serial", waits),
            ("contention", waits),
            ("pool", waits),
            ("timeout", waits),
            ("slow-call", FindingEvidence::Call { stack, n_frames: 2, ns: 106_500_000 }),
            ("syscall", FindingEvidence::Call { stack, n_frames: 1, ns: 106_500_000 }),
        ]
        .map(of)
        .into();
        for text in texts(&profile) {
            assert!(text.ends_with('.') && !text.contains("  ") && !text.contains(is_hostile), "{text}");
        }
        let waits = "900 waits, 107 ms together, up to 7.00 ms long";
        let expected = [
            format!(
                "Requests make about 15 calls one after the other in main.fetchUser (user.go:12): {waits}, 5.2% of the time."
            ),
            format!(
                "Requests wait 5.2% of their time for each other's locks in main.fetchUser (user.go:12): {waits}. For 4.7% \
                 of that main.fetchUser (user.go:12) holds it."
            ),
            format!(
                "Requests wait 5.2% of their time in main.fetchUser (user.go:12) until another request, or a worker, \
                 is free: {waits}."
            ),
            format!(
                "5.2% of the time are waits in main.fetchUser (user.go:12) that a deadline or a timeout ended: {waits}."
            ),
            "Of several calls one decides: main.(*Server).Handler (server.go:33) takes 5.2% of the time, 1.78 ms a \
             request."
                .to_owned(),
            "System calls of main.(*Server).Handler (server.go:33) take 5.2% of the time of requests, 1.78 ms each."
                .to_owned(),
        ];
        assert_eq!(texts(&profile)[8..], expected);
        let nothing = Finding { id: "x", important: true, evidence: FindingEvidence::Wakeup { row: 99, worked: None } };
        profile.requests.as_mut().unwrap().findings = vec![nothing];
        assert_eq!(texts(&profile), [""]);
    }
}
