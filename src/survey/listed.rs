//! What a list counts, one by one: what several snapshots of a process have can be left out of all but one.

use super::Survey;
use super::annotations::list::AnnotationAt;
use super::forest::Origin;
use super::spans::CutSpan;
use crate::trace::ids::GIdx;
use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashSet};

/// One of the things that a list counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum ListedItem {
    /// A request of a server, by its position.
    Request(usize),
    /// A goroutine.
    Goroutine(GIdx),
    /// A task or a region.
    Annotation(AnnotationAt),
}

/// What tells things of one process apart that were not at one time, in each snapshot of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Identity {
    /// A request, by the id of the goroutine that served it.
    Request(u64),
    /// A goroutine that was created in the trace, or is older, by its id.
    Goroutine(u64),
    /// A task or region, by its kind, its type, the id of the task, and that of a region's goroutine: the runtime gives no
    /// two tasks of a process one id, and very many can be open at once.
    Annotation(&'static str, u32, u64, u64),
}

/// The types of tasks and regions of several traces, by number.
#[derive(Default)]
pub(crate) struct TypeNames(IndexSet<Box<str>, FxBuildHasher>);

impl TypeNames {
    fn number(&mut self, name: &str) -> u32 {
        let known = self.0.get_index_of(name);
        known.unwrap_or_else(|| self.0.insert_full(name.into()).0) as u32
    }
}

/// A thing that a list counts, and when it was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListedSpan {
    /// Which one.
    pub(crate) item: ListedItem,
    /// What tells it from others.
    pub(crate) identity: Identity,
    /// From when to when, on the process's clock.
    pub(crate) span: CutSpan,
    /// Whether its edges are inferred.
    pub(crate) is_inferred: bool,
    /// Whether the trace has what names its row: a stack in a handler, a goroutine's creation.
    pub(crate) is_named: bool,
}

impl Survey {
    /// Calls with each thing that a list counts.
    pub(crate) fn each_listed(&self, names: &mut TypeNames, mut each: impl FnMut(ListedSpan)) {
        self.requests_listed().chain(self.goroutines_listed()).for_each(&mut each);
        self.annotations_listed(names).for_each(each);
    }

    fn requests_listed(&self) -> impl Iterator<Item = ListedSpan> {
        self.served.requests.iter().enumerate().map(|(at, request)| ListedSpan {
            item: ListedItem::Request(at),
            identity: Identity::Request(self.forest.get(request.g).id.0),
            span: request.span,
            is_inferred: request.inferred.is_some(),
            is_named: !self.served.path_sets[request.paths as usize].is_empty(),
        })
    }

    fn goroutines_listed(&self) -> impl Iterator<Item = ListedSpan> {
        let lives = self.forest.goroutines.iter().zip(&self.forest.lives);
        lives.enumerate().map(|(i, (goroutine, life))| ListedSpan {
            item: ListedItem::Goroutine(GIdx(i as u32)),
            identity: Identity::Goroutine(goroutine.id.0),
            span: CutSpan { began: Some(life.born).filter(|_| goroutine.origin != Origin::Older), ended: life.died() },
            is_inferred: false,
            is_named: goroutine.origin != Origin::Older,
        })
    }

    fn annotations_listed(&self, names: &mut TypeNames) -> impl Iterator<Item = ListedSpan> {
        let types: Vec<u32> = self.annotations.types().map(|name| names.number(name)).collect();
        let id = |g: GIdx| if g.is_some() { self.forest.get(g).id.0 } else { 0 };
        self.annotations.all().map(move |(at, annotation)| ListedSpan {
            item: ListedItem::Annotation(at),
            identity: Identity::Annotation(annotation.kind, types[at.row()], annotation.task, id(annotation.g)),
            span: annotation.span,
            is_inferred: annotation.is_inferred,
            is_named: true,
        })
    }

    /// Leaves out what another snapshot of the process counts.
    pub(crate) fn leave_out(&mut self, items: &FxHashSet<ListedItem>) {
        let is_out = |item: ListedItem| items.contains(&item);
        let mut at = 0..;
        self.served.requests.retain(|_| !is_out(ListedItem::Request(at.next().unwrap_or(0))));
        self.annotations.retain(|at| !is_out(ListedItem::Annotation(at)));
        self.left_out.extend(items.iter().filter_map(|item| match item {
            ListedItem::Goroutine(g) => Some(*g),
            _ => None,
        }));
    }
}
