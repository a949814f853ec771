//! Requests that begin and end in a part of the trace are walked while the part is measured.
//!
//! So a walk goes over what was logged shortly before, threads walk side by side, and a part keeps little. What the part
//! does not know all of is left to the measurer of the whole, with the log that it needs:
//!
//! ```text
//!  part        │ A ├────┤       ├── C ──┤  ├─ D ─┤                 │
//!         ├─ B ┼─────────────┤    ×                          ├─ E ──┼─
//!              │             older goroutine first shows its stack  │
//!
//!  walked: A, D        left: B began before, E is not over, C may lead to what the older goroutine did before ×
//! ```
//!
//! 1. A request is *final* when its end is before all intervals whose stack is not known yet: open pieces of running time.
//! 2. At some moments the part learns of a goroutine that is older than it, or one that it does not measure ends a wait.
//!    A request that such a moment is inside of may lead there.
//! 3. Between the requests that are left, and those that are open, the log is condensed (`intervals/log`), unless a request
//!    is open that began before the part.
//!
//! Whoever walks them, requests get the same times: see [`parallel`](super::parallel).

use super::known_before::KnownBefore;
use super::requests::{EndedRequest, MeasuredTo, Paths};
use super::work_borders::{CLOCK_TOLERANCE, is_before};
use crate::measure::intervals::attribution::Attribution;
use crate::measure::intervals::log::{IntervalLog, joined};
use crate::measure::spec::MeasureSpec;
use crate::measure::windows::OpenWindow;
use crate::slice::WindowIdx;
use crate::trace::event::EventKind;
use crate::trace::time::{Time, Window};
use std::sync::Arc;

/// The requests of a part.
pub(crate) struct PartPaths {
    /// Those that are walked.
    pub(super) paths: Paths,
    /// Requests that are walked, or do not count.
    pub(super) ended: Vec<WindowIdx>,
    /// Spans of the requests that are left to the whole, joined at each walk.
    left: Vec<Window>,
    /// Moments at which something was not known of what was before them, in order.
    unknown_before: Vec<Time>,
    /// The first moment of which all is known, borders that another clock measured included.
    first: Time,
}

impl PartPaths {
    /// For parts of a trace.
    pub(crate) fn new(spec: MeasureSpec<'_>, known: Arc<KnownBefore>) -> Self {
        Self {
            paths: Paths::of_part(spec, known),
            ended: Vec::new(),
            left: Vec::new(),
            unknown_before: Vec::new(),
            first: Time::MAX,
        }
    }

    /// Forgets all: a part begins.
    pub(crate) fn begin(&mut self, spec: MeasureSpec<'_>) {
        self.paths.begin_part(spec);
        self.ended.clear();
        self.left.clear();
        self.unknown_before.clear();
        self.first = Time::MAX;
    }

    /// From `time` on, all is known of goroutines that the part measures.
    pub(crate) fn begin_at(&mut self, time: Time) {
        self.first = time + CLOCK_TOLERANCE;
    }

    /// A range of the whole program begins or ends.
    pub(crate) fn take_range(&mut self, kind: &EventKind, time: Time) {
        self.paths.ranges.take(kind, time, Time::MIN);
    }

    /// Length of the log at which a walk is worth it.
    pub(crate) fn due(&self) -> usize {
        self.paths.due
    }

    /// Something is not known of what a goroutine did before `time`, the latest so far.
    pub(crate) fn note_unknown_before(&mut self, time: Time) {
        if self.unknown_before.last().is_none_or(|last| *last < time) {
            self.unknown_before.push(time);
        }
    }

    /// Walks the paths of requests that are over and final: before `final_to` all is known of what is logged. Drops what no
    /// other request needs, unless `keeps_all`.
    pub(crate) fn walk(
        &mut self,
        to: MeasuredTo<'_>,
        (final_to, keeps_all): (Time, bool),
        log: &mut IntervalLog,
        attribution: &mut Attribution<'_>,
    ) {
        let (ended, cutoff) = self.take_final(to, final_to);
        self.paths.walk_all(ended, to, log, attribution);
        self.paths.recent.retain(|window| !is_before(&to.windows.get(*window), cutoff));
        self.unknown_before.retain(|time| *time >= cutoff);
        self.left = joined(std::mem::take(&mut self.left));
        if !keeps_all {
            let rest = Window { start: cutoff, end: Time::MAX };
            let needed: Vec<Window> = self.left.iter().copied().chain([rest]).collect();
            log.condense(&joined(needed));
        }
        self.paths.set_due(log, log.len_since(cutoff));
    }

    /// The requests to be walked, and from when on others need the log.
    fn take_final(&mut self, to: MeasuredTo<'_>, final_to: Time) -> (Vec<EndedRequest>, Time) {
        let mut ended = Vec::new();
        let mut oldest = to.now;
        self.paths.take_touched(to.windows);
        for window in std::mem::take(&mut self.paths.open) {
            let open = to.windows.get(window);
            let began_here = open.start != Time::MIN;
            // Of one that began before, the beginning tells; the log is kept till its end is known (`keeps_all`), and from then on
            // needed as that of others.
            let counts = began_here || to.windows.counts(window, self.paths.include_partial);
            // Borders that pass 1 knows from a thread's own clock must not stand in for one that is not reached yet.
            if open.end == Time::MAX || !is_before(&open, final_to) {
                let is_needed = counts && (began_here || open.end != Time::MAX);
                oldest = if is_needed { oldest.min(open.start) } else { oldest };
                self.paths.open.push(window);
            } else if began_here && is_elsewhere(to.spec, &open) {
                self.ended.push(window);
            } else if !began_here || open.start < self.first || !open.has_time || self.leads_to_unknown(&open) {
                if counts {
                    self.left.push(Window { start: open.start, end: open.end });
                }
            } else {
                self.ended.push(window);
                ended.extend(self.paths.end_request(to, window));
            }
        }
        (ended, oldest)
    }

    /// Whether the path of a request may lead to what is not known.
    fn leads_to_unknown(&self, open: &OpenWindow) -> bool {
        let next = self.unknown_before.partition_point(|time| *time < open.start);
        self.unknown_before.get(next).is_some_and(|time| *time <= open.end)
    }
}

/// Whether nothing of a request is in the part of the trace that is looked at, and nothing can come to it later.
fn is_elsewhere(spec: MeasureSpec<'_>, open: &OpenWindow) -> bool {
    !open.has_time && !spec.whole_life && spec.looked_at.overlap(open.start, open.end) == 0
}
