//! Histories of goroutines, event by event; places are their numbers.

use super::*;
use crate::survey::{Goroutine, Life};
use crate::trace::ids::{GoId, StackIdx};

/// A trace of goroutines 0 (older) and 1.. (created at their number times 100).
struct Play {
    symbols: Symbols,
    forest: Forest,
    pos: u64,
    events: Vec<(GIdx, u64, AnnotationKind<StringIdx>)>,
}

impl Play {
    fn new(goroutines: u32) -> Self {
        let mut forest = Forest::default();
        for g in 0..goroutines {
            let origin = if g == 0 { Origin::Older } else { Origin::Created };
            let goroutine = Goroutine {
                id: GoId(u64::from(g)),
                parent: GIdx::NONE,
                creation: StackIdx::EMPTY,
                entry: StackIdx::EMPTY,
                generation: 0,
                ended: Goroutine::ALIVE,
                stretch: Goroutine::NO_STRETCH,
                previous: GIdx::NONE,
                origin,
            };
            forest.add(goroutine, Some(Life { born: Time(i64::from(g) * 100), died: None }));
        }
        Self { symbols: Symbols::default(), forest, pos: 0, events: Vec::new() }
    }

    /// Something happens on a goroutine at a place, which is its time too.
    fn at(&mut self, pos: u64, g: u32, said: AnnotationKind<&str>) {
        assert!(pos > self.pos);
        self.pos = pos;
        let said = said.map(|name| self.symbols.intern(name));
        self.events.push((GIdx(g), pos, said));
    }

    fn find(&self, tasks: bool, regions: bool) -> Annotated {
        let matches = |name: &str| name.starts_with('m');
        let mut annotations = Annotations::new(tasks, regions, &matches);
        for &(g, pos, said) in &self.events {
            let at = Moment { pos, time: Some(Time(pos as i64)) };
            if let AnnotationKind::TaskBegin { task, parent, name } = said {
                annotations.begin_task((task, parent, name), g, at, &self.symbols);
            }
            annotations.note(g, g.0 == 0, at, said, &self.symbols);
        }
        annotations.finish(&self.forest)
    }
}

fn begin(task: u64, parent: u64, name: &str) -> AnnotationKind<&str> {
    AnnotationKind::TaskBegin { task, parent, name }
}

fn work(found: &Annotated, g: u32) -> Vec<(u32, Option<u64>, Option<u64>)> {
    let of_one = found.work.get(&GIdx(g)).map_or(&[][..], Vec::as_slice);
    of_one.iter().map(|w| (w.root, w.start, w.end)).collect()
}

#[test]
fn a_worker_works_by_regions_and_whoever_began_a_task_all_along() {
    let mut play = Play::new(1);
    for (pos, said) in [
        (10, begin(1, 0, "m")),
        (20, AnnotationKind::RegionBegin { task: 1, name: "r" }),
        (30, AnnotationKind::RegionEnd { task: 1, name: "r" }),
        (40, AnnotationKind::RegionBegin { task: 1, name: "r" }),
        (50, AnnotationKind::RegionEnd { task: 1, name: "r" }),
        (60, AnnotationKind::TaskEnd { task: 1 }),
    ] {
        play.at(pos, 0, said);
    }
    assert_eq!(work(&play.find(true, false), 0), [(0, Some(10), Some(60))]);
    // The same on another goroutine, which existed before.
    for event in &mut play.events[1..] {
        event.0 = GIdx(1);
    }
    let mut other = Play::new(2);
    other.forest.lives[1].born = Time(0);
    other.symbols = play.symbols;
    other.events = play.events;
    let found = other.find(true, false);
    assert_eq!(work(&found, 1), [(0, Some(20), Some(30)), (0, Some(40), Some(60))]);
    assert_eq!((found.roots[0].ended_by, found.roots[0].handed_over), (GIdx(1), Some(20)));
}

#[test]
fn who_was_made_for_a_task_belongs_to_it() {
    let mut play = Play::new(3);
    play.at(10, 0, begin(1, 0, "m"));
    play.at(20, 0, begin(2, 0, "m"));
    // Born at 100 and 200: the first ends one task, the second works for both.
    play.at(300, 1, AnnotationKind::TaskEnd { task: 1 });
    play.at(310, 2, AnnotationKind::Log { task: 1 });
    play.at(320, 2, AnnotationKind::TaskEnd { task: 2 });
    let found = play.find(true, false);
    assert_eq!(found.members.get(&GIdx(1)), Some(&0));
    assert_eq!(found.members.get(&GIdx(2)), None);
    assert_eq!((found.roots[0].handed_over, found.roots[1].handed_over), (None, Some(320)));
}

#[test]
fn parts_belong_to_the_outermost_task_that_matches() {
    let mut play = Play::new(1);
    play.at(10, 0, begin(1, 0, "other"));
    play.at(20, 0, begin(2, 1, "m"));
    play.at(30, 0, begin(3, 2, "other"));
    play.at(40, 0, begin(4, 3, "m"));
    play.at(50, 0, AnnotationKind::TaskEnd { task: 4 });
    play.at(60, 0, AnnotationKind::TaskEnd { task: 1 });
    let found = play.find(true, false);
    assert_eq!(found.roots.len(), 1);
    assert_eq!((found.roots[0].start, found.roots[0].end), (Some(20), None));
    assert_eq!(work(&found, 0), [(0, Some(20), Some(50))]);
}

#[test]
fn one_task_at_a_time_and_children_to_the_latest() {
    let mut play = Play::new(6);
    play.at(10, 0, begin(1, 0, "m"));
    play.at(20, 0, begin(2, 0, "m"));
    play.at(30, 0, AnnotationKind::Created(3));
    play.at(40, 0, AnnotationKind::TaskEnd { task: 1 });
    play.at(50, 0, AnnotationKind::Created(4));
    play.at(60, 0, AnnotationKind::TaskEnd { task: 2 });
    play.at(70, 0, AnnotationKind::Created(5));
    let found = play.find(true, false);
    assert_eq!(work(&found, 0), [(0, Some(10), Some(40)), (1, Some(40), Some(60))]);
    let root = |g| found.members.get(&GIdx(g)).copied();
    assert_eq!((root(3), root(4), root(5)), (Some(1), Some(1), None));
}

#[test]
fn a_region_left_open_in_a_task_that_is_over_is_in_nobodys_way() {
    let mut play = Play::new(2);
    play.forest.lives[1].born = Time(0);
    for task in [1, 2] {
        play.at(task * 100 + 10, 0, begin(task, 0, "m"));
        play.at(task * 100 + 20, 1, AnnotationKind::RegionBegin { task, name: "r" });
        play.at(task * 100 + 30, 0, AnnotationKind::TaskEnd { task });
    }
    let found = play.find(true, false);
    assert_eq!(work(&found, 1), [(0, Some(120), Some(220)), (1, Some(220), None)]);
}

#[test]
fn regions_by_themselves_and_in_tasks() {
    let mut play = Play::new(1);
    play.at(10, 0, AnnotationKind::Created(7));
    play.at(15, 0, AnnotationKind::RegionEnd { task: 0, name: "m" });
    play.at(20, 0, begin(1, 0, "m"));
    play.at(30, 0, AnnotationKind::RegionBegin { task: 1, name: "m" });
    play.at(40, 0, AnnotationKind::RegionEnd { task: 1, name: "m" });
    play.at(50, 0, AnnotationKind::TaskEnd { task: 1 });
    play.at(60, 0, AnnotationKind::RegionEnd { task: 0, name: "m" });
    play.at(70, 0, AnnotationKind::RegionBegin { task: 0, name: "m" });
    let regions = play.find(false, true);
    assert_eq!(work(&regions, 0), [(0, None, Some(15)), (1, Some(30), Some(40)), (2, Some(70), None)]);
    assert_eq!(regions.members.get(&GIdx(7)), Some(&0));
    // The task began first: the region inside is a part of it.
    let both = play.find(true, true);
    let kinds: Vec<Annotation> = work(&both, 0).iter().map(|w| both.roots[w.0 as usize].kind).collect();
    assert_eq!(kinds, [Annotation::Region, Annotation::Task, Annotation::Region]);
}

#[test]
fn ids_that_make_no_sense_do_no_harm() {
    let mut play = Play::new(1);
    play.at(10, 0, begin(5, 5, "m"));
    play.at(20, 0, begin(5, 9, "m"));
    play.at(30, 0, AnnotationKind::TaskEnd { task: 8 });
    play.at(40, 0, AnnotationKind::TaskEnd { task: 5 });
    play.at(50, 0, AnnotationKind::TaskEnd { task: 5 });
    play.at(60, 0, AnnotationKind::RegionEnd { task: u64::MAX, name: "m" });
    play.at(70, 0, begin(0, 0, "m"));
    let found = play.find(true, true);
    assert_eq!(found.roots.iter().filter(|r| r.kind == Annotation::Task).count(), 1);
    assert_eq!((found.roots[0].start, found.roots[0].end), (Some(10), Some(40)));
}
