//! Histories of goroutines, event by event. An event's file position is also its time.

use super::*;
use crate::survey::Goroutine;
use crate::survey::forest::Annotation;
use crate::survey::spans::Life;
use crate::trace::ids::GoId;
use crate::trace::time::Time;

/// Events of goroutine 0, which is older than the trace, and of goroutines 1.., created at their number times 100.
struct History {
    symbols: Symbols,
    forest: Forest,
    pos: u64,
    events: Vec<AnnotationEvent>,
}

impl History {
    fn new(goroutines: u32) -> Self {
        let mut forest = Forest::default();
        for g in 0..goroutines {
            let origin = if g == 0 { Origin::Older } else { Origin::Created };
            let goroutine = Goroutine { origin, ..Goroutine::older(GoId(u64::from(g)), 0) };
            forest.add(goroutine, Some(Life::since(Time(i64::from(g) * 100))));
        }
        Self { symbols: Symbols::default(), forest, pos: 0, events: Vec::new() }
    }

    /// An event of a goroutine.
    fn at(&mut self, pos: u64, g: u32, kind: AnnotationKind<&str, GIdx>) {
        assert!(pos > self.pos);
        self.pos = pos;
        let at = Moment { pos, time: Some(Time(pos as i64)) };
        let kind = kind.map(|name| self.symbols.intern(name), |child| child);
        self.events.push(AnnotationEvent { g: GIdx(g), is_older: g == 0, at, kind });
    }

    fn find(&self, tasks: bool, regions: bool) -> Annotated {
        let matches = |name: &str| name.starts_with('m');
        let mut builder = AnnotatedBuilder::new(tasks, regions, &matches);
        for event in &self.events {
            builder.begin_task(event, &self.symbols);
            builder.event(event, &self.symbols);
        }
        builder.finish(&self.forest)
    }
}

fn begin(task: u64, parent: u64, name: &str) -> AnnotationKind<&str, GIdx> {
    AnnotationKind::TaskBegin { task, parent, name }
}

fn work(found: &Annotated, g: u32) -> Vec<(u32, Option<u64>, Option<u64>)> {
    let of_one = found.work.get(&GIdx(g)).map_or(&[][..], Vec::as_slice);
    of_one.iter().map(|w| (w.root, w.start, w.end)).collect()
}

#[test]
fn a_goroutine_works_for_a_task_in_regions_and_its_beginner_all_along() {
    let mut history = History::new(1);
    for (pos, kind) in [
        (10, begin(1, 0, "m")),
        (20, AnnotationKind::RegionBegin { task: 1, name: "r" }),
        (30, AnnotationKind::RegionEnd { task: 1, name: "r" }),
        (40, AnnotationKind::RegionBegin { task: 1, name: "r" }),
        (50, AnnotationKind::RegionEnd { task: 1, name: "r" }),
        (60, AnnotationKind::TaskEnd { task: 1 }),
    ] {
        history.at(pos, 0, kind);
    }
    assert_eq!(work(&history.find(true, false), 0), [(0, Some(10), Some(60))]);
    // The same on another goroutine, which existed before.
    for event in &mut history.events[1..] {
        (event.g, event.is_older) = (GIdx(1), false);
    }
    let mut other = History::new(2);
    other.forest.lives[1].born = Time(0);
    other.symbols = history.symbols;
    other.events = history.events;
    let found = other.find(true, false);
    assert_eq!(work(&found, 1), [(0, Some(20), Some(30)), (0, Some(40), Some(60))]);
    assert_eq!((found.roots[0].ended_by, found.roots[0].handed_over), (GIdx(1), Some(20)));
}

#[test]
fn a_goroutine_made_for_a_task_is_a_member() {
    let mut history = History::new(3);
    history.at(10, 0, begin(1, 0, "m"));
    history.at(20, 0, begin(2, 0, "m"));
    // Born at 100 and 200: the first ends one task, the second works for both.
    history.at(300, 1, AnnotationKind::TaskEnd { task: 1 });
    history.at(310, 2, AnnotationKind::Log { task: 1 });
    history.at(320, 2, AnnotationKind::TaskEnd { task: 2 });
    let found = history.find(true, false);
    assert_eq!(found.members.get(&GIdx(1)), Some(&0));
    assert_eq!(found.members.get(&GIdx(2)), None);
    assert_eq!((found.roots[0].handed_over, found.roots[1].handed_over), (None, Some(320)));
}

#[test]
fn subtasks_belong_to_the_outermost_task_that_matches() {
    let mut history = History::new(1);
    history.at(10, 0, begin(1, 0, "other"));
    history.at(20, 0, begin(2, 1, "m"));
    history.at(30, 0, begin(3, 2, "other"));
    history.at(40, 0, begin(4, 3, "m"));
    history.at(50, 0, AnnotationKind::TaskEnd { task: 4 });
    history.at(60, 0, AnnotationKind::TaskEnd { task: 1 });
    let found = history.find(true, false);
    assert_eq!(found.roots.len(), 1);
    assert_eq!((found.roots[0].start, found.roots[0].end), (Some(20), None));
    assert_eq!(work(&found, 0), [(0, Some(20), Some(50))]);
}

#[test]
fn one_task_at_a_time_and_children_to_the_latest() {
    let mut history = History::new(6);
    history.at(10, 0, begin(1, 0, "m"));
    history.at(20, 0, begin(2, 0, "m"));
    history.at(30, 0, AnnotationKind::Created(GIdx(3)));
    history.at(40, 0, AnnotationKind::TaskEnd { task: 1 });
    history.at(50, 0, AnnotationKind::Created(GIdx(4)));
    history.at(60, 0, AnnotationKind::TaskEnd { task: 2 });
    history.at(70, 0, AnnotationKind::Created(GIdx(5)));
    let found = history.find(true, false);
    assert_eq!(work(&found, 0), [(0, Some(10), Some(40)), (1, Some(40), Some(60))]);
    let root = |g| found.members.get(&GIdx(g)).copied();
    assert_eq!((root(3), root(4), root(5)), (Some(1), Some(1), None));
}

#[test]
fn a_region_left_open_in_a_task_that_is_over_ends_with_the_task() {
    let mut history = History::new(2);
    history.forest.lives[1].born = Time(0);
    for task in [1, 2] {
        history.at(task * 100 + 10, 0, begin(task, 0, "m"));
        history.at(task * 100 + 20, 1, AnnotationKind::RegionBegin { task, name: "r" });
        history.at(task * 100 + 30, 0, AnnotationKind::TaskEnd { task });
    }
    let found = history.find(true, false);
    assert_eq!(work(&found, 1), [(0, Some(120), Some(220)), (1, Some(220), None)]);
}

#[test]
fn regions_by_themselves_and_in_tasks() {
    let mut history = History::new(1);
    history.at(10, 0, AnnotationKind::Created(GIdx(7)));
    history.at(15, 0, AnnotationKind::RegionEnd { task: 0, name: "m" });
    history.at(20, 0, begin(1, 0, "m"));
    history.at(30, 0, AnnotationKind::RegionBegin { task: 1, name: "m" });
    history.at(40, 0, AnnotationKind::RegionEnd { task: 1, name: "m" });
    history.at(50, 0, AnnotationKind::TaskEnd { task: 1 });
    history.at(60, 0, AnnotationKind::RegionEnd { task: 0, name: "m" });
    history.at(70, 0, AnnotationKind::RegionBegin { task: 0, name: "m" });
    let regions = history.find(false, true);
    assert_eq!(work(&regions, 0), [(0, None, Some(15)), (1, Some(30), Some(40)), (2, Some(70), None)]);
    assert_eq!(regions.members.get(&GIdx(7)), Some(&0));
    // The task began first: the region inside is a part of it.
    let both = history.find(true, true);
    let kinds: Vec<Annotation> = work(&both, 0).iter().map(|w| both.roots[w.0 as usize].kind).collect();
    assert_eq!(kinds, [Annotation::Region, Annotation::Task, Annotation::Region]);
}

#[test]
fn implausible_ids_do_no_harm() {
    let mut history = History::new(1);
    history.at(10, 0, begin(5, 5, "m"));
    history.at(20, 0, begin(5, 9, "m"));
    history.at(30, 0, AnnotationKind::TaskEnd { task: 8 });
    history.at(40, 0, AnnotationKind::TaskEnd { task: 5 });
    history.at(50, 0, AnnotationKind::TaskEnd { task: 5 });
    history.at(60, 0, AnnotationKind::RegionEnd { task: u64::MAX, name: "m" });
    history.at(70, 0, begin(0, 0, "m"));
    let found = history.find(true, true);
    assert_eq!(found.roots.iter().filter(|r| r.kind == Annotation::Task).count(), 1);
    assert_eq!((found.roots[0].start, found.roots[0].end), (Some(10), Some(40)));
}

#[test]
fn regions_of_different_tasks_overlap_and_each_is_a_root() {
    let mut history = History::new(3);
    for (pos, task) in [(10, 1), (20, 2), (30, 3)] {
        history.at(pos, 0, AnnotationKind::RegionBegin { task, name: "m" });
    }
    history.at(35, 0, AnnotationKind::Created(GIdx(2)));
    for (pos, task) in [(40, 1), (50, 2)] {
        history.at(pos, 0, AnnotationKind::RegionEnd { task, name: "m" });
    }
    let found = history.find(false, true);
    let borders: Vec<_> = found.roots.iter().map(|r| (r.start, r.end, r.is_inferred)).collect();
    assert_eq!(borders, [(Some(10), Some(40), false), (Some(20), Some(50), false), (Some(30), None, false)]);
    assert_eq!(work(&found, 0), [(0, Some(10), Some(40)), (1, Some(40), Some(50)), (2, Some(50), None)]);
    assert_eq!((found.overlapping[&GIdx(0)].as_slice(), found.regions_inside), (&[1, 2][..], 0));
    assert_eq!(found.members.get(&GIdx(2)), Some(&2));
}

#[test]
fn of_one_task_the_outermost_region_counts() {
    let mut history = History::new(1);
    for (pos, name) in [(10, "m"), (20, "m2"), (30, "other")] {
        history.at(pos, 0, AnnotationKind::RegionBegin { task: 1, name });
    }
    history.at(40, 0, AnnotationKind::RegionEnd { task: 1, name: "m2" });
    history.at(50, 0, AnnotationKind::RegionEnd { task: 1, name: "m" });
    let found = history.find(false, true);
    assert_eq!(work(&found, 0), [(0, Some(10), Some(50))]);
    assert_eq!((found.overlapping.len(), found.regions_inside), (0, 1));
}
