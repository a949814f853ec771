//! One state machine per goroutine: events → contiguous intervals. HOT.
//!
//! Intervals are contiguous by construction: one ends where the next starts, so the states of a goroutine sum to
//! its life.

use super::aggregate::{Aggregate, Key};
use super::states::StateKey;
use crate::event::{GoState, GoTransition};
use crate::ids::{GIdx, StackIdx, StringIdx, WindowIdx};
use crate::profile::Precision;
use crate::symbols::Symbols;
use crate::time::{Time, Window};
use rustc_hash::FxHashMap;

/// What a goroutine is doing, since when, and on which stack.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The goroutine.
    pub(super) g: GIdx,
    /// The window that its time belongs to; none while it counts nowhere.
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
    /// Whether it was alive before the generation that is measured.
    pub(super) carried: bool,
    /// Whether there are CPU samples in the open piece of running time.
    pub(super) sampled: bool,
}

impl Timeline {
    /// A goroutine in a state since a moment.
    pub(super) fn new(g: GIdx, window: WindowIdx, context: u32, state: GoState, since: Time, stack: StackIdx) -> Self {
        let key = key_of(state, StringIdx::NONE);
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
            carried: false,
            sampled: false,
        }
    }

    /// Goes to the state after a transition; the open interval was closed before.
    #[inline]
    pub(super) fn enter(&mut self, t: &GoTransition) {
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

/// Slots of the cache of brackets.
const BRACKET_BITS: u32 = 12;

/// A bracket: the stacks before and after, what was on the stack all along, and whether its line is known.
type Bracket = (StackIdx, StackIdx, StackIdx, bool);

/// Adds closed intervals up, each with the stack that owns it.
pub(super) struct Attribution<'a> {
    symbols: &'a Symbols,
    /// Sums so far.
    pub(super) aggregate: Aggregate,
    brackets: Vec<Bracket>,
    /// CPU samples in open pieces of running time.
    samples: FxHashMap<GIdx, Vec<StackIdx>>,
}

impl<'a> Attribution<'a> {
    /// Starts empty.
    pub(super) fn new(symbols: &'a Symbols) -> Self {
        let nothing = (StackIdx::NONE, StackIdx::NONE, StackIdx::EMPTY, true);
        Self {
            symbols,
            aggregate: Aggregate::default(),
            brackets: vec![nothing; 1 << BRACKET_BITS],
            samples: FxHashMap::default(),
        }
    }

    /// Forgets all sums.
    pub(super) fn clear(&mut self) {
        self.aggregate.clear();
        self.samples.clear();
    }

    /// Adds what is open of a timeline up to `end`, as far as it is inside `clip`. `next` is the goroutine's
    /// stack at the end, and `ends` says whether the interval ends or only a piece of it does. An interval counts
    /// once, with its first piece that has time inside `clip`. Gives the nanoseconds added.
    #[inline]
    pub(super) fn close(&mut self, line: &mut Timeline, end: Time, next: StackIdx, clip: Window, ends: bool) -> u64 {
        let ns = clip.overlap(line.since, end);
        line.since = end;
        if ns > 0 {
            let events = u64::from(!line.counted);
            line.counted = true;
            if line.key == StateKey::RUNNING {
                self.add_running(line, next, events, ns);
            } else {
                let key = Self::key(line, line.stack, Precision::Exact, true);
                self.aggregate.add(key, events, ns);
            }
        }
        if line.sampled {
            self.forget_samples(line);
        }
        line.counted &= !ends;
        ns
    }

    #[inline]
    fn key(line: &Timeline, stack: StackIdx, precision: Precision, line_known: bool) -> Key {
        Key { context: line.context, stack, state: line.key, precision, line_known }
    }

    /// Running time carries no stack of its own: CPU samples inside it tell, else what was on the stack before
    /// and after.
    #[inline]
    fn add_running(&mut self, line: &Timeline, next: StackIdx, events: u64, ns: u64) {
        if line.sampled {
            self.add_sampled(line, events, ns);
        } else {
            let next = if next == StackIdx::EMPTY { self.symbols.root_frame(line.own) } else { next };
            let (stack, known) = self.bracket(line.own, next);
            self.aggregate.add(Self::key(line, stack, Precision::Bracketed, known), events, ns);
        }
    }

    /// A CPU sample says what the open piece of running time ran.
    pub(super) fn sample(&mut self, line: &mut Timeline, stack: StackIdx) {
        line.sampled = true;
        self.samples.entry(line.g).or_default().push(stack);
    }

    /// The open piece is over.
    #[cold]
    pub(super) fn forget_samples(&mut self, line: &mut Timeline) {
        line.sampled = false;
        self.samples.remove(&line.g);
    }

    /// The samples of an open piece, for whoever goes on with it.
    pub(super) fn take_samples(&mut self, g: GIdx) -> Vec<StackIdx> {
        self.samples.remove(&g).unwrap_or_default()
    }

    #[cold]
    fn add_sampled(&mut self, line: &Timeline, events: u64, ns: u64) {
        let samples = self.samples.get(&line.g).cloned().unwrap_or_default();
        let n = samples.len() as u64;
        for (i, &stack) in samples.iter().enumerate() {
            let last = i as u64 == n - 1;
            let share = if last { ns - ns / n * (n - 1) } else { ns / n };
            let key = Self::key(line, stack, Precision::Sampled, true);
            self.aggregate.add(key, if last { events } else { 0 }, share);
        }
    }

    #[inline]
    fn bracket(&mut self, before: StackIdx, after: StackIdx) -> (StackIdx, bool) {
        let mixed = (u64::from(before.0) << 32 | u64::from(after.0)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let slot = &mut self.brackets[(mixed >> (64 - BRACKET_BITS)) as usize];
        if (slot.0, slot.1) != (before, after) {
            let (stack, known) = self.symbols.bracket(before, after);
            *slot = (before, after, stack, known);
        }
        (slot.2, slot.3)
    }
}
