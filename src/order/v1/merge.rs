//! Merges the procs' streams into one causal order by the runtime's sequence numbers (Go 1.7 – 1.21). HOT.
//!
//! Of the events that may come next, the earliest does. An event whose goroutine is not in the
//! state that it needs waits, and its proc with it, until an event of another proc brings that state about
//! (`parseEventBatches` in `src/internal/trace/internal/tracev1/parser.go` of Go 1.27). A waiting stream stands in
//! the queue of the state that it needs, and each change of state calls one stream, so that the work is
//! O(n log n) whatever the trace says.
//!
//! Where events are missing, some wait for ever. Then the merge starts again and lets nothing wait longer than
//! the clocks of the cores may differ.

use super::frontier::Frontier;
use super::ledger::Ledger;
use super::rules::{Need, Rule, rule};
use super::slots::Slots;
use super::stream::{Head, Stream};
use crate::format::v1::Wire;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Waiting streams by the time of their next event, then by proc.
type Queue = BinaryHeap<Reverse<(i64, u32)>>;

/// Events that had to come before what they waited for.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Forced {
    pub(super) events: u64,
    /// Position and ticks of the first.
    pub(super) first: Option<(u64, i64)>,
    /// The latest of their ticks.
    pub(super) last: i64,
}

impl Forced {
    #[cold]
    fn note(&mut self, head: &Head) {
        self.events += 1;
        let (_, first) = *self.first.get_or_insert((head.pos, head.ticks));
        self.last = self.last.max(head.ticks).max(first);
    }
}

/// What came of a merge.
pub(super) struct Merged {
    pub(super) ledger: Ledger,
    pub(super) forced: Forced,
}

/// Merges `streams`, which stand in the order of their procs. `patience`: how many ticks an event may wait for an
/// earlier one; `None`: for ever, and then there is no result if an event waits in vain.
pub(super) fn merge(wire: &Wire, streams: Vec<Stream<'_>>, n_events: u64, patience: Option<i64>) -> Option<Merged> {
    let lanes = streams.into_iter().map(|stream| Lane { stream, head: None, need: None }).collect();
    let mut merger = Merger {
        wire,
        slots: Slots::new(),
        lanes,
        frontier: Frontier::default(),
        parked: FxHashMap::default(),
        oldest: Queue::new(),
        patience,
        n_parked: 0,
        ledger: Ledger::for_events(n_events),
        forced: Forced::default(),
    };
    merger.begin();
    merger.run().then_some(Merged { ledger: merger.ledger, forced: merger.forced })
}

struct Lane<'a> {
    stream: Stream<'a>,
    head: Option<Head>,
    /// What the head waits for; none when it is in the frontier.
    need: Option<Need>,
}

struct Merger<'a> {
    wire: &'a Wire,
    slots: Slots,
    lanes: Vec<Lane<'a>>,
    /// Streams whose next event may come next.
    frontier: Frontier,
    /// Streams whose next event waits. Entries of streams that wait no more are skipped.
    parked: FxHashMap<Need, Queue>,
    /// The waiting streams once more, when patience is limited.
    oldest: Queue,
    patience: Option<i64>,
    n_parked: u32,
    ledger: Ledger,
    forced: Forced,
}

impl Merger<'_> {
    /// Reads the first event of every stream, in the order in which Go's reader does: it takes a stream that is
    /// ready out of its list, and the last one takes its place.
    fn begin(&mut self) {
        let mut waiting: Vec<u32> = (0..self.lanes.len() as u32).collect();
        let mut at = 0;
        while let Some(&lane) = waiting.get(at) {
            self.advance(lane);
            let is_waiting = self.lanes[lane as usize].need.is_some();
            if is_waiting {
                at += 1;
            } else {
                waiting.swap_remove(at);
            }
        }
    }

    /// False when events wait in vain.
    fn run(&mut self) -> bool {
        loop {
            if let Some(lane) = self.overdue() {
                self.unpark(lane);
                self.take(lane, true);
            } else if let Some(lane) = self.frontier.pop() {
                self.take_run(lane);
            } else {
                return self.n_parked == 0;
            }
        }
    }

    /// Takes events from a stream for as long as they are the earliest that may come.
    #[inline]
    fn take_run(&mut self, lane: u32) {
        loop {
            if !self.take(lane, false) || self.patience.is_some() {
                return;
            }
            if self.frontier.peek().is_none_or(|(_, next)| next != lane) {
                return;
            }
            self.frontier.pop();
        }
    }

    /// The stream that waited too long.
    fn overdue(&mut self) -> Option<u32> {
        let patience = self.patience?;
        while let Some(&Reverse((ticks, lane))) = self.oldest.peek() {
            let at = &self.lanes[lane as usize];
            if at.need.is_none() || at.head.is_none_or(|h| h.ticks != ticks) {
                self.oldest.pop();
                continue;
            }
            let is_overdue = self.frontier.peek().is_none_or(|(next, _)| ticks.saturating_add(patience) < next);
            return is_overdue.then_some(lane);
        }
        None
    }

    /// Takes the next event of a stream, if it may come. False when it has to wait after all.
    #[inline]
    fn take(&mut self, lane: u32, force: bool) -> bool {
        let Some(head) = self.lanes[lane as usize].head else { return false };
        if let Some(rule) = rule(&head)
            && !self.follow(&head, rule, force)
        {
            self.park(lane, head.ticks, rule.need);
            return false;
        }
        self.ledger.push(&head, &mut self.slots);
        self.advance(lane);
        true
    }

    /// Changes the state of the rule's goroutine; false when it is not in the state that the rule needs. An event
    /// whose turn is past changes nothing.
    #[inline]
    fn follow(&mut self, head: &Head, rule: Rule, force: bool) -> bool {
        let Some(slot) = self.slots.get(rule.need.slot) else { return true };
        let is_past = rule.need.is_past(slot);
        if is_past || !rule.need.is_met(slot) {
            if !is_past && !force {
                return false;
            }
            self.forced.note(head);
            if is_past {
                return true;
            }
        }
        rule.apply(slot);
        if slot.parked > 0 {
            for need in Need::met_by(rule.need.slot, slot) {
                self.call(need);
            }
        }
        true
    }

    /// Reads the next event of a stream, and lets the stream stand in the frontier or wait.
    #[inline]
    fn advance(&mut self, lane: u32) {
        let at = &mut self.lanes[lane as usize];
        at.head = at.stream.next(self.wire, &mut self.slots);
        let Some(head) = at.head else { return };
        match rule(&head) {
            Some(rule) if !self.may_come(rule) => self.park(lane, head.ticks, rule.need),
            _ => self.frontier.push(head.ticks, lane),
        }
    }

    #[inline]
    fn may_come(&mut self, rule: Rule) -> bool {
        self.slots.get(rule.need.slot).is_none_or(|slot| rule.need.is_met(slot) || rule.need.is_past(slot))
    }

    fn park(&mut self, lane: u32, ticks: i64, need: Need) {
        self.lanes[lane as usize].need = Some(need);
        self.parked.entry(need).or_default().push(Reverse((ticks, lane)));
        if let Some(slot) = self.slots.get(need.slot) {
            slot.parked += 1;
        }
        self.n_parked += 1;
        if self.patience.is_some() {
            self.oldest.push(Reverse((ticks, lane)));
        }
    }

    fn unpark(&mut self, lane: u32) {
        let Some(need) = self.lanes[lane as usize].need.take() else { return };
        if let Some(slot) = self.slots.get(need.slot) {
            slot.parked -= 1;
        }
        self.n_parked -= 1;
    }

    /// Lets the earliest of the streams that wait for this state into the frontier.
    fn call(&mut self, need: Need) {
        let Some(queue) = self.parked.get_mut(&need) else { return };
        while let Some(Reverse((ticks, lane))) = queue.pop() {
            let at = &self.lanes[lane as usize];
            if at.need == Some(need) && at.head.is_some_and(|h| h.ticks == ticks) {
                if queue.is_empty() {
                    self.parked.remove(&need);
                }
                self.unpark(lane);
                self.frontier.push(ticks, lane);
                return;
            }
        }
        self.parked.remove(&need);
    }
}
