//! When the paths of a part's own requests are walked, while the part is measured.
//!
//! The fast path takes nearly all events, and knows nothing of walks. So it is taken up to a moment only, at which enough is
//! likely logged for the next walk; then this looks, and sets the next moment.

use crate::measure::core::MeasureCore;
use crate::measure::intervals::log::IntervalLogMemory;
use crate::measure::paths::in_part::PartPaths;
use crate::measure::paths::known_before::KnownBefore;
use crate::measure::paths::requests::MeasuredTo;
use crate::measure::spec::MeasureSpec;
use crate::trace::time::Time;
use std::sync::Arc;

/// What the measurers of parts share.
pub(crate) struct PartResources<'a> {
    pub(super) spec: MeasureSpec<'a>,
    /// The memory of the whole's interval log.
    pub(super) memory: IntervalLogMemory,
    /// What walks know of the whole trace; none where parts walk no paths.
    pub(super) known: Option<Arc<KnownBefore>>,
}

/// The requests of a part, and when to look whether they are worth a walk.
pub(super) struct PartWalks {
    pub(super) paths: PartPaths,
    /// From this moment on it is time to look.
    pub(super) look_at: Time,
    /// When it was looked last, and how much was logged then.
    looked: (Time, usize),
}

/// Shortest and longest time between two looks, in ns.
const LEAST_NS: u64 = 1_000;
const MOST_NS: u64 = 10_000_000;

impl PartWalks {
    pub(super) fn new(spec: MeasureSpec<'_>, known: Arc<KnownBefore>) -> Self {
        Self { paths: PartPaths::new(spec, known), look_at: Time::MAX, looked: (Time::MIN, 0) }
    }

    /// A part begins.
    pub(super) fn begin(&mut self, core: &mut MeasureCore<'_>) {
        self.paths.begin(core.spec);
        self.look_at = Time::MAX;
    }

    /// The first event that is measured in the part is at `time`.
    pub(super) fn begin_at(&mut self, time: Time) {
        self.paths.begin_at(time);
        self.looked = (time, 0);
        self.look_at = time + LEAST_NS as i64;
    }

    /// Walks if enough was logged up to `now`, and sets when to look next.
    pub(super) fn look(&mut self, core: &mut MeasureCore<'_>, now: Time) {
        let logged = |core: &MeasureCore<'_>| core.log.as_ref().map_or(0, |log| log.len());
        let (since, before) = self.looked;
        let new = logged(core).saturating_sub(before) as u64;
        let in_ns = now.since(since).max(1);
        if logged(core) >= self.paths.due() {
            self.walk(core, now);
        }
        let left = self.paths.due().saturating_sub(logged(core)) as u64;
        let until_due = u128::from(left) * u128::from(in_ns) / u128::from(new.max(1));
        let next = u64::try_from(until_due).unwrap_or(MOST_NS).clamp(LEAST_NS, MOST_NS);
        self.looked = (now, logged(core));
        self.look_at = now + next as i64;
    }

    fn walk(&mut self, core: &mut MeasureCore<'_>, now: Time) {
        for time in core.unknown_before.drain(..) {
            self.paths.note_unknown_before(time);
        }
        let (open, final_to, keeps_all) = (core.open_sums(), core.final_to(now), core.has_older_windows());
        let MeasureCore { spec, windows, log, attribution, .. } = core;
        let Some(log) = log else { return };
        let to = MeasuredTo { now, spec: *spec, windows, open: &open, shared: false };
        self.paths.walk(to, (final_to, keeps_all), log, attribution);
    }
}
