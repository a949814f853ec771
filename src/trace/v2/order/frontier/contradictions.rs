//! A mere contradiction does not disturb the order of the other events: a goroutine starts on a thread that has one already,
//! because the event in which that one left is missing.

use super::tests::{order_into, recording};
use super::*;
use crate::trace::wire::event_spec::code;
use rustc_hash::FxHashMap;

/// Where each event is in the file, in their order, and when it happened.
#[derive(Default)]
struct Places(Vec<(usize, Time)>);

impl Sink for Places {
    fn wants(&self, _: GIdx) -> bool {
        true
    }

    fn event(&mut self, event: &Event, _: u64) {
        // An event that becomes several is one.
        if self.0.last().is_none_or(|last| last.0 != event.pos as usize) {
            self.0.push((event.pos as usize, event.time));
        }
    }
}

fn places(bytes: &[u8]) -> (Vec<(usize, Time)>, String) {
    let mut sink = Places::default();
    let results = order_into::<true>(bytes, &mut sink);
    (sink.0, results.concat())
}

/// A recording, its events in their order, and of these the ones in which a goroutine leaves its thread.
struct Recording {
    bytes: Vec<u8>,
    events: Vec<(usize, Time)>,
    times: FxHashMap<usize, Time>,
    leaving: Vec<usize>,
}

impl Recording {
    fn all() -> impl Iterator<Item = Self> {
        ["go1.22", "go1.23", "go1.25", "go1.26"].into_iter().map(|folder| {
            let bytes = recording(&format!("{folder}/server.trace"));
            let (events, results) = places(&bytes);
            assert!(results.contains("forced: 0,") && results.contains("broken: 0,"), "{results}");
            let is_leaving = |pos: &usize| matches!(bytes[*pos], code::GO_BLOCK | code::GO_STOP);
            let leaving = events.iter().map(|event| event.0).filter(is_leaving).collect();
            Self { times: events.iter().copied().collect(), bytes, events, leaving }
        })
    }

    /// Orders it without these events. Returns how many events come after one that happened more than 0.1 ms later, not counting
    /// those before the first broken rule, and what was wrong.
    fn late_without(&self, missing: impl Iterator<Item = usize>) -> (usize, String) {
        let mut bytes = self.bytes.clone();
        for pos in missing {
            // Of the same shape, and nothing to the order.
            bytes[pos] = code::STW_BEGIN;
        }
        let (events, results) = places(&bytes);
        assert!(events.len() + 60 > self.events.len(), "{} of {}", events.len(), self.events.len());
        let sign = results.split_once("first_broken: Some((").and_then(|(_, rest)| rest.split_once(','));
        let sign = sign.map_or(Time::MIN, |(pos, _)| self.times[&pos.parse().expect("a place")]);
        let mut latest = Time::MIN;
        let mut late = 0;
        for time in events.iter().filter_map(|event| self.times.get(&event.0)) {
            late += usize::from(*time > sign && time.0.saturating_add(PATIENCE) < latest.0);
            latest = latest.max(*time);
        }
        (late, results)
    }
}

/// Where the thread itself shows that the event is missing, nothing waits for it.
#[test]
fn one_missing_departure_delays_nothing() {
    let mut shown = 0;
    for recording in Recording::all() {
        for pos in &recording.leaving {
            let (late, results) = recording.late_without(std::iter::once(*pos));
            if results.contains("broken: 1,") {
                assert!(late == 0 && results.contains("forced: 0,"), "{pos}: {late} late; {results}");
                shown += 1;
            }
        }
    }
    assert!(shown > 700, "{shown}");
}

/// Behind the first sign of missing events, each further one delays others by 0.1 ms at most.
#[test]
fn many_missing_departures_delay_little() {
    let (mut tried, mut delayed) = (0, 0);
    for recording in Recording::all() {
        for first in 0..recording.leaving.len().saturating_sub(45) {
            let missing = recording.leaving[first..].iter().step_by(15).take(4).copied();
            let (late, _) = recording.late_without(missing);
            tried += 1;
            delayed += usize::from(late > 0);
        }
    }
    // Where the first is missing without a sign, what waits for it waits for the end.
    assert!(tried > 1000 && delayed * 20 < tried, "{delayed} of {tried}");
}
