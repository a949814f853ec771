//! What says whether running goroutines had a CPU of the operating system: CPU samples, and stretches without any event.

use crate::measure::windows::{OpenWindow, WindowTable};
use crate::profile::CpuTime;
use crate::slice::WindowIdx;
use crate::trace::time::{Time, Window};

/// The runtime preempts a goroutine that runs for 10 ms, and looks for such ones every 10 ms. From so many nanoseconds on, one
/// that has no event did not have a CPU all the time, or could not be preempted.
pub(crate) const LONG_RUN_NS: u64 = 25_000_000;

/// What was found so far.
#[derive(Clone, Default, Debug)]
pub(crate) struct CpuEvidence {
    /// CPU samples of running goroutines, each with the window that its time belongs to.
    samples: Vec<(Time, WindowIdx)>,
    /// Stretches of running time inside of windows without any event, from [`LONG_RUN_NS`] on.
    long_runs: u64,
    /// How long they are together, in ns.
    long_runs_ns: u64,
    /// The longest, in ns.
    longest_run_ns: u64,
}

impl CpuEvidence {
    /// A CPU sample of a running goroutine whose time belongs to `window`, if to any.
    pub(crate) fn note_sample(&mut self, time: Time, window: WindowIdx) {
        self.samples.push((time, window));
    }

    /// A goroutine had no event while it ran for so long.
    #[cold]
    pub(crate) fn note_long_run(&mut self, ns: u64) {
        self.long_runs += 1;
        self.long_runs_ns = self.long_runs_ns.saturating_add(ns);
        self.longest_run_ns = self.longest_run_ns.max(ns);
    }

    /// Takes what a part found, and leaves it empty.
    pub(crate) fn absorb(&mut self, other: &mut Self) {
        let Self { samples, long_runs, long_runs_ns, longest_run_ns } = std::mem::take(other);
        self.samples.extend(samples);
        self.long_runs += long_runs;
        self.long_runs_ns = self.long_runs_ns.saturating_add(long_runs_ns);
        self.longest_run_ns = self.longest_run_ns.max(longest_run_ns);
    }

    /// What it comes to for these windows, of which only the part inside `looked_at` counts.
    pub(crate) fn finish(&self, windows: &WindowTable, looked_at: Window) -> CpuTime {
        let inside = |time: Time, window: OpenWindow| {
            let span = Window { start: window.start.max(looked_at.start), end: window.end.min(looked_at.end) };
            span.start <= time && time < span.end
        };
        let counts = |&&(time, window): &&(Time, WindowIdx)| window.is_some() && inside(time, windows.get(window));
        let samples = self.samples.iter().filter(counts).count() as u64;
        let has_time = windows.iter().filter(|window| window.start < window.end && window.ns > 0);
        let span = has_time.fold(None, |span: Option<Window>, window| {
            let (start, end) = (window.start.max(looked_at.start), window.end.min(looked_at.end));
            let before = span.unwrap_or(Window { start, end });
            Some(Window { start: before.start.min(start), end: before.end.max(end) })
        });
        CpuTime {
            samples,
            not_sampled_ns: span.map_or(0, |span| self.not_sampled(span)),
            long_runs: self.long_runs,
            long_runs_ns: self.long_runs_ns,
            longest_run_ns: self.longest_run_ns,
        }
    }

    /// How long no CPU profile need have been running in `span`, in ns: before the first sample and after the last one, and
    /// between two that are far apart.
    fn not_sampled(&self, span: Window) -> u64 {
        const EDGE_NS: u64 = 100_000_000;
        const GAP_NS: u64 = 1_000_000_000;
        let mut times: Vec<Time> = self.samples.iter().map(|(time, _)| *time).collect();
        times.sort_unstable();
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return span.end.since(span.start) };
        let long = |from: Time, to: Time, limit: u64| {
            let ns = Window { start: from.max(span.start), end: to.min(span.end) };
            if ns.start < ns.end && ns.end.since(ns.start) > limit { ns.end.since(ns.start) } else { 0 }
        };
        let gaps = times.windows(2).map(|pair| long(pair[0], pair[1], GAP_NS));
        long(span.start, first, EDGE_NS)
            .saturating_add(long(last, span.end, EDGE_NS))
            .saturating_add(gaps.fold(0, u64::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_without_samples_is_known() {
        const MS: i64 = 1_000_000;
        let mut cpu = CpuEvidence::default();
        let span = Window { start: Time(0), end: Time(9000 * MS) };
        assert_eq!(cpu.not_sampled(span), 9_000_000_000);
        for ms in [150, 90, 1000, 2500, 8950] {
            cpu.note_sample(Time(ms * MS), WindowIdx::NONE);
        }
        // From 1000 to 2500 and from 2500 to 8950; the edges are short enough.
        assert_eq!(cpu.not_sampled(span), 7_950_000_000);
        assert_eq!(cpu.not_sampled(Window { start: Time(-200 * MS), end: Time(500 * MS) }), 290_000_000);
    }
}
