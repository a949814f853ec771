//! One state machine per goroutine: events → contiguous intervals. HOT.
//!
//! Intervals are contiguous by construction: one ends where the next starts, so the states of a goroutine sum to
//! its life.

use super::aggregate::{Aggregate, Key};
use super::states::StateKey;
use crate::event::GoState;
use crate::ids::{GIdx, StackIdx, WindowIdx};
use crate::profile::Precision;
use crate::symbols::Symbols;
use crate::time::{Time, Window};
use rustc_hash::FxHashMap;

/// What a goroutine is doing, since when, and on which stack.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The goroutine.
    pub(super) g: GIdx,
    /// The window that its time belongs to; none for a root by stack outside its stretches.
    pub(super) window: WindowIdx,
    /// Its chain of `go` statements.
    pub(super) context: u32,
    /// What the scheduler does with it.
    pub(super) state: GoState,
    /// What the open interval is counted under.
    pub(super) key: StateKey,
    /// Where the open interval, or the piece of it not added up yet, starts.
    pub(super) since: Time,
    /// The stack of the open interval, unless it runs.
    pub(super) stack: StackIdx,
    /// The last stack of its own that was seen.
    pub(super) own: StackIdx,
    /// Whether the open interval was counted in this window already: pieces of it count once.
    pub(super) counted: bool,
    /// Whether descendants' windows cut it: its life went on after its root's ended.
    pub(super) outlived: bool,
    /// CPU samples in the open piece of running time.
    pub(super) samples: Vec<StackIdx>,
}

impl Timeline {
    /// A goroutine in a state since a moment.
    pub(super) fn new(g: GIdx, window: WindowIdx, context: u32, state: GoState, since: Time, stack: StackIdx) -> Self {
        let key = match state {
            GoState::Runnable => StateKey::RUNNABLE,
            GoState::Running => StateKey::RUNNING,
            GoState::Syscall => StateKey::SYSCALL,
            GoState::Waiting | GoState::Undetermined | GoState::NotExist => StateKey::UNKNOWN,
        };
        Self {
            g,
            window,
            context,
            state,
            key,
            since,
            stack,
            own: stack,
            counted: false,
            outlived: false,
            samples: Vec::new(),
        }
    }
}

/// Adds closed intervals up, each with the stack that owns it.
pub(super) struct Attribution<'a> {
    symbols: &'a Symbols,
    /// Sums so far.
    pub(super) aggregate: Aggregate,
    brackets: FxHashMap<(StackIdx, StackIdx), (StackIdx, bool)>,
}

impl<'a> Attribution<'a> {
    /// Starts empty.
    pub(super) fn new(symbols: &'a Symbols) -> Self {
        Self { symbols, aggregate: Aggregate::default(), brackets: FxHashMap::default() }
    }

    /// Adds what is open of a timeline up to `end`, as far as it is inside `clip`. `next` is the goroutine's
    /// stack at the end, and `ends` says whether the interval ends or only a piece of it does. An interval counts
    /// once, with its first piece that has time inside `clip`. Gives the nanoseconds added.
    #[inline]
    pub(super) fn close(&mut self, line: &mut Timeline, end: Time, next: StackIdx, clip: Window, ends: bool) -> u64 {
        let ns = clip.overlap(line.since, end);
        let empty = ends && line.since == end && clip.start <= end && end < clip.end;
        if ns > 0 || empty && !line.counted {
            let events = u64::from(!line.counted);
            line.counted = true;
            if line.key == StateKey::RUNNING {
                self.add_running(line, next, events, ns);
            } else {
                let key = Self::key(line, line.stack, Precision::Exact, true);
                self.aggregate.add(key, events, ns);
            }
        }
        line.counted &= !ends;
        line.samples.clear();
        line.since = end;
        ns
    }

    fn key(line: &Timeline, stack: StackIdx, precision: Precision, line_known: bool) -> Key {
        Key { context: line.context, stack, state: line.key, precision, line_known }
    }

    /// Running time carries no stack of its own: CPU samples inside it tell, else what was on the stack before
    /// and after.
    fn add_running(&mut self, line: &Timeline, next: StackIdx, events: u64, ns: u64) {
        if line.samples.is_empty() {
            let next = if next == StackIdx::EMPTY { self.symbols.root_frame(line.own) } else { next };
            let (stack, known) = self.bracket(line.own, next);
            self.aggregate.add(Self::key(line, stack, Precision::Bracketed, known), events, ns);
            return;
        }
        let n = line.samples.len() as u64;
        for (i, &stack) in line.samples.iter().enumerate() {
            let last = i as u64 == n - 1;
            let share = if last { ns - ns / n * (n - 1) } else { ns / n };
            let key = Self::key(line, stack, Precision::Sampled, true);
            self.aggregate.add(key, if last { events } else { 0 }, share);
        }
    }

    fn bracket(&mut self, before: StackIdx, after: StackIdx) -> (StackIdx, bool) {
        if before == after {
            return (before, true);
        }
        let symbols = self.symbols;
        *self.brackets.entry((before, after)).or_insert_with(|| symbols.bracket(before, after))
    }
}
