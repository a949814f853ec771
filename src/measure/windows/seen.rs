//! What is certain, and what is likely, of windows with inferred borders.

use super::Windows;
use super::older_calls::OlderCalls;
use super::open_window::OpenWindow;
use crate::slice::WindowIdx;
use crate::survey::SeenPart;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::{Time, Window};

impl Windows<'_> {
    /// A wait of a goroutine in an open window ended; `by` is the stack that ended it.
    #[inline]
    pub(in crate::measure) fn woken(&mut self, (g, window): (GIdx, WindowIdx), time: Time, by: StackIdx) {
        if self.has_older_calls && window.is_some() && by != StackIdx::EMPTY {
            self.woken_in_older_call((g, window), time, by);
        }
    }

    #[inline(never)]
    fn woken_in_older_call(&mut self, (g, window): (GIdx, WindowIdx), time: Time, by: StackIdx) {
        let windows = &self.slice.windows;
        let Some(seen) =
            windows.seen(window).filter(|_| windows.goroutine(window) == g && OlderCalls::is_one(self.slice, window))
        else {
            return;
        };
        if !self.position(g).after_last_stack {
            let seen_start = self.get(window).seen_start;
            let is_seen = seen_start != Time::MIN && seen_start <= time
                || seen.start.is_none_or(|start| self.part_start.is_before(start));
            self.older_calls.woken(window, (time, by), is_seen);
        }
    }

    /// How much of a span a window with inferred borders certainly lasted, in ns.
    pub(in crate::measure) fn seen_ns(&self, window: WindowIdx, span: Window) -> u64 {
        let mut open = self.get(window);
        let seen = self.slice.windows.seen(window);
        if seen.is_some_and(|seen| seen.start.is_none()) {
            open.seen_start = span.start;
        }
        open.seen_ns(span)
    }

    /// How much of a span it likely lasted, in ns, where the goroutine likely waited in the call when the trace began.
    pub(in crate::measure) fn likely_ns(&self, window: WindowIdx, span: Window) -> Option<u64> {
        let open = self.get(window);
        let likely = self.older_calls.likely_waited_in(window) && open.seen_start != Time::MIN;
        likely.then(|| OpenWindow { seen_start: span.start, ..open }.seen_ns(span))
    }

    /// Notes the borders of what is certain of an open window; says whether its last matching stack holds no more. Several
    /// events can be at one position: in old traces, one record can end a wait and say what comes then. The first counts.
    pub(super) fn cross_seen(&mut self, window: WindowIdx, seen: SeenPart, (pos, time): (u64, Time)) -> bool {
        let (begins, ends) = (seen.start == Some(pos), seen.end == Some(pos));
        if !begins && !ends {
            return false;
        }
        if !self.keeps_seen {
            return ends;
        }
        self.edit(window, |open| {
            if begins && open.seen_start == Time::MIN {
                open.seen_start = time;
            }
            if ends && open.seen_end == Time::MAX {
                open.seen_end = time;
            }
        });
        ends
    }
}
