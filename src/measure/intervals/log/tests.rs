//! Logs are read back as they were written.

use super::chunk::{CHUNK, IntervalEnd};
use super::reading::count_from;
use super::{IntervalLog, Link, LinkKind};
use crate::measure::intervals::aggregate::SumIdx;
use crate::trace::ids::{GIdx, StackIdx};
use crate::trace::time::Time;

#[test]
fn interval_ends_of_two_logs_are_read_in_one_order() {
    let (mut ours, mut theirs) = (IntervalLog::default(), IntervalLog::default());
    for (time, g) in [(3, 0), (4, 0), (10, 2), (15, 2), (5_000_000_031, 2)] {
        ours.push(Time(time), GIdx(g), SumIdx(0));
    }
    for (time, g) in [(10, 1), (20, 1), (30, 1)] {
        theirs.push(Time(time), GIdx(g), SumIdx(1));
    }
    theirs.link(Time(30), GIdx(1), Link { by: GIdx(7), stack: StackIdx::EMPTY, kind: LinkKind::Wake });
    ours.push_older(Time(2), GIdx(9));
    ours.absorb(&mut theirs, vec![SumIdx(5), SumIdx(6)]);
    let mut reader = ours.read_back();
    let mut found = Vec::new();
    while let Some(mut slice) = reader.next_slice(Time(3)) {
        while let Some((end, g)) = slice.pop() {
            found.push((slice.time(end).0, g.0, end.sum.0, slice.link(end).map(|l| l.by.0)));
        }
    }
    let expected = [
        (5_000_000_031, 2, 0, None),
        (30, 1, 6, Some(7)),
        (20, 1, 6, None),
        (15, 2, 0, None),
        (10, 1, 6, None),
        (10, 2, 0, None),
        (4, 0, 0, None),
        (3, 0, 0, None),
    ];
    assert_eq!(found, expected);
    let last = reader.next_slice(Time(1)).expect("the older one");
    assert_eq!((last.base, last.ends[0].sum, last.ends.len()), (Time(2), SumIdx::NOT_CREATED, 1));
    assert!(reader.next_slice(Time(1)).is_none());
    assert_eq!(ours.len(), 9);
}

#[test]
fn slices_of_any_length_are_found() {
    let end = |i: u32| IntervalEnd { ns_and_link: i * 10, g: GIdx(0), sum: SumIdx(0) };
    let ends: Vec<IntervalEnd> = (0..100).map(end).collect();
    for n in 0..ends.len() {
        for least in -5..1005 {
            let simple = ends[..n].iter().filter(|end| i64::from(end.ns_after_base()) >= least).count();
            assert_eq!(count_from(&ends[..n], least), simple, "{n} {least}");
        }
    }
}

#[test]
fn interval_ends_far_apart_take_little_memory() {
    let mut log = IntervalLog::default();
    for i in 0..1000 {
        log.push(Time(i * 3_000_000_000), GIdx(0), SumIdx(0));
    }
    let room: usize =
        log.written.iter().chain([&log.open]).map(|chunk| chunk.ends.capacity() + chunk.links.capacity()).sum();
    assert!(room < 10_000, "{room}");
    let mut times = Vec::new();
    let mut reader = log.read_back();
    while let Some(mut slice) = reader.next_slice(Time(0)) {
        while let Some((end, _)) = slice.pop() {
            times.push(slice.time(end).0 / 3_000_000_000);
        }
    }
    assert!(times.iter().copied().eq((0..1000).rev()));
}

/// Links of interval ends that are skipped are skipped too, also in chunks that were taken over as they are.
#[test]
fn links_belong_to_their_interval_ends() {
    let (mut ours, mut theirs) = (IntervalLog::default(), IntervalLog::default());
    let n = 3 * CHUNK as u32;
    for i in 0..n {
        theirs.push(Time(i64::from(i)), GIdx(i), SumIdx(0));
        if i % 3 == 0 || i as usize % CHUNK == CHUNK - 1 {
            let link = Link { by: GIdx(i + 1), stack: StackIdx::EMPTY, kind: LinkKind::Wake };
            theirs.link(Time(i64::from(i)), GIdx(i), link);
        }
    }
    ours.absorb(&mut theirs, vec![SumIdx(0)]);
    let mut reader = ours.read_back();
    let (mut next, mut least) = (n, i64::from(n));
    while next > 0 {
        // Slices that end anywhere.
        least -= 1000;
        while let Some(mut slice) = reader.next_slice(Time(least.max(0))) {
            while let Some((end, g)) = slice.pop() {
                next -= 1;
                assert_eq!(g, GIdx(next));
                if next % 7 < 4 {
                    let linked = next % 3 == 0 || next as usize % CHUNK == CHUNK - 1;
                    assert_eq!(slice.link(end).map(|link| link.by), linked.then_some(GIdx(next + 1)));
                }
            }
        }
    }
}

#[test]
fn what_is_dropped_is_before_the_cutoff() {
    let mut log = IntervalLog::default();
    for i in 0..3 * CHUNK as i64 {
        log.push(Time(i), GIdx(0), SumIdx(0));
    }
    log.drop_before(Time(CHUNK as i64 + 5));
    assert_eq!(log.len(), 2 * CHUNK);
    log.drop_before(Time::MAX);
    assert_eq!(log.len(), 0);
}
