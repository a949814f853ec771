//! The answer as sentences that can be pasted into an incident, for all formats; and what to do next.

use super::clean::clean;
use super::cut;
use super::question;
use super::units::{Share, Unit, count, counted, duration, mean};
use super::{Options, findings, leaning, names, shell};
use crate::profile::{
    Answer, Cause, CodePlace, Finding, FindingEvidence, LibraryPool, MatchedFunction, Profile, WaitsFor, WakerKind,
    WithUndecided, longest_cut,
};
use std::borrow::Cow;

/// A line that has less of a function's time than so many per cent is not the only one named.
const ONE_LINE: u64 = 80;
/// Most lines of one function that are named.
const MAX_LINES: usize = 3;

/// How the sentences are written.
#[derive(Clone, Copy)]
pub(super) struct AnswerStyle {
    unit: Unit,
    full_names: bool,
}

impl AnswerStyle {
    pub(super) fn of(options: &Options) -> Self {
        Self { unit: options.unit, full_names: options.full_names }
    }
}

/// The sentences of an answer.
pub(super) fn text(answer: &Answer, profile: &Profile, style: AnswerStyle) -> String {
    let findings = profile.requests.as_ref().map_or(&[][..], |requests| &requests.findings);
    let no_cpu = findings.iter().find(|finding| finding.id == "no-cpu");
    let lacks_cpu = no_cpu.map(|finding| matches!(finding.evidence, FindingEvidence::CpuSamples { .. }));
    let hides_calls = profile.traces.iter().find(|trace| trace.hides_short_calls).map(|trace| &*trace.version);
    let serial = findings.iter().find_map(|finding| serial(finding, profile));
    let words = AnswerWriter { answer, style, lacks_cpu, hides_calls, serial, is_second: false };
    let mut sentences = vec![words.how_long(profile)];
    sentences.extend(
        answer.causes.iter().enumerate().map(|(i, cause)| AnswerWriter { is_second: i > 0, ..words }.cause(cause)),
    );
    sentences.push(counts(answer, profile, style));
    sentences.join(" ")
}

/// The next step: a command, or what to record.
pub(super) fn next(answer: &Answer, profile: &Profile) -> Option<String> {
    let requests = profile.requests.as_ref()?;
    let Some(latency) = &requests.latency else {
        return longest_cut(&requests.cut).and_then(|_| step(profile, "--include-partial --slowest 1"));
    };
    let computes = |cause: &Cause| cause.state == "running" && cause.detail.is_empty();
    if answer.causes.first().is_some_and(|cause| computes(cause) && cause.bracketed) {
        return Some("record with a CPU profile running (pprof.StartCPUProfile): its samples name the code".to_owned());
    }
    let is_whole = requests.only.is_none();
    // The one that the recording was made for may not be over.
    let longest_cut = longest_cut(&requests.cut).map_or(0, |cut| cut.at_least_ns);
    if is_whole && !requests.include_partial && longest_cut > latency.max_ns {
        return step(profile, "--include-partial --slowest 1");
    }
    let explains = |finding: &&Finding| answer.causes.first().is_some_and(|cause| about(cause).contains(&finding.id));
    if let Some(finding) = requests.findings.iter().find(explains) {
        return Some(findings::next(finding.id).to_owned());
    }
    if is_whole && latency.count >= crate::profile::TAIL_MIN_REQUESTS && latency.p95_ns / 2 >= latency.p50_ns {
        return step(profile, "--only p95..");
    }
    if is_whole && latency.count > 1 { step(profile, "-o slow.svg") } else { None }
}

/// The command that asks the same with more options; of many traces only these options.
fn step(profile: &Profile, options: &str) -> Option<String> {
    if profile.traces.len() > shell::MAX_FILES {
        return Some(format!("the same command with {options}"));
    }
    question::with(profile, options)
}

/// The findings that can explain a cause.
fn about(cause: &Cause) -> &'static [&'static str] {
    match (cause.state.as_str(), cause.detail) {
        _ if cause.pool.is_some() => &["pool", "timeout"],
        ("running", "") => &["no-cpu", "cpu-bound"],
        ("running", _) => &["collector"],
        ("runnable", _) => &["scheduler"],
        ("syscall", _) => &["syscall"],
        ("sync", "mutex" | "rwmutex") => &["contention", "lock-holder"],
        (state, _) if state.starts_with("GC ") => &["collector"],
        _ => &["pool", "serial", "slow-call", "timeout", "contention", "lock-holder", "outside-worker", "collector"],
    }
}

/// What counted, and what the answer does not know.
fn counts(answer: &Answer, profile: &Profile, style: AnswerStyle) -> String {
    let unit = style.unit;
    let mut items = Vec::new();
    if answer.count > 0 {
        let whose = if answer.root.is_empty() { whose(profile, style) } else { String::new() };
        items.push(format!("{} counted{whose}{}", counted(answer.count, "request"), cut_among(profile)));
    }
    if profile.selection.regions_inside > 0 {
        items.push(format!("{} more of the same names inside them", count(profile.selection.regions_inside)));
    }
    if answer.undecided > 0 {
        items.push(undecided(profile, unit));
    }
    if let Some(requests) = &profile.requests {
        if answer.cut > 0 {
            items.extend(cut::in_words(&requests.cut, profile.selection.time.is_some(), unit));
        }
        if requests.may_be_several > 0 {
            items.push(format!("{} may be several calls each", count(requests.may_be_several)));
        } else {
            let inferred = requests.list.iter().filter(|r| r.is_inferred() && !r.partial).count() as u64;
            if inferred > 0 {
                items.push(format!("{} with inferred edges took at most that long", count(inferred)));
            }
        }
    }
    if profile.calls_without_stack_are_unknown() {
        items.push("calls without a stack are not seen".to_owned());
    }
    if !profile.complete() {
        items.push("part of the trace is missing".to_owned());
    }
    items.join(", ") + "."
}

/// Functions that matched, at most.
const MAX_MATCHED: usize = 2;

/// Whose requests count, where several functions matched: ` (7 of main.flush, 1 of main.refresh)`.
fn whose(profile: &Profile, style: AnswerStyle) -> String {
    let of_all: u64 = profile.requests.as_ref().map_or(0, |requests| requests.list.len() as u64);
    let matched: Vec<&MatchedFunction> = profile.selection.matched.iter().filter(|m| m.requests > 0).collect();
    // With `--only` these are not the ones that count.
    if matched.len() < 2 || matched.iter().map(|m| m.requests).sum::<u64>() != of_all {
        return String::new();
    }
    let (shown, others) = matched.split_at(MAX_MATCHED.min(matched.len()));
    let name = |m: &MatchedFunction| names::function(&m.function, style.full_names).into_owned();
    let mut parts: Vec<String> = shown.iter().map(|m| format!("{} of {}", count(m.requests), name(m))).collect();
    if !others.is_empty() {
        let requests = others.iter().map(|m| m.requests).sum();
        parts.push(format!("{} of {}", count(requests), counted(others.len() as u64, "more function")));
    }
    format!(" ({})", parts.join(", "))
}

/// How many of the requests that count are cut: ` (4 of them cut: they took longer)`.
fn cut_among(profile: &Profile) -> String {
    let list = profile.requests.as_ref().map_or(&[][..], |requests| &requests.list);
    match list.iter().filter(|request| request.partial).count() as u64 {
        0 => String::new(),
        1 if list.len() == 1 => " (cut: it took longer)".to_owned(),
        1 => " (1 of them cut: it took longer)".to_owned(),
        n => format!(" ({} of them cut: they took longer)", of_all(n, list.len() as u64)),
    }
}

/// `all`, or the number.
fn of_all(n: u64, all: u64) -> String {
    if n == all { "all".to_owned() } else { count(n) }
}

/// `286 undecided (p50 is of the slow 74 of up to 360)`.
fn undecided(profile: &Profile, unit: Unit) -> String {
    let undecided = &profile.selection.undecided;
    let leaning = profile.requests.as_ref().and_then(|requests| undecided.leaning(requests));
    let mut notes: Vec<String> = leaning.map(leaning::of_how_many).into_iter().collect();
    if undecided.likely_others > 0 {
        notes.push(format!("{} likely of other handlers", of_all(undecided.likely_others, undecided.count())));
    }
    let chosen = profile.requests.as_ref().filter(|requests| requests.chosen_from.is_some());
    let differs = |with: &&WithUndecided| {
        let latency = chosen.and_then(|requests| requests.latency.as_ref());
        latency.is_none_or(|now| (now.count, now.p50_ns) != (with.count, with.p50.with_all_ns))
    };
    if let Some(with) = chosen.and_then(|requests| requests.with_undecided.as_ref()).filter(differs) {
        let p50 = duration(with.p50.with_all_ns, unit);
        notes.push(format!("with them {} would be chosen, p50 {p50}", count(with.count)));
    }
    if let Some(with) = profile.requests.as_ref().and_then(|requests| requests.with_likely.as_ref()) {
        let likely = of_all(undecided.likely.count(), undecided.count());
        let p50 = duration(with.p50_ns, unit);
        notes.push(format!("{likely} likely of this one: with them p50 {p50}"));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    format!("{} undecided{notes}", count(undecided.count()))
}

#[derive(Clone, Copy)]
struct AnswerWriter<'a> {
    answer: &'a Answer,
    style: AnswerStyle,
    /// Whether much of the running time had no CPU: CPU samples say so, or long stretches without an event suggest it
    /// (`false`); none where nothing does.
    lacks_cpu: Option<bool>,
    /// The version of a trace in which system calls that did not block have no length, if there is one.
    hides_calls: Option<&'a str>,
    /// The own function in which each request waits again and again, and how often on average.
    serial: Option<(&'a str, u64)>,
    /// Whether the sentence is about the second cause, which is said in fewer words: the answer is to be one to three lines.
    is_second: bool,
}

/// The own function that a finding about calls one after the other names, and how many there are in a request.
fn serial<'p>(finding: &Finding, profile: &'p Profile) -> Option<(&'p str, u64)> {
    let FindingEvidence::Waits { stack, count, .. } = finding.evidence else { return None };
    let latency = profile.requests.as_ref()?.latency.as_ref().filter(|_| finding.id == "serial")?;
    let own = profile.tree.goroutine(stack).find(|frame| profile.own_code.has(frame))?;
    Some((own.function.as_str(), mean(count, latency.count)))
}

impl AnswerWriter<'_> {
    fn name<'n>(&self, function: &'n str) -> Cow<'n, str> {
        names::function(function, self.style.full_names)
    }

    fn how_long(&self, profile: &Profile) -> String {
        let [p50, mean] = [self.answer.p50_ns, self.answer.mean_ns].map(|ns| duration(ns, self.style.unit));
        let chosen = profile.requests.as_ref().and_then(|r| r.only.as_ref());
        let chosen = chosen.map_or_else(String::new, |only| format!(" ({})", clean(only)));
        let who = if self.answer.root.is_empty() { asked(profile) } else { self.name(&self.answer.root).into_owned() };
        let list = profile.requests.as_ref().map_or(&[][..], |requests| &requests.list);
        let place = if profile.selection.time.is_some() { "that part of the trace" } else { "the trace" };
        match (self.answer.count, list) {
            (0, _) if profile.requests.as_ref().is_some_and(|r| r.only.is_some()) => {
                format!("{who}{chosen}: no such request begins and ends in {place}.")
            }
            (0, _) => format!("{who}: no request begins and ends in {place}."),
            (1, [cut]) if cut.partial && cut.may_be_several => {
                format!("{who}{chosen}: seen for {p50}, may be several calls in a row.")
            }
            (1, [cut]) if cut.partial => {
                let least = duration(cut.at_least_ns.unwrap_or(cut.dur_ns), self.style.unit);
                format!("{who}{chosen}: at least {least}.")
            }
            (1, _) => format!("{who}{chosen}: {p50}."),
            _ => format!("{who}{chosen}: p50 {p50}, mean {mean}."),
        }
    }

    fn share(&self, ns: u64) -> Share {
        Share::of(ns, self.answer.total_ns)
    }

    /// `96.0% of the time it waits in main.Get (main.go:49) for a lock that main.refresh holds while it sleeps.`
    fn cause(&self, cause: &Cause) -> String {
        let share = self.share(cause.ns);
        let subject =
            if self.is_second { format!("For another {share} it") } else { format!("{share} of the time it") };
        let what = match (&cause.waits_for, cause.state.as_str()) {
            (None, "syscall") if cause.detail == "cgo" => format!("is in C code{}", self.place(cause)),
            (None, "running") if cause.detail.is_empty() && self.lacks_cpu.is_some() => {
                let without = if self.lacks_cpu == Some(true) { "" } else { "maybe " };
                format!("is running{}, much of it {without}without a CPU", self.place(cause).trim_end_matches(','))
            }
            (None, "running") if cause.detail.is_empty() && self.hides_calls.is_some() => {
                let version = clean(self.hides_calls.unwrap_or_default());
                let place = self.place(cause);
                format!("computes, or is in system calls (traces of Go {version} do not tell),{place}")
            }
            (None, "running" | "runnable" | "syscall" | "sleep") => {
                format!("{}{}", does(&cause.state, cause.detail), self.place(cause))
            }
            (None, _) => self.wait(cause),
            (Some(other), _) => format!("{}{}", self.wait_for_other(cause, other), self.part(cause, other)),
        };
        format!("{subject} {}.", what.trim_end_matches(','))
    }

    /// ` 8 times`, where a finding says that a request waits there again and again.
    fn times(&self, cause: &Cause) -> String {
        let Some((function, times)) = self.serial else { return String::new() };
        let is_there = cause.place.as_ref().is_some_and(|place| place.function == *function);
        if is_there { format!(" {} times", count(times)) } else { String::new() }
    }

    /// A wait that no other goroutine is known to have ended.
    fn wait(&self, cause: &Cause) -> String {
        let ended = match cause.ended_by {
            WakerKind::Timer if cause.is_cancelled => ", until its deadline",
            _ if cause.is_cancelled => ", until it is cancelled",
            WakerKind::Timer => ", until a timer ends it",
            WakerKind::Runtime => ", until the runtime ends it",
            // The trace does not tell which of the two.
            WakerKind::Network if cause.state == "network" => " or a deadline",
            _ => "",
        };
        let object = cause.pool.map_or_else(|| object(&cause.state, cause.detail), |pool| free(pool).to_owned());
        format!("waits{}{}{object}{ended}", self.times(cause), self.place(cause))
    }

    /// A wait, and what the goroutine did that was waited for.
    fn wait_for_other(&self, cause: &Cause, other: &WaitsFor) -> String {
        let place = self.place(cause);
        let who = self.who(other);
        let at = other.place.as_ref().map_or_else(String::new, |p| self.lines(p, other.ns)).replace(", at ", " at ");
        if let Some(pool) = cause.pool {
            // What others do who have what is waited for, as far as that is the program's own.
            let meanwhile = format!(", which others use meanwhile: {who} {}{at}", does(&other.state, other.detail));
            return format!("waits{place}{}{}", free(pool), if other.is_own { &meanwhile } else { "" });
        }
        if other.state == "network" && !other.is_own {
            // Who only carries what comes from the network is not who is waited for.
            return format!("waits{}{place} for the network", self.times(cause));
        }
        if other.holds_lock {
            return format!(
                "waits{place} for a lock that {who} holds while it {}{at}",
                does(&other.state, other.detail)
            );
        }
        let (object, did) = (object(&cause.state, cause.detail), did(&other.state, other.detail));
        if cause.state == "network" {
            // Somebody closed it, or set a deadline.
            return format!("waits{place}{object}, until {who} ended that, which {did}{at} meanwhile");
        }
        if cause.is_cancelled {
            return format!("waits{place}{object}, until {who} cancels it, which {did}{at} meanwhile");
        }
        let way = match other.by_way_of.as_str() {
            "" => String::new(),
            way if other.place.as_ref().is_some_and(|place| place.function == way) => String::new(),
            way => format!(" {}, which waited for", self.name(way)),
        };
        let for_whom = if way.is_empty() { format!(" {who}") } else { format!("{way} {who}") };
        format!("waits{place}{object}: for{for_whom}, which {did}{at} meanwhile")
    }

    fn who(&self, other: &WaitsFor) -> String {
        other.place.as_ref().map_or_else(|| "another goroutine".to_owned(), |p| self.name(&p.function).into_owned())
    }

    /// How much of the time it is, where that is not nearly all of the cause.
    fn part(&self, cause: &Cause, other: &WaitsFor) -> String {
        let most = u128::from(other.ns) * 100 >= u128::from(cause.ns) * u128::from(ONE_LINE);
        if most { String::new() } else { format!(" ({} of the time)", self.share(other.ns)) }
    }

    /// ` in main.orders (main.go:33), in http.(*Client).Get`.
    fn place(&self, cause: &Cause) -> String {
        let Some(place) = &cause.place else { return String::new() };
        let below = if cause.bracketed { " or what it calls" } else { "" };
        let lines = self.lines(place, cause.ns);
        let library = match cause.waits_in.as_str() {
            "" => String::new(),
            waits_in if cause.state == "syscall" => format!(", most in {},", self.name(waits_in)),
            _ if self.is_second => String::new(),
            waits_in => format!(", in {},", self.name(waits_in)),
        };
        format!(" in {}{below}{lines}{library}", self.name(&place.function))
    }

    /// ` (main.go:33)`; the share of each line where there are several.
    fn lines(&self, place: &CodePlace, of_ns: u64) -> String {
        let at = |line: u32| names::place(&place.file, line);
        match place.lines.as_slice() {
            [] => String::new(),
            [(line, ns), ..] if u128::from(*ns) * 100 >= u128::from(of_ns) * u128::from(ONE_LINE) => {
                format!(" ({})", at(*line))
            }
            lines => {
                let shown = lines
                    .iter()
                    .take(if self.is_second { 1 } else { MAX_LINES })
                    .filter(|(_, ns)| self.share(*ns).0 >= 10);
                let shown: Vec<String> = shown.map(|(line, ns)| format!("{} {}", at(*line), self.share(*ns))).collect();
                if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
            }
        }
    }
}

fn asked(profile: &Profile) -> String {
    let patterns: Vec<String> = profile.selection.patterns.iter().map(|p| format!("'{}'", clean(p))).collect();
    let goids = profile.selection.goids.iter().map(|id| format!("goroutine {id}"));
    let asked: Vec<String> = if patterns.is_empty() { goids.collect() } else { patterns };
    if asked.is_empty() { "All endpoints".to_owned() } else { asked.join(" or ") }
}

/// What is waited for at a pool.
fn free(pool: LibraryPool) -> &'static str {
    match pool {
        LibraryPool::Database => " for a free connection of the database's pool",
        LibraryPool::Host => " for a connection to the host",
        LibraryPool::Semaphore => " for a semaphore",
        LibraryPool::Puddle => " for something free of the pool",
    }
}

/// What a wait is for: ` for a lock`, ` for a channel`.
fn object(state: &str, detail: &str) -> String {
    let what = match (state, detail) {
        ("network", _) => "for the network",
        ("sync", "mutex" | "rwmutex") => "for a lock",
        ("sync", "wait group") => "for a wait group",
        ("sync", "once") => "for a sync.Once",
        ("sync", "runtime") => "for a lock of the runtime",
        ("sync.(*Cond).Wait", _) => "for a condition variable",
        ("chan receive", _) => "to receive from a channel",
        ("chan send", _) => "to send to a channel",
        ("forever", _) => "forever",
        _ if state.starts_with("select") => "in a select",
        _ => return format!(" in [{}]", clean(state)),
    };
    format!(" {what}")
}

/// What a goroutine does: `sleeps`.
fn does(state: &str, detail: &str) -> String {
    match state {
        "running" if detail == "sweep" => "sweeps for the garbage collector".to_owned(),
        "running" if detail == "mark assist" => "helps the garbage collector to mark".to_owned(),
        "running" => "computes".to_owned(),
        "runnable" => "waits for a processor".to_owned(),
        "syscall" => "is in system calls".to_owned(),
        "sleep" => "sleeps".to_owned(),
        _ => format!("waits{}", object(state, detail)),
    }
}

/// What a goroutine did: `slept`.
fn did(state: &str, detail: &str) -> String {
    match state {
        "running" if detail == "sweep" => "swept for the garbage collector".to_owned(),
        "running" if detail == "mark assist" => "helped the garbage collector to mark".to_owned(),
        "running" => "computed".to_owned(),
        "runnable" => "waited for a processor".to_owned(),
        "syscall" => "was in system calls".to_owned(),
        "sleep" => "slept".to_owned(),
        _ => format!("waited{}", object(state, detail)),
    }
}
