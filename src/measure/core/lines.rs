//! The timelines of goroutines that are alive, and what is asked of all of them.

use super::{MeasureCore, NONE};
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::states::StateKey;
use crate::measure::intervals::timeline::Timeline;
use crate::slice::WindowIdx;
use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;

impl MeasureCore<'_> {
    /// Removes all timelines; returns those of goroutines that are alive.
    pub(in crate::measure) fn take_lines(&mut self) -> Vec<Timeline> {
        self.free.clear();
        let mut lines = std::mem::take(&mut self.lines);
        lines.retain(|line| line.state != GoState::NotExist);
        for line in &lines {
            self.line_of[line.g.at()] = NONE;
        }
        lines
    }

    #[inline]
    pub(in crate::measure) fn line(&self, g: GIdx) -> Option<usize> {
        let at = *self.line_of.get(g.at())?;
        (at != NONE).then_some(at as usize)
    }

    pub(in crate::measure) fn add_line(&mut self, mut line: Timeline) -> usize {
        let g = line.g;
        line.owned = self.spec.slice.owner[g.at()].is_some();
        let at = if let Some(at) = self.free.pop() {
            self.lines[at as usize] = line;
            at
        } else {
            self.lines.push(line);
            self.lines.len() as u32 - 1
        };
        self.line_of[g.at()] = at;
        at as usize
    }

    /// Adds what waits in a timeline to the sum of its window.
    pub(in crate::measure) fn add_window_ns(&mut self, line: usize) {
        let ns = self.lines[line].take_window_ns();
        if ns > 0 {
            self.windows.add(self.lines[line].window(), ns);
        }
    }

    /// The time of a timeline belongs to a window, or to none, from now on.
    pub(in crate::measure) fn set_window(&mut self, line: usize, window: WindowIdx) {
        self.add_window_ns(line);
        self.lines[line].set_window(window);
    }

    pub(in crate::measure) fn drop_line(&mut self, g: GIdx) {
        if let Some(at) = self.line(g) {
            self.lines[at].state = GoState::NotExist;
            self.set_window(at, WindowIdx::NONE);
            self.line_of[g.at()] = NONE;
            self.free.push(at as u32);
        }
    }

    /// The goroutines that are alive, each with the sum that its open interval would be added to as far as is known now.
    pub(in crate::measure) fn open_sums(&mut self) -> Vec<(GIdx, SumIdx)> {
        if self.log.is_none() {
            return Vec::new();
        }
        let open = self.lines.iter().filter(|line| line.state != GoState::NotExist);
        open.map(|line| (line.g, self.attribution.provisional(line))).collect()
    }

    /// The time before which the stacks of all intervals are known that are logged; `now` if that is all time.
    pub(in crate::measure) fn final_to(&self, now: Time) -> Time {
        let lives = |line: &&Timeline| line.state != GoState::NotExist;
        let runs = |line: &&Timeline| line.state == GoState::Running || line.key == StateKey::RUNNING;
        self.lines.iter().filter(lives).filter(runs).map(|line| line.since).fold(now, Time::min)
    }

    /// Whether a window that began before the part is open, and matters.
    pub(in crate::measure) fn has_older_windows(&mut self) -> bool {
        self.windows.has_older(self.spec.include_partial)
    }
}
