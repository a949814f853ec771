//! The runs that are looked at, goroutine by goroutine. On the hot path.
//!
//! ```text
//!  logs of the scans    A B A C B A │ C A B …        in the order of the threads
//!  relevant             A A A A … │ B B B … │ C C …  one goroutine after the other
//! ```
//!
//! Runs are copied in the order of the logs, so that both are read and written one after the other: the runs of one
//! goroutine lie far apart in a log. Where several threads ran a goroutine, its runs are put in order when they are read.

use super::evidence::GoroutineRef;
use super::evidence_log::{EvidenceLog, LoggedRun, RunExtent};
use super::evidence_pieces::LogBase;
use std::ops::Range;

/// The relevant evidence of a generation.
#[derive(Default, Debug)]
pub(crate) struct RelevantEvidence {
    log: EvidenceLog,
    /// The goroutines in their order.
    pub(crate) parts: Vec<RelevantPart>,
}

/// The runs of one goroutine.
#[derive(Clone, Debug)]
pub(crate) struct RelevantPart {
    pub(crate) g: GoroutineRef,
    /// Where they are.
    at: Range<usize>,
    /// Whether they are in its order.
    in_order: bool,
}

/// Memory to put the runs of one goroutine in order: their sequence numbers, and where they begin.
pub(crate) type RunOrder = Vec<(u64, usize)>;

impl RelevantEvidence {
    /// Nothing yet. The numbers of all runs are near these.
    pub(crate) fn new(base: LogBase) -> Self {
        Self { log: EvidenceLog::new(base), parts: Vec::new() }
    }

    /// Makes room for the runs of goroutines, each given with its bytes, and whether its runs will come in its order.
    /// Returns where to [put](Self::put) the first run of each.
    pub(crate) fn make_room(&mut self, goroutines: impl Iterator<Item = (GoroutineRef, usize, bool)>) -> Vec<usize> {
        let (start, mut end) = (self.log.len(), self.log.len());
        let mut starts = Vec::new();
        for (g, bytes, in_order) in goroutines {
            starts.push(end);
            self.parts.push(RelevantPart { g, at: end..end + bytes, in_order });
            end += bytes;
        }
        self.log.make_room(end - start);
        starts
    }

    /// Puts a run of a log to its place.
    #[inline]
    pub(crate) fn put(&mut self, at: usize, from: &EvidenceLog, run: RunExtent) {
        self.log.put(at, from, run);
    }

    /// The runs of a goroutine in its order.
    pub(crate) fn runs<'r>(
        &'r self,
        part: &RelevantPart,
        order: &'r mut RunOrder,
    ) -> impl Iterator<Item = LoggedRun<'r>> {
        order.clear();
        let mut rest = part.at.clone();
        if !part.in_order {
            order.extend(self.log.extents_in(rest).map(|run| (self.log.head(run).seq, run.start)));
            let rank = |at: usize| self.log.extent(at).map(|run| self.log.read(run).rank());
            order.sort_by(|(a, at), (b, other)| a.cmp(b).then_with(|| rank(*at).cmp(&rank(*other))));
            rest = 0..0;
        }
        let mut order = order.iter();
        std::iter::from_fn(move || {
            let next = order.next().map(|(_, at)| *at).or_else(|| (!rest.is_empty()).then_some(rest.start))?;
            let run = self.log.extent(next)?;
            rest.start = run.end;
            Some(self.log.read(run))
        })
    }
}
