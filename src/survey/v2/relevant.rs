//! Which evidence of a generation is ever looked at, and its order: goroutine by goroutine.

use super::evidence::{EvidenceKind, GoroutineRef};
use super::evidence_log::{EvidenceLog, RunHead, RunMarks};
use super::evidence_store::{EvidenceLists, EvidenceMemory, EvidenceStore};
use super::id_range::IdRange;
use super::relevant_runs::RelevantEvidence;
use super::scan::Birth;
use super::scan_concat::ScanConcat;
use crate::trace::ids::GoId;
use rustc_hash::{FxHashMap, FxHashSet};

/// A goroutine in the logs of a generation.
struct LoggedGoroutine {
    g: GoroutineRef,
    /// The marks of all its runs.
    marks: RunMarks,
    /// How many bytes its runs take.
    bytes: usize,
    /// The sequence number of the last of them.
    last_seq: Option<u64>,
    /// Whether they are in its order.
    in_order: bool,
}

/// The runs of the logs, and whose they are. Each head is read once: where there are many runs, reading them is most of
/// the time of pass 1.
#[derive(Default)]
struct LoggedRuns {
    /// Each run's goroutine, by its position among the goroutines.
    runs: Vec<u32>,
    goroutines: Vec<LoggedGoroutine>,
    numbers: FxHashMap<GoroutineRef, u32>,
}

impl LoggedRuns {
    fn new(store: &EvidenceStore) -> Self {
        let mut logged = Self::default();
        for lists in store.lists() {
            lists.log.extents().for_each(|run| logged.add(run.len(), lists.log.head(run)));
        }
        logged
    }

    /// The next run, of so many bytes.
    fn add(&mut self, bytes: usize, RunHead { g, seq, marks }: RunHead) {
        let goroutines = &mut self.goroutines;
        let number = *self.numbers.entry(g).or_insert_with(|| {
            goroutines.push(LoggedGoroutine { g, marks: RunMarks::NONE, bytes: 0, last_seq: None, in_order: true });
            goroutines.len() as u32 - 1
        });
        let of_goroutine = &mut goroutines[number as usize];
        of_goroutine.marks = of_goroutine.marks.and(marks);
        of_goroutine.bytes += bytes;
        of_goroutine.in_order &= of_goroutine.last_seq < Some(seq);
        of_goroutine.last_seq = Some(seq);
        self.runs.push(number);
    }
}

/// Whose runs are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looked {
    Now,
    /// Perhaps later.
    Later,
    Never,
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
        let is_needed = |&LoggedGoroutine { g, marks, .. }: &&LoggedGoroutine| {
            marks.has(RunMarks::SERVER)
                || marks.has(RunMarks::MATCH) && (g.birth != GoroutineRef::NO_BIRTH || !roots.has(g.id))
        };
        let logged = LoggedRuns::new(self);
        let needed: FxHashSet<GoroutineRef> = logged.goroutines.iter().filter(is_needed).map(|one| one.g).collect();
        if needed.iter().any(|g| self.has_skipped(g.id)) {
            return None;
        }
        for g in &needed {
            irrelevant.remove(g.id);
        }
        let rest = self.select(logged, |g| match g {
            _ if g.birth == GoroutineRef::NO_BIRTH && irrelevant.has(g.id) => Looked::Never,
            _ if needed.contains(&g) => Looked::Now,
            _ => Looked::Later,
        });
        self.outside = outside(&rest);
        let first = std::mem::replace(&mut self.lists, rest);
        Some(std::iter::once(first).chain(self.following.drain(..)).map(EvidenceMemory::of).collect())
    }

    /// Adds to the relevant evidence that about goroutines of which something is open since an earlier generation, by their
    /// ids.
    pub(crate) fn add_open(&mut self, open: &FxHashSet<GoId>) {
        if open.is_empty() {
            return;
        }
        let selected: FxHashSet<GoroutineRef> = self.relevant.parts.iter().map(|part| part.g).collect();
        let is_open = |g: &GoroutineRef| g.birth == GoroutineRef::NO_BIRTH && open.contains(&g.id);
        let look = |g| if is_open(&g) && !selected.contains(&g) { Looked::Now } else { Looked::Never };
        self.select(LoggedRuns::new(self), look);
        self.relevant.parts.sort_unstable_by_key(|part| part.g);
    }

    /// What each scan found, in their order; once the relevant evidence is selected, what was kept beside it.
    fn lists(&self) -> impl Iterator<Item = &EvidenceLists> {
        std::iter::once(&self.lists).chain(&self.following)
    }

    /// Adds the runs of some goroutines to the relevant evidence. Returns those that may be looked at later.
    fn select(&mut self, mut logged: LoggedRuns, look: impl Fn(GoroutineRef) -> Looked) -> EvidenceLists {
        let mut rest = EvidenceLists { log: EvidenceLog::new(self.start), ..EvidenceLists::default() };
        let plain = self.plain_runs(&mut logged, &look, &mut rest);
        let LoggedRuns { runs, goroutines, .. } = logged;
        let looked: Vec<Looked> = goroutines.iter().map(|one| look(one.g)).collect();
        let mut now: Vec<usize> = (0..goroutines.len()).filter(|number| looked[*number] == Looked::Now).collect();
        now.sort_unstable_by_key(|number| goroutines[*number].g);
        let mut relevant = std::mem::take(&mut self.relevant);
        if relevant.parts.is_empty() {
            relevant = RelevantEvidence::new(self.start);
        }
        let of_number = |&number: &usize| {
            let LoggedGoroutine { g, bytes, in_order, .. } = goroutines[number];
            (g, bytes, in_order)
        };
        let starts = relevant.make_room(now.iter().map(of_number));
        let mut next = vec![0; goroutines.len()];
        for (number, start) in now.into_iter().zip(starts) {
            next[number] = start;
        }
        let mut numbers = runs.into_iter().map(|number| number as usize);
        for log in self.lists().map(|lists| &lists.log).chain([&plain]) {
            for run in log.extents() {
                let Some(number) = numbers.next() else { break };
                match looked[number] {
                    Looked::Now => {
                        relevant.put(next[number], log, run);
                        next[number] += run.len();
                    }
                    Looked::Later => rest.log.copy(log, run),
                    Looked::Never => {}
                }
            }
        }
        self.relevant = relevant;
        rest
    }

    /// The compact runs of goroutines that are looked at now, as a log: they follow those that are logged. Those
    /// that may be looked at later go to `rest`.
    fn plain_runs(
        &self,
        logged: &mut LoggedRuns,
        look: impl Fn(GoroutineRef) -> Looked,
        rest: &mut EvidenceLists,
    ) -> EvidenceLog {
        let mut log = EvidenceLog::new(self.start);
        for lists in self.lists() {
            for &run in &lists.compact {
                match look(run.g()) {
                    Looked::Now => {
                        let start = log.len();
                        log.add_run(run.g(), run.seq(), &[EvidenceKind::Gap(run.gap(self.start.pos))]);
                        log.extent(start).iter().for_each(|run| logged.add(run.len(), log.head(*run)));
                    }
                    Looked::Later => rest.compact.push(run),
                    Looked::Never => {}
                }
            }
        }
        log
    }
}

/// The goroutines that had a stack that does not match.
fn outside(lists: &EvidenceLists) -> FxHashSet<GoId> {
    let of_log = lists.log.runs().filter(|run| run.head.marks.has(RunMarks::OTHER)).map(|run| run.head.g.id);
    let of_runs = lists.compact.iter().filter(|run| run.has_other()).map(|run| run.g().id);
    of_log.chain(of_runs).collect()
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
    use crate::survey::roots::stack_class::StackClass;
    use crate::survey::v2::evidence_pieces::LogBase;
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
            all.extend(
                lists.compact.iter().map(|run| (run.g(), run.seq(), vec![EvidenceKind::Gap(run.gap(store.start.pos))])),
            );
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
            // Also ids that do not fit into compact runs.
            let far = [0, 1 << 30, (1 << 32) - 10, (1 << 32) + 5][round % 4];
            let mut scans =
                [(); 2].map(|()| EvidenceStore::new(LogBase { pos: 1000, ticks: 7 }, EvidenceMemory::default(), None));
            for i in 0..next(400) {
                // Ids that share their low bits, and one that is ambiguous without its birth.
                let id = GoId(far + next(20) + (next(3) << 16));
                let birth = if id.0 == far + 7 { next(2) as u32 } else { GoroutineRef::NO_BIRTH };
                let mut run = RunEvidence::default();
                // Some sequence numbers do not fit into a compact run.
                let seq = next(50) << if next(9) == 0 { 24 } else { 0 };
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
            let mut found = Runs::new();
            for part in &store.relevant.parts {
                for run in store.relevant.runs(part, &mut Vec::new()) {
                    assert_eq!(run.head.g, part.g);
                    found.push((part.g, run.head.seq, run.pieces().collect()));
                }
            }
            assert_eq!(found, expected, "round {round}");
            relevant += expected.len();
        }
        assert!(relevant > 5000, "{relevant}");
    }
}
