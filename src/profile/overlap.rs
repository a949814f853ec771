//! What the collector and stopped worlds did while requests ran.

/// What the runtime did while requests ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Overlap {
    /// Time of requests during which the collector marked, in ns, summed over requests.
    pub gc_ns: u64,
    /// Time of requests during which the world was stopped, in ns, summed over requests.
    pub stw_ns: u64,
    /// Times the world was stopped while a request ran.
    pub stw_count: u64,
    /// Time on critical paths spent helping the collector to mark, in ns.
    pub mark_assist_ns: u64,
    /// Time on critical paths spent sweeping for the collector outside of that, in ns.
    pub sweep_ns: u64,
    /// Time on critical paths spent runnable while the world was stopped, in ns.
    pub stw_runnable_ns: u64,
    /// Time of the part looked at during which the collector marked, in ns.
    pub gc_window_ns: u64,
    /// Time of the part looked at during which the world was stopped, in ns.
    pub stw_window_ns: u64,
    /// How many times the collector marked in that part, or partly.
    pub gc_count: u64,
    /// The sizes of the heap at which it was to begin there; none where the traces have none.
    pub heap_goals: Option<HeapGoals>,
}

/// Sizes of the heap at which a collection begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeapGoals {
    /// The smallest, in bytes.
    pub min_bytes: u64,
    /// The largest, in bytes.
    pub max_bytes: u64,
}

impl HeapGoals {
    /// These and others.
    pub(crate) fn with(self, other: Self) -> Self {
        let (min_bytes, max_bytes) = (self.min_bytes.min(other.min_bytes), self.max_bytes.max(other.max_bytes));
        Self { min_bytes, max_bytes }
    }
}
