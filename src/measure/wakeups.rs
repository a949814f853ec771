//! Who ended the waits on critical paths.

use super::tape::{Link, LinkKind};
use crate::ids::{GIdx, StackIdx};
use crate::profile::WakerKind;
use crate::slice::Slice;
use rustc_hash::FxHashMap;

/// A wait that ended, or the part of it that counts.
#[derive(Clone, Copy)]
pub(super) struct WaitEnd {
    /// Where the wait is counted.
    pub(super) place: u32,
    /// Who waited.
    pub(super) waiter: GIdx,
    /// What ended it, where the trace says so.
    pub(super) link: Option<Link>,
    /// How long.
    pub(super) ns: u64,
}

/// Waits of one place, ended by one kind of waker on one stack.
pub type WaitKey = (u32, WakerKind, StackIdx);

/// Sums over them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitSum {
    /// How many.
    pub count: u64,
    /// How long, in ns.
    pub ns: u64,
    /// The longest, in ns.
    pub max_ns: u64,
    /// The waker; none for nobody, or when there were several.
    pub by: GIdx,
}

impl WaitSum {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.ns = self.ns.saturating_add(other.ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        if self.by != other.by {
            self.by = GIdx::NONE;
        }
    }
}

/// Slots of the cache in front of the table.
const CACHE_BITS: u32 = 8;

/// All of them.
#[derive(Debug)]
pub(super) struct Wakeups {
    sums: Vec<(WaitKey, WaitSum)>,
    positions: FxHashMap<WaitKey, u32>,
    /// Positions of keys that were there shortly before.
    cache: [u32; 1 << CACHE_BITS],
}

impl Default for Wakeups {
    fn default() -> Self {
        Self { sums: Vec::new(), positions: FxHashMap::default(), cache: [0; 1 << CACHE_BITS] }
    }
}

fn slot((place, _, stack): WaitKey) -> usize {
    let mixed = (u64::from(place) << 32 | u64::from(stack.0)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> (64 - CACHE_BITS)) as usize
}

impl Wakeups {
    pub(super) fn add(&mut self, end: WaitEnd, slice: &Slice) {
        let (kind, by, stack) = match end.link {
            Some(Link { by, stack, kind: LinkKind::Wake }) => (kind_of(end.waiter, by, slice), by, stack),
            Some(Link { by, stack, kind: LinkKind::Runtime }) => (WakerKind::Runtime, by, stack),
            // What kind of nobody the state's name tells, later.
            _ => (WakerKind::Unknown, GIdx::NONE, StackIdx::EMPTY),
        };
        self.sum((end.place, kind, stack), by).add(WaitSum { count: 1, ns: end.ns, max_ns: end.ns, by });
    }

    /// The sum of a key; if it is new, of waits that `by` ended.
    fn sum(&mut self, key: WaitKey, by: GIdx) -> &mut WaitSum {
        let mut at = self.cache[slot(key)] as usize;
        if self.sums.get(at).is_none_or(|(known, _)| *known != key) {
            at = self.find(key, by);
        }
        &mut self.sums[at].1
    }

    fn find(&mut self, key: WaitKey, by: GIdx) -> usize {
        let next = self.sums.len() as u32;
        let at = *self.positions.entry(key).or_insert(next);
        if at == next {
            self.sums.push((key, WaitSum { count: 0, ns: 0, max_ns: 0, by }));
        }
        self.cache[slot(key)] = at;
        at as usize
    }

    /// Adds another's.
    pub(super) fn join(&mut self, other: Self) {
        for (key, theirs) in other.sums {
            self.sum(key, theirs.by).add(theirs);
        }
    }

    /// The sums in the order of their keys.
    pub(super) fn sorted(mut self) -> Vec<(WaitKey, WaitSum)> {
        self.sums.sort_unstable_by_key(|(key, _)| *key);
        self.sums
    }
}

/// Where a waker stands to the one that it woke.
fn kind_of(waiter: GIdx, by: GIdx, slice: &Slice) -> WakerKind {
    if !slice.tracked[by.at()] {
        return WakerKind::Outside;
    }
    let (theirs, ours) = (slice.owner[by.at()], slice.owner[waiter.at()]);
    let same = match (theirs.is_some(), ours.is_some()) {
        (true, true) => theirs == ours,
        (true, false) => slice.windows[theirs.at()].g == waiter,
        (false, true) => slice.windows[ours.at()].g == by,
        (false, false) => by == waiter,
    };
    if same { WakerKind::Inside } else { WakerKind::Sibling }
}
