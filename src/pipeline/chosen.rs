//! Which requests count, where not all do: with `--only`, and where traces are snapshots of one process that overlap.

use super::each_trace::Place;
use super::elsewhere::RootsElsewhere;
use super::snapshots::{GenerationKey, Seen};
use crate::profile::{self, CutRequest, Only, Requests, TraceInfo};
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

/// Where the requests are that are chosen from.
#[derive(Default)]
pub(super) struct ToChoose {
    /// Per trace, the windows of its requests, in the order of the list.
    pub(super) windows: Vec<Vec<WindowIdx>>,
    /// The windows of the requests that are cut, in the order of their list.
    pub(super) cut_windows: Vec<WindowIdx>,
    /// Per trace, its input and where it starts in that, and its generations.
    pub(super) places: Vec<(Place, Vec<GenerationKey>)>,
    /// The requests that servers served, where that is wanted.
    pub(super) served: Vec<Seen<u64, u32>>,
}

impl ToChoose {
    /// Which of all requests count: those of the wanted length, and each once where traces overlap.
    pub(super) fn choose(self, (requests, traces): (&Requests, &[TraceInfo]), only: Option<Only>) -> Chosen {
        let seen = self.seen(requests, traces);
        let elsewhere = RootsElsewhere::find(&self.places, seen, self.served);
        let all = Measured {
            requests,
            windows: &self.windows,
            cut_windows: &self.cut_windows,
            places: self.places.iter().map(|(place, _)| *place).collect(),
        };
        Chosen::new(&all, only, elsewhere)
    }

    /// The roots, on the clock of their process.
    fn seen(&self, requests: &Requests, traces: &[TraceInfo]) -> Vec<Seen<u64, WindowIdx>> {
        let windows = self.windows.iter().flatten();
        let whole = requests.list.iter().zip(windows).filter(|(request, _)| !request.partial);
        let whole = whole.map(|(request, window)| Seen::whole(request, *window, traces));
        let cut = requests.cut.iter().zip(&self.cut_windows);
        whole.chain(cut.map(|(cut, window)| Seen::cut(cut, *window, traces))).collect()
    }
}

/// All requests of traces, to choose from.
struct Measured<'a> {
    /// With how long they took.
    requests: &'a Requests,
    /// Per trace, the windows of its requests, in the order of the list.
    windows: &'a [Vec<WindowIdx>],
    /// The windows of the requests that are cut, in the order of their list.
    cut_windows: &'a [WindowIdx],
    /// Per trace, where it is.
    places: Vec<Place>,
}

impl Chosen {
    /// Chooses by length, where that is asked for, among the requests that count where they are.
    fn new(all: &Measured<'_>, only: Option<Only>, elsewhere: RootsElsewhere) -> Self {
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
