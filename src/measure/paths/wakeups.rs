//! Who ended the waits on critical paths.

use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::{Link, LinkKind};
use crate::profile::WakerKind;
use crate::slice::Slice;
use crate::trace::ids::{GIdx, StackIdx};
use rustc_hash::FxHashMap;

/// A wait that ended, or the part of it that counts.
#[derive(Clone, Copy)]
pub(crate) struct WaitEnd {
    /// What the wait is counted in.
    pub(crate) sum: SumIdx,
    /// Who waited.
    pub(crate) waiter: GIdx,
    /// Who ended it, where the trace says so.
    pub(crate) link: Option<Link>,
    /// How long, as far as it is on a path.
    pub(crate) ns: u64,
}

/// Waits that are counted together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct WaitKey {
    /// What the waits are counted in.
    pub(crate) sum: SumIdx,
    /// Who ended them.
    pub(crate) waker: WakerKind,
    /// The waker's stack when it did; empty when not recorded.
    pub(crate) waker_stack: StackIdx,
}

/// The sum of the waits of one [`WaitKey`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WaitSum {
    /// How many.
    pub(crate) count: u64,
    /// How long, in ns.
    pub(crate) ns: u64,
    /// The longest, in ns.
    pub(crate) max_ns: u64,
    /// The waker; [`GIdx::NONE`] where the trace names none, or there were several.
    pub(crate) by: GIdx,
}

/// Slots of the cache in front of the table; most waits are like one seen shortly before.
const CACHE_SLOTS: usize = 64;

/// All waits on critical paths, by [`WaitKey`].
#[derive(Debug)]
pub(crate) struct Wakeups {
    sums: Vec<(WaitKey, WaitSum)>,
    /// Position of each key in `sums`.
    position_of: FxHashMap<WaitKey, u32>,
    /// Per slot, the position of the key that was last looked up. The key there is compared, so any position will do.
    recent: [u32; CACHE_SLOTS],
}

impl Default for Wakeups {
    fn default() -> Self {
        Self { sums: Vec::new(), position_of: FxHashMap::default(), recent: [0; CACHE_SLOTS] }
    }
}

impl Wakeups {
    /// Adds a wait.
    pub(crate) fn add(&mut self, end: WaitEnd, slice: &Slice) {
        let (waker, by, stack) = match end.link {
            Some(Link { by, stack, kind: LinkKind::Wake }) => (kind_of(end.waiter, by, slice), by, stack),
            Some(Link { by, stack, kind: LinkKind::Runtime }) => (WakerKind::Runtime, by, stack),
            Some(Link { by, stack, kind: LinkKind::TimerGoroutine | LinkKind::Timer }) => (WakerKind::Timer, by, stack),
            // Whether a timer or the network did it, the state's name says: see `fold/requests.rs`.
            _ => (WakerKind::Unknown, GIdx::NONE, StackIdx::EMPTY),
        };
        let key = WaitKey { sum: end.sum, waker, waker_stack: stack };
        self.add_sum(key, WaitSum { count: 1, ns: end.ns, max_ns: end.ns, by });
    }

    fn add_sum(&mut self, key: WaitKey, more: WaitSum) {
        let slot = (key.sum.0 ^ key.waker_stack.0) as usize % CACHE_SLOTS;
        let mut position = self.recent[slot] as usize;
        if self.sums.get(position).is_none_or(|(known, _)| *known != key) {
            position = self.find(key, more.by);
            self.recent[slot] = position as u32;
        }
        let sum = &mut self.sums[position].1;
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
        let position = *self.position_of.entry(key).or_insert(next);
        if position == next {
            self.sums.push((key, WaitSum { count: 0, ns: 0, max_ns: 0, by }));
        }
        position as usize
    }

    /// Adds all sums of `other`.
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

/// What a waker is to the goroutine that it woke.
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
