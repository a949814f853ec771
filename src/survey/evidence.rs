//! What own stacks say, as one generation's scan of single threads finds it: about a selection by stack, and about
//! requests of a server.

use super::classes::StackClass;
use super::server::Step;
use crate::ids::GoId;

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

    /// The same goroutine in a scan with `births` births before those of its own.
    pub(super) fn behind(self, births: u32) -> Self {
        let birth = if self.birth == Self::ANY { Self::ANY } else { self.birth + births };
        Self { birth, ..self }
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

impl Evidence {
    /// Its place among those of one goroutine.
    pub(super) fn rank(&self) -> (u64, u32, u64) {
        // Only damage has two of the same number.
        let pos = if let Says::Gap(gap) = self.says { gap.first } else { 0 };
        (self.seq, self.order, pos)
    }
}

/// What a piece of evidence says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    /// A matching function is on the stack (wire id).
    Match(u64),
    /// The stack tells where in a server the goroutine is.
    Server(Seen),
    /// A time without a matching stack.
    Gap(Gap),
    /// The goroutine created another: its birth in the scan.
    Created(u32),
    /// The goroutine ended here.
    End(u64),
}

/// A stack that tells where in a server its goroutine is, or several in a row that say the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Where it is.
    pub step: Step,
    /// Whether a matching function is on it.
    pub matches: bool,
    /// The first that matches, else the first in a handler, else the first (wire id).
    pub stack: u64,
    /// Place of the first.
    pub pos: u64,
    /// When that was, in ticks.
    pub ticks: u64,
}

impl Seen {
    /// Takes in one that follows and tells nothing else: both on the way through one handler.
    fn absorb(&mut self, next: &Self) -> bool {
        let one = |step| match step {
            Step::Wrapped | Step::Handler => 1,
            Step::Stream | Step::StreamHandler => 2,
            _ => 0,
        };
        if one(self.step) == 0 || one(self.step) != one(next.step) {
            return false;
        }
        if !self.matches && (next.matches || next.step > self.step) {
            self.stack = next.stack;
        }
        self.matches |= next.matches;
        self.step = self.step.max(next.step);
        true
    }
}

/// A time without a matching stack: resumes, and stacks that do not match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Place of the first of them.
    pub first: u64,
    /// Place of the last of them.
    pub last: u64,
    /// When the last was, in ticks; 0 when that was not kept.
    pub ticks: u64,
    /// Whether a stack that does not match is among them; resumes alone do not end a stretch.
    pub other: bool,
}

/// A run without a matching stack, in a sixth of the memory: most runs are such, and only those of goroutines
/// that match elsewhere are ever looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Glance {
    /// The goroutine's id.
    id: u32,
    /// Where its gap begins, from the start of the generation on.
    offset: u32,
    /// The goroutine's sequence number; and, as the lowest bit, whether a stretch cannot outlast the run.
    seq_and_other: u32,
}

impl Glance {
    pub(super) fn who(self) -> Who {
        Who::named(GoId(self.id.into()))
    }

    /// In full, in a generation that starts there.
    pub(super) fn expanded(self, start: u64) -> Evidence {
        let pos = start + u64::from(self.offset);
        let says = Says::Gap(Gap { first: pos, last: pos, ticks: 0, other: self.seq_and_other & 1 == 1 });
        Evidence { who: self.who(), seq: u64::from(self.seq_and_other >> 1), order: 1, says }
    }
}

/// Most glances in eight bytes: the goroutine's id from a base on, the offset, the sequence number, and the lowest bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Small(u64);

impl Small {
    const ID_BITS: u32 = 22;
    /// The largest base: from there on ids still have 32 bits, as in a glance.
    const MAX_BASE: u64 = (1 << u32::BITS) - (1 << Self::ID_BITS);
    /// So few are moved when the base changes.
    const FEW: usize = 1024;
    const OFFSET_BITS: u32 = 28;
    const SEQ_BITS: u32 = 13;

    /// None if it does not fit.
    #[inline]
    fn new(id: u64, offset: u64, seq: u64, other: bool) -> Option<Self> {
        let fits = (id >> Self::ID_BITS | offset >> Self::OFFSET_BITS | seq >> Self::SEQ_BITS) == 0;
        let word = (id << Self::OFFSET_BITS | offset) << Self::SEQ_BITS | seq;
        fits.then_some(Self(word << 1 | u64::from(other)))
    }

    #[inline]
    pub(super) fn id(self, base: u64) -> GoId {
        GoId(base + (self.0 >> (u64::BITS - Self::ID_BITS)))
    }

    pub(super) fn glance(self, base: u64) -> Glance {
        let seq_and_other = (self.0 & ((1 << (Self::SEQ_BITS + 1)) - 1)) as u32;
        let offset = (self.0 >> (Self::SEQ_BITS + 1)) as u32 & ((1 << Self::OFFSET_BITS) - 1);
        Glance { id: self.id(base).0 as u32, offset, seq_and_other }
    }
}

/// What one scan found.
#[derive(Default, Debug)]
pub(super) struct Lists {
    /// All that was found one by one.
    pub(super) evidence: Vec<Evidence>,
    /// All else: what is small, with ids from this one on; and what is not.
    pub(super) small: Vec<Small>,
    pub(super) base: u64,
    pub(super) glances: Vec<Glance>,
}

/// Memory for the evidence of one scan.
#[derive(Default, Debug)]
pub struct EvidenceMemory(Lists);

impl EvidenceMemory {
    /// Bytes of a file for each run, at least: its start and its end, with a stack and a reason.
    const PER_RUN: u64 = 12;

    /// Enough for the runs in so many bytes of a file, if it was not used before: growing would copy. What is not
    /// needed of it is never touched.
    #[must_use]
    pub fn for_bytes(mut self, bytes: u64) -> Self {
        if self.0.small.capacity() == 0 {
            self.0.small.reserve_exact((bytes / Self::PER_RUN) as usize);
        }
        self
    }

    /// Memory whose contents are not needed any more.
    pub(super) fn of(mut lists: Lists) -> Self {
        lists.evidence.clear();
        lists.small.clear();
        lists.glances.clear();
        Self(Lists { base: 0, ..lists })
    }
}

/// The evidence of one generation.
#[derive(Default, Debug)]
pub struct Found {
    /// What was settled, in order.
    pub(super) relevant: Vec<Evidence>,
    pub(super) lists: Lists,
    /// What scans behind this one found, in their order, until it is settled.
    pub(super) joined: Vec<Lists>,
    /// Where the generation starts in the file.
    pub(super) start: u64,
}

impl Found {
    /// Nothing yet, of a generation that starts there in the file.
    pub fn new(start: u64, EvidenceMemory(lists): EvidenceMemory) -> Self {
        Self { lists, start, ..Self::default() }
    }

    /// Adds what the threads behind these said, whose scan has `births` births before its own.
    pub(super) fn join(&mut self, mut next: Self, births: u32) {
        for e in &mut next.lists.evidence {
            if let Says::Created(birth) = &mut e.says {
                *birth += births;
            }
            e.who = e.who.behind(births);
        }
        // Glances have no births.
        self.joined.push(next.lists);
    }

    /// Adds a run without a matching stack, if it fits; what says nothing is gone.
    fn add_glances(&mut self, who: Who, seq: u64, says: &[Says]) -> bool {
        let Some(Says::Gap(first)) = says.first() else { return says.is_empty() };
        // The goroutine's end ends a stretch where the gap began, as another stack does.
        let other = says.iter().any(|s| matches!(s, Says::Gap(Gap { other: true, .. }) | Says::End(_)));
        who.birth == Who::ANY && self.add_glance(who.id, seq, first.first, other)
    }

    /// The same of a run whose gap begins at a place.
    #[inline]
    pub fn add_glance(&mut self, id: GoId, seq: u64, pos: u64, other: bool) -> bool {
        let (offset, Lists { small, base, .. }) = (pos - self.start, &mut self.lists);
        match Small::new(id.0.wrapping_sub(*base), offset, seq, other) {
            Some(glance) => small.push(glance),
            None => return self.add_large(id, seq, offset, other),
        }
        true
    }

    #[inline(never)]
    fn add_large(&mut self, id: GoId, seq: u64, offset: u64, other: bool) -> bool {
        let Lists { small, base, glances, .. } = &mut self.lists;
        // Most ids are about that of the last goroutine; those of the runtime's own are low, and may come first.
        let below = id.0.saturating_sub(1 << (Small::ID_BITS - 1)).min(Small::MAX_BASE);
        if small.len() < Small::FEW && below > *base {
            glances.extend(small.drain(..).map(|small| small.glance(*base)));
            *base = below;
            return self.add_glance(id, seq, self.start + offset, other);
        }
        let fits = (offset | id.0 | seq | seq << 1) >> u32::BITS == 0;
        if fits {
            let seq_and_other = (seq as u32) << 1 | u32::from(other);
            glances.push(Glance { id: id.0 as u32, offset: offset as u32, seq_and_other });
        }
        fits
    }
}

/// Collects the evidence of one run: a goroutine's time on a thread.
pub struct RunEvidence {
    /// The goroutine; [`Who::NOBODY`] when none runs.
    who: Who,
    seq: u64,
    says: Vec<Says>,
    /// A gap behind all that: of most runs it is all there is.
    gap: Option<Gap>,
    /// Whether what it says is kept one by one.
    telling: bool,
}

/// A run of which one gap is to be said so far.
#[derive(Clone, Copy)]
pub struct PlainRun {
    /// The goroutine.
    pub id: GoId,
    /// Its sequence number when the run began.
    pub seq: u64,
    /// The gap.
    pub gap: Gap,
}

impl Default for RunEvidence {
    fn default() -> Self {
        Self { who: Who::NOBODY, seq: 0, says: Vec::new(), gap: None, telling: false }
    }
}

impl RunEvidence {
    /// A run begins; `resumed_at` is the place and the time of putting the goroutine on the thread, if seen.
    #[inline]
    pub fn begin(&mut self, who: Who, seq: u64, resumed_at: Option<(u64, u64)>) {
        self.who = who;
        self.seq = seq;
        self.says.clear();
        self.telling = false;
        self.gap = resumed_at.map(|(pos, ticks)| Gap { first: pos, last: pos, ticks, other: false });
    }

    #[inline]
    fn gap(&mut self, pos: u64, ticks: u64, other: bool) {
        if let Some(gap) = &mut self.gap {
            gap.last = pos;
            gap.ticks = ticks;
            gap.other |= other;
        } else {
            self.gap = Some(Gap { first: pos, last: pos, ticks, other });
        }
    }

    fn say(&mut self, says: Says) {
        self.says.extend(self.gap.take().map(Says::Gap));
        self.says.push(says);
    }

    /// The place of the last resume or stack that does not match.
    pub fn last_gap(&self) -> Option<u64> {
        let before = || {
            self.says.iter().rev().find_map(|s| match s {
                Says::Gap(gap) => Some(gap.last),
                Says::Server(seen) if !seen.matches => Some(seen.pos),
                _ => None,
            })
        };
        self.gap.map(|gap| gap.last).or_else(before)
    }

    /// The goroutine runs again, after a system call.
    #[inline]
    pub fn resume(&mut self, pos: u64, ticks: u64) {
        if self.who != Who::NOBODY {
            self.gap(pos, ticks, false);
        }
    }

    /// The run is over, and what it said was noted.
    #[inline]
    pub fn forget(&mut self) {
        self.begin(Who::NOBODY, 0, None);
    }

    /// The run so far, if there is one gap to be said of it and nothing else, of a goroutine whose id tells who it is.
    #[inline]
    pub fn plain(&self) -> Option<PlainRun> {
        let Self { who, seq, .. } = *self;
        let gap = self.gap.filter(|_| !self.telling && self.says.is_empty() && who.birth == Who::ANY)?;
        Some(PlainRun { id: who.id, seq, gap })
    }

    /// A run that is so far like this.
    #[inline]
    pub fn go_on(&mut self, PlainRun { id, seq, gap }: PlainRun) {
        self.begin(Who::named(id), seq, None);
        self.gap = Some(gap);
    }

    /// The goroutine's own stack was recorded.
    #[inline]
    pub fn stack(&mut self, class: StackClass, stack: u64, pos: u64, ticks: u64) {
        if class.step != Step::None {
            self.telling = true;
            self.server(Seen { step: class.step, matches: class.matches, stack, pos, ticks });
        } else if class.excludes() {
            self.gap(pos, ticks, true);
        } else if class.matches {
            self.telling = true;
            if self.gap.is_some() || !matches!(self.says.last(), Some(Says::Match(_))) {
                self.say(Says::Match(stack));
            }
        }
    }

    /// Of a handler's many stacks one is enough, and of the resumes between them none is needed.
    fn server(&mut self, seen: Seen) {
        if self.gap.is_none_or(|gap| !gap.other)
            && let Some(Says::Server(last)) = self.says.last_mut()
            && last.absorb(&seen)
        {
            self.gap = None;
            return;
        }
        self.say(Says::Server(seen));
    }

    /// The goroutine created another, with a stack of this class.
    #[inline]
    pub fn created(&mut self, birth: u32, class: StackClass) {
        if self.who != Who::NOBODY && class.may_be_inside() {
            self.say(Says::Created(birth));
        }
    }

    /// The rest of the run is in the next generation: what it says so far is kept as it is.
    pub fn goes_on(&mut self) {
        self.telling = true;
    }

    /// The run ends, and with `ended_at` the goroutine does.
    pub fn finish(&mut self, ended_at: Option<u64>, out: &mut Found) {
        let Self { who, seq, .. } = *self;
        if who == Who::NOBODY {
            return;
        }
        self.who = Who::NOBODY;
        self.says.extend(self.gap.take().map(Says::Gap));
        self.says.extend(ended_at.map(Says::End));
        if !self.telling && out.add_glances(who, seq, &self.says) {
            return;
        }
        let mut order = 0;
        for &says in &self.says {
            // Creations only matter inside a stretch, and those have a matching stack in the run.
            if self.telling || !matches!(says, Says::Created(_)) {
                order += 1;
                out.lists.evidence.push(Evidence { who, seq, order, says });
            }
        }
    }

    /// A status carried the stack of a goroutine that does not run.
    pub fn announced(who: Who, class: StackClass, stack: u64, pos: u64, ticks: u64, out: &mut Found) {
        let says = if class.step != Step::None {
            Says::Server(Seen { step: class.step, matches: class.matches, stack, pos, ticks })
        } else if class.excludes() {
            Says::Gap(Gap { first: pos, last: pos, ticks, other: true })
        } else if class.matches {
            Says::Match(stack)
        } else {
            return;
        };
        out.lists.evidence.push(Evidence { who, seq: 0, order: 0, says });
    }
}
