//! One goroutine's work for several roots → stretches that do not overlap.

use super::roots::Root;
use crate::survey::forest::Work;
use crate::trace::ids::GIdx;
use crate::trace::time::Time;
use std::collections::BinaryHeap;

/// A stretch of work, which may overlap with others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Raw {
    /// The root that it is for.
    pub(crate) root: u32,
    /// Number of the goroutine's note that begins it; 0 for one before its first.
    pub(crate) from: u32,
    /// Number of the note that ends it.
    pub(crate) to: u32,
    /// Place of the event that begins it; none: it is older than the trace.
    pub(crate) start: Option<u64>,
    /// Place of the event that ends it; none: it outlasts the trace.
    pub(crate) end: Option<u64>,
    /// When it began.
    pub(crate) began: Option<Time>,
}

impl Raw {
    /// It has not ended.
    pub(crate) const OPEN: u32 = u32::MAX;
}

/// Leaves one root at a time: the stretch that began first goes on to its end, what begins inside starts when it is
/// over. A region that begins inside is no root, and leaves the list.
pub(crate) fn one_at_a_time(raws: &mut Vec<Raw>, roots: &[Root]) -> Vec<Work> {
    let mut work: Vec<Work> = Vec::with_capacity(raws.len());
    // The stretch before: its root, and where it ends in the goroutine's own order.
    let mut before: Option<(u32, u32)> = None;
    raws.retain(|raw| {
        let mut start = raw.start;
        if let Some((root, to)) = before
            && raw.from < to
        {
            match work.last_mut() {
                // A task that others ended is over, although regions of it were left open here.
                Some(last) if roots[root as usize].is_over(raw.began) => last.end = raw.start,
                _ if roots[raw.root as usize].is_region() => return false,
                _ if raw.to <= to => return true,
                last => start = last.and_then(|last| last.end),
            }
        }
        before = Some((raw.root, raw.to));
        work.push(Work { root: raw.root, start, end: raw.end });
        true
    });
    // What begins and ends with one event takes no time.
    work.retain(|one| one.start.is_none() || one.start != one.end);
    work
}

/// The root that each of a goroutine's children was created for: of those at work, the one that began last.
pub(crate) fn latest_open(raws: &[Raw], births: &[(u32, GIdx)]) -> Vec<(GIdx, u32)> {
    let (mut next, mut open) = (0, BinaryHeap::new());
    let mut found = Vec::new();
    for &(note, child) in births {
        while raws.get(next).is_some_and(|raw| raw.from < note) {
            open.push(next);
            next += 1;
        }
        // What is over now is over for all births that follow.
        while open.peek().is_some_and(|&raw| raws[raw].to < note) {
            open.pop();
        }
        found.extend(open.peek().map(|&raw| (child, raws[raw].root)));
    }
    found
}
