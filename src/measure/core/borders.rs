//! Which window a goroutine's time belongs to, and the events that begin and end windows.

use super::MeasureCore;
use crate::slice::RootKind;
use crate::slice::WindowIdx;
use crate::slice::spawn_chains::SpawnChainIdx;
use crate::trace::event::{Event, GoTransition};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::Time;

impl MeasureCore<'_> {
    /// Whether a window starts and ends with this goroutine's part in it; tasks have task boundaries instead.
    pub(in crate::measure) fn is_root_of(&self, g: GIdx, window: WindowIdx) -> bool {
        let windows = &self.spec.slice.windows;
        window.is_some() && windows.goroutine(window) == g && !windows.has_boundaries(window)
    }

    /// Whether a goroutine of a window was created in it.
    pub(in crate::measure) fn is_child_of(&self, g: GIdx, window: WindowIdx) -> bool {
        self.spec.slice.owner[g.at()].is_some() && self.spec.slice.windows.goroutine(window) != g
    }

    /// The window that a goroutine's time belongs to from now on, and its chain.
    pub(in crate::measure) fn window_and_chain(&mut self, g: GIdx) -> (WindowIdx, SpawnChainIdx) {
        let slice = self.spec.slice;
        let owner = slice.owner[g.at()];
        if owner.is_some() {
            return (self.none_if_over(owner), slice.chain[g.at()]);
        }
        if !self.is_tracked(g) {
            return (WindowIdx::NONE, SpawnChainIdx::FIRST);
        }
        let position = self.windows.position(g);
        let chain = if position.after_last_stack && position.open.is_some() {
            slice.windows.chain_after(position.open)
        } else {
            self.chain_of(position.open)
        };
        (self.none_if_over(position.open), chain)
    }

    /// A window; none for one that ended before the part that is measured: when it ended, and so where to clip, is not
    /// known there.
    fn none_if_over(&self, window: WindowIdx) -> WindowIdx {
        let over = window.is_some() && !self.spec.whole_life && self.windows.is_over(window);
        if over { WindowIdx::NONE } else { window }
    }

    /// The chain of a root's own goroutine; the first chain, that of goroutines outside the slice, for no window.
    pub(in crate::measure) fn chain_of(&self, window: WindowIdx) -> SpawnChainIdx {
        if window.is_some() { self.spec.slice.windows.chain(window) } else { SpawnChainIdx::FIRST }
    }

    /// Ends and begins a goroutine's memberships whose border this event is.
    #[inline]
    pub(in crate::measure) fn cross_borders(&mut self, g: GIdx, event: &Event) {
        if !self.spec.slice.owner[g.at()].is_some() {
            self.cross(g, (event.time, event.pos), event.stack);
        }
    }

    /// The same for a status, which can carry the goroutine's stack.
    pub(in crate::measure) fn cross_at_status(&mut self, event: &Event, t: &GoTransition) {
        if t.stack != StackIdx::EMPTY && !self.spec.slice.owner[t.g.at()].is_some() {
            self.cross(t.g, (event.time, event.pos), t.stack);
        }
    }

    /// Ends and begins a goroutine's memberships whose border is the event at this time and file position. `stack` is the
    /// own stack of the goroutine that executed the event.
    #[inline(never)]
    pub(in crate::measure) fn cross(&mut self, g: GIdx, (time, pos): (Time, u64), stack: StackIdx) {
        if !self.is_tracked(g) {
            return;
        }
        let before = self.windows.position(g);
        let crossed = self.windows.cross(g, pos, time);
        let Some(line) = self.line(g) else { return };
        if crossed.ended && before.open == self.lines[line].window() {
            if self.lines[line].since < time {
                self.close(line, time, stack, true);
            }
            self.set_window(line, WindowIdx::NONE);
            let chain = self.chain_of(WindowIdx::NONE);
            self.lines[line].set_chain(chain);
            self.lines[line].set_served_by(StringIdx::NONE);
        }
        if crossed.left_last_stack {
            self.close(line, time, stack, false);
            let chain = self.spec.slice.windows.chain_after(before.open);
            self.lines[line].set_chain(chain);
        }
        if crossed.started.is_some() {
            self.close(line, time, stack, false);
            let chain = self.chain_of(crossed.started);
            self.lines[line].set_chain(chain);
            let window = self.none_if_over(crossed.started);
            self.set_window(line, window);
            let serves = self.serves(crossed.started);
            self.lines[line].set_served_by(serves);
        }
    }

    /// The function that serves a request; none where the request's borders are inferred and not those of a server. A
    /// server calls it right at the request's start, so until its first own stack the goroutine runs this function.
    pub(in crate::measure) fn serves(&self, window: WindowIdx) -> StringIdx {
        let slice = self.spec.slice;
        let windows = &slice.windows;
        let is_served = window.is_some() && windows.by(window) == RootKind::Stack && windows.seen(window).is_none();
        if is_served { slice.chains.get(windows.chain(window)).label } else { StringIdx::NONE }
    }

    /// A goroutine ends, with this event: that of a root ends its window.
    pub(in crate::measure) fn end_life(&mut self, g: GIdx, window: WindowIdx, event: &Event) {
        if self.is_root_of(g, window) {
            self.windows.end(window, event.time);
        }
        if !self.spec.slice.task_boundaries.is_empty() {
            self.windows.cross_task_boundaries(event.pos, event.time);
        }
    }

    /// A task, a region or a log: a border also where it carries no stack, and a task boundary on any goroutine.
    #[inline]
    pub(in crate::measure) fn annotation(&mut self, event: &Event) {
        if !event.kind.is_annotation() {
            return;
        }
        if event.stack == StackIdx::EMPTY && event.g.is_some() {
            self.cross_borders(event.g, event);
        }
        if !self.spec.slice.task_boundaries.is_empty() {
            self.windows.cross_task_boundaries(event.pos, event.time);
        }
    }
}
