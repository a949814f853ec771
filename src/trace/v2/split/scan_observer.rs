//! What a scan of single threads reports of their events. On the hot path.

use crate::trace::ids::GoId;
use crate::trace::wire::event_spec::MAX_ARGS;

/// Receives the events of a generation as a scan reads them, thread by thread and each thread's batch by batch.
///
/// Goroutines come with the sequence number of the start that made the thread execute them; 0 for one that the
/// generation's status or its creation put on the thread.
pub(crate) trait ScanObserver {
    /// The scan begins a thread, given by its index among the generation's threads.
    fn begin_thread(&mut self, _thread: usize) {}
    /// The scan begins the thread's next batch. True if the batch's events are to be reported.
    fn begin_batch(&mut self) -> bool {
        false
    }
    /// `GoBlock` or `GoStop` of goroutine `id`, which the thread executed.
    fn stop(&mut self, _code: u8, _id: GoId, _seq: u64) {}
    /// `GoUnblock` of goroutine `id`, with the sequence number of this event.
    fn unblock(&mut self, _id: GoId, _seq: u64) {}
    /// Which goroutine the thread executes by now; `None` for none. The fast path of a scan reports its `GoStart`s by
    /// this alone, once before the next call of [`Self::event`]: a start and the [`Self::stop`] after it may both have
    /// come before that.
    fn set_running(&mut self, _running: Option<(GoId, u64)>) {}
    /// Any event, in particular any that has no method of its own.
    fn event(&mut self, _code: u8, _args: [u64; MAX_ARGS]) {}
    /// The rest of the batch cannot be read.
    fn lose_track(&mut self) {}
    /// The scan ends the thread.
    fn end_thread(&mut self) {}
}

/// Observes nothing.
pub(crate) struct NoObserver;

impl ScanObserver for NoObserver {}
