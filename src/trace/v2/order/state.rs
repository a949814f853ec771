//! The state of a generation's order at a time.

use super::scheduler::Scheduler;
use super::threads::Position;
use crate::trace::time::Time;

/// All that the order of a generation from a time on depends on: an order can start from it, or stop where it finds it.
#[derive(Clone)]
pub struct OrderState {
    /// Events before this time were taken, those from it on were not.
    pub(crate) time: Time,
    /// The next event of each thread, in the order of the generation's threads; `None` for a thread without any.
    pub(crate) positions: Vec<Option<Position>>,
    /// The scheduler's state.
    pub(crate) scheduler: Scheduler,
    /// How many of the generation's CPU samples are before the time.
    pub(crate) n_samples: usize,
}
