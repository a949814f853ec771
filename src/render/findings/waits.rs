//! Findings about waits in one function: for each other's locks, for a pool, until a deadline, calls one after the other.

use super::FindingWriter;
use crate::profile::{Latency, LibraryPool, NodeIdx, WakerKind, Wakeup};
use crate::render::units::{Share, counted, mean};

/// Sums of waits, as [`FindingEvidence::Waits`].
#[derive(Clone, Copy)]
pub(super) struct WaitSums {
    pub(super) stack: NodeIdx,
    pub(super) count: u64,
    pub(super) ns: u64,
    pub(super) max_ns: u64,
    pub(super) worked: Option<(NodeIdx, u64)>,
}

impl FindingWriter<'_> {
    /// The sentences of a finding about waits in one function.
    pub(super) fn waits(&self, id: &str, waits: WaitSums, latency: &Latency) -> String {
        let WaitSums { stack, count: n, ns, max_ns, worked } = waits;
        let (share, max, place) = (Share::of(ns, latency.total_ns), self.time(max_ns), self.place(stack));
        let many = format!("{}, {} together, up to {max} long", counted(n, "wait"), self.time(ns));
        let at_once = Self::at_once(ns, latency);
        match id {
            "contention" => {
                let holder = worked.map_or_else(String::new, |(stack, held_ns)| {
                    let (place, share) = (self.place(stack), Share::of(held_ns, ns.max(held_ns)));
                    format!(" For {share} of that {} holds it.", place.trim_start_matches(" in "))
                });
                format!("Requests wait {share} of their time for each other's locks{place}: {many}{at_once}.{holder}")
            }
            "pool" => {
                let what = self.pool(stack);
                let (queue, busy) = match worked.filter(|_| self.is_for_worker(stack)) {
                    Some((stack, busy_ns)) => {
                        let (place, share) = (self.place(stack), Share::of(busy_ns, ns.max(busy_ns)));
                        (at_once, format!(" For {share} of that {} is busy.", place.trim_start_matches(" in ")))
                    }
                    None => (String::new(), Self::busy(ns, latency)),
                };
                format!("Requests wait {share} of their time{place} until {what}: {many}{queue}.{busy}")
            }
            "timeout" => {
                format!("{share} of the time are waits{place} that {} ended: {many}.", self.deadline(stack))
            }
            _ => {
                let each = mean(n, latency.count);
                format!("Requests make about {each} calls one after the other{place}: {many}, {share} of the time.")
            }
        }
    }

    /// What ended waits before what they waited for.
    fn deadline(&self, stack: NodeIdx) -> String {
        let there = || self.requests.wakeups.iter().filter(|wakeup| wakeup.waiting == stack);
        match there().find(|wakeup| self.profile.cancels(wakeup)) {
            Some(cancel) if there().all(|wakeup| wakeup.waker != WakerKind::Timer) => {
                format!("a cancellation by {}", self.waker(cancel))
            }
            _ => "a deadline or a timeout".to_owned(),
        }
    }

    /// How many there are at once, on average while requests are under way, of what takes so long together, in tenths.
    fn tenths_at_once(ns: u64, latency: &Latency) -> u64 {
        u64::try_from(u128::from(ns) * 10 / u128::from(latency.busy_ns.max(1))).unwrap_or(u64::MAX)
    }

    /// `, 6.7 at once on average`; empty where two hardly ever are.
    fn at_once(ns: u64, latency: &Latency) -> String {
        let tenths = Self::tenths_at_once(ns, latency);
        let number = in_tenths(tenths);
        if tenths < 11 { String::new() } else { format!(", {number} at once on average while requests are under way") }
    }

    /// Whether it is goroutines outside the requests that take what these wait to hand over: no library's pool.
    fn is_for_worker(&self, stack: NodeIdx) -> bool {
        let functions = self.profile.tree.stack(stack).map(|frame| frame.function.as_str());
        let is_outside = |wakeup: &Wakeup| wakeup.waiting == stack && wakeup.waker == WakerKind::Outside;
        LibraryPool::of(functions).is_none() && self.requests.wakeups.iter().any(is_outside)
    }

    /// What a request waits for that waits for a pool.
    fn pool(&self, stack: NodeIdx) -> &'static str {
        let functions = self.profile.tree.stack(stack).map(|frame| frame.function.as_str());
        match LibraryPool::of(functions) {
            Some(LibraryPool::Database) => "a connection of the database's pool is free (SetMaxOpenConns)",
            Some(LibraryPool::Host) => "a connection to the host is free (MaxConnsPerHost)",
            Some(LibraryPool::Semaphore) => "the semaphore has room",
            Some(LibraryPool::Puddle) => "something of the pool is free (MaxConns)",
            None => "another request, or a worker, is free",
        }
    }

    /// How many of the requests under way do not wait: as many as the pool has places, if it is full.
    fn busy(waiting_ns: u64, latency: &Latency) -> String {
        let [all, waiting] = [latency.total_ns, waiting_ns].map(|ns| Self::tenths_at_once(ns, latency));
        if waiting < 1 || waiting > all {
            return String::new();
        }
        let [all, waiting, others] = [all, waiting, all - waiting].map(in_tenths);
        format!(" Of {all} requests under way at once on average {waiting} wait for it, {others} do not.")
    }
}

/// `6.7` of 67.
fn in_tenths(n: u64) -> String {
    format!("{}.{}", n / 10, n % 10)
}
