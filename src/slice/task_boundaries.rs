//! Where user tasks begin and end. A goroutine's own windows are ended by its own events; a task's may be begun and
//! ended by events on any goroutine, so these events are listed by their position in the file.

use super::window::WindowIdx;

/// What an event means for the window of a task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum TaskBoundary {
    /// It starts.
    Start,
    /// From here on the goroutine that will end it works in it.
    HandedOver,
    /// It ends.
    End,
}

/// Task boundaries by the position of their event in the file.
#[derive(Clone, Default, Debug)]
pub(crate) struct TaskBoundaries {
    list: Vec<(u64, TaskBoundary, WindowIdx)>,
}

impl TaskBoundaries {
    /// Adds one, if its event is in the trace.
    pub(super) fn add(&mut self, pos: Option<u64>, window: WindowIdx, boundary: TaskBoundary) {
        self.list.extend(pos.map(|pos| (pos, boundary, window)));
    }

    /// Puts them in order, for [`TaskBoundaries::at`].
    pub(super) fn sort(&mut self) {
        self.list.sort_unstable();
    }

    /// Keeps those of some windows.
    pub(super) fn keep(&mut self, is_kept: impl Fn(WindowIdx) -> bool) {
        self.list.retain(|(_, _, window)| is_kept(*window));
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The boundaries at this position; empty for most events. There may be several: an
    /// event that hands a task over may also end it.
    pub(crate) fn at(&self, pos: u64) -> &[(u64, TaskBoundary, WindowIdx)] {
        let first = self.list.partition_point(|(at, ..)| *at < pos);
        let n = self.list[first..].iter().take_while(|(at, ..)| *at == pos).count();
        &self.list[first..first + n]
    }
}
