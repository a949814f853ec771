//! The reader alone: the events of a trace in causal order, for callers that slice nothing.

use super::open_trace::for_each_trace;
use super::progress::Ticker;
use super::threads::in_pool;
use super::{Input, Options};
use crate::trace::error::{Result, Warning};
use crate::trace::event::Event;
use crate::trace::symbols::Symbols;

/// Hands all events of the traces in `input` to `take`, in causal order and on one thread, with the names that their
/// indexes stand for. Times strictly increase within a trace. Returns warnings about what could not be read.
pub fn events(input: &Input<'_>, take: &mut (dyn FnMut(&Event, &Symbols) + Send)) -> Result<Vec<Warning>> {
    let one_thread = Options { threads: 1, ..Options::default() };
    in_pool(std::slice::from_ref(input), one_thread, |options| {
        let ticker = Ticker::new(std::slice::from_ref(input), 2, None);
        let mut warnings = Vec::new();
        let unusable = for_each_trace(input, &mut |trace| {
            let (mut survey, _) = trace.survey(None, options, &ticker)?;
            warnings.append(&mut trace.take_warnings());
            warnings.extend(std::mem::take(&mut survey.warnings).into_vec());
            warnings.append(&mut trace.events(&survey, take)?);
            Ok(())
        })
        .map_err(|e| e.in_input(&input.name))?;
        warnings.extend(unusable);
        Ok(warnings)
    })
}
