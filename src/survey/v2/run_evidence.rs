//! The evidence of one run, a goroutine's time on a thread, from its start to its end.

use super::evidence::{EvidenceKind, GoroutineRef, RunGap, ServerStacks};
use super::evidence_store::EvidenceStore;
use crate::survey::roots::servers::ServerStep;
use crate::survey::roots::stack_class::StackClass;
use crate::survey::roots::stack_evidence::{Match, StackHolds};
use crate::trace::ids::GoId;
use crate::trace::wire::event_spec::code;

/// Collects the evidence of one run.
pub(crate) struct RunEvidence {
    /// The goroutine; [`GoroutineRef::NONE`] when none runs.
    g: GoroutineRef,
    /// Its sequence number when the run began.
    seq: u64,
    /// What the run says, but for the last gap.
    kinds: Vec<EvidenceKind>,
    /// The gap that follows all that. Most runs consist of one gap.
    gap: Option<RunGap>,
    /// Whether each piece is kept; else only where the first gap begins, and whether a stretch can outlast the run.
    is_detailed: bool,
}

/// A run that is one gap so far.
#[derive(Clone, Copy)]
pub(crate) struct GapOnlyRun {
    /// The goroutine.
    pub(crate) id: GoId,
    /// Its sequence number when the run began.
    pub(crate) seq: u64,
    /// The gap.
    pub(crate) gap: RunGap,
}

/// A stack, and where and when it was recorded.
#[derive(Clone, Copy)]
pub(crate) struct StackAt {
    /// Wire id of the stack.
    pub(crate) stack: u64,
    /// File position of the event.
    pub(crate) pos: u64,
    /// When it happened, in ticks.
    pub(crate) ticks: u64,
    /// The event's code.
    pub(crate) code: u8,
}

impl StackAt {
    fn holds(self) -> StackHolds {
        match self.code {
            code::GO_BLOCK => StackHolds::WhileItWaits,
            code::GO_STOP | code::GO_SYSCALL_BEGIN => StackHolds::UntilItRuns,
            code::GO_STATUS_STACK => StackHolds::SinceItRan,
            _ => StackHolds::AMoment,
        }
    }

    fn server_stacks(self, class: StackClass) -> ServerStacks {
        let Self { stack, pos, ticks, .. } = self;
        let StackClass { step, matches, call, .. } = class;
        ServerStacks { step, matches, call, holds: self.holds(), len: 0, stack, pos, ticks }
    }

    fn matching(self, class: StackClass) -> Match<u64> {
        let Self { stack, pos, .. } = self;
        Match { stack, call: class.call, first: pos, last: pos, holds: self.holds() }
    }
}

impl Default for RunEvidence {
    fn default() -> Self {
        Self { g: GoroutineRef::NONE, seq: 0, kinds: Vec::new(), gap: None, is_detailed: false }
    }
}

impl RunEvidence {
    /// A run begins; `resumed_at` is the file position and the time, in ticks, of the event that put the goroutine on
    /// the thread, none when there is no such event.
    #[inline]
    pub(crate) fn begin(&mut self, g: GoroutineRef, seq: u64, resumed_at: Option<(u64, u64)>) {
        self.g = g;
        self.seq = seq;
        self.kinds.clear();
        self.is_detailed = false;
        self.gap = resumed_at.map(|(pos, ticks)| RunGap::at(pos, ticks, false));
    }

    #[inline]
    fn add_gap(&mut self, pos: u64, ticks: u64, other: bool) {
        if let Some(gap) = &mut self.gap {
            gap.last = pos;
            gap.ticks = ticks;
            if other && !gap.has_other() {
                gap.first_other = pos;
            }
        } else {
            self.gap = Some(RunGap::at(pos, ticks, other));
        }
    }

    fn add(&mut self, kind: EvidenceKind) {
        self.kinds.extend(self.gap.take().map(EvidenceKind::Gap));
        self.kinds.push(kind);
    }

    /// File position of the last resume or stack that does not match; none when there was none.
    pub(crate) fn last_gap(&self) -> Option<u64> {
        let before = || {
            self.kinds.iter().rev().find_map(|kind| match kind {
                EvidenceKind::Gap(gap) => Some(gap.last),
                EvidenceKind::Server(seen) if !seen.matches => Some(seen.last()),
                _ => None,
            })
        };
        self.gap.map(|gap| gap.last).or_else(before)
    }

    /// The goroutine runs again, after a system call.
    #[inline]
    pub(crate) fn resume(&mut self, pos: u64, ticks: u64) {
        if self.g != GoroutineRef::NONE {
            self.add_gap(pos, ticks, false);
        }
    }

    /// No goroutine runs any more; what the run said was stored.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.begin(GoroutineRef::NONE, 0, None);
    }

    /// The run so far; none if it is more than one gap, or the goroutine's id is ambiguous.
    #[inline]
    pub(crate) fn gap_only(&self) -> Option<GapOnlyRun> {
        let Self { g, seq, .. } = *self;
        let is_one_gap = !self.is_detailed && self.kinds.is_empty() && g.birth == GoroutineRef::NO_BIRTH;
        let gap = self.gap.filter(|_| is_one_gap)?;
        Some(GapOnlyRun { id: g.id, seq, gap })
    }

    /// Goes on with a run that is one gap so far.
    #[inline]
    pub(crate) fn restore(&mut self, GapOnlyRun { id, seq, gap }: GapOnlyRun) {
        self.begin(GoroutineRef::by_id(id), seq, None);
        self.gap = Some(gap);
    }

    /// The goroutine's own stack was recorded.
    #[inline(always)]
    pub(crate) fn stack(&mut self, class: StackClass, at: StackAt) {
        if class.step != ServerStep::None {
            self.is_detailed = true;
            self.server_stack(at.server_stacks(class));
        } else if class.excludes() {
            self.add_gap(at.pos, at.ticks, true);
        } else if class.matches {
            self.is_detailed = true;
            self.matched(at.matching(class));
        }
    }

    /// Of several of one call in a row one piece is enough, but one on which the goroutine waits is kept apart.
    fn matched(&mut self, next: Match<u64>) {
        if self.gap.is_none()
            && next.holds != StackHolds::WhileItWaits
            && let Some(EvidenceKind::Match(before)) = self.kinds.last_mut()
            && !before.call.is_other_than(next.call)
        {
            (before.last, before.holds, before.call) = (next.last, next.holds, before.call.or(next.call));
            return;
        }
        self.add(EvidenceKind::Match(next));
    }

    /// Of a handler's many stacks one is enough, and of the resumes between them none is needed.
    fn server_stack(&mut self, seen: ServerStacks) {
        if self.gap.is_none_or(|gap| !gap.has_other())
            && let Some(EvidenceKind::Server(last)) = self.kinds.last_mut()
            && last.absorb(&seen)
        {
            self.gap = None;
            return;
        }
        self.add(EvidenceKind::Server(seen));
    }

    /// The goroutine created another, with a stack of this class.
    #[inline]
    pub(crate) fn created(&mut self, birth: u32, class: StackClass) {
        if self.g != GoroutineRef::NONE && class.may_be_inside() {
            self.add(EvidenceKind::Created(birth));
        }
    }

    /// The rest of the run is in the next generation, so each piece so far is kept.
    pub(crate) fn keep_details(&mut self) {
        self.is_detailed = true;
    }

    /// The run ends, and with `ended_at` the goroutine does, at that file position.
    pub(crate) fn finish(&mut self, ended_at: Option<u64>, out: &mut EvidenceStore) {
        let Self { g, seq, .. } = *self;
        if g == GoroutineRef::NONE {
            return;
        }
        self.g = GoroutineRef::NONE;
        self.kinds.extend(self.gap.take().map(EvidenceKind::Gap));
        self.kinds.extend(ended_at.map(EvidenceKind::End));
        if !self.is_detailed && out.add_plain_run(g, seq, &self.kinds) {
            return;
        }
        if !self.is_detailed {
            // Creations only matter inside a stretch, and those have a matching stack in the run.
            self.kinds.retain(|kind| !matches!(kind, EvidenceKind::Created(_)));
        }
        out.add_run(g, seq, &self.kinds);
    }

    /// A status carried the stack of a goroutine that does not run.
    pub(crate) fn status(g: GoroutineRef, class: StackClass, at: StackAt, out: &mut EvidenceStore) {
        let kind = if class.step != ServerStep::None {
            EvidenceKind::Server(at.server_stacks(class))
        } else if class.excludes() {
            EvidenceKind::Gap(RunGap::at(at.pos, at.ticks, true))
        } else if class.matches {
            EvidenceKind::Match(at.matching(class))
        } else {
            return;
        };
        out.add_status(g, kind);
    }
}
