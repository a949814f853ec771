//! Generations, or parts of them, in causal order.

use super::V2Trace;
use super::instances::GenerationInstances;
use super::predictions::Predictions;
use crate::pipeline::Options;
use crate::pipeline::in_order::in_order;
use crate::pipeline::progress::Ticker;
use crate::survey::Survey;
use crate::trace::error::{Result, Warning};
use crate::trace::event::{Event, Sink};
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use crate::trace::v2::generation::Generation;
use crate::trace::v2::order::frontier::{GenerationInput, Ordered, OrderingErrors, Workspace, order};
use crate::trace::v2::split::checkpoint::Checkpoint;
use crate::trace::v2::split::plan::{GenerationPart, parts, used};
use crate::trace::v2::tables::read_samples;

impl V2Trace<'_> {
    /// Orders all generations, several side by side, for nobody; gives the time of the last event.
    pub(in crate::pipeline) fn check(
        &self,
        survey: &Survey,
        predictions: Predictions,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Time, Vec<Warning>)> {
        let cuts = self.cuts(survey, predictions)?;
        let parts = parts(&cuts);
        let work =
            |i: usize, workspace: &mut Workspace| self.order(survey, parts[i], Time::MIN, workspace, &mut Nobody);
        let nothing = (Vec::new(), Ok((Time::MIN, OrderingErrors::default())));
        let take = |(of_generation, so_far): &mut (Vec<Ordered>, Result<(Time, OrderingErrors)>),
                    i: usize,
                    ordered: Result<Ordered>,
                    _: &mut Workspace| {
            match ordered {
                Ok(ordered) => of_generation.push(ordered),
                Err(error) if so_far.is_ok() => *so_far = Err(error),
                Err(_) => {}
            }
            if parts[i].until.is_some() {
                return;
            }
            let index = &self.index.generations[parts[i].generation];
            ticker.add(index.end - index.start);
            let used = used(of_generation.iter());
            for ordered in of_generation.drain(..).take(used) {
                if let Ok((last, complaints)) = so_far {
                    *last = ordered.last.max(*last + ordered.emitted as i64);
                    complaints.add(ordered.complaints);
                }
            }
        };
        let (_, checked) = in_order(parts.len(), options.threads, nothing, Workspace::default, work, take);
        checked.map(|(last, complaints)| (last, complaints.warnings(survey.start)))
    }

    /// Hands the events of a part of a generation to `sink`, in causal order.
    pub(super) fn order(
        &self,
        survey: &Survey,
        part: GenerationPart<'_>,
        last: Time,
        workspace: &mut Workspace,
        sink: &mut impl Sink,
    ) -> Result<Ordered> {
        let i = part.generation;
        let known = &survey.generations[i];
        let generation = Generation::new(self.source, &self.index.generations[i]);
        let samples = read_samples(&generation, &mut Vec::new())?;
        let input = GenerationInput {
            generation: &generation,
            clock: self.clocks[i],
            known: &self.known,
            samples: &samples,
            names: &known.names,
            first_gc: known.first_gc,
            from: part.from,
            until: part.until,
        };
        let mut instances = GenerationInstances::new(survey, i as u32, part.from.map_or(&[], Checkpoint::births));
        let n = survey.forest.goroutines.len();
        order(&input, last, &mut instances, workspace, n, sink)
    }
}

/// Wants no event.
pub(super) struct Nobody;

impl Sink for Nobody {
    fn wants(&self, _: GIdx) -> bool {
        false
    }

    fn event(&mut self, _: &Event, _: u64) {}
}
