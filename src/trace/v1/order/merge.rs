//! Merges the lanes of Go 1.7 - 1.21 into one causal order by the runtime's sequence numbers.
//!
//! ```text
//! lane 0  ──> head ──┐   required state is there    ┌──────────┐ earliest
//! lane 1  ──> head ──┼────────────────────────────> │ frontier │ ────────> apply its rule, append it to the order
//! lane 2  ──> head ──┤                              └──────────┘                 │
//!                    └──> parked: queues by required state  <── wake one stream ─┘
//! ```
//!
//! 1. Read the first event of each lane, its head.
//! 2. A head whose goroutine is in the required state (`rules.rs`), or that requires none, goes to the frontier; any
//!    other is parked in the queue of the state that it requires.
//! 3. Take the earliest head out of the frontier. If its goroutine has left the required state by now, park it.
//! 4. Otherwise apply its rule, append it to the order, and let the earliest stream that is parked for the
//!    goroutine's new state into the frontier. Read the lane's next head; go on with 2.
//! 5. The merge is complete when the frontier and the queues are empty.
//!
//! Each change of state wakes at most one stream of a queue, so the work is O(n log n) for any input.
//! Source: `parseEventBatches` in `src/internal/trace/internal/tracev1/parser.go` of Go 1.27.
//!
//! Where events are missing, the queues do not become empty. The merge then starts again with *patience*: a head that
//! waited longer than the clocks of the cores may differ is forced into the order.

use super::builder::OrderBuilder;
use super::frontier::Frontier;
use super::lanes::Lanes;
use super::rules::{Requirement, Rule, rule};
use super::slots::Slots;
use super::stream::{Head, Stream, TraceBytes};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Parked streams, earliest first: ticks of their next event, and lane.
type Queue = BinaryHeap<Reverse<(i64, u32)>>;

/// The events that were put into the order without the state that they require.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ForcedEvents {
    pub(crate) events: u64,
    /// Offset and ticks of the first; none if there are none.
    pub(crate) first: Option<(u64, i64)>,
    /// The largest of their ticks.
    pub(crate) last: i64,
}

impl ForcedEvents {
    #[cold]
    fn note(&mut self, head: Head) {
        self.events += 1;
        let (_, first) = *self.first.get_or_insert((head.pos, head.ticks));
        self.last = self.last.max(head.ticks).max(first);
    }
}

/// A complete merge.
pub(crate) struct MergeResult {
    pub(crate) builder: OrderBuilder,
    pub(crate) forced: ForcedEvents,
}

/// Merges the lanes, and writes into their cells what follows from the order. `patience`: how many ticks an event may
/// wait for an earlier one. With `None` it may wait for ever, and there is no result if one does.
pub(crate) fn merge(file: TraceBytes<'_>, lanes: &mut Lanes, patience: Option<i64>) -> Option<MergeResult> {
    let n = lanes.len();
    let lane_states = (0..n)
        .map(|lane| MergeLane { stream: Stream::new(lanes, lane), head: Head::NONE, ended: false, requirement: None })
        .collect();
    let mut merger = Merger {
        file,
        lanes,
        slots: Slots::new(),
        lane_states,
        frontier: Frontier::default(),
        parked: FxHashMap::default(),
        oldest_parked: Queue::new(),
        patience,
        n_parked: 0,
        builder: OrderBuilder::for_lanes(n),
        forced: ForcedEvents::default(),
    };
    merger.read_first_events();
    merger.run().then_some(MergeResult { builder: merger.builder, forced: merger.forced })
}

/// A lane during the merge.
struct MergeLane {
    stream: Stream,
    head: Head,
    /// Whether the lane has no more events, so that `head` is not one.
    ended: bool,
    /// What the head waits for; none when it is not parked.
    requirement: Option<Requirement>,
}

struct Merger<'a> {
    file: TraceBytes<'a>,
    lanes: &'a mut Lanes,
    slots: Slots,
    lane_states: Vec<MergeLane>,
    /// Lanes whose head may come next.
    frontier: Frontier,
    /// Lanes whose head waits, by what it requires. Lanes that no longer wait can still be in a queue; they are skipped.
    parked: FxHashMap<Requirement, Queue>,
    /// The parked lanes once more, in one queue, when patience is limited.
    oldest_parked: Queue,
    patience: Option<i64>,
    n_parked: u32,
    builder: OrderBuilder,
    forced: ForcedEvents,
}

impl Merger<'_> {
    /// Reads the first event of every lane in the order in which Go's reader does: it removes a lane that is ready from
    /// its list by putting the last one in its place.
    fn read_first_events(&mut self) {
        let mut waiting: Vec<u32> = (0..self.lane_states.len() as u32).collect();
        let mut at = 0;
        while let Some(&lane) = waiting.get(at) {
            self.advance(lane);
            let is_waiting = self.lane_states[lane as usize].requirement.is_some();
            if is_waiting {
                at += 1;
            } else {
                waiting.swap_remove(at);
            }
        }
    }

    /// Merges everything; false when events still wait at the end.
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

    /// Takes events from a lane as long as they are the earliest that may come.
    fn take_run(&mut self, lane: u32) {
        let at = lane as usize;
        if self.lane_states[at].ended {
            return;
        }
        let mut n = 0;
        loop {
            let head = self.lane_states[at].head;
            if let Some(requirement) = self.must_wait(&head, false) {
                self.park(lane, head.ticks, requirement);
                break;
            }
            self.builder.push(lane, &head, &mut self.slots, &mut self.lanes.cells);
            n += 1;
            let state = &mut self.lane_states[at];
            if !state.stream.next(self.file, self.lanes, &mut self.slots, &mut state.head) {
                state.ended = true;
                break;
            }
            let ticks = state.head.ticks;
            // Equal to a push and a pop; see `can_bypass`.
            if self.patience.is_none() && self.frontier.can_bypass(ticks) {
                continue;
            }
            self.enqueue(lane);
            if self.patience.is_some() || self.frontier.peek().is_none_or(|(_, next)| next != lane) {
                break;
            }
            self.frontier.pop();
        }
        self.builder.add_run(lane, n);
    }

    /// A lane whose head has waited longer than patience allows, if there is one.
    fn overdue(&mut self) -> Option<u32> {
        let patience = self.patience?;
        while let Some(&Reverse((ticks, lane))) = self.oldest_parked.peek() {
            let at = &self.lane_states[lane as usize];
            if at.requirement.is_none() || at.ended || at.head.ticks != ticks {
                self.oldest_parked.pop();
                continue;
            }
            let is_overdue = self.frontier.peek().is_none_or(|(next, _)| ticks.saturating_add(patience) < next);
            return is_overdue.then_some(lane);
        }
        None
    }

    /// Takes the head of a lane without the state that it requires.
    #[cold]
    fn force(&mut self, lane: u32) {
        if self.lane_states[lane as usize].ended {
            return;
        }
        let head = self.lane_states[lane as usize].head;
        self.must_wait(&head, true);
        self.builder.push(lane, &head, &mut self.slots, &mut self.lanes.cells);
        self.builder.add_run(lane, 1);
        self.advance(lane);
    }

    /// What an event still has to wait for. If nothing, its rule has been applied. With `force` it never waits.
    #[inline(always)]
    fn must_wait(&mut self, head: &Head, force: bool) -> Option<Requirement> {
        let rule = rule(head)?;
        if self.apply_rule(head, rule, force) { None } else { Some(rule.requirement) }
    }

    /// Changes the state of the rule's goroutine; false when it is not in the state that the rule requires. An event
    /// whose required state cannot come any more changes nothing.
    #[inline(always)]
    fn apply_rule(&mut self, head: &Head, rule: Rule, force: bool) -> bool {
        let Some(slot) = self.slots.get(rule.requirement.slot) else { return true };
        let is_unreachable = rule.requirement.is_unreachable(slot);
        if is_unreachable || !rule.requirement.is_met(slot) {
            if !is_unreachable && !force {
                return false;
            }
            self.forced.note(*head);
            if is_unreachable {
                return true;
            }
        }
        rule.apply(slot);
        if slot.parked > 0 {
            let requirements = Requirement::met_by(rule.requirement.slot, slot);
            self.wake_all(requirements);
        }
        true
    }

    #[inline(never)]
    fn wake_all(&mut self, requirements: [Requirement; 2]) {
        for requirement in requirements {
            self.wake(requirement);
        }
    }

    /// Reads the next event of a lane, and puts the lane into the frontier or parks it.
    #[inline(never)]
    fn advance(&mut self, lane: u32) {
        let state = &mut self.lane_states[lane as usize];
        state.ended = !state.stream.next(self.file, self.lanes, &mut self.slots, &mut state.head);
        if !state.ended {
            self.enqueue(lane);
        }
    }

    /// Puts a lane into the frontier, or parks it.
    #[inline]
    fn enqueue(&mut self, lane: u32) {
        let head = self.lane_states[lane as usize].head;
        match rule(&head) {
            Some(rule) if !self.is_ready(rule) => self.park(lane, head.ticks, rule.requirement),
            _ => self.frontier.push(head.ticks, lane),
        }
    }

    #[inline]
    fn is_ready(&mut self, rule: Rule) -> bool {
        self.slots
            .get(rule.requirement.slot)
            .is_none_or(|slot| rule.requirement.is_met(slot) || rule.requirement.is_unreachable(slot))
    }

    fn park(&mut self, lane: u32, ticks: i64, requirement: Requirement) {
        self.lane_states[lane as usize].requirement = Some(requirement);
        self.parked.entry(requirement).or_default().push(Reverse((ticks, lane)));
        if let Some(slot) = self.slots.get(requirement.slot) {
            slot.parked += 1;
        }
        self.n_parked += 1;
        if self.patience.is_some() {
            self.oldest_parked.push(Reverse((ticks, lane)));
        }
    }

    fn unpark(&mut self, lane: u32) {
        let Some(requirement) = self.lane_states[lane as usize].requirement.take() else { return };
        if let Some(slot) = self.slots.get(requirement.slot) {
            slot.parked -= 1;
        }
        self.n_parked -= 1;
    }

    /// Moves the earliest of the lanes that wait for this state to the frontier.
    fn wake(&mut self, requirement: Requirement) {
        let Some(queue) = self.parked.get_mut(&requirement) else { return };
        while let Some(Reverse((ticks, lane))) = queue.pop() {
            let at = &self.lane_states[lane as usize];
            if at.requirement == Some(requirement) && !at.ended && at.head.ticks == ticks {
                if queue.is_empty() {
                    self.parked.remove(&requirement);
                }
                self.unpark(lane);
                self.frontier.push(ticks, lane);
                return;
            }
        }
        self.parked.remove(&requirement);
    }
}
