//! Step 3: from what scans observed by goroutine id to checkpoints, when goroutines are known.

use super::checkpoint::Checkpoint;
use super::observed_state::ObservedState;
use crate::trace::error::Result;
use crate::trace::ids::{GIdx, GoId};
use crate::trace::time::Time;
use crate::trace::v2::clock::Clock;
use crate::trace::v2::generation::Generation;
use crate::trace::v2::tables::read_samples;

/// What pass 1 observed of each generation, in their order; empty if it was not asked to predict anything.
#[derive(Default)]
pub(crate) struct Predictions(Vec<GenerationPredictions>);

/// What pass 1 observed of one generation; empty for one that stays whole.
#[derive(Default)]
pub(crate) struct GenerationPredictions {
    split_times: Vec<Time>,
    /// Per group of threads, in their order, what was observed between a split time and the one before.
    observed: Vec<Vec<ObservedState>>,
}

/// A generation, and what pass 1 found out about it.
pub(crate) struct ScannedGeneration<'a> {
    /// The generation.
    pub generation: Generation<'a>,
    /// Its clock.
    pub clock: Clock,
    /// The least number of a collector event in it.
    pub first_gc: Option<u64>,
    /// Goroutines of the whole trace.
    pub n_goroutines: usize,
}

impl GenerationPredictions {
    /// By the split times of a generation and, for each group of its threads in their order, what
    /// [`super::StatePredictor::finish`] gave.
    pub(crate) fn new(split_times: &[Time], observed: Vec<Vec<ObservedState>>) -> Self {
        Self { split_times: split_times.to_vec(), observed }
    }

    /// The checkpoints, one for each split time up to the first that some group could not predict.
    fn checkpoints(
        self,
        ScannedGeneration { generation, clock, first_gc, n_goroutines }: ScannedGeneration<'_>,
        goroutine: impl Fn(GoId) -> GIdx,
    ) -> Result<Vec<Checkpoint>> {
        let samples = read_samples(&generation, &mut Vec::new())?;
        let mut groups: Vec<_> = self.observed.into_iter().map(Vec::into_iter).collect();
        let start = Checkpoint::start(n_goroutines, generation.index, first_gc);
        let mut checkpoints: Vec<Checkpoint> = Vec::new();
        for split_time in self.split_times {
            let Some(observed) = groups.iter_mut().map(Iterator::next).collect() else { break };
            let before = samples.iter().take_while(|sample| clock.time(sample.ticks) < split_time);
            let before = before.map(|sample| sample.pos).collect();
            let last = checkpoints.last().unwrap_or(&start);
            checkpoints.push(last.advance(split_time, observed, &goroutine, before));
        }
        Ok(checkpoints)
    }
}

impl Predictions {
    /// Adds the next generation.
    pub(crate) fn push(&mut self, generation: GenerationPredictions) {
        self.0.push(generation);
    }

    /// The checkpoints of each generation of the trace; none for one that stays whole or cannot be predicted.
    /// `goroutine` gives the goroutine of an id; each id must mean one goroutine only.
    pub(crate) fn checkpoints<'g>(
        self,
        generations: impl Iterator<Item = ScannedGeneration<'g>>,
        goroutine: impl Fn(GoId) -> GIdx,
    ) -> Result<Vec<Vec<Checkpoint>>> {
        let mut predictions = self.0.into_iter();
        let of_generation = |scanned| match predictions.next() {
            Some(predictions) if !predictions.split_times.is_empty() => predictions.checkpoints(scanned, &goroutine),
            _ => Ok(Vec::new()),
        };
        generations.map(of_generation).collect()
    }
}
