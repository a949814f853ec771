//! Which requests count, where not all do: with `--only`, and where traces are snapshots of one process that overlap.

use super::each_trace::Place;
use super::elsewhere::RootsElsewhere;
use crate::profile::{self, CutRequest, Only, Requests};
use crate::slice::{Slice, WindowIdx};
use rustc_hash::{FxHashMap, FxHashSet};

/// The requests that count.
pub(super) struct Chosen {
    /// By trace, their windows; none where all windows count but those that count in another trace.
    pub(super) windows: Option<FxHashMap<Place, Vec<WindowIdx>>>,
    /// What counts in another trace.
    pub(super) elsewhere: RootsElsewhere,
    /// How long the requests took that there were to choose from, in ns.
    pub(super) before_ns: Vec<u64>,
    /// All requests that are cut.
    pub(super) cut: Vec<CutRequest>,
}

/// All requests of traces, to choose from.
pub(super) struct Measured<'a> {
    /// With how long they took.
    pub(super) requests: &'a Requests,
    /// Per trace, the windows of its requests, in the order of the list.
    pub(super) windows: &'a [Vec<WindowIdx>],
    /// The windows of the requests that are cut, in the order of their list.
    pub(super) cut_windows: &'a [WindowIdx],
    /// Per trace, where it is.
    pub(super) places: Vec<Place>,
}

impl Chosen {
    /// Chooses by length, where that is asked for, among the requests that count where they are.
    pub(super) fn new(all: &Measured<'_>, only: Option<Only>, elsewhere: RootsElsewhere) -> Self {
        let dropped: Vec<&FxHashSet<WindowIdx>> = all.places.iter().map(|place| elsewhere.windows.of(*place)).collect();
        let counts = |trace: u32, window: WindowIdx| !dropped[trace as usize].contains(&window);
        let list = all.requests.list.iter().zip(all.windows.iter().flatten());
        let list: Vec<_> = list.filter(|(request, window)| counts(request.trace, **window)).collect();
        let before_ns: Vec<u64> = list.iter().map(|(request, _)| request.dur_ns).collect();
        let cut = all.requests.cut.iter().zip(all.cut_windows);
        let mut cut: Vec<CutRequest> =
            cut.filter(|(cut, window)| counts(cut.trace, **window)).map(|(cut, _)| cut.clone()).collect();
        let windows = only.map(|only| {
            profile::choose_cut(&mut cut, only, &before_ns);
            let mut windows: FxHashMap<Place, Vec<WindowIdx>> =
                all.places.iter().map(|place| (*place, Vec::new())).collect();
            for ((request, window), _) in list.iter().zip(only.choose(&before_ns)).filter(|(_, chosen)| *chosen) {
                windows.entry(all.places[request.trace as usize]).or_default().push(**window);
            }
            windows
        });
        Self { windows, elsewhere, before_ns, cut }
    }

    /// Leaves in a slice what counts.
    pub(super) fn keep(&self, slice: &mut Slice, place: Place) {
        if let Some(windows) = self.windows.as_ref().and_then(|windows| windows.get(&place)) {
            return slice.keep(windows);
        }
        let elsewhere = self.elsewhere.windows.of(place);
        if !elsewhere.is_empty() {
            let kept = slice.windows.all().filter(|window| !elsewhere.contains(window));
            slice.keep(&kept.collect::<Vec<_>>());
        }
    }
}
