//! What a measurer does for critical paths, beside adding intervals up: keeps the tape, notes who woke whom, and when
//! the collector was at work.

use super::interval_log::Link;
use super::parallel::Crew;
use super::requests::PathsAt;
use super::wakers::Cause;
use crate::measure::intervals::states::StateKey;
use crate::measure::measurer::Measurer;
use crate::trace::event::{Event, EventKind, GoState, Range};
use crate::trace::ids::GIdx;
use crate::trace::time::Time;

impl Measurer<'_> {
    /// Walks the paths of requests that are over, when enough was written; `now` is the time of the last event.
    #[inline]
    pub fn walk_if_due(&mut self, now: Time, crew: Crew<'_>) {
        if self.paths.as_ref().zip(self.tape.as_ref()).is_some_and(|(paths, tape)| paths.is_due(tape)) {
            self.walk(now, crew);
        }
    }

    fn walk(&mut self, now: Time, crew: Crew<'_>) {
        let open = self.open_places();
        let (Some(tape), Some(paths)) = (&mut self.tape, &mut self.paths) else { return };
        let walk = PathsAt { now, task: self.task, windows: &self.windows, open: &open, crew };
        paths.walk(walk, tape, &mut self.attribution);
    }

    /// The goroutines that exist, each with the place of what it does, as far as that can be told now.
    pub(crate) fn open_places(&mut self) -> Vec<(GIdx, u32)> {
        if self.tape.is_none() {
            return Vec::new();
        }
        let open = self.lines.iter().filter(|line| line.state != GoState::NotExist);
        open.map(|line| (line.g, self.attribution.provisional(line))).collect()
    }

    /// Notes on the tape who ended a wait.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every wait; the call cost as much")]
    pub(crate) fn link_wake(&mut self, line: usize, waited: StateKey, time: Time, cause: Cause) {
        let Some(tape) = &mut self.tape else { return };
        let line = &self.lines[line];
        if cause.by.is_some() && cause.by != line.g {
            let kind = self.wakers.kind(waited, cause, self.task.forest, self.task.symbols);
            tape.link(time, line.g, Link { by: cause.by, stack: cause.stack, kind });
        }
    }

    /// A range begins or ends: of the whole program, or of the collector's on one goroutine.
    #[inline]
    pub(crate) fn range(&mut self, event: &Event, kind: &EventKind) {
        match kind {
            EventKind::RangeBegin(Range::GcMarkAssist) | EventKind::RangeActive(Range::GcMarkAssist) => {
                self.assists(event, true);
            }
            EventKind::RangeEnd(Range::GcMarkAssist) => self.assists(event, false),
            EventKind::RangeBegin(_) | EventKind::RangeActive(_) | EventKind::RangeEnd(_) => {
                if let Some(paths) = &mut self.paths {
                    paths.ranges.take(kind, event.time, self.older_since);
                }
            }
            _ => {}
        }
    }

    /// A goroutine begins or ends to help the collector, in the function that allocates.
    fn assists(&mut self, event: &Event, assists: bool) {
        let Some(line) = self.line(event.g) else { return };
        if self.lines[line].does_assist() != assists {
            if self.lines[line].state == GoState::Running {
                let own = self.lines[line].own;
                self.close(line, event.time, own, false);
            }
            self.lines[line].assist(assists);
        }
    }
}
