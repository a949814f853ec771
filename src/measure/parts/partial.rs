//! One generation measured by itself, and taken into the whole.
//!
//! What a generation alone cannot know: the time of the last event before it (its first events may have to wait
//! 1 ns after each other for it), and of a goroutine that is older than it, the open interval and the last own
//! stack. So two kinds of events are *left over* for the measurer of the whole: all events up to the moment
//! where the generation before is certainly over, and those of each older goroutine up to its first own stack.

use super::part_start::PartStart;
use crate::measure::intervals::aggregate::Aggregate;
use crate::measure::intervals::log::IntervalLogMemory;
use crate::measure::intervals::timeline::Timeline;
use crate::measure::measurer::{MeasureSpec, Measurer};
use crate::measure::measurer_fast::UsualTimes;
use crate::measure::paths::wakers::Cause;
use crate::slice::WindowIdx;
use crate::trace::event::{Event, EventKind, GoState, GoTransition, Range, Sink as _};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::Time;
use rustc_hash::FxHashSet;

/// The state of a measurer in partial mode.
#[derive(Default)]
pub(crate) struct Partial {
    /// Events before this moment are left over.
    settled: Time,
    /// Events left over, each with its number in the generation.
    left_over: Vec<(Event, u64, Cause)>,
    /// How many of these stand before the settled moment.
    unsettled: usize,
    /// Goroutines that ended, and whether each is older than the generation.
    pub(crate) ended: Vec<(GIdx, bool)>,
    /// Time and number of the first event that was measured.
    first: Option<(Time, u64)>,
    /// Goroutines that help the collector to mark, and are not measured here yet.
    assisting: FxHashSet<GIdx>,
    /// Goroutines in a system call that are not measured here yet.
    in_syscall: FxHashSet<GIdx>,
    /// Goroutines created when their window was over.
    created_late: Vec<GIdx>,
}

/// What was measured of one generation.
pub struct GenerationMeasured<'a> {
    measurer: Measurer<'a>,
}

impl<'a> Measurer<'a> {
    /// Prepares to measure generations by themselves, one after the other, with the whole trace's memory.
    pub fn partial(task: MeasureSpec<'a>, memory: &IntervalLogMemory) -> Self {
        let mut measurer = Self::blank(task, memory);
        measurer.partial = Some(Partial::default());
        measurer
    }

    /// Begins a generation, or a part of one.
    pub fn begin_partial(&mut self, beginning: PartStart) {
        self.take_lines();
        let mut partial = Partial { settled: beginning.settled, ..Partial::default() };
        if let Some(past) = &beginning.inside {
            partial.in_syscall.extend(past.in_syscall());
            partial.assisting.extend(past.assisting().filter(|g| self.wants(*g)));
        }
        self.windows.begin(beginning);
        self.partial = Some(partial);
        self.usual = UsualTimes::NEVER;
    }

    /// Ends it.
    pub fn end_partial(self) -> GenerationMeasured<'a> {
        GenerationMeasured { measurer: self }
    }

    /// Takes an event of a generation that is measured by itself.
    #[inline]
    pub(crate) fn take_partial(&mut self, event: &Event, index: u64) {
        let Some(partial) = &mut self.partial else { return };
        if event.time < partial.settled {
            partial.left_over.push((*event, index, Cause { by: event.g, stack: event.stack }));
            partial.unsettled += 1;
            self.note_unsettled(event);
            self.borders_only(event);
            return;
        }
        if partial.first.is_none() {
            partial.first = Some((event.time, index));
            self.usual = UsualTimes::new(partial.settled, self.task.looked_at.end);
        }
        match &event.kind {
            EventKind::Transition(t) => {
                let own = event.g == t.g;
                if event.stack != StackIdx::EMPTY && !own {
                    self.glimpse_partial(event, index);
                }
                if !self.wants(t.g) {
                    return;
                }
                if self.line(t.g).is_some() || t.from == GoState::NotExist {
                    if own && event.stack != StackIdx::EMPTY && t.from == GoState::Running {
                        self.cross_borders(event.g, event);
                    }
                    self.transition(event, t, Cause { by: event.g, stack: event.stack });
                } else {
                    self.leave_over_transition(event, t, index);
                }
            }
            EventKind::Sample => match self.line(event.g) {
                Some(_) => self.sample(event),
                None => self.leave_over_stack(event, index),
            },
            kind => {
                if event.stack != StackIdx::EMPTY {
                    self.glimpse_partial(event, index);
                } else if kind.is_annotation() && self.line(event.g).is_none() {
                    self.leave_over_border(event, index);
                }
                self.annotation(event);
                self.range_partial(event, kind, index);
            }
        }
    }

    /// Ranges of the whole program, and of goroutines that are not measured here, are the whole's.
    fn range_partial(&mut self, event: &Event, kind: &EventKind, index: u64) {
        let of_goroutine = is_assist(kind);
        let is_range = matches!(kind, EventKind::RangeBegin(_) | EventKind::RangeActive(_) | EventKind::RangeEnd(_));
        if of_goroutine && self.line(event.g).is_some() {
            self.range(event, kind);
            return;
        }
        if of_goroutine {
            self.note_assist(event.g, kind);
        }
        if is_range && (of_goroutine && self.wants(event.g) || self.tape.is_some()) {
            self.leave_over(Event { stack: StackIdx::EMPTY, ..*event }, index);
        }
    }

    /// What an event before the settled moment tells of goroutines that are measured here later.
    fn note_unsettled(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Transition(t) => self.note_state(t),
            kind if is_assist(kind) => self.note_assist(event.g, kind),
            _ => {}
        }
    }

    /// A goroutine that is not measured here yet begins or ends to help the collector.
    fn note_assist(&mut self, g: GIdx, kind: &EventKind) {
        if self.wants(g)
            && let Some(partial) = &mut self.partial
        {
            match kind {
                EventKind::RangeEnd(_) => partial.assisting.remove(&g),
                _ => partial.assisting.insert(g),
            };
        }
    }

    /// A goroutine that is not measured here yet changes its state.
    fn note_state(&mut self, t: &GoTransition) {
        if let Some(partial) = &mut self.partial {
            if t.to == GoState::Syscall {
                partial.in_syscall.insert(t.g);
            } else if !partial.in_syscall.is_empty() {
                partial.in_syscall.remove(&t.g);
            }
        }
    }

    fn glimpse_partial(&mut self, event: &Event, index: u64) {
        if self.line(event.g).is_some() {
            self.glimpse(event);
        } else {
            self.leave_over_stack(event, index);
        }
    }

    /// The first own stack of an older goroutine, which runs: from here on it is measured here.
    fn leave_over_stack(&mut self, event: &Event, index: u64) {
        if !self.wants(event.g) || self.has_ended(event.g) {
            return;
        }
        let kind = if matches!(event.kind, EventKind::Sample) { EventKind::Sample } else { EventKind::Other };
        self.leave_over(Event { kind, ..*event }, index);
        let (was_in, _) = self.where_counted(event.g);
        self.cross_borders(event.g, event);
        let runs = !self.partial.as_ref().is_some_and(|partial| partial.in_syscall.contains(&event.g));
        // A sample says what ran, not that the goroutine's own record of itself is at hand.
        if runs && !matches!(kind, EventKind::Sample) {
            let line = self.adopt(event.g, GoState::Running, event.time, event.stack);
            // The piece before it was counted if it has time inside the window.
            let window = self.lines[line].window();
            let before = window.is_some() && window == was_in && self.clip(window, event.g).start < event.time;
            self.lines[line].fresh = !before;
            let serves = self.begins_to_serve(window, event.pos);
            self.lines[line].serve(serves);
        }
    }

    /// An annotation without a stack of an older goroutine: its border is the whole's as well.
    fn leave_over_border(&mut self, event: &Event, index: u64) {
        if event.g.is_some() && self.is_tracked(event.g) && !self.has_ended(event.g) {
            self.leave_over(*event, index);
        }
    }

    /// The function that serves the request which begins at this place; none where none does.
    fn begins_to_serve(&self, window: WindowIdx, pos: u64) -> StringIdx {
        let root = self.task.slice.windows.get(window.at());
        let begins = root.and_then(|root| root.stretch).is_some_and(|(start, _)| start == Some(pos));
        if begins { self.serves(window) } else { StringIdx::NONE }
    }

    fn leave_over_transition(&mut self, event: &Event, t: &GoTransition, index: u64) {
        if self.has_ended(t.g) {
            return;
        }
        let own = event.g == t.g && event.stack != StackIdx::EMPTY;
        let g = if own { event.g } else { GIdx::NONE };
        let stack = if own { event.stack } else { StackIdx::EMPTY };
        let cause = Cause { by: event.g, stack: event.stack };
        self.leave_over_caused(Event { g, stack, ..*event }, index, cause);
        if own || t.to == GoState::Running && t.from != GoState::Undetermined {
            self.cross_borders(t.g, event);
        }
        if t.to == GoState::NotExist {
            let owner = self.task.slice.owner[t.g.at()];
            self.end_life(t.g, owner, event.time);
            self.cross_borders(t.g, event);
        } else if own {
            let line = self.adopt(t.g, t.from, event.time, event.stack);
            self.lines[line].enter(t);
        } else {
            self.note_state(t);
        }
    }

    fn leave_over(&mut self, event: Event, index: u64) {
        self.leave_over_caused(event, index, Cause { by: event.g, stack: event.stack });
    }

    fn leave_over_caused(&mut self, event: Event, index: u64, cause: Cause) {
        if let Some(partial) = &mut self.partial {
            partial.left_over.push((event, index, cause));
        }
    }

    /// An older goroutine is measured here from now on.
    fn adopt(&mut self, g: GIdx, state: GoState, time: Time, own: StackIdx) -> usize {
        let (window, context) = self.where_counted(g);
        let mut line = Timeline::new(g, window, context, state, time, own);
        line.carried = true;
        line.assist(self.partial.as_ref().is_some_and(|partial| partial.assisting.contains(&g)));
        self.add_line(line)
    }

    /// Notes which windows start and end; what they cut is measured elsewhere.
    fn borders_only(&mut self, event: &Event) {
        let tracked = &self.task.slice.tracked;
        let is_tracked = |g: GIdx| tracked.get(g.at()).copied().unwrap_or(false);
        if event.stack != StackIdx::EMPTY && is_tracked(event.g) {
            self.cross_borders(event.g, event);
        }
        let EventKind::Transition(t) = &event.kind else { return self.annotation(event) };
        if is_tracked(t.g) {
            if t.to == GoState::Running && t.from != GoState::Undetermined {
                self.cross_borders(t.g, event);
            }
            if t.to == GoState::NotExist {
                let owner = self.task.slice.owner[t.g.at()];
                self.end_life(t.g, owner, event.time);
                self.cross_borders(t.g, event);
            }
        }
    }

    /// A goroutine was created when its window was over, which ended before this part. Whether it outlived that depends
    /// on when it was.
    pub(crate) fn created_late(&mut self, g: GIdx) {
        if let Some(partial) = &mut self.partial {
            partial.created_late.push(g);
        }
    }

    /// Takes a generation, the next in order, into the whole. `last` is the time of the last event before it.
    /// Gives it back unused, as false, when that is later than the generation was measured for, or the file told
    /// something about windows that events before it did not show.
    pub fn absorb(&mut self, generation: &mut GenerationMeasured<'a>, last: Time, start: Time) -> bool {
        let theirs = &mut generation.measurer;
        let Some(partial) = theirs.partial.take() else { return false };
        let too_early = partial.first.is_some_and(|(time, index)| time < last + index as i64);
        if too_early || !self.windows.is_as_told(&theirs.windows) {
            theirs.partial = Some(partial);
            return false;
        }
        for (g, _) in &partial.ended {
            theirs.ended[g.at() / 64] = 0;
        }
        self.begin_generation(start);
        let (unsettled, settled) = partial.left_over.split_at(partial.unsettled);
        for (event, index, cause) in unsettled {
            self.take_caused(&Event { time: event.time.max(last + *index as i64), ..*event }, *cause);
        }
        self.windows.absorb(&theirs.windows);
        for (event, _, cause) in settled {
            self.take_caused(event, *cause);
        }
        self.windows.absorb_places(&theirs.windows);
        for g in partial.created_late {
            // As those that were created before the window's end: one that is cut is outlived by nobody.
            if self.windows.get(self.task.slice.owner[g.at()]).end < self.task.looked_at.end {
                self.outlived[g.at() / 64] |= 1 << (g.0 % 64);
            }
        }
        for (g, older) in partial.ended {
            self.ended[g.at() / 64] |= 1 << (g.0 % 64);
            if older {
                self.drop_line(g);
            }
        }
        for mut line in theirs.take_lines() {
            line.carried = false;
            self.attribution.take_samples(line.g);
            if line.is_sampled() {
                for stack in theirs.attribution.take_samples(line.g) {
                    self.attribution.sample(&mut line, stack);
                }
            }
            match self.line(line.g) {
                Some(at) => self.lines[at] = line,
                None => {
                    self.add_line(line);
                }
            }
        }
        let aggregate: &mut Aggregate = &mut theirs.attribution.aggregate;
        let sums = self.attribution.aggregate.absorb(aggregate);
        if let (Some(ours), Some(tape)) = (&mut self.tape, &mut theirs.tape) {
            ours.absorb(tape, sums);
        }
        for (ours, theirs) in self.outlived.iter_mut().zip(&mut theirs.outlived) {
            *ours |= std::mem::take(theirs);
        }
        true
    }
}

impl<'a> GenerationMeasured<'a> {
    /// The measurer, empty again, for another generation: after [`Measurer::absorb`], whatever that gave, or without.
    #[must_use]
    pub fn into_measurer(self) -> Measurer<'a> {
        let Self { mut measurer } = self;
        if let Some(unused) = measurer.partial.take() {
            measurer.attribution.clear();
            measurer.outlived.fill(0);
            if let Some(tape) = &mut measurer.tape {
                tape.clear();
            }
            for (g, _) in unused.ended {
                measurer.ended[g.at() / 64] = 0;
            }
        }
        measurer
    }
}

/// Whether a goroutine begins or ends to help the collector.
fn is_assist(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::RangeBegin(Range::GcMarkAssist)
            | EventKind::RangeActive(Range::GcMarkAssist)
            | EventKind::RangeEnd(Range::GcMarkAssist)
    )
}
