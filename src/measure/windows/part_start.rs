//! Where a part of a trace begins that is measured by itself, and what came before it.

use crate::trace::event::GoState;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use rustc_hash::FxHashSet;
use std::ops::Range;
use std::sync::Arc;

/// Where a part of a trace begins that is measured by itself: a generation, or a part of one.
#[derive(Clone, Debug)]
pub(crate) struct PartStart {
    /// Position of the generation.
    pub(crate) generation: u32,
    /// Where that starts in the file.
    pub(crate) file_start: u64,
    /// The time at which everything before the part is certainly over: from then on it can be measured by itself.
    pub(crate) independent_from: Time,
    /// What of the generation is before the part; none where it begins with the generation.
    pub(crate) inside: Option<Arc<BeforePart>>,
}

impl PartStart {
    /// Whether an event is before it.
    pub(crate) fn is_before(&self, pos: u64) -> bool {
        pos < self.file_start || self.inside.as_ref().is_some_and(|before| before.has(pos))
    }

    /// Whether a goroutine that was first seen in a generation existed before it; `created` says whether that was its creation.
    pub(super) fn existed_before(&self, g: GIdx, generation: u32, created: bool) -> bool {
        generation < self.generation
            || generation == self.generation
                && (!created || self.inside.as_ref().is_some_and(|before| before.named.binary_search(&g).is_ok()))
    }

    /// Whether a goroutine that ended in a generation did so before it.
    pub(crate) fn ended_before(&self, g: GIdx, ended: u32) -> bool {
        ended < self.generation || self.inside.as_ref().is_some_and(|before| before.ended.binary_search(&g).is_ok())
    }
}

/// What of a generation is before a part of it.
#[derive(Debug)]
pub(crate) struct BeforePart {
    /// File positions of the threads' events before it, in ascending order.
    positions: Vec<Range<u64>>,
    /// File positions of the CPU samples before it.
    samples: FxHashSet<u64>,
    /// Goroutines that the generation named before it, by index.
    named: Vec<GIdx>,
    /// Those of them that ended before it, by index.
    ended: Vec<GIdx>,
    in_syscall: Vec<GIdx>,
    assisting: Vec<GIdx>,
    sweeping: Vec<GIdx>,
}

impl BeforePart {
    /// From the file positions of events and CPU samples before it, the state of each goroutine that the generation named,
    /// the goroutines that help the collector to mark, and those that sweep for it.
    pub(crate) fn new(
        positions: Vec<Range<u64>>,
        samples: impl Iterator<Item = u64>,
        goroutines: impl Iterator<Item = (GIdx, GoState)>,
        assisting: impl Iterator<Item = GIdx>,
        sweeping: impl Iterator<Item = GIdx>,
    ) -> Self {
        let (mut named, mut ended, mut in_syscall) = (Vec::new(), Vec::new(), Vec::new());
        for (g, state) in goroutines {
            named.push(g);
            match state {
                GoState::NotExist => ended.push(g),
                GoState::Syscall => in_syscall.push(g),
                _ => {}
            }
        }
        named.sort_unstable();
        ended.sort_unstable();
        let (assisting, sweeping) = (assisting.collect(), sweeping.collect());
        Self { positions, samples: samples.collect(), named, ended, in_syscall, assisting, sweeping }
    }

    fn has(&self, pos: u64) -> bool {
        let next = self.positions.partition_point(|position| position.start <= pos);
        next.checked_sub(1).is_some_and(|i| pos < self.positions[i].end) || self.samples.contains(&pos)
    }

    /// Goroutines that are in a system call then.
    pub(crate) fn in_syscall(&self) -> impl Iterator<Item = GIdx> {
        self.in_syscall.iter().copied()
    }

    /// Goroutines that help the collector to mark then.
    pub(crate) fn assisting(&self) -> impl Iterator<Item = GIdx> {
        self.assisting.iter().copied()
    }

    /// Goroutines that sweep for it then.
    pub(crate) fn sweeping(&self) -> impl Iterator<Item = GIdx> {
        self.sweeping.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_before_a_part_is_known_by_position_and_by_life() {
        let goroutines = [(GIdx(4), GoState::NotExist), (GIdx(5), GoState::Syscall), (GIdx(6), GoState::Waiting)];
        let positions = vec![100..150, 200..210];
        let (assisting, sweeping) = ([GIdx(6)].into_iter(), std::iter::empty());
        let before = BeforePart::new(positions, [400].into_iter(), goroutines.into_iter(), assisting, sweeping);
        let inside = Some(Arc::new(before));
        let part = PartStart { generation: 3, file_start: 90, independent_from: Time(0), inside };
        let first = PartStart { inside: None, ..part.clone() };
        let before =
            |part_start: &PartStart| [89, 90, 100, 149, 150, 209, 210, 400].map(|pos| part_start.is_before(pos));
        assert_eq!(before(&part), [true, false, true, true, false, true, false, true]);
        assert_eq!(before(&first), [true, false, false, false, false, false, false, false]);
        let over =
            |part_start: &PartStart| [(4, 3), (5, 3), (7, 2)].map(|(g, ended)| part_start.ended_before(GIdx(g), ended));
        let existed = |part_start: &PartStart| {
            [(4, 3, true), (9, 3, true), (9, 3, false), (9, 2, true), (9, 4, false)]
                .map(|(g, generation, created)| part_start.existed_before(GIdx(g), generation, created))
        };
        assert_eq!(existed(&part), [true, false, true, true, false]);
        assert_eq!(existed(&first), [false, false, true, true, false]);
        assert_eq!(over(&part), [true, false, true]);
        assert_eq!(over(&first), [false, false, true]);
    }
}
