//! What the fuzz targets share: the laws that hold for any bytes.

use gotrace_slice::pipeline::{Answer, Options};
use gotrace_slice::profile::{ByteCount, TraceInfo};
use gotrace_slice::slice::RootBy;
use gotrace_slice::{Input, Selector};

/// A question that asks for everything.
fn selector() -> Selector {
    let root_by = RootBy { creation: true, entry: true, ..RootBy::default() };
    Selector { root_by, ..Selector::builder().root(".").build().expect("a valid pattern") }
}

/// Slices a trace and holds the result to the laws: it is an answer or an error, each byte counts once, and samples add
/// up to the total.
pub fn slice(bytes: &[u8]) {
    let bytes = bytes.to_vec();
    let options = Options { threads: 1, request_stacks: true, exemplars: true, ..Options::default() };
    let answer = gotrace_slice::profile(&[Input::new("fuzz", &bytes)], &selector(), options, None);
    match answer {
        Ok(Answer::Profile(profile)) => {
            let sum = profile.samples.iter().fold(0u64, |sum, s| sum.saturating_add(s.weight.goroutine_ns));
            assert_eq!(sum, profile.total.goroutine_ns);
            assert_bytes(&profile.traces, bytes.len());
        }
        Ok(Answer::NoMatch(candidates)) => assert_bytes(&candidates.traces, bytes.len()),
        Err(_) => {}
    }
}

fn assert_bytes(traces: &[TraceInfo], len: usize) {
    let total: u64 = traces.iter().map(|trace| trace.bytes.total).sum();
    assert_eq!(total, len as u64);
    for ByteCount { total, used, skipped, unknown } in traces.iter().map(|trace| trace.bytes) {
        assert_eq!(used + skipped + unknown, total);
    }
}

/// The same trace with a header of one of these versions, as the first byte says.
pub fn with_header(bytes: &[u8], versions: &[&str]) -> Vec<u8> {
    let Some((choice, rest)) = bytes.split_first() else { return Vec::new() };
    let mut header = format!("go {} trace", versions[usize::from(*choice) % versions.len()]).into_bytes();
    header.resize(16, 0);
    [&header, rest].concat()
}
