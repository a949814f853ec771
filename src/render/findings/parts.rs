//! Findings about parts of all time: computing, the collector, stopped worlds, time without a CPU.

use super::FindingWriter;
use crate::profile::{HeapGoals, Latency, Overlap};
use crate::render::clean::clean;
use crate::render::units::{Share, bytes, count, counted};

impl FindingWriter<'_> {
    pub(super) fn part(&self, id: &str, ns: u64, latency: &Latency) -> String {
        let (share, time) = (Share::of(ns, latency.total_ns), self.time(ns));
        match id {
            "scheduler" => format!("Requests wait for a processor {share} of their time ([runnable], {time})."),
            "collector" => {
                let Overlap { mark_assist_ns, sweep_ns, .. } = self.requests.overlap;
                let waits = ns.saturating_sub(mark_assist_ns).saturating_sub(sweep_ns);
                let parts = [(mark_assist_ns, "mark assist"), (sweep_ns, "sweep"), (waits, "waits for it")];
                let parts =
                    parts.iter().filter(|(ns, _)| *ns > 0).map(|(ns, what)| format!("{what} {}", self.time(*ns)));
                let parts = parts.collect::<Vec<_>>().join(", ");
                format!(
                    "Requests work for the garbage collector or wait for it {share} of their time: {parts}.{}",
                    self.collections()
                )
            }
            "stw" => {
                let times = counted(self.requests.overlap.stw_count, "time");
                format!("The world is stopped {share} of the time of requests ({time}), {times}.")
            }
            _ if self.requests.cpu.samples > 0 => {
                let samples = counted(self.requests.cpu.samples, "CPU sample");
                format!("Requests compute {share} of their time ([running], {time}; {samples} do not contradict).")
            }
            _ => {
                let hidden = self.profile.traces.iter().find(|trace| trace.hides_short_calls);
                let calls = hidden.map_or_else(String::new, |trace| {
                    format!(", or are in system calls (traces of Go {} do not tell)", clean(&trace.version))
                });
                format!(
                    "Requests compute {share} of their time ([running], {time}){calls}, or wait for a CPU of the operating \
                     system: that is [running], too."
                )
            }
        }
    }

    /// How often the collector ran, and at which size of the heap: what GOGC and GOMEMLIMIT change.
    fn collections(&self) -> String {
        let Overlap { gc_count, heap_goals, .. } = self.requests.overlap;
        if gc_count == 0 {
            return String::new();
        }
        let looked_at = self.profile.traces.iter().map(|t| t.window_ns.unwrap_or(t.duration_ns));
        let every = self.time(looked_at.fold(0, u64::saturating_add) / gc_count);
        let goals = heap_goals.map_or_else(String::new, |HeapGoals { min_bytes, max_bytes }| {
            let [min, max] = [min_bytes, max_bytes].map(bytes);
            let goals = if min == max { max } else { format!("{min} to {max}") };
            format!("; a collection begins at a heap of {goals}, which GOGC and GOMEMLIMIT set")
        });
        format!(" It ran {}, every {every} on average{goals}.", counted(gc_count, "time"))
    }

    /// What CPU samples say of running time.
    pub(super) fn cpu_samples(&self, running_ns: u64) -> String {
        let cpu = &self.requests.cpu;
        let (least, most) = cpu.on_cpu_interval();
        let [running, on, least, most] = [running_ns, cpu.on_cpu_ns(), least, most].map(|ns| self.time(ns));
        let samples = counted(cpu.samples, "CPU sample");
        format!(
            "Requests are [running] for {running} together, but had a CPU for about {on} of it ({least} to {most}, by \
             {samples}): else their threads waited for a CPU of the operating system, which other processes, a quota or \
             too large a GOMAXPROCS kept busy."
        )
    }

    /// What stretches without any event say of it.
    pub(super) fn long_runs(&self, running_ns: u64) -> String {
        let cpu = &self.requests.cpu;
        let [running, long, max] = [running_ns, cpu.long_runs_ns, cpu.longest_run_ns].map(|ns| self.time(ns));
        let stretches = if cpu.long_runs == 1 { "stretch" } else { "stretches" };
        format!(
            "Of {running} that requests are [running], {long} are {} {stretches} of 25 ms to {max} without any event, though \
             the runtime preempts after 10 ms: in these, threads waited for a CPU of the operating system, or ran code that \
             cannot be preempted. CPU samples in the trace would tell.",
            count(cpu.long_runs)
        )
    }
}
