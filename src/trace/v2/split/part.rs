//! Steps 4 and 6: the parts of generations, and which of them are valid.

use super::checkpoint::Checkpoint;
use crate::trace::v2::order::frontier::Ordered;

/// A part of a generation, to be ordered by one thread.
#[derive(Clone, Copy)]
pub(crate) struct GenerationPart<'c> {
    /// Position of the generation in the trace's index.
    pub generation: usize,
    /// Where the part begins; `None` for the generation's start.
    pub from: Option<&'c Checkpoint>,
    /// Where it ends if that checkpoint is verified; `None` for the generation's end.
    pub until: Option<&'c Checkpoint>,
}

impl<'c> GenerationPart<'c> {
    /// A whole generation.
    pub(crate) fn whole(generation: usize) -> Self {
        Self { generation, from: None, until: None }
    }

    /// All parts of all generations in their order, by the checkpoints of each generation.
    pub(crate) fn all(checkpoints: &'c [Vec<Checkpoint>]) -> Vec<Self> {
        let mut parts = Vec::new();
        for (generation, checkpoints) in checkpoints.iter().enumerate() {
            let mut from = None;
            for until in checkpoints.iter().map(Some).chain([None]) {
                parts.push(GenerationPart { generation, from, until });
                from = until;
            }
        }
        parts
    }

    /// This part and all that follows it in the generation.
    #[must_use]
    pub(crate) fn to_generation_end(self) -> Self {
        Self { until: None, ..self }
    }

    /// Whether it is the last part of its generation.
    pub(crate) fn is_last(&self) -> bool {
        self.until.is_none()
    }

    /// How many goroutines each thread created before the part; empty at the generation's start.
    pub(crate) fn created_before(&self) -> &'c [u32] {
        self.from.map_or(&[], Checkpoint::created)
    }
}

/// How many parts of a generation, from its first one on, are valid, given how each was ordered: all up to the first
/// one whose checkpoint was not verified, which was therefore ordered to the generation's end.
pub(crate) fn n_valid_parts<'o>(mut parts: impl ExactSizeIterator<Item = &'o Ordered>) -> usize {
    let n = parts.len();
    parts.position(|ordered| !ordered.reached_stop).map_or(n, |last| last + 1)
}
