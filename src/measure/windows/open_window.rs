//! One window while it is measured.

use crate::trace::time::{Time, Window};

/// A window while it is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::measure) struct OpenWindow {
    /// [`Time::MIN`] when it started before the generation that is measured.
    pub(in crate::measure) start: Time,
    /// [`Time::MAX`] while it has not ended.
    pub(in crate::measure) end: Time,
    /// Of a task: when the goroutine that will end it took it over; [`Time::MIN`] before.
    pub(in crate::measure) handed_over: Time,
    /// Of one with inferred borders: its first matching stack; [`Time::MIN`] before.
    pub(in crate::measure) seen_start: Time,
    /// Of one with inferred borders: when its last matching stack held no more; [`Time::MAX`] before.
    pub(in crate::measure) seen_end: Time,
    /// Time added for it, of all its goroutines; kept where paths are walked.
    pub(in crate::measure) ns: u64,
    /// Whether any time was added.
    pub(in crate::measure) has_time: bool,
    /// Whether it began before the trace.
    pub(in crate::measure) cut_start: bool,
    /// Whether the trace ends before it.
    pub(in crate::measure) cut_end: bool,
}

impl OpenWindow {
    /// How much of a span it certainly lasted, in ns, where its borders are inferred.
    pub(super) fn seen_ns(&self, span: Window) -> u64 {
        // Without its first matching stack, which damage can take away, nothing is certain.
        if self.seen_start == Time::MIN { 0 } else { span.overlap(self.seen_start, self.seen_end) }
    }

    /// Whether an edge of the trace, or of the part of it looked at, cuts it.
    pub(in crate::measure) fn is_cut(&self, looked_at: Window) -> bool {
        let (start, end) = self.cuts(looked_at);
        start || end
    }

    /// Whether an edge cuts its beginning, and its end.
    pub(in crate::measure) fn cuts(&self, looked_at: Window) -> (bool, bool) {
        (self.cut_start || self.start < looked_at.start, self.cut_end || self.end > looked_at.end)
    }
}

/// Nothing is known of it.
pub(in crate::measure) const BLANK: OpenWindow = OpenWindow {
    start: Time::MIN,
    end: Time::MAX,
    handed_over: Time::MIN,
    seen_start: Time::MIN,
    seen_end: Time::MAX,
    ns: 0,
    has_time: false,
    cut_start: false,
    cut_end: false,
};
