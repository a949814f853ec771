//! What the collector and stopped worlds did to the requests.

use super::layout::View;
use super::sentences;
use crate::profile::{HeapGoals, Latency, Profile, Requests};
use crate::render::units::{Share, bytes, counted};
use std::io::{self, Write};

pub(super) fn write(
    view: &View<'_>,
    profile: &Profile,
    requests: &Requests,
    latency: &Latency,
    out: &mut dyn Write,
) -> io::Result<()> {
    let window = profile.traces.iter().map(|t| t.window_ns.unwrap_or(t.duration_ns)).fold(0_u64, u64::saturating_add);
    let overlap = &requests.overlap;
    let mut items = Vec::new();
    if overlap.gc_window_ns > 0 {
        let share = Share::of(overlap.gc_window_ns, window);
        let times = counted(overlap.gc_count, "time");
        items.push(format!("GC active {times}, {share} of the time ({})", view.time(overlap.gc_window_ns)));
    }
    if let Some(HeapGoals { min_bytes, max_bytes }) = overlap.heap_goals.filter(|_| overlap.gc_count > 0) {
        let [min, max] = [min_bytes, max_bytes].map(bytes);
        items.push(if min == max { format!("heap goal {max}") } else { format!("heap goal {min} to {max}") });
    }
    let mut part = |ns: u64, what: &str| {
        if ns > 0 {
            items.push(format!("{what} {} of latency ({})", Share::of(ns, latency.total_ns), view.time(ns)));
        }
    };
    part(overlap.gc_ns, "during");
    part(overlap.mark_assist_ns, "mark assist");
    part(overlap.sweep_ns, "sweep");
    if overlap.stw_count > 0 {
        let (times, share) = (counted(overlap.stw_count, "time"), Share::of(overlap.stw_ns, latency.total_ns));
        items.push(format!("world stopped {times}, {share} of latency ({})", view.time(overlap.stw_ns)));
    }
    if overlap.stw_runnable_ns > 0 {
        items.push(format!("runnable because of it {}", view.time(overlap.stw_runnable_ns)));
    }
    view.title(out, "RUNTIME", &sentences::runtime(overlap, latency))?;
    if items.is_empty() && !view.options.hints {
        items.push("no collection and no stopped world while requests ran".to_owned());
    }
    if !items.is_empty() {
        view.items(out, "", 2, &items)?;
    }
    Ok(())
}
