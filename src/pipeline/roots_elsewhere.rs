//! What a selection leaves out of a trace, because another trace counts it: both are snapshots of one process that overlap.

use super::snapshots::{self, GenerationKey, Seen};
use crate::slice::WindowIdx;
use rustc_hash::{FxHashMap, FxHashSet};

/// Where a trace is: its input, and where it starts in that.
pub(super) type Place = (usize, u64);

/// The requests of snapshots that count in another one of their process.
#[derive(Debug, Default)]
pub(super) struct RootsElsewhere {
    of_trace: FxHashMap<Place, OfTrace>,
    /// How many are not counted where they are.
    pub(super) n: usize,
}

/// Those of one trace.
#[derive(Debug, Default)]
pub(super) struct OfTrace {
    /// The windows of roots.
    pub(super) windows: FxHashSet<WindowIdx>,
    /// Positions among the requests that were served.
    pub(super) served: FxHashSet<u32>,
    /// The position of the first trace of its process.
    pub(super) process: usize,
}

impl RootsElsewhere {
    /// Finds them among the roots of traces, and among the requests that their servers served.
    pub(super) fn find(
        traces: &[(Place, Vec<GenerationKey>)],
        roots: Vec<Seen<u64, WindowIdx>>,
        served: Vec<Seen<u64, u32>>,
    ) -> Self {
        let keys: Vec<Vec<GenerationKey>> = traces.iter().map(|(_, keys)| keys.clone()).collect();
        let process = snapshots::processes(&keys);
        let of_trace = |(trace, (place, _)): (usize, &(Place, _))| (*place, OfTrace::of(process[trace]));
        let mut found = Self { of_trace: traces.iter().enumerate().map(of_trace).collect(), n: 0 };
        for of in snapshots::duplicates(roots, &process) {
            found.n += 1;
            found.at(traces[of.trace].0).windows.insert(of.key);
        }
        for of in snapshots::duplicates(served, &process) {
            found.n += usize::from(of.is_undecided());
            found.at(traces[of.trace].0).served.insert(of.key);
        }
        found
    }

    fn at(&mut self, place: Place) -> &mut OfTrace {
        self.of_trace.entry(place).or_default()
    }

    /// Those of a trace; none where no other snapshot of its process was looked at.
    pub(super) fn of(&self, place: Place) -> Option<&OfTrace> {
        self.of_trace.get(&place)
    }

    /// Whether all requests count where they are.
    pub(super) fn is_empty(&self) -> bool {
        self.of_trace.values().all(|of| of.windows.is_empty() && of.served.is_empty())
    }
}

impl OfTrace {
    fn of(process: usize) -> Self {
        Self { process, ..Self::default() }
    }
}
