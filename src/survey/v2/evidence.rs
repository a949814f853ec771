//! What own stacks say, as one generation's scan of single threads finds it: about a selection by stack, and about
//! requests of a server.

use super::evidence_store::EvidenceStore;
use crate::survey::roots::classify::StackClass;
use crate::survey::roots::servers::ServerStep;
use crate::trace::ids::GoId;

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
    pub says: EvidenceKind,
}

impl Evidence {
    /// Its place among those of one goroutine.
    pub(crate) fn rank(&self) -> (u64, u32, u64) {
        // Only damage has two of the same number.
        let pos = if let EvidenceKind::Gap(gap) = self.says { gap.first } else { 0 };
        (self.seq, self.order, pos)
    }
}

/// What a piece of evidence says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvidenceKind {
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
    pub step: ServerStep,
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
            ServerStep::Wrapped | ServerStep::Handler => 1,
            ServerStep::Stream | ServerStep::StreamHandler => 2,
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

/// Collects the evidence of one run: a goroutine's time on a thread.
pub struct RunEvidence {
    /// The goroutine; [`Who::NOBODY`] when none runs.
    who: Who,
    seq: u64,
    says: Vec<EvidenceKind>,
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

    fn say(&mut self, says: EvidenceKind) {
        self.says.extend(self.gap.take().map(EvidenceKind::Gap));
        self.says.push(says);
    }

    /// The place of the last resume or stack that does not match.
    pub fn last_gap(&self) -> Option<u64> {
        let before = || {
            self.says.iter().rev().find_map(|s| match s {
                EvidenceKind::Gap(gap) => Some(gap.last),
                EvidenceKind::Server(seen) if !seen.matches => Some(seen.pos),
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
        if class.step != ServerStep::None {
            self.telling = true;
            self.server(Seen { step: class.step, matches: class.matches, stack, pos, ticks });
        } else if class.excludes() {
            self.gap(pos, ticks, true);
        } else if class.matches {
            self.telling = true;
            if self.gap.is_some() || !matches!(self.says.last(), Some(EvidenceKind::Match(_))) {
                self.say(EvidenceKind::Match(stack));
            }
        }
    }

    /// Of a handler's many stacks one is enough, and of the resumes between them none is needed.
    fn server(&mut self, seen: Seen) {
        if self.gap.is_none_or(|gap| !gap.other)
            && let Some(EvidenceKind::Server(last)) = self.says.last_mut()
            && last.absorb(&seen)
        {
            self.gap = None;
            return;
        }
        self.say(EvidenceKind::Server(seen));
    }

    /// The goroutine created another, with a stack of this class.
    #[inline]
    pub fn created(&mut self, birth: u32, class: StackClass) {
        if self.who != Who::NOBODY && class.may_be_inside() {
            self.say(EvidenceKind::Created(birth));
        }
    }

    /// The rest of the run is in the next generation: what it says so far is kept as it is.
    pub fn goes_on(&mut self) {
        self.telling = true;
    }

    /// The run ends, and with `ended_at` the goroutine does.
    pub fn finish(&mut self, ended_at: Option<u64>, out: &mut EvidenceStore) {
        let Self { who, seq, .. } = *self;
        if who == Who::NOBODY {
            return;
        }
        self.who = Who::NOBODY;
        self.says.extend(self.gap.take().map(EvidenceKind::Gap));
        self.says.extend(ended_at.map(EvidenceKind::End));
        if !self.telling && out.add_glances(who, seq, &self.says) {
            return;
        }
        let mut order = 0;
        for &says in &self.says {
            // Creations only matter inside a stretch, and those have a matching stack in the run.
            if self.telling || !matches!(says, EvidenceKind::Created(_)) {
                order += 1;
                out.lists.evidence.push(Evidence { who, seq, order, says });
            }
        }
    }

    /// A status carried the stack of a goroutine that does not run.
    pub fn announced(who: Who, class: StackClass, stack: u64, pos: u64, ticks: u64, out: &mut EvidenceStore) {
        let says = if class.step != ServerStep::None {
            EvidenceKind::Server(Seen { step: class.step, matches: class.matches, stack, pos, ticks })
        } else if class.excludes() {
            EvidenceKind::Gap(Gap { first: pos, last: pos, ticks, other: true })
        } else if class.matches {
            EvidenceKind::Match(stack)
        } else {
            return;
        };
        out.lists.evidence.push(Evidence { who, seq: 0, order: 0, says });
    }
}
