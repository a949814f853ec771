//! What selects all requests of each trace's servers: the functions of its own endpoints.

use super::each_trace::{Done, Place, each_trace};
use super::looked_at::looked_at;
use super::open_trace::OpenTrace;
use super::progress::Ticker;
use super::{Input, Options};
use crate::slice::{Selector, SelectorBuilder};
use crate::survey;
use crate::survey::roots::servers::TIMEOUT_HANDLER;
use crate::trace::error::Result;
use indexmap::IndexSet;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// By where a trace is, what selects the requests of its servers. Traces with the same endpoints share it: a program's are
/// the same in each of thousands of traces, and their compiled pattern is large.
#[derive(Default)]
pub(super) struct EndpointSelectors {
    by_place: FxHashMap<Place, usize>,
    selectors: Vec<Selector>,
}

impl EndpointSelectors {
    /// Of one trace.
    pub(super) fn get(&self, place: Place) -> Option<&Selector> {
        self.by_place.get(&place).map(|&at| &self.selectors[at])
    }
}

/// Finds them. What else is asked for is in `builder`, which has no pattern.
pub(super) fn endpoint_selectors(
    inputs: &[Input<'_>],
    builder: &SelectorBuilder,
    options: Options,
    ticker: &Ticker<'_>,
) -> Result<EndpointSelectors> {
    let time = builder.time.as_ref().map(|(range, _)| *range);
    // Warnings are found again when the trace is sliced.
    let endpoints = |place: Place, trace: &mut OpenTrace<'_>, options: Options| {
        let (survey, _) = trace.survey(None, options, ticker)?;
        Ok((place, survey::endpoints(&survey, looked_at(&survey, time)).functions))
    };
    let nothing = (FxHashMap::default(), IndexSet::new());
    let (by_place, functions) = each_trace(inputs, options, nothing, endpoints, |(by_place, known), done| {
        if let Done::Trace((place, functions)) = done {
            let (at, _) = known.insert_full(functions);
            by_place.insert(place, at);
        }
    })?;
    let selector = |functions: BTreeSet<String>| {
        // On its own stacks, a request with a time limit shows no endpoint, but this.
        let functions = functions.iter().map(String::as_str).chain([TIMEOUT_HANDLER]);
        let patterns = functions.map(|function| format!("^{}$", regex::escape(function)));
        patterns.fold(builder.clone(), SelectorBuilder::root).build()
    };
    Ok(EndpointSelectors { by_place, selectors: functions.into_iter().map(selector).collect::<Result<_>>()? })
}
