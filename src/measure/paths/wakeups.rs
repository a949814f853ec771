//! Who ended the waits on critical paths.

use super::key_table::KeyTable;
use super::our_sums::OurSums;
use crate::measure::intervals::aggregate::SumIdx;
use crate::measure::intervals::log::{Link, LinkKind};
use crate::measure::windows::WindowTable;
use crate::profile::WakerKind;
use crate::slice::{Membership, Slice, WindowIdx};
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::{Time, Window};
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
    /// From when to when, as far as it is on a path.
    pub(crate) span: Window,
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

/// All waits on critical paths, by [`WaitKey`].
#[derive(Default, Debug)]
pub(crate) struct Wakeups {
    table: KeyTable<WaitKey>,
    /// By position in `table`.
    sums: Vec<WaitSum>,
}

impl WaitSum {
    /// Adds further waits of the same key.
    pub(crate) fn add(&mut self, more: Self) {
        self.count += more.count;
        self.ns = self.ns.saturating_add(more.ns);
        self.max_ns = self.max_ns.max(more.max_ns);
        if self.by != more.by {
            self.by = GIdx::NONE;
        }
    }
}

impl WaitEnd {
    /// What it is counted in, and how much it adds.
    #[inline]
    pub(crate) fn counted(self, at: WorkAt<'_>, seen: &mut LastMemberships) -> (WaitKey, WaitSum) {
        let (waker, by, stack) = match self.link {
            Some(Link { by, stack, kind: LinkKind::Wake }) => {
                (at.kind((self.waiter, self.span.start), (by, self.span.end), seen), by, stack)
            }
            Some(Link { by, stack, kind: LinkKind::Runtime }) => (WakerKind::Runtime, by, stack),
            Some(Link { by, stack, kind: LinkKind::TimerGoroutine | LinkKind::Timer }) => (WakerKind::Timer, by, stack),
            // Whether a timer or the network did it, the state's name says: see `fold/requests.rs`.
            _ => (WakerKind::Unknown, GIdx::NONE, StackIdx::EMPTY),
        };
        let ns = self.span.end.since(self.span.start);
        let key = WaitKey { sum: self.sum, waker, waker_stack: stack };
        (key, WaitSum { count: 1, ns, max_ns: ns, by })
    }
}

impl Wakeups {
    /// Adds waits of one key.
    pub(crate) fn add(&mut self, key: WaitKey, more: WaitSum) {
        let position = self.table.position(key, key.sum.0 ^ key.waker_stack.0);
        if position == self.sums.len() {
            return self.sums.push(more);
        }
        self.sums[position].add(more);
    }

    /// Adds all sums of `other`.
    pub(crate) fn join(&mut self, other: Self) {
        for (&key, theirs) in other.table.keys().iter().zip(other.sums) {
            self.add(key, theirs);
        }
    }

    /// Adds all sums of a part, and empties it; `ours` are what they are counted in.
    pub(super) fn join_part(&mut self, part: &mut Self, ours: OurSums<'_>) {
        let Self { table, sums } = std::mem::take(part);
        for (&key, theirs) in table.keys().iter().zip(sums) {
            self.add(WaitKey { sum: ours.of(key.sum), ..key }, theirs);
        }
    }

    /// The sums in the order of their keys.
    pub(crate) fn sorted(self) -> Vec<(WaitKey, WaitSum)> {
        let mut all: Vec<_> = self.table.keys().iter().copied().zip(self.sums).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }
}

/// Whose work goroutines do, at a moment.
#[derive(Clone, Copy)]
pub(crate) struct WorkAt<'a> {
    pub(crate) slice: &'a Slice,
    /// From when to when each window lasts.
    pub(crate) windows: &'a WindowTable,
}

/// Whose work a goroutine does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WorksFor {
    /// That of one window.
    Of(WindowIdx),
    /// That of tasks, now of one, then of another: which one is not known here.
    OfTasks,
    /// That of no window.
    OfNone,
}

/// Where a walk looked last among the memberships of each goroutine: it goes back in time, so the next place is near. A
/// connection can have hundreds of thousands, each in memory of its own.
#[derive(Default, Debug)]
pub(crate) struct LastMemberships {
    last: FxHashMap<GIdx, usize>,
}

impl LastMemberships {
    /// Steps from the last place before all are searched.
    const STEPS: usize = 8;

    /// How many of `n` memberships, from the first one on, are over; `is_over` is true for those alone.
    fn next(&mut self, g: GIdx, n: usize, is_over: impl Fn(usize) -> bool) -> usize {
        let last = self.last.entry(g).or_insert(n);
        let mut at = (*last).min(n);
        for _ in 0..Self::STEPS {
            if at > 0 && !is_over(at - 1) {
                at -= 1;
            } else if at < n && is_over(at) {
                at += 1;
            } else {
                *last = at;
                return at;
            }
        }
        let (mut from, mut to) = (0, n);
        while from < to {
            let middle = from.midpoint(to);
            if is_over(middle) { from = middle + 1 } else { to = middle }
        }
        *last = from;
        from
    }
}

impl WorkAt<'_> {
    fn work(self, g: GIdx, time: Time, seen: &mut LastMemberships) -> WorksFor {
        let owner = self.slice.owner[g.at()];
        if owner.is_some() {
            return WorksFor::Of(owner);
        }
        let Some(memberships) = self.slice.memberships.get(&g) else { return WorksFor::OfNone };
        if self.slice.in_tasks.contains(&g) {
            return WorksFor::OfTasks;
        }
        let (memberships, first_is_open) = self.windows.since_part_start(g, memberships);
        let span = |membership: &Membership| self.windows.get(membership.window);
        let next = seen.next(g, memberships.len(), |i| span(&memberships[i]).end <= time);
        let has_begun = |membership: &&Membership| {
            let span = span(membership);
            let is_known = span.start != Time::MIN || self.slice.part(**membership).start.is_none();
            span.start <= time && (is_known || first_is_open && next == 0)
        };
        memberships.get(next).filter(has_begun).map_or(WorksFor::OfNone, |membership| WorksFor::Of(membership.window))
    }

    /// What a waker at `time` is to a goroutine whose wait began at `since`: by whose work they did then.
    fn kind(self, (waiter, since): (GIdx, Time), (by, time): (GIdx, Time), seen: &mut LastMemberships) -> WakerKind {
        let same = match (self.work(by, time, seen), self.work(waiter, since, seen)) {
            (WorksFor::OfNone, _) if self.slice.not_chosen.contains(&by) => false,
            (WorksFor::OfNone, _) => return WakerKind::Outside,
            (WorksFor::Of(theirs), WorksFor::Of(ours)) => theirs == ours,
            (WorksFor::Of(theirs), _) => self.slice.windows.goroutine(theirs) == waiter,
            (WorksFor::OfTasks, WorksFor::Of(ours)) => self.slice.windows.goroutine(ours) == by,
            (WorksFor::OfTasks, _) => by == waiter,
        };
        if same { WakerKind::Inside } else { WakerKind::Sibling }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memberships_are_found_from_wherever_it_was_looked_last() {
        let n = 60;
        let mut seen = LastMemberships::default();
        let mut at = 7_u64;
        for i in 0..2_000 {
            at = at.wrapping_mul(0x2545_F491_4F6C_DD1D).wrapping_add(i);
            let over = match i % 3 {
                0 => (at >> 33) as usize % (n + 1),
                _ => (60 - i as usize % 61).min(n),
            };
            assert_eq!(seen.next(GIdx(i as u32 % 2), n, |membership| membership < over), over);
        }
        assert_eq!(seen.next(GIdx(0), 0, |_| true), 0);
    }
}
