//! Which user tasks and regions a trace has, and how long they took: for the list without a selection.

use super::notes::AnnotationKind;
use crate::profile::{self, DurationList};
use crate::survey::forest::Annotation;
use crate::survey::roots::connections::Moment;
use crate::trace::ids::{GIdx, StringIdx};
use crate::trace::symbols::Symbols;
use crate::trace::time::Time;
use rustc_hash::FxHashMap;

/// Regions of one goroutine that are open, by task and type: how many of them lie in each other, and since when.
type OpenRegions = FxHashMap<(u64, StringIdx), (u32, Option<Time>)>;

/// Collects them by type. Fed as [`Annotations`](super::roots::Annotations) is.
#[derive(Default)]
pub struct AnnotationList {
    tasks: FxHashMap<u64, (StringIdx, Option<Time>)>,
    regions: FxHashMap<GIdx, OpenRegions>,
    rows: FxHashMap<(Annotation, StringIdx), DurationList>,
}

impl AnnotationList {
    pub(crate) fn begin_task(&mut self, task: u64, name: StringIdx, at: Moment) {
        self.tasks.entry(task).or_insert((name, at.time));
    }

    pub(crate) fn note(&mut self, g: GIdx, older: bool, at: Moment, said: AnnotationKind<StringIdx>) {
        match said {
            AnnotationKind::TaskEnd { task } => {
                if let Some((name, began)) = self.tasks.remove(&task) {
                    self.add(Annotation::Task, name, began, at);
                }
            }
            AnnotationKind::RegionBegin { task, name } => {
                let open = self.regions.entry(g).or_default().entry((task, name)).or_insert((0, at.time));
                open.0 += 1;
            }
            AnnotationKind::RegionEnd { task, name } => self.end_region(g, older, (task, name), at),
            AnnotationKind::TaskBegin { .. } | AnnotationKind::Log { .. } | AnnotationKind::Created(_) => {}
        }
    }

    fn end_region(&mut self, g: GIdx, older: bool, region: (u64, StringIdx), at: Moment) {
        let of_goroutine = self.regions.get_mut(&g);
        let Some((depth, began)) = of_goroutine.and_then(|open| open.get_mut(&region)) else {
            // It began before the trace, or on another goroutine by mistake.
            if older {
                self.rows.entry((Annotation::Region, region.1)).or_default().partial += 1;
            }
            return;
        };
        *depth -= 1;
        if *depth == 0 {
            let began = *began;
            if let Some(open) = self.regions.get_mut(&g) {
                open.remove(&region);
            }
            self.add(Annotation::Region, region.1, began, at);
        }
    }

    fn add(&mut self, kind: Annotation, name: StringIdx, began: Option<Time>, at: Moment) {
        let ns = at.time.zip(began).map_or(0, |(ended, began)| ended.since(began));
        self.rows.entry((kind, name)).or_default().durations_ns.push(ns);
    }

    /// A goroutine ends, and its regions with it.
    pub(crate) fn died(&mut self, g: GIdx, at: Moment) {
        for ((_, name), (_, began)) in self.regions.remove(&g).unwrap_or_default() {
            self.add(Annotation::Region, name, began, at);
        }
    }

    /// The trace ends: the rows, in no order.
    pub(crate) fn finish(mut self, symbols: &Symbols) -> Vec<profile::AnnotationCandidate> {
        let tasks = self.tasks.values().map(|(name, _)| (Annotation::Task, *name));
        let regions = self.regions.values().flat_map(|open| open.keys().map(|(_, name)| (Annotation::Region, *name)));
        for key in tasks.chain(regions) {
            self.rows.entry(key).or_default().partial += 1;
        }
        // A trace that was cut has lost the names of its last generation.
        let named = self.rows.into_iter().filter(|((_, name), _)| name.is_some());
        let rows = named.map(|((kind, name), mut took)| {
            took.sort();
            profile::AnnotationCandidate {
                kind: if kind == Annotation::Task { "task" } else { "region" },
                name: symbols.text(name).to_owned(),
                took,
            }
        });
        rows.collect()
    }
}
