//! The rules by which a generation, or a part of one, is measured by itself: what is counted here, and what is left over
//! for the measurer of the whole.
//!
//! It takes any event; nearly all transitions come by [`part_fast`](super::part_fast) and never get here.

use super::left_over::{LeftOver, LeftOverEvent};
use super::part_walks::{PartResources, PartWalks};
use crate::measure::core::{FastTimes, MeasureCore, collector_work};
use crate::measure::intervals::timeline::{CollectorWork, FirstState, Timeline};
use crate::measure::paths::in_part::PartPaths;
use crate::measure::paths::wakers::Cause;
use crate::measure::windows::Windows;
use crate::measure::windows::part_start::PartStart;
use crate::slice::WindowIdx;
use crate::trace::event::{Event, EventKind, GoState, GoTransition};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::Time;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Measures parts of a trace by themselves, one after the other.
pub(crate) struct PartMeasurer<'a> {
    pub(super) core: MeasureCore<'a>,
    /// Events before this moment are early: they are left over.
    independent_from: Time,
    left: LeftOver,
    /// When the fast path may be taken: from the first event that was measured on.
    pub(super) fast_times: FastTimes,
    /// Goroutines that work for the collector, with that work, and are not measured here yet.
    collecting: FxHashSet<(GIdx, CollectorWork)>,
    /// Goroutines in a system call that are not measured here yet.
    in_syscall: FxHashSet<GIdx>,
    /// Its requests, where they are walked here.
    walks: Option<PartWalks>,
}

/// A part that was measured by itself.
pub(crate) struct MeasuredPart<'a> {
    measurer: PartMeasurer<'a>,
    is_absorbed: bool,
}

impl<'a> PartMeasurer<'a> {
    /// Prepares to measure parts of a trace.
    pub(crate) fn new(PartResources { spec, memory, known }: &PartResources<'a>) -> Self {
        let spec = *spec;
        Self {
            walks: known.as_ref().map(|known| PartWalks::new(spec, Arc::clone(known))),
            core: MeasureCore::new(spec, memory),
            independent_from: Time::MIN,
            left: LeftOver::default(),
            fast_times: FastTimes::NEVER,
            collecting: FxHashSet::default(),
            in_syscall: FxHashSet::default(),
        }
    }

    /// Begins a part.
    pub(crate) fn begin(&mut self, start: PartStart) {
        self.core.take_lines();
        self.core.created_late.clear();
        self.core.unknown_before.clear();
        self.independent_from = start.independent_from;
        self.left = LeftOver::default();
        self.fast_times = FastTimes::NEVER;
        self.collecting.clear();
        self.in_syscall.clear();
        if let Some(before) = &start.inside {
            self.in_syscall.extend(before.in_syscall());
            let assisting = before.assisting().map(|g| (g, CollectorWork::MarkAssist));
            let all = assisting.chain(before.sweeping().map(|g| (g, CollectorWork::Sweep)));
            self.collecting.extend(all.filter(|(g, _)| self.core.wants(*g)));
        }
        self.core.windows.begin(start);
        if let Some(walks) = &mut self.walks {
            walks.begin(&mut self.core);
        }
    }

    /// Ends the part.
    pub(crate) fn end(self) -> MeasuredPart<'a> {
        MeasuredPart { measurer: self, is_absorbed: false }
    }

    /// Takes any event.
    #[inline(never)]
    pub(super) fn take(&mut self, event: &Event, index: u64) {
        self.take_unwalked(event, index);
        if let Some(walks) = self.walks.as_mut().filter(|walks| walks.look_at <= event.time) {
            walks.look(&mut self.core, event.time);
            self.set_fast_times();
        }
    }

    /// The fast path may be taken up to the end of the part looked at, or until it is time to look whether a walk is due.
    fn set_fast_times(&mut self) {
        let look_at = self.walks.as_ref().map_or(Time::MAX, |walks| walks.look_at);
        self.fast_times = FastTimes::new(self.independent_from, self.core.spec.looked_at.end.min(look_at));
    }

    fn take_unwalked(&mut self, event: &Event, index: u64) {
        if event.time < self.independent_from {
            self.leave_over(*event, index);
            self.left.n_early += 1;
            self.note_early(event);
            self.borders_only(event);
            return;
        }
        if self.left.first.is_none() {
            self.left.first = Some((event.time, index));
            if let Some(walks) = &mut self.walks {
                walks.begin_at(event.time);
            }
            self.set_fast_times();
        }
        match &event.kind {
            EventKind::Transition(t) => self.transition(event, t, index),
            EventKind::Sample => match self.core.line(event.g) {
                Some(_) => self.core.sample(event),
                None => self.leave_over_stack(event, index),
            },
            kind => {
                if event.stack != StackIdx::EMPTY {
                    self.see_own_stack(event, index);
                } else if kind.is_annotation() && self.core.line(event.g).is_none() {
                    self.leave_over_border(event, index);
                }
                self.core.annotation(event);
                self.range(event, kind, index);
            }
        }
    }

    fn transition(&mut self, event: &Event, t: &GoTransition, index: u64) {
        let own = event.g == t.g;
        if event.stack != StackIdx::EMPTY && !own {
            self.see_own_stack(event, index);
        }
        if !self.core.wants(t.g) {
            return;
        }
        let line = self.core.line(t.g);
        if line.is_none() && t.from != GoState::NotExist {
            self.leave_over_transition(event, t, index);
            return;
        }
        if own && event.stack != StackIdx::EMPTY && t.from == GoState::Running {
            self.core.cross_borders(event.g, event);
        }
        let ends = t.to == GoState::NotExist && !matches!(t.from, GoState::Undetermined | GoState::NotExist);
        if let Some(line) = line.filter(|_| ends) {
            self.left.ended.push((t.g, self.core.lines[line].carried));
        }
        self.core.transition(event, t, Cause { by: event.g, stack: event.stack });
    }

    /// Leaves over ranges of the whole program, and of goroutines that are not measured here.
    fn range(&mut self, event: &Event, kind: &EventKind, index: u64) {
        let of_goroutine = collector_work(kind).is_some();
        if of_goroutine && self.core.line(event.g).is_some() {
            self.core.range(event, kind);
            return;
        }
        self.note_collector_work(event.g, kind);
        let is_needed =
            if of_goroutine { self.core.wants(event.g) } else { kind.is_of_program() && self.core.log.is_some() };
        if is_needed {
            self.leave_over(Event { stack: StackIdx::EMPTY, ..*event }, index);
        }
        if let Some(walks) = self.walks.as_mut().filter(|_| kind.is_of_program()) {
            walks.paths.take_range(kind, event.time);
        }
    }

    /// Notes what an early event says of goroutines that are measured here later.
    fn note_early(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Transition(t) => self.note_state(t),
            kind => self.note_collector_work(event.g, kind),
        }
    }

    /// A goroutine that is not measured here yet begins or ends to work for the collector.
    fn note_collector_work(&mut self, g: GIdx, kind: &EventKind) {
        match collector_work(kind).filter(|_| self.core.wants(g)) {
            Some((work, true)) => self.collecting.insert((g, work)),
            Some((work, false)) => self.collecting.remove(&(g, work)),
            None => false,
        };
    }

    /// A goroutine that is not measured here yet changes its state.
    fn note_state(&mut self, t: &GoTransition) {
        if t.to == GoState::Syscall {
            self.in_syscall.insert(t.g);
        } else if !self.in_syscall.is_empty() {
            self.in_syscall.remove(&t.g);
        }
    }

    fn see_own_stack(&mut self, event: &Event, index: u64) {
        if self.core.line(event.g).is_some() {
            self.core.see_own_stack(event);
        } else {
            self.leave_over_stack(event, index);
        }
    }

    /// The first own stack of an older goroutine, which runs: from here on it is measured here.
    fn leave_over_stack(&mut self, event: &Event, index: u64) {
        if !self.core.wants(event.g) || self.core.has_ended(event.g) {
            return;
        }
        let kind = if matches!(event.kind, EventKind::Sample) { EventKind::Sample } else { EventKind::Other };
        self.leave_over(Event { kind, ..*event }, index);
        let (was_in, _) = self.core.window_and_chain(event.g);
        self.core.cross_borders(event.g, event);
        let runs = !self.in_syscall.contains(&event.g);
        // A sample alone does not do: the goroutine's own stack before it stays unknown.
        if runs && !matches!(kind, EventKind::Sample) {
            let line = self.measure_from_here(event.g, GoState::Running, event.time, event.stack);
            // The open interval counts already if the piece of it before has time inside the window.
            let window = self.core.lines[line].window();
            let before = window.is_some() && window == was_in && self.core.clip(window, event.g).start < event.time;
            self.core.lines[line].uncounted = !before;
            let serves = self.served_from(window, event.pos);
            self.core.lines[line].set_served_by(serves);
        }
    }

    /// An annotation without a stack, of an older goroutine: the measurer of the whole needs the border as well.
    fn leave_over_border(&mut self, event: &Event, index: u64) {
        if event.g.is_some() && self.core.is_tracked(event.g) && !self.core.has_ended(event.g) {
            self.leave_over(*event, index);
        }
    }

    /// The function that serves the request which begins at file position `pos`; none where none does.
    fn served_from(&self, window: WindowIdx, pos: u64) -> StringIdx {
        let windows = &self.core.spec.slice.windows;
        let begins = window.is_some() && windows.stretch(window).is_some_and(|(start, _)| start == Some(pos));
        if begins { self.core.serves(window) } else { StringIdx::NONE }
    }

    fn leave_over_transition(&mut self, event: &Event, t: &GoTransition, index: u64) {
        if self.core.has_ended(t.g) {
            return;
        }
        let own = event.g == t.g && event.stack != StackIdx::EMPTY;
        let g = if own { event.g } else { GIdx::NONE };
        let stack = if own { event.stack } else { StackIdx::EMPTY };
        let cause = Cause { by: event.g, stack: event.stack };
        self.leave_over_caused(Event { g, stack, ..*event }, index, cause);
        if own || t.to == GoState::Running && t.from != GoState::Undetermined {
            self.core.cross_borders(t.g, event);
        } else if t.from == GoState::Undetermined {
            self.core.cross_at_status(event, t);
        }
        if t.to == GoState::NotExist {
            let owner = self.core.spec.slice.owner[t.g.at()];
            self.core.end_life(t.g, owner, event);
            self.core.cross_borders(t.g, event);
        } else if own {
            let line = self.measure_from_here(t.g, t.from, event.time, event.stack);
            self.core.lines[line].enter(t);
        } else {
            self.note_state(t);
        }
    }

    fn leave_over(&mut self, event: Event, index: u64) {
        self.leave_over_caused(event, index, Cause { by: event.g, stack: event.stack });
    }

    fn leave_over_caused(&mut self, event: Event, index: u64, cause: Cause) {
        self.left.events.push(LeftOverEvent { event, index, cause });
    }

    /// An older goroutine is measured here from now on.
    fn measure_from_here(&mut self, g: GIdx, state: GoState, time: Time, own: StackIdx) -> usize {
        let (window, chain) = self.core.window_and_chain(g);
        let mut line = Timeline::new(g, (window, chain), FirstState { state, since: time, stack: own });
        line.carried = true;
        for work in [CollectorWork::MarkAssist, CollectorWork::Sweep] {
            line.set_collector_work(work, self.collecting.contains(&(g, work)));
        }
        self.core.note_unknown_before(time);
        self.core.add_line(line)
    }

    /// Notes which windows an event starts and ends. The time between is the measurer of the whole's.
    fn borders_only(&mut self, event: &Event) {
        if event.stack != StackIdx::EMPTY && self.core.is_tracked(event.g) {
            self.core.cross_borders(event.g, event);
        }
        let EventKind::Transition(t) = &event.kind else { return self.core.annotation(event) };
        if self.core.is_tracked(t.g) {
            let owner = self.core.spec.slice.owner[t.g.at()];
            if t.from == GoState::NotExist && t.to != GoState::NotExist && self.core.is_root_of(t.g, owner) {
                self.core.windows.begins_early(owner);
            }
            if t.to == GoState::Running && t.from != GoState::Undetermined {
                self.core.cross_borders(t.g, event);
            } else if t.from == GoState::Undetermined {
                self.core.cross_at_status(event, t);
            }
            if t.to == GoState::NotExist {
                self.core.end_life(t.g, owner, event);
                self.core.cross_borders(t.g, event);
            }
        }
    }
}

impl<'a> MeasuredPart<'a> {
    /// What is left over, and what was measured; none when the part was measured for another time than `last`, the time
    /// of the last event before it, or for other windows than there are.
    pub(super) fn take_if_it_fits(
        &mut self,
        last: Time,
        windows: &mut Windows<'_>,
    ) -> Option<(LeftOver, &mut MeasureCore<'a>, Option<&mut PartPaths>)> {
        let PartMeasurer { core, left, walks, .. } = &mut self.measurer;
        let too_early = left.first.is_some_and(|(time, index)| time < last + index as i64);
        if self.is_absorbed || too_early || !windows.agrees_with(&core.windows) {
            return None;
        }
        self.is_absorbed = true;
        Some((std::mem::take(left), core, walks.as_mut().map(|walks| &mut walks.paths)))
    }

    /// The measurer, empty again, for another part.
    #[must_use]
    pub(crate) fn into_measurer(self) -> PartMeasurer<'a> {
        let Self { mut measurer, is_absorbed } = self;
        if !is_absorbed {
            let PartMeasurer { core, left, .. } = &mut measurer;
            core.attribution.clear();
            core.outlived.fill(0);
            if let Some(log) = &mut core.log {
                log.clear();
            }
            for (g, _) in left.ended.drain(..) {
                core.ended[g.at() / 64] = 0;
            }
        }
        measurer
    }
}
