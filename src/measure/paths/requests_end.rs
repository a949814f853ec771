//! The trace ends, and with it all requests: what was measured along their paths.

use super::exemplars::Exemplars;
use super::measured::{PathsMeasured, RequestMeasured, RequestStacksMeasured};
use super::requests::{MeasuredTo, Paths};
use super::times_elsewhere::TimesElsewhere;
use crate::measure::intervals::attribution::Attribution;
use crate::measure::intervals::log::IntervalLog;
use crate::measure::spec::MeasureSpec;
use crate::profile::{Overlap, RequestTotals};
use crate::slice::WindowIdx;
use crate::trace::time::{Time, Window};
use rayon::slice::ParallelSliceMut;

impl Paths {
    /// The trace ends, and with it all requests.
    pub(crate) fn finish(
        mut self,
        to: MeasuredTo<'_>,
        log: IntervalLog,
        attribution: &mut Attribution<'_>,
    ) -> PathsMeasured {
        self.ranges.finish(to.now);
        self.take_touched(to.windows);
        let mut ended = Vec::new();
        for i in 0..self.done.len() {
            if !std::mem::replace(&mut self.done[i], true) {
                ended.extend(self.end_request(to, WindowIdx(i as u32)));
            }
        }
        self.walk_all(ended, to, &log, attribution);
        log.give_up();
        self.requests.par_sort_unstable_by_key(|r| (r.span.start, r.window));
        self.cut.sort_by_key(|r| (r.start, r.window));
        let mut overlap = self.overlap(to.spec, to.now);
        let waits = self.walks.take_waits();
        let (states, wakeups, stw_runnable_ns) = self.walks.finish();
        overlap.stw_runnable_ns = stw_runnable_ns;
        let runtime_spans =
            if to.spec.exemplars { self.ranges.inside(looked_at(to.spec, to.now)) } else { Default::default() };
        let of_window = |r: &RequestMeasured| to.windows.get(r.window).ns;
        let ranges = &self.ranges;
        let totals = |r: &RequestMeasured| RequestTotals {
            goroutine_ns: of_window(r),
            gc_ns: ranges.marked_in(r.span),
            stw_ns: ranges.stopped_in(r.span),
        };
        let (elsewhere, mut chains) = (self.elsewhere, self.chains);
        let stacks = self.stacks.take().map(|times| RequestStacksMeasured {
            times: times.joined(|key| TimesElsewhere::key(key, &mut chains)),
            totals: self.requests.iter().map(totals).collect(),
            waits,
        });
        PathsMeasured {
            goroutine_ns: self.requests.iter().map(of_window).fold(0, u64::saturating_add),
            requests: self.requests,
            cut: self.cut,
            states,
            elsewhere: elsewhere.into_times(),
            chains,
            wakeups,
            slowest: self.slowest.map(|(_, slowest)| slowest),
            exemplars: self.exemplars.map_or_else(Vec::new, Exemplars::finish),
            runtime_spans,
            capped: self.capped,
            overlap,
            stacks,
        }
    }

    /// What the program did while requests ran, which are in order of their start. `end` is that of the trace.
    fn overlap(&self, spec: MeasureSpec<'_>, end: Time) -> Overlap {
        let spans = || self.requests.iter().map(|request| request.span);
        let sum = |of: &dyn Fn(Window) -> u64| spans().map(of).fold(0u64, u64::saturating_add);
        let looked_at = looked_at(spec, end);
        Overlap {
            gc_ns: sum(&|w| self.ranges.marked_in(w)),
            stw_ns: sum(&|w| self.ranges.stopped_in(w)),
            stw_count: self.ranges.stops_during(spans()),
            stw_runnable_ns: 0,
            gc_window_ns: self.ranges.marked_in(looked_at),
            stw_window_ns: self.ranges.stopped_in(looked_at),
            gc_count: self.ranges.collections_in(looked_at),
            heap_goals: self.ranges.heap_goals_in(looked_at),
            mark_assist_ns: 0,
            sweep_ns: 0,
        }
    }
}

/// The part of the trace that is looked at; `end` is that of the trace.
fn looked_at(spec: MeasureSpec<'_>, end: Time) -> Window {
    Window { start: spec.looked_at.start.max(spec.trace_start), end: spec.looked_at.end.min(end) }
}
