//! Where goroutines begin and end the work for a request: the walk into another goroutine ends there.
//!
//! ```text
//!   g2   ├─ request A ─┤  idle   ├─ request B ──────┤
//!                                          ▲
//!                                          │ wakes g1
//!   g1      ──────── waits ────────────────┘
//!           the wait is the wait  ╵ g2's doing
//! ```

use crate::measure::windows::OpenWindow;
use crate::slice::{Slice, WindowIdx};
use crate::trace::ids::GIdx;
use crate::trace::time::{Time, Window};

/// Whether work for a request begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum WorkBorderKind {
    /// It begins: what the goroutine does at that moment belongs to the request.
    Begin,
    /// It ends: what the goroutine does at that moment still belongs to the request.
    End,
}

/// A border of the work that a goroutine does for a request. They sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct WorkBorder {
    pub(crate) time: Time,
    pub(crate) kind: WorkBorderKind,
    pub(crate) g: GIdx,
}

/// Nanoseconds in which a border that pass 1 took from a thread's own clock, and the same one in the order of events, lie.
pub(super) const CLOCK_TOLERANCE: i64 = 1000;

impl WorkBorder {
    /// Whether work ends there.
    pub(super) fn is_end(&self) -> bool {
        self.kind == WorkBorderKind::End
    }

    /// By goroutine and time. Where work ends and other work begins at one event, what ends comes first.
    fn by_goroutine(&self) -> (u32, u128) {
        (self.g.0, self.time.rank(u64::from(self.kind == WorkBorderKind::Begin)))
    }
}

/// Whether all borders of a window are too early to matter for a walk that goes back to a time.
pub(crate) fn is_before(open: &OpenWindow, time: Time) -> bool {
    open.end < time - CLOCK_TOLERANCE
}

/// The borders that are known of requests, of these windows of the slice and of `others` inside of `span`, in the order of time;
/// of those of the slice outside of it, which a walk along it does not need, only some.
pub(crate) fn work_borders(
    slice: &Slice,
    windows: impl Iterator<Item = (WindowIdx, OpenWindow)>,
    others: impl Iterator<Item = WorkBorder>,
    span: Window,
) -> Vec<WorkBorder> {
    let (from, to) = (span.start - CLOCK_TOLERANCE, span.end + CLOCK_TOLERANCE);
    let is_near = |border: &WorkBorder| from <= border.time && border.time <= to;
    // Windows are in order of their starts, or nearly so: sorting is quick where these come one after the other.
    let (mut of_slice, mut ends) = (Vec::new(), Vec::new());
    // A task's borders are on any goroutines.
    for (window, open) in windows.filter(|(window, _)| !slice.windows.has_boundaries(*window)) {
        for border in borders(slice.windows.goroutine(window), (open.start, open.end)).filter(is_near) {
            if border.is_end() { ends.push(border) } else { of_slice.push(border) }
        }
    }
    of_slice.append(&mut ends);
    let mut others: Vec<WorkBorder> = others.collect();
    if !others.is_empty() {
        of_slice.sort_unstable_by_key(WorkBorder::by_goroutine);
        others.retain(|border| {
            let near = of_slice.partition_point(|b| (b.g, b.time) < (border.g, border.time + -CLOCK_TOLERANCE));
            of_slice.get(near).is_none_or(|b| b.g != border.g || b.time > border.time + CLOCK_TOLERANCE)
        });
        of_slice.append(&mut others);
    }
    in_order(of_slice)
}

/// Where work on a goroutine begins and ends; a time at an end of all time is none.
pub(super) fn borders(g: GIdx, (start, end): (Time, Time)) -> impl Iterator<Item = WorkBorder> {
    let begin = (start != Time::MIN).then_some(WorkBorder { time: start, kind: WorkBorderKind::Begin, g });
    begin.into_iter().chain((end != Time::MAX).then_some(WorkBorder { time: end, kind: WorkBorderKind::End, g }))
}

/// In the order of time. Where work ends and other work begins at one event of a goroutine, the event belongs to what ends.
pub(crate) fn in_order(mut borders: Vec<WorkBorder>) -> Vec<WorkBorder> {
    // Stable, as that takes advantage of parts in order.
    borders.sort_by_key(|b| b.time.rank(u64::from(b.g.0) << 1 | u64::from(b.kind == WorkBorderKind::Begin)));
    borders.dedup_by_key(|border| (border.g, border.time));
    for same_time in borders.chunk_by_mut(|a, b| a.time == b.time).filter(|same_time| same_time.len() > 1) {
        same_time.sort_unstable();
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_come_in_order_of_time_and_one_event_has_one() {
        for seed in 0..500_u64 {
            let random = |i: u64, n: u64| ((seed * 1000 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % n;
            let border = |i: u64| WorkBorder {
                time: Time(random(i, 30) as i64),
                kind: if random(i + 500, 2) == 0 { WorkBorderKind::Begin } else { WorkBorderKind::End },
                g: GIdx(random(i + 700, 6) as u32),
            };
            let all: Vec<WorkBorder> = (0..seed % 60).map(border).collect();
            let ends_here = |b: &WorkBorder| {
                let end = WorkBorder { kind: WorkBorderKind::End, ..*b };
                b.is_end() || !all.contains(&end)
            };
            let mut expected: Vec<WorkBorder> = all.iter().copied().filter(ends_here).collect();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(in_order(all), expected);
        }
    }
}
