//! Where tasks begin and end: events that may be on any goroutine.

use super::WindowIdx;

/// What an event means for a window.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TaskBoundary {
    /// It starts.
    Start,
    /// The goroutine that will end it works in it from here on.
    HandedOver,
    /// It ends.
    End,
}

/// Marks by the place of their event in the file.
#[derive(Clone, Default, Debug)]
pub struct TaskBoundaries {
    list: Vec<(u64, TaskBoundary, WindowIdx)>,
}

impl TaskBoundaries {
    /// Adds one, if it has a place.
    pub(super) fn add(&mut self, pos: Option<u64>, window: WindowIdx, mark: TaskBoundary) {
        self.list.extend(pos.map(|pos| (pos, mark, window)));
    }

    /// Puts them in order, for [`TaskBoundaries::at`].
    pub(super) fn sort(&mut self) {
        self.list.sort_unstable();
    }

    /// Leaves those of some windows.
    pub(super) fn keep(&mut self, is_kept: impl Fn(WindowIdx) -> bool) {
        self.list.retain(|(_, _, window)| is_kept(*window));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What the event at a place means.
    pub fn at(&self, pos: u64) -> &[(u64, TaskBoundary, WindowIdx)] {
        let first = self.list.partition_point(|(at, ..)| *at < pos);
        let n = self.list[first..].iter().take_while(|(at, ..)| *at == pos).count();
        &self.list[first..first + n]
    }
}
