//! What own stacks say about a selection by stack: from single stacks to stretches of a goroutine.
//!
//! A stack recorded at a block, a stop or a system call holds until the goroutine runs again. So a stretch
//! starts at the resume before its first matching stack, or at the last own stack that does not match if that
//! is later; it ends when the goroutine runs again after the last matching stack, or at a stack that does not
//! match if that comes first.

use super::scan::StackClass;
use crate::ids::GoId;
use rustc_hash::FxHashSet;

/// A goroutine as one generation's scan can name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Who {
    /// Its id in the file.
    pub id: GoId,
    /// The birth in this scan that it comes from, where the id alone would not tell; else [`Who::ANY`].
    pub birth: u32,
}

impl Who {
    /// The id alone tells.
    pub const ANY: u32 = u32::MAX;
    /// No goroutine.
    pub const NOBODY: Self = Self { id: GoId::NONE, birth: Self::ANY };

    /// The goroutine with this id.
    pub fn named(id: GoId) -> Self {
        Self { id, birth: Self::ANY }
    }
}

/// One piece of evidence about a goroutine. Sorted by `who`, `seq`, `order` it is in the goroutine's own order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The goroutine.
    pub who: Who,
    /// Its sequence number when the run began.
    pub seq: u64,
    /// Order within the run; 0 is a status.
    pub order: u32,
    /// What it says.
    pub says: Says,
}

/// What a piece of evidence says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    /// A matching function is on the stack (wire id).
    Match(u64),
    /// A time without a matching stack.
    Gap(Gap),
    /// The goroutine created another: its birth in the scan.
    Created(u32),
    /// The goroutine ended here.
    End(u64),
}

/// A time without a matching stack: resumes, and stacks that do not match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Place of the first of them.
    pub first: u64,
    /// Place of the last of them.
    pub last: u64,
    /// Whether a stack that does not match is among them; resumes alone do not end a stretch.
    pub other: bool,
}

/// A run without a matching stack, in a quarter of the memory: most runs are such, and only those of goroutines
/// that match elsewhere are ever looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Glance {
    id: GoId,
    /// Where its gap begins, from the start of the generation on.
    offset: u32,
    /// The goroutine's sequence number; and, as the lowest bit, whether a stretch cannot outlast the run.
    seq_and_other: u32,
}

/// The evidence of one generation.
#[derive(Default, Debug)]
pub struct Found {
    evidence: Vec<Evidence>,
    glances: Vec<Glance>,
    /// Where the generation starts in the file.
    start: u64,
}

impl Found {
    /// Nothing yet, of a generation that starts there in the file.
    pub fn new(start: u64) -> Self {
        Self { start, ..Self::default() }
    }

    /// Adds a run without a matching stack, if it fits; what says nothing is gone.
    #[inline]
    fn add_glance(&mut self, who: Who, seq: u64, says: &[Says]) -> bool {
        let Some(&Says::Gap(first)) = says.first() else { return says.is_empty() };
        let (Ok(offset), Ok(seq)) = (u32::try_from(first.first - self.start), u32::try_from(seq)) else { return false };
        if who.birth != Who::ANY || seq > u32::MAX >> 1 {
            return false;
        }
        // The goroutine's end ends a stretch where the gap began, as another stack does.
        let other = says.iter().any(|s| matches!(s, Says::Gap(Gap { other: true, .. }) | Says::End(_)));
        self.glances.push(Glance { id: who.id, offset, seq_and_other: seq << 1 | u32::from(other) });
        true
    }

    /// All evidence about goroutines with a matching stack here or a stretch open since before: one goroutine after
    /// the other, each one's in its own order.
    pub fn relevant(self, open: &FxHashSet<GoId>) -> Vec<Evidence> {
        let matched: FxHashSet<Who> =
            self.evidence.iter().filter(|e| matches!(e.says, Says::Match(_))).map(|e| e.who).collect();
        if matched.is_empty() && open.is_empty() {
            return Vec::new();
        }
        let wanted = |who: Who| matched.contains(&who) || who.birth == Who::ANY && open.contains(&who.id);
        let mut evidence: Vec<Evidence> = self.evidence.into_iter().filter(|e| wanted(e.who)).collect();
        let start = self.start;
        evidence.extend(self.glances.into_iter().filter(|g| wanted(Who::named(g.id))).map(|g| {
            let pos = start + u64::from(g.offset);
            let says = Says::Gap(Gap { first: pos, last: pos, other: g.seq_and_other & 1 == 1 });
            Evidence { who: Who::named(g.id), seq: u64::from(g.seq_and_other >> 1), order: 1, says }
        }));
        evidence.sort_by_key(|e| (e.who, e.seq, e.order));
        evidence
    }
}

/// Collects the evidence of one run: a goroutine's time on a thread.
#[derive(Default)]
pub struct RunEvidence {
    who: Option<(Who, u64)>,
    says: Vec<Says>,
    matched: bool,
}

impl RunEvidence {
    /// A run begins; `resumed_at` is where the goroutine was put on the thread, if that was seen.
    pub fn begin(&mut self, who: Who, seq: u64, resumed_at: Option<u64>) {
        self.who = Some((who, seq));
        self.says.clear();
        self.matched = false;
        if let Some(pos) = resumed_at {
            self.gap(pos, false);
        }
    }

    #[inline]
    fn gap(&mut self, pos: u64, other: bool) {
        if let Some(Says::Gap(gap)) = self.says.last_mut() {
            gap.last = pos;
            gap.other |= other;
        } else {
            self.says.push(Says::Gap(Gap { first: pos, last: pos, other }));
        }
    }

    /// The place of the last resume or stack that does not match.
    pub fn last_gap(&self) -> Option<u64> {
        self.says.iter().rev().find_map(|s| if let Says::Gap(gap) = s { Some(gap.last) } else { None })
    }

    /// The goroutine runs again, after a system call.
    #[inline]
    pub fn resume(&mut self, pos: u64) {
        if self.who.is_some() {
            self.gap(pos, false);
        }
    }

    /// The goroutine's own stack was recorded.
    #[inline]
    pub fn stack(&mut self, class: StackClass, stack: u64, pos: u64) {
        match class {
            StackClass::Absent => {}
            StackClass::Other => self.gap(pos, true),
            StackClass::Match => {
                self.matched = true;
                if !matches!(self.says.last(), Some(Says::Match(_))) {
                    self.says.push(Says::Match(stack));
                }
            }
        }
    }

    /// The goroutine created another, with a stack of this class.
    #[inline]
    pub fn created(&mut self, birth: u32, class: StackClass) {
        if self.who.is_some() && class != StackClass::Other {
            self.says.push(Says::Created(birth));
        }
    }

    /// The run ends, and with `ended_at` the goroutine does.
    #[inline]
    pub fn finish(&mut self, ended_at: Option<u64>, out: &mut Found) {
        let Some((who, seq)) = self.who.take() else { return };
        if let Some(pos) = ended_at {
            self.says.push(Says::End(pos));
        }
        if !self.matched && out.add_glance(who, seq, &self.says) {
            return;
        }
        let mut order = 0;
        for &says in &self.says {
            // Creations only matter inside a stretch, and those have a matching stack in the run.
            if self.matched || !matches!(says, Says::Created(_)) {
                order += 1;
                out.evidence.push(Evidence { who, seq, order, says });
            }
        }
    }

    /// A status carried the stack of a goroutine that does not run.
    pub fn announced(who: Who, class: StackClass, stack: u64, pos: u64, out: &mut Found) {
        let says = match class {
            StackClass::Absent => return,
            StackClass::Match => Says::Match(stack),
            StackClass::Other => Says::Gap(Gap { first: pos, last: pos, other: true }),
        };
        out.evidence.push(Evidence { who, seq: 0, order: 0, says });
    }
}

/// A stretch that is being put together.
#[derive(Clone, Debug)]
struct Open<S> {
    start: Option<u64>,
    stack: S,
    /// Where it ends if no matching stack follows.
    tentative_end: Option<u64>,
    births: Vec<u32>,
}

/// A finished stretch: places in the file where it starts and ends, and what was created inside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StretchFound<S> {
    /// Place of the event that starts it; none: it is older than the trace.
    pub start: Option<u64>,
    /// Place of the event that ends it; none: it outlasts the trace.
    pub end: Option<u64>,
    /// Its first matching stack.
    pub stack: S,
    /// Goroutines created inside.
    pub births: Vec<u32>,
}

/// The stretches of one goroutine, put together from its evidence in order. `S` is a stack, `births` whatever
/// numbers the caller gave to creations.
#[derive(Clone, Debug)]
pub struct Stretches<S> {
    open: Option<Open<S>>,
    last_gap: Option<u64>,
    /// Creations whose stretch is not decided yet.
    pending: Vec<u32>,
}

impl<S> Default for Stretches<S> {
    fn default() -> Self {
        Self { open: None, last_gap: None, pending: Vec::new() }
    }
}

impl<S> Stretches<S> {
    /// A run that began in an earlier generation had its last gap there.
    pub fn continued_from(last_gap: Option<u64>) -> Self {
        Self { last_gap, ..Self::default() }
    }

    /// Whether a stretch is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// A matching stack.
    pub fn matched(&mut self, stack: S) {
        let start = self.last_gap;
        let open = self.open.get_or_insert_with(|| Open { start, stack, tentative_end: None, births: Vec::new() });
        open.tentative_end = None;
        open.births.append(&mut self.pending);
    }

    /// A time without a matching stack; gives the stretch that it ends.
    pub fn gap(&mut self, gap: Gap) -> Option<StretchFound<S>> {
        self.last_gap = Some(gap.last);
        let Some(open) = &mut self.open else {
            self.pending.clear();
            return None;
        };
        let end = *open.tentative_end.get_or_insert(gap.first);
        if gap.other { self.close(Some(end)) } else { None }
    }

    /// The goroutine created another.
    pub fn created(&mut self, birth: u32) {
        match &mut self.open {
            Some(open) if open.tentative_end.is_none() => open.births.push(birth),
            _ => self.pending.push(birth),
        }
    }

    /// The goroutine, or the trace (`None`), ends.
    pub fn end(&mut self, pos: Option<u64>) -> Option<StretchFound<S>> {
        let tentative = self.open.as_ref()?.tentative_end;
        self.close(tentative.or(pos))
    }

    fn close(&mut self, end: Option<u64>) -> Option<StretchFound<S>> {
        self.pending.clear();
        let open = self.open.take()?;
        Some(StretchFound { start: open.start, end, stack: open.stack, births: open.births })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R resume, N other stack, M match, C create, E end; each at the place of its letter.
    fn stretches(text: &str) -> Vec<(Option<u64>, Option<u64>, Vec<u32>)> {
        let mut s = Stretches::default();
        let mut found = Vec::new();
        for (i, c) in text.chars().enumerate() {
            let pos = i as u64;
            let gap = |other| Gap { first: pos, last: pos, other };
            match c {
                'R' => found.extend(s.gap(gap(false))),
                'N' => found.extend(s.gap(gap(true))),
                'M' => s.matched(()),
                'C' => s.created(i as u32),
                'E' => found.extend(s.end(Some(pos))),
                _ => {}
            }
        }
        found.extend(s.end(None));
        found.into_iter().map(|f| (f.start, f.end, f.births)).collect()
    }

    #[test]
    fn from_the_resume_to_the_next_resume() {
        assert_eq!(stretches("RMRN"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RMRRN"), [(Some(0), Some(2), vec![])]);
    }

    #[test]
    fn from_the_last_other_stack_if_later() {
        assert_eq!(stretches("RNMRN"), [(Some(1), Some(3), vec![])]);
    }

    #[test]
    fn an_other_stack_in_the_same_run_ends_it() {
        assert_eq!(stretches("RMNRN"), [(Some(0), Some(2), vec![])]);
    }

    #[test]
    fn matches_in_a_row_are_one_stretch() {
        assert_eq!(stretches("RMRMRRMRN"), [(Some(0), Some(7), vec![])]);
        assert_eq!(stretches("RMRNRMRN").len(), 2);
    }

    #[test]
    fn edges_of_the_trace_and_of_the_goroutine() {
        assert_eq!(stretches("MRN"), [(None, Some(1), vec![])]);
        assert_eq!(stretches("RM"), [(Some(0), None, vec![])]);
        assert_eq!(stretches("RMR"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RME"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RMRE"), [(Some(0), Some(2), vec![])]);
        assert!(stretches("RNRN").is_empty());
    }

    #[test]
    fn creations_belong_to_the_stretch_around_them() {
        assert_eq!(stretches("RMCRN"), [(Some(0), Some(3), vec![2])]);
        assert_eq!(stretches("RMRCMRN"), [(Some(0), Some(5), vec![3])]);
        assert_eq!(stretches("RMRCN"), [(Some(0), Some(2), vec![])]);
        assert_eq!(stretches("RCMRN"), [(Some(0), Some(3), vec![1])]);
    }
}
