//! What comes of trying an event, and the steps that goroutines take in it.

use super::waiting::Wait;
use crate::trace::event::GoState;
use crate::trace::ids::GIdx;

/// What came of trying an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It happened.
    Advanced,
    /// It cannot be next before this changes.
    Blocked(Wait),
    /// It contradicts what is known; it is dropped.
    Broken(&'static str),
}

/// What a goroutine's event means, told to the frontier while an event advances.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The goroutine that executes, before the event.
    pub context: GIdx,
    /// The goroutine that changes.
    pub g: GIdx,
    /// Its state before, as the event has it.
    pub from: GoState,
    /// Its state after.
    pub to: GoState,
}

/// Steps that one event takes: three for a coroutine switch.
#[derive(Clone, Debug)]
pub struct Steps {
    list: [Step; 3],
    len: usize,
    /// Events that Go's reader adds before the first step, which only take time.
    pub extra: u32,
}

impl Default for Steps {
    fn default() -> Self {
        let none = Step { context: GIdx::NONE, g: GIdx::NONE, from: GoState::Undetermined, to: GoState::Undetermined };
        Self { list: [none; 3], len: 0, extra: 0 }
    }
}

impl Steps {
    pub(crate) fn push(&mut self, context: GIdx, g: GIdx, from: GoState, to: GoState) {
        if let Some(slot) = self.list.get_mut(self.len) {
            *slot = Step { context, g, from, to };
            self.len += 1;
        }
    }

    /// Forgets all steps.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
        self.extra = 0;
    }

    /// The steps, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Step> + '_ {
        self.list[..self.len].iter().copied()
    }
}
