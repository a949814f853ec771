//! Who ended the waits on critical paths.

use super::interval_log::{Link, LinkKind};
use crate::profile::WakerKind;
use crate::slice::Slice;
use crate::trace::ids::{GIdx, StackIdx};
use rustc_hash::FxHashMap;

/// A wait that ended, or the part of it that counts.
#[derive(Clone, Copy)]
pub(crate) struct WaitEnd {
    /// Where the wait is counted.
    pub(crate) place: u32,
    /// Who waited.
    pub(crate) waiter: GIdx,
    /// What ended it, where the trace says so.
    pub(crate) link: Option<Link>,
    /// How long.
    pub(crate) ns: u64,
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

/// Slots of the cache in front of the table; most waits are like one seen shortly before.
const CACHE_SLOTS: usize = 64;

/// All of them.
#[derive(Debug)]
pub(crate) struct Wakeups {
    sums: Vec<(WaitKey, WaitSum)>,
    /// Where each stands.
    known: FxHashMap<WaitKey, u32>,
    /// A place among the sums for each slot. What stands there is compared, so any will do.
    lately: [u32; CACHE_SLOTS],
}

impl Default for Wakeups {
    fn default() -> Self {
        Self { sums: Vec::new(), known: FxHashMap::default(), lately: [0; CACHE_SLOTS] }
    }
}

impl Wakeups {
    pub(crate) fn add(&mut self, end: WaitEnd, slice: &Slice) {
        let (kind, by, stack) = match end.link {
            Some(Link { by, stack, kind: LinkKind::Wake }) => (kind_of(end.waiter, by, slice), by, stack),
            Some(Link { by, stack, kind: LinkKind::Runtime }) => (WakerKind::Runtime, by, stack),
            // What kind of nobody the state's name tells, later.
            _ => (WakerKind::Unknown, GIdx::NONE, StackIdx::EMPTY),
        };
        self.add_sum((end.place, kind, stack), WaitSum { count: 1, ns: end.ns, max_ns: end.ns, by });
    }

    fn add_sum(&mut self, key: WaitKey, more: WaitSum) {
        let slot = (key.0 ^ key.2.0) as usize % CACHE_SLOTS;
        let mut at = self.lately[slot] as usize;
        if self.sums.get(at).is_none_or(|(known, _)| *known != key) {
            at = self.find(key, more.by);
            self.lately[slot] = at as u32;
        }
        let sum = &mut self.sums[at].1;
        sum.count += more.count;
        sum.ns = sum.ns.saturating_add(more.ns);
        sum.max_ns = sum.max_ns.max(more.max_ns);
        if sum.by != more.by {
            sum.by = GIdx::NONE;
        }
    }

    #[cold]
    fn find(&mut self, key: WaitKey, by: GIdx) -> usize {
        let next = self.sums.len() as u32;
        let at = *self.known.entry(key).or_insert(next);
        if at == next {
            self.sums.push((key, WaitSum { count: 0, ns: 0, max_ns: 0, by }));
        }
        at as usize
    }

    /// Adds another's.
    pub(crate) fn join(&mut self, other: Self) {
        for (key, theirs) in other.sums {
            self.add_sum(key, theirs);
        }
    }

    /// The sums in the order of their keys.
    pub(crate) fn sorted(self) -> Vec<(WaitKey, WaitSum)> {
        let mut all = self.sums;
        all.sort_unstable_by_key(|(key, _)| *key);
        all
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
