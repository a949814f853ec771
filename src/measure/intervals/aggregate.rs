//! Adds intervals up, by chain, stack and state. On the hot path.

use super::states::StateKey;
use super::timeline::CollectorWork;
use crate::profile::{Precision, Weight};
use crate::slice::spawn_chains::SpawnChainIdx;
use crate::trace::ids::{StackIdx, dense_index};
use rustc_hash::FxHashMap;

dense_index! {
    /// A sum in [`Aggregate`]: its position among the sums, in the order in which their keys first came.
    ///
    /// The interval log writes such an index for each interval, and two kinds more, beyond all positions: what there is
    /// instead of an interval ([`SumIdx::NOT_CREATED`], [`SumIdx::ENDED`]), and lists of several sums
    /// ([`SumIdx::of_split`]).
    SumIdx
}

impl SumIdx {
    /// The goroutine does not exist yet, or nothing is known of it so early.
    pub(crate) const NOT_CREATED: Self = Self::NONE;
    /// The goroutine has ended.
    pub(crate) const ENDED: Self = Self(u32::MAX - 1);
    /// From here up to [`SumIdx::ENDED`]: lists of sums.
    const FIRST_SPLIT: u32 = 1 << 31;

    /// Stands for the list of sums at a position of `IntervalLog::splits`: an interval whose time is split over these.
    #[inline]
    pub(crate) fn of_split(position: usize) -> Self {
        Self(Self::FIRST_SPLIT + position as u32)
    }

    /// The position of the list of sums that this stands for; none where it stands for one sum, or for no interval.
    #[inline]
    pub(crate) fn split(self) -> Option<usize> {
        (Self::FIRST_SPLIT..Self::ENDED.0).contains(&self.0).then(|| (self.0 - Self::FIRST_SPLIT) as usize)
    }

    /// Whether a goroutine in an interval that is counted here exists.
    #[inline]
    pub(crate) fn is_alive(self) -> bool {
        self.0 < Self::ENDED.0
    }
}

/// What intervals are added up by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Key {
    /// Chain of `go` statements: its index in [`SpawnChains`](crate::slice::spawn_chains::SpawnChains).
    pub(crate) chain: SpawnChainIdx,
    /// The goroutine's own stack.
    pub(crate) stack: StackIdx,
    /// State.
    pub(crate) state: StateKey,
    /// How sure the stack is.
    pub(crate) precision: Precision,
    /// Whether the line of the stack's leaf is known.
    pub(crate) line_known: bool,
    /// What the goroutine did for the collector; nothing unless it ran.
    pub(crate) collector: CollectorWork,
}

/// All that an interval's key depends on, packed into two words: intervals with equal signatures have equal keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Signature(pub(crate) u64, pub(crate) u64);

impl Signature {
    const NONE: Self = Self(u64::MAX, u64::MAX);

    #[inline]
    fn slot(self) -> usize {
        let mixed = (self.0 ^ self.1.rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (64 - CACHE_BITS)) as usize
    }
}

/// Slots of the cache in front of the table; most intervals are like one seen shortly before.
const CACHE_BITS: u32 = 12;
const CACHE: usize = 1 << CACHE_BITS;

/// A key that was seen shortly before, and what is not in its sum yet. It is not aligned to 32 bytes: it won nothing that can be
/// measured, and glibc does not use the room of an aligned block for the next one, which was 38 kB more for each small trace.
#[derive(Clone, Copy, Debug)]
struct Recent {
    signature: Signature,
    events: u64,
    ns: u64,
}

const _: () = assert!(size_of::<Recent>() == 32, "half a cache line");

impl Recent {
    const NONE: Self = Self { signature: Signature::NONE, events: 0, ns: 0 };

    /// Times of a damaged trace can be so far apart that the sum overflows.
    #[cold]
    fn saturate(&mut self) {
        self.ns = u64::MAX;
    }
}

/// Sums by key.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    sums: Vec<(Key, Weight)>,
    sum_of: FxHashMap<Key, SumIdx>,
    cache: Box<[Recent; CACHE]>,
    /// Per slot of the cache, the sum that it belongs to.
    cached: Box<[SumIdx; CACHE]>,
    /// Slots of the cache that hold something.
    used: Vec<u16>,
}

impl Default for Aggregate {
    fn default() -> Self {
        let (cache, cached) = (vec![Recent::NONE; CACHE].try_into(), vec![SumIdx(0); CACHE].try_into());
        let (Ok(cache), Ok(cached)) = (cache, cached) else { unreachable!("as long as they were made") };
        Self { sums: Vec::new(), sum_of: FxHashMap::default(), cache, cached, used: Vec::new() }
    }
}

impl Aggregate {
    /// Adds one interval, or a piece of one with `events` 0; gives the sum of its key.
    pub(crate) fn add(&mut self, key: Key, events: u64, ns: u64) -> SumIdx {
        let sum = self.sum(key);
        self.add_to(sum, events, ns);
        sum
    }

    /// Adds one interval to a sum.
    #[inline]
    pub(crate) fn add_to(&mut self, sum: SumIdx, events: u64, ns: u64) {
        let sum = &mut self.sums[sum.at()].1;
        sum.events += events;
        // Times of a damaged trace can be so far apart that the sum overflows.
        sum.goroutine_ns = sum.goroutine_ns.saturating_add(ns);
    }

    /// Adds one interval to the sum for a signature, and gives that sum; none, with nothing changed, if the signature is not
    /// in the cache.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "once for every interval; the call cost as much")]
    pub(crate) fn add_cached(&mut self, signature: Signature, events: u64, ns: u64) -> Option<SumIdx> {
        let slot = signature.slot();
        let recent = &mut self.cache[slot];
        if recent.signature != signature {
            return None;
        }
        recent.events += events;
        match recent.ns.checked_add(ns) {
            Some(sum) => recent.ns = sum,
            None => recent.saturate(),
        }
        Some(self.cached[slot])
    }

    /// The sum of a key; put into the cache for the signature that the key belongs to.
    pub(crate) fn cache(&mut self, signature: Signature, key: Key) -> SumIdx {
        let sum = self.sum(key);
        let slot = signature.slot();
        let old = std::mem::replace(&mut self.cache[slot], Recent { signature, ..Recent::NONE });
        let old_sum = std::mem::replace(&mut self.cached[slot], sum);
        if old.signature == Signature::NONE {
            self.used.push(slot as u16);
        }
        self.add_recent(old, old_sum);
        sum
    }

    fn add_recent(&mut self, Recent { events, ns, .. }: Recent, sum: SumIdx) {
        if events > 0 || ns > 0 {
            self.add_to(sum, events, ns);
        }
    }

    /// Empties the cache, and adds what is not in the sums yet.
    fn flush(&mut self) {
        while let Some(slot) = self.used.pop() {
            let slot = usize::from(slot);
            let recent = std::mem::replace(&mut self.cache[slot], Recent::NONE);
            self.add_recent(recent, self.cached[slot]);
        }
    }

    /// The key of a sum.
    #[inline]
    pub(crate) fn key(&self, sum: SumIdx) -> Key {
        self.sums[sum.at()].0
    }

    /// Number of sums.
    pub(crate) fn len(&self) -> usize {
        self.sums.len()
    }

    /// Adds latency to a sum.
    pub(crate) fn add_latency(&mut self, sum: SumIdx, ns: u64) {
        let sum = &mut self.sums[sum.at()].1;
        sum.latency_ns = sum.latency_ns.saturating_add(ns);
    }

    fn sum(&mut self, key: Key) -> SumIdx {
        let next = SumIdx(self.sums.len() as u32);
        let sum = *self.sum_of.entry(key).or_insert(next);
        if sum == next {
            self.sums.push((key, Weight::default()));
        }
        sum
    }

    /// Adds all sums of `other` and empties it; gives, for each of its sums, ours.
    pub(crate) fn absorb(&mut self, other: &mut Self) -> Vec<SumIdx> {
        other.flush();
        other.sum_of.clear();
        let sums = other.sums.drain(..).map(|(key, weight)| {
            let sum = self.sum(key);
            self.sums[sum.at()].1 += weight;
            sum
        });
        sums.collect()
    }

    /// Forgets all sums.
    pub(crate) fn clear(&mut self) {
        self.sums.clear();
        self.sum_of.clear();
        for slot in self.used.drain(..) {
            self.cache[usize::from(slot)] = Recent::NONE;
        }
    }

    /// The keys by sum.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.sums.iter().map(|(key, _)| *key).collect()
    }

    /// The keys and weights by sum.
    pub(crate) fn into_sums(mut self) -> Vec<(Key, Weight)> {
        self.flush();
        self.sums
    }

    /// The sums in the order of their keys.
    #[cfg(test)]
    pub(crate) fn sorted(self) -> Vec<(Key, Weight)> {
        let mut sums = self.into_sums();
        sums.sort_unstable_by_key(|(key, _)| *key);
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_who_added_them() {
        let key = |i: u32| Key {
            chain: SpawnChainIdx(i % 3),
            stack: StackIdx(i % 7),
            state: StateKey::RUNNING,
            precision: Precision::Exact,
            line_known: true,
            collector: CollectorWork::None,
        };
        let (mut whole, mut odd, mut even) = (Aggregate::default(), Aggregate::default(), Aggregate::default());
        for i in 0..5000u32 {
            whole.add(key(i), 1, u64::from(i));
            if i % 2 == 0 { &mut even } else { &mut odd }.add(key(i), 1, u64::from(i));
        }
        odd.absorb(&mut even);
        assert_eq!(odd.sorted(), whole.sorted());
    }

    /// More keys than the cache has slots: what it held is not lost, nor counted twice, whichever is asked for, and when.
    #[test]
    fn recent_keys_lose_nothing() {
        let key = |i: u32| Key {
            chain: SpawnChainIdx::FIRST,
            stack: StackIdx(i),
            state: StateKey::RUNNABLE,
            precision: Precision::Exact,
            line_known: true,
            collector: CollectorWork::None,
        };
        let add = |sums: &mut Aggregate, i: u32, ns: u64| {
            let signature = Signature(u64::from(i), 7);
            if sums.add_cached(signature, 1, ns).is_none() {
                let sum = sums.cache(signature, key(i));
                sums.add_to(sum, 1, ns);
            }
        };
        let (mut plain, mut whole, mut part) = (Aggregate::default(), Aggregate::default(), Aggregate::default());
        let mut random = 1u32;
        for round in 0..60_000u64 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Some keys come often, some hardly ever.
            let i = if random >> 31 == 0 { random >> 28 } else { (random >> 16) % 5000 };
            plain.add(key(i), 1, round);
            add(if round % 3 == 0 { &mut whole } else { &mut part }, i, round);
            if round % 7000 == 0 {
                whole.absorb(&mut part);
                assert!(part.clone().into_sums().is_empty());
            }
        }
        whole.absorb(&mut part);
        assert_eq!(whole.clone().sorted(), plain.sorted());
        whole.clear();
        assert!(whole.sorted().is_empty());
    }
}
