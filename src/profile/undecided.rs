//! Requests of which nothing in the trace says whether they are of the roots.

use super::{DurationList, Requests};
use std::ops::AddAssign;

/// More than this many per cent of the requests that count are many.
const MANY_PER_CENT: u64 = 5;
/// Undecided requests count as faster, or slower, than half of those that count if all but so many per cent are.
pub const OTHERWISE_PER_CENT: u64 = 5;

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UndecidedRequest {
    /// Position of its trace in [`Profile::traces`](super::Profile::traces).
    pub trace: u32,
    /// Id of its goroutine in the file.
    pub goid: u64,
    /// When it started, in ns from the trace's start, on its thread's own clock.
    pub start_ns: u64,
    /// How long it took, in ns, on the same clock.
    pub dur_ns: u64,
    /// Whether it likely is of the roots.
    pub is_likely: bool,
    /// Id of the goroutine that serves the connection it came in on; none where nobody knows it.
    pub connection: Option<u64>,
}

/// Whole requests on the servers of a selection that may be of its roots too: they have no stack in their handler, or
/// their stacks end above where those of matching requests part from others. Without a selection, those without a
/// handler's stack.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Undecided {
    /// How long they took; and how many more an edge cuts, and how long these were seen.
    pub took: DurationList,
    /// Of these, the ones that likely are of the roots: all that is known of their connection is, or all that went
    /// through the same functions.
    pub likely: DurationList,
    /// How many likely are not: all that is known of their connection is of other handlers.
    pub likely_others: u64,
    /// On how many connections they came in.
    pub connections: u64,
    /// Each of them, in order of trace and start; empty where that was not asked for.
    pub list: Vec<UndecidedRequest>,
}

impl Undecided {
    /// How many whole ones.
    pub fn count(&self) -> u64 {
        self.took.count()
    }

    /// How long they took, in ns, summed.
    pub fn total_ns(&self) -> u64 {
        self.took.total_ns()
    }

    /// Half took at most this long, in ns (nearest rank); 0 when there is none.
    pub fn p50_ns(&self) -> u64 {
        self.sorted().percentile_ns(50)
    }

    /// 95 % took at most this long, in ns (nearest rank); 0 when there is none.
    pub fn p95_ns(&self) -> u64 {
        self.sorted().percentile_ns(95)
    }

    /// Which way the distribution of the requests that count leans without these; none where they are few, and where only
    /// some requests were chosen.
    pub fn leaning(&self, requests: &Requests) -> Option<Leaning> {
        let latency = requests.latency.as_ref().filter(|_| requests.only.is_none())?;
        // Those that likely are of other handlers change no distribution.
        if (self.count() - self.likely_others.min(self.count())) * 100 <= latency.count * MANY_PER_CENT {
            return None;
        }
        let took = self.sorted();
        let toward = if took.percentile_ns(100 - OTHERWISE_PER_CENT) < latency.p50_ns {
            LeansToward::Slow
        } else if took.percentile_ns(OTHERWISE_PER_CENT) > latency.p50_ns {
            LeansToward::Fast
        } else {
            LeansToward::Unknown
        };
        Some(Leaning { toward, counted: latency.count, at_most: latency.count + self.count() })
    }

    fn sorted(&self) -> DurationList {
        let mut took = self.took.clone();
        took.sort();
        took
    }

    /// The longest, in ns; 0 when there is none.
    pub fn max_ns(&self) -> u64 {
        self.took.durations_ns.iter().copied().max().unwrap_or(0)
    }
}

/// How a distribution differs from that of all requests, as some of them are undecided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaning {
    /// Which requests are more among those that count than among all.
    pub toward: LeansToward,
    /// How many requests count.
    pub counted: u64,
    /// How many there are if all undecided ones are of the roots too.
    pub at_most: u64,
}

/// Which requests are more among those that count than among all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeansToward {
    /// Slow ones: the undecided ones are faster than half of those that count.
    Slow,
    /// Fast ones: the undecided ones are slower than half of those that count.
    Fast,
    /// Some undecided ones are faster than half of those that count, and some are slower.
    Unknown,
}

/// The distribution with the requests that likely are of the roots.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WithLikely {
    /// How many requests.
    pub count: u64,
    /// Half took at most this long, in ns.
    pub p50_ns: u64,
    /// 95 % took at most this long, in ns.
    pub p95_ns: u64,
}

impl WithLikely {
    /// The distribution of the durations of requests that count, in ns, and of likely ones; none without likely ones.
    pub(super) fn new(counted: impl Iterator<Item = u64>, likely: &DurationList) -> Option<Self> {
        if likely.count() == 0 {
            return None;
        }
        let mut all = likely.clone();
        all.durations_ns.extend(counted);
        all.sort();
        let of = |per_cent| all.percentile_ns(per_cent);
        Some(Self { count: all.count(), p50_ns: of(50), p95_ns: of(95) })
    }
}

impl AddAssign<&Self> for Undecided {
    fn add_assign(&mut self, other: &Self) {
        self.took.absorb(&other.took);
        self.likely.absorb(&other.likely);
        self.likely_others += other.likely_others;
        self.connections += other.connections;
        self.list.extend(&other.list);
    }
}
