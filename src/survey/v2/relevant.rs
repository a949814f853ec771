//! Which evidence of a generation is ever looked at, and its order: goroutine by goroutine.

use super::compact_run::CompactRun;
use super::evidence::{Evidence, EvidenceKind, GoroutineRef};
use super::evidence_store::{EvidenceLists, EvidenceMemory, EvidenceStore};
use super::id_range::IdRange;
use super::scan::Birth;
use super::scan_concat::ScanConcat;
use crate::trace::buckets::Buckets;
use crate::trace::ids::GoId;
use rustc_hash::{FxHashMap, FxHashSet};

/// Where a piece of evidence is stored.
#[derive(Clone, Copy, Default)]
struct StoredAt {
    /// The scan that found it, by its position in [`EvidenceStore::lists`].
    scan: u32,
    /// Which of the scan's lists.
    list: ListKind,
    /// Index in that list.
    index: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum ListKind {
    #[default]
    Evidence,
    PackedRun,
    CompactRun,
}

/// Evidence about some goroutines, and all other evidence that may be looked at later.
struct Picked {
    /// Each piece with its goroutine's position among those that were asked for.
    wanted: Vec<(u32, StoredAt)>,
    others: Vec<StoredAt>,
}

impl EvidenceStore {
    /// Selects what is certainly needed: evidence about goroutines with a matching stack, or a server's, in this
    /// generation. Needs nothing of earlier generations, so generations can do it side by side.
    ///
    /// Of all other evidence, only that about goroutines that are older than the generation is kept, in case something of
    /// them is open. Of a goroutine born in the generation nothing can be; and where it is a root by its birth, not even
    /// what it did with a matching stack matters. One that a status announced counts as older: after damage, an id can be
    /// announced and born in one generation.
    ///
    /// Returns the memory of what is not needed any more, for further scans. None, with nothing changed, where a scan
    /// left out something that is needed.
    pub(crate) fn select_relevant(
        &mut self,
        births: &ScanConcat<Birth>,
        announced: &[GoId],
        is_root: impl Fn(&Birth) -> bool,
    ) -> Option<Vec<EvidenceMemory>> {
        let BornGoroutines { mut roots, all: mut irrelevant } = BornGoroutines::new(births, is_root);
        for &id in announced {
            roots.remove(id);
            irrelevant.remove(id);
        }
        let is_needed = |e: &&Evidence| match e.kind {
            EvidenceKind::Match(_) => e.g.birth != GoroutineRef::NO_BIRTH || !roots.has(e.g.id),
            EvidenceKind::Server(_) => true,
            _ => false,
        };
        let evidence = self.lists().flat_map(|lists| &lists.evidence);
        let mut wanted: Vec<GoroutineRef> = evidence.filter(is_needed).map(|e| e.g).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.iter().any(|g| self.has_skipped(g.id)) {
            return None;
        }
        for g in &wanted {
            irrelevant.remove(g.id);
        }
        let picked = self.pick(&wanted, &irrelevant);
        self.append_relevant(wanted.len(), &picked.wanted);
        Some(self.keep(&picked.others))
    }

    /// The relevant evidence, and that about goroutines of which something is open since an earlier generation, by their
    /// ids. In order: one goroutine after the other, each one's in its own order.
    pub(crate) fn relevant_and_open(&mut self, open: &FxHashSet<GoId>) -> &[Evidence] {
        if open.is_empty() {
            return &self.relevant;
        }
        let selected: FxHashSet<GoroutineRef> =
            self.relevant.chunk_by(|a, b| a.g == b.g).map(|of_one| of_one[0].g).collect();
        let others = open.iter().map(|&id| GoroutineRef::by_id(id)).filter(|g| !selected.contains(g));
        let mut others: Vec<GoroutineRef> = others.collect();
        others.sort_unstable();
        let before = self.relevant.len();
        let picked = self.pick(&others, &IdRange::default());
        self.append_relevant(others.len(), &picked.wanted);
        if self.relevant.len() > before {
            self.relevant.sort_by_key(|e| (e.g, e.rank()));
        }
        &self.relevant
    }

    /// What each scan found, in their order; once the relevant evidence is selected, what was kept beside it.
    fn lists(&self) -> impl Iterator<Item = &EvidenceLists> {
        std::iter::once(&self.lists).chain(&self.following)
    }

    /// Finds the evidence about some goroutines, and all other evidence but that about irrelevant goroutines.
    fn pick(&self, wanted: &[GoroutineRef], irrelevant: &IdRange) -> Picked {
        let wanted: FxHashMap<GoroutineRef, u32> = (0..).zip(wanted).map(|(i, &g)| (g, i)).collect();
        let mut picked = Picked { wanted: Vec::new(), others: Vec::new() };
        let mut add = |g: GoroutineRef, at| match wanted.get(&g) {
            Some(&position) => picked.wanted.push((position, at)),
            None => picked.others.push(at),
        };
        for (scan, lists) in (0..).zip(self.lists()) {
            for (index, e) in (0..).zip(&lists.evidence) {
                if e.g.birth != GoroutineRef::NO_BIRTH || !irrelevant.has(e.g.id) {
                    add(e.g, StoredAt { scan, list: ListKind::Evidence, index });
                }
            }
        }
        for (scan, lists) in (0..).zip(self.lists()) {
            let base = lists.base();
            for (index, run) in (0..).zip(&lists.packed) {
                let id = run.id(base);
                if !irrelevant.has(id) {
                    add(GoroutineRef::by_id(id), StoredAt { scan, list: ListKind::PackedRun, index });
                }
            }
            for (index, run) in (0..).zip(&lists.compact) {
                if !irrelevant.has(run.g().id) {
                    add(run.g(), StoredAt { scan, list: ListKind::CompactRun, index });
                }
            }
        }
        picked
    }

    /// Appends evidence about `n` goroutines to the relevant evidence, one goroutine after the other.
    fn append_relevant(&mut self, n: usize, picked: &[(u32, StoredAt)]) {
        let mut relevant = std::mem::take(&mut self.relevant);
        let lists: Vec<_> = self.lists().collect();
        let expanded = |at: &StoredAt| match at.list {
            ListKind::Evidence => lists[at.scan as usize].evidence[at.index as usize],
            _ => compact_run(lists[at.scan as usize], at.list, at.index).expanded(self.start),
        };
        for of_one in Buckets::new(n, || picked.iter().copied()).iter() {
            let from = relevant.len();
            relevant.extend(of_one.iter().map(expanded));
            relevant[from..].sort_by_key(Evidence::rank);
        }
        self.relevant = relevant;
    }

    /// Keeps some of what scans found, and nothing else. Returns the memory of all lists.
    fn keep(&mut self, kept: &[StoredAt]) -> Vec<EvidenceMemory> {
        let lists: Vec<_> = self.lists().collect();
        let mut rest = EvidenceLists::default();
        for at in kept {
            match at.list {
                ListKind::Evidence => rest.evidence.push(lists[at.scan as usize].evidence[at.index as usize]),
                _ => rest.compact.push(compact_run(lists[at.scan as usize], at.list, at.index)),
            }
        }
        let outside = outside(&rest);
        self.outside = outside;
        let first = std::mem::replace(&mut self.lists, rest);
        std::iter::once(first).chain(self.following.drain(..)).map(EvidenceMemory::of).collect()
    }
}

/// The goroutines that had a stack that does not match.
fn outside(lists: &EvidenceLists) -> FxHashSet<GoId> {
    let has_other = |e: &&Evidence| matches!(e.kind, EvidenceKind::Gap(gap) if gap.has_other());
    let of_evidence = lists.evidence.iter().filter(has_other).map(|e| e.g.id);
    let of_runs = lists.compact.iter().filter(|run| run.has_other()).map(|run| run.g().id);
    of_evidence.chain(of_runs).collect()
}

/// A run of a scan's packed or compact runs.
fn compact_run(lists: &EvidenceLists, list: ListKind, index: u32) -> CompactRun {
    match list {
        ListKind::PackedRun => lists.packed[index as usize].unpacked(lists.base()),
        _ => lists.compact[index as usize],
    }
}

/// The goroutines that `go` statements of a generation created. Their ids follow each other, with few gaps; those far
/// from the first one are left out: to look at evidence that is not needed does no harm.
struct BornGoroutines {
    /// Those that are roots by their birth.
    roots: IdRange,
    all: IdRange,
}

impl BornGoroutines {
    fn new(births: &ScanConcat<Birth>, is_root: impl Fn(&Birth) -> bool) -> Self {
        let created = || births.iter().filter(|birth| !birth.from_c);
        let first = created().map(|birth| birth.id.0).min().unwrap_or(u64::MAX);
        let range = || IdRange::fixed(first, births.len() / 4 + 16);
        let mut born = Self { roots: range(), all: range() };
        for birth in created() {
            born.all.insert(birth.id);
            if is_root(&birth) {
                born.roots.insert(birth.id);
            }
        }
        born
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::roots::classify::StackClass;
    use crate::survey::v2::run_evidence::{RunEvidence, StackAt};
    use crate::trace::wire::event_spec::code;

    /// What is relevant: all evidence is expanded and sorted at once.
    fn expected(store: &EvidenceStore, open: &FxHashSet<GoId>, root: GoId) -> Vec<Evidence> {
        let mut all: Vec<Evidence> = store.lists().flat_map(|lists| &lists.evidence).copied().collect();
        for lists in store.lists() {
            all.extend(lists.packed.iter().map(|run| run.unpacked(lists.base()).expanded(store.start)));
            all.extend(lists.compact.iter().map(|run| run.expanded(store.start)));
        }
        let is_needed = |e: &&Evidence| match e.kind {
            EvidenceKind::Match(_) => e.g != GoroutineRef::by_id(root),
            _ => matches!(e.kind, EvidenceKind::Server(_)),
        };
        let matched: FxHashSet<GoroutineRef> = all.iter().filter(is_needed).map(|e| e.g).collect();
        all.retain(|e| matched.contains(&e.g) || e.g.birth == GoroutineRef::NO_BIRTH && open.contains(&e.g.id));
        all.sort_by_key(|e| (e.g, e.rank()));
        all
    }

    fn birth(id: u64, from_c: bool) -> Birth {
        Birth { id: GoId(id), parent: GoroutineRef::NONE, creation_stack: 0, entry_stack: 0, ticks: 0, from_c }
    }

    #[test]
    fn relevant_evidence_is_in_order_goroutine_by_goroutine() {
        let mut random = 1u64;
        let mut next = |n: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % n
        };
        let mut relevant = 0;
        for round in 0..400 {
            // Also ids that do not fit into packed runs, or not into compact runs.
            let far = [0, 1 << 30, (1 << 32) - 10, (1 << 32) + 5][round % 4];
            let mut scans = [(); 2].map(|()| EvidenceStore::new(1000, EvidenceMemory::default(), None));
            for i in 0..next(400) {
                // Ids that share their low bits, and one that is ambiguous without its birth.
                let id = GoId(far + next(20) + (next(3) << 16));
                let birth = if id.0 == far + 7 { next(2) as u32 } else { GoroutineRef::NO_BIRTH };
                let mut run = RunEvidence::default();
                // Some sequence numbers do not fit into a packed run.
                let seq = next(50) << if next(9) == 0 { 12 } else { 0 };
                run.begin(GoroutineRef { id, birth }, seq, (next(9) > 0).then_some((1000 + i, i)));
                let matches = (id.0 - far).is_multiple_of(5) && next(2) == 0;
                let class = StackClass { present: true, matches, ..StackClass::default() };
                if next(4) > 0 {
                    run.stack(class, StackAt { stack: 3, pos: 1000 + i, ticks: i, code: code::GO_UNBLOCK });
                }
                run.finish((next(30) == 0).then_some(1000 + i), &mut scans[next(2) as usize]);
            }
            let [mut store, second] = scans;
            store.join(second, 2);
            // Of goroutines born in this generation nothing can be open since before. Of one with an announced id it can,
            // and of one with the id of a cgo callback: it repeats.
            let births =
                [(16, false), (3 << 16, false), (15, false), (2, true)].map(|(id, from_c)| birth(far + id, from_c));
            let open = (0..next(3) * 4).map(|_| GoId(far + [next(15), 16][usize::from(next(5) == 0)])).collect();
            let expected = expected(&store, &open, GoId(far + 15));
            let mut born = ScanConcat::default();
            for birth in births {
                born.push(birth);
            }
            let memory = store.select_relevant(&born, &[GoId(far + 16)], |birth| birth.id == GoId(far + 15));
            assert_eq!(memory.map(|memory| memory.len()), Some(2));
            let of_born = store.lists.compact.iter().filter(|run| run.g().id.0 == far + 15).count();
            assert_eq!(of_born, 0);
            assert_eq!(store.relevant_and_open(&open), expected, "round {round}");
            relevant += expected.len();
        }
        assert!(relevant > 5000, "{relevant}");
    }
}
