//! Calls that were under way when the trace began, on goroutines that waited then: who ended that wait, and who the later
//! ones. The trace has no stack of the first wait. Where the same stack ended one that is known to be in the call, it was
//! likely in the call too, so the call likely lasted since the trace began. It is not certain: one line can send both what
//! a worker waits for and what its call waits for.
//!
//! ```text
//!  trace begins │ waits ── feed ─┬ runs ┬ Job: waits ── feed ─┬ …    the same waker: the first wait is likely Job's
//!               │ waits ── give ─┬ runs ┬ Job: waits ── timer ┬ …    another: it may have waited for work
//!                                       └ first matching stack
//! ```

use crate::slice::{Slice, WindowIdx};
use crate::trace::ids::StackIdx;
use crate::trace::time::Time;
use rustc_hash::{FxHashMap, FxHashSet};

/// The stacks that ended the waits of such calls.
#[derive(Debug, Default)]
pub(super) struct OlderCalls(FxHashMap<WindowIdx, Enders>);

#[derive(Debug, Default)]
struct Enders {
    /// Of the first wait, before any stack of the call, and when.
    first: Option<(Time, StackIdx)>,
    /// Of waits in the call.
    later: FxHashSet<StackIdx>,
}

impl Enders {
    /// The first in time counts: what a part leaves to the whole comes after the rest of the part.
    fn note_first(&mut self, wake: (Time, StackIdx)) {
        self.first = Some(self.first.map_or(wake, |first| first.min(wake)));
    }
}

impl OlderCalls {
    /// Whether a window is such a call.
    pub(super) fn is_one(slice: &Slice, window: WindowIdx) -> bool {
        let windows = &slice.windows;
        let is_older = || windows.stretch(window).is_some_and(|(start, _)| start.is_none());
        window.is_some() && windows.seen(window).is_some() && is_older()
    }

    /// A wait of a call's own goroutine ended; `is_seen` says whether a stack of the call came before.
    pub(super) fn woken(&mut self, window: WindowIdx, (time, by): (Time, StackIdx), is_seen: bool) {
        let enders = self.0.entry(window).or_default();
        if is_seen {
            enders.later.insert(by);
        } else {
            enders.note_first((time, by));
        }
    }

    /// Whether the first wait of a call was likely in it.
    pub(super) fn likely_waited_in(&self, window: WindowIdx) -> bool {
        self.0.get(&window).is_some_and(|enders| enders.first.is_some_and(|(_, first)| enders.later.contains(&first)))
    }

    /// Takes over what a later part found.
    pub(super) fn absorb(&mut self, other: &Self) {
        for (&window, theirs) in &other.0 {
            let ours = self.0.entry(window).or_default();
            theirs.first.into_iter().for_each(|first| ours.note_first(first));
            ours.later.extend(&theirs.later);
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
