//! Whether running goroutines had a CPU of the operating system. A trace calls it running also where the operating system
//! lets the thread wait.

use super::{FindingEvidence, Profile};

/// The time between two CPU samples of a thread that computes, in ns: `runtime/pprof` takes 100 a second.
pub const SAMPLE_NS: u64 = 10_000_000;

/// What traces say of that, of all goroutines of the slice together: samples are too few to say it of one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuTime {
    /// CPU samples of running goroutines.
    pub samples: u64,
    /// How long processors ran in which no CPU profile need have been running, at most, in ns.
    pub not_sampled_ns: u64,
    /// Stretches of running time over 25 ms without any event.
    pub long_runs: u64,
    /// How long they are together, in ns.
    pub long_runs_ns: u64,
    /// The longest, in ns.
    pub longest_run_ns: u64,
}

impl CpuTime {
    /// Adds what another trace says, in which so many goroutines ran at once at most.
    pub fn add(&mut self, other: &Self, procs: Option<u64>) {
        let not_sampled =
            if other.not_sampled_ns == 0 { Some(0) } else { procs.map(|n| n.saturating_mul(other.not_sampled_ns)) };
        self.samples += other.samples;
        self.not_sampled_ns = self.not_sampled_ns.saturating_add(not_sampled.unwrap_or(u64::MAX));
        self.long_runs += other.long_runs;
        self.long_runs_ns = self.long_runs_ns.saturating_add(other.long_runs_ns);
        self.longest_run_ns = self.longest_run_ns.max(other.longest_run_ns);
    }

    /// Time on a CPU as samples estimate it, in ns.
    pub fn on_cpu_ns(&self) -> u64 {
        self.samples.saturating_mul(SAMPLE_NS)
    }

    /// The least and the most that is, in ns: the 95 % interval of a Poisson distribution (Byar's approximation).
    pub fn on_cpu_interval(&self) -> (u64, u64) {
        let bound = |n: f64, z: f64| n * (1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt())).powi(3);
        let n = self.samples as f64;
        let least = if self.samples == 0 { 0.0 } else { bound(n, -1.96).max(0.0) };
        let in_ns = |samples: f64| (samples * SAMPLE_NS as f64).round() as u64;
        (in_ns(least), in_ns(bound(n + 1.0, 1.96)))
    }

    /// How much running time of the slice had no CPU, in ns, and what says so; none where nothing does.
    pub(super) fn lack(&self, profile: &Profile) -> Option<(u64, FindingEvidence)> {
        let running = profile.samples.iter().filter(|sample| sample.state == "running");
        let running_ns = running.map(|sample| sample.weight.goroutine_ns).fold(0, u64::saturating_add);
        if self.samples > 0 {
            return Some((self.without_cpu(running_ns)?, FindingEvidence::CpuSamples { running_ns }));
        }
        let is_much = self.long_runs_ns >= running_ns / 4 && self.long_runs > 0;
        is_much.then_some((self.long_runs_ns, FindingEvidence::LongRuns { running_ns }))
    }

    /// The part of `running_ns` of the slice that certainly had no CPU, as samples say, in ns; none where they leave it open,
    /// or that is less than a third.
    pub fn without_cpu(&self, running_ns: u64) -> Option<u64> {
        let most = self.on_cpu_interval().1.saturating_add(self.not_sampled_ns);
        let without = running_ns.checked_sub(most)?;
        (self.samples > 0 && without >= running_ns / 3).then_some(without)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_have_wide_intervals() {
        let of = |samples| CpuTime { samples, ..CpuTime::default() }.on_cpu_interval();
        let near = |ns: u64, samples: f64| (ns as f64 / SAMPLE_NS as f64 - samples).abs() < 0.06;
        // The exact intervals, of tables.
        for (samples, least, most) in [(0, 0.0, 3.69), (1, 0.03, 5.57), (24, 15.38, 35.71), (100, 81.36, 121.63)] {
            let (low, high) = of(samples);
            assert!(near(low, least) && near(high, most), "{samples}: {low} to {high}");
        }
    }

    #[test]
    fn only_what_is_certain_had_no_cpu() {
        let cpu = CpuTime { samples: 24, ..CpuTime::default() };
        assert!(cpu.without_cpu(1_400_000_000).is_some_and(|ns| ns > 1_000_000_000));
        assert_eq!(cpu.without_cpu(400_000_000), None);
        assert_eq!(CpuTime::default().without_cpu(1_400_000_000), None, "no profile was running");
        let late = CpuTime { not_sampled_ns: 700_000_000, ..cpu };
        assert_eq!(late.without_cpu(1_400_000_000), None, "the profile began late");
        let mut unknown = CpuTime::default();
        unknown.add(&CpuTime { not_sampled_ns: 1, ..cpu }, None);
        assert_eq!(unknown.without_cpu(u64::MAX - 1), None);
    }
}
