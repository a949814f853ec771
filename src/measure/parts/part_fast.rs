//! How events get to a [`PartMeasurer`]: a transition of a goroutine that is measured already takes the fast path, every
//! other event the rules of [`part`](super::part).
//!
//! Called for every event that is not skipped; the fast path takes nearly all of them. Whoever orders looks the
//! timeline of a goroutine up before it knows whether the event is wanted, and hands its position on.
//! `pipeline/v2/tests.rs` compares parts with the general rules on real traces; `benches/pipeline.rs` measures pass 2.

use super::part::PartMeasurer;
use crate::measure::core::NONE;
use crate::measure::paths::wakers::Cause;
use crate::trace::event::{Event, EventKind, GoState, GoTransition};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::sink::Sink;
use crate::trace::time::Time;

impl PartMeasurer<'_> {
    /// Takes an event: on the fast path if it is a transition of a goroutine whose timeline is at `line`, [`NONE`] for
    /// none, at a time when that path may be taken. `PATHS` says whether there may be an interval log.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    fn take_at<const PATHS: bool>(&mut self, line: u32, event: &Event, index: u64) {
        let Event { time, pos, g, stack, kind } = *event;
        let EventKind::Transition(t) = kind else { return self.take(event, index) };
        let by = Cause { by: g, stack };
        let is_fast = line != NONE && self.fast_times.has(time);
        if !is_fast || !self.core.change_state_fast::<PATHS>(line as usize, (time, pos), by, t) {
            let GoTransition { g, from, to, reason, stack } = t;
            self.take_transition((time, pos), by, (g, from, to), (reason, stack), index);
        }
    }

    /// Takes any transition. It comes in pieces that fit into registers, so that the event of the fast path has no
    /// address.
    #[inline(never)]
    fn take_transition(
        &mut self,
        (time, pos): (Time, u64),
        by: Cause,
        (g, from, to): (GIdx, GoState, GoState),
        (reason, stack): (StringIdx, StackIdx),
        index: u64,
    ) {
        let kind = EventKind::Transition(GoTransition { g, from, to, reason, stack });
        self.take(&Event { time, pos, g: by.by, stack: by.stack, kind }, index);
    }
}

impl Sink for PartMeasurer<'_> {
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.core.wants(g)
    }

    #[inline(always)]
    fn event(&mut self, event: &Event, index: u64) {
        let line = if let EventKind::Transition(t) = &event.kind { self.core.line_of.get(t.g.at()) } else { None };
        let line = line.copied().unwrap_or(NONE);
        self.take_at::<true>(line, event, index);
    }

    /// The position of the timeline of `g`. A goroutine that has one is wanted.
    #[inline]
    fn look_up(&self, g: GIdx, by: GIdx) -> Option<u32> {
        let line = self.core.line_of.get(g.at()).copied().unwrap_or(NONE);
        (line != NONE || self.wants(g) || by != g && self.wants(by)).then_some(line)
    }

    #[inline(always)]
    fn looked_up(&mut self, line: u32, event: &Event, index: u64) {
        self.take_at::<true>(line, event, index);
    }
}

/// A measurer of a part that has no interval log: the loop compiled for it keeps nothing that only a log would need.
pub(crate) struct WithoutPaths<'m, 'a>(&'m mut PartMeasurer<'a>);

impl<'m, 'a> WithoutPaths<'m, 'a> {
    /// None where there is an interval log, which must not miss anything.
    pub(crate) fn of(measurer: &'m mut PartMeasurer<'a>) -> Option<Self> {
        measurer.core.log.is_none().then_some(Self(measurer))
    }
}

impl Sink for WithoutPaths<'_, '_> {
    #[inline]
    fn wants(&self, g: GIdx) -> bool {
        self.0.wants(g)
    }

    #[inline(always)]
    fn event(&mut self, event: &Event, index: u64) {
        self.0.event(event, index);
    }

    #[inline]
    fn look_up(&self, g: GIdx, by: GIdx) -> Option<u32> {
        self.0.look_up(g, by)
    }

    #[inline(always)]
    fn looked_up(&mut self, line: u32, event: &Event, index: u64) {
        self.0.take_at::<false>(line, event, index);
    }
}
