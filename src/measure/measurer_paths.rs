//! What a measurer does for critical paths beside adding intervals up: it logs intervals and who woke whom, notes when
//! the collector worked, and has paths walked.

use super::measurer::Measurer;
use super::paths::requests::MeasuredTo;
use super::paths::wakers::Cause;
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::Link;
use crate::measure::intervals::states::StateKey;
use crate::trace::event::{Event, EventKind, GoState, Range};
use crate::trace::ids::GIdx;
use crate::trace::time::Time;

impl Measurer<'_> {
    /// Walks the paths of requests that are over, if the log has grown enough; `now` is the time of the last event. Up to
    /// `threads` threads walk; 1 for this one alone.
    #[inline]
    pub fn walk_if_due(&mut self, now: Time, threads: usize) {
        if self.paths.as_ref().zip(self.tape.as_ref()).is_some_and(|(paths, log)| paths.is_due(log)) {
            self.walk(now, threads);
        }
    }

    fn walk(&mut self, now: Time, threads: usize) {
        let open = self.open_sums();
        let (Some(log), Some(paths)) = (&mut self.tape, &mut self.paths) else { return };
        let to = MeasuredTo { now, spec: self.task, windows: &self.windows, open: &open, threads };
        paths.walk(to, log, &mut self.attribution);
    }

    /// The goroutines that exist, each with what the interval is counted in that it is in, as far as that is known now.
    pub(crate) fn open_sums(&mut self) -> Vec<(GIdx, SumIdx)> {
        if self.tape.is_none() {
            return Vec::new();
        }
        let open = self.lines.iter().filter(|line| line.state != GoState::NotExist);
        open.map(|line| (line.g, self.attribution.provisional(line))).collect()
    }

    /// Logs who ended a wait.
    // Inlined: once for every wait, and the call cost as much.
    #[inline(always)]
    pub(crate) fn link_wake(&mut self, line: usize, waited: StateKey, time: Time, cause: Cause) {
        let Some(log) = &mut self.tape else { return };
        let line = &self.lines[line];
        if cause.by.is_some() && cause.by != line.g {
            let kind = self.wakers.kind(waited, cause, self.task.forest, self.task.symbols);
            log.link(time, line.g, Link { by: cause.by, stack: cause.stack, kind });
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
