//! What trying an event results in, and the changes of goroutines' states that it makes.

use super::waiting::Wait;
use crate::trace::event::{GoState, Range};
use crate::trace::ids::GIdx;

/// What trying an event resulted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AdvanceResult {
    /// It happened.
    Advanced,
    /// It cannot happen before this wait ends. Nothing has changed.
    Blocked(Wait),
    /// It breaks this rule. It happened as far as that is possible.
    Broken(&'static str),
}

/// One goroutine's change of state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GoStep {
    /// The goroutine that executed when it happened; [`GIdx::NONE`] for none.
    pub by: GIdx,
    /// The goroutine that changes.
    pub g: GIdx,
    /// Its state before, as the event implies.
    pub from: GoState,
    /// Its state after.
    pub to: GoState,
}

/// The steps of one event: three for a coroutine switch, one for most events that make any.
#[derive(Clone, Debug)]
pub(crate) struct GoSteps {
    list: [GoStep; 3],
    len: usize,
    /// Events that Go's reader adds before the first step. They are not emitted, but each takes its nanosecond.
    pub extra: u32,
    /// A goroutine's range of time that was open when the generation began, as the event says.
    pub(crate) active: Option<(GIdx, Range)>,
}

impl Default for GoSteps {
    fn default() -> Self {
        let none = GoStep { by: GIdx::NONE, g: GIdx::NONE, from: GoState::Undetermined, to: GoState::Undetermined };
        Self { list: [none; 3], len: 0, extra: 0, active: None }
    }
}

impl GoSteps {
    pub(crate) fn push(&mut self, by: GIdx, g: GIdx, from: GoState, to: GoState) {
        if let Some(slot) = self.list.get_mut(self.len) {
            *slot = GoStep { by, g, from, to };
            self.len += 1;
        }
    }

    /// Removes all steps.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.extra = 0;
        self.active = None;
    }

    /// The steps, in order.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = GoStep> + '_ {
        self.list[..self.len].iter().copied()
    }
}

/// An event of the fast path: the one step that it makes, and its arguments that an `Event` needs, as ids of the wire.
pub(crate) struct WireStep {
    pub(crate) step: GoStep,
    /// The stack of the goroutine that executed; `None` if events of its kind have none.
    pub(crate) stack: Option<u64>,
    /// The string that says why the goroutine stopped; `None` if events of its kind have none.
    pub(crate) reason: Option<u64>,
}
