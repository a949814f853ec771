//! Pass 2: generations are measured, in parts where threads would wait, and taken into the whole in their order.

use super::V2Trace;
use super::predictions::Predictions;
use crate::measure::{BeforePart, GenerationMeasured, MeasureSpec, Measured, Measurer, PartStart, WithoutPaths};
use crate::pipeline::Options;
use crate::pipeline::in_order::{in_order, lock};
use crate::pipeline::progress::Ticker;
use crate::pipeline::threads::{all_threads, walking_threads};
use crate::survey::collect::{GenerationSurvey, Survey};
use crate::trace::error::{Error, Result, Warning};
use crate::trace::time::Time;
use crate::trace::v2::generation::Generation;
use crate::trace::v2::order::frontier::{Ordered, OrderingErrors, Workspace};
use crate::trace::v2::reader::ThreadBatches;
use crate::trace::v2::split::checkpoint::Checkpoint;
use crate::trace::v2::split::plan::{GenerationPart, parts, used};
use std::sync::{Arc, Mutex};

impl V2Trace<'_> {
    /// Pass 2: measures all generations, several side by side, and takes them into the whole in their order.
    pub(in crate::pipeline) fn measure(
        &self,
        survey: &Survey,
        predictions: Predictions,
        task: MeasureSpec<'_>,
        options: Options,
        ticker: &Ticker<'_>,
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        let cuts = self.cuts(survey, predictions)?;
        self.measure_from(survey, task, options, ticker, (&settled_times(survey), &cuts))
    }

    /// Measures each part of a generation by itself from its settled moment on; what is earlier is measured in order.
    /// `settled` has these moments of the generations, `cuts` has what cuts them into parts.
    pub(super) fn measure_from<'t>(
        &self,
        survey: &Survey,
        task: MeasureSpec<'t>,
        options: Options,
        ticker: &Ticker<'_>,
        (settled, cuts): (&[Time], &[Vec<Checkpoint>]),
    ) -> Result<(Measured, Time, Vec<Warning>)> {
        let parts = parts(cuts);
        let measuring = Measuring { recording: self, survey, settled, parts: &parts };
        let measurer = Measurer::new(task);
        let memory = measurer.tape_memory();
        let whole =
            Whole { measurer, last: Time::MIN, complaints: OrderingErrors::default(), parts: Vec::new(), failed: None };
        // Measurers of parts, for the next ones.
        let spare: Mutex<Vec<Measurer<'t>>> = Mutex::default();
        let measure = |i: usize, workspace: &mut Workspace| {
            let measurer = lock(&spare).pop().unwrap_or_else(|| Measurer::partial(task, &memory));
            measuring.measure(parts[i], measurer, workspace)
        };
        let take = |whole: &mut Whole<'t>, i: usize, measured: Result<PartMeasured<'t>>, workspace: &mut Workspace| {
            match measured {
                Ok(measured) => whole.parts.push((i, measured)),
                Err(error) => whole.failed = whole.failed.take().or(Some(error)),
            }
            if parts[i].until.is_some() {
                return;
            }
            match measuring.take_generation(whole, workspace) {
                Ok(measurers) => lock(&spare).extend(measurers),
                Err(error) => whole.failed = whole.failed.take().or(Some(error)),
            }
            let index = &self.index.generations[parts[i].generation];
            ticker.add(index.end - index.start);
        };
        let whole = in_order(parts.len(), options.threads, whole, Workspace::default, measure, take);
        if let Some(error) = whole.failed {
            return Err(error);
        }
        let Whole { measurer, last, complaints, .. } = whole;
        let warnings = complaints.warnings(survey.start);
        Ok((measurer.finish(last, all_threads()), last, warnings))
    }
}

/// Pass 2 of a recording.
struct Measuring<'r> {
    recording: &'r V2Trace<'r>,
    survey: &'r Survey,
    /// Per generation, from which moment on it is measured by itself.
    settled: &'r [Time],
    parts: &'r [GenerationPart<'r>],
}

/// A part of a generation, measured by itself.
type PartMeasured<'t> = (GenerationMeasured<'t>, Ordered);

impl Measuring<'_> {
    fn measure<'t>(
        &self,
        part: GenerationPart<'_>,
        mut measurer: Measurer<'t>,
        workspace: &mut Workspace,
    ) -> Result<PartMeasured<'t>> {
        measurer.begin_partial(self.beginning(part));
        let ordered = match WithoutPaths::of(&mut measurer) {
            Some(mut sink) => self.recording.order(self.survey, part, Time::MIN, workspace, &mut sink)?,
            None => self.recording.order(self.survey, part, Time::MIN, workspace, &mut measurer)?,
        };
        Ok((measurer.end_partial(), ordered))
    }

    fn beginning(&self, part: GenerationPart<'_>) -> PartStart {
        let i = part.generation;
        let index = &self.recording.index.generations[i];
        let (generation, file_start, settled) = (i as u32, index.start, self.settled[i]);
        let Some(cut) = part.from else { return PartStart { generation, file_start, settled, inside: None } };
        let bytes = Generation::new(self.recording.source, index);
        let places = cut.places(index, &ThreadBatches::new(&bytes));
        let inside =
            Some(Arc::new(BeforePart::new(places, cut.samples().iter().copied(), cut.goroutines(), cut.assisting())));
        PartStart { generation, file_start, settled: cut.time + SETTLING_NS, inside }
    }

    /// Takes a generation, the next in order, of which all parts were measured, into the whole. Gives what it was
    /// measured with, for another one.
    fn take_generation<'t>(&self, whole: &mut Whole<'t>, workspace: &mut Workspace) -> Result<Vec<Measurer<'t>>> {
        let mut parts = std::mem::take(&mut whole.parts);
        let Some(i) = parts.first().map(|(part, _)| self.parts[*part].generation) else { return Ok(Vec::new()) };
        let n = used(parts.iter().map(|(_, (_, ordered))| ordered));
        let mut measurers: Vec<_> = parts.drain(n..).map(|(_, (unused, _))| unused.into_measurer()).collect();
        let mut parts: Vec<_> = parts.into_iter().map(|(part, measured)| (self.parts[part], measured)).collect();
        // What is damaged is measured as it would be without cuts.
        if n > 1 && parts.iter().any(|(_, (_, ordered))| !ordered.is_sound()) {
            measurers.extend(parts.drain(..).map(|(_, (unused, _))| unused.into_measurer()));
            let whole = GenerationPart::whole(i);
            if let Some(measurer) = measurers.pop() {
                parts.push((whole, self.measure(whole, measurer, workspace)?));
            }
        }
        let clock = self.recording.clocks[i];
        let start = clock.time(self.recording.index.generations[i].min_time).max(whole.last + 1);
        let mut is_over = false;
        for (part, mut measured) in parts {
            if !is_over {
                is_over = self.absorb(part, start, whole, &mut measured, workspace)?;
            }
            measurers.push(measured.0.into_measurer());
        }
        let (size, left) = self.recording.size_and_left(i);
        whole.measurer.walk_if_due(whole.last, walking_threads(size, left));
        Ok(measurers)
    }

    /// Takes a part of a generation that began at `start`, the next in order, into the whole. True if the rest of the
    /// generation was taken with it.
    fn absorb<'t>(
        &self,
        part: GenerationPart<'_>,
        start: Time,
        whole: &mut Whole<'t>,
        (measured, ordered): &mut PartMeasured<'t>,
        workspace: &mut Workspace,
    ) -> Result<bool> {
        let is_absorbed = whole.measurer.absorb(measured, whole.last, start);
        if is_absorbed {
            ordered.last = ordered.last.max(whole.last + ordered.emitted as i64);
        } else {
            // It began later than was thought: once more, knowing when. Where the rest begins was told by the cut, and
            // walks are due when they would be without one.
            whole.measurer.begin_generation(start);
            whole.measurer.hold_walks(part.from.is_some());
            let part = GenerationPart { until: None, ..part };
            *ordered = self.recording.order(self.survey, part, whole.last, workspace, &mut whole.measurer)?;
        }
        whole.measurer.hold_walks(false);
        whole.last = ordered.last;
        whole.complaints.add(ordered.complaints);
        Ok(!is_absorbed)
    }
}

/// The generations taken so far.
struct Whole<'t> {
    measurer: Measurer<'t>,
    /// Time of the last event.
    last: Time,
    complaints: OrderingErrors,
    /// The parts of the next one that were measured.
    parts: Vec<(usize, PartMeasured<'t>)>,
    failed: Option<Error>,
}

/// How long after a generation's last event, in ns, the next one may still have to make way for it: events of
/// one tick follow each other at 1 ns, and the statuses at a generation's end share a few ticks.
const SETTLING_NS: i64 = 100_000;

/// Per generation, the moment at which those before it are certainly over.
pub(super) fn settled_times(survey: &Survey) -> Vec<Time> {
    let alive = survey.forest.goroutines.len() as i64;
    let over = |latest: &mut Time, g: &GenerationSurvey| {
        let before = *latest;
        *latest = before.max(g.latest);
        Some(if before == Time::MIN { before } else { before + SETTLING_NS.min(alive) + SETTLING_NS })
    };
    survey.generations.iter().scan(Time::MIN, over).collect()
}
