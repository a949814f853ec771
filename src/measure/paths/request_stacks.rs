//! Each request's time by what it is counted in: request × stack. Collected only where it was asked for.
//!
//! Sums of all requests need one addition for each piece of a path, however many requests wait for it. Here each of these
//! requests is credited alone. That is bounded: beyond [`MAX_ADDITIONS`], and beyond [`MAX_TIMES`], what many requests
//! wait for at once is known by state alone.

use super::packed_times::PackedTimes;
use super::request_waits::RequestWaits;
use super::stack_time::{ElsewhereKey, RequestStackTime};
use super::wait_chains::WaitChainIdx;
use super::wait_for::NodeId;
use super::wakeups::{WaitKey, WaitSum};
use crate::measure::intervals::aggregate::SumIdx;
use crate::slice::WindowIdx;
use crate::trace::ids::StringIdx;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// So many requests that wait for one goroutine are always credited one by one.
const FEW: usize = 64;
/// Most additions for more requests at once, by one thread.
const MAX_ADDITIONS: usize = 1 << 27;
/// Waits counted for one of several requests on a goroutine, at most: beyond that no request has its own.
const MAX_WAITS: usize = 1 << 20;
/// Most times that are kept of one trace, and of one request on average where there are more requests.
const MAX_TIMES: usize = 1 << 22;
const MAX_TIMES_OF_REQUEST: usize = 16;
/// At least so many are packed together: a table of times takes 40 bytes for each, packed ones take six. In tests so few that
/// short walks pack.
const MIN_PACKED: usize = if cfg!(test) { 1 << 5 } else { 1 << 16 };
/// And at least one for so many known keys, once these are looked through each time: the work for a new one stays the same.
const KNOWN_OF_PACKED: usize = 8;

/// What a request's time is told apart by: the waits in which it waited, or [`OWN`], and what it is counted in.
pub(crate) type TimeKey = (WindowIdx, WaitChainIdx, SumIdx);

/// What the walks of one thread found.
#[derive(Default, Debug)]
pub(crate) struct RequestStackTimes {
    /// In ns.
    times: FxHashMap<TimeKey, u64>,
    /// What was found before, in this walk too.
    packed: PackedTimes,
    /// How many different keys `packed` had when that was last counted.
    n_known: usize,
    /// Most different keys.
    max_times: usize,
    /// By [`NodeId`], the requests that are attached to a node.
    pub(crate) attached: Vec<Vec<WindowIdx>>,
    /// How many are left for more requests at once than [`FEW`].
    pub(crate) additions_left: usize,
    /// How many waits more may be counted for one of several requests.
    waits_left: usize,
    /// The answer of the last search for dependents.
    pub(crate) found: FoundDependents,
    /// Who ended each request's waits; none where that is not asked for.
    pub(crate) waits: Option<RequestWaits>,
}

/// What is asked for of each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EachRequest {
    /// How many there are.
    pub(crate) n: usize,
    /// Whether who ended its waits, beside its time by stack.
    pub(crate) waits: bool,
}

/// The requests that depend on a root.
#[derive(Debug)]
pub(crate) struct FoundDependents {
    /// The root, and the number of the last change of the wait-for graph then.
    pub(crate) of: (NodeId, u64),
    /// Each with the chain of waits in which it waits for the root; empty where they are too many to be told apart.
    pub(crate) list: Vec<(WindowIdx, WaitChainIdx)>,
}

impl Default for FoundDependents {
    fn default() -> Self {
        Self { of: (NodeId::NONE, 0), list: Vec::new() }
    }
}

impl RequestStackTimes {
    /// Nothing found yet.
    pub(crate) fn new(asked: EachRequest) -> Self {
        let max_times = MAX_TIMES.max(asked.n.saturating_mul(MAX_TIMES_OF_REQUEST));
        let waits = asked.waits.then(RequestWaits::default);
        Self { max_times, additions_left: MAX_ADDITIONS, waits_left: MAX_WAITS, waits, ..Self::default() }
    }

    /// The goroutine of `node` waited: for the requests that are attached to it, or else for the one that it belongs to.
    pub(crate) fn add_wait(&mut self, (node, owner): (NodeId, WindowIdx), key: WaitKey, wait: WaitSum) {
        let Some(waits) = self.waits.as_mut().filter(|waits| !waits.is_full()) else { return };
        match self.attached.get(node.at()) {
            Some(attached) if !attached.is_empty() => {
                // Each wait for each of very many requests is as much work as their number squared.
                match self.waits_left.checked_sub(attached.len()) {
                    Some(left) => self.waits_left = left,
                    None => return waits.give_up(),
                }
                for of in attached {
                    waits.add(*of, key, wait);
                }
            }
            _ if owner.is_some() => waits.add(owner, key, wait),
            _ => {}
        }
    }

    /// A request waited.
    pub(crate) fn add_wait_of(&mut self, request: WindowIdx, key: WaitKey, wait: WaitSum) {
        if let Some(waits) = &mut self.waits {
            waits.add(request, key, wait);
        }
    }

    /// A walk begins: no request is attached to any node.
    pub(crate) fn begin_walk(&mut self) {
        self.attached.iter_mut().for_each(Vec::clear);
        self.found.of = (NodeId::NONE, 0);
    }

    /// A request is attached to a node.
    pub(crate) fn attach(&mut self, node: NodeId, request: WindowIdx) {
        if self.attached.len() <= node.at() {
            self.attached.resize(node.at() + 1, Vec::new());
        }
        self.attached[node.at()].push(request);
    }

    /// A request is detached from a node.
    pub(crate) fn detach(&mut self, node: NodeId, request: WindowIdx) {
        if let Some(attached) = self.attached.get_mut(node.at()) {
            attached.retain(|known| *known != request);
        }
    }

    /// Whether so many requests may be credited at once.
    pub(crate) fn may_add(&mut self, n_requests: usize) -> bool {
        if n_requests <= FEW {
            return true;
        }
        let left = self.additions_left.checked_sub(n_requests);
        self.additions_left = left.unwrap_or(self.additions_left);
        left.is_some()
    }

    /// A request spent time.
    pub(crate) fn add(&mut self, key: TimeKey, ns: u64) {
        if self.times.len() >= MIN_PACKED.max(self.n_known / KNOWN_OF_PACKED) {
            self.pack();
        }
        match self.times.entry(key) {
            Entry::Occupied(mut of_key) => *of_key.get_mut() = of_key.get().saturating_add(ns),
            Entry::Vacant(of_key) if ns > 0 => _ = of_key.insert(ns),
            Entry::Vacant(_) => {}
        }
    }

    /// Packs what was found, in a fixed order; without keys that are new where there are as many as may be.
    fn pack(&mut self) {
        let mut times: Vec<(TimeKey, u64)> = self.times.drain().collect();
        times.sort_unstable();
        if self.packed.len() + times.len() > self.max_times {
            // Keys that come again are packed again: they count once.
            self.packed = std::mem::take(&mut self.packed).joined(|key| key);
            self.n_known = self.packed.len();
            self.drop_new_keys(&mut times);
        }
        for ((window, chain, sum), ns) in times {
            let key = ElsewhereKey { chain, sum, label: StringIdx::EMPTY };
            self.packed.push(RequestStackTime { window, key, ns });
        }
    }

    /// Drops keys that are not packed, but for as many as there is room for; `packed` is joined, `times` in order. A key is never
    /// dropped after it was packed, nor packed after it was dropped: its time is whole, or not there.
    fn drop_new_keys(&self, times: &mut Vec<(TimeKey, u64)>) {
        let mut room = self.max_times.saturating_sub(self.n_known);
        let mut known = self.packed.iter().map(|time| (time.window, time.key.chain, time.key.sum)).peekable();
        times.retain(|(key, _)| {
            while known.next_if(|earlier| earlier < key).is_some() {}
            let is_kept = known.peek() == Some(key) || room > 0;
            room -= usize::from(is_kept && known.peek() != Some(key));
            is_kept
        });
    }

    /// Takes all times that were found since the last time, in a fixed order; of very many, some keys more than once. They have
    /// no label.
    pub(crate) fn take(&mut self) -> PackedTimes {
        self.pack();
        self.n_known = 0;
        std::mem::take(&mut self.packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::paths::stack_time::OWN;
    use std::collections::BTreeMap;

    fn with_room_for(max_times: usize) -> RequestStackTimes {
        RequestStackTimes { max_times, ..RequestStackTimes::new(EachRequest { n: 1, waits: false }) }
    }

    fn key(i: u32) -> TimeKey {
        let chain = if i.is_multiple_of(3) { OWN } else { WaitChainIdx(i % 5) };
        (WindowIdx(i % 7), chain, SumIdx(i / 7))
    }

    #[test]
    fn what_is_packed_meanwhile_is_not_lost() {
        let n = 3 * MIN_PACKED as u32 / 2;
        // As many as may be are not too many, however often each comes.
        for max_times in [MAX_TIMES, n as usize] {
            let mut found = with_room_for(max_times);
            for ns in [3, 5] {
                (0..n).for_each(|i| found.add(key(i), ns));
            }
            let sum: u64 = found.take().iter().map(|time| time.ns).sum();
            assert_eq!((sum, found.take().len()), (8 * u64::from(n), 0));
        }
    }

    /// The 47 stacks of each of some streams come again and again, in any order.
    #[test]
    fn a_time_is_whole_or_not_there() {
        let n = 20 * 47;
        for max_times in [0, 1, MIN_PACKED - 1, MIN_PACKED + 1, n / 2, n - 1, n, n + 1] {
            let (mut found, mut all) = (with_room_for(max_times), BTreeMap::new());
            for _walk in 0..2 {
                for i in 0..30 * n as u32 {
                    let (key, ns) = (key(i.wrapping_mul(0x9e37_79b1) % n as u32), u64::from(i % 5));
                    found.add(key, ns);
                    *all.entry(key).or_insert(0) += ns;
                }
                let mut kept = BTreeMap::new();
                for time in found.take().iter() {
                    *kept.entry((time.window, time.key.chain, time.key.sum)).or_insert(0) += time.ns;
                }
                assert_eq!((all.len(), kept.len()), (n, max_times.min(n)));
                assert!(kept.iter().all(|(key, ns)| all[key] == *ns), "{max_times}");
                all.clear();
            }
        }
    }

    /// Keys that come again take no room without bound, and few are packed at a time only where few are known.
    #[test]
    fn what_is_packed_is_bounded() {
        let n = 20 * MIN_PACKED;
        let (mut found, mut n_packs) = (with_room_for(n), 0);
        for i in 0..50 * n as u32 {
            let before = found.times.len();
            found.add(key(i % (2 * n as u32)), 1);
            n_packs += u32::from(found.times.len() < before);
            assert!(found.packed.len() <= n + MIN_PACKED.max(n / KNOWN_OF_PACKED));
        }
        assert!(n_packs <= 50 * (n as u32) / (n / KNOWN_OF_PACKED) as u32 + 20, "{n_packs}");
    }
}
