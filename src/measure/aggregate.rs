//! Adds intervals up, by chain, stack and state.

use super::states::StateKey;
use crate::ids::StackIdx;
use crate::profile::{Precision, Weight};
use rustc_hash::FxHashMap;

/// What intervals are added up by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// Chain of `go` statements, in the slice's contexts.
    pub context: u32,
    /// The goroutine's own stack.
    pub stack: StackIdx,
    /// State.
    pub state: StateKey,
    /// How sure the stack is.
    pub precision: Precision,
    /// Whether the line of the stack's leaf is known.
    pub line_known: bool,
}

/// Sums by key.
#[derive(Clone, Default, Debug)]
pub struct Aggregate {
    sums: FxHashMap<Key, Weight>,
}

impl Aggregate {
    /// Adds one interval, or a piece of one with `events` 0.
    #[inline]
    pub fn add(&mut self, key: Key, events: u64, ns: u64) {
        let sum = self.sums.entry(key).or_default();
        sum.events += events;
        // Clocks gone wild reach the end of the numbers.
        sum.goroutine_ns = sum.goroutine_ns.saturating_add(ns);
    }

    /// The sums in the order of their keys.
    pub fn sorted(self) -> Vec<(Key, Weight)> {
        let mut sums: Vec<_> = self.sums.into_iter().collect();
        sums.sort_unstable_by_key(|(key, _)| *key);
        sums
    }
}
