//! Which evidence of a generation is ever looked at, and its order: goroutine by goroutine.

use super::evidence::{Evidence, Found, Says, Who};
use crate::buckets::Buckets;
use crate::ids::GoId;
use rustc_hash::{FxHashMap, FxHashSet};

impl Found {
    /// Puts evidence about goroutines with a matching stack here, or a server's, in order: one goroutine after the other,
    /// each one's in its own order. Needs nothing of earlier generations, so generations can do it side by side.
    pub fn settle(&mut self) {
        let telling = |e: &&Evidence| matches!(e.says, Says::Match(_) | Says::Server(_));
        let mut matched: Vec<Who> = self.evidence.iter().filter(telling).map(|e| e.who).collect();
        matched.sort_unstable();
        matched.dedup();
        self.gather(&matched);
    }

    /// Appends all evidence about some goroutines, which are given in order.
    fn gather(&mut self, wanted: &[Who]) {
        if wanted.is_empty() {
            return;
        }
        let places = Places::new(wanted);
        let Self { evidence, glances, relevant, start } = self;
        let n = evidence.len();
        let mut picked: Vec<(u32, usize)> = Vec::new();
        picked.extend(evidence.iter().enumerate().filter_map(|(i, e)| Some((places.of(e.who)?, i))));
        picked.extend(glances.iter().enumerate().filter_map(|(i, g)| Some((places.of(g.who())?, n + i))));
        let expanded = |i: usize| evidence.get(i).copied().unwrap_or_else(|| glances[i - n].expanded(*start));
        for of_one in Buckets::new(wanted.len(), || picked.iter().copied()).iter() {
            let from = relevant.len();
            relevant.extend(of_one.iter().map(|&i| expanded(i)));
            relevant[from..].sort_by_key(|e| (e.seq, e.order));
        }
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
        self.gather(&others);
        if self.relevant.len() > before {
            self.relevant.sort_by_key(|e| (e.who, e.seq, e.order));
        }
        &self.relevant
    }
}

/// The places of goroutines in a list; most that are not there are told by a few bits of their ids.
struct Places {
    likely: Likely,
    places: FxHashMap<Who, u32>,
}

impl Places {
    fn new(list: &[Who]) -> Self {
        let places = list.iter().enumerate().map(|(i, &who)| (who, i as u32)).collect();
        Self { likely: Likely::new(list.iter().map(|who| who.id)), places }
    }

    #[inline]
    fn of(&self, who: Who) -> Option<u32> {
        if self.likely.has(who.id) { self.places.get(&who).copied() } else { None }
    }
}

/// Which ids can be in a set: most are told apart by a few of their bits.
struct Likely(Box<[u64]>);

impl Likely {
    const WORDS: usize = 1 << 10;

    fn new(ids: impl Iterator<Item = GoId>) -> Self {
        let mut bits = vec![0; Self::WORDS].into_boxed_slice();
        for id in ids {
            bits[Self::word(id)] |= 1 << (id.0 % 64);
        }
        Self(bits)
    }

    fn word(id: GoId) -> usize {
        (id.0 / 64) as usize % Self::WORDS
    }

    #[inline]
    fn has(&self, id: GoId) -> bool {
        self.0[Self::word(id)] >> (id.0 % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::classes::StackClass;
    use super::super::evidence::{EvidenceMemory, RunEvidence};
    use super::*;

    /// What is relevant, put in order in one go.
    fn expected(found: &Found, open: &FxHashSet<GoId>) -> Vec<Evidence> {
        let mut all = found.evidence.clone();
        all.extend(found.glances.iter().map(|g| g.expanded(found.start)));
        let telling = |e: &&Evidence| matches!(e.says, Says::Match(_) | Says::Server(_));
        let matched: FxHashSet<Who> = all.iter().filter(telling).map(|e| e.who).collect();
        all.retain(|e| matched.contains(&e.who) || e.who.birth == Who::ANY && open.contains(&e.who.id));
        all.sort_by_key(|e| (e.who, e.seq, e.order));
        all
    }

    #[test]
    fn evidence_is_in_order_goroutine_by_goroutine() {
        let mut random = 1u64;
        let mut next = |n: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % n
        };
        let mut relevant = 0;
        for round in 0..300 {
            let mut found = Found::new(1000, EvidenceMemory::default());
            for i in 0..next(400) {
                // Ids that share their low bits, and one whose birth tells who it is.
                let id = GoId(next(20) + (next(3) << 16));
                let birth = if id.0 == 7 { next(2) as u32 } else { Who::ANY };
                let mut run = RunEvidence::default();
                run.begin(Who { id, birth }, next(50), (next(9) > 0).then_some((1000 + i, i)));
                let matches = id.0.is_multiple_of(5) && next(2) == 0;
                let class = StackClass { present: true, matches, ..StackClass::default() };
                if next(4) > 0 {
                    run.stack(class, 3, 1000 + i, i);
                }
                run.finish((next(30) == 0).then_some(1000 + i), &mut found);
            }
            let open = (0..next(3) * 4).map(|_| GoId(next(20))).collect();
            let expected = expected(&found, &open);
            found.settle();
            assert_eq!(found.relevant(&open), expected, "round {round}");
            relevant += expected.len();
        }
        assert!(relevant > 5000, "{relevant}");
    }
}
