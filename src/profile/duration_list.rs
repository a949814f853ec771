//! How long occurrences of one thing took: requests of a handler, tasks of a type.

/// The durations of the occurrences that are whole, and how many are not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DurationList {
    /// In ns; ascending after [`sort`](Self::sort), which the statistics below need.
    pub durations_ns: Vec<u64>,
    /// Those cut by an edge of the trace.
    pub partial: u64,
}

impl DurationList {
    /// Adds one, in ns; none when an edge of the trace cuts it.
    pub fn add(&mut self, duration: Option<u64>) {
        self.durations_ns.extend(duration);
        self.partial += u64::from(duration.is_none());
    }

    /// Adds those of another list.
    pub fn absorb(&mut self, other: &Self) {
        self.durations_ns.extend(&other.durations_ns);
        self.partial += other.partial;
    }

    /// Puts the durations in order.
    pub fn sort(&mut self) {
        self.durations_ns.sort_unstable();
    }

    /// How many whole ones there are.
    pub fn count(&self) -> u64 {
        self.durations_ns.len() as u64
    }

    /// How long they took together, in ns.
    pub fn total_ns(&self) -> u64 {
        self.durations_ns.iter().fold(0, |sum, &ns| sum.saturating_add(ns))
    }

    /// The least duration that this many per cent of them do not exceed, in ns (nearest rank); 0 when there is none.
    pub fn percentile_ns(&self, per_cent: u64) -> u64 {
        let rank = (self.count() * per_cent).div_ceil(100).max(1);
        self.durations_ns.get(rank as usize - 1).copied().unwrap_or(0)
    }

    /// The longest, in ns; 0 when there is none.
    pub fn max_ns(&self) -> u64 {
        self.durations_ns.last().copied().unwrap_or(0)
    }
}
