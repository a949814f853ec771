//! Who hears of the events of single threads while these are read. HOT.

use crate::trace::ids::GoId;
use crate::trace::wire::event_spec::MAX_ARGS;

/// What hears of the events that are read, thread by thread.
pub trait ScanObserver {
    /// A thread begins, by its position among the generation's.
    fn begin_thread(&mut self, _thread: usize) {}
    /// The thread's next batch begins. Whether to hear of its events.
    fn begin_batch(&mut self) -> bool {
        false
    }
    /// A GoBlock or a GoStop of the goroutine that the thread executes, by its id and the sequence number of its start.
    fn stop(&mut self, _code: u8, _id: GoId, _seq: u64) {}
    /// A GoUnblock, of a goroutine by its id and sequence number.
    fn unblock(&mut self, _id: GoId, _seq: u64) {}
    /// What the thread executes by now: starts are told so, where the next event is neither of these, and stops too.
    fn run(&mut self, _running: Option<(GoId, u64)>) {}
    /// Any other event; any event.
    fn event(&mut self, _code: u8, _args: [u64; MAX_ARGS]) {}
    /// The rest of the batch cannot be read.
    fn lose(&mut self) {}
    /// The thread ends.
    fn end_thread(&mut self) {}
}

/// Hears of nothing.
pub struct NoObserver;

impl ScanObserver for NoObserver {}
