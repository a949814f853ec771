//! The sentences of findings, on a profile made by hand.

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
