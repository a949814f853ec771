//! What ordering finds wrong.

use crate::trace::time::Time;

/// What ordering found wrong, counted; each with the first place.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct OrderingErrors {
    /// Events whose turn never came and that were let through.
    pub forced: u64,
    /// Where the first of these stands, and when it was.
    pub first_forced: Option<(u64, Time)>,
    /// Events that contradict what is known.
    pub broken: u64,
    /// Where the first of these stands, when it was, and the rule.
    pub first_broken: Option<(u64, Time, &'static str)>,
}

impl OrderingErrors {
    #[cold]
    pub(crate) fn broken(&mut self, pos: u64, time: Time, rule: &'static str) {
        self.broken += 1;
        self.first_broken.get_or_insert((pos, time, rule));
    }

    #[cold]
    pub(crate) fn forced(&mut self, pos: u64, time: Time) {
        self.forced += 1;
        self.first_forced.get_or_insert((pos, time));
    }
}
