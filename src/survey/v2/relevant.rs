//! Which evidence of a generation is ever looked at, and its order: goroutine by goroutine.

use super::compact_run::CompactRun;
use super::evidence::{EvidenceKind, GoroutineRef};
use super::evidence_log::RunMarks;
use super::evidence_store::{EvidenceLists, EvidenceMemory, EvidenceStore};
use super::id_range::IdRange;
use super::scan::Birth;
use super::scan_concat::ScanConcat;
use crate::trace::buckets::Buckets;
use crate::trace::ids::GoId;
use rustc_hash::{FxHashMap, FxHashSet};

/// Where a run is stored.
#[derive(Clone, Copy, Default)]
struct StoredAt {
    /// The scan that found it, by its position in [`EvidenceStore::lists`], and which of its lists.
    scan_and_list: u32,
    /// Index in that list, or the lowest bits of the position in the log.
    low: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum ListKind {
    #[default]
    Log,
    PackedRun,
    CompactRun,
}

impl StoredAt {
    const LIST_BITS: u32 = 2;
    /// Higher bits of the position: logs may be longer than 4 GB.
    const HIGH_BITS: u32 = 12;

    fn new(scan: usize, list: ListKind, at: usize) -> Self {
        let high = (at as u64 >> u32::BITS) as u32 & ((1 << Self::HIGH_BITS) - 1);
        let scan_and_list = ((scan as u32) << Self::HIGH_BITS | high) << Self::LIST_BITS | list as u32;
        Self { scan_and_list, low: at as u32 }
    }

    fn scan(self) -> usize {
        (self.scan_and_list >> (Self::LIST_BITS + Self::HIGH_BITS)) as usize
    }

    fn list(self) -> ListKind {
        match self.scan_and_list & ((1 << Self::LIST_BITS) - 1) {
            0 => ListKind::Log,
            1 => ListKind::PackedRun,
            _ => ListKind::CompactRun,
        }
    }

    fn at(self) -> usize {
        let high = self.scan_and_list >> Self::LIST_BITS & ((1 << Self::HIGH_BITS) - 1);
        (u64::from(high) << u32::BITS | u64::from(self.low)) as usize
    }
}

/// Runs of some goroutines, and all other runs that may be looked at later.
struct Picked {
    /// Each run with its goroutine's position among those that were asked for.
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
        let is_needed = |marks: RunMarks, g: GoroutineRef| {
            marks.has(RunMarks::SERVER)
                || marks.has(RunMarks::MATCH) && (g.birth != GoroutineRef::NO_BIRTH || !roots.has(g.id))
        };
        let runs = self.lists().flat_map(|lists| lists.log.runs());
        let needed = runs.filter(|run| is_needed(run.head.marks, run.head.g)).map(|run| run.head.g);
        let mut wanted: Vec<GoroutineRef> = needed.collect::<FxHashSet<_>>().into_iter().collect();
        wanted.sort_unstable();
        if wanted.iter().any(|g| self.has_skipped(g.id)) {
            return None;
        }
        for g in &wanted {
            irrelevant.remove(g.id);
        }
        let picked = self.pick(&wanted, &irrelevant);
        self.append_relevant(&wanted, &picked.wanted);
        Some(self.keep(&picked.others))
    }

    /// Adds to the relevant evidence that about goroutines of which something is open since an earlier generation, by their
    /// ids.
    pub(crate) fn add_open(&mut self, open: &FxHashSet<GoId>) {
        if open.is_empty() {
            return;
        }
        let selected: FxHashSet<GoroutineRef> = self.relevant.starts.iter().map(|(g, _)| *g).collect();
        let others = open.iter().map(|&id| GoroutineRef::by_id(id)).filter(|g| !selected.contains(g));
        let mut others: Vec<GoroutineRef> = others.collect();
        others.sort_unstable();
        let picked = self.pick(&others, &IdRange::default());
        self.append_relevant(&others, &picked.wanted);
        self.relevant.starts.sort_unstable();
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
        for (scan, lists) in self.lists().enumerate() {
            for run in lists.log.runs() {
                let g = run.head.g;
                if g.birth != GoroutineRef::NO_BIRTH || !irrelevant.has(g.id) {
                    add(g, StoredAt::new(scan, ListKind::Log, run.at));
                }
            }
        }
        for (scan, lists) in self.lists().enumerate() {
            let base = lists.base();
            for (i, run) in lists.packed.iter().enumerate() {
                let id = run.id(base);
                if !irrelevant.has(id) {
                    add(GoroutineRef::by_id(id), StoredAt::new(scan, ListKind::PackedRun, i));
                }
            }
            for (i, run) in lists.compact.iter().enumerate() {
                if !irrelevant.has(run.g().id) {
                    add(run.g(), StoredAt::new(scan, ListKind::CompactRun, i));
                }
            }
        }
        picked
    }

    /// Appends evidence about some goroutines to the relevant evidence, one goroutine after the other.
    fn append_relevant(&mut self, goroutines: &[GoroutineRef], picked: &[(u32, StoredAt)]) {
        let mut relevant = std::mem::take(&mut self.relevant);
        let lists: Vec<_> = self.lists().collect();
        let mut in_order = Vec::new();
        let buckets = Buckets::new(goroutines.len(), || picked.iter().copied());
        for (&g, of_one) in goroutines.iter().zip(buckets.iter()).filter(|(_, of_one)| !of_one.is_empty()) {
            relevant.starts.push((g, relevant.log.len()));
            in_order.clear();
            in_order.extend(of_one.iter().map(|at| (rank(&lists, *at, self.start), *at)));
            in_order.sort_by_key(|(rank, _)| *rank);
            for &(_, at) in &in_order {
                match compact_run(&lists, at) {
                    Some(run) => relevant.log.add_run(g, run.seq(), &[EvidenceKind::Gap(run.gap(self.start))]),
                    None => lists[at.scan()].log.run(at.at()).iter().for_each(|run| relevant.log.copy(run)),
                }
            }
        }
        self.relevant = relevant;
    }

    /// Keeps some of what scans found, and nothing else. Returns the memory of all lists.
    fn keep(&mut self, kept: &[StoredAt]) -> Vec<EvidenceMemory> {
        let lists: Vec<_> = self.lists().collect();
        let mut rest = EvidenceLists::default();
        for &at in kept {
            match compact_run(&lists, at) {
                Some(run) => rest.compact.push(run),
                None => lists[at.scan()].log.run(at.at()).iter().for_each(|run| rest.log.copy(run)),
            }
        }
        let outside = outside(&rest);
        self.outside = outside;
        let first = std::mem::replace(&mut self.lists, rest);
        std::iter::once(first).chain(self.following.drain(..)).map(EvidenceMemory::of).collect()
    }
}

/// The place of a run among those of its goroutine, in a generation that starts at a file position.
fn rank(lists: &[&EvidenceLists], at: StoredAt, start: u64) -> (u64, bool, u64) {
    match compact_run(lists, at) {
        Some(run) => (run.seq(), true, run.gap(start).first),
        None => lists[at.scan()].log.run(at.at()).map_or((0, false, 0), |run| run.rank()),
    }
}

/// The goroutines that had a stack that does not match.
fn outside(lists: &EvidenceLists) -> FxHashSet<GoId> {
    let of_log = lists.log.runs().filter(|run| run.head.marks.has(RunMarks::OTHER)).map(|run| run.head.g.id);
    let of_runs = lists.compact.iter().filter(|run| run.has_other()).map(|run| run.g().id);
    of_log.chain(of_runs).collect()
}

/// A run of a scan's packed or compact runs; none for one in its log.
fn compact_run(lists: &[&EvidenceLists], at: StoredAt) -> Option<CompactRun> {
    let of_scan = lists[at.scan()];
    match at.list() {
        ListKind::Log => None,
        ListKind::PackedRun => Some(of_scan.packed[at.at()].unpacked(of_scan.base())),
        ListKind::CompactRun => Some(of_scan.compact[at.at()]),
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

    /// Runs, each with its goroutine and sequence number.
    type Runs = Vec<(GoroutineRef, u64, Vec<EvidenceKind>)>;

    /// What is relevant: all evidence is expanded and sorted at once.
    fn expected(store: &EvidenceStore, open: &FxHashSet<GoId>, root: GoId) -> Runs {
        let mut all = Runs::new();
        for lists in store.lists() {
            all.extend(lists.log.runs().map(|run| (run.head.g, run.head.seq, run.pieces().collect())));
        }
        for lists in store.lists() {
            let packed = lists.packed.iter().map(|run| run.unpacked(lists.base()));
            let compact = packed.chain(lists.compact.iter().copied());
            all.extend(compact.map(|run| (run.g(), run.seq(), vec![EvidenceKind::Gap(run.gap(store.start))])));
        }
        let is_needed = |g: GoroutineRef, kind: &EvidenceKind| match kind {
            EvidenceKind::Match(_) => g != GoroutineRef::by_id(root),
            _ => matches!(kind, EvidenceKind::Server(_)),
        };
        let needed = all.iter().filter(|(g, _, kinds)| kinds.iter().any(|kind| is_needed(*g, kind)));
        let matched: FxHashSet<GoroutineRef> = needed.map(|(g, ..)| *g).collect();
        all.retain(|(g, ..)| matched.contains(g) || g.birth == GoroutineRef::NO_BIRTH && open.contains(&g.id));
        let pos = |kinds: &[EvidenceKind]| if let EvidenceKind::Gap(gap) = kinds[0] { gap.first } else { 0 };
        all.sort_by_key(|(g, seq, kinds)| (*g, *seq, pos(kinds)));
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
            store.add_open(&open);
            let found = store.relevant.goroutines().flat_map(|(g, runs)| {
                runs.map(move |run| {
                    assert_eq!(run.head.g, g);
                    (g, run.head.seq, run.pieces().collect())
                })
            });
            assert_eq!(found.collect::<Runs>(), expected, "round {round}");
            relevant += expected.len();
        }
        assert!(relevant > 5000, "{relevant}");
    }
}
