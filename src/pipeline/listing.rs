//! What could be selected: pass 1, and the order of events checked, as a profile would have it.

use super::open_trace::{OpenTrace, for_each_trace, of_last_trace};
use super::progress::{ProgressHook, Ticker};
use super::threads::in_pool;
use super::{Input, Options};
use crate::profile::Candidates;
use crate::survey::{self, Started, Survey};
use crate::trace::error::Result;
use crate::trace::ids::StackIdx;

/// Lists what could be selected.
pub fn candidates(inputs: &[Input<'_>], options: Options, progress: Option<ProgressHook<'_>>) -> Result<Candidates> {
    in_pool(options, |options| list_in_pool(inputs, options, Listing { progress, with_functions: false }))
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
    /// Called with what is done.
    pub(super) progress: Option<ProgressHook<'h>>,
    /// Whether all functions on stacks are named.
    pub(super) with_functions: bool,
}

/// The same, for callers that run in a pool already.
pub(super) fn list_in_pool(inputs: &[Input<'_>], options: Options, listing: Listing<'_>) -> Result<Candidates> {
    let ticker = Ticker::new(inputs, 2, listing.progress);
    let mut all = Candidates::default();
    for input in inputs {
        let unusable = for_each_trace(input, &mut |trace| {
            let (mut survey, predictions) = trace.survey(None, options, &ticker)?;
            let mut warnings = trace.take_warnings();
            warnings.extend(std::mem::take(&mut survey.warnings).into_vec());
            trace.date(&survey, &mut warnings);
            let (rows, older) = survey::candidates(&survey, &started(trace, &survey)?);
            let (end, mut damage) = trace.check(&survey, predictions, options, &ticker)?;
            warnings.append(&mut damage);
            all.traces.push(trace.info(input, &survey, end, &mut warnings));
            all.warnings.extend(warnings.into_iter().map(|w| w.of_trace(all.traces.len() - 1)));
            all.add(rows, older);
            if listing.with_functions {
                survey.symbols.stacks_with(|name| {
                    all.functions.push(name.to_owned());
                    false
                });
            }
            all.add_served(survey::handlers(&survey), &survey::unknown_handler(&survey));
            all.older_tasks += survey.annotations.older_tasks;
            all.add_annotations(survey.annotations.rows);
            Ok(())
        })
        .map_err(|e| e.in_input(&input.name))?;
        all.warnings.extend(of_last_trace(unusable, &mut all.traces));
    }
    // What matched nothing is compared with each name.
    if !listing.with_functions {
        all.group_annotations();
    }
    all.sort();
    Ok(all)
}
