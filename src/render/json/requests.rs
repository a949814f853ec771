//! What the JSON report says of requests.

use super::rows::{RowContext, RowList};
use super::slowest::SlowestRow;
use super::stack_frames;
use crate::profile::{
    Carrier, CpuTime, CutRequest, DurationList, Finding, Latency, Overlap, Profile, Request, Requests, StateTimes,
    TailRow, Undecided, Wakeup, WithLikely, WithUndecided,
};
use crate::render::findings::{self, FindingStyle};
use crate::render::units::Unit;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The fields of a report that are there when latency was computed.
#[derive(Serialize)]
pub(super) struct AboutRequests<'a> {
    tail: RowList<'a, TailRow, Tail<'a>>,
    wakeups: RowList<'a, Wakeup, WakeupRow<'a>>,
    slowest: Option<SlowestRow<'a>>,
    overlap: OverlapRow<'a>,
    cpu: CpuRow,
    findings: RowList<'a, Finding, FindingRow<'a>>,
    requests: RowList<'a, Request, RequestRow<'a>>,
    requests_cut: Vec<CutRow<'a>>,
    latency_at_least: Option<Distribution<'a>>,
}

impl<'a> AboutRequests<'a> {
    pub(super) fn new(profile: &'a Profile, requests: &'a Requests) -> Self {
        let context = RowContext { profile, requests };
        Self {
            tail: RowList { context, items: &requests.tail, row: |_, row| Tail(row) },
            wakeups: RowList { context, items: &requests.wakeups, row: WakeupRow },
            slowest: requests.slowest.as_ref().map(|slowest| SlowestRow(context, slowest)),
            overlap: OverlapRow(&requests.overlap),
            cpu: CpuRow(requests.cpu),
            findings: RowList { context, items: &requests.findings, row: FindingRow },
            requests: RowList { context, items: &requests.list, row: RequestRow },
            requests_cut: cut_rows(&requests.cut),
            latency_at_least: requests.at_least.as_ref().map(Distribution),
        }
    }
}

/// A request that an edge cuts.
#[derive(Serialize)]
pub(super) struct CutRow<'a> {
    trace: u32,
    goid: u64,
    start_ns: u64,
    at_least_ns: u64,
    /// Written where something tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    likely_at_least_ns: Option<u64>,
    root: &'a str,
    cut_start: bool,
    cut_end: bool,
    /// Written where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    may_be_several: bool,
}

pub(super) fn cut_rows(list: &[CutRequest]) -> Vec<CutRow<'_>> {
    list.iter().map(cut_row).collect()
}

fn cut_row(cut: &CutRequest) -> CutRow<'_> {
    CutRow {
        trace: cut.trace,
        goid: cut.goid,
        start_ns: cut.start_ns,
        at_least_ns: cut.at_least_ns,
        likely_at_least_ns: cut.likely_at_least_ns,
        root: &cut.root,
        cut_start: cut.cut_start,
        cut_end: cut.cut_end,
        may_be_several: cut.may_be_several,
    }
}

/// What was asked of the requests, and which count.
pub(super) fn selected<M: SerializeMap>(requests: &Requests, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("only", &requests.only)?;
    map.serialize_entry("include_partial", &requests.include_partial)?;
    map.serialize_entry("requests", &requests.list.len())?;
    map.serialize_entry("requests_before_only", &requests.before_only)?;
    map.serialize_entry("requests_partial", &requests.partial)?;
    map.serialize_entry("requests_inferred", &requests.inferred)?;
    map.serialize_entry("requests_inferred_at_least_p50_ns", &requests.inferred_at_least_p50_ns)?;
    map.serialize_entry("requests_may_be_several", &requests.may_be_several)?;
    map.serialize_entry("requests_capped", &requests.capped)?;
    map.serialize_entry("requests_with_likely", &requests.with_likely.as_ref().map(LikelyJson))?;
    map.serialize_entry("requests_with_undecided", &requests.with_undecided.as_ref().map(WithUndecidedJson::new))?;
    map.serialize_entry("requests_goroutine_ns", &requests.goroutine_ns)
}

pub(super) struct UndecidedJson<'a>(pub(super) &'a Undecided);

impl Serialize for UndecidedJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.0.count())?;
        map.serialize_entry("total_ns", &self.0.total_ns())?;
        map.serialize_entry("max_ns", &self.0.max_ns())?;
        map.serialize_entry("p50_ns", &self.0.p50_ns())?;
        map.serialize_entry("p95_ns", &self.0.p95_ns())?;
        map.serialize_entry("likely", &self.0.likely.count())?;
        map.serialize_entry("likely_others", &self.0.likely_others)?;
        map.serialize_entry("connections", &self.0.connections)?;
        map.serialize_entry("partial", &self.0.took.partial)?;
        map.serialize_entry("cut_max_ns", &self.0.took.cut_max_ns)?;
        map.end()
    }
}

struct LikelyJson<'a>(&'a WithLikely);

impl Serialize for LikelyJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.0.count)?;
        map.serialize_entry("p50_ns", &self.0.p50_ns)?;
        map.serialize_entry("p95_ns", &self.0.p95_ns)?;
        map.end()
    }
}

/// A quantile with all undecided requests, and its bounds with any of them.
#[derive(Serialize)]
struct WithUndecidedJson {
    count: u64,
    p50_ns: u64,
    p50_at_least_ns: u64,
    p50_at_most_ns: u64,
    p95_ns: u64,
    p95_at_least_ns: u64,
    p95_at_most_ns: u64,
}

impl WithUndecidedJson {
    fn new(with: &WithUndecided) -> Self {
        let WithUndecided { count, p50, p95 } = *with;
        Self {
            count,
            p50_ns: p50.with_all_ns,
            p50_at_least_ns: p50.at_least_ns,
            p50_at_most_ns: p50.at_most_ns,
            p95_ns: p95.with_all_ns,
            p95_at_least_ns: p95.at_least_ns,
            p95_at_most_ns: p95.at_most_ns,
        }
    }
}

/// How many there are and how long they took, not each.
pub(super) struct DurationTotals<'a>(pub(super) &'a DurationList);

impl Serialize for DurationTotals<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.0.count())?;
        map.serialize_entry("total_ns", &self.0.total_ns())?;
        map.serialize_entry("partial", &self.0.partial)?;
        map.end()
    }
}

pub(super) struct Distribution<'a>(pub(super) &'a Latency);

impl Serialize for Distribution<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let l = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &l.count)?;
        map.serialize_entry("min_ns", &l.min_ns)?;
        map.serialize_entry("mean_ns", &l.mean_ns)?;
        map.serialize_entry("p50_ns", &l.p50_ns)?;
        map.serialize_entry("p90_ns", &l.p90_ns)?;
        map.serialize_entry("p95_ns", &l.p95_ns)?;
        map.serialize_entry("p99_ns", &l.p99_ns)?;
        map.serialize_entry("max_ns", &l.max_ns)?;
        map.serialize_entry("total_ns", &l.total_ns)?;
        map.serialize_entry("histogram", &l.histogram)?;
        map.serialize_entry("max_in_flight", &l.max_in_flight)?;
        map.serialize_entry("busy_ns", &l.busy_ns)?;
        map.serialize_entry("mean_in_flight_milli", &l.mean_in_flight_milli)?;
        map.serialize_entry("slow_count", &l.slow_count)?;
        map.serialize_entry("slow_from_ns", &l.slow_from_ns)?;
        map.serialize_entry("slow_total_ns", &l.slow_total_ns)?;
        map.end()
    }
}

struct Tail<'a>(&'a TailRow);

impl Serialize for Tail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", &self.0.state)?;
        map.serialize_entry("all_ns", &self.0.all_ns)?;
        map.serialize_entry("slow_ns", &self.0.slow_ns)?;
        map.serialize_entry("stands_out", &self.0.stands_out)?;
        map.end()
    }
}

struct WakeupRow<'a>(RowContext<'a>, &'a Wakeup);

impl Serialize for WakeupRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (profile, w) = (self.0.profile, self.1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", &w.state)?;
        map.serialize_entry("detail", w.detail)?;
        map.serialize_entry("waker", w.waker.name())?;
        map.serialize_entry("waker_goid", &w.waker_goid)?;
        map.serialize_entry("waker_entry", &w.waker_entry)?;
        map.serialize_entry("carries", &profile.carrier(w).map(Carrier::name))?;
        map.serialize_entry("count", &w.count)?;
        map.serialize_entry("wait_ns", &w.wait_ns)?;
        map.serialize_entry("max_ns", &w.max_ns)?;
        map.serialize_entry("waiting", &stack_frames(&profile.tree, w.waiting))?;
        map.serialize_entry("waker_frames", &stack_frames(&profile.tree, w.waker_stack))?;
        map.end()
    }
}

struct RequestRow<'a>(RowContext<'a>, &'a Request);

impl Serialize for RequestRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (context, r) = (self.0, self.1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("trace", &r.trace)?;
        map.serialize_entry("goid", &r.goid)?;
        map.serialize_entry("start_ns", &r.start_ns)?;
        map.serialize_entry("dur_ns", &r.dur_ns)?;
        map.serialize_entry("root", context.requests.roots.get(r.root as usize).map_or("", String::as_str))?;
        map.serialize_entry("states", &StateRow(context, &r.states))?;
        // Most requests are neither: a word in each would say nothing.
        if r.partial {
            map.serialize_entry("partial", &true)?;
        }
        if let Some(at_least_ns) = r.at_least_ns.get() {
            map.serialize_entry("inferred", &true)?;
            map.serialize_entry("at_least_ns", &at_least_ns)?;
        }
        if r.may_be_several {
            map.serialize_entry("may_be_several", &true)?;
        }
        map.end()
    }
}

struct StateRow<'a>(RowContext<'a>, &'a StateTimes);

impl Serialize for StateRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (state, ns) in self.1.iter() {
            map.serialize_entry(self.0.state(state), &ns)?;
        }
        map.end()
    }
}

struct OverlapRow<'a>(&'a Overlap);

impl Serialize for OverlapRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let o = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("gc_ns", &o.gc_ns)?;
        map.serialize_entry("stw_ns", &o.stw_ns)?;
        map.serialize_entry("stw_count", &o.stw_count)?;
        map.serialize_entry("mark_assist_ns", &o.mark_assist_ns)?;
        map.serialize_entry("sweep_ns", &o.sweep_ns)?;
        map.serialize_entry("stw_runnable_ns", &o.stw_runnable_ns)?;
        map.serialize_entry("gc_window_ns", &o.gc_window_ns)?;
        map.serialize_entry("stw_window_ns", &o.stw_window_ns)?;
        map.serialize_entry("gc_count", &o.gc_count)?;
        map.serialize_entry("heap_goal_min_bytes", &o.heap_goals.map(|goals| goals.min_bytes))?;
        map.serialize_entry("heap_goal_max_bytes", &o.heap_goals.map(|goals| goals.max_bytes))?;
        map.end()
    }
}

struct CpuRow(CpuTime);

impl Serialize for CpuRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cpu = self.0;
        let (least, most) = cpu.on_cpu_interval();
        let of_samples = |ns: u64| (cpu.samples > 0).then_some(ns);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("samples", &cpu.samples)?;
        map.serialize_entry("on_cpu_ns", &of_samples(cpu.on_cpu_ns()))?;
        map.serialize_entry("on_cpu_at_least_ns", &of_samples(least))?;
        map.serialize_entry("on_cpu_at_most_ns", &of_samples(most))?;
        map.serialize_entry("long_runs", &cpu.long_runs)?;
        map.serialize_entry("long_runs_ns", &cpu.long_runs_ns)?;
        map.serialize_entry("longest_run_ns", &cpu.longest_run_ns)?;
        map.end()
    }
}

struct FindingRow<'a>(RowContext<'a>, &'a Finding);

impl Serialize for FindingRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (context, finding) = (self.0, self.1);
        let style = FindingStyle { unit: Unit::Auto, full_names: true };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", finding.id)?;
        map.serialize_entry("important", &finding.important)?;
        map.serialize_entry("text", &findings::text(finding, context.profile, context.requests, style))?;
        map.serialize_entry("next", findings::next(finding.id))?;
        map.end()
    }
}
