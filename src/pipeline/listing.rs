//! What could be selected: pass 1, and the order of events checked, as a profile would have it.

use super::each_trace::{Done, Place, each_trace};
use super::elsewhere::ListedElsewhere;
use super::looked_at::looked_at;
use super::open_trace::{OpenTrace, of_last_trace};
use super::progress::{ProgressHook, Ticker};
use super::threads::in_pool;
use super::{Input, Options};
use crate::profile::{AnnotationCandidate, Candidate, Candidates, Handler, PooledCandidates, TraceInfo, Undecided};
use crate::slice::TimeRange;
use crate::survey::{self, Among, Started, Survey};
use crate::trace::error::{Result, Warning};
use crate::trace::gos_own::RECORDING_HANDLER;
use crate::trace::ids::StackIdx;
use crate::trace::symbols::Symbols;
use crate::trace::time::Window;

/// Lists what could be selected in a part of the traces; in all of them without one.
pub fn candidates(
    inputs: &[Input<'_>],
    time: Option<TimeRange>,
    options: Options,
    progress: Option<ProgressHook<'_>>,
) -> Result<Candidates> {
    in_pool(inputs, options, |options| list_in_pool(inputs, options, Listing { time, progress, with_functions: false }))
}

/// What pooled goroutines were started for: their events tell, where there are any.
fn started(trace: &OpenTrace<'_>, survey: &Survey) -> Result<Started> {
    let mut started = Started::new(&survey.symbols);
    if started.needs_events() {
        // What is wrong with their order is found when it is checked.
        let _ = trace.events(survey, &mut |event, symbols| {
            if event.g.is_some() && event.stack != StackIdx::EMPTY {
                started.add(symbols, event.g, event.stack);
            }
        })?;
    }
    Ok(started)
}

/// How candidates are listed.
#[derive(Clone, Copy)]
pub(super) struct Listing<'h> {
    /// The part of the traces that is listed; none for all.
    pub(super) time: Option<TimeRange>,
    /// Called with what is done.
    pub(super) progress: Option<ProgressHook<'h>>,
    /// Whether all functions on stacks are named.
    pub(super) with_functions: bool,
}

/// The same, for callers that run in a pool already.
pub(super) fn list_in_pool(inputs: &[Input<'_>], options: Options, listing: Listing<'_>) -> Result<Candidates> {
    let elsewhere = ListedElsewhere::find(inputs, options)?;
    let ticker = Ticker::new(inputs, 2, listing.progress);
    let mut all = PooledCandidates::default();
    all.all.warnings.extend(elsewhere.remark());
    let list = |place: Place, trace: &mut OpenTrace<'_>, options: Options| {
        let (mut survey, predictions) = trace.survey(None, options, &ticker)?;
        trace.settle_first_calls(&mut survey)?;
        survey.leave_out(elsewhere.items.of(place));
        let mut warnings = trace.take_warnings();
        warnings.extend(std::mem::take(&mut survey.warnings).into_vec());
        trace.date(&survey, &mut warnings);
        let looked_at = looked_at(&survey, listing.time);
        let candidates = survey::candidates(&survey, &started(trace, &survey)?, looked_at);
        let (end, mut damage) = trace.check(&survey, predictions, options, &ticker)?;
        warnings.append(&mut damage);
        let info = trace.info(&inputs[place.0], &survey, (end, listing.time), &mut warnings);
        let handlers = survey::handlers(&survey, looked_at);
        let undecided = survey::unknown_handler(&survey, Among::all(looked_at)).undecided;
        let part = Window { end: looked_at.end.min(survey.end), ..looked_at };
        let annotations = (survey.annotations.rows(part), survey.annotations.older_tasks);
        let symbols = listing.with_functions.then(|| std::mem::take(&mut survey.symbols));
        Ok(ListedTrace { info, warnings, candidates, handlers, undecided, annotations, symbols })
    };
    let pooled = each_trace(inputs, options, all, list, |pooled, done| match done {
        Done::Trace(trace) => trace.add_to(pooled),
        Done::Input(unusable) => {
            let all = &mut pooled.all;
            all.warnings.extend(of_last_trace(unusable, &mut all.traces));
        }
    })?;
    let mut all = pooled.all;
    // What matched nothing is compared with each name.
    if !listing.with_functions {
        all.group_annotations();
    }
    all.add_other_protocols();
    all.sort();
    Ok(all)
}

/// What could be selected in one trace.
struct ListedTrace {
    info: TraceInfo,
    warnings: Vec<Warning>,
    candidates: (Vec<Candidate>, u64),
    handlers: Vec<Handler>,
    undecided: Undecided,
    /// Tasks and regions, and how many tasks are older than the trace.
    annotations: (Vec<AnnotationCandidate>, u64),
    /// All names, where they are wanted.
    symbols: Option<Symbols>,
}

impl ListedTrace {
    fn add_to(self, pooled: &mut PooledCandidates) {
        let all = &mut pooled.all;
        let number = all.traces.len();
        all.traces.push(self.info);
        all.warnings.extend(self.warnings.into_iter().map(|w| w.of_trace(number)));
        let (rows, older_tasks) = self.annotations;
        all.older_tasks += older_tasks;
        if let Some(symbols) = &self.symbols {
            add_functions(pooled, symbols);
        }
        pooled.add_annotations(rows);
        let (rows, older) = self.candidates;
        pooled.add(rows, older);
        pooled.add_served(self.handlers, &self.undecided);
    }
}

/// Adds the functions on all stacks.
fn add_functions(pooled: &mut PooledCandidates, symbols: &Symbols) {
    let of_recording = symbols.stacks_with(|name| {
        pooled.add_function(name);
        name == RECORDING_HANDLER
    });
    let all = &mut pooled.all;
    let stacks = of_recording.iter().enumerate().filter(|(_, is_own)| **is_own);
    let frames = stacks.flat_map(|(i, _)| symbols.frames(StackIdx(i as u32)));
    all.of_recording.extend(frames.map(|frame| symbols.function(frame).to_owned()));
    all.of_recording.sort_unstable();
    all.of_recording.dedup();
}
