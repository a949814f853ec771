//! What the scans of one generation found, in little memory: most of it is never looked at. On the hot path.

use super::compact_run::{CompactRun, OtherStack};
use super::evidence::{EvidenceKind, GoroutineRef};
use super::evidence_log::EvidenceLog;
use super::evidence_pieces::LogBase;
use super::relevant_runs::RelevantEvidence;
use super::skipped::SkippedGoroutines;
use crate::trace::ids::GoId;
use rustc_hash::FxHashSet;

/// What one scan found.
#[derive(Default, Debug)]
pub(crate) struct EvidenceLists {
    /// All that is not the single gap of a run.
    pub(crate) log: EvidenceLog,
    /// Runs that are one gap, as far as they fit.
    pub(crate) compact: Vec<CompactRun>,
}

/// Memory for the evidence of one scan.
#[derive(Default, Debug)]
pub(crate) struct EvidenceMemory(EvidenceLists);

impl EvidenceMemory {
    /// Bytes of a file for each run, at least: its start and its end, with a stack and a reason.
    const PER_RUN: u64 = 12;

    /// Enough for the runs in so many bytes of a file, if it was not used before: growing would copy. What is not
    /// needed of it is never touched.
    #[must_use]
    pub(crate) fn for_bytes(mut self, bytes: u64) -> Self {
        if self.0.compact.capacity() == 0 {
            self.0.compact.reserve_exact((bytes / Self::PER_RUN) as usize);
        }
        self
    }

    /// The memory of lists whose contents are not needed any more.
    pub(crate) fn of(mut lists: EvidenceLists) -> Self {
        lists.log.clear();
        lists.compact.clear();
        Self(lists)
    }
}

/// The evidence of one generation.
#[derive(Default, Debug)]
pub(crate) struct EvidenceStore {
    pub(crate) relevant: RelevantEvidence,
    pub(crate) lists: EvidenceLists,
    /// What the scans of the threads after this one's found, in their order, until the relevant evidence is selected.
    pub(crate) following: Vec<EvidenceLists>,
    /// File position and time, in ticks, where the generation starts.
    pub(crate) start: LogBase,
    /// The goroutines of which the scan left something out, and those of the following scans.
    skipped: SkippedGoroutines,
    following_skipped: Vec<SkippedGoroutines>,
    /// Goroutines that had a stack that does not match, of those whose evidence was kept and not selected.
    pub(crate) outside: FxHashSet<GoId>,
}

impl EvidenceStore {
    /// Nothing yet, of a generation that starts here. `skips` is the size of a scan, in bytes, that
    /// leaves out runs with skippable stacks; none for one that keeps all.
    pub(crate) fn new(start: LogBase, EvidenceMemory(mut lists): EvidenceMemory, skips: Option<u64>) -> Self {
        lists.log.set_base(start);
        let skipped = skips.map_or_else(SkippedGoroutines::nothing, SkippedGoroutines::for_bytes);
        Self { lists, start, skipped, ..Self::default() }
    }

    /// Adds what a run says.
    pub(crate) fn add_run(&mut self, g: GoroutineRef, seq: u64, kinds: &[EvidenceKind]) {
        if !kinds.is_empty() {
            self.lists.log.add_run(g, seq, kinds);
        }
    }

    /// Adds what a status says of a goroutine that does not run.
    pub(crate) fn add_status(&mut self, g: GoroutineRef, kind: EvidenceKind) {
        self.lists.log.add_status(g, kind);
    }

    /// Leaves out a run of a goroutine; false if it must be kept.
    #[inline]
    pub(crate) fn skip(&mut self, id: GoId) -> bool {
        self.skipped.add(id)
    }

    /// Whether a run of a goroutine was left out.
    pub(crate) fn has_skipped(&self, id: GoId) -> bool {
        std::iter::once(&self.skipped).chain(&self.following_skipped).any(|skipped| skipped.has(id))
    }

    /// Whether a goroutine whose evidence was not selected as relevant had a stack that does not match.
    pub(crate) fn was_outside(&self, id: GoId) -> bool {
        self.outside.contains(&id) || self.has_skipped(id)
    }

    /// Adds what the scan of the following threads found, which has `births` births before its own.
    pub(crate) fn join(&mut self, mut next: Self, births: u32) {
        next.lists.log.shift_births(births);
        next.following.iter_mut().for_each(|lists| lists.log.shift_births(births));
        // Compact runs name no births.
        self.following.push(next.lists);
        self.following.append(&mut next.following);
        self.following_skipped.push(next.skipped);
        self.following_skipped.append(&mut next.following_skipped);
    }

    /// Adds a run without a matching stack in little memory; false, with nothing changed, if it does not fit. A run that
    /// says nothing is not kept.
    pub(crate) fn add_plain_run(&mut self, g: GoroutineRef, seq: u64, kinds: &[EvidenceKind]) -> bool {
        let Some(EvidenceKind::Gap(first)) = kinds.first() else { return kinds.is_empty() };
        // The goroutine's end ends a stretch, as a stack that does not match does.
        let end_of_stretch = |kind: &EvidenceKind| match kind {
            EvidenceKind::Gap(gap) if gap.has_other() => Some(gap.first_other),
            EvidenceKind::End(pos) => Some(*pos),
            _ => None,
        };
        let first_other = kinds.iter().find_map(end_of_stretch).unwrap_or(0);
        g.birth == GoroutineRef::NO_BIRTH && self.add_gap_run(g.id, seq, first.first, first_other)
    }

    /// The same for a run whose only gap begins at a file position. `first_other` is that of the first stack that does
    /// not match, where a stretch that is open ends; 0 when there is none.
    #[inline]
    pub(crate) fn add_gap_run(&mut self, id: GoId, seq: u64, pos: u64, first_other: u64) -> bool {
        let run = CompactRun::new(id.0, pos - self.start.pos, seq, OtherStack::new(pos, first_other));
        self.lists.compact.extend(run);
        run.is_some()
    }
}
