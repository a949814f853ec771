//! What selects all requests of each trace's servers: the functions of its own endpoints.

use super::elsewhere::Place;
use super::looked_at::looked_at;
use super::open_trace::for_each_trace;
use super::progress::Ticker;
use super::{Input, Options};
use crate::slice::{Selector, SelectorBuilder};
use crate::survey;
use crate::survey::roots::servers::TIMEOUT_HANDLER;
use crate::trace::error::Result;
use rustc_hash::FxHashMap;

/// By where a trace is, what selects the requests of its servers.
pub(super) type EndpointSelectors = FxHashMap<Place, Selector>;

/// Finds them. What else is asked for is in `builder`, which has no pattern.
pub(super) fn endpoint_selectors(
    inputs: &[Input<'_>],
    builder: &SelectorBuilder,
    options: Options,
    ticker: &Ticker<'_>,
) -> Result<EndpointSelectors> {
    let time = builder.time.as_ref().map(|(range, _)| *range);
    let mut selectors = EndpointSelectors::default();
    for (i, input) in inputs.iter().enumerate() {
        let _ = for_each_trace(input, &mut |trace| {
            let (survey, _) = trace.survey(None, options, ticker)?;
            let functions = survey::endpoints(&survey, looked_at(&survey, time)).functions;
            // On its own stacks, a request with a time limit shows no endpoint, but this.
            let functions = functions.iter().map(String::as_str).chain([TIMEOUT_HANDLER]);
            let patterns = functions.map(|function| format!("^{}$", regex::escape(function)));
            let selector = patterns.fold(builder.clone(), SelectorBuilder::root).build()?;
            selectors.insert((i, trace.start), selector);
            // They are found again when the trace is sliced.
            drop(trace.take_warnings());
            Ok(())
        })
        .map_err(|e| e.in_input(&input.name))?;
    }
    Ok(selectors)
}
