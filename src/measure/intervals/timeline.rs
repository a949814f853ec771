//! One state machine per goroutine: events → contiguous intervals. On the hot path.
//!
//! Intervals are contiguous by construction: one ends where the next starts, so the states of a goroutine sum to
//! its life.

use super::states::StateKey;
use crate::slice::WindowIdx;
use crate::slice::spawn_chains::SpawnChainIdx;
use crate::trace::event::{GoState, GoTransition};
use crate::trace::ids::{GIdx, StackIdx, StringIdx};
use crate::trace::time::{Time, Window};

/// What a goroutine is doing, since when, and on which stack: one line of the processor's cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Timeline {
    /// The goroutine.
    pub(crate) g: GIdx,
    /// The window that its time belongs to; none while it counts nowhere.
    window: WindowIdx,
    /// The same while nothing is known of its time but stacks.
    plain_window: WindowIdx,
    /// Its chain of `go` statements, in the upper 32 bits.
    pub(super) chain: u64,
    /// What the scheduler does with it.
    pub(crate) state: GoState,
    /// What the open interval is counted under.
    pub(crate) key: StateKey,
    /// Where the open interval, or the piece of it not added up yet, starts.
    pub(crate) since: Time,
    /// The stack of the open interval, unless it runs.
    pub(crate) stack: StackIdx,
    /// The last stack of its own that was seen.
    pub(crate) own: StackIdx,
    /// Whether the open interval has not been counted in this window yet. An interval counts once, whatever pieces it is
    /// added in.
    pub(crate) uncounted: bool,
    /// Whether all its life belongs to one window: it crosses no borders.
    pub(crate) owned: bool,
    /// Whether it was alive before the generation that is measured.
    pub(crate) carried: bool,
    /// Whether there are CPU samples in the open piece of running time.
    pub(super) sampled: bool,
    /// Whether it helps the collector to mark while it runs.
    assists: bool,
    /// Whether it sweeps for the collector while it runs.
    sweeps: bool,
    /// The function that serves the request which just began on it, until its first own stack; empty for none.
    pub(super) serves: StringIdx,
    /// Nanoseconds in its window that are not in the window's sum yet; they wait here, as that is far away in memory.
    window_ns: u64,
}

const _: () = assert!(size_of::<Timeline>() == 64, "one cache line");

/// What a goroutine does for the collector while it runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum CollectorWork {
    /// Nothing: it runs its own code.
    None,
    /// It helps to mark, also where it sweeps meanwhile.
    MarkAssist,
    /// It sweeps.
    Sweep,
}

/// How a piece of an interval is closed.
#[derive(Clone, Copy)]
pub(crate) struct PieceEnd {
    /// Where the piece ends.
    pub(crate) end: Time,
    /// The goroutine's stack there; empty when unknown.
    pub(crate) next: StackIdx,
    /// The part of time that counts.
    pub(crate) clip: Window,
    /// Whether the interval ends with the piece.
    pub(crate) ends: bool,
}

/// What an open interval is.
#[derive(Clone, Copy)]
pub(crate) struct IntervalKind {
    /// Running time.
    pub(crate) running: bool,
    /// What the goroutine does for the collector while it runs.
    pub(crate) collector: CollectorWork,
}

/// How a goroutine is first met.
#[derive(Clone, Copy)]
pub(crate) struct FirstState {
    /// What the scheduler does with it.
    pub(crate) state: GoState,
    /// Since when.
    pub(crate) since: Time,
    /// On which stack; empty when unknown.
    pub(crate) stack: StackIdx,
}

impl Timeline {
    /// A goroutine of which nothing was known. Its time belongs to a window, and its stacks stand under a chain of `go`
    /// statements.
    pub(crate) fn new(g: GIdx, (window, chain): (WindowIdx, SpawnChainIdx), first: FirstState) -> Self {
        let FirstState { state, since, stack } = first;
        let key = key_of(state, StringIdx::NONE);
        Self {
            g,
            window,
            plain_window: window,
            chain: u64::from(chain.0) << 32,
            state,
            key,
            since,
            stack,
            own: stack,
            uncounted: true,
            owned: false,
            carried: false,
            sampled: false,
            assists: false,
            sweeps: false,
            serves: StringIdx::NONE,
            window_ns: 0,
        }
    }

    /// Adds nanoseconds to what waits for its window's sum.
    #[inline]
    pub(crate) fn add_window_ns(&mut self, ns: u64) {
        self.window_ns = self.window_ns.saturating_add(ns);
    }

    /// What waits for its window's sum, which is none any more.
    pub(crate) fn take_window_ns(&mut self) -> u64 {
        std::mem::take(&mut self.window_ns)
    }

    /// Its chain of `go` statements.
    pub(crate) fn chain(&self) -> SpawnChainIdx {
        SpawnChainIdx((self.chain >> 32) as u32)
    }

    /// The window that its time belongs to; none while it counts nowhere.
    pub(crate) fn window(&self) -> WindowIdx {
        self.window
    }

    /// Its stacks stand under this chain from now on.
    pub(crate) fn set_chain(&mut self, chain: SpawnChainIdx) {
        self.chain = u64::from(chain.0) << 32;
    }

    /// Its time belongs to a window, or to none, from now on.
    pub(crate) fn set_window(&mut self, window: WindowIdx) {
        self.window = window;
        self.update_plain_window();
    }

    /// The window that its time belongs to while nothing is known of it but stacks; else none.
    #[inline]
    pub(crate) fn plain_window(&self) -> WindowIdx {
        self.plain_window
    }

    /// Whether there are CPU samples in the open piece of running time.
    pub(crate) fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// What it does for the collector while it runs.
    #[inline]
    pub(crate) fn collector_work(&self) -> CollectorWork {
        match (self.assists, self.sweeps) {
            (true, _) => CollectorWork::MarkAssist,
            (false, true) => CollectorWork::Sweep,
            (false, false) => CollectorWork::None,
        }
    }

    /// Whether it does this work for the collector, maybe beside other work.
    pub(crate) fn does(&self, work: CollectorWork) -> bool {
        match work {
            CollectorWork::None => !self.assists && !self.sweeps,
            CollectorWork::MarkAssist => self.assists,
            CollectorWork::Sweep => self.sweeps,
        }
    }

    /// It does this work for the collector from now on, or does not.
    pub(crate) fn set_collector_work(&mut self, work: CollectorWork, does: bool) {
        match work {
            CollectorWork::None => {}
            CollectorWork::MarkAssist => self.assists = does,
            CollectorWork::Sweep => self.sweeps = does,
        }
        self.update_plain_window();
    }

    /// The function that serves the request which just begins on it; empty for none.
    pub(crate) fn set_served_by(&mut self, function: StringIdx) {
        self.serves = function;
        self.update_plain_window();
    }

    pub(super) fn sample(&mut self, sampled: bool) {
        self.sampled = sampled;
        self.update_plain_window();
    }

    /// Whether nothing is known of its time but stacks.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        !self.sampled && !self.assists && !self.sweeps && !self.serves.is_some()
    }

    fn update_plain_window(&mut self) {
        self.plain_window = if self.is_plain() { self.window } else { WindowIdx::NONE };
    }

    /// Goes to the state after a transition; the open interval was closed before.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every interval; the call cost as much")]
    pub(crate) fn enter(&mut self, t: &GoTransition) {
        self.state = t.to;
        self.key = key_of(t.to, t.reason);
        // What was stopped, blocked or in a system call keeps that stack until it runs; never the waker's.
        if t.from == GoState::Running {
            self.stack = t.stack;
            if t.stack != StackIdx::EMPTY {
                self.own = t.stack;
            }
        }
    }
}

/// What a state is counted under.
#[inline]
fn key_of(state: GoState, reason: StringIdx) -> StateKey {
    match state {
        GoState::Running => StateKey::RUNNING,
        GoState::Runnable => StateKey::RUNNABLE,
        GoState::Syscall => StateKey::SYSCALL,
        GoState::Waiting => StateKey::waiting(reason),
        GoState::Undetermined | GoState::NotExist => StateKey::UNKNOWN,
    }
}
