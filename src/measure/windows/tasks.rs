//! Windows of user tasks, which begin and end on any goroutine.

use super::Windows;
use super::open_window::BLANK;
use crate::slice::{TaskBoundary, WindowIdx};
use crate::trace::time::{Time, Window};

impl Windows<'_> {
    /// Starts and ends the tasks that an annotation at `pos` begins and ends.
    pub(in crate::measure) fn cross_task_boundaries(&mut self, pos: u64, time: Time) {
        let slice = self.slice;
        let since = self.list.looked_at().start;
        for &(_, boundary, window) in slice.task_boundaries.at(pos) {
            let is_older = slice.windows.stretch(window).is_some_and(|(start, _)| start.is_none());
            self.edit(window, |open| match boundary {
                TaskBoundary::Start => open.start = time,
                TaskBoundary::HandedOver => open.handed_over = time,
                TaskBoundary::End => open.end = time,
            });
            // A region that is older than the trace is known by its end alone.
            if is_older {
                self.edit(window, |open| (open.start, open.cut_start) = (since, true));
            }
        }
    }

    /// Whether a window has time inside the part looked at. A task has such time even while all its goroutines work for
    /// other tasks.
    pub(in crate::measure) fn is_inside(&self, window: WindowIdx, looked_at: Window) -> bool {
        let open = self.get(window);
        let has_boundaries = self.slice.windows.has_boundaries(window);
        open.has_time || has_boundaries && open.start != Time::MIN && looked_at.overlap(open.start, open.end) > 0
    }

    /// The trace ends: tasks that are still open are cut.
    pub(in crate::measure) fn cut_tasks(&mut self) {
        let slice = self.slice;
        for window in slice.windows.all().filter(|window| slice.windows.has_boundaries(*window)) {
            if self.get(window) != BLANK && self.get(window).end == Time::MAX {
                self.cut_end(window);
            }
        }
    }
}
