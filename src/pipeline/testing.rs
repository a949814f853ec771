//! What tests of both dialects ask, and how they have it measured.

use crate::measure::{MAX_PIECES, MIN_GROWTH, MeasureSpec, Measured, SumIdx};
use crate::profile::Weight;
use crate::slice::{RootBy, Selector, Slice};
use crate::survey::Survey;
use crate::trace::time::Window;

/// A trace of the repository, by version and name.
pub(super) fn trace(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/traces");
    std::fs::read(folder.join(name).with_extension("trace")).expect("a trace of the repository")
}

/// Asks for a pattern.
pub(super) fn selector(pattern: &str, root_by: RootBy, whole_life: bool) -> Selector {
    let selector = Selector::builder().root(pattern).whole_life(whole_life).build().expect("a pattern");
    Selector { root_by, ..selector }
}

/// Measures all that can be measured.
pub(super) fn task<'a>(survey: &'a Survey, slice: &'a Slice, whole_life: bool) -> MeasureSpec<'a> {
    MeasureSpec {
        slice,
        forest: &survey.forest,
        symbols: &survey.symbols,
        whole_life,
        looked_at: Window::ALL,
        trace_start: survey.start,
        latency: true,
        include_partial: true,
        request_stacks: false,
        exemplars: false,
        part_growth: MIN_GROWTH,
        max_pieces: MAX_PIECES,
    }
}

/// What goroutines did, apart from paths.
pub(super) fn sums(measured: &Measured) -> Vec<String> {
    let sums = measured.aggregate.clone().sorted().into_iter();
    let sums = sums.map(|(key, weight)| (key, Weight { latency_ns: 0, ..weight }));
    sums.filter(|(_, weight)| *weight != Weight::default()).map(|sum| format!("{sum:?}")).collect()
}

/// All that was measured, in an order of its own. With an interval log, keys are looked up too that have no time inside the
/// windows.
pub(super) fn found(measured: Measured) -> (Vec<String>, [u64; 4], Vec<String>) {
    let requests = measured.paths.iter().flat_map(|paths| &paths.requests).map(|r| {
        let sum: u64 = r.states.iter().map(|(_, ns)| ns).sum();
        format!("{:?} {:?} {sum}", r.window, r.span)
    });
    let requests = requests.collect();
    let goroutine_ns = measured.paths.as_ref().map_or(0, |paths| paths.goroutine_ns);
    let counts = [measured.roots, measured.roots_cut, measured.outlived, goroutine_ns];
    let sums = measured.aggregate.sorted();
    let sums = sums.iter().filter(|(_, weight)| *weight != Weight::default());
    (sums.map(|sum| format!("{sum:?}")).collect(), counts, requests)
}

/// All that was measured on critical paths, in an order of its own, without the numbers that sums and states have.
pub(super) fn found_on_paths(measured: &Measured) -> Vec<String> {
    let Some(paths) = &measured.paths else { return Vec::new() };
    let keys = measured.aggregate.keys();
    let key = |sum: SumIdx| keys.get(sum.at());
    let requests = paths.requests.iter().map(|r| {
        let mut states: Vec<_> = r.states.iter().map(|(at, ns)| (paths.states[usize::from(at)], ns)).collect();
        states.sort_unstable();
        format!("{:?} {:?} {states:?} {} {:?}", r.window, r.span, r.partial, r.at_least_ns)
    });
    let mut elsewhere: Vec<String> = Vec::new();
    for (of, ns) in paths.elsewhere.iter().filter(|(_, ns)| *ns > 0) {
        let (waits, is_ended) = paths.chains.waits(of.chain);
        let waits: Vec<_> = waits.into_iter().map(key).collect();
        elsewhere.push(format!("{waits:?} {is_ended} {:?} {:?} {ns}", key(of.sum), of.label));
    }
    elsewhere.sort_unstable();
    let mut wakeups: Vec<String> = paths
        .wakeups
        .iter()
        .map(|(of, sum)| format!("{:?} {:?} {:?} {sum:?}", key(of.sum), of.waker, of.waker_stack))
        .collect();
    wakeups.sort_unstable();
    let slowest = paths.slowest.iter().map(|slowest| {
        let path: Vec<_> = slowest.path.iter().map(|(span, g, sum)| (span, g, key(*sum))).collect();
        let waits: Vec<_> = slowest.hand_overs.iter().map(|h| (h.time, h.from, h.to, key(h.wait))).collect();
        let lane = |lane: &crate::measure::LaneMeasured| {
            format!(
                "{:?} {:?}",
                lane.g,
                lane.pieces.iter().map(|p| (p.span, p.state, p.sum.map(key))).collect::<Vec<_>>()
            )
        };
        let lanes: Vec<_> = slowest.lanes.iter().map(lane).collect();
        format!("{:?} {path:?} {waits:?} {lanes:?}", slowest.window)
    });
    let overlap = format!("{:?} {:?}", paths.overlap, paths.cut);
    requests.chain(elsewhere).chain(wakeups).chain(slowest).chain([overlap]).collect()
}
