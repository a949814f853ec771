//! What is wrong with the order of events.

use crate::trace::time::Time;

/// How many events were out of order, and the first of each kind.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct OrderingErrors {
    /// Events that the scheduler's rules never allowed, and that happened all the same.
    pub forced: u64,
    /// The first of these: its offset in the file, and its time.
    pub first_forced: Option<(u64, Time)>,
    /// Events that contradict what is known.
    pub broken: u64,
    /// The first of these: its offset in the file, its time, and the rule that it breaks.
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
