//! Pass 2 of single generations, or parts of them: their events in causal order.

use super::V2Trace;
use super::instances::GenerationInstances;
use crate::pipeline::Options;
use crate::pipeline::in_order::in_order;
use crate::pipeline::progress::Ticker;
use crate::survey::Survey;
use crate::trace::error::{Result, Warning};
use crate::trace::event::Event;
use crate::trace::ids::GIdx;
use crate::trace::sink::Sink;
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use crate::trace::v2::generation::Generation;
use crate::trace::v2::order::errors::OrderingErrors;
use crate::trace::v2::order::frontier::{GenerationInput, Ordered, Workspace, order};
use crate::trace::v2::split::{Checkpoint, GenerationPart, Predictions, ScannedGeneration, n_valid_parts};
use crate::trace::v2::tables::read_samples;

impl V2Trace<'_> {
    /// Orders all generations, several side by side, and discards the events. Gives the time of the last event, and
    /// warnings about what is wrong with the order.
    pub(in crate::pipeline) fn check(
        &self,
        survey: &Survey,
        predictions: Predictions,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Time, Vec<Warning>)> {
        let checkpoints = self.checkpoints(survey, predictions)?;
        let parts = GenerationPart::all(&checkpoints);
        let order = |i: usize, workspace: &mut Workspace| {
            self.order(survey, parts[i], Time::MIN, workspace, &mut DiscardEvents)
        };
        let nothing = Checked { last: Time::MIN, errors: OrderingErrors::default(), parts: Vec::new() };
        let take = |so_far: &mut Result<Checked>, i: usize, ordered: Result<Ordered>, _: &mut Workspace| {
            match (&mut *so_far, ordered) {
                (Ok(checked), Ok(ordered)) => checked.parts.push(ordered),
                (Ok(_), Err(error)) => *so_far = Err(error),
                (Err(_), _) => {}
            }
            if parts[i].is_last() {
                let index = &self.index.generations[parts[i].generation];
                ticker.add(index.end - index.start);
                so_far.iter_mut().for_each(Checked::end_generation);
            }
        };
        let checked = in_order(parts.len(), options.threads, Ok(nothing), Workspace::default, order, take)?;
        Ok((checked.last, checked.errors.warnings(survey.start)))
    }

    /// Hands all events to `take`, one generation after the other; gives warnings about what is wrong with the order.
    pub(in crate::pipeline) fn events(
        &self,
        survey: &Survey,
        take: &mut (dyn FnMut(&Event, &Symbols) + Send),
    ) -> Result<Vec<Warning>> {
        let mut sink = EveryEvent { take, symbols: &survey.symbols };
        let (mut last, mut errors, mut workspace) = (Time::MIN, OrderingErrors::default(), Workspace::default());
        for i in 0..self.index.generations.len() {
            let ordered = self.order(survey, GenerationPart::whole(i), last, &mut workspace, &mut sink)?;
            last = ordered.last.max(last);
            errors.add(ordered.errors);
        }
        Ok(errors.warnings(survey.start))
    }

    /// Hands the events of a part of a generation to `sink`, in causal order. `last` is the time of the event before
    /// it.
    pub(super) fn order(
        &self,
        survey: &Survey,
        part: GenerationPart<'_>,
        last: Time,
        workspace: &mut Workspace,
        sink: &mut impl Sink,
    ) -> Result<Ordered> {
        let i = part.generation;
        let surveyed = &survey.generations[i];
        let generation = Generation::new(self.source, &self.index.generations[i]);
        let samples = read_samples(&generation, &mut Vec::new())?;
        let input = GenerationInput {
            generation: &generation,
            clock: self.clocks[i],
            known: &self.known,
            samples: &samples,
            names: &surveyed.names,
            n_goroutines: survey.forest.goroutines.len(),
            first_gc: surveyed.first_gc,
            last,
            from: part.from.map(Checkpoint::order),
            until: part.until.map(Checkpoint::order),
        };
        let mut instances = GenerationInstances::new(survey, i as u32, part.created_before());
        order(&input, &mut instances, workspace, sink)
    }

    /// The checkpoints of each generation, by what pass 1 observed; fewer than were planned if some cannot be
    /// predicted.
    pub(super) fn checkpoints(&self, survey: &Survey, predictions: Predictions) -> Result<Vec<Vec<Checkpoint>>> {
        let forest = &survey.forest;
        // Which goroutine a repeated id means is known only in order.
        let predictions = if forest.has_repeats() { Predictions::default() } else { predictions };
        let generations = self.index.generations.iter().enumerate().map(|(i, index)| ScannedGeneration {
            generation: Generation::new(self.source, index),
            clock: self.clocks[i],
            first_gc: survey.generations.get(i).and_then(|surveyed| surveyed.first_gc),
            n_goroutines: forest.goroutines.len(),
        });
        predictions.checkpoints(generations, |id| forest.latest(id))
    }
}

/// Hands every event to a function.
struct EveryEvent<'s> {
    take: &'s mut (dyn FnMut(&Event, &Symbols) + Send),
    symbols: &'s Symbols,
}

impl Sink for EveryEvent<'_> {
    fn wants(&self, _: GIdx) -> bool {
        true
    }

    fn event(&mut self, event: &Event, _: u64) {
        (self.take)(event, self.symbols);
    }
}

/// The generations checked so far.
struct Checked {
    /// Time of the last event.
    last: Time,
    errors: OrderingErrors,
    /// The parts of the next generation that were ordered.
    parts: Vec<Ordered>,
}

impl Checked {
    /// All parts of a generation were ordered.
    fn end_generation(&mut self) {
        let n = n_valid_parts(self.parts.iter());
        for ordered in self.parts.drain(..).take(n) {
            self.last = ordered.last.max(self.last + ordered.emitted as i64);
            self.errors.add(ordered.errors);
        }
    }
}

/// A sink that needs no event.
pub(super) struct DiscardEvents;

impl Sink for DiscardEvents {
    fn wants(&self, _: GIdx) -> bool {
        false
    }

    fn event(&mut self, _: &Event, _: u64) {}
}
