//! Pass 2: generations are measured side by side, and absorbed into the measurement of the whole trace in their order.
//!
//! ```text
//! workers   measure G1    measure G2, part 1    measure G2, part 2    measure G3   each by itself, side by side
//!               │                 │                     │                 │
//! one of       absorb ──────────► absorb ─────────────► absorb ─────────► absorb ──► Measured
//! them at a time: the measurement of the whole trace
//! ```
//!
//! 1. A part of a generation is measured by itself from the time on at which everything before it is certainly over
//!    ([`independent_from`]); earlier events are only kept.
//! 2. When all parts of a generation are measured, those that its splitting proved valid
//!    ([`crate::trace::v2::split`]) are absorbed in order.
//! 3. If the whole, at that time, shows that the part before ended later than was assumed, or that a window began or
//!    ended otherwise than file positions alone said, the rest of the generation is ordered again, straight into the whole.
//! 4. If a generation was split and anything in it is wrong, it is first measured again as one part, so that damaged
//!    traces give the same result for any number of threads.

use super::V2Trace;
use crate::measure::{
    BeforePart, MeasureSpec, Measured, MeasuredPart, PartMeasurer, PartStart, WholeMeasurer, WithoutPaths,
};
use crate::pipeline::Options;
use crate::pipeline::in_order::{in_order, lock};
use crate::pipeline::progress::Ticker;
use crate::pipeline::threads::is_among_last;
use crate::survey::Survey;
use crate::survey::v2::collect::GenerationSurvey;
use crate::trace::error::{Error, Result, Warning};
use crate::trace::time::Time;
use crate::trace::v2::generation::{Generation, ThreadBatches};
use crate::trace::v2::order::errors::OrderingErrors;
use crate::trace::v2::order::frontier::{Ordered, Workspace};
use crate::trace::v2::split::{Checkpoint, GenerationPart, Predictions, n_valid_parts};
use std::sync::{Arc, Mutex};

impl V2Trace<'_> {
    /// Pass 2: measures all generations, splitting those that were predicted. Gives also the time of the last event,
    /// and warnings about what is wrong with the order.
    pub(in crate::pipeline) fn measure(
        &self,
        survey: &Survey,
        predictions: Predictions,
        spec: MeasureSpec<'_>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        let checkpoints = &self.checkpoints(survey, predictions)?;
        let borders = Borders { independent_from: &independent_from(survey), checkpoints };
        self.measure_between(borders, survey, spec, options, ticker)
    }

    /// The same where the borders of parts are given.
    pub(super) fn measure_between<'t>(
        &self,
        borders: Borders<'_>,
        survey: &Survey,
        spec: MeasureSpec<'t>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        let parts = GenerationPart::all(borders.checkpoints);
        let measuring = Measuring { trace: self, survey, independent_from: borders.independent_from };
        let measurer = WholeMeasurer::new(spec);
        let resources = measurer.part_resources(true);
        let nothing = MeasuredSoFar {
            measurer,
            last: Time::MIN,
            errors: OrderingErrors::default(),
            parts: Vec::new(),
            failed: None,
        };
        // Measurers of absorbed parts, for further ones.
        let spare: Mutex<Vec<PartMeasurer<'t>>> = Mutex::default();
        let measure = |i: usize, workspace: &mut Workspace| {
            let measurer = lock(&spare).pop().unwrap_or_else(|| PartMeasurer::new(&resources));
            measuring.measure(parts[i], measurer, workspace)
        };
        let measured = in_order(
            parts.len(),
            options.threads,
            nothing,
            Workspace::default,
            measure,
            |so_far, i, measured, workspace| {
                match measured {
                    Ok(measured) => so_far.parts.push(measured),
                    Err(error) => so_far.fail(error),
                }
                if parts[i].is_last() {
                    match measuring.absorb_generation(so_far, workspace) {
                        Ok(measurers) => lock(&spare).extend(measurers),
                        Err(error) => so_far.fail(error),
                    }
                    let index = &self.index.generations[parts[i].generation];
                    ticker.add(index.end - index.start);
                }
            },
        );
        if let Some(error) = measured.failed {
            return Err(error);
        }
        let MeasuredSoFar { measurer, last, errors, .. } = measured;
        Ok((measurer.finish(last), last, errors.warnings(survey.start)))
    }
}

/// Where parts begin that are measured by themselves.
#[derive(Clone, Copy)]
pub(super) struct Borders<'b> {
    /// Per generation, the time from which on it is measured by itself. With `Time::MAX`, all of it is measured in order.
    pub(super) independent_from: &'b [Time],
    /// Per generation, the checkpoints that split it.
    pub(super) checkpoints: &'b [Vec<Checkpoint>],
}

/// Pass 2 of a trace.
struct Measuring<'r> {
    trace: &'r V2Trace<'r>,
    survey: &'r Survey,
    /// As in [`Borders`].
    independent_from: &'r [Time],
}

/// A part of a generation, measured by itself.
struct OrderedPart<'c, 't> {
    part: GenerationPart<'c>,
    measured: MeasuredPart<'t>,
    ordered: Ordered,
}

/// The measurement of the whole trace, up to the generations absorbed so far.
struct MeasuredSoFar<'c, 't> {
    measurer: WholeMeasurer<'t>,
    /// Time of the last event.
    last: Time,
    errors: OrderingErrors,
    /// The parts of the next generation that were measured.
    parts: Vec<OrderedPart<'c, 't>>,
    /// The first error.
    failed: Option<Error>,
}

impl MeasuredSoFar<'_, '_> {
    fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }
}

impl Measuring<'_> {
    /// Orders a part and measures it by itself.
    fn measure<'c, 't>(
        &self,
        part: GenerationPart<'c>,
        mut measurer: PartMeasurer<'t>,
        workspace: &mut Workspace,
    ) -> Result<OrderedPart<'c, 't>> {
        measurer.begin(self.part_start(part));
        let ordered = match WithoutPaths::of(&mut measurer) {
            Some(mut sink) => self.trace.order(self.survey, part, Time::MIN, workspace, &mut sink)?,
            None => self.trace.order(self.survey, part, Time::MIN, workspace, &mut measurer)?,
        };
        Ok(OrderedPart { part, measured: measurer.end(), ordered })
    }

    /// What the measurer of a part has to know of the events before it.
    fn part_start(&self, part: GenerationPart<'_>) -> PartStart {
        let i = part.generation;
        let index = &self.trace.index.generations[i];
        let (generation, file_start) = (i as u32, index.start);
        let Some(checkpoint) = part.from else {
            return PartStart { generation, file_start, independent_from: self.independent_from[i], inside: None };
        };
        let bytes = Generation::new(self.trace.source, index);
        let before = BeforePart::new(
            checkpoint.ranges_before(index, &ThreadBatches::new(&bytes)),
            checkpoint.samples().iter().copied(),
            checkpoint.goroutines(),
            checkpoint.assisting(),
            checkpoint.sweeping(),
        );
        let independent_from = checkpoint.time() + MAX_DELAY_NS;
        PartStart { generation, file_start, independent_from, inside: Some(Arc::new(before)) }
    }

    /// Absorbs the next generation, of which all parts were measured. Gives the measurers of its parts, empty again.
    fn absorb_generation<'t>(
        &self,
        so_far: &mut MeasuredSoFar<'_, 't>,
        workspace: &mut Workspace,
    ) -> Result<Vec<PartMeasurer<'t>>> {
        let mut parts = std::mem::take(&mut so_far.parts);
        let Some(i) = parts.first().map(|measured| measured.part.generation) else { return Ok(Vec::new()) };
        let n = n_valid_parts(parts.iter().map(|measured| &measured.ordered));
        let mut measurers: Vec<_> = parts.drain(n..).map(|unused| unused.measured.into_measurer()).collect();
        if n > 1 && parts.iter().any(|measured| !measured.ordered.is_sound()) {
            measurers.extend(parts.drain(..).map(|unused| unused.measured.into_measurer()));
            if let Some(measurer) = measurers.pop() {
                parts.push(self.measure(GenerationPart::whole(i), measurer, workspace)?);
            }
        }
        let clock = self.trace.clocks[i];
        let start = clock.time(self.trace.index.generations[i].min_time).max(so_far.last + 1);
        let mut is_over = false;
        for mut measured in parts {
            if !is_over {
                is_over = self.absorb(&mut measured, start, so_far, workspace)?;
            }
            measurers.push(measured.measured.into_measurer());
        }
        let (size, left) = self.trace.size_and_left(i);
        so_far.measurer.walk_if_due(so_far.last, is_among_last(size, left));
        Ok(measurers)
    }

    /// Absorbs the next part of a generation that began at `start`. True if the rest of the generation was measured with
    /// it.
    fn absorb<'t>(
        &self,
        OrderedPart { part, measured, ordered }: &mut OrderedPart<'_, 't>,
        start: Time,
        so_far: &mut MeasuredSoFar<'_, 't>,
        workspace: &mut Workspace,
    ) -> Result<bool> {
        let is_absorbed = so_far.measurer.absorb(measured, so_far.last, start);
        if is_absorbed {
            ordered.last = ordered.last.max(so_far.last + ordered.emitted as i64);
        } else {
            // Measured again, now that all before it is known, to the generation's end: where the next part starts was
            // predicted. Paths are walked when they would be if the generation were whole.
            so_far.measurer.begin_generation(start);
            so_far.measurer.hold_walks(part.from.is_some());
            let rest = part.to_generation_end();
            *ordered = self.trace.order(self.survey, rest, so_far.last, workspace, &mut so_far.measurer)?;
        }
        so_far.measurer.hold_walks(false);
        so_far.last = ordered.last;
        so_far.errors.add(ordered.errors);
        Ok(!is_absorbed)
    }
}

/// How long after a generation's last event, in ns, first events of the next one may still be delayed by it: events of
/// one tick follow each other at 1 ns, and the statuses at a generation's end share a few ticks.
const MAX_DELAY_NS: i64 = 100_000;

/// Per generation, the time at which those before it are certainly over, by what pass 1 knows of their last events.
pub(super) fn independent_from(survey: &Survey) -> Vec<Time> {
    let n_goroutines = survey.forest.goroutines.len() as i64;
    let over = |latest: &mut Time, g: &GenerationSurvey| {
        let before = *latest;
        *latest = before.max(g.latest);
        // A status for each goroutine, at most, has to make way.
        Some(if before == Time::MIN { before } else { before + MAX_DELAY_NS.min(n_goroutines) + MAX_DELAY_NS })
    };
    survey.generations.iter().scan(Time::MIN, over).collect()
}
