//! What tests of both dialects ask, and how they have it measured.

use crate::measure::{MAX_PIECES, MeasureSpec, Measured};
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
