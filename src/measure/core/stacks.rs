//! What the stacks of events tell: where a goroutine is while it runs, and what a CPU sample found.

use super::MeasureCore;
use crate::measure::intervals::states::is_parking;
use crate::measure::intervals::timeline::Timeline;
use crate::trace::event::{Event, GoState};
use crate::trace::ids::StackIdx;
use crate::trace::sample_stacks::is_outside_goroutines;
use crate::trace::time::Time;

impl MeasureCore<'_> {
    /// The goroutine that executes an event shows its own stack: the running time up to here lies between two known stacks.
    #[inline]
    pub(in crate::measure) fn see_own_stack(&mut self, event: &Event) {
        if let Some(line) = self.line(event.g) {
            self.see_own_stack_at(line, (event.time, event.pos), event.stack);
        }
    }

    /// The same for a goroutine whose timeline is at `at`.
    pub(super) fn see_own_stack_at(&mut self, at: usize, (time, pos): (Time, u64), stack: StackIdx) {
        if self.lines[at].state == GoState::Running {
            self.close(at, time, stack, false);
        }
        self.set_own_stack(at, (time, pos), stack);
    }

    /// A goroutine shows a stack of its own.
    pub(in crate::measure) fn set_own_stack(&mut self, at: usize, (time, pos): (Time, u64), stack: StackIdx) {
        let line = &mut self.lines[at];
        line.own = stack;
        let Timeline { g, owned, .. } = *line;
        if !owned {
            self.cross(g, (time, pos), stack);
        }
    }

    pub(in crate::measure) fn sample(&mut self, event: &Event) {
        let Some(line) = self.line(event.g) else { return };
        self.cross_borders(event.g, event);
        if self.lines[line].state != GoState::Running {
            return;
        }
        if self.log.is_some() {
            self.attribution.cpu.note_sample(event.time, self.lines[line].window());
        }
        if self.shows_goroutine(event.stack) {
            self.attribution.sample(&mut self.lines[line], event.stack);
        }
    }

    /// Whether the stack of a CPU sample has the goroutine's own frames. One of the runtime's own stacks, or of the vDSO,
    /// says nothing of where the goroutine was.
    fn shows_goroutine(&self, stack: StackIdx) -> bool {
        let symbols = self.spec.symbols;
        let outermost = symbols.leaf(symbols.root_frame(stack)).map(|frame| symbols.function(frame));
        outermost.is_some_and(|function| !is_outside_goroutines(function))
    }

    /// A stack recorded by another thread, without the frames that only park the goroutine.
    pub(super) fn without_parking_frames(&self, stack: StackIdx) -> StackIdx {
        let symbols = self.spec.symbols;
        let mut at = stack;
        while symbols.leaf(at).is_some_and(|leaf| is_parking(symbols.function(leaf))) {
            at = symbols.parent(at);
        }
        if at == StackIdx::EMPTY { stack } else { at }
    }
}
