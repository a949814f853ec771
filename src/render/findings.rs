//! Findings as sentences. What they rest on is in the profile; here it becomes text, cleaned and with units.

use super::clean::clean;
use super::names;
use super::units::{Share, Unit, count, counted, duration};
use crate::profile::{
    Finding, FindingEvidence, Latency, NodeIdx, Profile, Requests, StackTree, TailRow, WakerKind, Wakeup,
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
                let tail = tail(self.requests.tail.get(row)?, latency);
                match blocker.and_then(|i| self.requests.wakeups.get(i)) {
                    Some(wakeup) => {
                        let (max, what) = (self.time(wakeup.max_ns), self.waiting(wakeup));
                        format!("{tail} Waits of up to {max} {what} were ended by {}.", self.waker(wakeup))
                    }
                    None => tail,
                }
            }
            FindingEvidence::Wakeup(i) => {
                let wakeup = self.requests.wakeups.get(i)?;
                let (sum, max) = (self.time(wakeup.wait_ns), self.time(wakeup.max_ns));
                let (waits, what) = (counted(wakeup.count, "wait"), self.waiting(wakeup));
                let ended = self.waker(wakeup);
                format!("{waits} {what}, {sum} together and up to {max} long, were ended by {ended}.")
            }
            FindingEvidence::Part { ns } => self.part(finding.id, ns, latency),
            FindingEvidence::Repeats { stack, count: n, ns } => {
                let request = self.requests.list.get(self.requests.slowest.as_ref()?.request)?;
                let (time, share) = (self.time(ns), Share::of(ns, request.dur_ns));
                let (n, place) = (count(n), self.function(stack));
                format!(
                    "In the slowest request, {n} waits for the network{place} follow each other: {time}, {share} of it."
                )
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
            "gc-assist" => format!("Requests help the garbage collector to mark {share} of their time ({time})."),
            "stw" => {
                let times = counted(self.requests.overlap.stw_count, "time");
                format!("The world is stopped {share} of the time of requests ({time}), {times}.")
            }
            _ => format!("Requests compute: {share} of their time is [running] ({time})."),
        }
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
        let function = own_function(self.profile, wakeup.waker_stack).unwrap_or(&wakeup.waker_entry);
        let name = self.name(function);
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

fn tail(row: &TailRow, latency: &Latency) -> String {
    let all = Share::of(row.all_ns, latency.total_ns);
    let slow = Share::of(row.slow_ns, latency.slow_total_ns);
    let (state, n) = (clean(&row.state), count(latency.slow_count));
    format!("The slow tail is [{state}]: {all} of the time of all requests, but {slow} of the slowest 5% ({n}).")
}

/// The innermost function of the user's own on a goroutine's stack; without one, the innermost that does not only
/// park.
fn own_function(profile: &Profile, stack: NodeIdx) -> Option<&str> {
    if stack == StackTree::ROOT {
        return None;
    }
    let own = || profile.tree.stack(stack).take_while(|f| !f.is_pseudo()).map(|f| f.function.as_str());
    own().find(|f| !names::is_std(f)).or_else(|| own().find(|f| !names::only_parks(f)))
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
        let expected = "The slow tail is [sync]: 19.5% of the time of all requests, but 60.5% of the slowest 5% (3). \
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
        requests.wakeups[1].waker_goid = None;
        requests.wakeups[1].state = "chan \x1b[2J".into();
        requests.wakeups[1].detail = "";
        requests.findings = [
            ("outside-worker", FindingEvidence::Wakeup(1)),
            ("scheduler", FindingEvidence::Part { ns: 1 }),
            ("gc-assist", FindingEvidence::Part { ns: 1 }),
            ("stw", FindingEvidence::Part { ns: 1 }),
            ("cpu-bound", FindingEvidence::Part { ns: 1 }),
            ("serial-waits", FindingEvidence::Repeats { stack, count: 9, ns: 106_500_000 }),
        ]
        .map(of)
        .into();
        for text in texts(&profile) {
            assert!(text.ends_with('.') && !text.contains("  ") && !text.contains(is_hostile), "{text}");
        }
        let expected = "In the slowest request, 9 waits for the network in main.fetchUser follow each other: 107 ms, \
                        50.0% of it.";
        assert_eq!(texts(&profile)[5], expected);
        let nothing = Finding { id: "x", important: true, evidence: FindingEvidence::Wakeup(99) };
        profile.requests.as_mut().unwrap().findings = vec![nothing];
        assert_eq!(texts(&profile), [""]);
    }
}
