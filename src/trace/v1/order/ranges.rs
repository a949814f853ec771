//! Ranges of time that begin twice or end without having begun: collections, stopped worlds, and goroutines that assist
//! (`postProcessTrace` in `src/internal/trace/internal/tracev1/parser.go`, Go 1.27). In the order of all events, as a
//! collection may begin on one proc and end on another. An assist may be older than the trace, so its end needs no beginning.

use crate::trace::ids::GIdx;
use crate::trace::v1::{BrokenRules, Kind};
use rustc_hash::FxHashSet;

/// What is open.
#[derive(Debug, Default)]
pub(super) struct OpenRanges {
    collection: bool,
    stopped: bool,
    assisting: FxHashSet<GIdx>,
    pub(super) broken: BrokenRules,
    /// The same of stopped worlds: versions without them have these codes for something else.
    pub(super) broken_stops: BrokenRules,
}

impl OpenRanges {
    /// Whether an event begins or ends one.
    #[inline(always)]
    pub(super) fn concerns(kind: Kind) -> bool {
        matches!(
            kind,
            Kind::GcStart
                | Kind::GcDone
                | Kind::StwStart
                | Kind::StwDone
                | Kind::GcMarkAssistStart
                | Kind::GcMarkAssistDone
        )
    }

    /// Takes the next of these events, in the order of all, of the goroutine `g`.
    #[cold]
    pub(super) fn take(&mut self, kind: Kind, g: GIdx, pos: u64) {
        let rule = match kind {
            Kind::GcStart if std::mem::replace(&mut self.collection, true) => "a collection begins in another",
            Kind::GcDone if !std::mem::take(&mut self.collection) => "a collection ends that did not begin",
            Kind::StwStart if std::mem::replace(&mut self.stopped, true) => {
                "the world is stopped that is stopped already"
            }
            Kind::StwDone if !std::mem::take(&mut self.stopped) => "the world is started that was not stopped",
            Kind::GcMarkAssistStart if !self.assisting.insert(g) => {
                "a goroutine assists the collector that does already"
            }
            Kind::GcMarkAssistDone => {
                self.assisting.remove(&g);
                return;
            }
            _ => return,
        };
        let is_stop = matches!(kind, Kind::StwStart | Kind::StwDone);
        let broken = if is_stop { &mut self.broken_stops } else { &mut self.broken };
        broken.add(pos, rule);
    }

    /// A goroutine ends, and with it what it did.
    #[inline(always)]
    pub(super) fn end(&mut self, g: GIdx) {
        if !self.assisting.is_empty() {
            self.assisting.remove(&g);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kind::{GcDone, GcMarkAssistDone, GcMarkAssistStart, GcStart, StwDone, StwStart};

    fn broken(kinds: &[Kind]) -> u64 {
        let mut ranges = OpenRanges::default();
        for kind in kinds {
            ranges.take(*kind, GIdx(1), 7);
        }
        ranges.broken.events + ranges.broken_stops.events
    }

    #[test]
    fn ranges_begin_and_end_in_turn() {
        assert_eq!(broken(&[StwStart, GcStart, StwDone, StwStart, StwDone, GcDone, GcStart, GcDone]), 0);
        assert_eq!(broken(&[GcMarkAssistDone, GcMarkAssistStart, GcMarkAssistDone, GcMarkAssistStart]), 0);
        for kinds in [&[GcStart, GcStart][..], &[GcDone], &[StwStart, StwStart], &[StwDone]] {
            assert_eq!(broken(kinds), 1, "{kinds:?}");
        }
        assert_eq!(broken(&[GcMarkAssistStart, GcMarkAssistStart]), 1);
        let mut ranges = OpenRanges::default();
        ranges.take(GcMarkAssistStart, GIdx(1), 7);
        ranges.end(GIdx(1));
        ranges.take(GcMarkAssistStart, GIdx(1), 8);
        ranges.take(GcMarkAssistStart, GIdx(2), 9);
        assert_eq!(ranges.broken.events, 0);
    }
}
