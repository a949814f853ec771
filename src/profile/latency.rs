//! How long requests took: quantiles, histogram, requests in flight, and what the slowest spent their time on.
//!
//! All of it in integers, so that every machine gives the same. Both functions take the durations in order; `finish.rs`
//! calls them.

use super::{Latency, Request, Requests, TailRow, TraceInfo};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Steps of the histogram.
const BUCKETS: u64 = 20;
/// The slowest 5 %: one request of this many, rounded up.
pub(super) const SLOW_ONE_IN: usize = 20;
/// With fewer requests nothing is said about a tail: their slowest 5 % are one request, which may be an accident.
pub const TAIL_MIN_REQUESTS: u64 = 40;

/// When a request was, for what needs to know no more of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RequestSpan {
    pub(super) trace: u32,
    pub(super) start_ns: u64,
    pub(super) dur_ns: u64,
}

impl RequestSpan {
    pub(super) fn of(request: &Request) -> Self {
        let Request { trace, start_ns, dur_ns, .. } = *request;
        Self { trace, start_ns, dur_ns }
    }

    fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.dur_ns)
    }
}

/// When requests were: those of a list, and those that are added to it. Both are in order of trace and start. They are read where
/// they stand, as there can be millions.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestSpans<'a> {
    pub(super) list: &'a [Request],
    pub(super) added: &'a [RequestSpan],
}

impl<'a> RequestSpans<'a> {
    /// How long each took, in ns, the shortest first.
    pub(super) fn durations_ns(self) -> Vec<u64> {
        let of = self.list.iter().map(|request| request.dur_ns);
        let mut durations: Vec<u64> = of.chain(self.added.iter().map(|span| span.dur_ns)).collect();
        durations.sort_unstable();
        durations
    }

    /// All of them, in order of trace and start.
    fn in_order(self) -> impl Iterator<Item = RequestSpan> + 'a {
        let mut list = self.list.iter().map(RequestSpan::of).peekable();
        let mut added = self.added.iter().copied().peekable();
        let key = |span: &RequestSpan| (span.trace, span.start_ns);
        std::iter::from_fn(move || match (list.peek(), added.peek()) {
            (Some(one), Some(other)) if key(other) < key(one) => added.next(),
            (None, _) => added.next(),
            _ => list.next(),
        })
    }
}

/// The distribution of the latencies; `None` without requests. `durations_ns` is how long they took, the shortest first.
pub(super) fn latency(spans: RequestSpans<'_>, durations_ns: &[u64], traces: &[TraceInfo]) -> Option<Latency> {
    let (&min_ns, &max_ns) = (durations_ns.first()?, durations_ns.last()?);
    let n = durations_ns.len();
    // The smallest value that `percent` % of all do not exceed.
    let quantile = |percent: usize| durations_ns[(n * percent).div_ceil(100).max(1) - 1];
    let total: u128 = durations_ns.iter().map(|ns| u128::from(*ns)).sum();
    // A table that an engine has written does not say how long its traces were.
    let is_known = traces.iter().all(|t| t.table.is_none() || t.duration_ns > 0);
    let window = traces.iter().filter(|_| is_known).map(|t| u128::from(t.window_ns.unwrap_or(t.duration_ns)));
    let window: u128 = window.sum();
    let slow = slowest(durations_ns);
    Some(Latency {
        count: n as u64,
        min_ns,
        p50_ns: quantile(50),
        p90_ns: quantile(90),
        p95_ns: quantile(95),
        p99_ns: quantile(99),
        max_ns,
        mean_ns: rounded(total, n as u128),
        total_ns: u64::try_from(total).unwrap_or(u64::MAX),
        histogram: histogram(durations_ns),
        max_in_flight: max_in_flight(spans),
        busy_ns: busy_ns(spans),
        mean_in_flight_milli: rounded(total.saturating_mul(1000), window),
        slow_count: slow.len() as u64,
        slow_from_ns: slow.first().copied().unwrap_or(0),
        slow_total_ns: slow.iter().copied().fold(0, u64::saturating_add),
    })
}

/// Of durations in order, the longest 5 %.
fn slowest(durations_ns: &[u64]) -> &[u64] {
    &durations_ns[durations_ns.len() - durations_ns.len().div_ceil(SLOW_ONE_IN)..]
}

/// The slowest 5 % of a list; of equally long ones the earlier ones. `durations_ns` is how long they took, the shortest first.
fn slow<'r>(list: &'r [Request], durations_ns: &[u64]) -> impl Iterator<Item = &'r Request> {
    let slow = slowest(durations_ns);
    let from_ns = slow.first().copied().unwrap_or(0);
    let n_alike = slow.partition_point(|ns| *ns == from_ns);
    let alike = list.iter().enumerate().filter(move |(_, request)| request.dur_ns == from_ns).take(n_alike);
    let last_alike = alike.last().map(|(at, _)| at);
    let is_slow = move |at, ns| ns > from_ns || ns == from_ns && Some(at) <= last_alike;
    list.iter().enumerate().filter(move |(at, request)| is_slow(*at, request.dur_ns)).map(|(_, request)| request)
}

/// The smallest of these values that `percent` % of them do not exceed; 0 without any. Puts them into another order.
pub(super) fn nearest_rank(values: &mut [u64], percent: usize) -> u64 {
    let rank = (values.len() * percent).div_ceil(100).max(1);
    if values.len() < rank { 0 } else { *values.select_nth_unstable(rank - 1).1 }
}

/// `sum / n`, rounded half up; 0 for nothing.
fn rounded(sum: u128, n: u128) -> u64 {
    let value = sum.saturating_add(n / 2).checked_div(n).unwrap_or(0);
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// How many requests fall into each step; `durations_ns` as in [`latency`]. Steps are equal in the logarithm, from the shortest to
/// the longest duration; a single step when the logarithms of these two are the same.
fn histogram(durations_ns: &[u64]) -> Vec<u64> {
    let (Some(&min_ns), Some(&max_ns)) = (durations_ns.first(), durations_ns.last()) else { return Vec::new() };
    let low = log2(min_ns);
    let span = log2(max_ns) - low;
    if span == 0 {
        return vec![durations_ns.len() as u64];
    }
    let step = |ns: u64| (log2(ns).saturating_sub(low) * BUCKETS / span).min(BUCKETS - 1);
    let mut left = durations_ns;
    let of_step = |at: u64| {
        let n = left.partition_point(|ns| step(*ns) <= at);
        left = &left[n..];
        n as u64
    };
    (0..BUCKETS).map(of_step).collect()
}

/// The binary logarithm in units of 2^-20; 0 counts as 1. In integers: floating-point logarithms differ between machines.
fn log2(n: u64) -> u64 {
    const BITS: u32 = 20;
    let n = n.max(1);
    let mut log = u64::from(n.ilog2());
    // n / 2^ilog2, between 1 and 2, with 63 bits after the point. Squaring doubles its logarithm.
    let mut mantissa = u128::from(n << n.leading_zeros());
    for _ in 0..BITS {
        mantissa = (mantissa * mantissa) >> 63;
        let bit = mantissa >> 64;
        mantissa >>= bit;
        log = log << 1 | bit as u64;
    }
    log
}

/// The most requests of one trace that ran at the same time. One that begins when another ends does not overlap it.
fn max_in_flight(spans: RequestSpans<'_>) -> u64 {
    let (mut open, mut trace, mut most) = (BinaryHeap::new(), None, 0);
    for request in spans.in_order() {
        if trace.replace(request.trace) != Some(request.trace) {
            open.clear();
        }
        while open.peek().is_some_and(|Reverse(end)| *end <= request.start_ns) {
            open.pop();
        }
        open.extend((request.dur_ns > 0).then(|| Reverse(request.end_ns())));
        // A request without length has ended when it starts, and was there nevertheless.
        most = most.max(open.len()).max(1);
    }
    most as u64
}

/// How long at least one request was under way, in ns, summed over traces.
fn busy_ns(spans: RequestSpans<'_>) -> u64 {
    let (mut busy, mut trace, mut until) = (0_u64, None, 0);
    for request in spans.in_order() {
        if trace.replace(request.trace) != Some(request.trace) {
            until = 0;
        }
        busy = busy.saturating_add(request.end_ns().saturating_sub(request.start_ns.max(until)));
        until = until.max(request.end_ns());
    }
    busy
}

/// State by state, all requests against the slowest; `durations_ns` as in [`latency`].
pub(super) fn tail(requests: &Requests, durations_ns: &[u64]) -> Vec<TailRow> {
    let row = |state: &String| TailRow { state: state.clone(), ..TailRow::default() };
    let mut rows: Vec<TailRow> = requests.state_names.iter().map(row).collect();
    for (state, ns) in requests.list.iter().flat_map(|r| r.states.iter()) {
        if let Some(row) = rows.get_mut(usize::from(state)) {
            row.all_ns = row.all_ns.saturating_add(ns);
        }
    }
    for (state, ns) in slow(&requests.list, durations_ns).flat_map(|r| r.states.iter()) {
        if let Some(row) = rows.get_mut(usize::from(state)) {
            row.slow_ns = row.slow_ns.saturating_add(ns);
        }
    }
    rows.retain(|r| r.all_ns > 0);
    rows.sort_by(|a, b| b.all_ns.cmp(&a.all_ns).then_with(|| a.state.cmp(&b.state)));
    if requests.list.len() as u64 >= TAIL_MIN_REQUESTS {
        let sum = |of: fn(&TailRow) -> u64| rows.iter().map(|r| u128::from(of(r))).sum::<u128>();
        let (all_ns, slow_ns) = (sum(|r| r.all_ns), sum(|r| r.slow_ns));
        let tail = TailSums {
            all_ns,
            slow_ns,
            all_n: requests.list.len() as u128,
            slow_n: slowest(durations_ns).len() as u128,
        };
        for row in &mut rows {
            row.stands_out = tail.stands_out(row);
        }
    }
    rows
}

/// All requests, and the slowest of them.
struct TailSums {
    all_ns: u128,
    slow_ns: u128,
    all_n: u128,
    slow_n: u128,
}

impl TailSums {
    /// Whether a state takes at least a tenth of the slowest requests' time, and either at least 1.5 times the share that
    /// it has of the time of all, or at least half of what the slowest take longer than as many mean ones, if those take
    /// at least 1.5 times as long. Of a state that all spend most of their time in, the share cannot grow so much.
    fn stands_out(&self, row: &TailRow) -> bool {
        let (all, slow) = (u128::from(row.all_ns), u128::from(row.slow_ns));
        let product = |a: u128, b: u128| a.saturating_mul(b);
        let by_share = product(slow * 2, self.all_ns) >= product(all * 3, self.slow_ns);
        let excess = |all: u128, slow: u128| product(slow, self.all_n).saturating_sub(product(all, self.slow_n));
        let is_tail = product(self.slow_ns * 2, self.all_n) >= product(self.all_ns * 3, self.slow_n);
        let by_time = is_tail && excess(all, slow) * 2 >= excess(self.all_ns, self.slow_ns);
        slow * 10 >= self.slow_ns && (by_share || by_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(trace: u32, start_ns: u64, dur_ns: u64) -> Request {
        Request { trace, start_ns, dur_ns, states: [(0, dur_ns)].into_iter().collect(), ..Request::default() }
    }

    fn finished(durations: impl IntoIterator<Item = u64>) -> Requests {
        let list = durations.into_iter().map(|d| request(0, 0, d)).collect();
        let mut requests = Requests { list, state_names: vec!["running".into()], ..Requests::default() };
        requests.finish(&[TraceInfo { duration_ns: 1_000, ..TraceInfo::default() }]);
        requests
    }

    #[test]
    fn quantiles_are_values_of_the_list() {
        let of = |n: u64| {
            let l = finished((1..=n).rev()).latency.unwrap();
            [l.min_ns, l.p50_ns, l.p90_ns, l.p95_ns, l.p99_ns, l.max_ns, l.mean_ns, l.slow_count, l.slow_from_ns]
        };
        assert_eq!(of(1), [1, 1, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(of(2), [1, 1, 2, 2, 2, 2, 2, 1, 2]);
        assert_eq!(of(20), [1, 10, 18, 19, 20, 20, 11, 1, 20]);
        assert_eq!(of(100), [1, 50, 90, 95, 99, 100, 51, 5, 96]);
        assert_eq!(of(214)[7..], [11, 204]);
        assert_eq!(finished([]).latency, None);
        assert!(finished([]).tail.is_empty());
    }

    #[test]
    fn extremes_do_not_overflow() {
        let l = finished([u64::MAX, u64::MAX, 0]).latency.unwrap();
        assert_eq!((l.total_ns, l.mean_ns), (u64::MAX, (u128::from(u64::MAX) * 2 / 3) as u64));
        assert_eq!((l.histogram[0], l.histogram[19]), (1, 2));
    }

    #[test]
    fn a_histogram_counts_every_request_once() {
        let h = |durations: &[u64]| finished(durations.iter().copied()).latency.unwrap().histogram;
        assert_eq!(h(&[7, 7, 7]), [3]);
        let decades = h(&[1, 10, 100, 1_000, 10_000]);
        assert_eq!(decades.iter().sum::<u64>(), 5);
        assert_eq!([0, 5, 10, 15, 19].map(|i| decades[i]), [1, 1, 1, 1, 1]);
    }

    #[test]
    fn logarithms_are_right_to_six_digits() {
        assert_eq!(log2(0), 0);
        assert_eq!(log2(1), 0);
        assert_eq!(log2(1 << 40), 40 << 20);
        for n in [3, 10, 1_000_003, u64::MAX] {
            let exact = (n as f64).log2() * f64::from(1 << 20);
            assert!((log2(n) as f64 - exact).abs() <= 1.0, "{n}");
        }
        assert!((1..2000).all(|n| log2(n) <= log2(n + 1)));
    }

    #[test]
    fn requests_in_flight_are_counted_per_trace() {
        // Each is in the list or added to it: it makes no difference.
        let of = |all: &[(u32, u64, u64)], is_same: fn(RequestSpans<'_>) -> u64| {
            let all: Vec<Request> = all.iter().map(|&(trace, start, dur)| request(trace, start, dur)).collect();
            let figure = is_same(RequestSpans { list: &all, added: &[] });
            for choice in 0..1 << all.len() {
                let is_listed = |i: &usize| choice >> i & 1 == 0;
                let list: Vec<Request> = (0..all.len()).filter(is_listed).map(|i| all[i].clone()).collect();
                let added = (0..all.len()).filter(|i| !is_listed(i)).map(|i| RequestSpan::of(&all[i]));
                let added: Vec<RequestSpan> = added.collect();
                assert_eq!(is_same(RequestSpans { list: &list, added: &added }), figure);
            }
            figure
        };
        let most = |all: &[(u32, u64, u64)]| of(all, max_in_flight);
        assert_eq!(most(&[]), 0);
        assert_eq!(most(&[(0, 0, 10), (0, 10, 10)]), 1);
        assert_eq!(most(&[(0, 0, 11), (0, 10, 10), (0, 10, 1)]), 3);
        assert_eq!(most(&[(0, 0, 10), (1, 3, 4), (1, 5, 10)]), 2);
        assert_eq!(most(&[(0, 5, 0), (0, 5, 0)]), 1);
        assert_eq!(most(&[(0, 0, 10), (0, 3, 4), (1, 5, 10)]), 2);
        let busy = |all: &[(u32, u64, u64)]| of(all, busy_ns);
        assert_eq!([busy(&[]), busy(&[(0, 0, 10), (0, 1, 2), (0, 5, 10), (0, 20, 3)])], [0, 18]);
        assert_eq!(busy(&[(0, 0, 10), (1, 5, 10)]), 20);
        let l = finished([500, 250]).latency.unwrap();
        assert_eq!((l.max_in_flight, l.mean_in_flight_milli), (2, 750));
    }

    #[test]
    fn the_slowest_are_the_earlier_ones_of_those_that_took_as_long() {
        for (durations, positions) in [
            (vec![5; 41], vec![0, 1, 2]),
            ([&[7][..], &[5; 39], &[9]].concat(), vec![0, 1, 40]),
            ([&[5; 20][..], &[9; 3], &[5; 20]].concat(), vec![20, 21, 22]),
            (vec![], vec![]),
        ] {
            let list: Vec<Request> = (0..).zip(durations).map(|(start, ns)| request(0, start, ns)).collect();
            let durations_ns = RequestSpans { list: &list, added: &[] }.durations_ns();
            assert_eq!(slow(&list, &durations_ns).map(|r| r.start_ns).collect::<Vec<_>>(), positions);
        }
    }

    #[test]
    fn the_tail_is_set_against_all() {
        let list = (0..40).map(|i| {
            let (run, wait) = if i < 2 { (1, 99) } else { (9, 1) };
            Request { dur_ns: run + wait, states: [(0, run), (2, wait)].into_iter().collect(), ..Request::default() }
        });
        let state_names = ["running", "unused", "sync"].map(String::from).to_vec();
        let mut requests = Requests { list: list.collect(), state_names, ..Requests::default() };
        requests.finish(&[]);
        let rows: Vec<_> =
            requests.tail.iter().map(|r| (r.state.as_str(), r.all_ns, r.slow_ns, r.stands_out)).collect();
        assert_eq!(rows, [("running", 344, 2, false), ("sync", 236, 198, true)]);
        assert_eq!(requests.latency.unwrap().slow_from_ns, 100);
    }
}
