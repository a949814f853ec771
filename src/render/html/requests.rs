//! Requests in columns, what their time is made of, and those that do not count.

use super::tables::{States, Strings};
use crate::profile::{Latency, Request, Requests, RuntimeSpan, Sample, Undecided};
use serde::Serialize;

/// A request that an edge cuts.
const PARTIAL: u8 = 1;
/// A request whose edges are inferred.
const INFERRED: u8 = 2;
/// A request that may be several calls.
const MAY_BE_SEVERAL: u8 = 4;
/// A cut request that began before the part looked at.
const CUT_START: u8 = 8;
/// A cut request that is not over at the end of it.
const CUT_END: u8 = 16;

/// Requests in columns, all of one length.
#[derive(Serialize, Default)]
pub(super) struct RequestColumns {
    trace: Vec<u32>,
    goid: Vec<u64>,
    start_ns: Vec<u64>,
    /// Of cut ones, how long they were seen.
    dur_ns: Vec<u64>,
    /// Of those with inferred edges, how long they took at least; else 0.
    at_least_ns: Vec<u64>,
    root: Vec<usize>,
    flags: Vec<u8>,
}

impl RequestColumns {
    /// The requests that count.
    pub(super) fn counted(requests: &Requests, strings: &mut Strings) -> Self {
        let roots: Vec<usize> = requests.roots.iter().map(|root| strings.add(root)).collect();
        let mut columns = Self::default();
        for request in &requests.list {
            columns.trace.push(request.trace);
            columns.goid.push(request.goid);
            columns.start_ns.push(request.start_ns);
            columns.dur_ns.push(request.dur_ns);
            columns.at_least_ns.push(request.at_least_ns.get().unwrap_or(0));
            columns.root.push(roots.get(request.root as usize).copied().unwrap_or_else(|| strings.add("")));
            columns.flags.push(flags(request));
        }
        columns
    }

    /// The requests that are cut and do not count.
    pub(super) fn cut(requests: &Requests, strings: &mut Strings) -> Self {
        let mut columns = Self::default();
        for cut in requests.cut.iter().filter(|_| !requests.include_partial) {
            columns.trace.push(cut.trace);
            columns.goid.push(cut.goid);
            columns.start_ns.push(cut.start_ns);
            columns.dur_ns.push(cut.at_least_ns);
            columns.at_least_ns.push(cut.at_least_ns);
            columns.root.push(strings.add(&cut.root));
            let flag = |is: bool, flag: u8| if is { flag } else { 0 };
            let how = flag(cut.cut_start, CUT_START) | flag(cut.cut_end, CUT_END);
            columns.flags.push(PARTIAL | how | flag(cut.may_be_several, MAY_BE_SEVERAL));
        }
        columns
    }
}

fn flags(request: &Request) -> u8 {
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    flag(request.partial, PARTIAL)
        | flag(request.is_inferred(), INFERRED)
        | flag(request.may_be_several, MAY_BE_SEVERAL)
}

/// Requests that may be of the roots too.
#[derive(Serialize, Default)]
pub(super) struct UndecidedColumns {
    trace: Vec<u32>,
    goid: Vec<u64>,
    start_ns: Vec<u64>,
    dur_ns: Vec<u64>,
    /// 1 where it likely is of the roots.
    likely: Vec<u8>,
    /// The goroutine of the connection that it came in on; -1 where nobody knows it.
    connection: Vec<i64>,
}

impl UndecidedColumns {
    pub(super) fn of(undecided: &Undecided) -> Self {
        let mut columns = Self::default();
        for request in &undecided.list {
            columns.trace.push(request.trace);
            columns.goid.push(request.goid);
            columns.start_ns.push(request.start_ns);
            columns.dur_ns.push(request.dur_ns);
            columns.likely.push(u8::from(request.is_likely));
            columns.connection.push(request.connection.and_then(|goid| i64::try_from(goid).ok()).unwrap_or(-1));
        }
        columns
    }
}

/// Stretches of time, in order.
#[derive(Serialize, Default)]
pub(super) struct SpanColumns {
    trace: Vec<u32>,
    start_ns: Vec<u64>,
    dur_ns: Vec<u64>,
}

impl SpanColumns {
    pub(super) fn of(spans: &[RuntimeSpan]) -> Self {
        let mut columns = Self::default();
        for span in spans {
            columns.trace.push(span.trace);
            columns.start_ns.push(span.start_ns);
            columns.dur_ns.push(span.dur_ns);
        }
        columns
    }
}

/// The distribution of latencies.
#[derive(Serialize)]
pub(super) struct LatencyRow {
    count: u64,
    min_ns: u64,
    mean_ns: u64,
    p50_ns: u64,
    p90_ns: u64,
    p95_ns: u64,
    p99_ns: u64,
    max_ns: u64,
    total_ns: u64,
    histogram: Vec<u64>,
}

impl LatencyRow {
    pub(super) fn of(latency: &Latency) -> Self {
        let Latency { count, min_ns, mean_ns, p50_ns, p90_ns, p95_ns, p99_ns, max_ns, total_ns, .. } = *latency;
        let histogram = latency.histogram.clone();
        Self { count, min_ns, mean_ns, p50_ns, p90_ns, p95_ns, p99_ns, max_ns, total_ns, histogram }
    }
}

/// Time by stack and state over all, in columns, all of one length.
#[derive(Serialize, Default)]
pub(super) struct SampleColumns {
    stack: Vec<u32>,
    state: Vec<usize>,
    detail: Vec<usize>,
    precision: Vec<usize>,
    root: Vec<usize>,
    waited_in: Vec<usize>,
    latency_ns: Vec<u64>,
    goroutine_ns: Vec<u64>,
    events: Vec<u64>,
}

impl SampleColumns {
    pub(super) fn of(samples: &[Sample], strings: &mut Strings, states: &mut States) -> Self {
        let mut columns = Self::default();
        for sample in samples {
            columns.stack.push(sample.stack.0);
            columns.state.push(states.add(&sample.state));
            columns.detail.push(strings.add(sample.detail));
            columns.precision.push(strings.add(sample.precision.name()));
            columns.root.push(strings.add(&sample.root));
            columns.waited_in.push(strings.add(&sample.waited_in));
            columns.latency_ns.push(sample.weight.latency_ns);
            columns.goroutine_ns.push(sample.weight.goroutine_ns);
            columns.events.push(sample.weight.events);
        }
        columns
    }
}
