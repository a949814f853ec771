//! What a measurer does for critical paths, beside adding intervals up: keeps the tape, notes who woke whom, and when
//! the collector was at work.

use super::measurer::{Measurer, NONE};
use super::states::StateKey;
use super::tape::{Link, Tape};
use super::wakers::Cause;
use crate::event::{Event, EventKind, GoState, Range};
use crate::time::Time;

impl Measurer<'_> {
    /// A generation, or a part of a trace that has none, ends: walks the paths of requests that are over.
    pub fn end_generation(&mut self, now: Time) {
        self.settle_tape(&mut Tape::default(), &[]);
        let (Some(tape), Some(paths)) = (&mut self.tape, &mut self.paths) else { return };
        if !paths.is_due(tape) {
            return;
        }
        for line in self.lines.iter().filter(|l| l.state != GoState::NotExist) {
            tape.set_place(line.piece, self.attribution.provisional(line));
        }
        paths.walk(now, self.task, &self.windows, tape, &mut self.attribution);
        for line in self.lines.iter_mut().filter(|l| l.state != GoState::NotExist) {
            line.piece = tape.last[line.g.at()];
        }
    }

    /// Puts what was written on the tape, and on another one, in order.
    pub(super) fn settle_tape(&mut self, other: &mut Tape, places: &[u32]) {
        let Some(tape) = &mut self.tape else { return };
        let first = tape.settle(other, places);
        for i in first..tape.pieces.len() {
            let g = tape.pieces[i].g;
            if tape.last[g.at()] == i as u32
                && let Some(&at) = self.track.get(g.at()).filter(|at| **at != NONE)
            {
                self.lines[at as usize].piece = i as u32;
            }
        }
    }

    /// Notes on the tape who ended a wait.
    pub(super) fn link_wake(&mut self, line: usize, waited: StateKey, time: Time, cause: Cause) {
        let Some(tape) = &mut self.tape else { return };
        let line = &self.lines[line];
        // A piece that does not start here would be taken for what comes after the wait.
        if cause.by.is_some() && cause.by != line.g && tape.starts_at(line.piece, time) {
            let kind = self.wakers.kind(waited, cause, self.task.forest, self.task.symbols);
            tape.set_link(line.piece, Link { by: cause.by, stack: cause.stack, kind });
        }
    }

    /// A range begins or ends: of the whole program, or of the collector's on one goroutine.
    #[inline]
    pub(super) fn range(&mut self, event: &Event, kind: &EventKind) {
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
        if self.lines[line].assists != assists {
            if self.lines[line].state == GoState::Running {
                let own = self.lines[line].own;
                self.close(line, event.time, own, false);
            }
            self.lines[line].assists = assists;
        }
    }
}
