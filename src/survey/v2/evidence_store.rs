//! What the scans of one generation found, in little memory: most of it is never looked at. HOT.

use super::evidence::{Evidence, EvidenceKind, Gap, Who};
use super::scan_concat::ShiftBirths as _;
use super::skipped::Skipped;
use crate::trace::ids::GoId;

/// A run without a matching stack, in a sixth of the memory: most runs are such, and only those of goroutines
/// that match elsewhere are ever looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CompactRun {
    /// The goroutine's id.
    id: u32,
    /// Where its gap begins, from the start of the generation on.
    offset: u32,
    /// The goroutine's sequence number; and, as the lowest bit, whether a stretch cannot outlast the run.
    seq_and_other: u32,
}

impl CompactRun {
    pub(crate) fn who(self) -> Who {
        Who::named(GoId(self.id.into()))
    }

    /// In full, in a generation that starts there.
    pub(crate) fn expanded(self, start: u64) -> Evidence {
        let pos = start + u64::from(self.offset);
        let says = EvidenceKind::Gap(Gap { first: pos, last: pos, ticks: 0, other: self.seq_and_other & 1 == 1 });
        Evidence { who: self.who(), seq: u64::from(self.seq_and_other >> 1), order: 1, says }
    }
}

/// Most glances in eight bytes: the goroutine's id from a base on, the offset, the sequence number, and the lowest bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PackedRun(u64);

impl PackedRun {
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
    pub(crate) fn id(self, base: u64) -> GoId {
        GoId(base + (self.0 >> (u64::BITS - Self::ID_BITS)))
    }

    pub(crate) fn glance(self, base: u64) -> CompactRun {
        let seq_and_other = (self.0 & ((1 << (Self::SEQ_BITS + 1)) - 1)) as u32;
        let offset = (self.0 >> (Self::SEQ_BITS + 1)) as u32 & ((1 << Self::OFFSET_BITS) - 1);
        CompactRun { id: self.id(base).0 as u32, offset, seq_and_other }
    }
}

/// What one scan found.
#[derive(Default, Debug)]
pub(crate) struct Lists {
    /// All that was found one by one.
    pub(crate) evidence: Vec<Evidence>,
    /// All else: what is small, with ids from this one on; and what is not.
    pub(crate) small: Vec<PackedRun>,
    pub(crate) base: u64,
    pub(crate) glances: Vec<CompactRun>,
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
    pub(crate) fn of(mut lists: Lists) -> Self {
        lists.evidence.clear();
        lists.small.clear();
        lists.glances.clear();
        Self(Lists { base: 0, ..lists })
    }
}

/// The evidence of one generation.
#[derive(Default, Debug)]
pub struct EvidenceStore {
    /// What was settled, in order.
    pub(crate) relevant: Vec<Evidence>,
    pub(crate) lists: Lists,
    /// What scans behind this one found, in their order, until it is settled.
    pub(crate) joined: Vec<Lists>,
    /// Where the generation starts in the file.
    pub(crate) start: u64,
    /// The goroutines of which something was left out; and in scans behind this one.
    skipped: Skipped,
    skipped_behind: Vec<Skipped>,
}

impl EvidenceStore {
    /// Nothing yet, of a generation that starts there in the file. What is dull is left out in a scan of so many bytes;
    /// none for nothing.
    pub fn new(start: u64, EvidenceMemory(lists): EvidenceMemory, skips: Option<u64>) -> Self {
        let skipped = skips.map_or_else(Skipped::nothing, Skipped::for_bytes);
        Self { lists, start, skipped, ..Self::default() }
    }

    /// Leaves out a run of a goroutine; false if it must not be.
    #[inline]
    pub(crate) fn skip(&mut self, id: GoId) -> bool {
        self.skipped.add(id)
    }

    /// Whether a run of a goroutine was left out.
    pub(crate) fn has_skipped(&self, id: GoId) -> bool {
        std::iter::once(&self.skipped).chain(&self.skipped_behind).any(|skipped| skipped.has(id))
    }

    /// Adds what the threads behind these said, whose scan has `births` births before its own.
    pub(crate) fn join(&mut self, mut next: Self, births: u32) {
        for e in &mut next.lists.evidence {
            if let EvidenceKind::Created(birth) = &mut e.says {
                *birth += births;
            }
            e.who = e.who.behind(births);
        }
        // Glances have no births.
        self.joined.push(next.lists);
        self.skipped_behind.push(next.skipped);
        self.skipped_behind.append(&mut next.skipped_behind);
    }

    /// Adds a run without a matching stack, if it fits; what says nothing is gone.
    pub(crate) fn add_glances(&mut self, who: Who, seq: u64, says: &[EvidenceKind]) -> bool {
        let Some(EvidenceKind::Gap(first)) = says.first() else { return says.is_empty() };
        // The goroutine's end ends a stretch where the gap began, as another stack does.
        let other = says.iter().any(|s| matches!(s, EvidenceKind::Gap(Gap { other: true, .. }) | EvidenceKind::End(_)));
        who.birth == Who::ANY && self.add_glance(who.id, seq, first.first, other)
    }

    /// The same of a run whose gap begins at a place.
    #[inline]
    pub fn add_glance(&mut self, id: GoId, seq: u64, pos: u64, other: bool) -> bool {
        let (offset, Lists { small, base, .. }) = (pos - self.start, &mut self.lists);
        match PackedRun::new(id.0.wrapping_sub(*base), offset, seq, other) {
            Some(glance) => small.push(glance),
            None => return self.add_large(id, seq, offset, other),
        }
        true
    }

    #[inline(never)]
    fn add_large(&mut self, id: GoId, seq: u64, offset: u64, other: bool) -> bool {
        let Lists { small, base, glances, .. } = &mut self.lists;
        // Most ids are about that of the last goroutine; those of the runtime's own are low, and may come first.
        let below = id.0.saturating_sub(1 << (PackedRun::ID_BITS - 1)).min(PackedRun::MAX_BASE);
        if small.len() < PackedRun::FEW && below > *base {
            glances.extend(small.drain(..).map(|small| small.glance(*base)));
            *base = below;
            return self.add_glance(id, seq, self.start + offset, other);
        }
        let fits = (offset | id.0 | seq | seq << 1) >> u32::BITS == 0;
        if fits {
            let seq_and_other = (seq as u32) << 1 | u32::from(other);
            glances.push(CompactRun { id: id.0 as u32, offset: offset as u32, seq_and_other });
        }
        fits
    }
}
