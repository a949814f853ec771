//! Adds intervals up, by chain, stack and state. HOT.

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
    /// Whether the goroutine helped the collector to mark.
    pub assist: bool,
}

impl Key {
    /// The key in two numbers, which no other key has both of.
    #[inline(always)]
    fn packed(self) -> (u64, u64) {
        let stack = u64::from(self.context) << 32 | u64::from(self.stack.0);
        let state = u64::from(self.state.number()) << 4
            | (self.precision as u64) << 2
            | u64::from(self.line_known) << 1
            | u64::from(self.assist);
        (stack, state)
    }
}

/// A key that was seen shortly before.
#[derive(Clone, Copy, Debug)]
struct Recent {
    packed: (u64, u64),
    place: u32,
}

/// No key: states are not that many.
const NOTHING: Recent = Recent { packed: (u64::MAX, u64::MAX), place: u32::MAX };

/// Slots of the cache in front of the table; most intervals are like one seen shortly before.
const CACHE_BITS: u32 = 10;

/// Sums by key.
#[derive(Clone, Debug)]
pub struct Aggregate {
    sums: Vec<(Key, Weight)>,
    places: FxHashMap<Key, u32>,
    cache: Vec<Recent>,
}

impl Default for Aggregate {
    fn default() -> Self {
        Self { sums: Vec::new(), places: FxHashMap::default(), cache: vec![NOTHING; 1 << CACHE_BITS] }
    }
}

impl Aggregate {
    /// Adds one interval, or a piece of one with `events` 0; gives its key's place among the sums.
    #[inline]
    pub fn add(&mut self, key: Key, events: u64, ns: u64) -> u32 {
        let packed = key.packed();
        let mixed = (packed.0 ^ packed.1.rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let slot = (mixed >> (64 - CACHE_BITS)) as usize;
        let recent = self.cache[slot];
        let place = if recent.packed == packed { recent.place as usize } else { self.look_up(key, slot) };
        let sum = &mut self.sums[place].1;
        sum.events += events;
        // Clocks gone wild reach the end of the numbers.
        sum.goroutine_ns = sum.goroutine_ns.saturating_add(ns);
        place as u32
    }

    /// The key at a place.
    #[inline]
    pub fn key(&self, place: u32) -> Key {
        self.sums[place as usize].0
    }

    /// Number of places.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Adds latency at a place.
    pub fn add_latency(&mut self, place: u32, ns: u64) {
        let sum = &mut self.sums[place as usize].1;
        sum.latency_ns = sum.latency_ns.saturating_add(ns);
    }

    #[inline(never)]
    fn look_up(&mut self, key: Key, slot: usize) -> usize {
        let place = self.place(key);
        self.cache[slot] = Recent { packed: key.packed(), place: place as u32 };
        place
    }

    fn place(&mut self, key: Key) -> usize {
        let next = self.sums.len() as u32;
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.sums.push((key, Weight::default()));
        }
        place as usize
    }

    /// Adds all of another's sums and empties it; gives its places as ours.
    pub fn absorb(&mut self, other: &mut Self) -> Vec<u32> {
        other.forget_places();
        let sums = other.sums.drain(..).map(|(key, weight)| {
            let place = self.place(key);
            self.sums[place].1 += weight;
            place as u32
        });
        sums.collect()
    }

    /// Forgets all sums.
    pub fn clear(&mut self) {
        self.sums.clear();
        self.forget_places();
    }

    fn forget_places(&mut self) {
        self.places.clear();
        self.cache.fill(NOTHING);
    }

    /// The keys by place.
    pub fn keys(&self) -> Vec<Key> {
        self.sums.iter().map(|(key, _)| *key).collect()
    }

    /// The sums by place.
    pub fn into_sums(self) -> Vec<(Key, Weight)> {
        self.sums
    }

    /// The sums in the order of their keys.
    pub fn sorted(mut self) -> Vec<(Key, Weight)> {
        self.sums.sort_unstable_by_key(|(key, _)| *key);
        self.sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_who_added_them() {
        let key = |i: u32| Key {
            context: i % 3,
            stack: StackIdx(i % 7),
            state: StateKey::RUNNING,
            precision: Precision::Exact,
            line_known: true,
            assist: false,
        };
        let (mut whole, mut odd, mut even) = (Aggregate::default(), Aggregate::default(), Aggregate::default());
        for i in 0..5000u32 {
            whole.add(key(i), 1, u64::from(i));
            if i % 2 == 0 { &mut even } else { &mut odd }.add(key(i), 1, u64::from(i));
        }
        odd.absorb(&mut even);
        assert_eq!(odd.sorted(), whole.sorted());
    }
}
