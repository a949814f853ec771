//! The usual events of a goroutine that is measured, in few instructions. HOT.
//!
//! Says nothing that `measurer.rs` and `partial.rs` do not say: what is not usual is left to them, with nothing
//! changed.

use super::measurer::Measurer;
use super::tape::Tape;
use super::timeline::{Attribution, Timeline};
use super::wakers::Cause;
use super::windows::Windows;
use crate::event::{GoState, GoTransition};
use crate::ids::StackIdx;
use crate::time::{Time, Window};

/// How a piece of an interval is closed.
#[derive(Clone, Copy)]
pub(super) struct Closing {
    /// Where the piece ends.
    pub(super) end: Time,
    /// The goroutine's stack there; empty when unknown.
    pub(super) next: StackIdx,
    /// Whether the interval ends with the piece.
    pub(super) ends: bool,
}

/// What closing needs besides the timeline.
pub(super) struct Counting<'m, 'a> {
    pub(super) windows: &'m mut Windows<'a>,
    pub(super) attribution: &'m mut Attribution<'a>,
    pub(super) tape: Option<&'m mut Tape>,
    pub(super) looked_at: Window,
}

impl Counting<'_, '_> {
    /// Adds up what is open of a timeline, if all of it counts in a window that was seen before and nothing is known of
    /// it but stacks.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what is closed stays in registers")]
    pub(super) fn close(self, line: &mut Timeline, Closing { end, next, ends }: Closing) -> bool {
        let Some(open) = self.windows.open(line.window) else { return false };
        let (since, looked_at) = (line.since, self.looked_at);
        let inside = since >= open.start && end <= open.end && since >= looked_at.start && end <= looked_at.end;
        if !inside || end <= since || !open.seen || line.sampled || line.serves.is_some() {
            return false;
        }
        line.since = end;
        // One that is later: the difference fits, also where its sign does not.
        let ns = end.0.wrapping_sub(since.0) as u64;
        let place = self.attribution.add(line, next, u64::from(!line.counted), ns);
        line.counted = !ends;
        if let Some(tape) = self.tape {
            tape.push(end, line.g, place);
        }
        open.ns = open.ns.saturating_add(ns);
        true
    }
}

impl<'a> Measurer<'a> {
    /// Takes a change of state of a goroutine that is measured, if whoever executed it is measured too or shows no stack.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the one inner loop; what an event says stays in registers")]
    pub(super) fn take_usual(&mut self, (time, pos): (Time, u64), cause: Cause, t: GoTransition) -> bool {
        if matches!(t.from, GoState::Undetermined | GoState::NotExist) || t.to == GoState::NotExist {
            return false;
        }
        let Some(at) = self.line(t.g) else { return false };
        let own = cause.by == t.g;
        if cause.stack != StackIdx::EMPTY {
            if !own {
                let Some(by) = self.line(cause.by) else { return false };
                self.glimpse_of(by, (time, pos), cause.stack);
            } else if t.from == GoState::Running && !self.lines[at].owned {
                self.cross(t.g, (time, pos), cause.stack);
            }
        }
        let (line, counting) = self.counting(at);
        let waited = line.key;
        if line.state != t.from || !counting.close(line, Closing { end: time, next: t.stack, ends: true }) {
            self.change(at, (time, pos), t, cause);
            return true;
        }
        line.enter(&t);
        let owned = line.owned;
        if t.from == GoState::Waiting && self.tape.is_some() {
            self.link_wake(at, waited, time, cause);
        }
        if t.to == GoState::Running && !owned {
            self.cross(t.g, (time, pos), cause.stack);
        }
        true
    }

    /// A timeline, and what closing it needs.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "part of the one inner loop")]
    pub(super) fn counting(&mut self, at: usize) -> (&mut Timeline, Counting<'_, 'a>) {
        let Self { lines, windows, attribution, tape, task, .. } = self;
        let counting = Counting { windows, attribution, tape: tape.as_deref_mut(), looked_at: task.looked_at };
        (&mut lines[at], counting)
    }
}
