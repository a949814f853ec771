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
use super::lanes::Lanes;
use super::ledger::Ledger;
use super::rules::{Need, Rule, rule};
use super::slots::Slots;
use super::stream::{File, Head, Stream};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Waiting streams by the time of their next event, then by proc.
type Queue = BinaryHeap<Reverse<(i64, u32)>>;

/// Events that had to come before what they waited for.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Forced {
    pub(crate) events: u64,
    /// Position and ticks of the first.
    pub(crate) first: Option<(u64, i64)>,
    /// The latest of their ticks.
    pub(crate) last: i64,
}

impl Forced {
    #[cold]
    fn note(&mut self, head: Head) {
        self.events += 1;
        let (_, first) = *self.first.get_or_insert((head.pos, head.ticks));
        self.last = self.last.max(head.ticks).max(first);
    }
}

/// What came of a merge.
pub(crate) struct Merged {
    pub(crate) ledger: Ledger,
    pub(crate) forced: Forced,
}

/// Merges the lanes, and puts what their order tells into their cells. `patience`: how many ticks an event may wait
/// for an earlier one; `None`: for ever, and then there is no result if an event waits in vain.
pub(crate) fn merge(file: File<'_>, lanes: &mut Lanes, patience: Option<i64>) -> Option<Merged> {
    let n = lanes.len();
    let tips = (0..n)
        .map(|lane| Tip { stream: Stream::new(lanes, lane), head: Head::NONE, ended: false, need: None })
        .collect();
    let mut merger = Merger {
        file,
        lanes,
        slots: Slots::new(),
        tips,
        frontier: Frontier::default(),
        parked: FxHashMap::default(),
        oldest: Queue::new(),
        patience,
        n_parked: 0,
        ledger: Ledger::for_lanes(n),
        forced: Forced::default(),
    };
    merger.begin();
    merger.run().then_some(Merged { ledger: merger.ledger, forced: merger.forced })
}

/// Where the merge stands in a lane.
struct Tip {
    stream: Stream,
    head: Head,
    /// Whether there is no head any more.
    ended: bool,
    /// What the head waits for; none when it is in the frontier.
    need: Option<Need>,
}

struct Merger<'a> {
    file: File<'a>,
    lanes: &'a mut Lanes,
    slots: Slots,
    tips: Vec<Tip>,
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
        let mut waiting: Vec<u32> = (0..self.tips.len() as u32).collect();
        let mut at = 0;
        while let Some(&lane) = waiting.get(at) {
            self.advance(lane);
            let is_waiting = self.tips[lane as usize].need.is_some();
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
                self.force(lane);
            } else if let Some(lane) = self.frontier.pop() {
                self.take_run(lane);
            } else {
                return self.n_parked == 0;
            }
        }
    }

    /// Takes events from a stream for as long as they are the earliest that may come.
    fn take_run(&mut self, lane: u32) {
        let at = lane as usize;
        if self.tips[at].ended {
            return;
        }
        let mut n = 0;
        loop {
            let head = self.tips[at].head;
            if let Some(need) = self.must_wait(&head, false) {
                self.park(lane, head.ticks, need);
                break;
            }
            self.ledger.push(lane, &head, &mut self.slots, &mut self.lanes.cells);
            n += 1;
            let tip = &mut self.tips[at];
            if !tip.stream.next(self.file, self.lanes, &mut self.slots, &mut tip.head) {
                tip.ended = true;
                break;
            }
            let ticks = tip.head.ticks;
            // As if it stood in the frontier and was taken from there.
            if self.patience.is_none() && self.frontier.yields_to(ticks) {
                continue;
            }
            self.stand(lane);
            if self.patience.is_some() || self.frontier.peek().is_none_or(|(_, next)| next != lane) {
                break;
            }
            self.frontier.pop();
        }
        self.ledger.add_run(lane, n);
    }

    /// The stream that waited too long.
    fn overdue(&mut self) -> Option<u32> {
        let patience = self.patience?;
        while let Some(&Reverse((ticks, lane))) = self.oldest.peek() {
            let at = &self.tips[lane as usize];
            if at.need.is_none() || at.ended || at.head.ticks != ticks {
                self.oldest.pop();
                continue;
            }
            let is_overdue = self.frontier.peek().is_none_or(|(next, _)| ticks.saturating_add(patience) < next);
            return is_overdue.then_some(lane);
        }
        None
    }

    /// Takes the next event of a stream, although it ought to wait.
    #[cold]
    fn force(&mut self, lane: u32) {
        if self.tips[lane as usize].ended {
            return;
        }
        let head = self.tips[lane as usize].head;
        self.must_wait(&head, true);
        self.ledger.push(lane, &head, &mut self.slots, &mut self.lanes.cells);
        self.ledger.add_run(lane, 1);
        self.advance(lane);
    }

    /// What an event has to wait for after all; with none, its goroutine is in the state behind it.
    #[inline(always)]
    fn must_wait(&mut self, head: &Head, force: bool) -> Option<Need> {
        let rule = rule(head)?;
        if self.follow(head, rule, force) { None } else { Some(rule.need) }
    }

    /// Changes the state of the rule's goroutine; false when it is not in the state that the rule needs. An event
    /// whose turn is past changes nothing.
    #[inline(always)]
    fn follow(&mut self, head: &Head, rule: Rule, force: bool) -> bool {
        let Some(slot) = self.slots.get(rule.need.slot) else { return true };
        let is_past = rule.need.is_past(slot);
        if is_past || !rule.need.is_met(slot) {
            if !is_past && !force {
                return false;
            }
            self.forced.note(*head);
            if is_past {
                return true;
            }
        }
        rule.apply(slot);
        if slot.parked > 0 {
            let needs = Need::met_by(rule.need.slot, slot);
            self.call_all(needs);
        }
        true
    }

    #[inline(never)]
    fn call_all(&mut self, needs: [Need; 2]) {
        for need in needs {
            self.call(need);
        }
    }

    /// Reads the next event of a stream, and lets the stream stand in the frontier or wait.
    #[inline(never)]
    fn advance(&mut self, lane: u32) {
        let tip = &mut self.tips[lane as usize];
        tip.ended = !tip.stream.next(self.file, self.lanes, &mut self.slots, &mut tip.head);
        if !tip.ended {
            self.stand(lane);
        }
    }

    /// Lets a stream stand in the frontier, or wait.
    #[inline]
    fn stand(&mut self, lane: u32) {
        let head = self.tips[lane as usize].head;
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
        self.tips[lane as usize].need = Some(need);
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
        let Some(need) = self.tips[lane as usize].need.take() else { return };
        if let Some(slot) = self.slots.get(need.slot) {
            slot.parked -= 1;
        }
        self.n_parked -= 1;
    }

    /// Lets the earliest of the streams that wait for this state into the frontier.
    fn call(&mut self, need: Need) {
        let Some(queue) = self.parked.get_mut(&need) else { return };
        while let Some(Reverse((ticks, lane))) = queue.pop() {
            let at = &self.tips[lane as usize];
            if at.need == Some(need) && !at.ended && at.head.ticks == ticks {
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
