//! All goroutines of a trace and who created whom.

use super::spans::{Life, ServedSpan};
use super::stretch::Stretch;
use crate::trace::buckets::Buckets;
use crate::trace::ids::{GIdx, GoId, StackIdx, StringIdx};
use crate::trace::time::Time;
use petgraph::Directed;
use petgraph::csr::Csr;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The graph of creations: an edge from a goroutine to each that it created. Node index = goroutine index.
pub(crate) type SpawnGraph = Csr<(), (), Directed, u32>;

/// Where a goroutine came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// A `go` statement in the trace.
    Created,
    /// A cgo callback in the trace.
    Callback,
    /// It is older than the trace, or its creation was lost.
    Older,
}

/// One creation of one id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goroutine {
    /// Its id in the file.
    pub(crate) id: GoId,
    /// The goroutine that created it; [`GIdx::NONE`] when none is known.
    pub(crate) parent: GIdx,
    /// The stack of the `go` statement.
    pub(crate) creation: StackIdx,
    /// Its entry function, as a stack of one frame.
    pub(crate) entry: StackIdx,
    /// Position of the generation in which it was first seen.
    pub(crate) generation: u32,
    /// Position of the generation in which it ended; [`Goroutine::ALIVE`] when it outlived the trace.
    pub(crate) ended: u32,
    /// The stretch of its creator inside which it was created; [`Goroutine::NO_STRETCH`] when none.
    pub(crate) stretch: u32,
    /// The instance before it with the same id.
    pub(crate) previous: GIdx,
    /// Where it came from.
    pub(crate) origin: Origin,
}

impl Goroutine {
    /// Created outside any stretch of its creator.
    pub(crate) const NO_STRETCH: u32 = u32::MAX;
    /// Still alive when the trace ended.
    pub(crate) const ALIVE: u32 = u32::MAX;

    /// Whether a timer started it: a `go` statement is in the trace, and no goroutine executed it. One whose creator damage
    /// hides has the stack of its creation.
    pub(crate) fn was_started_by_timer(&self) -> bool {
        self.origin == Origin::Created && !self.parent.is_some() && self.creation == StackIdx::EMPTY
    }

    /// A goroutine that is older than the trace and still alive, first seen in a generation.
    pub(crate) fn older(id: GoId, generation: u32) -> Self {
        Self {
            id,
            parent: GIdx::NONE,
            creation: StackIdx::EMPTY,
            entry: StackIdx::EMPTY,
            generation,
            ended: Self::ALIVE,
            stretch: Self::NO_STRETCH,
            previous: GIdx::NONE,
            origin: Origin::Older,
        }
    }
}

/// What kind of annotation a root is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Annotation {
    /// A user task (`trace.NewTask`).
    Task,
    /// A user region (`trace.StartRegion`, `trace.WithRegion`).
    Region,
}

/// A user task or region that matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AnnotatedRoot {
    /// Which of the two.
    pub(crate) kind: Annotation,
    /// Its type.
    pub(crate) name: StringIdx,
    /// The goroutine that began it; a region's own.
    pub(crate) g: GIdx,
    /// File position of the event that begins it; none: it is older than the trace.
    pub(crate) start: Option<u64>,
    /// File position of the event that ends it; none: it outlasts the trace.
    pub(crate) end: Option<u64>,
    /// The goroutine that ended it; while it is open, the one that began it.
    pub(crate) ended_by: GIdx,
    /// File position of the first event of the task on the goroutine that ended it, where another began it and
    /// that one was not created for it.
    pub(crate) handed_over: Option<u64>,
    /// Of a region: whether no event of its own ends it, and it was over at its end at the latest.
    pub(crate) is_inferred: bool,
}

/// A stretch of a goroutine's life in which it works for a task, or is inside a region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Work {
    /// Number of the root.
    pub(crate) root: u32,
    /// File position of the event that starts it; none: it is older than the trace.
    pub(crate) start: Option<u64>,
    /// File position of the event that ends it; none: it outlasts the trace.
    pub(crate) end: Option<u64>,
}

/// User tasks and regions that match, and who worked in them.
#[derive(Clone, Default, Debug)]
pub(crate) struct Annotated {
    /// All of them. A task or region inside another root by annotation is part of that root, and not in this list.
    pub(crate) roots: Vec<AnnotatedRoot>,
    /// Per goroutine, its stretches in its own order; they do not overlap.
    pub(crate) work: FxHashMap<GIdx, Vec<Work>>,
    /// Per goroutine, its regions of which another has a part of the time: they are roots, but are no stretch of `work`.
    pub(crate) overlapping: FxHashMap<GIdx, Vec<u32>>,
    /// How many regions that match are inside others of the same task.
    pub(crate) regions_inside: u64,
    /// Goroutines that belong to a root for life: created in it, or for it.
    pub(crate) members: FxHashMap<GIdx, u32>,
}

/// The endpoints of requests, as the list of handlers has them.
#[derive(Clone, Default, Debug)]
pub(crate) struct RequestEndpoints {
    /// The functions of all rows of the list.
    pub(crate) functions: BTreeSet<String>,
    /// By position of the request's stretch, the function of the innermost row that it is in.
    pub(crate) of_stretch: FxHashMap<u32, StringIdx>,
    /// The same by goroutine, for those that serve one request alone.
    pub(crate) of_goroutine: FxHashMap<GIdx, StringIdx>,
}

/// Goroutines, stretches, and the table from ids to goroutines.
#[derive(Default, Debug)]
pub(crate) struct Forest {
    /// All goroutines. Not ordered by time.
    pub(crate) goroutines: Vec<Goroutine>,
    /// Stretches; those of one goroutine stand in its own order. Windows of a slice refer to them.
    pub(crate) stretches: Arc<Vec<Stretch>>,
    /// Goroutines that serve one request alone and match, each with its first matching stack.
    pub(crate) streams: FxHashMap<GIdx, StackIdx>,
    /// What servers served, also what does not match.
    pub(crate) served: Vec<ServedSpan>,
    /// User tasks and regions that match.
    pub(crate) annotated: Annotated,
    /// When each goroutine lived, by its index; empty where that does not matter.
    pub(crate) lives: Vec<Life>,
    /// What the requests of servers are called, where all of them are roots; empty otherwise.
    pub(crate) endpoints: RequestEndpoints,
    by_id: GoIdTable,
    /// Ids that more than one goroutine has, with all of these in the order of their creation. Mostly empty.
    repeated: FxHashMap<GoId, Vec<GIdx>>,
}

impl Forest {
    /// A goroutine.
    pub(crate) fn get(&self, g: GIdx) -> &Goroutine {
        &self.goroutines[g.at()]
    }

    /// Reserves memory for about `n` goroutines, as growing would copy. Too large a guess does no harm.
    pub(crate) fn expect(&mut self, n: usize, with_lives: bool) {
        const MOST: usize = 1 << 20;
        let _ = self.goroutines.try_reserve_exact(n.min(MOST));
        if with_lives {
            let _ = self.lives.try_reserve_exact(n.min(MOST));
        }
    }

    /// Adds a goroutine, which becomes its id's latest; returns its index. All goroutines have lives, or none has.
    pub(crate) fn add(&mut self, mut goroutine: Goroutine, life: Option<Life>) -> GIdx {
        let g = GIdx(self.goroutines.len() as u32);
        goroutine.previous = self.by_id.insert(goroutine.id, g);
        if goroutine.previous.is_some() {
            let first = goroutine.previous;
            self.repeated.entry(goroutine.id).or_insert_with(|| vec![first]).push(g);
        }
        self.goroutines.push(goroutine);
        self.lives.extend(life);
        g
    }

    /// A goroutine ended, in a generation.
    pub(crate) fn died(&mut self, g: GIdx, at: Time, generation: u32) {
        self.goroutines[g.at()].ended = generation;
        if let Some(life) = self.lives.get_mut(g.at()) {
            life.end(at);
        }
    }

    /// The latest goroutine with this id; [`GIdx::NONE`] when there is none.
    #[inline]
    pub(crate) fn latest(&self, id: GoId) -> GIdx {
        self.by_id.get(id)
    }

    /// Ids that follow each other, as the first id and the goroutine of each; [`GIdx::NONE`] where
    /// [`latest`](Self::latest) is needed. Empty where ids repeat.
    pub(crate) fn in_a_row(&self) -> (GoId, &[GIdx]) {
        let dense = if self.has_repeats() { &[] } else { &self.by_id.dense[..] };
        (GoId(self.by_id.base), dense)
    }

    /// Whether there is an id that several goroutines have.
    #[inline]
    pub(crate) fn has_repeats(&self) -> bool {
        !self.repeated.is_empty()
    }

    /// Whether several goroutines have this id.
    #[inline]
    pub(crate) fn repeats(&self, id: GoId) -> bool {
        self.has_repeats() && self.repeated.contains_key(&id)
    }

    /// The goroutine with this id that is alive when a generation begins: the latest that was created before it, else the
    /// first.
    pub(crate) fn alive_at(&self, id: GoId, generation: u32) -> GIdx {
        let Some(all) = self.repeated.get(&id) else { return self.latest(id) };
        // In the order of their creation; an id may come back in every generation of a long trace.
        let later = all.partition_point(|g| self.get(*g).generation < generation);
        all[later.max(1) - 1]
    }

    /// The graph of creations.
    pub(crate) fn spawn_graph(&self) -> SpawnGraph {
        let n = self.goroutines.len();
        let born = || (0..).zip(&self.goroutines).filter(|(_, g)| g.parent.is_some());
        let children = Buckets::new(n, || born().map(|(child, g)| (g.parent.0, child)));
        let of_parents = (0..).zip(children.iter());
        let edges: Vec<(u32, u32)> =
            of_parents.flat_map(|(parent, of_one)| of_one.iter().map(move |&c| (parent, c))).collect();
        drop(children);
        let mut graph = Csr::from_sorted_edges(&edges).unwrap_or_default();
        while graph.node_count() < n {
            graph.add_node(());
        }
        graph
    }
}

/// From a goroutine's id to its latest instance: an array while ids are dense, as Go's runtime makes them.
#[derive(Default, Debug)]
struct GoIdTable {
    /// The first id; those below it are older goroutines, and few.
    base: u64,
    dense: Vec<GIdx>,
    sparse: FxHashMap<u64, GIdx>,
    len: usize,
}

impl GoIdTable {
    #[inline]
    fn get(&self, id: GoId) -> GIdx {
        let slot = id.0.wrapping_sub(self.base);
        match self.dense.get(slot as usize) {
            Some(&g) if g.is_some() => g,
            _ => self.sparse.get(&id.0).copied().unwrap_or(GIdx::NONE),
        }
    }

    /// Returns the instance that was there before; [`GIdx::NONE`] when there was none.
    fn insert(&mut self, id: GoId, g: GIdx) -> GIdx {
        let before = self.get(id);
        if self.len == 0 {
            self.base = id.0;
        }
        self.len += 1;
        let slot = id.0.wrapping_sub(self.base);
        if slot < self.len as u64 * 8 + 1024 && !self.sparse.contains_key(&id.0) {
            if self.dense.len() <= slot as usize {
                self.dense.resize(slot as usize + 1, GIdx::NONE);
            }
            self.dense[slot as usize] = g;
        } else {
            self.sparse.insert(id.0, g);
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goroutine(id: u64, parent: GIdx, generation: u32) -> Goroutine {
        Goroutine { parent, origin: Origin::Created, ..Goroutine::older(GoId(id), generation) }
    }

    const LIFE: Option<Life> = Some(Life::since(Time(0)));

    #[test]
    fn children_stand_below_their_parents_in_order() {
        let mut forest = Forest::default();
        // A child can have a lower index than its parent, as threads are scanned one after the other.
        for (id, parent) in [(1, GIdx::NONE), (2, GIdx(4)), (3, GIdx(0)), (4, GIdx(4)), (5, GIdx(0)), (6, GIdx(2))] {
            forest.add(goroutine(id, parent, 0), LIFE);
        }
        let graph = forest.spawn_graph();
        let children: Vec<&[u32]> = (0..6).map(|g| graph.neighbors_slice(g)).collect();
        assert_eq!(children, [&[2, 4][..], &[], &[5], &[], &[1, 3], &[]]);
    }

    #[test]
    fn ids_that_repeat_are_told_apart_by_generation() {
        let mut forest = Forest::default();
        let a = forest.add(goroutine(7, GIdx::NONE, 0), LIFE);
        let b = forest.add(goroutine(7, GIdx::NONE, 3), LIFE);
        assert_eq!(forest.latest(GoId(7)), b);
        assert_eq!(forest.alive_at(GoId(7), 3), a);
        assert_eq!(forest.alive_at(GoId(7), 4), b);
        assert_eq!(forest.latest(GoId(8)), GIdx::NONE);
        assert!(forest.in_a_row().1.is_empty());
    }

    #[test]
    fn ids_far_apart_cost_no_memory() {
        let mut forest = Forest::default();
        for id in [5, u64::MAX, 1 << 63, 3] {
            let g = forest.add(goroutine(id, GIdx::NONE, 0), LIFE);
            assert_eq!(forest.latest(GoId(id)), g);
        }
        assert!(forest.by_id.dense.len() < 2048);
        let (first, row) = forest.in_a_row();
        assert_eq!((first, row.first()), (GoId(5), Some(&GIdx(0))));
    }

    #[test]
    fn the_graph_has_every_goroutine_and_every_creation() {
        let mut forest = Forest::default();
        let root = forest.add(goroutine(1, GIdx::NONE, 0), LIFE);
        let child = forest.add(goroutine(2, root, 0), LIFE);
        forest.add(goroutine(3, GIdx::NONE, 0), LIFE);
        let graph = forest.spawn_graph();
        assert_eq!(graph.node_count(), 3);
        assert_eq!(graph.neighbors_slice(root.0), [child.0]);
    }
}
