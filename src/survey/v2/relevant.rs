//! Which evidence of a generation is ever looked at, and its order: goroutine by goroutine.

use super::evidence::{Evidence, EvidenceKind, Who};
use super::evidence_store::{CompactRun, EvidenceMemory, EvidenceStore, Lists};
use super::id_range::IdRange;
use super::scan::Birth;
use super::scan_concat::ScanConcat;
use crate::trace::buckets::Buckets;
use crate::trace::ids::GoId;
use rustc_hash::{FxHashMap, FxHashSet};

/// Where a piece of evidence stands: in which scan's which list, and there.
type Place = (u32, List, u32);

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum List {
    #[default]
    Evidence,
    PackedRun,
    Glances,
}

impl EvidenceStore {
    /// Puts evidence about goroutines with a matching stack here, or a server's, in order: one goroutine after the
    /// other, each one's in its own order. Needs nothing of earlier generations, so generations can do it side by side.
    /// Of all else only that of goroutines which are older than the generation is kept: what those born in it do with a
    /// matching stack is of no interest either where they are roots by their birth. One that a status announced is
    /// older, whatever damage lets be born with its id. Gives the memory, for further scans; none where something was left
    /// out that is wanted: then nothing was settled.
    pub fn settle(
        &mut self,
        births: &ScanConcat<Birth>,
        announced: &[GoId],
        is_root: impl Fn(&Birth) -> bool,
    ) -> Option<Vec<EvidenceMemory>> {
        let (mut roots, mut dull) = born(births, is_root);
        for &id in announced {
            roots.remove(id);
            dull.remove(id);
        }
        let telling = |e: &&Evidence| match e.says {
            EvidenceKind::Match(_) => e.who.birth != Who::ANY || !roots.has(e.who.id),
            EvidenceKind::Server(_) => true,
            _ => false,
        };
        let evidence = self.lists().flat_map(|lists| &lists.evidence);
        let mut wanted: Vec<Who> = evidence.filter(telling).map(|e| e.who).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.iter().any(|who| self.has_skipped(who.id)) {
            return None;
        }
        for who in &wanted {
            dull.remove(who.id);
        }
        let (picked, others) = self.pick(&wanted, &dull);
        self.put_in_order(wanted.len(), &picked);
        Some(self.keep(&others))
    }

    /// What was settled, and evidence about goroutines in `open` since before, in the same order.
    pub fn relevant(&mut self, open: &FxHashSet<GoId>) -> &[Evidence] {
        if open.is_empty() {
            return &self.relevant;
        }
        let settled: FxHashSet<Who> =
            self.relevant.chunk_by(|a, b| a.who == b.who).map(|of_one| of_one[0].who).collect();
        let others = open.iter().map(|&id| Who::named(id)).filter(|who| !settled.contains(who));
        let mut others: Vec<Who> = others.collect();
        others.sort_unstable();
        let before = self.relevant.len();
        let (picked, _) = self.pick(&others, &IdRange::default());
        self.put_in_order(others.len(), &picked);
        if self.relevant.len() > before {
            self.relevant.sort_by_key(|e| (e.who, e.rank()));
        }
        &self.relevant
    }

    /// What each scan found, in their order; once it is settled, what may still be asked for.
    fn lists(&self) -> impl Iterator<Item = &Lists> {
        std::iter::once(&self.lists).chain(&self.joined)
    }

    /// Where the evidence about some goroutines stands, each piece with the goroutine's place among them; and all other
    /// evidence, but that about dull ones.
    fn pick(&self, wanted: &[Who], dull: &IdRange) -> (Vec<(u32, Place)>, Vec<Place>) {
        let wanted: FxHashMap<Who, u32> = (0..).zip(wanted).map(|(i, &who)| (who, i)).collect();
        let (mut picked, mut others) = (Vec::new(), Vec::new());
        let mut look = |who: Who, place| match wanted.get(&who) {
            Some(&of) => picked.push((of, place)),
            None => others.push(place),
        };
        for (scan, lists) in (0..).zip(self.lists()) {
            let all = (0..).zip(&lists.evidence).filter(|(_, e)| e.who.birth != Who::ANY || !dull.has(e.who.id));
            all.for_each(|(i, e)| look(e.who, (scan, List::Evidence, i)));
        }
        for (scan, lists) in (0..).zip(self.lists()) {
            for (i, small) in (0..).zip(&lists.small) {
                let id = small.id(lists.base);
                if !dull.has(id) {
                    look(Who::named(id), (scan, List::PackedRun, i));
                }
            }
            let all = (0..).zip(&lists.glances).filter(|(_, g)| !dull.has(g.who().id));
            all.for_each(|(i, g)| look(g.who(), (scan, List::Glances, i)));
        }
        (picked, others)
    }

    /// Appends to what is settled, of `n` goroutines, one after the other.
    fn put_in_order(&mut self, n: usize, picked: &[(u32, Place)]) {
        let mut relevant = std::mem::take(&mut self.relevant);
        let lists: Vec<_> = self.lists().collect();
        let expanded = |&(scan, list, i): &Place| match list {
            List::Evidence => lists[scan as usize].evidence[i as usize],
            _ => glance(lists[scan as usize], list, i).expanded(self.start),
        };
        for of_one in Buckets::new(n, || picked.iter().copied()).iter() {
            let from = relevant.len();
            relevant.extend(of_one.iter().map(expanded));
            relevant[from..].sort_by_key(Evidence::rank);
        }
        self.relevant = relevant;
    }

    /// Leaves some of what scans found. Gives the memory of all of it.
    fn keep(&mut self, places: &[Place]) -> Vec<EvidenceMemory> {
        let lists: Vec<_> = self.lists().collect();
        let mut kept = Lists::default();
        for &(scan, list, i) in places {
            match list {
                List::Evidence => kept.evidence.push(lists[scan as usize].evidence[i as usize]),
                _ => kept.glances.push(glance(lists[scan as usize], list, i)),
            }
        }
        let first = std::mem::replace(&mut self.lists, kept);
        std::iter::once(first).chain(self.joined.drain(..)).map(EvidenceMemory::of).collect()
    }
}

/// One of a scan's glances.
fn glance(lists: &Lists, list: List, i: u32) -> CompactRun {
    match list {
        List::PackedRun => lists.small[i as usize].glance(lists.base),
        _ => lists.glances[i as usize],
    }
}

/// The goroutines that `go` statements of a generation created, those that are roots by that and all. Their ids follow
/// each other, with few gaps; those far from the first one are left out: what is looked at for nothing does no harm.
fn born(births: &ScanConcat<Birth>, is_root: impl Fn(&Birth) -> bool) -> (IdRange, IdRange) {
    let created = || births.iter().filter(|birth| !birth.from_c);
    let first = created().map(|birth| birth.id.0).min().unwrap_or(u64::MAX);
    let [mut roots, mut all] = [(); 2].map(|()| IdRange::new(first, births.len() / 4 + 16));
    for birth in created() {
        all.insert(birth.id);
        if is_root(&birth) {
            roots.insert(birth.id);
        }
    }
    (roots, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::roots::classify::StackClass;
    use crate::survey::v2::evidence::RunEvidence;

    /// What is relevant, put in order in one go.
    fn expected(found: &EvidenceStore, open: &FxHashSet<GoId>, root: GoId) -> Vec<Evidence> {
        let mut all: Vec<Evidence> = found.lists().flat_map(|lists| &lists.evidence).copied().collect();
        for lists in found.lists() {
            all.extend(lists.small.iter().map(|s| s.glance(lists.base).expanded(found.start)));
            all.extend(lists.glances.iter().map(|g| g.expanded(found.start)));
        }
        let telling = |e: &&Evidence| match e.says {
            EvidenceKind::Match(_) => e.who != Who::named(root),
            _ => matches!(e.says, EvidenceKind::Server(_)),
        };
        let matched: FxHashSet<Who> = all.iter().filter(telling).map(|e| e.who).collect();
        all.retain(|e| matched.contains(&e.who) || e.who.birth == Who::ANY && open.contains(&e.who.id));
        all.sort_by_key(|e| (e.who, e.rank()));
        all
    }

    fn birth(id: u64, from_c: bool) -> Birth {
        Birth { id: GoId(id), parent: Who::NOBODY, creation_stack: 0, entry_stack: 0, ticks: 0, from_c }
    }

    #[test]
    fn evidence_is_in_order_goroutine_by_goroutine() {
        let mut random = 1u64;
        let mut next = |n: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % n
        };
        let mut relevant = 0;
        for round in 0..400 {
            // Ids that do not fit into small glances from 0 on, either.
            let far = [0, 1 << 30, (1 << 32) - 10, (1 << 32) + 5][round % 4];
            let mut scans = [(); 2].map(|()| EvidenceStore::new(1000, EvidenceMemory::default(), None));
            for i in 0..next(400) {
                // Ids that share their low bits, and one whose birth tells who it is.
                let id = GoId(far + next(20) + (next(3) << 16));
                let birth = if id.0 == far + 7 { next(2) as u32 } else { Who::ANY };
                let mut run = RunEvidence::default();
                // Some numbers do not fit into a small glance.
                let seq = next(50) << if next(9) == 0 { 12 } else { 0 };
                run.begin(Who { id, birth }, seq, (next(9) > 0).then_some((1000 + i, i)));
                let matches = (id.0 - far).is_multiple_of(5) && next(2) == 0;
                let class = StackClass { present: true, matches, ..StackClass::default() };
                if next(4) > 0 {
                    run.stack(class, 3, 1000 + i, i);
                }
                run.finish((next(30) == 0).then_some(1000 + i), &mut scans[next(2) as usize]);
            }
            let [mut found, second] = scans;
            found.join(second, 2);
            // Goroutines of this generation cannot be open since before. Those with the id of one that was announced
            // can, and that of a cgo callback: its id repeats.
            let births =
                [(16, false), (3 << 16, false), (15, false), (2, true)].map(|(id, from_c)| birth(far + id, from_c));
            let open = (0..next(3) * 4).map(|_| GoId(far + [next(15), 16][usize::from(next(5) == 0)])).collect();
            let expected = expected(&found, &open, GoId(far + 15));
            let mut born = ScanConcat::default();
            for birth in births {
                born.push(birth);
            }
            let memory = found.settle(&born, &[GoId(far + 16)], |birth| birth.id == GoId(far + 15));
            assert_eq!(memory.map(|memory| memory.len()), Some(2));
            let of_born = found.lists.glances.iter().filter(|g| g.who().id.0 == far + 15).count();
            assert_eq!(of_born, 0);
            assert_eq!(found.relevant(&open), expected, "round {round}");
            relevant += expected.len();
        }
        assert!(relevant > 5000, "{relevant}");
    }
}
