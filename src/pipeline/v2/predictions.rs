//! What cuts generations: seen while they are scanned, put together when their goroutines are known.

use super::V2Trace;
use crate::survey::Survey;
use crate::trace::error::Result;
use crate::trace::time::Time;
use crate::trace::v2::generation::Generation;
use crate::trace::v2::split::checkpoint::{Checkpoint, moments};
use crate::trace::v2::split::plan::plan;
use crate::trace::v2::split::predictor::ObservedState;
use crate::trace::v2::tables::read_samples;

/// What was seen of each generation before the moments that may cut it. Of none, where nothing was looked for.
#[derive(Default)]
pub(in crate::pipeline) struct Predictions(Vec<GenerationPredictions>);

/// What was seen of one generation.
#[derive(Default)]
pub(super) struct GenerationPredictions {
    /// The moments that may cut it.
    pub(super) moments: Vec<Time>,
    /// Per group of threads, in their order, what was seen before each moment; before fewer where it cannot be told.
    pub(super) seen: Vec<Vec<ObservedState>>,
}

impl Predictions {
    /// What was seen of the next generation.
    pub(super) fn add(&mut self, foreseen: GenerationPredictions) {
        self.0.push(foreseen);
    }
}

impl V2Trace<'_> {
    /// Into how many parts to cut each generation in the second pass.
    pub(super) fn plan(&self, threads: usize) -> Vec<usize> {
        let sizes: Vec<u64> = self.index.generations.iter().map(|g| g.end - g.start).collect();
        plan(&sizes, threads)
    }

    /// The moments that cut a generation into so many parts.
    pub(super) fn moments(&self, i: usize, n_parts: usize) -> Vec<Time> {
        if n_parts > 1 { moments(&self.index.generations[i], self.clocks[i], n_parts) } else { Vec::new() }
    }

    /// What cuts each generation; fewer moments than were looked for where it cannot be told.
    pub(super) fn cuts(&self, survey: &Survey, Predictions(foreseen): Predictions) -> Result<Vec<Vec<Checkpoint>>> {
        let mut cuts: Vec<Vec<Checkpoint>> = self.index.generations.iter().map(|_| Vec::new()).collect();
        for (i, foreseen) in foreseen.into_iter().enumerate() {
            // Which goroutine an id means that repeats is known only in order.
            if !foreseen.moments.is_empty() && !survey.forest.has_repeats() {
                cuts[i] = self.cuts_of(survey, i, foreseen)?;
            }
        }
        Ok(cuts)
    }

    fn cuts_of(
        &self,
        survey: &Survey,
        i: usize,
        GenerationPredictions { moments, seen }: GenerationPredictions,
    ) -> Result<Vec<Checkpoint>> {
        let (index, clock) = (&self.index.generations[i], self.clocks[i]);
        let samples = read_samples(&Generation::new(self.source, index), &mut Vec::new())?;
        let mut groups: Vec<_> = seen.into_iter().map(Vec::into_iter).collect();
        let start = Checkpoint::start(survey.forest.goroutines.len(), index, survey.generations[i].first_gc);
        let mut cuts: Vec<Checkpoint> = Vec::new();
        for moment in moments {
            let Some(seen) = groups.iter_mut().map(Iterator::next).collect() else { break };
            let before = samples.iter().take_while(|sample| clock.time(sample.ticks) < moment);
            let before = before.map(|sample| sample.pos).collect();
            cuts.push(cuts.last().unwrap_or(&start).then(moment, seen, |id| survey.forest.latest(id), before));
        }
        Ok(cuts)
    }
}
