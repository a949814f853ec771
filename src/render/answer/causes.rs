//! What took the time, a sentence for each cause.

use super::AnswerStyle;
use super::brevity::{Brevity, Part};
use super::verbs::{did, does, free, object};
use crate::profile::{Answer, Cause, CodePlace, WaitsFor, WakerKind, is_for_collector};
use crate::render::clean::clean;
use crate::render::names;
use crate::render::units::{Share, count};
use std::borrow::Cow;

/// So many per cent of some time are nearly all of it: nothing else is named beside it.
const NEARLY_ALL: u64 = 80;
/// Most lines of one function that are named.
const MAX_PLACES: usize = 3;

#[derive(Clone, Copy)]
pub(super) struct CauseWriter<'a> {
    pub(super) answer: &'a Answer,
    pub(super) style: AnswerStyle,
    pub(super) brevity: Brevity,
    /// Whether much of the running time had no CPU: CPU samples say so, or long stretches without an event suggest it
    /// (`false`); none where nothing does.
    pub(super) lacks_cpu: Option<bool>,
    /// The version of a trace in which system calls that did not block have no length, if there is one.
    pub(super) hides_calls: Option<&'a str>,
    /// The own function in which each request waits again and again, and how often on average.
    pub(super) serial: Option<(&'a str, u64)>,
    /// Whether the sentence is about the second cause, which is said in fewer words: the answer is to be one to three lines.
    pub(super) is_second: bool,
}

impl CauseWriter<'_> {
    fn name<'n>(&self, function: &'n str) -> Cow<'n, str> {
        names::function(function, self.style.full_names)
    }

    fn share(&self, ns: u64) -> Share {
        Share::of(ns, self.answer.total_ns)
    }

    /// `96.0% of the time it waits in main.Get (main.go:49) for a lock that main.refresh holds while it sleeps.`
    pub(super) fn cause(&self, cause: &Cause) -> String {
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
                if self.brevity.says(Part::Version) {
                    format!("computes, or is in system calls (traces of Go {version} do not tell),{place}")
                } else {
                    format!("computes or is in system calls{place}")
                }
            }
            (None, "running" | "runnable" | "syscall" | "sleep") => {
                format!("{}{}", does(&cause.state, cause.detail), self.place(cause))
            }
            (None, _) => self.wait(cause),
            (Some(other), _) if self.is_second && !self.brevity.says(Part::SecondWorker) => {
                let is_carried = cause.pool.is_none() && is_from_network(other);
                let awaited = if is_carried { " for the network".to_owned() } else { awaited(cause) };
                format!("waits{}{awaited}", self.place(cause))
            }
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
            WakerKind::Runtime if is_for_collector(&cause.state) => "",
            WakerKind::Runtime => ", until the runtime ends it",
            // The trace does not tell which of the two.
            WakerKind::Network if cause.state == "network" => " or a deadline",
            _ => "",
        };
        format!("waits{}{}{}{ended}", self.times(cause), self.place(cause), awaited(cause))
    }

    /// A wait, and what the goroutine did that was waited for.
    fn wait_for_other(&self, cause: &Cause, other: &WaitsFor) -> String {
        let place = self.place(cause);
        let who = self.who(other);
        let mostly = self.mostly(cause, other);
        let place_of_other = other.place.as_ref().filter(|_| self.brevity.says(Part::WorkerLine));
        let at = place_of_other.map_or_else(String::new, |p| self.lines(p, other.ns));
        if let Some(pool) = cause.pool {
            // What others do who have what is waited for, as far as that is the program's own.
            let meanwhile = format!(", which others use meanwhile: {mostly}{who} {}{at}", self.does(other));
            let says_users = other.is_own && self.brevity.says(Part::PoolUsers);
            return format!("waits{place}{}{}", free(pool), if says_users { &meanwhile } else { "" });
        }
        if is_lock(cause) && !other.holds_lock && !other.by_way_of.is_empty() {
            // Who holds it waits for somebody else in turn.
            let holder = self.name(&other.by_way_of);
            let for_whom = match (other.state.as_str(), other.is_own) {
                ("network", false) => "the network".to_owned(),
                _ => format!("{who}, which {}{at}", self.did(other)),
            };
            return format!("waits{place} for a lock that {mostly}{holder} holds while it waits for {for_whom}");
        }
        if other.state == "network" && !other.is_own && other.is_own_way {
            // Not by itself: an own goroutine does, which it started.
            let (object, way) = (object(&cause.state, cause.detail), self.name(&other.by_way_of));
            return format!("waits{place}{object}: {mostly}for {way}, which waited for the network meanwhile");
        }
        if is_from_network(other) {
            // Who only carries what comes from the network is not who is waited for.
            return format!("waits{}{place} for the network", self.times(cause));
        }
        if other.holds_lock {
            return format!("waits{place} for a lock that {mostly}{who} holds while it {}{at}", self.does(other));
        }
        let (object, did) = (object(&cause.state, cause.detail), self.did(other));
        if cause.state == "network" {
            // Somebody closed it, or set a deadline.
            return format!("waits{place}{object}, {mostly}until {who} ended that, which {did}{at} meanwhile");
        }
        if cause.is_cancelled {
            return format!("waits{place}{object}, {mostly}until {who} cancels it, which {did}{at} meanwhile");
        }
        let way = match other.by_way_of.as_str() {
            "" => String::new(),
            _ if !self.brevity.says(Part::ByWayOf) => String::new(),
            way if other.place.as_ref().is_some_and(|place| place.function == way) => String::new(),
            way => format!(" {}, which waited for", self.name(way)),
        };
        let for_whom = if way.is_empty() { format!(" {who}") } else { format!("{way} {who}") };
        format!("waits{place}{object}: {mostly}for{for_whom}, which {did}{at} meanwhile")
    }

    /// What another goroutine does, as far as the trace tells.
    fn does(&self, other: &WaitsFor) -> String {
        if other.state == "running" && other.detail.is_empty() && self.hides_calls.is_some() {
            return "computes or is in system calls".to_owned();
        }
        does(&other.state, other.detail)
    }

    /// The same in the past.
    fn did(&self, other: &WaitsFor) -> String {
        if other.state == "running" && other.detail.is_empty() && self.hides_calls.is_some() {
            return "computed or was in system calls".to_owned();
        }
        did(&other.state, other.detail)
    }

    fn who(&self, other: &WaitsFor) -> String {
        other.place.as_ref().map_or_else(|| "another goroutine".to_owned(), |p| self.name(&p.function).into_owned())
    }

    /// A word in place of the share of who is waited for, where that is not nearly all of the cause and stands nowhere.
    fn mostly(&self, cause: &Cause, other: &WaitsFor) -> &'static str {
        let is_short = !is_nearly_all(other.ns, cause.ns) && !self.brevity.says(Part::ShareOfWorker);
        if is_short { "mostly " } else { "" }
    }

    /// How much of the time it is, where that is not nearly all of the cause.
    fn part(&self, cause: &Cause, other: &WaitsFor) -> String {
        let is_named = cause.pool.is_none() || self.brevity.says(Part::PoolUsers);
        if is_nearly_all(other.ns, cause.ns) || !is_named || !self.brevity.says(Part::ShareOfWorker) {
            return String::new();
        }
        format!(" ({} of the time)", self.share(other.ns))
    }

    /// ` in main.orders (main.go:33), in http.(*Client).Get`.
    fn place(&self, cause: &Cause) -> String {
        let is_said = !self.is_second || self.brevity.says(Part::SecondPlace);
        let Some(place) = cause.place.as_ref().filter(|_| is_said) else { return String::new() };
        let below = if cause.bracketed { " or what it calls" } else { "" };
        let is_exact = !self.is_second || self.brevity.says(Part::SecondLine);
        let lines = if is_exact { self.lines(place, cause.ns) } else { String::new() };
        let library = match cause.waits_in.as_str() {
            _ if !is_exact => String::new(),
            "" => String::new(),
            waits_in if cause.state == "syscall" => format!(", most in {},", self.name(waits_in)),
            _ if self.is_second => String::new(),
            waits_in => format!(", in {},", self.name(waits_in)),
        };
        let is_said_already =
            !self.is_second && place.function == self.answer.root && !self.brevity.says(Part::RootAgain);
        match (is_said_already, cause.bracketed) {
            (true, true) => format!(" there or in what it calls{lines}{library}"),
            (true, false) => format!(" there{lines}{library}"),
            (false, _) => format!(" in {}{below}{lines}{library}", self.name(&place.function)),
        }
    }

    /// ` (main.go:33)`; the share of each line where there are several.
    fn lines(&self, place: &CodePlace, of_ns: u64) -> String {
        let at = |line: u32| names::place(&place.file, line);
        match place.lines.as_slice() {
            [] => String::new(),
            [(line, ns), ..] if is_nearly_all(*ns, of_ns) => format!(" ({})", at(*line)),
            lines => {
                let shown: Vec<&(u32, u64)> = lines
                    .iter()
                    .take(if self.is_second { 1 } else { MAX_PLACES })
                    .filter(|(_, ns)| self.share(*ns).0 >= 10)
                    .collect();
                // Without their shares, lines say that nearly all is there.
                let in_shown = shown.iter().fold(0_u64, |sum, (_, ns)| sum.saturating_add(*ns));
                if !self.brevity.says(Part::ShareOfLine) && !is_nearly_all(in_shown, of_ns) {
                    return String::new();
                }
                let with_share = |&(line, ns): &&(u32, u64)| {
                    let share = format!(" {}", self.share(*ns));
                    at(*line) + if self.brevity.says(Part::ShareOfLine) { &share } else { "" }
                };
                let shown: Vec<String> = shown.iter().map(with_share).collect();
                if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
            }
        }
    }
}

/// What is waited for: ` for a lock`, ` for a connection to the host`.
fn awaited(cause: &Cause) -> String {
    cause.pool.map_or_else(|| object(&cause.state, cause.detail), |pool| free(pool).to_owned())
}

fn is_nearly_all(ns: u64, of_ns: u64) -> bool {
    u128::from(ns) * 100 >= u128::from(of_ns) * u128::from(NEARLY_ALL)
}

/// Whether a goroutine only carries what comes from the network, and no own one is between.
fn is_from_network(other: &WaitsFor) -> bool {
    other.state == "network" && !other.is_own && !other.is_own_way
}

fn is_lock(cause: &Cause) -> bool {
    cause.state == "sync" && matches!(cause.detail, "mutex" | "rwmutex")
}
