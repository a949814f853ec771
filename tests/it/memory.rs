//! Memory that a hostile trace costs, as an allocator says that counts: of up to half a megabyte, in every format, at most 48 MB and 4
//! bytes for each of its own; a larger one at most 48 MB and 100.

#![allow(clippy::ptr_arg, reason = "a trait object of a source needs the sized vector")]
#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::evil::{KINDS, Kind};
use crate::common::{cases, is_alone, root_by, selector};
use gotrace_slice::pipeline::{self, Answer, Input, Options};
use gotrace_slice::profile::Metric;
use gotrace_slice::render::{self, FORMATS, Format};
use peak_alloc::PeakAlloc;

#[global_allocator]
pub(crate) static HEAP: PeakAlloc = PeakAlloc;

/// Bytes on the heap that each byte of a larger trace may cost: it can name a goroutine, a thread or a proc in 3 to 30 bytes, of
/// each of which more is known than that.
const MOST_TIMES: usize = 100;

/// The kinds of which each byte costs most.
const COSTLY: [&str; 4] = [
    "threads that wait for creations",
    "children of one goroutine",
    "procs of an old trace that wait",
    "names that nothing defines",
];

/// Bytes on the heap that a trace may cost.
fn allowed(bytes: &[u8]) -> usize {
    (48 << 20) + 4 * bytes.len()
}

/// What of the work is measured, and the most that was on the heap meanwhile, in bytes.
type Peak = (&'static str, usize);

/// The peaks of reading a trace and of writing the wanted formats of those that want requests by stack, or that do not.
fn peaks(bytes: &Vec<u8>, metric: Metric, request_stacks: bool, wanted: fn(&Format) -> bool) -> Vec<Peak> {
    let before = HEAP.current_usage();
    let measured = |work: &mut dyn FnMut()| {
        HEAP.reset_peak_usage();
        work();
        HEAP.peak_usage().saturating_sub(before)
    };
    let inputs = [Input::new("test", bytes)];
    let options = Options { threads: 2, metric, request_stacks, exemplars: request_stacks, ..Options::default() };
    let mut answer = None;
    let mut read = || {
        answer = pipeline::profile(&inputs, &selector("main", root_by("creation,entry,stack")), options, None).ok();
    };
    let mut peaks = vec![("reading", measured(&mut read))];
    let answer = answer.expect("an answer");
    for format in FORMATS.iter().filter(|format| format.request_stacks == request_stacks && wanted(format)) {
        peaks.push((format.name, measured(&mut || write(&answer, format))));
    }
    peaks
}

fn write(answer: &Answer, format: &Format) {
    let (options, to) = (render::Options::default(), &mut std::io::sink());
    match answer {
        Answer::Profile(profile) => (format.profile)(profile, &options, to),
        Answer::NoMatch(candidates) => format.candidates.map_or(Ok(()), |write| write(candidates, &options, to)),
    }
    .expect("a sink");
}

/// Kinds of traces, larger than elsewhere: `GOTRACE_SLICE_SCALE` says by how much, `GOTRACE_SLICE_KIND` which.
fn larger((name, n, make): Kind) -> Option<(&'static str, Vec<u8>)> {
    let scale = std::env::var("GOTRACE_SLICE_SCALE").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let is_wanted = std::env::var("GOTRACE_SLICE_KIND").map_or(true, |kind| name.contains(&kind));
    is_wanted.then(|| (name, make(n * scale)))
}

/// 6000 stacks of 128 frames with names of 1000 bytes in 6 MB, in the formats that have all of them. Where the situations are.
#[test]
fn deep_stacks_of_long_names_cost_what_they_justify() {
    use std::io::Read as _;
    let Some(cases) = cases() else { return };
    if !is_alone(module_path!(), "deep_stacks_of_long_names_cost_what_they_justify") {
        return;
    }
    let packed = std::fs::read(cases.join("out-amp/input.gz")).expect("a trace");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("it is whole");
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let inputs = [Input::new("test", &bytes)];
    let options = Options { threads: 2, metric: Metric::Goroutine, ..Options::default() };
    let asked = selector("main", root_by("creation,entry,stack"));
    let answer = pipeline::profile(&inputs, &asked, options, None).expect("an answer");
    let mut too_much = Vec::new();
    for name in ["reading", "pprof", "folded", "svg", "md"] {
        if let Some(format) = Format::by_name(name) {
            HEAP.reset_peak_usage();
            write(&answer, format);
        }
        let peak = HEAP.peak_usage().saturating_sub(before);
        println!("{name:8} {} MB of {} MB", peak >> 20, allowed(&bytes) >> 20);
        if peak > allowed(&bytes) {
            too_much.push((name, peak));
        }
    }
    assert!(too_much.is_empty(), "{too_much:?}, and {} are allowed", allowed(&bytes));
}

#[test]
fn no_trace_costs_more_than_it_justifies() {
    if !is_alone(module_path!(), "no_trace_costs_more_than_it_justifies") {
        return;
    }
    let mut too_much = Vec::new();
    for (name, bytes) in KINDS.into_iter().filter_map(larger) {
        for (metric, stacks) in [(Metric::Goroutine, false), (Metric::Latency, true)] {
            for (what, peak) in peaks(&bytes, metric, stacks, |_| true) {
                let [mb, of] = [peak, bytes.len()].map(|n| n as f64 / f64::from(1 << 20));
                println!("{name:36} {what:8} {:9} {of:8.2} MB of trace {mb:8.1} MB", metric.name());
                if peak > allowed(&bytes) {
                    too_much.push(format!("{name}, {what}, {}: {mb:.0} MB for {of:.1} MB", metric.name()));
                }
            }
        }
    }
    assert!(too_much.is_empty(), "{too_much:#?}");
}

#[test]
fn a_larger_trace_costs_at_most_a_hundred_times_its_size() {
    if !is_alone(module_path!(), "a_larger_trace_costs_at_most_a_hundred_times_its_size") {
        return;
    }
    let mut too_much = Vec::new();
    let kinds = KINDS.into_iter().filter(|(name, ..)| COSTLY.contains(name));
    for (name, bytes) in kinds.filter_map(|(name, n, make)| larger((name, 8 * n, make))) {
        for (what, peak) in peaks(&bytes, Metric::Latency, false, |_| false) {
            let times = peak.saturating_sub(48 << 20) as f64 / bytes.len() as f64;
            println!("{name:36} {what:8} {:8} KB of trace {:8} KB, {times:.1} times", bytes.len() >> 10, peak >> 10);
            if peak > (48 << 20) + MOST_TIMES * bytes.len() {
                too_much.push(format!("{name}, {what}: {times:.0} times"));
            }
        }
    }
    assert!(too_much.is_empty(), "{too_much:#?}");
}
