//! One goroutine's work for several roots → stretches that do not overlap.
//!
//! ```text
//!  spans       A ├───────────┤        B ├──┤
//!                   C ├───────────┤
//!  work        A ├───────────┤C───┤   B ├──┤
//! ```

use super::root_builder::RootBuilder;
use crate::survey::forest::Work;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;
use std::collections::BinaryHeap;

/// A stretch of a goroutine's work, which may overlap with others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WorkSpan {
    /// The root that it is for.
    pub(crate) root: u32,
    /// Number of the goroutine's event that begins it; 0 for one before its first.
    pub(crate) from: u32,
    /// Number of the event that ends it; [`WorkSpan::OPEN`] when none does.
    pub(crate) to: u32,
    /// File position of the event that begins it; none: it is older than the trace.
    pub(crate) start: Option<u64>,
    /// File position of the event that ends it; none: it outlasts the trace.
    pub(crate) end: Option<u64>,
    /// When it began; none: before the trace.
    pub(crate) began: Option<Time>,
}

impl WorkSpan {
    /// `to` of a span that has not ended.
    pub(crate) const OPEN: u32 = u32::MAX;
}

/// Leaves one root at a time. The span that began first lasts to its end; one that begins inside starts when that is over. A
/// region that begins inside a task is no root and is removed from the spans, which are sorted by `from`.
pub(crate) fn one_at_a_time(spans: &mut Vec<WorkSpan>, roots: &[RootBuilder]) -> Vec<Work> {
    let mut work: Vec<Work> = Vec::with_capacity(spans.len());
    // The span before: its root, and `to`.
    let mut before: Option<(u32, u32)> = None;
    spans.retain(|span| {
        let mut start = span.start;
        if let Some((root, to)) = before
            && span.from < to
        {
            match work.last_mut() {
                // A task that another goroutine ended is over, although regions of it are still open on this one.
                Some(last) if roots[root as usize].is_over(span.began) => last.end = span.start,
                _ if roots[span.root as usize].is_region() && !roots[root as usize].is_region() => return false,
                _ if span.to <= to => return true,
                last => start = last.and_then(|last| last.end),
            }
        }
        before = Some((span.root, span.to));
        work.push(Work { root: span.root, start, end: span.end });
        true
    });
    // A piece that begins and ends with one event takes no time.
    work.retain(|one| one.start.is_none() || one.start != one.end);
    work
}

/// The regions among a goroutine's spans that do not have all their time to themselves.
pub(crate) fn overlapping(spans: &[WorkSpan], work: &[Work], roots: &[RootBuilder]) -> Vec<u32> {
    let exclusive: FxHashMap<u32, (Option<u64>, Option<u64>)> =
        work.iter().map(|work| (work.root, (work.start, work.end))).collect();
    let regions = spans.iter().filter(|span| roots[span.root as usize].is_region());
    let shared = regions.filter(|span| exclusive.get(&span.root) != Some(&(span.start, span.end)));
    shared.map(|span| span.root).collect()
}

/// The root that each of a goroutine's children was created for: of the spans open at the creation, the one that began
/// last. `births` are children with the number of the event that created them; one created in no span is left out.
pub(crate) fn latest_open(spans: &[WorkSpan], births: &[(u32, GIdx)]) -> Vec<(GIdx, u32)> {
    let (mut next, mut open) = (0, BinaryHeap::new());
    let mut found = Vec::new();
    for &(event, child) in births {
        while spans.get(next).is_some_and(|span| span.from < event) {
            open.push(next);
            next += 1;
        }
        // A span that is over now is over for all births that follow.
        while open.peek().is_some_and(|&span| spans[span].to < event) {
            open.pop();
        }
        found.extend(open.peek().map(|&span| (child, spans[span].root)));
    }
    found
}
