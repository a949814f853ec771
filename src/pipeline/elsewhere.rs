//! What a trace leaves out, because another trace counts it: both are snapshots of one process that overlap.

use super::each_trace::{Done, Place, each_trace};
use super::open_trace::OpenTrace;
use super::progress::Ticker;
use super::snapshots::{self, GenerationKey, Seen};
use super::{Input, Options};
use crate::profile::in_several_snapshots;
use crate::slice::WindowIdx;
use crate::survey::Survey;
use crate::survey::listed::{Identity, ListedItem, TypeNames};
use crate::trace::error::{Result, Warning};
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::Hash;

/// What each trace shows and another trace of its process counts; `K` is where the trace has it.
#[derive(Debug)]
pub(super) struct Elsewhere<K> {
    by_place: FxHashMap<Place, FxHashSet<K>>,
    nothing: FxHashSet<K>,
}

impl<K> Default for Elsewhere<K> {
    fn default() -> Self {
        Self { by_place: FxHashMap::default(), nothing: FxHashSet::default() }
    }
}

impl<K: Copy + Eq + Hash> Elsewhere<K> {
    /// Finds it among all that traces show, and how much of it is `remarkable`.
    fn find<I: Copy + Ord>(
        seen: Vec<Seen<I, K>>,
        (places, process): (&[Place], &[usize]),
        remarkable: impl Fn(&Seen<I, K>) -> bool,
    ) -> (Self, usize) {
        let mut found = Self::default();
        let mut n = 0;
        for of in snapshots::duplicates(seen, process) {
            n += usize::from(remarkable(&of));
            let _ = found.by_place.entry(places[of.trace]).or_default().insert(of.key);
        }
        (found, n)
    }

    /// Of one trace.
    pub(super) fn of(&self, place: Place) -> &FxHashSet<K> {
        self.by_place.get(&place).unwrap_or(&self.nothing)
    }
}

/// The requests of snapshots that count in another one of their process.
#[derive(Debug, Default)]
pub(super) struct RootsElsewhere {
    /// The windows of roots.
    pub(super) windows: Elsewhere<WindowIdx>,
    /// Positions among the requests that were served.
    pub(super) served: Elsewhere<u32>,
    /// By trace, the position of the first one of its process.
    processes: FxHashMap<Place, usize>,
    /// How many are not counted where they are.
    pub(super) n: usize,
}

impl RootsElsewhere {
    /// Finds them among the roots of traces, and among the requests that their servers served.
    pub(super) fn find(
        traces: &[(Place, Vec<GenerationKey>)],
        roots: Vec<Seen<u64, WindowIdx>>,
        served: Vec<Seen<u64, u32>>,
    ) -> Self {
        let (places, keys): (Vec<Place>, Vec<Vec<GenerationKey>>) = traces.iter().cloned().unzip();
        let process = snapshots::processes(&keys);
        let (windows, n_roots) = Elsewhere::find(roots, (&places, &process), |_| true);
        let (served, n_undecided) = Elsewhere::find(served, (&places, &process), Seen::is_undecided);
        Self { windows, served, processes: places.into_iter().zip(process).collect(), n: n_roots + n_undecided }
    }

    /// The position of the first trace of a trace's process; none where no other snapshot of that was looked for.
    pub(super) fn process(&self, place: Place) -> Option<usize> {
        self.processes.get(&place).copied()
    }
}

/// What traces show that a list counts.
#[derive(Default)]
struct Listed {
    places: Vec<Place>,
    generations: Vec<Vec<GenerationKey>>,
    seen: Vec<Seen<Identity, ListedItem>>,
    names: TypeNames,
}

impl Listed {
    fn add(&mut self, place: Place, keys: Vec<GenerationKey>, survey: &Survey) {
        let of = (self.places.len(), survey.span());
        let Self { seen, names, .. } = self;
        survey.each_listed(names, |listed| seen.push(Seen::listed(&listed, of)));
        self.places.push(place);
        self.generations.push(keys);
    }
}

/// What lists of traces leave out.
#[derive(Default)]
pub(super) struct ListedElsewhere {
    pub(super) items: Elsewhere<ListedItem>,
    requests: usize,
}

impl ListedElsewhere {
    /// Looks for it where traces are snapshots of one process that overlap.
    pub(super) fn find(inputs: &[Input<'_>], options: Options) -> Result<Self> {
        let shared = shared_generations(inputs, options)?;
        if shared.is_empty() {
            return Ok(Self::default());
        }
        let ticker = Ticker::new(inputs, 1, None);
        let survey = |place: Place, trace: &mut OpenTrace<'_>, options: Options| {
            let keys = trace.generation_keys();
            if !keys.iter().any(|key| shared.contains(key)) {
                return Ok(None);
            }
            let (mut survey, _) = trace.survey(None, options, &ticker)?;
            trace.settle_first_calls(&mut survey)?;
            // Warnings are found again when the trace is listed.
            Ok(Some((place, keys, survey)))
        };
        let found = each_trace(inputs, options, Listed::default(), survey, |listed, done| {
            if let Done::Trace(Some((place, keys, survey))) = done {
                listed.add(place, keys, &survey);
            }
        })?;
        let Listed { places, generations, seen, .. } = found;
        let is_request = |of: &Seen<_, ListedItem>| matches!(of.key, ListedItem::Request(_));
        let (items, requests) = Elsewhere::find(seen, (&places, &snapshots::processes(&generations)), is_request);
        Ok(Self { items, requests })
    }

    /// What the reader must know of it.
    pub(super) fn remark(&self) -> Option<Warning> {
        let others = || Warning::note("snapshots", "what is in several snapshots of one process is counted once");
        in_several_snapshots(self.requests).or_else(|| (!self.items.by_place.is_empty()).then(others))
    }
}

/// The generations that several of the traces have.
pub(super) fn shared_generations(inputs: &[Input<'_>], options: Options) -> Result<FxHashSet<GenerationKey>> {
    // A file alone may hold several traces too.
    let keys = |_: Place, trace: &mut OpenTrace<'_>, _: Options| Ok(trace.generation_keys());
    let keys = each_trace(inputs, options, Vec::new(), keys, |all, done| {
        if let Done::Trace(keys) = done {
            all.push(keys);
        }
    })?;
    Ok(snapshots::shared(&keys))
}
