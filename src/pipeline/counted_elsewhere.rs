//! What the list of a trace leaves out, because another trace counts it: both are snapshots of one process that overlap.

use super::open_trace::for_each_trace;
use super::progress::Ticker;
use super::roots_elsewhere::Place;
use super::snapshots::{self, GenerationKey, Seen, in_several_snapshots};
use super::{Input, Options};
use crate::survey::listed::ListedItem;
use crate::trace::error::{Result, Warning};
use rustc_hash::{FxHashMap, FxHashSet};

/// What each trace shows and another trace of its process counts.
#[derive(Default)]
pub(super) struct CountedElsewhere {
    /// Sorted.
    by_place: FxHashMap<Place, Vec<ListedItem>>,
    requests: usize,
}

impl CountedElsewhere {
    /// Looks for it where traces are snapshots of one process that overlap.
    pub(super) fn find(inputs: &[Input<'_>], options: Options) -> Result<Self> {
        let shared = shared_generations(inputs)?;
        if shared.is_empty() {
            return Ok(Self::default());
        }
        let ticker = Ticker::new(inputs, 1, None);
        let (mut places, mut generations, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (i, input) in inputs.iter().enumerate() {
            let _ = for_each_trace(input, &mut |trace| {
                let keys = trace.generation_keys();
                if keys.iter().any(|key| shared.contains(key)) {
                    let (mut survey, _) = trace.survey(None, options, &ticker)?;
                    trace.settle_first_calls(&mut survey)?;
                    let of = (places.len(), survey.span());
                    seen.extend(survey.listed().into_iter().map(|listed| Seen::listed(listed, of)));
                    places.push((i, trace.start));
                    generations.push(keys);
                }
                // They are found again when the trace is listed.
                drop(trace.take_warnings());
                Ok(())
            })
            .map_err(|e| e.in_input(&input.name))?;
        }
        let mut found = Self::default();
        for of in snapshots::duplicates(seen, &snapshots::processes(&generations)) {
            found.requests += usize::from(matches!(of.key, ListedItem::Request(_)));
            found.by_place.entry(places[of.trace]).or_default().push(of.key);
        }
        found.by_place.values_mut().for_each(|items| items.sort_unstable());
        Ok(found)
    }

    /// Of one trace.
    pub(super) fn of(&self, place: Place) -> &[ListedItem] {
        self.by_place.get(&place).map_or(&[], Vec::as_slice)
    }

    /// What the reader must know of it.
    pub(super) fn remark(&self) -> Option<Warning> {
        let others = || Warning::note("snapshots", "what is in several snapshots of one process is counted once");
        in_several_snapshots(self.requests).or_else(|| (!self.by_place.is_empty()).then(others))
    }
}

/// The generations that several of the traces have.
pub(super) fn shared_generations(inputs: &[Input<'_>]) -> Result<FxHashSet<GenerationKey>> {
    let mut keys = Vec::new();
    // A file alone may hold several traces too.
    for input in inputs {
        let _ = for_each_trace(input, &mut |trace| {
            keys.push(trace.generation_keys());
            Ok(())
        })
        .map_err(|e| e.in_input(&input.name))?;
    }
    Ok(snapshots::shared(&keys))
}
